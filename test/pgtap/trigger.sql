-- The trigger functions serve paysafe's own triggers and nothing else, and a
-- trigger without rules lets nothing pass.
BEGIN;
SELECT plan(24);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE ROLE regress_paysafe_app;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_paysafe_app;
CREATE TABLE shop.t (id int PRIMARY KEY, n int);
INSERT INTO shop.t VALUES (1, 1);

SELECT is(pg_temp.refusal(format('SELECT paysafe.%s()', f)), '39P01', f || ' cannot be called')
  FROM unnest(ARRAY['enforce', 'enforce_statement', 'own_table']) f;
-- 39P01: misused
SELECT is(pg_temp.refusal(format('CREATE TRIGGER %s ON shop.t %s EXECUTE FUNCTION paysafe.%s(); %s', definition, each, f, command)), '39P01', definition || ' ' || each || ' ' || f)
  FROM (VALUES
	('paysafe BEFORE INSERT', 'FOR EACH ROW', 'enforce', 'INSERT INTO shop.t VALUES (2)'),
	('paysafe AFTER INSERT', 'FOR EACH STATEMENT', 'enforce', 'INSERT INTO shop.t VALUES (2)'),
	('other AFTER INSERT', 'FOR EACH ROW', 'enforce', 'INSERT INTO shop.t VALUES (2)'),
	('paysafe BEFORE TRUNCATE', 'FOR EACH STATEMENT', 'enforce', 'TRUNCATE shop.t'),
	('paysafe_statement BEFORE UPDATE', 'FOR EACH STATEMENT', 'enforce_statement', 'UPDATE shop.t SET n = 2'),
	('paysafe_statement AFTER UPDATE', 'FOR EACH ROW', 'enforce_statement', 'UPDATE shop.t SET n = 2'),
	('other AFTER UPDATE', 'FOR EACH STATEMENT', 'enforce_statement', 'UPDATE shop.t SET n = 2')) v (definition, each, f, command);
-- 55000: nothing can be checked, so nothing is allowed
SELECT is(pg_temp.refusal('CREATE TRIGGER paysafe AFTER INSERT OR UPDATE OR DELETE ON shop.t FOR EACH ROW EXECUTE FUNCTION paysafe.enforce(); ' || command), '55000', command || ' under a trigger without rules')
  FROM unnest(ARRAY['INSERT INTO shop.t VALUES (2)', 'UPDATE shop.t SET n = 2', 'DELETE FROM shop.t']) command;
SELECT is(pg_temp.refusal('CREATE TRIGGER paysafe_statement AFTER TRUNCATE ON shop.t FOR EACH STATEMENT EXECUTE FUNCTION paysafe.enforce_statement(); TRUNCATE shop.t'), '55000', 'TRUNCATE likewise');
-- a row of one's own table is refused by the function of own tables, too
SELECT is(pg_temp.refusal('CREATE TABLE shop.mine (id int); CREATE TRIGGER own BEFORE INSERT ON shop.mine FOR EACH ROW EXECUTE FUNCTION paysafe.own_table(); INSERT INTO shop.mine VALUES (1)', 'regress_paysafe_app'),
	'42501', 'own_table is not for others');

-- 42501: TRUNCATE where no rule has an error of its own
CREATE TABLE shop.logged (id int PRIMARY KEY);
SELECT paysafe.audit('shop.logged');
SELECT is(pg_temp.refusal('TRUNCATE shop.logged'), '42501 shop.logged paysafe_logged_audit', 'TRUNCATE of an audited table');
-- 42501: a reason, a ticket
CREATE TABLE shop.strict (id int PRIMARY KEY, n int);
SELECT paysafe.audit('shop.strict', require_reason => true, require_ticket => true);
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1)'), '42501 shop.strict paysafe_strict_audit', 'nobody, no reason');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1)'), '42501 shop.strict paysafe_strict_audit', 'no reason');
SELECT paysafe.act_as('alice', reason => 'x');
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1)'), '42501 shop.strict paysafe_strict_audit', 'no ticket');
SELECT paysafe.act_as('alice', ticket => 'x');
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1)'), '42501 shop.strict paysafe_strict_audit', 'a ticket, but no reason');
SELECT paysafe.act_as('alice', 'x', 'x');
SELECT is(pg_temp.refusal('INSERT INTO shop.strict VALUES (1); UPDATE shop.strict SET n = 1; DELETE FROM shop.strict'), 'accepted', 'both');

-- the order in which rules speak does not depend on the order of declaration
CREATE TABLE shop.all_rules (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text);
SELECT paysafe.audit('shop.all_rules', require_reason => true);
SELECT paysafe.protect_payment('shop.all_rules', 'status', 'amount', 'captured', 'currency', '{captured}');
SELECT paysafe.protect_columns('shop.all_rules', '{note}');
SELECT paysafe.protect_status('shop.all_rules', 'status', E'[*] --> new\nnew --> captured');
INSERT INTO shop.all_rules VALUES (1, 'new', 10, 0, 'EUR', 'n');
UPDATE shop.all_rules SET status = 'captured';
SELECT is(pg_temp.refusal($$UPDATE shop.all_rules SET status = 'new', note = 'x', amount = 11, captured = 11$$), '23T01 shop.all_rules.status paysafe_all_rules_status', 'status first');
SELECT is(pg_temp.refusal($$UPDATE shop.all_rules SET note = 'x', amount = 11, captured = 11$$), '23R03 shop.all_rules.note paysafe_all_rules_columns', 'then columns');
SELECT is(pg_temp.refusal($$UPDATE shop.all_rules SET amount = 11, captured = 11$$), '23R03 shop.all_rules.amount paysafe_all_rules_payment', 'then the payment');

SELECT * FROM finish();
ROLLBACK;
