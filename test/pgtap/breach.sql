-- Facts: what has happened is stored in spite of a rule, counts, is on record until
-- somebody else settles it, and opens nothing.
BEGIN;
SELECT plan(139);
\ir lib/refusal.psql
\ir lib/approved.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text NOT NULL);
INSERT INTO shop.payment SELECT i, 1000, 'EUR' FROM generate_series(1, 30) i;
CREATE TABLE shop.refund (id int, region text DEFAULT 'eu', payment int, amount numeric, currency text DEFAULT 'EUR', status text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.refund_eu PARTITION OF shop.refund FOR VALUES IN ('eu');
CREATE TABLE shop.refund_us PARTITION OF shop.refund FOR VALUES IN ('us');
CREATE INDEX ON shop.refund (payment);
\set machine '[*] --> requested\n requested --> sent\n requested --> rejected\n sent --> paid\n sent --> failed\n failed --> requested\n paid --> settled\n paid --> closed\n paid --> requested'
SELECT paysafe.protect_status('shop.refund', 'status', replace(:'machine', '\n', E'\n'), recorded => '{paid,settled}');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status',
							  '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{paid,settled}');
SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100);

\set needed '42501 shop.refund.status paysafe_refund_approval'
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.refusal(command) FROM paysafe.act_as(who) $$;
CREATE FUNCTION pg_temp.add(id int, payment int, amount numeric, status text, who text DEFAULT 'webhook') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('INSERT INTO shop.refund (id, payment, amount, status) VALUES (%s, %s, %s, %L)', id, payment, amount, status)) $$;
CREATE FUNCTION pg_temp.move(id int, status text, who text DEFAULT 'webhook') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as(who, format('UPDATE shop.refund SET status = %L WHERE id = %s', status, id)) $$;
CREATE FUNCTION pg_temp.breaches(key int, relation text DEFAULT 'shop.refund') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(rule || ' ' || sqlstate, ', ' ORDER BY id) FROM paysafe.breach WHERE breach.relation = $2::regclass AND breach.key = $1::text $$;
CREATE FUNCTION pg_temp.events(id int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(event, ' ' ORDER BY step) FROM paysafe.refund_event e WHERE relation = 'shop.refund'::regclass AND refund = $1::text $$;

-- each of the three, and what is none
SELECT is(pg_temp.add(1, 1, 90, 'requested') || pg_temp.move(1, 'sent') || pg_temp.move(1, 'paid') || pg_temp.move(1, 'settled'), 'acceptedacceptedacceptedaccepted', 'an orderly refund');
SELECT is(pg_temp.breaches(1), NULL, 'breaks nothing');
SELECT is(pg_temp.add(2, 2, 500, 'requested') || pg_temp.move(2, 'sent'), 'accepted' || :'needed', 'what is not recorded needs approval as ever');
SELECT is(pg_temp.move(2, 'paid'), 'accepted', 'the provider says that it was paid');
SELECT is(pg_temp.breaches(2), 'status 23T01, refund 42501', 'both are on record');
SELECT is(pg_temp.events(2), 'requested recorded', 'it has not passed the gate');
SELECT is(pg_temp.move(2, 'settled'), 'accepted', 'from one fact to the next');
SELECT is(pg_temp.breaches(2), 'status 23T01, refund 42501', 'nothing more has happened');
SELECT is(pg_temp.add(3, 3, 1500, 'paid'), 'accepted', 'more than was captured, and out of the blue');
SELECT is(pg_temp.breaches(3), 'status 23T02, refund 23R01, refund 42501', 'all three');
SELECT is(pg_temp.add(4, 4, 800, 'requested') || pg_temp.move(4, 'rejected') || pg_temp.add(5, 4, 90, 'requested') || pg_temp.move(5, 'sent'), 'acceptedacceptedacceptedaccepted', 'one rejected, another sent');
SELECT is(pg_temp.add(6, 4, 800, 'requested') || pg_temp.move(4, 'paid'), 'acceptedaccepted', 'the first one was paid after all');
SELECT is(pg_temp.breaches(4), 'status 23T01, refund 23R01, refund 42501', 'on record');
SELECT is((SELECT format('%s|%s|%s|%s|%s|%s|%s', relation, rule, key, actor, actor_claimed, settled_by, settlers_missing) FROM paysafe.breach WHERE key = '4' AND sqlstate = '23R01'),
	'shop.refund|refund|4|webhook|t||1', 'by whom');
SELECT matches((SELECT detail FROM paysafe.breach WHERE key = '4' AND sqlstate = '23R01'), 'total 1690.* captured is 1000', 'and what is too much');
SELECT is((SELECT string_agg(after ->> 'sqlstate', ' ' ORDER BY seq) FROM paysafe.audit_log WHERE table_name = 'breach_record' AND after ->> 'key' = '4'), '23T01 23R01 42501', 'the audit log has them');

-- what is refused as ever
SELECT is(pg_temp.as('webhook', command), expected, command) FROM (VALUES
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, NULL, 'paid')$$, '23R04 shop.refund.amount paysafe_refund_refund'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, 'NaN', 'paid')$$, '23R04 shop.refund.amount paysafe_refund_refund'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, -1, 'paid')$$, '23R04 shop.refund.amount paysafe_refund_refund'),
	($$INSERT INTO shop.refund (id, payment, amount, status, currency) VALUES (90, 5, 1, 'paid', 'USD')$$, '23R02 shop.refund.currency paysafe_refund_refund'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 999, 1, 'paid')$$, '23R06 shop.refund.payment paysafe_refund_refund'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, 1, 'Paid')$$, '23T04 shop.refund.status paysafe_refund_status'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, 1, 'sent')$$, '23T02 shop.refund.status paysafe_refund_status'),
	($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (90, 5, 1001, 'requested')$$, '23R01 shop.refund.amount paysafe_refund_refund'),
	($$UPDATE shop.refund SET status = 'paid', amount = 1 WHERE id = 6$$, '23R03 shop.refund.amount paysafe_refund_refund'),
	($$UPDATE shop.refund SET amount = 1 WHERE id = 3$$, '23R03 shop.refund.amount paysafe_refund_refund'),
	($$DELETE FROM shop.refund WHERE id = 3$$, '23T03 shop.refund.status paysafe_refund_status'),
	($$UPDATE shop.refund SET status = 'failed' WHERE id = 3$$, '23T01 shop.refund.status paysafe_refund_status'),
	($$UPDATE shop.refund SET status = 'sent' WHERE id = 4$$, '23T01 shop.refund.status paysafe_refund_status')) v (command, expected);

