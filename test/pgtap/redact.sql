-- Redaction: what is a card number or a secret, what is not, and that nothing is
-- left of them, whatever the text.
BEGIN;
SELECT plan(98);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, pg_temp;

-- Card numbers, in the one form that is left of them
CREATE TEMP TABLE card (given text, kept text, what text);
INSERT INTO card VALUES
	('4242424242424242', '424242******4242', 'Visa'),
	('4000056655665556', '400005******5556', 'Visa debit'),
	('4111111111111111', '411111******1111', 'Visa'),
	('4012888888881881', '401288******1881', 'Visa'),
	('4917300800000000', '491730******0000', 'Visa Electron'),
	('4484070000000000', '448407******0000', 'Visa Purchasing'),
	('4222222222222', '42222****2222', 'Visa of 13 digits: four are hidden'),
	('5555555555554444', '555555******4444', 'Mastercard'),
	('2223003122003222', '222300******3222', 'Mastercard, 2-series'),
	('5200828282828210', '520082******8210', 'Mastercard debit'),
	('5105105105105100', '510510******5100', 'Mastercard prepaid'),
	('378282246310005', '378282*****0005', 'American Express'),
	('371449635398431', '371449*****8431', 'American Express'),
	('6011111111111117', '601111******1117', 'Discover'),
	('6011000990139424', '601100******9424', 'Discover'),
	('6011981111111113', '601198******1113', 'Discover debit'),
	('6011000400000000', '601100******0000', 'Discover'),
	('3056930009020004', '305693******0004', 'Diners Club of 16 digits'),
	('30569309025904', '305693****5904', 'Diners Club of 14 digits'),
	('36227206271667', '362272****1667', 'Diners Club of 14 digits'),
	('6555900000604105', '655590******4105', 'BCcard'),
	('3566002020360505', '356600******0505', 'JCB'),
	('3528000700000000', '352800******0000', 'JCB'),
	('6200000000000005', '620000******0005', 'UnionPay'),
	('6205500000000000004', '620550*********0004', 'UnionPay of 19 digits'),
	('122000000000003', '122000*****0003', 'AirPlus'),
	('5019717010103742', '501971******3742', 'Dankort'),
	('6759649826438453', '675964******8453', 'Maestro'),
	('675911111119', '6759****1119', 'Maestro of 12 digits: four are hidden');
SELECT is(paysafe.redact(given), kept, what) FROM card;

-- The same in other words
CREATE TEMP TABLE form (given text, kept text);
INSERT INTO form VALUES
	('4242 4242 4242 4242', '424242******4242'), ('4242-4242-4242-4242', '424242******4242'),
	('3782 822463 10005', '378282*****0005'), ('3782-822463-10005', '378282*****0005'),
	('3056 930902 5904', '305693****5904'), ('6205 5000 0000 0000 004', '620550*********0004'),
	('1220 00000 000003', '122000*****0003'), ('620550 0000000000004', '620550*********0004'),
	('4222 222 222 222', '42222****2222'), ('6759 1111 1119', '6759****1119'),
	('42424242 42424242', '424242******4242'), ('424242-4242424242', '424242******4242'),
	('4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2', '424242******4242'), ('42-42-42-42-42-42-42-42', '424242******4242'),
	('4242.4242.4242.4242', '424242******4242'), ('4242_4242_4242_4242', '424242******4242'),
	('4242/4242/4242/4242', '424242******4242'), ('4242 - 4242 - 4242 - 4242', '424242******4242'),
	('4242 4242-4242.4242', '424242******4242'), (E'4242\t4242\t4242\t4242', '424242******4242'),
	(E'4242\n4242\r\n4242\n4242', '424242******4242'),
	(U&'4242\00A04242\202F4242\30004242', '424242******4242'), (U&'4242\20134242\22124242\20104242', '424242******4242'),
	(U&'42\200B424242\FEFF4242\00AD4242', '424242******4242'), (U&'4242\200B \200B4242 4242 4242', '424242******4242'),
	(U&'\FF14\FF12\FF14\FF124242 42424242', '424242******4242'),
	(U&'\0664\0662\0664\0662\0664\0662\0664\0662\0664\0662\0664\0662\0664\0662\0664\0662', '424242******4242'),
	(U&'\096A\0968\096A\0968 \06F4\06F2\06F4\06F2 \+01D7D2\+01D7D0\+01D7D2\+01D7D0 4242', '424242******4242'),
	('%34%32%34%32%34%32%34%32%34%32%34%32%34%32%34%32', '424242******4242'), ('4242%204242%2D4242%C2%A04242', '424242******4242'),
	('4242+4242+4242+4242', '424242******4242'), ('q=%224242424242424242%22', 'q=%22424242******4242%22'),
	('\u0034\u0032\u0034\u0032424242424242', '424242******4242'), ('%4242424242424242', '%424242******4242'),
	('PAN4242424242424242', 'PAN424242******4242'), ('cc4242424242424242', 'cc424242******4242'),
	('pay(4242424242424242)now', 'pay(424242******4242)now'), ('"4242424242424242"', '"424242******4242"'),
	('**4242 4242 4242 4242**', '**424242******4242**'), ('4242 4242 4242 4242 12/30', '424242******4242 12/30'),
	('order 17, 4242-4242-4242-4242-1', 'order 17, 424242******4242-1'), ('1 4242 4242 4242 4242', '1 424242******4242'),
	('4242424242424242 4000056655665556', '424242******4242 400005******5556'),
	(E'4242 4242 4242 4242\n5555 5555 5555 4444', E'424242******4242\n555555******4444'),
	('4242424242424242.00', '424242******4242.00'), ('-4242424242424242', '-424242******4242'), ('+4242424242424242', '+424242******4242'),
	-- numbers that overlap: what one of them hides is hidden
	('4242 4242 4242 4242 4242', '424242**********4242'),
	-- what is left of one, with what stands beside it, is not read as another one
	('4242424242424242 4242 4242 4242', '424242**********************'),
	-- a magnetic stripe
	('%B4242424242424242^DOE/JOHN^25121010000000000000?', '%B424242******4242^[redacted]?'),
	(';4242424242424242=25121010000012345678?', ';424242******4242=[redacted]?'),
	('4242424242424242D25121010000012345F', '424242******4242D[redacted]');
