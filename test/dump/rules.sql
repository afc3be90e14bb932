-- The rules hold in what was restored: each attempt is refused with the code
-- that is named, and legal work goes on.
\set ON_ERROR_STOP on
CREATE PROCEDURE pg_temp.refused(code text, command text) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE command;
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE <> code THEN
			RAISE EXCEPTION '% instead of %: %: %', SQLSTATE, code, command, SQLERRM;
		END IF;
		RETURN;
	END;
	RAISE EXCEPTION 'not refused: %', command;
END $$;

CALL pg_temp.refused('23T01', $$UPDATE shop.payment SET status = 'authorized' WHERE id = 1$$);
-- what was accepted is, and may be put right
SELECT paysafe.validate_rows('shop.legacy');
UPDATE shop.legacy SET status = 'paid' WHERE id = 1;
CALL pg_temp.refused('23T04', $$UPDATE shop.legacy SET status = 'lost' WHERE id = 1$$);
CALL pg_temp.refused('23R03', $$UPDATE shop.payment SET amount = 1 WHERE id = 1$$);
CALL pg_temp.refused('23G01', $$UPDATE shop.job SET every = '59 minutes' WHERE id = 1$$);
CALL pg_temp.refused('23G02', $$INSERT INTO shop.job VALUES (3, 'ann', '1 day', NULL)$$);
CALL pg_temp.refused('23H01', $$UPDATE shop.job SET body = '{"n": 0.071}' WHERE id = 1$$);
CALL pg_temp.refused('23514', $$UPDATE shop.job SET body = '[]' WHERE id = 1$$);
INSERT INTO shop.job VALUES (3, 'bob', '1 day', '{"n": 1e400}');
CALL pg_temp.refused('23T03', $$DELETE FROM shop.payment WHERE id = 3$$);
CALL pg_temp.refused('23L01', $$UPDATE shop.entry SET amount = 1 WHERE id = 1$$);
CALL pg_temp.refused('23L01', $$DELETE FROM shop.entry_archive WHERE id = 2$$);
CALL pg_temp.refused('23L01', $$TRUNCATE shop.entry$$);
CALL pg_temp.refused('23L01', $$DELETE FROM shop.journal$$);
CALL pg_temp.refused('23L04', $$INSERT INTO shop.journal VALUES (3, 't1', 'cash', 5, 'USD', '2026-06-01')$$);
CALL pg_temp.refused('23L06', $$INSERT INTO shop.journal VALUES (3, 't2', 'cash', 5, 'USD', '2026-05-31')$$);
CALL pg_temp.refused('23M01', $$INSERT INTO shop.journal VALUES (5, 't3', 'cash', -7, 'USD', '2026-06-01'), (6, 't3', 'sales', 7, 'USD', '2026-06-01')$$);
CALL pg_temp.refused('23M02', $$UPDATE shop.account SET balance = 0$$);
CALL pg_temp.refused('23M05', $$SELECT paysafe.post_reservation(1, 4)$$);
SELECT paysafe.post_reservation(1, 1, false, 'part 1') AS posted_before, paysafe.reserve('shop.account', 'cash', 4, key => 'order 1', to_account => 'sales') AS reserved_before;
SELECT paysafe.void_reservation(1);
SELECT code, balance, paysafe.balance(code, accounts => 'shop.account') FROM shop.account ORDER BY code;
INSERT INTO shop.journal VALUES (3, 't2', 'cash', 5, 'USD', '2026-06-01'), (4, 't2', 'sales', -5, 'USD', '2026-06-01');
CALL pg_temp.refused('23R03', $$UPDATE shop.token SET value = 'mine'$$);
CALL pg_temp.refused('23R03', $$UPDATE shop.event SET currency = 'JPY'$$);
CALL pg_temp.refused('23R03', $$UPDATE shop."Order" SET event_id = NULL$$);
CALL pg_temp.refused('23R01', $$INSERT INTO shop.back VALUES (2, 1, 5, 'refund')$$);
CALL pg_temp.refused('23R01', $$INSERT INTO shop.back VALUES (2, 2, 5, 'refund')$$);
CALL pg_temp.refused('23R04', $$INSERT INTO shop.back VALUES (2, 1, 0.001, 'refund')$$);
INSERT INTO shop.back VALUES (2, 1, 5, 'fee'), (3, 1, 4, 'refund'), (11, 1, 1, 'goodwill');
CALL pg_temp.refused('42501', $$INSERT INTO shop.back VALUES (12, 1, 1, 'goodwill')$$);
CALL pg_temp.refused('23R03', $$UPDATE shop.back SET kind = 'fee' WHERE id = 10$$);
CALL pg_temp.refused('23R01', $$INSERT INTO shop.refund VALUES (9, 'eu', 2, 70)$$);
CALL pg_temp.refused('23R01', $$INSERT INTO shop.order_refund VALUES (2, 'c', 1, 11, 'USD', 'requested')$$);
CALL pg_temp.refused('23R03', $$UPDATE shop.order_refund SET tenant = 'c'$$);
CALL pg_temp.refused('23L04', $$INSERT INTO shop.book VALUES (3, 'a', 1, 'cash', 1, 'USD'), (4, 'a', 1, 'sales', -1, 'USD')$$);
CALL pg_temp.refused('23M01', $$INSERT INTO shop.book VALUES (3, 'a', 2, 'cash', -2, 'USD'), (4, 'a', 2, 'sales', 2, 'USD')$$);
CALL pg_temp.refused('23L03', $$INSERT INTO shop.transfer VALUES (2, 'a', 'a', 1)$$);
CALL pg_temp.refused('23M01', $$INSERT INTO shop.transfer VALUES (2, 'a', 'world', 6)$$);
\set ON_ERROR_STOP off
UPDATE shop.held SET balance = 6 WHERE code = 'a';
\set got :SQLSTATE
\set ON_ERROR_STOP on
SELECT 1 / (:'got' = '23M02')::int AS balances_are_compared;
BEGIN;
UPDATE shop.held SET balance = balance + CASE code WHEN 'a' THEN -5 ELSE 5 END;
INSERT INTO shop.transfer VALUES (2, 'a', 'world', 5);
COMMIT;
SELECT code, balance, paysafe.balance(code, accounts => 'shop.held') FROM shop.held ORDER BY code;
INSERT INTO shop.order_refund VALUES (2, 'c', 1, 10, 'USD', 'requested');
INSERT INTO shop.book VALUES (3, 'a', 2, 'cash', -1, 'USD'), (4, 'a', 2, 'sales', 1, 'USD');
CALL pg_temp.refused('42501', $$SELECT paysafe.set_refund_threshold('shop.refund', 'USD', 600)$$);
CALL pg_temp.refused('42501', $$SELECT paysafe.unprotect('shop.payment', 'audit', 'no')$$);

