-- id: 527
-- role: app
-- category: transaction
-- expect: must be blocked
-- how: transactions that begin and end inside one DO: illegal attempts between commits, and audit rows that must follow the commits and rollbacks
-- counter: nothing is kept per statement of the client
DO $$
BEGIN
  FOR i IN 1..20 LOOP
    UPDATE pay.wallet SET balance = balance + 1;
    IF i % 4 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
    BEGIN
      UPDATE pay.payment SET status = 'captured' WHERE id = 2;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $$;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured'
   OR (SELECT sum(balance) - 150 FROM pay.wallet) <> 30
   OR (SELECT count(*) FROM rt.audit_v WHERE table_name = 'wallet' AND op = 'UPDATE') <> 30 THEN 'BYPASSED' ELSE 'HELD' END;