SELECT is_empty('SELECT given, paysafe.redact(given), kept FROM form WHERE paysafe.redact(given) IS DISTINCT FROM kept',
	'separators, digits, encodings, neighbours');
SELECT is_empty('SELECT given FROM form WHERE NOT paysafe.has_card_number(given)', 'each of them is a card number');

-- Not card numbers
CREATE TEMP TABLE other (given text);
INSERT INTO other VALUES
	('4242424242424241'), ('4012-8888-8888-1882'), ('36168002586008'),
	('1548138160707'), ('1647725122227'), ('1747919220567223'), ('2026-11-27 08:20:00.123456'),
	('42424242424242424242'), ('99994242424242424242'), ('9999 42424242424242424242 9999'),
	('9042424242424242'), ('424242424242'), ('4242 4242 4242'), ('1 2 3 4 5 6 7 8 9 10 11 12 13'),
	('deadbeef4242424242424242'), ('4242424242424242c0ffee00c0ffee00'), ('42424242-4242-4242-4242-424242424242'),
	('67591111-1119-4242-4242-675911111119'), ('+4222222222222'), ('0.4242424242424242'), ('3.6227206271667'), ('424242******4242'),
	('{"a": [4242, 4242, 4242, 4242]}'), ('4242,4242,4242,4242'), ('4242    4242    4242    4242'), ('4242x4242x4242x4242'),
	('4242:4242:4242:4242'), ('1200.50 3400.75'), ('DE89370400440532013000'), (''), ('no digits at all');
SELECT is_empty('SELECT given, paysafe.redact(given) FROM other WHERE paysafe.redact(given) <> given', 'what is none stays as it is');
SELECT is_empty('SELECT given FROM other WHERE paysafe.has_card_number(given)', 'and is none');