-- it counts: in the cap, in the rolling sum, for the payment
SELECT is(pg_temp.add(10, 10, 500, 'paid'), 'accepted', 'a fact of 500');
SELECT is(pg_temp.add(11, 10, 501, 'requested'), '23R01 shop.refund.amount paysafe_refund_refund', 'no more than what is left of 1000');
SELECT is(pg_temp.add(11, 10, 1, 'requested') || pg_temp.move(11, 'sent'), 'accepted' || :'needed', 'the rolling sum has it');
SELECT is((SELECT total_within FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND key = '11'), 501::numeric, '... and shows it');
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = ' || captured || ' WHERE id = ' || id), expected, format('captured of payment %s: %s', id, captured)) FROM (VALUES
	(3, 999, '23R01 shop.payment.captured paysafe_payment_refund'),
	(3, 1100, 'accepted'),
	(3, 1099, '23R01 shop.payment.captured paysafe_payment_refund'),
	(3, 2000, 'accepted'),
	(3, 1500, 'accepted'),
	(3, 1499, '23R01 shop.payment.captured paysafe_payment_refund')) v (id, captured, expected);
SELECT is(pg_temp.refusal('UPDATE shop.payment SET captured = ' || captured || ' WHERE id = 4'), '23R01 shop.payment.captured paysafe_payment_refund', 'nor to ' || captured) FROM unnest(ARRAY['NULL', '''NaN''', '''Infinity''']) captured;
SELECT is(pg_temp.refusal('DELETE FROM shop.payment WHERE id = 3'), '23R07 shop.payment paysafe_payment_refund', 'nor is it deleted');

