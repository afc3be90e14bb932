-- vendure: a payment is captured when it is Settled, by its amount; neither it nor a
-- refund has a currency, which is the order's; and it is saved before it has an order.
CREATE TABLE "order" (id serial PRIMARY KEY, code varchar NOT NULL UNIQUE, state varchar NOT NULL, "currencyCode" varchar NOT NULL);
CREATE TABLE payment (id serial PRIMARY KEY, "updatedAt" timestamp NOT NULL DEFAULT now(), method varchar NOT NULL,
	amount integer NOT NULL, state varchar NOT NULL, "errorMessage" varchar, "transactionId" varchar,
	metadata text NOT NULL DEFAULT '{}', "orderId" integer REFERENCES "order");
CREATE INDEX ON payment ("orderId");
CREATE TABLE refund (id serial PRIMARY KEY, "updatedAt" timestamp NOT NULL DEFAULT now(), items integer NOT NULL DEFAULT 0,
	shipping integer NOT NULL DEFAULT 0, total integer NOT NULL, method varchar NOT NULL, state varchar NOT NULL,
	"transactionId" varchar, "paymentId" integer NOT NULL REFERENCES payment, metadata text NOT NULL DEFAULT '{}');
CREATE INDEX ON refund ("paymentId");

SELECT paysafe.protect_status('payment', 'state', '
	[*] --> Created
	Created --> Authorized
	Created --> Settled
	Created --> Declined
	Created --> Error
	Created --> Cancelled
	Authorized --> Settled
	Authorized --> Cancelled
	Authorized --> Error
	Settled --> Cancelled');
SELECT paysafe.protect_payment('payment', 'state', 'amount', captured => '{Settled}',
	currency_path => '{orderId,currencyCode}');
SELECT paysafe.protect_status('refund', 'state', '
	[*] --> Pending
	Pending --> Settled
	Pending --> Failed');
SELECT paysafe.protect_refund('refund', 'payment', 'paymentId', 'total',
	status_column => 'state', gated => '{Settled}', void => '{Failed}', unapproved_columns => '{updatedAt,transactionId,metadata}');
SELECT paysafe.set_refund_threshold('refund', 'USD', 100000);
SELECT paysafe.audit('payment'), paysafe.audit('refund');

-- an order's life: the payment as Created, the whole row again in its new state, then its order
INSERT INTO "order" (id, code, state, "currencyCode") VALUES (1, 'A', 'ArrangingPayment', 'USD'), (2, 'B', 'ArrangingPayment', 'EUR');
INSERT INTO payment (id, method, amount, state) VALUES (1, 'card', 1000, 'Created');
UPDATE payment SET method = 'card', amount = 1000, state = 'Authorized', metadata = '{"a":1}', "updatedAt" = now() WHERE id = 1;
UPDATE payment SET "orderId" = 1 WHERE id = 1;
UPDATE "order" SET state = 'PaymentAuthorized' WHERE id = 1;
SELECT fits.refused('23R01', $$INSERT INTO refund (id, total, method, state, "paymentId") VALUES (9, 1, 'card', 'Pending', 1)$$);	-- only authorized
UPDATE payment SET state = 'Settled', "updatedAt" = now() WHERE id = 1;
-- one that settles at once, before it has an order
INSERT INTO payment (id, method, amount, state) VALUES (2, 'card', 500, 'Created');
UPDATE payment SET state = 'Settled' WHERE id = 2;
SELECT fits.refused('23R02', $$INSERT INTO refund (id, total, method, state, "paymentId") VALUES (9, 1, 'card', 'Pending', 2)$$);	-- no currency yet
UPDATE payment SET "orderId" = 1 WHERE id = 2;
-- one that is declined
INSERT INTO payment (id, method, amount, state, "orderId") VALUES (3, 'card', 700, 'Created', 2);
UPDATE payment SET state = 'Declined', "errorMessage" = 'no' WHERE id = 3;
-- refunds in two parts
INSERT INTO refund (id, items, total, method, state, "paymentId") VALUES (1, 400, 400, 'card', 'Pending', 1);
UPDATE refund SET items = 400, total = 400, state = 'Settled', "transactionId" = 'r1', "updatedAt" = now() WHERE id = 1;
INSERT INTO refund (id, items, total, method, state, "paymentId") VALUES (2, 600, 600, 'card', 'Pending', 1);
UPDATE refund SET state = 'Failed' WHERE id = 2;
INSERT INTO refund (id, items, total, method, state, "paymentId") VALUES (3, 600, 600, 'card', 'Pending', 1);
UPDATE refund SET state = 'Settled' WHERE id = 3;

-- with one thing wrong
SELECT fits.refused('23R01', $$INSERT INTO refund (id, total, method, state, "paymentId") VALUES (4, 1, 'card', 'Pending', 1)$$);
SELECT fits.refused('23R01', $$UPDATE payment SET state = 'Cancelled' WHERE id = 1$$);				-- refunded, so captured
SELECT fits.refused('23R01', $$INSERT INTO refund (id, total, method, state, "paymentId") VALUES (4, 700, 'card', 'Pending', 3)$$);	-- declined
SELECT fits.refused('23R03', $$UPDATE payment SET amount = 2000 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE payment SET "orderId" = 2 WHERE id = 1$$);						-- to another currency
SELECT fits.refused('23R03', $$UPDATE payment SET "orderId" = NULL WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE "order" SET "currencyCode" = 'JPY' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE refund SET total = 1 WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM payment WHERE id = 2$$);
SELECT fits.refused('23T03', $$DELETE FROM refund WHERE id = 3$$);
SELECT fits.refused('23R04', $$INSERT INTO payment (id, method, amount, state) VALUES (90, 'card', -1, 'Created')$$);
SELECT fits.refused('23T01', $$UPDATE payment SET state = 'Settled' WHERE id = 3$$);
-- an order that nothing was paid for changes its currency
INSERT INTO "order" (id, code, state, "currencyCode") VALUES (3, 'C', 'AddingItems', 'USD');
UPDATE "order" SET "currencyCode" = 'EUR' WHERE id = 3;
-- a large refund needs a second person
INSERT INTO payment (id, method, amount, state, "orderId") VALUES (4, 'card', 500000, 'Created', 1);
UPDATE payment SET state = 'Settled' WHERE id = 4;
INSERT INTO refund (id, total, method, state, "paymentId") VALUES (5, 200000, 'card', 'Pending', 4);
SELECT fits.refused('42501', $$UPDATE refund SET state = 'Settled' WHERE id = 5$$);