-- the approval given before serves once; the threshold counts what was
-- approved before
UPDATE shop.refund SET status = 'approved' WHERE id = 1;
UPDATE shop.refund SET status = 'paid' WHERE id = 1;
CALL pg_temp.refused('42501', $$UPDATE shop.refund SET status = 'approved' WHERE id = 3$$);
-- so does the one that was given in advance; and what was a breach counts, and can be settled
BEGIN;
SELECT paysafe.act_as('bob');
CALL pg_temp.refused('42501', $$INSERT INTO shop.dispute VALUES (2, 1, 10, 'USD', 'sent')$$);
SELECT paysafe.act_as('alice');
INSERT INTO shop.dispute VALUES (2, 1, 10, 'USD', 'sent');
COMMIT;
-- so does a no
CALL pg_temp.refused('42501', $$INSERT INTO shop.dispute VALUES (3, 2, 10, 'USD', 'sent')$$);
SELECT 1 / (count(*) FILTER (WHERE state = 'standing') = 1 AND count(*) = 2)::int AS rejected FROM paysafe.rejection;
CALL pg_temp.refused('23R01', $$INSERT INTO shop.refund VALUES (10, 'eu', 3, 1)$$);
BEGIN;
SELECT paysafe.act_as('carol');
SELECT paysafe.settle_breach(id, 'insured') FROM paysafe.breach WHERE settled_at IS NULL;
COMMIT;

