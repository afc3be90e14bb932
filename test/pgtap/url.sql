-- URLs that every parser reads the same way, and addresses that are public.
BEGIN;
SELECT plan(25);

-- what is accepted, in its one form
SELECT is((paysafe.url_check(u.url)).canonical, u.canonical, u.url) FROM (VALUES
	('https://example.com', 'https://example.com/'),
	('HTTPS://Example.COM:443/Hook?a=b%20c&d', 'https://example.com/Hook?a=b%20c&d'),
	('https://hooks.my-shop.co.uk/a/b;c=1,2/~x/@me', 'https://hooks.my-shop.co.uk/a/b;c=1,2/~x/@me'),
	('https://xn--mnchen-3ya.de/x', 'https://xn--mnchen-3ya.de/x'),
	('https://xn--fiqs8s.com/', 'https://xn--fiqs8s.com/')) u(url, canonical);

-- what is not, and why
SELECT set_eq(
	$$SELECT u.url, (paysafe.url_check(u.url)).reason FROM (SELECT unnest(ARRAY[
		'', 'http://example.com/', 'ftp://example.com/', '//example.com/', 'https:/example.com/', 'https://',
		'https:///x', 'https://user@example.com/', 'https://user:pw@example.com/', 'https://good.com@evil.com/',
		'https://example.com\@evil.com/', ' https://example.com/', 'https://example.com/ ', E'https://exam\tple.com/',
		E'https://example.com/\n', 'https://exämple.com/', 'https://ｅxample.com/', 'https://example.com?x', 'https://example.com#x',
		'https://example.com/#x', 'https://example.com:8443/', 'https://example.com:0443/', 'https://example.com:/',
		'https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://0x7f000001/', 'https://127.1/', 'https://[::1]/',
		'https://[::ffff:127.0.0.1]/', 'https://example.com./', 'https://.example.com/', 'https://a..b.com/',
		'https://-a.com/', 'https://a-.com/', 'https://a_b.com/', 'https://ab--cd.com/', 'https://exa%6dple.com/',
		'https://localhost/', 'https://x.localhost/', 'https://metadata.google.internal/', 'https://printer.local/',
		'https://127.0.0.1.nip.io/', 'https://intranet/', 'https://shop/', 'https://xn--a.com/', 'https://xn--.com/',
		'https://xn--abc-.com/', 'https://xn--99999999.com/', 'https://example.com/a/../b', 'https://example.com/%2E%2e/b', 'https://example.com/.',
		'https://example.com/%zz', 'https://example.com/%2', 'https://example.com/"', 'https://example.com/<a>',
		'https://example.com/{a}', 'https://example.com/a|b', 'https://example.c/']) AS url) u$$,
	$$VALUES ('', 'empty'), ('http://example.com/', 'scheme'), ('ftp://example.com/', 'scheme'), ('//example.com/', 'scheme'),
		('https:/example.com/', 'scheme'), ('https://', 'no_host'), ('https:///x', 'no_host'),
		('https://user@example.com/', 'user_info'), ('https://user:pw@example.com/', 'user_info'), ('https://good.com@evil.com/', 'user_info'),
		('https://example.com\@evil.com/', 'character'), (' https://example.com/', 'character'), ('https://example.com/ ', 'character'),
		(E'https://exam\tple.com/', 'character'), (E'https://example.com/\n', 'character'), ('https://exämple.com/', 'character'),
		('https://ｅxample.com/', 'character'), ('https://example.com?x', 'no_path'), ('https://example.com#x', 'fragment'),
		('https://example.com/#x', 'fragment'), ('https://example.com:8443/', 'port'), ('https://example.com:0443/', 'port'),
		('https://example.com:/', 'port'), ('https://127.0.0.1/', 'ip_address'), ('https://2130706433/', 'ip_address'),
		('https://0x7f.1/', 'ip_address'), ('https://0x7f000001/', 'ip_address'), ('https://127.1/', 'ip_address'),
		('https://[::1]/', 'ip_address'), ('https://[::ffff:127.0.0.1]/', 'ip_address'), ('https://example.com./', 'host_label'),
		('https://.example.com/', 'host_label'), ('https://a..b.com/', 'host_label'), ('https://-a.com/', 'host_label'),
		('https://a-.com/', 'host_label'), ('https://a_b.com/', 'host_character'), ('https://ab--cd.com/', 'host_label'),
		('https://exa%6dple.com/', 'host_character'), ('https://localhost/', 'reserved_name'), ('https://x.localhost/', 'reserved_name'),
		('https://metadata.google.internal/', 'reserved_name'), ('https://printer.local/', 'reserved_name'),
		('https://127.0.0.1.nip.io/', 'reserved_name'), ('https://intranet/', 'reserved_name'), ('https://shop/', 'single_label'),
		('https://xn--a.com/', 'host_international'), ('https://xn--.com/', 'host_label'), ('https://xn--abc-.com/', 'host_label'),
		('https://xn--99999999.com/', 'host_international'), ('https://example.com/a/../b', 'dot_segment'),
		('https://example.com/%2E%2e/b', 'dot_segment'), ('https://example.com/.', 'dot_segment'), ('https://example.com/%zz', 'percent'),
		('https://example.com/%2', 'percent'), ('https://example.com/"', 'character'), ('https://example.com/<a>', 'character'),
		('https://example.com/{a}', 'character'), ('https://example.com/a|b', 'character'), ('https://example.c/', 'host_label')$$,
	'what is refused, and why');
