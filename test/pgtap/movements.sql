-- All movements of payments in one table: what each of them may be, with and without a table of payments.
BEGIN;
SELECT plan(141);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id text PRIMARY KEY, note text);
INSERT INTO shop.payment SELECT 'p' || i FROM generate_series(1, 20) i;
CREATE FUNCTION pg_temp.table_of(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE shop.%I (id int PRIMARY KEY, pay text, kind text, amount numeric, currency text, status text, note text)', name);
	EXECUTE format('CREATE INDEX ON shop.%I (pay)', name);
END $$;
SELECT pg_temp.table_of('movement'), pg_temp.table_of('grouped');
CREATE FUNCTION pg_temp.declare(name text, payment text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_movements('shop.%I', %L, 'pay', 'kind', 'amount', 'currency', authorize => '{auth,sale}', capture => '{capture,sale}',
		cancel => '{cancel}', refund => '{refund}', chargeback => '{chargeback}', status_column => 'status', counted => '{done}', gated => '{sent,done}', void => '{failed}'%s)$d$, name, payment, more) $$;
CREATE FUNCTION pg_temp.add(t text, id int, pay text, kind text, amount numeric, status text DEFAULT 'done', currency text DEFAULT 'EUR') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('INSERT INTO shop.%I (id, pay, kind, amount, currency, status) VALUES (%s, %L, %L, %L, %L, %L)', t, id, pay, kind, amount, currency, status)) $$;
CREATE FUNCTION pg_temp.change(t text, id int, change text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(format('UPDATE shop.%I SET %s WHERE id = %s', t, change, id)) $$;

-- the declaration
SELECT is(pg_temp.refusal(pg_temp.declare('movement', 'shop.payment', more)), expected, what)
  FROM (VALUES
	(', refund => ''{refund}''', '42601', 'an argument twice'),
	(', limit_column => ''note''', '42883', 'no such argument'),
	(', payment_key => ''note''', '22023', 'no key'),
	(', rows => ''{"note": [null]}'', payment_key => ''id''', 'accepted', 'of some rows')) v (more, expected, what);
SELECT is(pg_temp.refusal(format($d$SELECT paysafe.protect_movements('shop.grouped', NULL, 'pay', 'kind', 'amount', 'currency', %s)$d$, types)), '22023', what)
  FROM (VALUES
	('capture => ''{capture}''', 'no refunds'),
	('refund => ''{refund}''', 'no captures'),
	('capture => ''{capture}'', refund => ''{refund,capture}''', 'a type that is two things'),
	('capture => ''{capture}'', refund => ''{refund}'', chargeback => ''{refund}''', 'a chargeback that is a refund'),
	('capture => ''{capture}'', refund => ''{refund}'', cancel => ''{cancel}''', 'nothing to cancel'),
	('capture => ''{capture}'', refund => ''{refund}'', payment_key => ''id''', 'a key of no table'),
	('capture => ''{capture}'', refund => ''{refund}'', status_column => ''status''', 'which statuses count'),
	('capture => ''{capture}'', refund => ''{refund}'', counted => ''{done}''', 'statuses of no column'),
	('capture => ''{capture}'', refund => ''{refund}'', over_percent => 5', 'over what')) v (types, what);
SELECT is(pg_temp.refusal(pg_temp.declare('grouped', NULL)), 'accepted', 'without a table of payments');
SELECT is(pg_temp.refusal(pg_temp.declare('grouped', NULL)), 'accepted', '... again');
SELECT is((SELECT string_agg(rule || ' ' || version, ', ' ORDER BY rule) FROM paysafe.protection WHERE relation = 'shop.grouped'::regclass), 'captures 1, refund 1', '... two rules');
SELECT paysafe.set_refund_threshold(t, 'EUR', 50) FROM unnest('{shop.movement,shop.grouped}'::regclass[]) t;

-- both judge alike
SELECT is(pg_temp.add(t, id, pay, kind, amount, status, currency), replace(replace(expected, '_T_', '_' || t || '_'), 'T.', 'shop.' || t || '.'), t || ': ' || what)
  FROM (VALUES ('movement', 0), ('grouped', 0)) tables (t, n), (VALUES
	(1, 'p1', 'refund', 1, 'sent', 'EUR', '23R01 T.amount paysafe_T_refund', 'a refund of nothing'),
	(1, 'p1', 'auth', 100, 'done', 'EUR', 'accepted', 'authorized'),
	(2, 'p1', 'capture', 60, 'done', 'EUR', 'accepted', 'captured in part'),
	(3, 'p1', 'capture', 40.01, 'done', 'EUR', '23R05 T.amount paysafe_T_captures', 'more than is authorized'),
	(3, 'p1', 'capture', 1, 'done', 'USD', '23R02 T.currency paysafe_T_captures', 'in another currency'),
	(3, 'p1', 'capture', 1000, 'new', 'EUR', 'accepted', 'what does not count yet'),
	(4, 'p1', 'refund', 30, 'sent', 'EUR', 'accepted', 'refunded'),
	(5, 'p1', 'refund', 1, 'sent', 'USD', '23R02 T.currency paysafe_T_refund', 'a refund in another currency'),
	(5, 'p1', 'refund', 30.01, 'asked', 'EUR', '23R01 T.amount paysafe_T_refund', 'more than is captured'),
	(5, 'p1', 'refund', 30, 'sent', 'EUR', '42501 T.status paysafe_T_approval', 'above the threshold'),
	(5, 'p1', 'refund', 20, 'sent', 'EUR', 'accepted', 'up to it'),
	(6, 'p1', 'cancel', 30, 'done', 'EUR', 'accepted', 'a part is cancelled'),
	(7, 'p1', 'cancel', 10.01, 'done', 'EUR', '23R05 T.amount paysafe_T_captures', '... more than is left'),
	(7, 'p1', 'capture', 10, 'done', 'EUR', 'accepted', '... the rest captured'),
	(8, 'p1', 'cancel', NULL, 'done', 'EUR', 'accepted', 'all is cancelled that is left'),
	(9, 'p1', 'capture', 1, 'done', 'EUR', '23R05 T.amount paysafe_T_captures', '... which leaves nothing'),
	(9, 'p1', 'chargeback', 20, 'done', 'EUR', 'accepted', 'a chargeback: nobody is asked'),
	(10, 'p1', 'refund', 1, 'sent', 'EUR', '23R01 T.amount paysafe_T_refund', '... and it counts'),
	(10, 'p1', 'chargeback', 5, 'done', 'EUR', 'accepted', 'one of more than is left is stored'),
	(11, 'p2', 'sale', 10, 'done', 'EUR', 'accepted', 'a sale is both'),
	(12, 'p2', 'capture', 1, 'done', 'EUR', '23R05 T.amount paysafe_T_captures', '... and leaves nothing'),
	(12, 'p2', 'sale', NULL, 'done', 'EUR', '23R04 T.amount paysafe_T_captures', 'without an amount'),
	(12, NULL, 'sale', 1, 'done', 'EUR', '23R06 T.pay paysafe_T_captures', 'without a payment'),
	(12, 'p2', 'sale', 1, 'done', NULL, '23R04 T.currency paysafe_T_captures', 'without a currency'),
	(12, 'p2', 'credit', -5, 'done', NULL, 'accepted', 'another type')) v (id, pay, kind, amount, status, currency, expected, what);
SELECT is(pg_temp.change(t, id, change), replace(replace(expected, '_T_', '_' || t || '_'), 'T.', 'shop.' || t || '.'), t || ': ' || what)
  FROM (VALUES ('movement', 0), ('grouped', 0)) tables (t, n), (VALUES
	(3, 'status = ''done''', '23R05 T.amount paysafe_T_captures', 'it would count'),
	(3, 'kind = ''refund'', amount = 1', '23R01 T.amount paysafe_T_refund', 'a capture that becomes a refund is requested'),
	(2, 'status = ''failed''', '23R01 T.status paysafe_T_captures', 'captured less than refunded'),
	(1, 'status = ''failed''', '23R05 T.amount paysafe_T_captures', 'authorized less than captured'),
	(1, 'kind = ''sale''', '23R03 T.kind paysafe_T_captures', 'what counts keeps its type'),
	(4, 'kind = ''chargeback''', '23R03 T.kind paysafe_T_refund', 'no refund becomes a chargeback'),
	(3, 'kind = ''chargeback''', '23R03 T.kind paysafe_T_refund', '... nor anything else'),
	(4, 'kind = ''capture''', '23R03 T.kind paysafe_T_refund', '... or a capture'),
	(2, 'pay = ''p2''', '23R03 T.pay paysafe_T_captures', 'the payment stays'),
	(8, 'amount = 5', '23R03 T.amount paysafe_T_captures', 'nor is an amount filled in'),
	(8, 'status = ''failed''', 'accepted', 'the cancellation has failed'),
	(4, 'status = ''done''', 'accepted', 'paid'),
	(5, 'status = ''failed''', 'accepted', 'not paid'),
	(9, 'status = ''failed''', 'accepted', 'the chargeback is reversed')) v (id, change, expected, what);
SELECT is(pg_temp.refusal(format('DELETE FROM shop.%I WHERE id = %s', t, id)), expected, t || ': ' || what)
  FROM (VALUES ('movement', 'shop.movement paysafe_movement_'), ('grouped', 'shop.grouped paysafe_grouped_')) tables (t, words), LATERAL (VALUES
	(1, '23R07 ' || words || 'captures', 'what authorizes stays'), (4, '23R07 ' || words || 'refund', 'what is refunded'),
	(3, 'accepted', 'what does not count goes'), (5, 'accepted', 'what is void')) v (id, expected, what);
SELECT is((SELECT string_agg(relation || ' ' || key || ' ' || sqlstate, ', ' ORDER BY relation::text) FROM paysafe.breach), 'shop.grouped 10 23R01, shop.movement 10 23R01', 'chargebacks that are breaches');

-- before anything is captured, a chargeback says the currency
SELECT is(pg_temp.add(t, id, 'p7', kind, 5, 'done', currency), replace(expected, 'T', t), t || ': ' || what)
  FROM (VALUES ('movement', 0), ('grouped', 0)) tables (t, n), (VALUES
	(80, 'chargeback', 'EUR', 'accepted', 'a chargeback of nothing'),
	(81, 'chargeback', 'USD', '23R02 shop.T.currency paysafe_T_refund', '... another in another currency'),
	(82, 'sale', 'USD', '23R02 shop.T.currency paysafe_T_captures', '... a sale in another one'),
	(83, 'sale', 'EUR', 'accepted', '... and in the same')) v (id, kind, currency, expected, what);

-- approvals
SELECT is(pg_temp.add(t, 30, 'p5', 'sale', 100) || pg_temp.add(t, 31, 'p5', 'refund', 80, 'asked'), 'acceptedaccepted', t || ': asked for')
  FROM unnest('{movement,grouped}'::text[]) t;
-- nobody is asked for a chargeback, so that it does not wait for anybody
SELECT is(pg_temp.add(t, 90, 'p6', 'sale', 100) || pg_temp.add(t, 91, 'p6', 'chargeback', 90, 'asked'), 'acceptedaccepted', t || ': a chargeback that does not count as paid yet')
  FROM unnest('{movement,grouped}'::text[]) t;
SELECT is((SELECT string_agg(relation || ' ' || payment || ' ' || amount || ' ' || currency, ', ' ORDER BY relation::text) FROM paysafe.pending_approval), 'shop.grouped p5 80 EUR, shop.movement p5 80 EUR', 'they wait');
SELECT is(pg_temp.change(t, 91, 'status = ''done'''), 'accepted', t || ': the chargeback goes on') FROM unnest('{movement,grouped}'::text[]) t;
SELECT is(pg_temp.refusal(format('SELECT paysafe.act_as(''boss''); SELECT paysafe.approve_refund(''shop.%I'', ''p5'', 80, ''EUR'', ''agreed'')', t)), 'accepted', t || ': approved') FROM unnest('{movement,grouped}'::text[]) t;
SELECT is(pg_temp.refusal(format('SELECT paysafe.act_as(''boss''); SELECT paysafe.approve_refund(''shop.%I'', ''p5'', 101, ''EUR'', ''agreed'')', t)), '22023', t || ': more than is captured is not') FROM unnest('{movement,grouped}'::text[]) t;
SELECT is(pg_temp.refusal(format('SELECT paysafe.act_as(''clerk''); UPDATE shop.%I SET status = ''failed'' WHERE id = 31; INSERT INTO shop.%I VALUES (32, ''p5'', ''refund'', 80, ''EUR'', ''sent'')', t, t)), 'accepted', t || ': and sent') FROM unnest('{movement,grouped}'::text[]) t;
-- both rules of groups, or none
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_captures('shop.grouped', 'shop.payment', 'pay', 'amount', 'currency', payment_key => 'id')$$), '22023', 'captures of payments beside refunds of groups');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.grouped', 'shop.payment', 'pay', 'amount', payment_key => 'id')$$), '22023', 'refunds of payments beside captures of groups');
-- what is there when a rule is declared
SELECT pg_temp.table_of('old');
INSERT INTO shop.old VALUES (1, 'a', 'sale', 10, 'EUR', 'done'), (2, 'a', 'refund', 11, 'EUR', 'done'), (3, 'b', 'auth', 5, 'EUR', 'done'), (4, 'b', 'capture', 6, 'EUR', 'done');
SELECT is(pg_temp.refusal(pg_temp.declare('old', NULL)), '23514 shop.old paysafe_old_captures', 'captured more than authorized');
UPDATE shop.old SET amount = 5 WHERE id = 4;
SELECT is(pg_temp.refusal(pg_temp.declare('old', NULL)), '23514 shop.old paysafe_old_refund', 'refunded more than captured');
UPDATE shop.old SET amount = 10 WHERE id = 2;
SELECT is(pg_temp.refusal(pg_temp.declare('old', NULL)), 'accepted', 'as it should be');
-- groups belong to nobody: where rows belong to tenants, they have the tenant in their name
CREATE TABLE shop.shared (id int PRIMARY KEY, tenant int, pay text, kind text, amount numeric, currency text);
CREATE INDEX ON shop.shared (tenant, pay);
CREATE TABLE shop.rented (LIKE shop.shared INCLUDING ALL);
CREATE FUNCTION pg_temp.group_by(t text, columns text) RETURNS text LANGUAGE sql AS $$
	SELECT format($d$SELECT paysafe.protect_movements('shop.%I', NULL, %L, 'kind', 'amount', 'currency', capture => '{capture}', refund => '{refund}')$d$, t, columns) $$;