-- Issuers: each prefix in each length that belongs to it, with a check digit, and
-- none with a wrong one
CREATE FUNCTION pg_temp.luhn(number text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT (sum(CASE WHEN i % 2 = 1 THEN d ELSE d * 2 / 10 + d * 2 % 10 END) % 10)::int
	  FROM (SELECT i, substr(reverse(number), i, 1)::int AS d FROM generate_series(1, length(number)) i) x $$;
CREATE FUNCTION pg_temp.with_check_digit(number text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT number || (10 - pg_temp.luhn(number || '0')) % 10 $$;
CREATE TEMP TABLE issuer (name text, prefix text, lengths int[]);
INSERT INTO issuer VALUES
	('Visa', '4', '{13,16,18,19}'), ('Mastercard', '51', '{16}'), ('Mastercard', '55', '{16}'), ('Mastercard', '2221', '{16}'),
	('Mastercard', '2720', '{16}'), ('American Express', '34', '{15}'), ('American Express', '37', '{15}'),
	('Diners Club', '300', '{14,16,19}'), ('Diners Club', '3095', '{14,16,19}'), ('Diners Club', '36', '{14,16,19}'),
	('Diners Club', '38', '{14,16,19}'), ('Diners Club', '39', '{14,16,19}'), ('Discover', '6011', '{16,17,18,19}'),
	('Discover', '644', '{16,19}'), ('Discover', '65', '{16,19}'), ('Discover', '622126', '{16,19}'),
	('JCB', '3528', '{16,17,18,19}'), ('JCB', '3589', '{16,19}'), ('JCB', '1800', '{15}'), ('JCB', '2131', '{15}'),
	('UATP', '1', '{15}'), ('UnionPay', '62', '{16,17,18,19}'), ('UnionPay', '81', '{16,17,18,19}'),
	('Maestro', '5018', '{12,13,14,15,16,17,18,19}'), ('Maestro', '5020', '{12,19}'), ('Maestro', '5038', '{12,19}'),
	('Maestro', '5893', '{12,19}'), ('Maestro', '6304', '{12,19}'), ('Maestro', '6759', '{12,13,14,15,16,17,18,19}'),
	('Maestro', '6761', '{12,19}'), ('Maestro', '6763', '{12,19}'), ('Maestro', '56', '{16,18,19}'), ('Maestro', '58', '{16,18,19}'),
	('Bancontact', '6703', '{16,17,19}'), ('Laser', '6706', '{16,19}'), ('Switch', '4903', '{16,18,19}'), ('Switch', '633110', '{16,18,19}'),
	('Solo', '6334', '{16,18,19}'), ('Dankort', '5019', '{16}'), ('Mir', '2200', '{16,17,18,19}'), ('Mir', '2204', '{16,19}'),
	('RuPay', '508', '{16}'), ('RuPay', '60', '{16}'), ('RuPay', '82', '{16}'), ('RuPay', '353', '{16}'),
	('Elo', '401178', '{16}'), ('Elo', '504175', '{16}'), ('Elo', '509', '{16}'), ('Elo', '627780', '{16}'), ('Elo', '636368', '{16}'),
	('Elo', '6500', '{16}'), ('Verve', '506099', '{16,18,19}'), ('Verve', '507865', '{16,18,19}'), ('Verve', '650002', '{16,18,19}'),
	('Hipercard', '606282', '{16,19}'), ('Hipercard', '384100', '{16,19}'), ('Troy', '9792', '{16}'), ('Troy', '65', '{16}'),
	('UzCard', '8600', '{16}'), ('Humo', '9860', '{16}'), ('Belkart', '9112', '{16}'), ('ArCa', '9051', '{16}'),
	('Prostir', '9804', '{16}'), ('Mada', '9682', '{16}'), ('InterPayment', '636', '{16,17,18,19}'), ('InstaPayment', '637', '{16}'),
	('Naranja', '589562', '{16}'), ('Cabal', '604201', '{16}'), ('UkrCard', '604001', '{16,19}'), ('Borica', '2205', '{16}'),
	('T-Union', '31', '{19}'), ('Carnet', '286900', '{16}'), ('Aura', '50', '{16,19}'), ('eftpos', '5610', '{16}');
CREATE TEMP TABLE issued AS
	SELECT name, pg_temp.with_check_digit(rpad(prefix, n - 1, md5_digits)) AS number
	  FROM issuer, unnest(lengths) n, generate_series(1, 20) i,
		   LATERAL (SELECT translate(md5(prefix || n || i), 'abcdef', '012345') AS md5_digits) m;
SELECT is_empty('SELECT * FROM issued WHERE NOT paysafe.has_card_number(number)', 'numbers of every issuer');
SELECT is_empty($$SELECT number, paysafe.redact(number) FROM issued
	WHERE paysafe.redact(number) !~ '^\d{4,6}\*{4,9}\d{4}$' OR length(paysafe.redact(number)) <> length(number)
	   OR left(number, 4) || right(number, 4) <> left(paysafe.redact(number), 4) || right(paysafe.redact(number), 4)$$,
	'all in the same form');
SELECT is_empty($$SELECT n FROM (SELECT left(number, -1) || (right(number, 1)::int + d) % 10 AS n FROM issued, generate_series(1, 9) d) x
	WHERE paysafe.has_card_number(n)$$, 'none with another check digit');
SELECT is_empty($$SELECT n FROM (SELECT pg_temp.with_check_digit(rpad(p, l - 1, translate(md5(p || l || i), 'abcdef', '012345'))) AS n
		FROM unnest('{0,20,23,29,33,7,80,84,90,95,99,59}'::text[]) p, generate_series(12, 19) l, generate_series(1, 20) i) x
	WHERE (n !~ '^(23[0-9]|29)' OR length(n) <> 16) AND n !~ '^(9051|8600|286900)' AND paysafe.has_card_number(n)$$,
	'nor of prefixes that are nobody''s');
SELECT is_empty($$SELECT t FROM (SELECT (extract(epoch FROM timestamptz '2001-09-09 02:00+00' + i * interval '10 days 3:25:45.678') * f)::bigint::text AS t
		FROM generate_series(1, 1100) i, unnest('{1e3,1e6,1e9}'::float[]) f) x WHERE paysafe.has_card_number(t)$$,
	'timestamps of thirty years, in milliseconds, microseconds, nanoseconds');
SELECT is_empty($$SELECT id FROM (SELECT gen_random_uuid()::text AS id FROM generate_series(1, 20000)) x WHERE paysafe.redact(id) <> id$$,
	'UUIDs');
SELECT is_empty($$SELECT id FROM (SELECT left(encode(sha256(i::text::bytea), 'hex'), n) AS id FROM generate_series(1, 5000) i, unnest('{24,32,40,64}'::int[]) n) x
	WHERE paysafe.redact(id) <> id$$, 'hashes');
SELECT is_empty($$SELECT n FROM (SELECT (sin(i) * 10 ^ (i % 3))::float8::text AS n FROM generate_series(1, 20000) i) x
	WHERE paysafe.has_card_number(n)$$, 'floating point');

-- Secrets in text
CREATE TEMP TABLE secret (given text, kept text);
INSERT INTO secret VALUES
	('password=hunter2', 'password=[redacted]'), ('PASSWORD = hunter2 next', 'PASSWORD = [redacted] next'),
	('db_password: hunter2, x', 'db_password: [redacted], x'), ('newPassword="a b\"c" d', 'newPassword="[redacted]" d'),
	('?user=1&api_key=abc&x=2', '?user=1&api_key=[redacted]&x=2'), ('x-api-key: abc', 'x-api-key: [redacted]'),
	('client.secret => abc', 'client.secret => [redacted]'), ('refreshToken=abc', 'refreshToken=[redacted]'),
	('{"password": "a", "n": 1}', '{"password": "[redacted]", "n": 1}'), ('{"pin":1234,"cvv":null}', '{"pin":"[redacted]","cvv":"[redacted]"}'),
	('{"token": {"a": [1, "}"]}, "b": 2}', '{"token": "[redacted]", "b": 2}'), ('{"secret":["a","b"],"b":2}', '{"secret":"[redacted]","b":2}'),
	('{\"pin\": \"1234\"}', '{\"pin\": \"[redacted]\"}'), ('{''secret'': 42}', '{''secret'': ''[redacted]''}'),
	('{"password": "open', '{"password": "[redacted]'), ('track1=abc track2: def', 'track1=[redacted] track2: [redacted]'),
	(E'Host: x\r\nAuthorization: Bearer abc def\r\nAccept: y', E'Host: x\r\nAuthorization: [redacted]\r\nAccept: y'),
	('curl -H ''Authorization: Basic abc'' -H "Cookie: a=b; c=d" x', 'curl -H ''Authorization: [redacted]'' -H "Cookie: [redacted]" x'),
	('Proxy-Authorization: Digest a="b", c="d"', 'Proxy-Authorization: [redacted]'), ('authorization=Bearer abc', 'authorization=[redacted]'),
	('Bearer abcdefgh12345678', 'Bearer [redacted]'), ('cvv 123 and CVC2: 456', 'cvv [redacted] and CVC2: [redacted]'), ('PIN 1234', 'PIN [redacted]'),
	('ALTER ROLE x PASSWORD ''abc'' y', 'ALTER ROLE x PASSWORD ''[redacted]'' y'), ('run --password abc --x', 'run --password [redacted] --x'),
	('<password>abc</password>', '<password>[redacted]</password>'),
	('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_[redacted]'), ('key sk_live_4eC39HqLyjWDarjtT1zdp7dc.', 'key sk_live_[redacted].'),
	('psk_live_0123456789abcdefghijABCDEFGHIJabcdef', 'psk_live_[redacted]'), ('acme_0123456789abcdefghijABCDEFGHIJabcdef', 'acme_[redacted]'),
	('ghp_0123456789abcdefghijABCDEFGHIJabcdef', 'ghp_[redacted]'), ('xoxb-1234567890-abcdef', 'xoxb-[redacted]'),
	('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP x', '[redacted] x'),
	(E'a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b', 'a [redacted] b'),
	(E'-----BEGIN EC PRIVATE KEY-----\nMIIE and no end', '[redacted]'),
	('postgres://bob:hunter2@db.example/x', 'postgres://bob:[redacted]@db.example/x'), ('redis://:p%40ss@h:6379', 'redis://:[redacted]@h:6379'),
	('password=4242424242424242', 'password=[redacted]'),
	-- names as they are really written
	('security code: 123', 'security code: [redacted]'), ('card verification value 123', 'card verification value [redacted]'), ('api key = abc', 'api key = [redacted]'),
	('cvv_code=123', 'cvv_code=[redacted]'), ('cvc2Number: 123', 'cvc2Number: [redacted]'), ('CVC is 123', 'CVC is [redacted]'), ('security+code=123&x=1', 'security+code=[redacted]&x=1'),
	('card[cvc]=123&x=1', 'card[cvc]=[redacted]&x=1'), ('card%5Bpin%5D=1234&x', 'card%5Bpin%5D=[redacted]&x'),
	('<ns:cvv>123</ns:cvv>', '<ns:cvv>[redacted]</ns:cvv>'), ('<CVV2 type="x>y">123</CVV2>', '<CVV2 type="x>y">[redacted]</CVV2>'), ('<token:cvv>123</token:cvv>', '<token:cvv>[redacted]</token:cvv>'),
	('<cvv><![CDATA[1<23]]></cvv>', '<cvv><![CDATA[[redacted]]]></cvv>'), ('<cvv><b>123</b></cvv>', '<cvv>[redacted]</b></cvv>'),
	('<input name="cvv" value="123">', '<input name="cvv" value="[redacted]">'), ('<input value=''123'' id=cvv> x', '<input value=''[redacted]'' id=cvv> x'),
	('<param name="cvv">123</param><param name="x">5</param>', '<param name="cvv">[redacted]</param><param name="x">5</param>'), ('<name>cvv</name> <value>123</value>', '<name>cvv</name> <value>[redacted]</value>'),
	('{"name":"cvv","value":"123"}', '{"name":"cvv","value":"[redacted]"}'), ('{"fieldValue":123,"fieldName":"securityCode"}', '{"fieldValue":"[redacted]","fieldName":"securityCode"}'), ('name=cvv&value=123', 'name=cvv&value=[redacted]'),
	(E'password:\n  hunter2\nx: y', E'password:\n  [redacted]\nx: y'), (E'a:\n  token: |\n    b c\n    d\n  e: f', E'a:\n  token: |\n    [redacted]'),
	('{\\"password\\":\\"a b\\"}', '{\\"password\\":\\"[redacted]\\"}'), ('{\\\"pin\\\": 12}', '{\\\"pin\\\": \\\"[redacted]\\\"}'),
	('CVV2 code - 123', 'CVV2 code - [redacted]'), ('cvv|123|x', 'cvv|[redacted]|x'), ('"cvv" , "123"', '"cvv" , "[redacted]"'), ('cvc, 123', 'cvc, [redacted]'), ('cvv – 123', 'cvv – [redacted]'),
	('cvv (3 digits): 123', 'cvv (3 digits): [redacted]'), ('password (old) = abc', 'password (old) = [redacted]'), ('password：abc', 'password：[redacted]'),
	('password%3Dhunter2&x', 'password%3D[redacted]&x'), ('%7B%22cvv%22%3A%22123%22%2C%22a%22%3A1%7D', '%7B%22cvv%22%3A%22[redacted]%22%2C%22a%22%3A1%7D'),
	('{&quot;cvv&quot;:&quot;123&quot;}', '{&quot;cvv&quot;:&quot;[redacted]&quot;}'),
	(E'Content-Disposition: form-data; name="cvv"\r\n\r\n123\r\n--x', E'Content-Disposition: form-data; name="cvv"\r\n\r\n[redacted]\r\n--x'),
	(E'form-data; name="card[cvc]"\nContent-Type: text/plain\n\n123\n--x', E'form-data; name="card[cvc]"\nContent-Type: text/plain\n\n[redacted]\n--x'),
	('token[]=abc', 'token[]=[redacted]'), ('user[password][0]=abc&x', 'user[password][0]=[redacted]&x'), ('cvv%5B%5D=123', 'cvv%5B%5D=[redacted]'),
	('&lt;cvv&gt;123&lt;/cvv&gt;', '&lt;cvv&gt;[redacted]&lt;/cvv&gt;'), ('<Cvv2Val>123</Cvv2Val>', '<Cvv2Val>[redacted]</Cvv2Val>'), ('ccv: 123', 'ccv: [redacted]'), ('cvv "123" x', 'cvv "[redacted]" x'),
	-- numbers divided by escapes, and data of chips
	('"4242\n4242\n4242\n4242"', '"424242******4242"'), ('4242\\n4242\\n4242\\n4242', '424242******4242'), ('4242&nbsp;4242&#160;4242&#xA0;4242', '424242******4242'), ('4242<br>4242<br/>4242<BR />4242', '424242******4242'), ('&#52;242424242424242', '424242******4242'),
	('57134242424242424242D25121010000012345678F', '5713[redacted]'), ('9F02060000000010005A0842424242424242425F24032512', '9F02060000000010005A08[redacted]5F24032512'),
	-- published forms of keys
	('AKIAIOSFODNN7EXAMPLE', 'AKIA[redacted]'), ('sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL', 'sk-[redacted]'), ('sk-proj-abcdefghijklmnopqrstuvwxyz', 'sk-proj-[redacted]'), ('live_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM', 'live_[redacted]'), ('rzp_live_abcdefghijklmn', 'rzp_live_[redacted]'),
	('access-production-de3ce8ef-33f8-452c-a685-8671031fc0f6', 'access-production-[redacted]'), ('FLWSECK_TEST-0123456789abcdef-X', 'FLWSECK_TEST-[redacted]'), ('https://hooks.slack.com/services/T00/B00/XXXXXXXX?x', 'https://hooks.slack.com/services/[redacted]?x'),
	-- short pairs, lists of pairs
	('{"k":"password","v":"hunter2"}', '{"k":"password","v":"[redacted]"}'), ('{"v":"hunter2","n":"api_key"}', '{"v":"[redacted]","n":"api_key"}'), ('k=cvv&v=123', 'k=cvv&v=[redacted]'),
	('[["user","bob"],["password","hunter2"]]', '[["user","bob"],["password","[redacted]"]]'), ('[ [ "Authorization", "Bearer x y" ] ]', '[ [ "Authorization", "[redacted]" ] ]'),
	-- wide letters and digits
	('ｐａｓｓｗｏｒｄ：ｈｕｎｔｅｒ２', 'password:[redacted]'), ('ＣＶＶ　１２３', 'CVV [redacted]'), ('ＣＶＶ: １２３', 'CVV: [redacted]'), ('cvv １２３', 'cvv [redacted]'), ('{"ｔｏｋｅｎ":"abc"}', '{"token":"[redacted]"}'),
	('４２４２ ４２４２ ４２４２ ４２４２', '424242******4242'), ('４２４２４２４２４２４２４２４２', '424242******4242'),
	-- other languages
	('contraseña: hunter2', 'contraseña: [redacted]'), ('{"contraseña":"a b","x":1}', '{"contraseña":"[redacted]","x":1}'), ('nueva_contraseña=abc&x', 'nueva_contraseña=[redacted]&x'), ('senha: abc', 'senha: [redacted]'), ('mot de passe : abc', 'mot de passe : [redacted]'), ('motDePasse=abc', 'motDePasse=[redacted]'),
	('hasło = abc', 'hasło = [redacted]'), ('lösenord: abc', 'lösenord: [redacted]'), ('wachtwoord=abc', 'wachtwoord=[redacted]'), ('{"пароль": "тайна"}', '{"пароль": "[redacted]"}'), ('Пароль: abc', 'Пароль: [redacted]'), ('密码：abc', '密码：[redacted]'), ('パスワード=abc', 'パスワード=[redacted]'), ('비밀번호: abc', '비밀번호: [redacted]'),
	-- what stands for a secret is not read as part of another one
	('x4242424242424242^D^00000000^00000000^00000000', 'x424242******4242^[redacted]^00000000^00000000'),
	('abcdefabcdef4242424242424242^D^00000000^00000000^00000000', 'abcdefabcdef4242424242424242^[redacted]^00000000^00000000');
SELECT is_empty('SELECT given, paysafe.redact(given), kept FROM secret WHERE paysafe.redact(given) IS DISTINCT FROM kept', 'secrets in text');
CREATE TEMP TABLE harmless (given text);
INSERT INTO harmless VALUES
	('status: captured'), ('shipping=fast'), ('amount: 12.50'), ('the password is wrong'), ('spin: 3'), ('max_tokens=100'), ('password='),
	('http://example.com:80/a@b'), ('mailto:a@b.example'), ('-----BEGIN CERTIFICATE-----'), ('eyJ.a.b'), ('Basic information'), ('bearer of news'),
	('key_constraint_on_table_with_name_that_is_long_enough_to_be_looked_at'), ('pi_3MtwBwLkdIwHu7ix28a3tqPa'), ('pk_live_4eC39HqLyjWDarjtT1zdp7dc'),
	('the security code is on the back'), ('zip code: 12345'), ('error code: 123'), ('pin code: 560001'), ('idempotency key: abc'), ('{"key":"color","value":"red"}'), ('<param name="x">cvv</param>'), ('id: 5, value: 6'),
	('cvv - see below'), ('cvv/cvc'), ('pin - 560001'), ('pin, 2024-01-01'), ('cvv (back of card)'), (E'form-data; name="color"\n\n123'), ('sk-short'), ('the pin (new) is sent'),
	('next_token=abc'), ('page_token: abc'), ('{"nextPageToken":"abc"}'), ('token_count=5'), ('continuation_token=x'), ('test_should_return_the_right_value_when_called'), ('ASIA-Pacific'), ('5A0812345678'), ('<b>4242</b> of 4242, 4242'),
	('{"k":"color","v":"red"}'), ('["password","email"]'), ('[["a","password"],["b","c"]]'), ('["user","password","email"]'), ('ｐａｓｓ　ｔｈｅ　ｓａｌｔ：ｎｏ'), ('Ａ：１'),
	('contraseña olvidada'), ('la contraseña es correcta'), ('смена пароля: да'), ('密码错误'), ('clave: producto'), ('palabra: parola'), ('Parolandia: x'), ('mdpi: x'),
	('password[] of a form'), ('tokens[0]=5'), ('token[x=5'), ('&lt;b&gt;cvv&lt;/b&gt;'), ('cvv "on the back"'), ('cvv "12345678"'), ('{"status": "pin", "a": "token"}'), ('Row "1". Allowed next: "refunded".'), ('column "password" of table "user"');
SELECT is_empty('SELECT given, paysafe.redact(given) FROM harmless WHERE paysafe.redact(given) <> given', 'what looks a little like them');

-- JSON
CREATE TEMP TABLE document (given jsonb, kept jsonb);
INSERT INTO document VALUES
	('{"a": "4242424242424242", "b": ["x 4242-4242-4242-4242"]}', '{"a": "424242******4242", "b": ["x 424242******4242"]}'),
	('{"a": 4242424242424242}', '{"a": "424242******4242"}'), ('[4242424242424242, 5.5]', '["424242******4242", 5.5]'),
	('4242424242424242', '"424242******4242"'), ('"4242424242424242"', '"424242******4242"'), ('[]', '[]'), ('{}', '{}'), ('null', 'null'),
	('{"at": 1747919220567223, "ms": 1647725122227, "amount": 1250, "x": 12.50, "f": 0.4242424242424242}', '{"at": 1747919220567223, "ms": 1647725122227, "amount": 1250, "x": 12.50, "f": 0.4242424242424242}'),
	('{"a": 4242424242424242.00}', '{"a": "424242******4242.00"}'),
	('{"cvv": 123, "CVC": "456", "Track-2": "x", "PIN": null, "pin_block": true}', '{"cvv": "[redacted]", "CVC": "[redacted]", "Track-2": "[redacted]", "PIN": "[redacted]", "pin_block": "[redacted]"}'),
	('{"password": {"deep": [1, {"pin": 2}]}, "x": {"Api Key": [1], "y": {"privateKey": {}}}}', '{"password": "[redacted]", "x": {"Api Key": "[redacted]", "y": {"privateKey": "[redacted]"}}}'),
	('[[[{"authorization": []}]]]', '[[[{"authorization": "[redacted]"}]]]'), ('{"client_secret": "a", "accessToken": "b", "user_password": "c"}', '{"client_secret": "[redacted]", "accessToken": "[redacted]", "user_password": "[redacted]"}'),
	('{"note": "password=abc", "auth": "Bearer abcdefgh12345678"}', '{"note": "password=[redacted]", "auth": "Bearer [redacted]"}'),
	('{"4242424242424242": 1}', '{"424242******4242": 1}'),
	('{"4242424242424242": 1, "4242-4242-4242-4242": 2, "4242 4242 4242 4242": 3, "424242******4242": 4, "424242******4242 (2)": 5}',
	 '{"424242******4242 (3)": 1, "424242******4242 (5)": 2, "424242******4242 (4)": 3, "424242******4242": 4, "424242******4242 (2)": 5}'),
	('{"Authorization: a": 1, "Authorization: b": 2}', '{"Authorization: [redacted]": 1, "[redacted]": 2}'),
	('{"a": [4242, 4242, 4242, 4242]}', '{"a": [4242, 4242, 4242, 4242]}'),
	('{"a": {"name": "cvv", "value": 123}, "b": [{"key": "Password", "content": {"x": 1}, "value": "y"}]}', '{"a": {"name": "cvv", "value": "[redacted]"}, "b": [{"key": "Password", "content": "[redacted]", "value": "[redacted]"}]}'),
	('{"name": "cvv", "child": {"value": 123}, "next_token": "x"}', '{"name": "cvv", "child": {"value": 123}, "next_token": "x"}'),
	('{"k": "password", "v": "abc"}', '{"k": "password", "v": "[redacted]"}'), ('[["password", "abc"], ["user", "bob"], ["token", 5]]', '[["password", "[redacted]"], ["user", "bob"], ["token", "[redacted]"]]'),
	('{"contraseña": "a", "пароль": 1, "ｐａｓｓｗｏｒｄ": "x"}', '{"contraseña": "[redacted]", "пароль": "[redacted]", "ｐａｓｓｗｏｒｄ": "[redacted]"}'),
	('{"columns": ["password", "email"], "k": 1, "v": 2}', '{"columns": ["password", "email"], "k": 1, "v": 2}'),
	('{"tokens": 1, "shipping": 2, "pinned": true, "status": "token"}', '{"tokens": 1, "shipping": 2, "pinned": true, "status": "token"}');
SELECT is_empty('SELECT given, paysafe.redact(given), kept FROM document WHERE paysafe.redact(given) IS DISTINCT FROM kept', 'JSON');
SELECT is_empty('SELECT given FROM document WHERE paysafe.redact(paysafe.redact(given)) <> paysafe.redact(given) OR paysafe.has_card_number(paysafe.redact(given)::text)',
	'redacted once is redacted for good');
SELECT is((SELECT string_agg(length(k)::text, ' ' ORDER BY length(k)) FROM (SELECT jsonb_object_keys(paysafe.redact(
		(SELECT jsonb_object_agg(repeat(' ', i) || '4242424242424242' || repeat(' ', 300 - i), i) FROM generate_series(1, 3) i))) AS k) x),
	'316 316 316', 'keys that differ beside the number stay different');
SELECT is((SELECT count(*)::int FROM jsonb_object_keys(paysafe.redact((SELECT jsonb_object_agg(issued.number || 'x' || i, 1) FROM issued, generate_series(1, 5) i)))),
	(SELECT count(DISTINCT number || 'x' || i)::int FROM issued, generate_series(1, 5) i), 'no key is lost');
SELECT is(paysafe.redact(NULL::text), NULL, 'NULL stays NULL');
SELECT is(paysafe.redact(repeat('[', 1000) || repeat(']', 1000))::jsonb, (repeat('[', 1000) || repeat(']', 1000))::jsonb, 'deep JSON');

-- Whatever the text: nothing is left, and twice is once
SELECT setseed(0.42);
CREATE TEMP TABLE fragment AS
	SELECT given AS f FROM (SELECT given FROM card UNION ALL SELECT given FROM form UNION ALL SELECT given FROM other UNION ALL SELECT given FROM secret
		UNION ALL SELECT given FROM harmless UNION ALL SELECT given::text FROM document
		UNION ALL SELECT unnest(ARRAY['4', '2', '42', '4242', '424242', ' ', '-', '.', '%', '%3', '%34', '\u003', '*', '******', 'a', 'f', 'x', '"', '''',
			'\', '{', '[', ':', '=', '[redacted]', 'password=', 'pin', '//', '@', '5', '37', '0'])) x;
ALTER TABLE fragment ADD n serial;
CREATE TEMP TABLE sample AS
	SELECT i, string_agg(CASE WHEN r < 0.5 THEN f
							  WHEN r < 0.7 THEN left(f, (r2 * length(f))::int)
							  WHEN r < 0.8 THEN overlay(f PLACING chr(32 + (r3 * 94)::int) FROM 1 + (r2 * length(f))::int)
							  WHEN r < 0.9 THEN translate(f, ' -', CASE WHEN r2 < 0.5 THEN '- ' ELSE '' END)
							  ELSE f || f END, CASE WHEN r3 < 0.6 THEN '' ELSE ' ' END) AS given
	  FROM (SELECT i, r, random() AS r2, random() AS r3, f
			  FROM generate_series(1, 20000) i, generate_series(1, 3) j,
				   LATERAL (SELECT random() AS r, 1 + floor(random() * (SELECT max(n) FROM fragment))::int + 0 * (i + j) AS pick) p
				   JOIN fragment ON n = pick) x
	 GROUP BY i;
ALTER TABLE sample ADD kept text;
UPDATE sample SET kept = paysafe.redact(given);
SELECT cmp_ok((SELECT count(*) FROM sample WHERE paysafe.has_card_number(given)), '>', 5000::bigint, 'many samples have card numbers');
SELECT is_empty('SELECT given, kept FROM sample WHERE paysafe.has_card_number(kept)', 'none when redacted');
SELECT is_empty('SELECT given, kept FROM sample WHERE paysafe.redact(kept) <> kept', 'idempotent');
SELECT is_empty($$SELECT given, kept, m FROM sample, regexp_matches(kept, '(?<![0-9A-Fa-f.+%u-])(4\d{15}|4\d{3}[ -]\d{4}[ -]\d{4}[ -]\d{4}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![0-9A-Fa-f-])', 'g') m
	WHERE pg_temp.luhn(regexp_replace(m[1], '\D', '', 'g')) = 0$$, 'by another judge, too');
SELECT is_empty('SELECT given, kept FROM sample WHERE length(kept) > 3 * octet_length(given) + 64', 'its length is bounded');
SELECT is_empty($$SELECT given FROM (SELECT repeat(u, 1000000 / length(u)) AS given FROM unnest(ARRAY['4', '42 ', '4242 ', '4 ', ' ', '-', '"', '\"', '''',
		'pin=1 ', '"pin":"', '{"pin":', '[', '://', 'a://b:c@', 'eyJ-', 'eyJabcdefgh.', '%34', '4242424242424242 ', '4242424242424242=', 'f4', 'a_', '<pin>', 'bearer ~']) u) x
	WHERE paysafe.has_card_number(paysafe.redact(given))$$, 'a megabyte of the same');

-- As a constraint
CREATE TABLE note (id int PRIMARY KEY, note text CHECK (NOT paysafe.has_card_number(note)));
SELECT is(pg_temp.refusal($$INSERT INTO note VALUES (1, 'called, paid with 4242 4242 4242 4242')$$), '23514 public.note note_note_check', 'CHECK: INSERT');
SELECT is(pg_temp.refusal($$INSERT INTO note VALUES (1, 'called, paid with 424242******4242'), (2, NULL)$$), 'accepted', 'CHECK: what is truncated, and NULL');
SELECT is(pg_temp.refusal($$UPDATE note SET note = '4242424242424242' WHERE id = 1$$), '23514 public.note note_note_check', 'CHECK: UPDATE');
SELECT is(pg_temp.refusal($$UPDATE note SET note = paysafe.redact('x 4242424242424242') WHERE id = 1$$), 'accepted', 'CHECK: redacted');
SELECT is(pg_temp.refusal($$COPY note FROM PROGRAM 'echo 4,4242424242424242' (FORMAT csv)$$), '23514 public.note note_note_check', 'CHECK: COPY');
SELECT is(pg_temp.refusal($$COPY note FROM PROGRAM 'echo 4,fine' (FORMAT csv)$$), 'accepted', 'CHECK: COPY of what is fine');
CREATE INDEX ON note (paysafe.redact(note));
CREATE ROLE regress_paysafe_app;
GRANT ALL ON note TO regress_paysafe_app;
SELECT is(pg_temp.refusal($$INSERT INTO note VALUES (5, '4242424242424242')$$, 'regress_paysafe_app'), '23514 public.note note_note_check', 'CHECK: for everybody');

-- What paysafe itself writes
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id text PRIMARY KEY, status text, captured numeric, currency text);
CREATE TABLE shop.refund (id bigint PRIMARY KEY, payment text, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
SELECT paysafe.protect_status('shop.payment', 'status', E'[*] --> new\nnew --> paid');
SELECT paysafe.audit('shop.payment');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\nrequested --> sent\nrequested --> void');
SELECT set_config('application_name', 'app 4242424242424242', true);
SELECT paysafe.act_as('alice 4242424242424242', 'asked by 4242 4242 4242 4242', 'T-4242424242424242', 'r-4242-4242-4242-4242', 'token=abc');
INSERT INTO shop.payment VALUES ('4242424242424242', 'new', 1000, 'USD'), ('2', 'new', 1000, 'USD');
SELECT is((SELECT concat_ws('|', actor, reason, ticket, request_id, business_id, application_name) FROM paysafe.audit_log WHERE table_name = 'payment' AND key = '2'),
	'alice 424242******4242|asked by 424242******4242|T-424242******4242|r-424242******4242|token=[redacted]|app 424242******4242', 'who acts, and why');
SELECT is((SELECT after ->> 'id' FROM paysafe.audit_log WHERE table_name = 'payment' AND key <> '2'), '4242424242424242', 'images are exact: columns are redacted by audit()');
SELECT is(pg_temp.refusal_text($$UPDATE shop.payment SET status = '4242424242424242' WHERE id = '4242424242424242'$$, 'MESSAGE'),
	'column "status" of table "payment" cannot be "424242******4242"', 'the message of a refusal');
SELECT is(pg_temp.refusal_text($$UPDATE shop.payment SET status = '4242424242424242' WHERE id = '4242424242424242'$$, 'DETAIL'),
	'Row "424242******4242". The states are: new, paid.', 'its detail');
SELECT unalike(pg_temp.refusal_text($$INSERT INTO shop.refund VALUES (1, '4242424242424242', 5000, 'USD', 'requested')$$, f), '%4242424242%', f || ' of another')
  FROM unnest('{MESSAGE,DETAIL,HINT}'::text[]) f;
SELECT is(pg_temp.refusal_text($$SELECT paysafe.approve('shop.refund', '4242424242424242', 'x')$$, 'MESSAGE'),
	'refund "424242******4242" does not exist in table "refund"', 'the message of an error');
INSERT INTO shop.refund VALUES (1, '2', 50, 'USD', 'requested'), (2, '2', 50, 'USD', 'requested');
SELECT paysafe.act_as('bob', 'r 4242424242424242', NULL, 'q 4242424242424242');
SELECT paysafe.approve('shop.refund', '1', 'card 4242424242424242, cvv 123', 'T 4242424242424242') AS first \gset
SELECT paysafe.approve('shop.refund', '2', 'x') AS second \gset
SELECT paysafe.withdraw_approval(:second, 'not 4242424242424242');
SELECT is((SELECT concat_ws('|', reason, ticket, request_id) FROM paysafe.approval_record WHERE id = :first),
	'card 424242******4242, cvv [redacted]|T 424242******4242|q 424242******4242', 'an approval');
SELECT is((SELECT reason FROM paysafe.approval_end WHERE approval = :second), 'not 424242******4242', 'its withdrawal');
CREATE TABLE shop.bad (id text PRIMARY KEY, status text);
INSERT INTO shop.bad VALUES ('4242424242424242', 'x');
SELECT unalike(pg_temp.refusal_text($$SELECT paysafe.protect_status('shop.bad', 'status', '[*] --> new')$$, 'DETAIL'), '%4242424242%', 'rows that break a new rule');

-- a window's reason and ticket, where the second person approves them as shown
SELECT paysafe.act_as('alice');
SELECT set_config('paysafe_test.key', substring(pg_temp.refusal_text(
	$$SELECT paysafe.open_maintenance('for 4242424242424242', 'T 4242 4242 4242 4242', '1 hour', '{shop.payment}')$$, 'DETAIL') FROM 'Asked for: (.*)\.$'), true) AS asked \gset
SELECT alike(:'asked'::text, '%T 424242******4242, for 424242******4242', 'what is asked for');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.maintenance_record', current_setting('paysafe_test.key'), 'right');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal($$SELECT paysafe.open_maintenance('for 4242424242424242', 'T 4242 4242 4242 4242', '1 hour', '{shop.payment}')$$), 'accepted', 'is what is approved');
SELECT is((SELECT reason || '|' || ticket FROM paysafe.maintenance_record), 'for 424242******4242|T 424242******4242', 'and what is kept');
SELECT paysafe.unprotect('shop.payment', 'audit', 'because of 4242424242424242');
SELECT is((SELECT reason FROM paysafe.rule WHERE removed), 'because of 424242******4242', 'why a rule was dropped');


-- the same of a rule
CREATE TABLE shop.step (id int PRIMARY KEY, status text);
INSERT INTO shop.step VALUES (0); DELETE FROM shop.step;
SELECT paysafe.protect_status('shop.step', 'status', E'[*] --> new\nnew --> 4242424242424242');
\set loosen 'SELECT paysafe.protect_status(\'shop.step\', \'status\', E\'[*] --> new\\n[*] --> 4242424242424242\\nnew --> 4242424242424242\')'
SELECT alike(pg_temp.refusal_text(:'loosen', 'DETAIL'), '%424242******4242%', 'what a change of a rule says');
SELECT paysafe.propose('as 4242424242424242 says', 'T 4242424242424242');
:loosen;
SELECT paysafe.propose(NULL);
SELECT is((SELECT concat_ws('|', reason, ticket) FROM paysafe.pending_change), 'as 424242******4242 says|T 424242******4242', 'why it is proposed');
SELECT is((SELECT difference FROM paysafe.pending_change), 'adds [*] --> 4242424242424242', 'what another person approves is shown as it would be kept');
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('paysafe.rule', (SELECT key FROM paysafe.pending_change), 'right');
SELECT paysafe.act_as('alice');
SELECT is(pg_temp.refusal(:'loosen'), 'accepted', 'is what is approved');

-- errors that say what they were given, and where it happened
CREATE TABLE shop.card (code text, part numeric, status text NOT NULL DEFAULT 'new', PRIMARY KEY (code, part));
SELECT paysafe.protect_status('shop.card', 'status', E'[*] --> new\nnew --> active\nactive --> spent');
INSERT INTO shop.card VALUES ('4242424242424242', 1), ('plain, here', 2);
CREATE TABLE shop.bill (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.back (id int PRIMARY KEY, bill int, amount numeric, currency text, status text);
CREATE INDEX ON shop.back (bill);
SELECT paysafe.protect_refund('shop.back', 'shop.bill', 'bill', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
CREATE FUNCTION pg_temp.shown(command text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	context text;
BEGIN
	EXECUTE command USING value;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', message, detail, hint, context);
END $$;
SELECT is(ARRAY[shown LIKE '%424242******4242%', shown LIKE '%4242424242424242%'], '{true,false}', command)
  FROM unnest(ARRAY[
	$$SELECT paysafe.transition('shop.card', $1 || ',1', 'new', 'spent')$$,
	$$SELECT paysafe.transition('shop.card', '1,a' || $1, 'new', 'active')$$,
	$$SELECT paysafe.transition('shop.step', $1, 'new', $1)$$,
	$$SELECT paysafe.set_refund_threshold('shop.back', $1, 5)$$,
	$$SELECT paysafe.unprotect('shop.card', $1, 'x')$$,
	$$SELECT paysafe.validate_rows('shop.card', $1)$$,
	$$SELECT paysafe.accept_rows('shop.card', $1, 'x')$$,
	$$SELECT paysafe.protect_status('shop.card', 'status', E'[*] --> new\nnew --> ' || $1 || E'\nnew --> ' || $1)$$,
	$$SELECT paysafe.protect_status('shop.card', 'status', E'[*] --> new', deletable => ARRAY[$1])$$,
	$$SELECT paysafe.protect_refund('shop.back', 'shop.bill', 'bill', 'amount', 'currency', 'status', '{sent}', ARRAY['void', $1], 'captured', 'currency', recorded => ARRAY[$1])$$,
	$$SELECT paysafe.revoke_token_issuer($1, 'x')$$,
	$$SELECT paysafe.throttle($1, jsonb_build_object('user', 'a'))$$,
	$$SELECT paysafe.remove_throttle($1, 'x')$$,
	$$SELECT paysafe.idempotency_begin($1, 'key', '\x00')$$,
	$$SELECT paysafe.webhook_sign($1, 'id', now(), 'x')$$]) command, pg_temp.shown(command, '4242424242424242') shown;
SELECT is(paysafe.transition('shop.card', '4242424242424242,1', 'new', 'active'), true, 'such a key is found');
SELECT is(paysafe.transition('shop.card', 'plain\, here,2', 'new', 'active'), true, '... and one with a comma');

SELECT * FROM finish();
ROLLBACK;
