-- The sealed log: what sealing, proofs and verification say
SET client_min_messages = warning;
CREATE SCHEMA seal;
CREATE TABLE seal.pay (id int PRIMARY KEY, amount numeric);
SELECT paysafe.audit('seal.pay');
-- whatever other tests have left
SELECT paysafe.seal() > 0 AS some;
-- nobody else writes, but for autovacuum
DO $$ BEGIN FOR i IN 1..1200 LOOP PERFORM paysafe.seal(); COMMIT; EXIT WHEN (SELECT rows_waiting = 0 FROM paysafe.seal_status); PERFORM pg_sleep(0.1); END LOOP; END $$;
SELECT size AS before FROM paysafe.seal_state \gset
BEGIN;
INSERT INTO seal.pay VALUES (1, 10), (2, 20);
SAVEPOINT a;
INSERT INTO seal.pay VALUES (3, 30);
ROLLBACK TO a;
UPDATE seal.pay SET amount = 15 WHERE id = 1;
SELECT pg_current_xact_id() AS xid \gset
-- not in the transaction itself
SELECT paysafe.wait_sealed();
ROLLBACK;
BEGIN;
INSERT INTO seal.pay VALUES (1, 10), (2, 20);
SAVEPOINT a;
INSERT INTO seal.pay VALUES (3, 30);
ROLLBACK TO a;
UPDATE seal.pay SET amount = 15 WHERE id = 1;
SELECT pg_current_xact_id() AS xid \gset
COMMIT;
SELECT seq, op, key FROM paysafe.audit_log WHERE xid = :'xid' ORDER BY seq;
-- nobody else writes, but for autovacuum
DO $$ BEGIN FOR i IN 1..1200 LOOP PERFORM paysafe.seal(); COMMIT; EXIT WHEN (SELECT rows_waiting = 0 FROM paysafe.seal_status); PERFORM pg_sleep(0.1); END LOOP; END $$;
SELECT size - :before AS leaves FROM paysafe.seal_state;
SELECT rows_waiting, lag_seconds, held_back_by_pid FROM paysafe.seal_status;
SELECT leaf_index - :before AS leaf, leaf_hash = (SELECT paysafe.audit_leaf_hash(r, s.digest) FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape WHERE r.xid = :'xid' AND r.seq = 3) AS its_own
  FROM paysafe.inclusion_proof(:'xid'::xid8, 3);
SELECT leaf_index - :before AS leaf, rows, cardinality(row_hashes), leaf_hash = sha256('\x00'::bytea || leaf) AS its_own
  FROM paysafe.transaction_proof(:'xid'::xid8);
SELECT index - :before AS leaf, length(leaf), payload IS NULL AS no_payload, substr(leaf, 59) = sha256(payload) AS its_own
  FROM paysafe.seal_entries(:before, :before + 4);
SELECT p.leaf_hash = sha256('\x00'::bytea || e.leaf) AS computed_again
  FROM paysafe.seal_entries(:before, :before + 4) e, paysafe.inclusion_proof(e.index) p;
SELECT old_root <> new_root AS grown FROM paysafe.consistency_proof(:before);
SELECT bool_and(ok) AS good, count(finding) AS findings FROM paysafe.verify();
SELECT ok, leaves, finding FROM paysafe.verify(:before, :before + 4);
-- what is not there
SELECT paysafe.inclusion_proof('1'::xid8, 1);
\set VERBOSITY sqlstate
SELECT paysafe.inclusion_proof(:'xid'::xid8, 4);
SELECT paysafe.inclusion_proof(100000000::bigint) IS NULL;
\set VERBOSITY default
SELECT paysafe.inclusion_proof(0::bigint, 77);
SELECT paysafe.consistency_proof(0);
SELECT paysafe.consistency_proof(5, 4);
SELECT paysafe.verify(5, 5);
SELECT paysafe.seal_entries(5, 4);
-- nobody seals here by itself
INSERT INTO seal.pay VALUES (4, 1);
SELECT paysafe.wait_sealed('1 second');
SELECT subject, check_name, ok, detail FROM paysafe.check() WHERE subject = 'seal';
DROP SCHEMA seal CASCADE;
