-- README's tour; made by test/lib/tour.sh, do not edit
CREATE SCHEMA shop;
CREATE TABLE shop.payment (
    id       bigint PRIMARY KEY,
    status   text NOT NULL DEFAULT 'created',
    amount   numeric(12,2) NOT NULL,
    captured numeric(12,2),
    currency char(3) NOT NULL DEFAULT 'USD',
    card     text
);
CREATE TABLE shop.refund (
    id         bigint PRIMARY KEY,
    payment_id bigint NOT NULL REFERENCES shop.payment,
    amount     numeric(12,2) NOT NULL,
    currency   char(3) NOT NULL DEFAULT 'USD',
    status     text NOT NULL DEFAULT 'requested'
);
CREATE INDEX ON shop.refund (payment_id);
CREATE TABLE shop.ledger_entry (id bigint PRIMARY KEY, account text, amount numeric(12,2));
SELECT paysafe.protect_status('shop.payment', 'status', $$
    stateDiagram-v2
    [*] --> created
    created --> authorized
    authorized --> captured
    authorized --> voided
    captured --> refunded
    voided --> [*]
    refunded --> [*]
$$);
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', 'captured', 'currency',
                               captured => '{captured}');
SELECT paysafe.protect_status('shop.refund', 'status', $$
    [*] --> requested
    requested --> approved
    requested --> rejected
    approved --> paid
$$);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment',
    payment_column => 'payment_id', amount_column => 'amount', currency_column => 'currency',
    status_column => 'status', gated => '{approved,paid}', void => '{rejected}',
    payment_amount_column => 'captured', payment_currency_column => 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 500);
SELECT paysafe.protect_append_only('shop.ledger_entry');
SELECT paysafe.audit('shop.payment', redact => '{card}');
SELECT paysafe.audit('shop.refund');
INSERT INTO shop.payment (id, amount, card) VALUES (1, 1000, '4242424242424242');
UPDATE shop.payment SET status = 'captured', captured = 1000 WHERE id = 1;    -- refused: skips a state
UPDATE shop.payment SET status = 'authorized' WHERE id = 1;
UPDATE shop.payment SET status = 'captured', captured = 1000 WHERE id = 1;
UPDATE shop.payment SET status = 'authorized' WHERE id = 1;                   -- refused: back
UPDATE shop.payment SET amount = 9000 WHERE id = 1;                           -- refused: frozen
INSERT INTO shop.ledger_entry VALUES (1, 'cash', 1000);
UPDATE shop.ledger_entry SET amount = 10 WHERE id = 1;                        -- refused: append-only
INSERT INTO shop.refund (id, payment_id, amount) VALUES (1, 1, 1000.01);      -- refused: over captured
BEGIN;
SELECT paysafe.act_as('alice', reason => 'arrived broken', ticket => 'T-77');
INSERT INTO shop.refund (id, payment_id, amount) VALUES (2, 1, 900);
COMMIT;
UPDATE shop.refund SET status = 'approved' WHERE id = 2;                      -- refused: nobody approved
SELECT key, amount, total_within, threshold, approvals_needed, requested_by FROM paysafe.pending_approval;
BEGIN;
SELECT paysafe.act_as('alice');
SELECT paysafe.approve('shop.refund', '2', 'it is fine');                     -- refused: her own
ROLLBACK;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '2', 'photo checked') > 0 AS approved;
COMMIT;
UPDATE shop.refund SET status = 'approved' WHERE id = 2;
SELECT op, before ->> 'status' AS before, after ->> 'status' AS after, actor_claimed, reason, ticket
  FROM paysafe.history('shop.refund', '2');
SELECT left(after ->> 'card', 9) AS card FROM paysafe.history('shop.payment', '1') LIMIT 1;
SELECT relation, rule, definition FROM paysafe.protection ORDER BY relation::text, rule;
SELECT paysafe.status_diagram('shop.payment');
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 400);
SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 5000);              -- refused: needs approval