SELECT is((paysafe.url_check('https://' || repeat('a', 64) || '.com/')).reason, 'host_label', 'a label of 64');
SELECT ok((paysafe.url_check('https://' || repeat('a', 63) || '.com/')).ok, 'a label of 63');
SELECT is((paysafe.url_check('https://' || repeat('abcdefg.', 32) || 'com/')).reason, 'host_too_long', 'a name of more than 253');
SELECT ok((paysafe.url_check('https://example.com/' || repeat('a', 2028))).ok, 'a URL of 2048');
SELECT is((paysafe.url_check('https://example.com/' || repeat('a', 2029))).reason, 'too_long', 'and of 2049');
SELECT is((paysafe.url_check(repeat('https://a@', 100000))).reason, 'too_long', 'a megabyte');
SELECT is(paysafe.url_check(NULL), NULL, 'NULL');
-- every byte in every place: an answer, never an error; what is accepted is a fixed point
SELECT is_empty(
	$$SELECT u.url, c.* FROM (SELECT overlay('https://example.com/ab?c' PLACING chr(b) FROM p FOR 1) AS url
		FROM generate_series(1, 255) b, generate_series(1, 24) p) u, paysafe.url_check(u.url) c
	   WHERE c.ok AND ((paysafe.url_check(c.canonical)).canonical IS DISTINCT FROM c.canonical
			OR c.canonical !~ '^https://[a-z0-9.-]+/[!-~]*$') OR c.ok IS NULL$$,
	'each byte in each place');

-- the domain
CREATE TEMP TABLE hook (id int PRIMARY KEY, url paysafe.webhook_url);
SELECT lives_ok($$INSERT INTO hook VALUES (1, 'https://example.com/hook'), (2, NULL)$$, 'a column of the domain');
SELECT throws_ok($$INSERT INTO hook VALUES (3, 'https://10.0.0.1/')$$, '23514',
	'value for domain paysafe.webhook_url violates check constraint "paysafe_webhook_url"', 'refuses the others');
SELECT throws_ok($$UPDATE hook SET url = 'http://example.com/' WHERE id = 1$$, '23514', NULL, 'in updates too');

-- what may be shown
SELECT set_eq(
	$$SELECT u.url, paysafe.mask_url(u.url) FROM (SELECT unnest(ARRAY['https://Example.com/secret?token=x', 'https://user:pw@example.com:8443/x',
		'https://example.com', 'postgres://u:p@db/x', 'no url', '', 'https://', 'https://a b/x', 'https://[::1]/x', 'https://a@b@c.com/x', 'https://x?secret', 'https://h:x/']) AS url) u$$,
	$$VALUES ('https://Example.com/secret?token=x', 'https://example.com/...'), ('https://user:pw@example.com:8443/x', 'https://example.com:8443/...'),
		('https://example.com', 'https://example.com'), ('postgres://u:p@db/x', 'postgres://db/...'), ('no url', '(not a URL)'), ('', '(not a URL)'),
		('https://', '(not a URL)'), ('https://a b/x', '(not a URL)'), ('https://[::1]/x', '(not a URL)'), ('https://a@b@c.com/x', 'https://c.com/...'), ('https://x?secret', 'https://x/...'), ('https://h:x/', '(not a URL)')$$,
	'masked URLs');
SELECT is(paysafe.mask_url('https://' || repeat('a', 100000)), '(not a URL)', 'a long one');

-- addresses
SELECT set_eq(
	$$SELECT a FROM unnest(ARRAY['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '2606:4700:4700::1111', '2a00:1450::1']::inet[]) a WHERE paysafe.ip_is_public(a)$$,
	$$SELECT unnest(ARRAY['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '2606:4700:4700::1111', '2a00:1450::1']::inet[])$$,
	'public addresses');
SELECT is_empty(
	$$SELECT a FROM unnest(ARRAY['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8',
		'192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
		'::', '::1', '::ffff:8.8.8.8', '::8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:808:808::1',
		'3fff::1', '5f00::1', 'fc00::1', 'fe80::1', 'fec0::1', 'ff02::1', '2a00::5efe:808:808', '2a00::200:5efe:808:808', '4000::1']::inet[]) a WHERE paysafe.ip_is_public(a)$$,
	'addresses that are not');
SELECT ok(NOT paysafe.ip_is_public('8.8.8.0/24'), 'a network is no address');
SELECT ok(NOT paysafe.ip_is_public('8.8.8.8/24'), 'nor is an address with a netmask');
SELECT ok(paysafe.ip_is_public('8.8.8.8/32'), 'but a whole one is');
SELECT is(paysafe.ip_is_public(NULL), NULL, 'NULL');
SELECT * FROM finish();
ROLLBACK;
