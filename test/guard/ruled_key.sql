-- Every column of what a rule refers to by several is kept, on both sides.  For a server
-- that preloads paysafe.
BEGIN;
SELECT plan(46);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (merchant int, number int, id int PRIMARY KEY, captured numeric, currency text, note int, UNIQUE (merchant, number));
CREATE TABLE shop.refund (id int PRIMARY KEY, merchant int, pay int, amount numeric, currency text, status text, note int, number int);
CREATE INDEX ON shop.refund (merchant, pay);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', '{merchant,pay}', 'amount', 'currency', 'status', '{paid}', '{void}', 'captured', 'currency',
	payment_key => '{merchant,number}');
INSERT INTO shop.payment VALUES (1, 1, 1, 100, 'EUR');
INSERT INTO shop.refund VALUES (1, 1, 1, 10, 'EUR', 'asked');

CREATE TABLE shop.entry (id int PRIMARY KEY, tenant int, txn int, account int, amount numeric, currency text, rtenant int, reverses int, note int);
CREATE INDEX ON shop.entry (tenant, txn);
CREATE TABLE shop.account (id int PRIMARY KEY, tenant int, code int, balance numeric DEFAULT 0, note int, UNIQUE (tenant, code));
SELECT paysafe.protect_ledger('shop.entry', '{tenant,txn}', '{tenant,account}', 'amount', 'currency', reverses_column => '{rtenant,reverses}'),
	   paysafe.protect_balance('shop.account', '{tenant,code}', 'balance', 'shop.entry');

SELECT is(pg_temp.refusal(format(v.c, k.t, k.c)), format('42501 shop.%s paysafe_%1$s_guard_%s', k.t, CASE WHEN v.c LIKE '% DROP %' AND k.t IN ('payment', 'account') THEN 'key' ELSE 'column' END), format(v.c, k.t, k.c))
  FROM (VALUES ('refund', 'merchant'), ('refund', 'pay'), ('payment', 'merchant'), ('payment', 'number'),
	('entry', 'tenant'), ('entry', 'txn'), ('entry', 'account'), ('entry', 'rtenant'), ('entry', 'reverses'), ('account', 'tenant'), ('account', 'code')) k (t, c),
	(VALUES ('ALTER TABLE shop.%s RENAME %s TO renamed'), ('ALTER TABLE shop.%s DROP %s CASCADE'), ('ALTER TABLE shop.%s ALTER %s TYPE text')) v (c);
SELECT is(pg_temp.refusal(format(v.c, k.t, k.c)), 'accepted', format(v.c, k.t, k.c))
  FROM (VALUES ('refund', 'number'), ('refund', 'note'), ('account', 'note')) k (t, c),
	(VALUES ('ALTER TABLE shop.%s RENAME %s TO renamed; ALTER TABLE shop.%1$s RENAME renamed TO %2$s'), ('ALTER TABLE shop.%s ALTER %s TYPE bigint'), ('ALTER TABLE shop.%s DROP %s')) v (c);
SELECT results_eq($$SELECT rule, columns FROM paysafe.protection WHERE relation IN ('shop.refund'::regclass, 'shop.entry'::regclass, 'shop.account'::regclass) ORDER BY rule$$,
	$$VALUES ('balance', '{balance,code,tenant}'::text[]), ('ledger', '{account,amount,currency,reverses,rtenant,tenant,txn}'), ('refund', '{amount,currency,merchant,pay,status}')$$,
	'the view lists all of them');

-- the keys that they are found by
SELECT is(pg_temp.refusal('ALTER TABLE shop.payment DROP CONSTRAINT payment_merchant_number_key'), '42501 shop.payment paysafe_payment_guard_key', 'the key of the payment stays');
SELECT is(pg_temp.refusal('ALTER TABLE shop.account DROP CONSTRAINT account_tenant_code_key'), '42501 shop.account paysafe_account_guard_key', 'the key of the account stays');
SELECT is(pg_temp.refusal('ALTER TABLE shop.payment ADD UNIQUE (merchant, note); ALTER TABLE shop.payment DROP CONSTRAINT payment_merchant_note_key'), 'accepted', '... and no other');

SELECT * FROM finish();
ROLLBACK;
