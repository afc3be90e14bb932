-- Which columns are behind a rule: those that its specification says are columns,
-- each of the table that it is of.  For a server that preloads paysafe.
BEGIN;
SELECT plan(24);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
-- each table also has columns that are called as the other's, as statuses, flags and texts are
CREATE TABLE shop.payment (id int PRIMARY KEY, status text, amount numeric, captured numeric, settled numeric, currency text,
	payment_id int, approved boolean, machine text, new text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment_id int, amount numeric, currency text, status text, note text,
	approved boolean, rejected boolean, captured numeric, settled numeric, require_reason boolean, machine text, new text);
CREATE INDEX ON shop.refund (payment_id);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', 'currency', 'status',
		'{approved,paid}', '{rejected}', 'settled', 'currency'),
	   paysafe.protect_status('shop.refund', 'status', E'[*] --> new\nnew --> approved\nnew --> rejected\napproved --> paid'),
	   paysafe.protect_columns('shop.refund', '{note}', '{paid}');
SELECT is(pg_temp.refusal(format('ALTER TABLE shop.%s RENAME %s TO renamed; ALTER TABLE shop.%1$s DROP renamed', t, c)), 'accepted',
		format('%s.%s is nobody''s', t, c))
  FROM (VALUES ('refund', 'approved'), ('refund', 'rejected'), ('refund', 'captured'), ('refund', 'settled'),
	('refund', 'require_reason'), ('refund', 'machine'), ('refund', 'new'),
	('payment', 'payment_id'), ('payment', 'approved'), ('payment', 'machine'), ('payment', 'new'), ('payment', 'captured'),
	('payment', 'amount'), ('payment', 'status')) v (t, c);
SELECT is(pg_temp.refusal(format('ALTER TABLE shop.%s RENAME %s TO renamed', t, c)),
		format('42501 shop.%s paysafe_%1$s_guard_column', t), format('%s.%s is behind a rule', t, c))
  FROM (VALUES ('refund', 'id'), ('refund', 'payment_id'), ('refund', 'amount'), ('refund', 'currency'), ('refund', 'status'),
	('refund', 'note'), ('payment', 'id'), ('payment', 'settled'), ('payment', 'currency')) v (t, c);
SELECT results_eq($$SELECT rule, columns FROM paysafe.protection WHERE relation = 'shop.refund'::regclass ORDER BY rule$$,
	$$VALUES ('columns_once', '{note}'::text[]), ('refund', '{amount,currency,payment_id,status}'), ('status', '{status}')$$,
	'the view lists the same');
SELECT * FROM finish();
ROLLBACK;
