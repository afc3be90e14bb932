-- Proposals from the catalog, the rows, the audit log and a history of the application's own.
CREATE SCHEMA t_suggest;
CREATE TABLE t_suggest.payment (id int PRIMARY KEY, status text CHECK (status IN ('new', 'captured', 'void', 'in review')), amount numeric, captured numeric, currency text, email text);
CREATE TABLE t_suggest.refund (id int PRIMARY KEY, payment_id int REFERENCES t_suggest.payment, amount numeric, currency text, status text, created_at timestamptz);
CREATE TABLE t_suggest.account (id int PRIMARY KEY, balance bigint, minimum bigint, currency text);
CREATE TABLE t_suggest.ledger_entry (id int PRIMARY KEY, transaction_id int, account_id int REFERENCES t_suggest.account, amount bigint, currency text);
CREATE INDEX ON t_suggest.refund (payment_id);
CREATE INDEX ON t_suggest.ledger_entry (transaction_id);
CREATE TABLE t_suggest.status_log (id serial PRIMARY KEY, payment int, status text, at timestamptz);
INSERT INTO t_suggest.status_log (payment, status, at)
	SELECT i, s, now() + n * interval '1 day' FROM generate_series(1, 300) i,
		   LATERAL unnest(CASE i WHEN 300 THEN '{new,"in review",captured}' WHEN 299 THEN '{captured,new}' ELSE '{new,captured}' END::text[]) WITH ORDINALITY u(s, n);
SELECT * FROM paysafe.seen_statuses('t_suggest.payment', 'status', 't_suggest.status_log', 'payment', 'status', 'at') ORDER BY 1, 2;

-- the audit log, if there is one
SELECT paysafe.audit('t_suggest.payment');
INSERT INTO t_suggest.payment SELECT i, 'new', 10, 0, 'EUR' FROM generate_series(1, 300) i;
UPDATE t_suggest.payment SET status = 'captured', captured = 10 WHERE id < 200;
UPDATE t_suggest.payment SET status = 'in review' WHERE id = 200;
UPDATE t_suggest.payment SET status = 'captured', captured = 10 WHERE id = 200;
INSERT INTO t_suggest.refund VALUES (1, 1, 5, 'EUR', 'asked'), (2, 1, 1, 'EUR', 'sent'), (3, 1, 1, 'EUR', 'rejected');
\pset format unaligned
SELECT paysafe.suggest_machine('t_suggest.payment', 'status');
SELECT paysafe.suggest_machine('t_suggest.payment', 'status', 't_suggest.status_log', 'payment', 'status', 'at');
SELECT paysafe.suggest_schema('t_suggest') AS migration \gset
\echo :migration
-- what it says can be run, and refuses nothing
SET client_min_messages = error;
\o /dev/null
:migration
\o
SELECT relation, rule, mode FROM paysafe.protection WHERE relation IN (SELECT oid FROM pg_class WHERE relnamespace = 't_suggest'::regnamespace) ORDER BY relation::text, rule;
RESET client_min_messages;

-- names and values end no comment and no string
CREATE SCHEMA "t
DROP SCHEMA t_suggest";
CREATE TABLE "t
DROP SCHEMA t_suggest"."a
DROP TABLE b_event" (id int PRIMARY KEY, status text);
INSERT INTO "t
DROP SCHEMA t_suggest"."a
DROP TABLE b_event" VALUES (1, E'new$machine$\r\'; DROP TABLE c');
SELECT replace(paysafe.suggest_schema(oid), E'\r', '\r') FROM pg_namespace WHERE nspname LIKE E't\nDROP%';
DROP SCHEMA "t
DROP SCHEMA t_suggest" CASCADE;

-- with the privileges of who asks
CREATE ROLE regress_paysafe_reader;
GRANT USAGE ON SCHEMA t_suggest, paysafe TO regress_paysafe_reader;
GRANT SELECT ON t_suggest.refund TO regress_paysafe_reader;
SET ROLE regress_paysafe_reader;
SELECT rule, confidence FROM paysafe.suggest('t_suggest.refund') ORDER BY 1;
SELECT * FROM paysafe.suggest('t_suggest.payment');			-- fails
RESET ROLE;
SELECT * FROM paysafe.seen_statuses('t_suggest.payment', 'captured');	-- fails: no status
SELECT * FROM paysafe.seen_statuses('t_suggest.payment', 'status', 't_suggest.status_log');	-- fails: which columns
DROP OWNED BY regress_paysafe_reader;
DROP ROLE regress_paysafe_reader;
