-- The audit log: before, after, who, why; exactly one row per changed row.
CREATE SCHEMA t_audit;
CREATE TABLE t_audit.payment (
	id int PRIMARY KEY,
	status text,
	amount numeric(10,2),
	card text,
	tags text[]
);
SELECT paysafe.audit('t_audit.payment', redact => '{card}');
\set log 'SELECT op, key, before, after FROM paysafe.audit_log WHERE schema_name = ''t_audit'' ORDER BY xid, seq'

-- before and after
INSERT INTO t_audit.payment VALUES (1, 'new', 10, NULL, '{a,b}');
UPDATE t_audit.payment SET status = 'paid' WHERE id = 1;
UPDATE t_audit.payment SET status = 'paid' WHERE id = 1;
DELETE FROM t_audit.payment;
:log;

-- who, why, on whose behalf
BEGIN;
SELECT paysafe.act_as('alice', reason => 'customer called', ticket => 'T-1', request_id => 'req-9', business_id => 'order 7');
INSERT INTO t_audit.payment VALUES (2, 'new');
SET LOCAL application_name = 'billing';
UPDATE t_audit.payment SET status = 'paid';
COMMIT;
UPDATE t_audit.payment SET status = 'sent';
SELECT op, CASE WHEN actor_claimed THEN actor END AS actor, reason, ticket, request_id, business_id,
	   application_name, client_addr IS NOT NULL AS has_client,
	   session_user_name = session_user AS session_user_right, login = session_user AS login_right,
	   at BETWEEN now() - interval '1 hour' AND clock_timestamp() AS at_right
  FROM paysafe.audit_log WHERE schema_name = 't_audit' AND key = '2' ORDER BY xid, seq;

-- the life of one row
SELECT op, after ->> 'status' AS status, reason FROM paysafe.history('t_audit.payment', '2');

-- redacted values: a hash, the same for the same value, never the value
INSERT INTO t_audit.payment (id, card) VALUES (3, '4242424242424242'), (4, '4242424242424242'), (5, '5555555555554444');
UPDATE t_audit.payment SET card = '4000056655665556' WHERE id = 5;
SELECT key, after ->> 'card' LIKE 'redacted:%' AS redacted, length(after ->> 'card') AS len,
	   after ->> 'card' = first_value(after ->> 'card') OVER (ORDER BY xid, seq) AS same_as_first,
	   before ->> 'card' IS DISTINCT FROM after ->> 'card' AS changed
  FROM paysafe.audit_log WHERE schema_name = 't_audit' AND key IN ('3', '4', '5') ORDER BY xid, seq;
SELECT count(*) FROM paysafe.audit_row r
 WHERE position(convert_to('42424242', 'UTF8') IN r.after) > 0 OR position(convert_to('56655665', 'UTF8') IN r.after) > 0;
-- a column that errors or keys show cannot be redacted
CREATE TABLE t_audit.shown (id text PRIMARY KEY, status text);
SELECT paysafe.protect_status('t_audit.shown', 'status', '[*] --> a');
SELECT paysafe.audit('t_audit.shown', '{id}');			-- fails
SELECT paysafe.audit('t_audit.shown', '{status}');		-- fails
SELECT paysafe.audit('t_audit.shown', '{nothing}');		-- fails

-- every path: one row each
CREATE TABLE t_audit.p (id int PRIMARY KEY, n int);
CREATE TABLE t_audit.c (id int PRIMARY KEY, p int REFERENCES t_audit.p ON UPDATE CASCADE ON DELETE CASCADE);
SELECT paysafe.audit('t_audit.p');
SELECT paysafe.audit('t_audit.c');
COPY t_audit.p FROM stdin;
1	1
2	2
\.
INSERT INTO t_audit.p VALUES (1, 0), (3, 3) ON CONFLICT (id) DO UPDATE SET n = 11;
INSERT INTO t_audit.p VALUES (1, 0) ON CONFLICT DO NOTHING;
MERGE INTO t_audit.p USING (VALUES (2, 22), (4, 4)) v(id, n) ON p.id = v.id
	WHEN MATCHED THEN UPDATE SET n = v.n WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.n);
