-- id: 535
-- role: owner
-- category: money
-- expect: must be blocked
-- how: the owner adds a BEFORE trigger to the accounts that adds money whenever the rule moves them, and one that drops the change
-- counter: the row as stored is compared with what was meant
\if `[ "$TARGET" = paysafe ] && echo true || echo false`
CREATE TABLE pay.account (id int PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, minimum numeric DEFAULT 0);
CREATE TABLE pay.posting (id int PRIMARY KEY, txn int, account int, amount numeric, currency text DEFAULT 'USD', reverses int, at timestamptz DEFAULT '2026-06-15');
CREATE INDEX ON pay.posting (txn);
CREATE INDEX ON pay.posting (reverses);
GRANT ALL ON pay.account, pay.posting TO pay_app;
SELECT paysafe.protect_ledger('pay.posting', 'txn', 'account', 'amount', 'currency', reverses_column => 'reverses', posting_date_column => 'at');
SELECT paysafe.protect_balance('pay.account', 'id', 'balance', 'pay.posting', 'minimum');
INSERT INTO pay.account VALUES (1, 0, 0), (2, 0, 0), (3, 0, -1000000), (4, 0, NULL);
INSERT INTO pay.posting VALUES (1, 1, 1, 100), (2, 1, 2, 100), (3, 1, 3, -200);
CREATE FUNCTION pay.gift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.balance := NEW.balance + 1000; RETURN NEW; END $$;
CREATE FUNCTION pay.drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER gift BEFORE UPDATE ON pay.account FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION pay.gift();
CREATE TRIGGER drop_it BEFORE UPDATE ON pay.account FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION pay.drop_it();
\c - pay_app
:AS_ALICE ;
INSERT INTO pay.posting VALUES (10, 2, 1, 1), (11, 2, 3, -1);
INSERT INTO pay.posting VALUES (12, 3, 2, -100), (13, 3, 1, 100);
INSERT INTO pay.posting VALUES (14, 4, 2, -100), (15, 4, 3, 100);
SELECT CASE WHEN EXISTS (SELECT FROM pay.account a WHERE id < 4 AND balance <> (SELECT sum(amount) FROM pay.posting p WHERE p.account = a.id)) THEN 'BYPASSED' ELSE 'HELD' END;
\else
SELECT 'N/A';
\endif
