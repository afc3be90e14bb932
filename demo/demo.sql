-- The life of a payment.  Lines of this file that begin with "--" are told to
-- the reader; see script.awk for the marks.

CREATE EXTENSION paysafe;
CREATE ROLE shop_owner LOGIN;
CREATE ROLE shop_app LOGIN;
GRANT USAGE ON SCHEMA paysafe TO shop_owner, shop_app;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve,
    paysafe.approval_challenge, paysafe.approve_with_passkey TO shop_app;
\set bob `demo/passkey new bob`
\set bob_id `demo/passkey id bob`
\set eve `demo/passkey new eve`
\set eve_id `demo/passkey id eve`
\o /dev/null
SELECT paysafe.bootstrap_passkey('bob', decode(:'bob_id', 'hex'), decode(:'bob', 'hex'), 'shop.example', '{https://shop.example}', 'the first two')
     , paysafe.bootstrap_passkey('eve', decode(:'eve_id', 'hex'), decode(:'eve', 'hex'), 'shop.example', '{https://shop.example}', 'the first two');
\o
GRANT CREATE ON DATABASE shop TO shop_owner;

\connect - shop_owner
CREATE SCHEMA shop;
CREATE TABLE shop.payment (
	id			bigint PRIMARY KEY,
	status		text NOT NULL,
	currency	char(3) NOT NULL,
	amount		numeric(12,2) NOT NULL,
	captured	numeric(12,2) NOT NULL DEFAULT 0
);
CREATE TABLE shop.refund (
	id			bigint PRIMARY KEY,
	payment_id	bigint NOT NULL REFERENCES shop.payment,
	status		text NOT NULL,
	currency	char(3) NOT NULL,
	amount		numeric(12,2) NOT NULL
);
CREATE TABLE shop.ledger_entry (
	id			bigint PRIMARY KEY,
	transaction_id	bigint NOT NULL,
	account		text NOT NULL,
	currency	char(3) NOT NULL,
	amount		numeric(12,2) NOT NULL
);
CREATE INDEX ON shop.refund (payment_id);
CREATE INDEX ON shop.ledger_entry (transaction_id);
CREATE TABLE shop.wallet (
	id			bigint PRIMARY KEY,
	owner		text NOT NULL,
	balance		numeric(12,2) NOT NULL
);
INSERT INTO shop.wallet VALUES (1, 'carol', 100.00);
GRANT USAGE ON SCHEMA shop TO shop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO shop_app;

--# 1. The owner of the tables declares the rules, once

-- Which way a payment may go, drawn as a Mermaid state diagram:
SELECT paysafe.protect_status('shop.payment', 'status', $$
    stateDiagram-v2
    [*] --> authorized
    authorized --> captured : money taken
    authorized --> cancelled
    captured --> [*]
    cancelled --> [*]
$$);
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount',
                  'captured', 'currency',
                  captured => '{captured}');

-- Refunds: never more than was captured, and 'paid' is a gate: above 500.00 EUR
-- in 24 hours, counted per payment, a second person has to approve.
SELECT paysafe.protect_status('shop.refund', 'status', $$
    [*] --> requested
    requested --> paid : money sent
    requested --> rejected
    paid --> bounced : the bank sent it back
    bounced --> paid : try again
    rejected --> [*]
$$);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment',
                  'payment_id', 'amount', 'currency', 'status',
                  gated => '{paid}', void => '{rejected,bounced}',
                  payment_amount_column => 'captured',
                  payment_currency_column => 'currency');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 500.00);

-- The ledger is only ever added to and balances; nobody writes a wallet's balance
-- back that he has read without a lock; and everything is on record.
SELECT paysafe.protect_ledger('shop.ledger_entry',
                  'transaction_id', 'account', 'amount',
                  'currency');
SELECT paysafe.protect_row_lock('shop.wallet', '{balance}');
SELECT paysafe.audit('shop.payment');
SELECT paysafe.audit('shop.refund');

--# 2. A payment of 2,000.00 EUR is authorized and captured

\connect - shop_app
INSERT INTO shop.payment VALUES (1, 'authorized', 'EUR', 2000.00);
UPDATE shop.payment SET status = 'captured', captured = 2000.00
 WHERE id = 1;
INSERT INTO shop.ledger_entry VALUES
    (1, 1, 'bank', 'EUR', 2000.00), (2, 1, 'sales', 'EUR', -2000.00);

--# 3. Attack: set the captured payment back, to capture it again

--! 23T01
UPDATE shop.payment SET status = 'authorized' WHERE id = 1;

--# 4. Attack: "fix" a ledger row

--! 23L01
UPDATE shop.ledger_entry SET amount = 200.00 WHERE id = 1;
-- The owner of the table cannot do it either.
\connect - shop_owner
--! 23L01
DELETE FROM shop.ledger_entry WHERE id = 1;

--# 5. Attack: book money that comes from nowhere, and a little to the side

\connect - shop_app
--! 23L02
INSERT INTO shop.ledger_entry VALUES
    (3, 2, 'bank', 'EUR', 500.00), (4, 2, 'sales', 'EUR', -450.00);
-- The transaction that is posted takes no more entries, even if they balance.
--! 23L04
INSERT INTO shop.ledger_entry VALUES
    (5, 1, 'sales', 'EUR', 50.00), (6, 1, 'alice', 'EUR', -50.00);

--# 6. Two requests read the same wallet

-- One has read 100.00, the other one pays 30.00 in meanwhile; what the first one
-- writes back would lose it.
UPDATE shop.wallet SET balance = balance + 30.00 WHERE id = 1;
--! 23M04
UPDATE shop.wallet SET owner = 'carol', balance = 120.00
 WHERE id = 1;