-- it opens nothing: the gate is where it was
SELECT is(pg_temp.add(20, 20, 500, 'paid', 'mallory') || pg_temp.move(20, 'closed', 'mallory'), 'accepted' || :'needed', 'from a fact to another gated status');
SELECT is((SELECT array_agg(key || ' ' || status) FROM paysafe.pending_approval WHERE relation = 'shop.refund'::regclass AND payment = '20'), ARRAY['20 paid'], 'it waits');
SELECT is(pg_temp.as('mallory', $$SELECT paysafe.settle_breach(id, 'mine') FROM paysafe.breach WHERE key = '20'$$), '42501 paysafe.breach_record paysafe_breach_record_settlement', 'not settled by who caused it');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.settle_breach(id, 'claimed back', 'T-1') FROM paysafe.breach WHERE key = '20'$$), 'accepted', 'settled by another one');
SELECT is(pg_temp.move(20, 'closed', 'mallory'), :'needed', 'which is no approval');
SELECT is(pg_temp.as('mallory', $$SELECT paysafe.approve('shop.refund', '20', 'mine')$$), '42501 paysafe.approval_record paysafe_approval_record_approval', 'nor is it approved by who requested it');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund', '20', 'as it is')$$) || pg_temp.move(20, 'closed', 'mallory'), 'acceptedaccepted', 'approved it goes on');
SELECT is(pg_temp.add(21, 21, 500, 'paid', 'mallory') || pg_temp.move(21, 'requested', 'mallory') || pg_temp.move(21, 'sent', 'mallory'), 'acceptedaccepted' || :'needed', 'nor by going back');
SELECT is(pg_temp.events(21), 'requested recorded left', 'it waits again');
SELECT is(pg_temp.move(21, 'paid', 'mallory'), 'accepted', 'paid once more');
SELECT is(pg_temp.breaches(21), 'status 23T02, refund 42501, status 23T01, refund 42501', 'is another breach');
SELECT is(pg_temp.add(22, 22, 500, 'requested', 'mallory') || pg_temp.as('mallory', $$UPDATE shop.refund SET status = 'paid', region = 'us' WHERE id = 22$$) || pg_temp.move(22, 'closed', 'mallory'),
	'acceptedaccepted' || :'needed', 'nor by moving to another partition');
SELECT is(pg_temp.as('mallory', $$UPDATE shop.refund SET region = 'eu' WHERE id = 22$$) || pg_temp.move(22, 'closed', 'mallory'), 'accepted' || :'needed', 'nor by moving back');
SELECT is(pg_temp.breaches(22), 'status 23T01, refund 42501', 'one fact');

-- an approval counts
SELECT is(pg_temp.add(23, 23, 500, 'requested', 'clerk') || pg_temp.as('boss', $$SELECT paysafe.approve('shop.refund', '23', 'ok')$$) || pg_temp.move(23, 'paid'), 'acceptedacceptedaccepted', 'approved, and paid without being sent');
SELECT is(pg_temp.breaches(23), 'status 23T01', 'only the status');
SELECT is(pg_temp.events(23) || ' ' || pg_temp.move(23, 'closed'), 'requested gated accepted', 'it has passed');
SELECT is(pg_temp.as('boss', $$SELECT paysafe.approve_refund('shop.refund', '24', 500, 'EUR', 'ok')$$) || pg_temp.add(24, 24, 500, 'paid'), 'acceptedaccepted', 'approved in advance');
SELECT is(pg_temp.breaches(24), 'status 23T02', 'only the status');

-- settling
SELECT is(pg_temp.as(who, command), expected, coalesce(who, 'nobody') || ': ' || command) FROM (VALUES
	('boss', $$SELECT paysafe.settle_breach(0, 'none')$$, '22023'),
	('boss', $$SELECT paysafe.settle_breach(NULL, 'none')$$, '22004'),
	('boss', $$SELECT paysafe.settle_breach(min(id), ' ') FROM paysafe.breach$$, '22023'),
	('boss', $$SELECT paysafe.settle_breach(min(id), NULL) FROM paysafe.breach$$, '22004'),
	(NULL, $$SELECT paysafe.settle_breach(min(id), 'x') FROM paysafe.breach$$, '42501 paysafe.breach_record paysafe_breach_record_settlement'),
	('WebHook', $$SELECT paysafe.settle_breach(min(id), 'x') FROM paysafe.breach WHERE key = '2'$$, '42501 paysafe.breach_record paysafe_breach_record_settlement'),
	('boss', $$SELECT paysafe.settle_breach(id, 'seen') FROM paysafe.breach WHERE key = '2'$$, 'accepted'),
	('carol', $$SELECT paysafe.settle_breach(min(id), 'again') FROM paysafe.breach WHERE key = '2'$$, '42501 paysafe.breach_record paysafe_breach_record_settlement')) v (who, command, expected);
