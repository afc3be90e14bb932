-- What a role may do that was granted nothing, and one that was granted a little.
CREATE SCHEMA t_priv;
CREATE ROLE regress_paysafe_nobody;
CREATE ROLE regress_paysafe_app;
CREATE TABLE t_priv.payment (id int PRIMARY KEY, status text DEFAULT 'new');
SELECT paysafe.protect_status('t_priv.payment', 'status', '[*] --> new
	new --> paid');
SELECT paysafe.audit('t_priv.payment');
GRANT USAGE ON SCHEMA t_priv TO regress_paysafe_nobody, regress_paysafe_app;
GRANT SELECT, INSERT, UPDATE ON t_priv.payment TO regress_paysafe_app;

-- every function: who may execute it without a grant
SELECT p.proname, has_function_privilege('regress_paysafe_nobody', p.oid, 'EXECUTE') AS everybody
  FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace ORDER BY 1;
-- every table and view: who may read it, and nobody writes it
SELECT c.relname, has_table_privilege('regress_paysafe_nobody', c.oid, 'SELECT') AS everybody_reads,
	   has_table_privilege('regress_paysafe_nobody', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES') AS somebody_writes
  FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'S')
   AND c.relname !~ '^audit_\d{4}_\d\d$' ORDER BY 1;
SELECT bool_or(has_table_privilege('regress_paysafe_nobody', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES'))
  FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relname ~ '^audit_\d{4}_\d\d$';

SET ROLE regress_paysafe_nobody;
\set VERBOSITY terse
-- declaring takes the owner
SELECT paysafe.protect_status('t_priv.payment', 'status', '[*] --> a');
SELECT paysafe.protect_columns('t_priv.payment', '{id}');
SELECT paysafe.protect_append_only('t_priv.payment');
SELECT paysafe.protect_payment('t_priv.payment', 'status', 'id', 'id', 'status', '{paid}');
SELECT paysafe.protect_refund('t_priv.payment', 'paysafe.currency', 'id', 'id', 'status', 'status', '{paid}', '{}', 'decimals', 'code');
SELECT paysafe.set_refund_threshold('t_priv.payment', 'USD', 1);
SELECT paysafe.audit('t_priv.payment');
SELECT paysafe.unprotect('t_priv.payment', 'status', 'x');
-- these take a grant
SELECT paysafe.act_as('alice');
SELECT paysafe.approve('t_priv.payment', '1', 'x');
SELECT paysafe.withdraw_approval(1, 'x');
SELECT paysafe.set_currency('XYZ', 2);
SELECT paysafe.extend_audit();
SELECT * FROM paysafe.audit_log;
SELECT * FROM paysafe.history('t_priv.payment', '1');
SELECT * FROM paysafe.approval;
SELECT * FROM paysafe.redaction_key;
-- these act with the caller's rights
SELECT paysafe.transition('t_priv.payment', '1', 'new', 'paid');
SELECT count(*) FROM paysafe.pending_approval;
-- what anybody may call stands what is no specification
SELECT rule, spec, paysafe.rule_text(rule, NULL, spec)
  FROM unnest(ARRAY['columns', 'append_only', 'audit']) rule, unnest(ARRAY['1', '["columns", "redact"]']::jsonb[]) spec;
SELECT paysafe.rule_text('status', NULL, '{}');
SELECT paysafe.rule_text('status', NULL, '["machine"]');
SELECT paysafe.rule_text('status', NULL, '{"machine": ["[*] --> a"]}');
SELECT paysafe.rule_text('payment', NULL, '{"status_column": "s", "captured_column": "a", "currency_column": "c"}');
-- the trigger functions cannot be called, nor put to another use
SELECT paysafe.enforce();
SELECT paysafe.own_table();
CREATE TEMP TABLE mine (id int);
CREATE TRIGGER paysafe AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
INSERT INTO mine VALUES (1);
CREATE TRIGGER other AFTER UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
DROP TRIGGER paysafe ON mine;
INSERT INTO mine VALUES (1);
UPDATE mine SET id = 2;
DROP TRIGGER other ON mine;
CREATE TRIGGER paysafe BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
INSERT INTO mine VALUES (1);
CREATE TRIGGER paysafe_statement BEFORE UPDATE ON mine FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement();
UPDATE mine SET id = 3;
CREATE TRIGGER own BEFORE DELETE ON mine FOR EACH ROW EXECUTE FUNCTION paysafe.own_table();
RESET ROLE;

-- the application needs no privilege on paysafe for its changes to be checked and recorded
SET ROLE regress_paysafe_app;
INSERT INTO t_priv.payment VALUES (1);
SELECT paysafe.transition('t_priv.payment', '1', 'new', 'paid');
UPDATE t_priv.payment SET status = 'new';
SELECT paysafe.status_diagram('t_priv.payment');
SELECT relation, rule FROM paysafe.protection WHERE relation = 't_priv.payment'::regclass ORDER BY rule;
RESET ROLE;
SELECT op, current_user_name FROM paysafe.history('t_priv.payment', '1');

-- an auditor needs no more than the two grants of the reference
CREATE ROLE regress_paysafe_auditor;
GRANT SELECT ON paysafe.audit_log, paysafe.approval TO regress_paysafe_auditor;
GRANT EXECUTE ON FUNCTION paysafe.history TO regress_paysafe_auditor;
GRANT USAGE ON SCHEMA t_priv TO regress_paysafe_auditor;	-- to name the table
SET ROLE regress_paysafe_auditor;
SELECT op, after, actor FROM paysafe.audit_log WHERE schema_name = 't_priv' ORDER BY at, xid, seq;
SELECT op, after FROM paysafe.history('t_priv.payment', '1');
SELECT count(*) >= 0 AS readable FROM paysafe.approval;
RESET ROLE;

-- a search_path full of traps changes nothing
CREATE SCHEMA t_trap;
CREATE FUNCTION t_trap.eq(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR t_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = t_trap.eq);
CREATE FUNCTION t_trap.to_jsonb(t_priv.payment) RETURNS jsonb LANGUAGE sql AS $$SELECT '{"lie": true}'::jsonb$$;
GRANT USAGE ON SCHEMA t_trap TO regress_paysafe_app;
SET ROLE regress_paysafe_app;
SET search_path = t_trap, pg_catalog;
INSERT INTO t_priv.payment VALUES (2);
UPDATE t_priv.payment SET status = 'lost' WHERE id OPERATOR(pg_catalog.=) 2;
SELECT paysafe.transition('t_priv.payment', '2', 'paid', 'new');
RESET search_path;
RESET ROLE;
SELECT after FROM paysafe.history('t_priv.payment', '2');
DROP OWNED BY regress_paysafe_app, regress_paysafe_nobody, regress_paysafe_auditor;
DROP ROLE regress_paysafe_app, regress_paysafe_nobody, regress_paysafe_auditor;