SELECT is(pg_temp.refusal(pg_temp.group_by('shared', 'pay')), 'accepted', 'groups');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_tenant('shop.shared', 'tenant')$$), '22023', '... of which nobody knows the tenant');
SELECT is(pg_temp.refusal_text($$SELECT paysafe.protect_tenant('shop.shared', 'tenant')$$, field), expected, field) FROM (VALUES
	('MESSAGE', 'groups of table "shared" belong to no tenant'),
	('DETAIL', 'The rows of a group are those with the same pay, whatever tenant has them.'),
	('HINT', 'Make column "tenant" one of those that name a group: payment_column => ''{tenant,pay}''.')) v (field, expected);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_tenant('shop.shared', 'tenant', mode => 'observe')$$), 'accepted', '... where that is only observed, they stay');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_tenant('shop.rented', 'tenant')$$), 'accepted', 'tenants');
SELECT is(pg_temp.refusal(pg_temp.group_by('rented', 'pay')), '22023', '... of whom a group says nothing');
SELECT is(pg_temp.refusal(pg_temp.group_by('rented', '{tenant,pay}')), 'accepted', '... or has it in its name');
SELECT paysafe.set_refund_threshold('shop.rented', 'EUR', 1000);
SELECT paysafe.across_tenants('test');
SELECT is(pg_temp.refusal(format('INSERT INTO shop.rented VALUES (%s, %s, ''g'', %L, %s, ''EUR'')', id, tenant, kind, amount)), expected, format('%s %s of tenant %s', kind, amount, tenant))
  FROM (VALUES
	(1, 8, 'capture', 100, 'accepted'),
	(2, 7, 'refund', 60, '23R01 shop.rented.amount paysafe_rented_refund'),
	(3, 8, 'refund', 60, 'accepted')) v (id, tenant, kind, amount, expected);
SELECT * FROM finish();
ROLLBACK;