SELECT is((SELECT string_agg(DISTINCT format('%s|%s|%s|%s', settled_by, reason, ticket, settlers_missing), ',') FROM paysafe.breach WHERE key = '20'), 'boss|claimed back|T-1|0', 'who has settled it, and why');
SELECT is((SELECT pg_temp.refusal($$INSERT INTO shop.refund (id, payment, amount, status) VALUES (25, 25, 500, 'paid')$$) FROM paysafe.act_as(NULL)), 'accepted', 'a fact that nobody is named for');
SELECT is((SELECT paysafe.settle_breach(min(id), 'seen') FROM paysafe.breach, paysafe.act_as('boss') WHERE key = '25'), false, 'takes two');
SELECT is(pg_temp.as('Boss', $$SELECT paysafe.settle_breach(min(id), 'again') FROM paysafe.breach WHERE key = '25'$$), '42501 paysafe.breach_record paysafe_breach_record_settlement', 'who are two');
SELECT is((SELECT paysafe.settle_breach(min(id), 'seen too') FROM paysafe.breach, paysafe.act_as('carol') WHERE key = '25'), true, 'another one');
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.refund' AND check_name = 'breaches'), false, 'check() says so');
SELECT is(pg_temp.as('dave', $$SELECT paysafe.settle_breach(id, 'seen') FROM paysafe.breach WHERE settlers_missing = 1$$) || pg_temp.as('eve', $$SELECT paysafe.settle_breach(id, 'seen') FROM paysafe.breach WHERE settlers_missing > 0$$) || pg_temp.as('fred', $$SELECT paysafe.settle_breach(id, 'seen') FROM paysafe.breach WHERE settlers_missing > 0$$), 'acceptedacceptedaccepted', 'all the others');
SELECT is((SELECT ok FROM paysafe.check() WHERE subject = 'shop.refund' AND check_name = 'breaches'), true, 'until they are settled');

-- declaring: the rows stay as they are; another status is loosening, one less is not
SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{paid,settled,closed}')$$, '42501 shop.refund paysafe_refund_refund'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{paid}')$$, 'accepted'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency')$$, 'accepted'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{paid}')$$, '42501 shop.refund paysafe_refund_refund'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{requested}')$$, '22023'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => '{failed}')$$, '22023'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', recorded => NULL)$$, '22004'),
	($$SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent,paid,settled,closed}', '{rejected,failed}', 'captured', 'currency', '{note}')$$, '42501 shop.refund paysafe_refund_refund')) v (command, expected);
SELECT is(pg_temp.refusal(format('SELECT paysafe.protect_status(''shop.refund'', ''status'', %L, recorded => %L)', replace(:'machine', '\n', E'\n'), recorded)), expected, 'status, recorded: ' || recorded) FROM (VALUES
	('{paid,settled,failed}', '42501 shop.refund paysafe_refund_status'),
	('{paid,nothing}', '22023'),
	('{paid}', 'accepted'),
	('{}', 'accepted'),
	('{paid}', '42501 shop.refund paysafe_refund_status')) v (recorded, expected);
SELECT is(pg_temp.add(26, 26, 10, 'paid'), '23T02 shop.refund.status paysafe_refund_status', 'then it is refused');

