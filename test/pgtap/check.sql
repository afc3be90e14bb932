-- What check() says of things that may be wrong: each is a row with a way out, and an
-- error in one part hides no other.
BEGIN;
SELECT plan(36);
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.said(subject text, check_name text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN c.ok THEN 'ok' ELSE c.detail END FROM paysafe.check() c
	 WHERE c.subject = said.subject AND c.check_name = said.check_name $$;
CREATE TABLE shop.payment (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.payment', 'status', '[*] --> new');

-- without the guard a superuser may move a function of the extension
SELECT is(pg_temp.said('extension', 'functions'), 'ok', 'all functions are in their schema');
ALTER FUNCTION paysafe.mask_url(text) SET SCHEMA shop;
SELECT is(pg_temp.said('extension', 'functions'), 'shop.mask_url(text)', 'and one is not');
ALTER FUNCTION shop.mask_url(text) SET SCHEMA paysafe;

SELECT is(pg_temp.said('shop.payment', 'second_trigger'), 'ok', 'one trigger');
CREATE TRIGGER more AFTER INSERT ON shop.payment FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
SELECT matches(pg_temp.said('shop.payment', 'second_trigger'), 'DROP TRIGGER more ON shop.payment$', 'a second one');

CREATE TABLE shop.bare (id int PRIMARY KEY);
CREATE TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON shop.bare FOR EACH ROW EXECUTE FUNCTION paysafe.enforce();
SELECT matches(pg_temp.said('shop.bare', 'rules'), '^the trigger "paysafe" is there, but no rule is in force', 'a trigger without rules');
SELECT is(pg_temp.said('shop.payment', 'rules'), NULL, 'and none of a table that has some');

CREATE TABLE shop.lost (id int PRIMARY KEY, status text);
SELECT paysafe.protect_append_only('shop.lost');
SELECT 'shop.lost'::regclass::oid AS lost \gset
DROP TABLE shop.lost;
SELECT matches(pg_temp.said('table ' || :lost, 'dropped'), 'is gone, and rules in force on it: append_only: .*Restore it', 'a table that is gone');

-- ... and was dropped rightly: two people say so, and it stays on record.
SELECT is((SELECT count(*)::int FROM paysafe.check() WHERE check_name = 'dropped' AND NOT ok), 1, 'it is red');
CREATE FUNCTION pg_temp.approved(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM paysafe.act_as('ann');
	BEGIN
		EXECUTE command;
		RETURN 'accepted at once';
	EXCEPTION WHEN insufficient_privilege THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	END;
	PERFORM paysafe.act_as('bob');
	EXECUTE 'SELECT ' || substring(hint FROM '(paysafe\.approve\(.*\));  then');
	PERFORM paysafe.act_as('ann');
	EXECUTE command;
	RETURN 'approved';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE ROLE regress_paysafe_stranger;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA paysafe TO regress_paysafe_stranger;
GRANT USAGE ON SCHEMA paysafe TO regress_paysafe_stranger;
SET LOCAL ROLE regress_paysafe_stranger;
SELECT throws_ok(format('SELECT paysafe.unprotect(%s, ''append_only'', ''x'')', :lost), '42501', NULL, 'its rule is not for everybody to remove');
RESET ROLE;
SELECT throws_ok(format('SELECT paysafe.unprotect(%s, ''append_only'', ''retired'')', :lost), '42501', NULL, '... nor for one alone');
SELECT throws_ok(format('SELECT paysafe.unprotect(%s, ''status'', ''retired'')', :lost), '42P01', NULL, '... nor one that it has not');
SELECT throws_ok('SELECT paysafe.unprotect(4294967295, ''status'', ''retired'')', '42P01', NULL, '... of what never was');
SELECT is(pg_temp.approved(format('SELECT paysafe.unprotect(%s, ''append_only'', ''retired in 2025'')', :lost)), 'approved', 'two people remove it');
SELECT is((SELECT count(*)::int FROM paysafe.check() WHERE check_name = 'dropped'), 0, '... and it is red no longer');
SELECT results_eq(format('SELECT rule, removed, reason, actor FROM paysafe.rule WHERE relation = %s::regclass ORDER BY version DESC LIMIT 1', :lost),
	$$VALUES ('append_only', true, 'retired in 2025', 'ann')$$, '... on record');
SELECT throws_ok(format('SELECT paysafe.unprotect(%s, ''append_only'', ''again'')', :lost), '42P01', NULL, '... once');

-- one of two tables of a rule
CREATE TABLE shop.posting (id int PRIMARY KEY, txn int, account int, amount numeric);
CREATE TABLE shop.account (id int PRIMARY KEY, balance numeric DEFAULT 0, minimum numeric);
CREATE INDEX ON shop.posting (txn);
SELECT paysafe.protect_ledger('shop.posting', 'txn', 'account', 'amount', currency => 'EUR'),
	   paysafe.protect_balance('shop.account', 'id', 'balance', 'shop.posting', 'minimum');
INSERT INTO shop.account VALUES (1, 0, 0), (2, NULL, NULL);
INSERT INTO shop.posting VALUES (1, 1, 1, 5), (2, 1, 2, -5);
SAVEPOINT pair;
DROP TABLE shop.account;
SELECT lives_ok('INSERT INTO shop.posting VALUES (3, 2, 1, 5), (4, 2, 2, -5)', 'a ledger whose accounts are gone is one');
SELECT is(pg_temp.said('shop.posting', 'dropped'), NULL, 'and lacks nothing');
ROLLBACK TO pair;
DROP TABLE shop.posting;
SELECT matches(pg_temp.said('shop.account', 'dropped'), '^rule "balance" refers to a table that is gone .*unprotect', 'accounts without a ledger do');
SELECT throws_like('UPDATE shop.account SET balance = 7 WHERE id = 1', '%balance%', '... and nobody writes them');
ROLLBACK TO pair;

-- who finds another table under the name
SELECT is(pg_temp.said('shop.payment', 'name'), 'ok', 'the name');
CREATE ROLE regress_paysafe_user LOGIN;
CREATE SCHEMA regress_paysafe_user;
CREATE TABLE regress_paysafe_user.payment ();
SELECT is(pg_temp.said('shop.payment', 'name'), 'ok', 'a table that no search_path finds first');
ALTER ROLE regress_paysafe_user SET search_path = "$user", shop;
SELECT matches(pg_temp.said('shop.payment', 'name'), 'of role regress_paysafe_user finds regress_paysafe_user.payment first', '"$user" in the path of a role');
ALTER ROLE regress_paysafe_user SET search_path = shop, "$user";
SELECT is(pg_temp.said('shop.payment', 'name'), 'ok', 'behind it');
ALTER ROLE regress_paysafe_user RESET search_path;
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET search_path = "$user", shop'', current_database()); END';
SELECT matches(pg_temp.said('shop.payment', 'name'), 'of database finds regress_paysafe_user.payment first for role regress_paysafe_user', 'in that of the database');

-- the log, silenced
SELECT is(pg_temp.said('settings', 'log_min_messages'), 'ok', 'the log shows refusals');
ALTER ROLE regress_paysafe_user SET log_min_messages = 'panic';
SELECT matches(pg_temp.said('settings', 'log_min_messages'), 'log_min_messages=panic of role regress_paysafe_user', 'not those of one role');

-- partitions
SELECT is(pg_temp.said('paysafe.audit_row', 'partitions'), 'ok', 'partitions for months to come');
DO $$ DECLARE p regclass; BEGIN
	FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'paysafe.audit_row'::regclass AND inhrelid::regclass::text ~ '_\d'
		AND inhrelid::regclass::text > to_char(clock_timestamp(), '"paysafe.audit_"YYYY_MM') LOOP
		EXECUTE format('DROP TABLE %s', p); END LOOP; END $$;
SELECT matches(pg_temp.said('paysafe.audit_row', 'partitions'), 'SELECT paysafe.extend_audit\(\) makes more$', 'none');
SELECT is(pg_temp.said('paysafe.audit_default', 'default_partition'), 'ok', 'nothing in the default one');
ALTER TABLE paysafe.audit_default DISABLE TRIGGER ALL;
INSERT INTO paysafe.audit_default (at, xid, shape, command, leaf_check, seq, op, key) VALUES ('1999-01-01', '1', 1, 1, 1, 1, 'I', '1');
SELECT matches(pg_temp.said('paysafe.audit_default', 'default_partition'), '^it has rows', 'something');

-- what has no rows of its own to look at
SELECT throws_ok(format('SELECT paysafe.has_rows(%L)', relation), '22023', NULL, relation)
  FROM unnest('{paysafe.audit_row,paysafe.approval,pg_catalog.pg_class}'::text[]) relation;

-- an error
ALTER EXTENSION paysafe DROP FUNCTION paysafe.check_work();
ALTER FUNCTION paysafe.check_work() RENAME TO check_nothing;
SELECT matches(pg_temp.said('work', 'check'), '^it could not be looked at: function paysafe.check_work\(\) does not exist', 'a part that fails says so');
SELECT is((SELECT count(*) FROM paysafe.check() WHERE check_name = 'row_trigger' AND subject = 'shop.payment'), 1::bigint, 'and hides no other');
SELECT * FROM finish();
ROLLBACK;
