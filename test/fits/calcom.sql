-- calcom: names in camel case, two flags instead of a status. A payment is captured when "success", and paid back as
-- a whole when "refunded", which is set after the provider has done it. The amount is in cents, the currency in small letters.
CREATE TYPE "PaymentOption" AS ENUM ('ON_BOOKING', 'HOLD');
CREATE TABLE "Booking" (id serial PRIMARY KEY, uid text NOT NULL UNIQUE, paid boolean NOT NULL DEFAULT false, status text NOT NULL DEFAULT 'pending');
CREATE TABLE "Payment" (id serial PRIMARY KEY, uid text NOT NULL UNIQUE, "appId" text, "bookingId" integer NOT NULL REFERENCES "Booking" ON DELETE CASCADE, amount integer NOT NULL,
	fee integer NOT NULL, currency text NOT NULL, success boolean NOT NULL, refunded boolean NOT NULL, data jsonb NOT NULL, "externalId" text NOT NULL UNIQUE,
	"paymentOption" "PaymentOption" DEFAULT 'ON_BOOKING');
CREATE INDEX ON "Payment" ("bookingId");

SELECT paysafe.protect_status('"Payment"', 'success', '
	[*] --> false
	false --> true : the provider says so', deletable => '{false}');
SELECT paysafe.protect_payment('"Payment"', 'success', 'amount', currency_column => 'currency', captured => '{true}');
SELECT paysafe.protect_refund('"Payment"', '"Payment"', 'id', 'amount', 'currency', 'refunded', gated => '{true}', void => '{false}', amounts => 'running');
SELECT paysafe.set_refund_threshold('"Payment"', 'USD', 10000);
SELECT paysafe.protect_columns('"Payment"', '{bookingId,externalId,"paymentOption"}');
SELECT paysafe.audit('"Payment"', redact => '{data}');

INSERT INTO "Booking" (uid) VALUES ('b1'), ('b2'), ('b3');
INSERT INTO "Payment" (uid, "appId", "bookingId", amount, fee, currency, success, refunded, data, "externalId")
	VALUES ('p1', 'stripe', 1, 4000, 0, 'usd', false, false, '{}', 'pi_1'), ('p2', 'stripe', 2, 30000, 0, 'usd', false, false, '{}', 'pi_2'), ('p3', 'stripe', 3, 100, 0, 'usd', false, false, '{}', 'pi_3');
-- a card is held, and charged later
UPDATE "Payment" SET "appId" = 'stripe', data = '{"setupIntent": "seti_1"}' WHERE id = 2;
SELECT fits.refused('23R01', $$UPDATE "Payment" SET refunded = true WHERE id = 1$$);		-- nothing was captured
UPDATE "Payment" SET success = true, data = '{"status": "succeeded"}' WHERE id = 1;
UPDATE "Booking" SET paid = true, status = 'accepted' WHERE id = 1;
UPDATE "Payment" SET success = true WHERE id = 2;
SELECT fits.refused('23R03', $$UPDATE "Payment" SET amount = 1 WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE "Payment" SET currency = 'eur' WHERE id = 1$$);
SELECT fits.refused('23R03', $$UPDATE "Payment" SET "bookingId" = 2 WHERE id = 1$$);
SELECT fits.refused('23T01', $$UPDATE "Payment" SET success = false WHERE id = 1$$);
-- cancelled: the whole of it goes back
UPDATE "Payment" SET refunded = true WHERE "externalId" = 'pi_1';
UPDATE "Payment" SET refunded = true, data = '{"refunded": true}' WHERE "externalId" = 'pi_1';
SELECT fits.refused('23R03', $$UPDATE "Payment" SET refunded = false WHERE id = 1$$);
-- above the threshold, somebody else agrees before
SELECT fits.refused('42501', $$UPDATE "Payment" SET refunded = true WHERE id = 2$$);
BEGIN;
SELECT paysafe.act_as('supervisor');
SELECT paysafe.approve_refund('"Payment"', '2', 30000, 'USD', 'the host is ill');
COMMIT;
BEGIN;
SELECT paysafe.act_as('agent');
UPDATE "Payment" SET refunded = true WHERE id = 2;
COMMIT;
-- a booking goes with what was never paid, and stays with what was
DELETE FROM "Booking" WHERE id = 3;
SELECT fits.refused('23T03', $$DELETE FROM "Booking" WHERE id = 1$$);
SELECT fits.refused('23T03', $$DELETE FROM "Payment" WHERE id = 2$$);