-- several tables: a chargeback after a refund
CREATE TABLE shop.chargeback (id int PRIMARY KEY, payment int, amount numeric, currency text DEFAULT 'EUR', status text);
CREATE INDEX ON shop.chargeback (payment);
SELECT paysafe.protect_refund('shop.chargeback', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{lost}', '{won}', 'captured', 'currency', recorded => '{lost}');
SELECT paysafe.set_refund_threshold('shop.chargeback', 'EUR', 1000000);
SELECT is(pg_temp.as('webhook', $$INSERT INTO shop.chargeback VALUES (1, 23, 1000, 'EUR', 'lost')$$), 'accepted', 'charged back after a refund');
SELECT is(pg_temp.breaches(1, 'shop.chargeback'), 'refund 23R01', 'more than was captured');
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_refund('shop.chargeback', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{lost}', '{won}', 'captured', 'currency', '{}', recorded => '{lost}')$$), 'accepted', 'declared again, over what is on record');
SELECT is(pg_temp.add(27, 23, 1, 'requested'), '23R01 shop.refund.amount paysafe_refund_refund', 'nothing is left to refund');

-- nothing of it by SQL
SELECT is(pg_temp.refusal(command), expected, command) FROM (VALUES
	($$UPDATE paysafe.breach_record SET settlers = 0$$, '42501 paysafe.breach_record paysafe_breach_record_own_table'),
	($$DELETE FROM paysafe.breach_record$$, '42501 paysafe.breach_record paysafe_breach_record_own_table'),
	($$INSERT INTO paysafe.breach_settlement SELECT id, 1, 'x', 'x', 'x', 'x', NULL, now() FROM paysafe.breach_record$$, '42501 paysafe.breach_settlement paysafe_breach_settlement_own_table')) v (command, expected);

-- without a key, a breach cannot name a row
CREATE TABLE shop.keyless (status text);
SELECT is(pg_temp.refusal($$SELECT paysafe.protect_status('shop.keyless', 'status', '[*] --> a
	a --> b', recorded => '{b}')$$), '22023', 'a table without a key');

-- from where a fact is, the machine goes on
CREATE TABLE shop.task (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.task', 'status', '[*] --> new
	new --> old
	done --> archived', recorded => '{done}');
INSERT INTO shop.task VALUES (1, 'new'), (2, 'done');
SELECT is(pg_temp.refusal($$UPDATE shop.task SET status = 'archived' WHERE id = 1$$), '23T01 shop.task.status paysafe_task_status', 'what is no fact');
SELECT is(pg_temp.refusal($$UPDATE shop.task SET status = 'done' WHERE id = 1$$) || pg_temp.refusal($$UPDATE shop.task SET status = 'archived' WHERE id = 1$$), 'acceptedaccepted', 'from a fact the machine goes on');
SELECT is(pg_temp.refusal($$UPDATE shop.task SET id = 3 WHERE id = 2$$), '23T05 shop.task.status paysafe_task_status', 'a fact keeps its key');

-- more captured than the amount
CREATE TABLE shop.sale (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text DEFAULT 'EUR');
SELECT paysafe.protect_status('shop.sale', 'status', '[*] --> new
	new --> captured
	captured --> closed', recorded => '{captured}'), paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured,closed}', recorded => '{captured}');
SELECT is(pg_temp.as('webhook', command), expected, command) FROM (VALUES
	($$INSERT INTO shop.sale VALUES (1, 'new', 100, NULL), (2, 'new', 100, NULL)$$, 'accepted'),
	($$UPDATE shop.sale SET captured = 120 WHERE id = 1$$, '23R05 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'captured', captured = -1 WHERE id = 1$$, '23R04 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'captured', captured = 'NaN' WHERE id = 1$$, '23R04 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'captured', captured = NULL WHERE id = 1$$, '23R05 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'captured', captured = 100 WHERE id = 2$$, 'accepted'),
	($$UPDATE shop.sale SET captured = 120 WHERE id = 2$$, '23R05 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'closed', captured = 120 WHERE id = 2$$, '23R05 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'captured', captured = 120 WHERE id = 1$$, 'accepted'),
	($$UPDATE shop.sale SET captured = 130 WHERE id = 1$$, '23R05 shop.sale.captured paysafe_sale_payment'),
	($$UPDATE shop.sale SET amount = 120 WHERE id = 1$$, '23R03 shop.sale.amount paysafe_sale_payment'),
	($$UPDATE shop.sale SET status = 'closed' WHERE id = 1$$, 'accepted'),
	($$INSERT INTO shop.sale VALUES (3, 'captured', 100, 120)$$, 'accepted'),
	($$SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured,closed}', recorded => '{captured}')$$, 'accepted'),
	($$SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured,closed}')$$, 'accepted'),
	($$SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured,closed}', recorded => '{closed}')$$, '42501 shop.sale paysafe_sale_payment'),
	($$SELECT paysafe.protect_payment('shop.sale', 'status', 'amount', 'captured', 'currency', '{captured,closed}', recorded => '{new}')$$, '22023'),
	($$INSERT INTO shop.sale VALUES (4, 'captured', 100, 120)$$, '23R05 shop.sale.captured paysafe_sale_payment')) v (command, expected);
SELECT is(pg_temp.breaches(1, 'shop.sale') || '; ' || pg_temp.breaches(3, 'shop.sale'), 'payment 23R05; status 23T02, payment 23R05', 'on record');

-- tables that say neither currency nor what was captured: the payment does
CREATE TABLE shop.ticket (id int PRIMARY KEY, status text, amount numeric, currency text DEFAULT 'EUR');
CREATE TABLE shop.ticket_refund (id int PRIMARY KEY, ticket int REFERENCES shop.ticket, amount numeric, status text);
CREATE INDEX ON shop.ticket_refund (ticket);
SELECT paysafe.protect_status('shop.ticket', 'status', '[*] --> new
	new --> confirmed'), paysafe.protect_payment('shop.ticket', 'status', 'amount', NULL, 'currency', '{confirmed}'),
	paysafe.protect_status('shop.ticket_refund', 'status', '[*] --> sent
	sent --> done
	sent --> failed', recorded => '{done}'),
	paysafe.protect_refund('shop.ticket_refund', 'shop.ticket', 'ticket', 'amount', NULL, 'status', '{sent,done}', '{failed}', recorded => '{done}'),
	paysafe.set_refund_threshold('shop.ticket_refund', 'EUR', 10);
INSERT INTO shop.ticket VALUES (1, 'new', 50), (2, 'new', 50);
UPDATE shop.ticket SET status = 'confirmed' WHERE id = 1;
SELECT is(pg_temp.as(who, command), expected, who || ': ' || command) FROM (VALUES
	('clerk', $$INSERT INTO shop.ticket_refund VALUES (1, 1, 20, 'sent')$$, '42501 shop.ticket_refund.status paysafe_ticket_refund_approval'),
	('boss', $$SELECT paysafe.approve_refund('shop.ticket_refund', '2', 20, 'EUR', 'nothing is confirmed')$$, '22023'),
	('boss', $$SELECT paysafe.approve_refund('shop.ticket_refund', '1', 20, 'USD', 'wrong')$$, '22023'),
	('boss', $$SELECT paysafe.approve_refund('shop.ticket_refund', '1', 20, 'EUR', 'ok')$$, 'accepted'),
	('clerk', $$INSERT INTO shop.ticket_refund VALUES (1, 1, 20, 'sent')$$, 'accepted'),
	('clerk', $$INSERT INTO shop.ticket_refund VALUES (2, 1, 20, 'sent')$$, '42501 shop.ticket_refund.status paysafe_ticket_refund_approval'),
	('webhook', $$UPDATE shop.ticket_refund SET status = 'done' WHERE id = 1$$, 'accepted'),
	('webhook', $$INSERT INTO shop.ticket_refund VALUES (2, 1, 40, 'done')$$, 'accepted')) v (who, command, expected);
SELECT is(pg_temp.breaches(2, 'shop.ticket_refund'), 'status 23T02, refund 23R01, refund 42501', 'on record');

-- what is on record stays until it is settled
CREATE TABLE shop.job (id int PRIMARY KEY, status text);
SELECT paysafe.protect_status('shop.job', 'status', '[*] --> new
	new --> running
	done --> archived', deletable => '{new,done}', recorded => '{done}');
SELECT is(pg_temp.as('webhook', command), expected, command) FROM (VALUES
	($$INSERT INTO shop.job VALUES (1, 'running')$$, '23T02 shop.job.status paysafe_job_status'),
	($$INSERT INTO shop.job VALUES (1, 'new')$$, 'accepted'),
	($$DELETE FROM shop.job WHERE id = 1$$, 'accepted'),
	($$INSERT INTO shop.job VALUES (1, 'new')$$, 'accepted'),
	($$UPDATE shop.job SET status = 'running' WHERE id = 1$$, 'accepted'),
	($$UPDATE shop.job SET status = 'done' WHERE id = 1$$, 'accepted'),
	($$DELETE FROM shop.job WHERE id = 1$$, '23T03 shop.job.status paysafe_job_status')) v (command, expected);
SELECT is(pg_temp.as('boss', $$SELECT paysafe.settle_breach(id, 'a job') FROM paysafe.breach WHERE relation = 'shop.job'::regclass$$) || pg_temp.as('webhook', 'DELETE FROM shop.job WHERE id = 1'),
	'acceptedaccepted', 'settled it goes');

SELECT * FROM finish();
ROLLBACK;