WITH d AS (DELETE FROM t_audit.p WHERE id = 4 RETURNING *) INSERT INTO t_audit.p SELECT id + 1, n FROM d;
INSERT INTO t_audit.c VALUES (10, 5), (11, 5), (12, 3);
UPDATE t_audit.p SET id = 6 WHERE id = 5;
DELETE FROM t_audit.p WHERE id = 6;
SELECT table_name, op, key, before, after FROM paysafe.audit_log
 WHERE schema_name = 't_audit' AND table_name IN ('p', 'c') ORDER BY xid, seq;

-- the next statement of the transaction sees the rows of the one before
BEGIN;
INSERT INTO t_audit.p VALUES (50, 0);
SELECT op, key FROM paysafe.history('t_audit.p', '50');
CREATE FUNCTION t_audit.look() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	UPDATE t_audit.p SET n = n + 1 WHERE id = 50;
	RETURN (SELECT count(*) FROM paysafe.history('t_audit.p', '50'));
END $$;
SELECT t_audit.look(), t_audit.look();
ROLLBACK;

-- a savepoint takes its own rows along, and only those
BEGIN;
INSERT INTO t_audit.p VALUES (60, 0);
SAVEPOINT a;
INSERT INTO t_audit.p VALUES (61, 0);
SAVEPOINT b;
INSERT INTO t_audit.p VALUES (62, 0);
RELEASE b;
ROLLBACK TO a;
INSERT INTO t_audit.p VALUES (63, 0);
DO $$
BEGIN
	FOR i IN 1..200 LOOP
		BEGIN
			UPDATE t_audit.p SET n = n + 1 WHERE id = 60;
			IF i % 2 = 0 THEN RAISE EXCEPTION 'undo'; END IF;
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$;
COMMIT;
SELECT p.n, (SELECT count(*) FROM paysafe.history('t_audit.p', '60')) AS log_rows FROM t_audit.p WHERE id = 60;
SELECT key FROM paysafe.audit_log WHERE schema_name = 't_audit' AND key IN ('61', '62', '63');

-- a reason or a ticket can be required
CREATE TABLE t_audit.strict (id int PRIMARY KEY);
SELECT paysafe.audit('t_audit.strict', require_reason => true, require_ticket => true);
INSERT INTO t_audit.strict VALUES (1);					-- fails
BEGIN; SELECT paysafe.act_as('alice', reason => 'because'); INSERT INTO t_audit.strict VALUES (1); ROLLBACK;	-- fails
BEGIN; SELECT paysafe.act_as('alice', 'because', 'T-9'); INSERT INTO t_audit.strict VALUES (1); COMMIT;
-- TRUNCATE would leave no trace
TRUNCATE t_audit.strict;								-- fails

-- a move between partitions is one UPDATE of one row
CREATE TABLE t_audit.part (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE t_audit.part_us PARTITION OF t_audit.part FOR VALUES IN ('us');
CREATE TABLE t_audit.part_eu (n int, region text NOT NULL, id int NOT NULL);
ALTER TABLE t_audit.part ATTACH PARTITION t_audit.part_eu FOR VALUES IN ('eu');
SELECT paysafe.audit('t_audit.part');
INSERT INTO t_audit.part VALUES (1, 'us', 1);
UPDATE t_audit.part SET region = 'eu', n = 2;
SELECT table_name, op, key, before, after FROM paysafe.history('t_audit.part', '1');

-- the stored leaf hashes are those of the rows
SELECT count(*) > 50 AS many, count(*) FILTER (WHERE leaf_check IS DISTINCT FROM paysafe.audit_leaf_check(r, s.digest)) AS wrong
  FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape;

-- nobody writes the log by SQL
\set VERBOSITY terse
UPDATE paysafe.audit_row SET key = 'x';					-- fails
DELETE FROM paysafe.audit_row;							-- fails
TRUNCATE paysafe.audit_row;								-- fails
INSERT INTO paysafe.audit_row SELECT * FROM paysafe.audit_row LIMIT 1;	-- fails
UPDATE paysafe.audit_shape SET table_name = 'x';		-- fails
DELETE FROM paysafe.audit_log;							-- fails