-- what was captured is known, and not what the column says
CALL pg_temp.refused('23R01', $$INSERT INTO shop.move VALUES (3, 'refund', 1, -51)$$);
CALL pg_temp.refused('23R05', $$UPDATE shop.move SET amount = 49 WHERE id = 1$$);
INSERT INTO shop.move VALUES (3, 'refund', 1, -50);

-- who is disabled is so here, and the first two were there before
CALL pg_temp.refused('42501', $$SELECT paysafe.act_as('dee@shop')$$);
CALL pg_temp.refused('42501', $$SELECT paysafe.bootstrap_people('x', '{}', 'y', '{}', 'x')$$);
-- tenants: what is written, in a partition that is made now too, and how much
CREATE TABLE shop.lease_2027 PARTITION OF shop.lease FOR VALUES IN (2027);
CALL pg_temp.refused('23N02', $$INSERT INTO shop.lease VALUES (9, 'acme', 2027)$$);
BEGIN;
SELECT paysafe.act_for_tenant('acme');
CALL pg_temp.refused('23N01', $$INSERT INTO shop.lease VALUES (9, 'other', 2027)$$);
CALL pg_temp.refused('23N03', $$INSERT INTO shop.lease SELECT i, 'acme', 2027 FROM generate_series(10, 12) i$$);
INSERT INTO shop.lease VALUES (9, 'acme', 2027);
ROLLBACK;

-- velocity counts from now on
INSERT INTO shop.charge VALUES (3, 8, 'c'), (4, 8, 'd');
CALL pg_temp.refused('23V01', $$INSERT INTO shop.charge VALUES (5, 8, 'e')$$);
CALL pg_temp.refused('42501', $$SELECT paysafe.protect_velocity('shop.charge', 'customer', 3, '2 days', 'values', 'card', rule => 'velocity_cards', mode => 'refuse')$$);

-- nor does SQL write to paysafe's own tables again
CALL pg_temp.refused('42501', $$INSERT INTO paysafe.rule SELECT * FROM paysafe.rule$$);
CALL pg_temp.refused('42501', $$UPDATE paysafe.audit_row SET op = 'I'$$);
CALL pg_temp.refused('42501', $$DELETE FROM paysafe.refund_event$$);

-- a partition made now is protected and audited too
CREATE TABLE shop.refund_asia PARTITION OF shop.refund FOR VALUES IN ('asia');
CALL pg_temp.refused('23R01', $$INSERT INTO shop.refund VALUES (9, 'asia', 2, 70)$$);
INSERT INTO shop.refund VALUES (9, 'asia', 2, 7);

-- and the log goes on behind what was restored
DO $$
BEGIN
	IF (SELECT array_agg(after ->> 'status') FROM paysafe.history('shop.refund', '1')) IS DISTINCT FROM
		'{requested,approved,paid}'::text[] OR
		(SELECT count(*) FROM paysafe.history('shop.refund', '9')) <> 1 THEN
		RAISE EXCEPTION 'the log misses changes made after restoring';
	END IF;
	IF NOT (SELECT bool_and(paysafe.audit_leaf_check(r, s.digest) = r.leaf_check)
			  FROM paysafe.audit_row r
				   CROSS JOIN LATERAL (SELECT digest FROM paysafe.audit_shape s
										WHERE s.id = r.shape LIMIT 1) s) THEN
		RAISE EXCEPTION 'a leaf hash does not verify';
	END IF;
END $$;