-- With a lock on the row, or computed by the database, it is right:
BEGIN;
SELECT balance FROM shop.wallet WHERE id = 1 FOR UPDATE;
UPDATE shop.wallet SET owner = 'carol', balance = 150.00
 WHERE id = 1;
COMMIT;
UPDATE shop.wallet SET balance = balance - 50.00 WHERE id = 1;

--# 7. Alice requests a refund of 900.00 EUR, and pays it out herself

\connect - shop_app
BEGIN;
SELECT paysafe.act_as('alice', reason => 'broken on arrival',
                      ticket => 'SUP-71');
INSERT INTO shop.refund VALUES (1, 1, 'requested', 'EUR', 900.00);
COMMIT;

BEGIN;
SELECT paysafe.act_as('alice');
--! 42501
UPDATE shop.refund SET status = 'paid' WHERE id = 1;
ROLLBACK;

--# 8. Attack: split it into two halves, each below the threshold

BEGIN;
SELECT paysafe.act_as('alice', reason => 'first half',
                      ticket => 'SUP-71');
INSERT INTO shop.refund VALUES
    (2, 1, 'requested', 'EUR', 450.00),
    (3, 1, 'requested', 'EUR', 450.00);
UPDATE shop.refund SET status = 'paid' WHERE id = 2;
COMMIT;
-- The first half is small enough on its own.  The second is not small any more:
BEGIN;
SELECT paysafe.act_as('alice', reason => 'second half',
                      ticket => 'SUP-71');
--! 42501
UPDATE shop.refund SET status = 'paid' WHERE id = 3;
ROLLBACK;

--# 9. Attack: approve one's own refund

BEGIN;
SELECT paysafe.act_as('alice');
--! 42501
SELECT paysafe.approve('shop.refund', '1', 'looks good to me');
ROLLBACK;

--# 10. Bob approves it, for this refund, this amount and one time

BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '1', 'photo of the damage',
                       ticket => 'SUP-71') AS approval;
COMMIT;

BEGIN;
SELECT paysafe.act_as('alice', reason => 'approved by bob',
                      ticket => 'SUP-71');
UPDATE shop.refund SET status = 'paid' WHERE id = 1;
COMMIT;

--# 11. Attack: use the approval a second time

-- The bank returns the money.  To send it again is another payout:
BEGIN;
SELECT paysafe.act_as('alice', reason => 'account closed',
                      ticket => 'SUP-71');
UPDATE shop.refund SET status = 'bounced' WHERE id = 1;
COMMIT;
BEGIN;
SELECT paysafe.act_as('alice', reason => 'new account',
                      ticket => 'SUP-71');
--! 42501
UPDATE shop.refund SET status = 'paid' WHERE id = 1;
ROLLBACK;

--# 12. Attack: refund more than was captured

BEGIN;
SELECT paysafe.act_as('alice');
--! 23R01
INSERT INTO shop.refund VALUES (4, 1, 'requested', 'EUR', 1900.00);
ROLLBACK;

--# 13. Attack: the application itself says that it is Bob

-- Whoever has its password can say so.  So only passkeys are to count:
\connect - shop_owner
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 500.00,
                  approver_identity => 'passkey');
\connect - shop_app
BEGIN;
SELECT paysafe.act_as('alice', reason => 'a scratch',
                      ticket => 'SUP-72');
INSERT INTO shop.refund VALUES (5, 1, 'requested', 'EUR', 80.00);
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
--! 42501
SELECT paysafe.approve('shop.refund', '5', 'it is me, bob');
ROLLBACK;
-- Bob's browser asks the database what he approves, and shows it.  His passkey
-- signs it:
\! demo/passkey sign bob shop.refund 5
\set assertion `demo/passkey assertion`
SELECT paysafe.approve_with_passkey('shop.refund', '5', :'assertion',
                  'seen the scratch', 'SUP-72') AS approval;
-- It is of refund 5, once, whoever sends it.
--! 42501
SELECT paysafe.approve_with_passkey('shop.refund', '5', :'assertion',
                  'once more');
--! 42501
SELECT paysafe.approve_with_passkey('shop.refund', '3', :'assertion',
                  'that one, too');

--# 14. The rule in force is the diagram in the documentation

\connect - postgres
\pset format unaligned
\pset tuples_only on
SELECT paysafe.status_diagram('shop.payment');
\pset tuples_only off
\pset format aligned

--# 15. Attack: the owner takes the triggers away

\connect - shop_owner
--! 42501
ALTER TABLE shop.payment DISABLE TRIGGER paysafe;
--! 42501
DROP TABLE shop.refund;
-- A superuser cannot do it either, not even in the catalog.
\connect - postgres
--! 42501
UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'
 WHERE tgname = 'paysafe';

--# 16. What happened to refund 1

SELECT op, before ->> 'status' AS was, after ->> 'status' AS "is",
       actor, reason
  FROM paysafe.history('shop.refund', '1');
SELECT key AS refund, state, approver, reason, ended_by AS used_by
  FROM paysafe.approval;

--# 17. The audit trail

SELECT to_char(at, 'HH24:MI:SS') AS at, op, table_name AS "table",
       key, actor,
       before ->> 'status' AS was, after ->> 'status' AS "is"
  FROM paysafe.audit_log WHERE schema_name = 'shop'
 ORDER BY xid, seq;

--# 18. The attempts are on record too, although they were rolled back

\! sleep 2
SELECT to_char(at, 'HH24:MI:SS') AS at, sqlstate, rule,
       table_name AS "table", session_user_name AS login
  FROM paysafe.refusal_log ORDER BY at;

--# 19. Is every promise in force?  What is not would be named, with what to do

SELECT count(*) AS promises,
       count(*) FILTER (WHERE NOT ok) AS not_in_force
  FROM paysafe.check();
