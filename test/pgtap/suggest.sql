-- What is proposed for tables of several shapes; all of it can be declared.
BEGIN;
SELECT plan(42);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (tenant int, id int, currency text NOT NULL, total numeric, PRIMARY KEY (tenant, id));
CREATE TABLE shop.payment (tenant int, id int, order_id int, amount numeric, currency text, status text CHECK (status IN ('new', 'authorized', 'captured')) DEFAULT 'new', PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, order_id) REFERENCES shop.orders);
CREATE TABLE shop.refund (id int PRIMARY KEY, tenant int, payment_id int, amount numeric, currency text, status text CHECK (status IN ('asked', 'sent', 'failed')),
	FOREIGN KEY (tenant, payment_id) REFERENCES shop.payment);
CREATE TABLE shop.intent (id text PRIMARY KEY, amount numeric, currency text);
CREATE TABLE shop.transaction (id int PRIMARY KEY, intent_id text REFERENCES shop.intent, type text CHECK (type IN ('authorization', 'capture', 'void', 'refund', 'chargeback')),
	amount numeric, currency text, status text CHECK (status IN ('pending', 'success', 'failure')));
CREATE TABLE shop.capture (id int PRIMARY KEY, intent_id text REFERENCES shop.intent, amount numeric, currency text);
CREATE TABLE shop.bill (id int PRIMARY KEY, total numeric, currency text);
CREATE TABLE shop.refund_plain (id int PRIMARY KEY, bill_id int REFERENCES shop.bill, amount numeric);
CREATE TABLE shop.payout (id int PRIMARY KEY, merchant_id int, amount numeric, currency text, status text CHECK (status IN ('requested', 'approved', 'paid', 'rejected')));
CREATE TABLE shop.journal_line (id int PRIMARY KEY, journal_id int, account_id int, debit numeric, credit numeric, currency text, reversed boolean);
CREATE TABLE shop.posting (id int PRIMARY KEY, transaction_id int, account_id int, amount numeric, currency text, reversed boolean);
CREATE TABLE shop.unkeyed (id int, status text, amount numeric, captured numeric, currency text);
CREATE TABLE shop.login_event (id int, at timestamptz);
CREATE TABLE shop.other_units (id int PRIMARY KEY, payment_id int, amount bigint, currency text);
CREATE TABLE shop.charge (id int PRIMARY KEY, amount numeric, captured_amount bigint, currency text, status text);
CREATE VIEW shop.payment_view AS SELECT * FROM shop.payment;
CREATE TEMP TABLE payment_temp (id int PRIMARY KEY, status text);
CREATE TABLE shop.part (id int, region text, status text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.ruled_log (id int PRIMARY KEY, status text);
CREATE RULE quiet AS ON DELETE TO shop.ruled_log DO INSTEAD NOTHING;
CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE shop.touched_log (id int PRIMARY KEY, note text);
CREATE TRIGGER touch BEFORE INSERT ON shop.touched_log FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing();

SELECT is((SELECT string_agg(s.rule, ',' ORDER BY s.rule) FROM paysafe.suggest(t) s WHERE s.rule NOT IN ('audit', 'columns')), want, concat(t)) FROM (VALUES
	(NULL, NULL), ('shop.payment_view', NULL), ('payment_temp', NULL), ('shop.part_eu', NULL), ('shop.ruled_log', NULL),
	('shop.orders', NULL), ('shop.payment', 'payment,status'), ('shop.refund', 'refund,status'), ('shop.transaction', 'movements,status'), ('shop.capture', 'captures'),
	('shop.refund_plain', 'refund'), ('shop.payout', 'refund,status'), ('shop.journal_line', 'ledger'), ('shop.posting', 'ledger'), ('shop.unkeyed', NULL),
	('shop.login_event', 'append_only'), ('shop.charge', NULL), ('shop.touched_log', NULL), ('shop.part', NULL)) v (t, want);
SELECT is((SELECT count(*) FROM paysafe.suggest(t)), 0::bigint, concat('nothing for ', t)) FROM unnest(ARRAY[NULL, 'shop.payment_view', 'payment_temp', 'shop.part_eu', 'shop.ruled_log']) t;
SELECT is((SELECT s.declaration FROM paysafe.suggest(t::regclass) s WHERE s.rule = r), format('SELECT paysafe.%s, mode => ''observe'');', want), t || ' ' || r) FROM (VALUES
	('shop.refund', 'refund', 'protect_refund(''shop.refund'', ''shop.payment'', ''{tenant,payment_id}'', ''amount'', currency_column => ''currency'', status_column => ''status'', gated => ''{sent}'', void => ''{failed}'', payment_amount_column => ''amount'', payment_currency_column => ''currency'''),
	('shop.transaction', 'movements', 'protect_movements(''shop.transaction'', ''shop.intent'', ''intent_id'', ''type'', ''amount'', ''currency'', authorize => ''{authorization}'', capture => ''{capture}'', cancel => ''{void}'', refund => ''{refund}'', chargeback => ''{chargeback}'', status_column => ''status'', counted => ''{success}'', gated => ''{success}'', void => ''{failure}'''),
	('shop.payout', 'refund', 'protect_refund(''shop.payout'', NULL, ''merchant_id'', ''amount'', ''currency'', ''status'', ''{approved,paid}'', ''{rejected}'''),
	('shop.journal_line', 'ledger', 'protect_ledger(''shop.journal_line'', ''journal_id'', ''account_id'', ''debit'', credit_column => ''credit'', currency_column => ''currency'''),
	('shop.posting', 'ledger', 'protect_ledger(''shop.posting'', ''transaction_id'', ''account_id'', ''amount'', ''currency''')) v (t, r, want);
SELECT is(pg_temp.refusal(s.declaration), 'accepted', c.relname || ' ' || s.rule)
  FROM pg_class c, LATERAL (SELECT * FROM paysafe.suggest(c.oid) OFFSET 0) s
 WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND s.rule NOT IN ('audit', 'columns')
 ORDER BY array_position('{status,payment,captures,movements,ledger,refund,append_only}', s.rule), c.relname;
SELECT * FROM finish();
ROLLBACK;
