-- What leads to a currency, and what says which rows, is behind the rule like its other
-- columns; and what a rule follows is not dropped from under it.  For a server that
-- preloads paysafe.
BEGIN;
SELECT plan(27);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.event (id int PRIMARY KEY, currency text, name text);
CREATE TABLE shop.order (id int PRIMARY KEY, event_id int REFERENCES shop.event, currency text, note text);
CREATE TABLE shop.payment (id int PRIMARY KEY, order_id int REFERENCES shop.order, status text, amount numeric, most numeric, kind text, deleted_at timestamptz,
	currency text, event_id int, captured text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment_id int REFERENCES shop.payment, amount numeric, ok boolean, kind text, currency text, status text);
CREATE INDEX ON shop.refund (payment_id);
SELECT paysafe.protect_payment('shop.payment', 'status', 'amount', captured => '{captured}', currency_path => '{order_id,event_id,currency}',
		limit_column => 'most', adjustable => '{event_id}', rows => '{"kind": ["payment"], "deleted_at": [null]}'),
	   paysafe.protect_refund('shop.refund', 'shop.payment', 'payment_id', 'amount', rows => '{"kind": ["currency"], "ok": [true]}');
SELECT is(pg_temp.refusal(format('ALTER TABLE shop.%I RENAME %s TO renamed; ALTER TABLE shop.%1$I DROP renamed', t, c)), 'accepted',
		format('%s.%s is nobody''s', t, c))
  FROM (VALUES ('event', 'name'), ('order', 'currency'), ('order', 'note'), ('payment', 'currency'), ('payment', 'event_id'), ('payment', 'captured'),
	('refund', 'currency'), ('refund', 'status')) v (t, c);
SELECT is(pg_temp.refusal(format('ALTER TABLE shop.%I RENAME %s TO renamed', t, c)),
		format('42501 shop.%s paysafe_%1$s_guard_column', t), format('%s.%s is behind a rule', t, c))
  FROM (VALUES ('event', 'id'), ('event', 'currency'), ('order', 'id'), ('order', 'event_id'), ('payment', 'order_id'), ('payment', 'status'),
	('payment', 'amount'), ('payment', 'most'), ('payment', 'kind'), ('payment', 'deleted_at'), ('refund', 'kind'), ('refund', 'ok')) v (t, c);
SELECT is(pg_temp.refusal('ALTER TABLE shop.event DISABLE TRIGGER paysafe'), '42501 shop.event paysafe_event_guard_trigger', 'the trigger of the last table of a path');

-- in a window, for all of them
SELECT paysafe.act_as('ann');
CREATE FUNCTION pg_temp.opening() RETURNS text LANGUAGE sql AS $$ SELECT $x$SELECT paysafe.open_maintenance('why', 'T-1', '1 hour', '{shop.event,shop.order,shop.payment,shop.refund}')$x$ $$;
SELECT 'SELECT ' || substring(pg_temp.refusal_text(pg_temp.opening(), 'HINT') FROM '(paysafe\.approve\(.*\));  then') AS command \gset
SELECT paysafe.act_as('bob');
SELECT is(pg_temp.refusal(:'command'), 'accepted', 'bob approves');
SELECT paysafe.act_as('ann');
SELECT is(pg_temp.refusal(pg_temp.opening()), 'accepted', 'ann opens the window');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.payment', 'payment', 'why')$$), '55000', 'the rule that refunds follow stays');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.order', 'currency', 'why')$$), '55000', 'so does a step that payments need');
SELECT is(pg_temp.refusal($$SELECT paysafe.unprotect('shop.refund', 'refund', 'why'), paysafe.unprotect('shop.payment', 'payment', 'why'), paysafe.unprotect('shop.order', 'currency', 'why')$$),
	'accepted', 'the other way round they go');
SELECT is((SELECT count(*)::int FROM pg_trigger WHERE tgname = 'paysafe' AND tgrelid IN ('shop.event'::regclass, 'shop.order'::regclass, 'shop.payment'::regclass)), 0, 'and their triggers with them');
SELECT * FROM finish();
ROLLBACK;
