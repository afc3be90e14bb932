-- What was in force when: every version of every rule, and the threshold that a refund met.
BEGIN;
SELECT plan(13);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.refund VALUES (0); DELETE FROM shop.refund;
SELECT paysafe.act_as('ann');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.act_as('ann', 'to begin with', 'T-1'), paysafe.set_refund_threshold('shop.refund', 'EUR', 100);
INSERT INTO shop.payment SELECT n, 1000, CASE n WHEN 4 THEN 'USD' ELSE 'EUR' END FROM generate_series(1, 4) n;
INSERT INTO shop.refund VALUES (41, 1, 90, 'EUR', 'sent');
-- raised by two
CREATE FUNCTION pg_temp.both(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE asked text;
BEGIN
	PERFORM paysafe.act_as('ann', 'to begin with', 'T-1'), paysafe.propose('x');
	EXECUTE command;
	PERFORM paysafe.propose(NULL);
	SELECT key INTO asked FROM paysafe.pending_change ORDER BY id DESC LIMIT 1;
	PERFORM paysafe.act_as('bob'), paysafe.approve('paysafe.rule', asked, 'x'), paysafe.act_as('ann', 'fewer questions', 'T-2');
	EXECUTE command;
	RETURN 'done';
END $$;
SELECT is(pg_temp.both($$SELECT paysafe.set_refund_threshold('shop.refund', 'eur', 500)$$), 'done', 'raised');
INSERT INTO shop.refund VALUES (42, 2, 400, 'EUR', 'sent');
SELECT paysafe.act_as('cy', 'too many'), paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
INSERT INTO shop.refund VALUES (43, 3, 40, 'EUR', 'sent'), (44, 4, 0.01, 'USD', 'requested');
SELECT paysafe.act_as('bob'), paysafe.approve('shop.refund', '44', 'x'), paysafe.act_as('ann');
UPDATE shop.refund SET status = 'sent' WHERE id = 44;

SELECT results_eq($$SELECT key, threshold, version, set_by, set_approved_by, reason, ticket FROM paysafe.refund_threshold WHERE relation = 'shop.refund'::regclass ORDER BY key$$,
	$$VALUES ('41', 100::numeric, 1, 'ann', NULL, 'to begin with', 'T-1'), ('42', 500, 2, 'ann', 'bob', 'fewer questions', 'T-2'), ('43', 50, 3, 'cy', NULL, 'too many', NULL),
			 ('44', NULL, NULL, NULL, NULL, NULL, NULL)$$, 'which threshold applied to a refund, and who had set it');
SELECT is(approvals, 1, 'without a threshold each takes an approval') FROM paysafe.refund_threshold WHERE key = '44';
SELECT ok(valid_from <= passed_at AND (valid_until IS NULL OR passed_at < valid_until), key || ' while it was valid') FROM paysafe.refund_threshold WHERE threshold IS NOT NULL;
SELECT results_eq($$SELECT rule, version, by, approved_by, valid_until IS NULL FROM paysafe.rule_history WHERE relation = 'shop.refund'::regclass ORDER BY rule, version$$,
	$$VALUES ('refund', 1, 'ann', NULL, true), ('threshold for EUR', 1, 'ann', NULL, false), ('threshold for EUR', 3, 'cy', NULL, true), ('threshold for eur', 2, 'ann', 'bob', false)$$,
	'versions of rules');
SELECT is(count(*), count(b.version), 'each ends when the next one begins')
  FROM paysafe.rule_history a LEFT JOIN paysafe.rule_history b ON b.relation = a.relation AND lower(b.rule) = lower(a.rule) AND b.version = a.version + 1 AND b.valid_from = a.valid_until
 WHERE a.valid_until IS NOT NULL;
-- an approval that was given and not used is nobody's consent
SELECT paysafe.act_as('bob'), paysafe.propose('x'), paysafe.set_refund_threshold('shop.refund', 'EUR', 60), paysafe.propose(NULL), paysafe.act_as('di');
SELECT ok(paysafe.approve('paysafe.rule', key, 'x') > 0) FROM paysafe.pending_change WHERE relation = 'shop.refund'::regclass;
SELECT paysafe.act_as('ann'), paysafe.set_refund_threshold('shop.refund', 'EUR', 40);
SELECT is(approved_by, NULL, 'tightened alone') FROM paysafe.rule_history WHERE rule = 'threshold for EUR' AND version = 4;
SELECT is((SELECT count(*)::int FROM paysafe.rule_history WHERE relation = 'shop.payment'::regclass), 0, 'a table without rules has none');
SELECT is((SELECT definition FROM paysafe.rule_history WHERE rule = 'threshold for EUR' AND version = 1),
		  'above 100 EUR within 24:00:00 1 approval(s), valid for 01:00:00', 'in words');
SELECT is((SELECT count(*)::int FROM paysafe.rule_history), (SELECT count(*)::int FROM paysafe.rule) + (SELECT count(*)::int FROM paysafe.threshold), 'all of them');
SELECT * FROM finish();
ROLLBACK;
