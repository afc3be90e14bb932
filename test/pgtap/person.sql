-- One person is one person in every spelling; other encodings: test/encoding.
BEGIN;
SELECT plan(74);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent}', '{void}', 'captured', 'currency');
CREATE SEQUENCE shop.number;

-- 'accepted' if the second may approve what the first requested
CREATE FUNCTION pg_temp.pair(requester text, approver text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n int := nextval('shop.number');
BEGIN
	INSERT INTO shop.payment VALUES (n, 1000, 'EUR');
	PERFORM paysafe.act_as(requester);
	INSERT INTO shop.refund VALUES (n, n, 500, 'EUR', 'requested');
	PERFORM paysafe.act_as(approver);
	RETURN pg_temp.refusal(format('SELECT paysafe.approve(''shop.refund'', %L, ''looked at it'')', n));
END $$;

SELECT is(pg_temp.pair(a, b), '42501 paysafe.approval_record paysafe_approval_record_approval', a || ' is ' || b)
  FROM (VALUES
	('alice', 'ALICE'), ('alice', 'ALİCE'), ('alice', 'alıce'), ('ali', U&'AL\0049\0307'), ('IRMAK', 'ırmak'), ('İ', 'ı'),
	('jan', U&'\0237an'), ('groß', 'GROSS'), ('groß', 'GROẞ'), ('strasse', 'straße'), ('άλις', 'ΆΛΙΣ'), ('οδός', 'ΟΔΌΣ'),
	(U&'\1FB3', U&'\0391\0399'), ('zoë', U&'ZOE\0308'), ('ﬁona', 'FIONA'), ('ﬅ', 'ST'), ('ａｌｉｃｅ', 'alice'),
	(U&'\212Aim', 'kim'), (U&'\212Bsa', 'åsa'), ('ſam', 'SAM'), ('carol b', 'Carol  B'), ('carol b', 'carol    b'),
	('ǆemal', 'ǅEMAL'), (U&'\AB70\AB71', U&'\13A0\13A1'), ('михаил', 'МИХАИЛ'), ('ааёж', 'ААЁЖ'),
	(U&'\+010428', U&'\+010400'), ('é', U&'E\0301'), (U&'\1E69', U&'S\0307\0323'), ('①', '1'), ('ŉ', U&'\02BCN'),
	('Ωmega', U&'\2126MEGA'), ('ჯონ', U&'\1CAF\1C9D\1C9C'), ('ΰ', U&'\03A5\0308\0301'), ('Ⅷ', 'viii'), ('㎏', 'KG'),
	('ı̇', 'I'),
	-- other alphabets, other punctuation
	('alice', U&'\0430lice'), (U&'\0410LICE', 'alice'), ('anna', U&'\0391\039D\039D\0391'), ('bob', U&'\0412\041E\0412'), ('ivan', U&'\0406v\0430n'),
	('zoë', U&'zo\0451'), ('á', U&'\0386'), (U&'\0440\0443\0441', U&'\03C1\03C5c'), (U&'\13AAl\0456\0441\0435', 'Alice'), (U&'s\057Dzy', 'SUZY'),
	('o''brien', 'O’Brien'), ('user:1-2', U&'user\A7891\20102')) v (a, b);

SELECT is(pg_temp.pair(a, b), 'accepted', a || ' is not ' || b)
  FROM (VALUES ('alice', 'alicia'), ('zoë', 'zoe'), ('é', 'è'), ('carol b', 'carolb'), ('ß', 's'), ('groß', 'gros'),
	('михаил', 'михаила'), ('άλις', 'αλις'), ('張', '李'), ('нина', 'Huha'), (U&'\04BBади', U&'\043Dади'), ('соня', 'сеня'),
	('anna', U&'\0391\039B\039B\0391'), ('мить', 'митв'), ('alice', 'aiice'), ('user:1', 'user-1')) v (a, b);

-- What could be seen or compared otherwise tomorrow names nobody.
SELECT is(pg_temp.refusal(format('SELECT paysafe.act_as(%L)', name)), '22023', 'U+' || to_hex(ascii(right(name, 1))) || ' is in no name')
  FROM (VALUES (U&'a\200B'), (U&'a\00AD'), (U&'a\202E'), (U&'a\E000'), (U&'a\0378'), (U&'a\FE0F'), (U&'a\+0E0041'), (U&'a\00A0'), (U&'a\2028')) v (name);

SELECT * FROM finish();
ROLLBACK;
