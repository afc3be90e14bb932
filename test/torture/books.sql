-- Do the books agree?  One row for each that does not, from the tables alone.
SET search_path = torture;
WITH problem (what, which) AS (
	SELECT 'the ledger does not sum to zero', sum(amount)::text FROM entry HAVING sum(amount) <> 0
	UNION ALL
	SELECT 'a transaction does not sum to zero', txn::text FROM entry GROUP BY txn, currency HAVING sum(amount) <> 0
	UNION ALL
	SELECT 'a transaction was posted by two', txn::text FROM entry GROUP BY txn HAVING count(DISTINCT xid) > 1
	UNION ALL
	SELECT 'a transaction was reversed twice', reverses::text FROM entry WHERE reverses IS NOT NULL
	 GROUP BY reverses HAVING count(DISTINCT txn) > 1
	UNION ALL
	SELECT 'a reversal is not the opposite', r.txn::text
	  FROM (SELECT txn, reverses, array_agg((wallet, amount)::text ORDER BY wallet, amount) AS sides FROM entry WHERE reverses IS NOT NULL GROUP BY 1, 2) r
		   JOIN (SELECT txn, array_agg((wallet, -amount)::text ORDER BY wallet, -amount) AS sides FROM entry GROUP BY 1) o ON o.txn = r.reverses
	 WHERE r.sides <> o.sides
	UNION ALL
	SELECT 'a balance is not the sum of its entries', w.id::text FROM wallet w
	 WHERE minimum IS NOT NULL AND balance <> (SELECT coalesce(sum(amount), 0) FROM entry e WHERE e.wallet = w.id)
	UNION ALL
	SELECT 'paysafe.balance is not the sum of the entries', w.id::text FROM wallet w
	 WHERE paysafe.balance(w.id::text) <> (SELECT coalesce(sum(amount), 0) FROM entry e WHERE e.wallet = w.id)
	UNION ALL
	SELECT 'a trial balance does not balance', at::text
	  FROM (SELECT at FROM (SELECT DISTINCT at FROM paysafe.balance_history WHERE relation = 'wallet'::regclass) h ORDER BY md5(at::text) LIMIT 100) moment
	 WHERE (SELECT sum(paysafe.balance(w.id::text, at)) FROM wallet w) <> 0
	UNION ALL
	SELECT 'what is reserved is not the sum of the open reservations', a.account
	  FROM (SELECT DISTINCT ON (account) account, reserved, expired_until FROM paysafe.reservation_total ORDER BY account, number DESC) a
	 WHERE reserved <> (SELECT coalesce(sum(amount), 0) FROM paysafe.reservation r WHERE r.account = a.account
						   AND r.state IN ('open', 'expired') AND r.expires_at > a.expired_until)
	UNION ALL
	SELECT 'a balance without a minimum is in its row', id::text FROM wallet WHERE minimum IS NULL AND balance <> 0
	UNION ALL
	SELECT 'a balance is below its minimum', w.id::text FROM wallet w
	 WHERE balance - (SELECT coalesce(sum(amount), 0) FROM paysafe.reservation r WHERE r.account = w.id::text AND r.state = 'open') < minimum
	UNION ALL
	SELECT 'more was posted than reserved', id::text FROM paysafe.reservation WHERE posted > amount
	UNION ALL
	SELECT 'refunds exceed what was captured', p.id::text FROM payment p
	 WHERE (SELECT sum(amount) FROM refund r WHERE r.payment = p.id AND status <> 'rejected') > captured
	UNION ALL
	SELECT 'refunds above the threshold were paid without approval', r.payment::text FROM refund r WHERE status = 'paid'
	 GROUP BY payment
	HAVING sum(amount) > 60 AND NOT EXISTS (SELECT FROM paysafe.approval a WHERE a.relation = 'torture.refund'::regclass AND a.state = 'used'
											   AND a.key IN (SELECT id::text FROM refund x WHERE x.payment = r.payment))
	UNION ALL
	SELECT 'changes and audit rows differ: ' || expected.table_name || ' ' || expected.op, format('%s changes, %s rows', n, coalesce(recorded, 0))
	  FROM (SELECT 'entry' AS table_name, 'INSERT' AS op, count(*) AS n FROM entry
			UNION ALL SELECT 'wallet', 'INSERT', count(*) FROM wallet
			UNION ALL SELECT 'wallet', 'UPDATE', (SELECT count(*) FROM paysafe.balance_history WHERE relation = 'wallet'::regclass AND balance IS NOT NULL)
							  + (SELECT count(*) FROM done WHERE what = 'minimum')
			UNION ALL SELECT 'payment', 'INSERT', count(*) FROM payment
			UNION ALL SELECT 'payment', 'UPDATE', sum(version) FROM payment
			UNION ALL SELECT 'refund', 'INSERT', count(*) FROM refund
			UNION ALL SELECT 'refund', 'UPDATE', sum(version) FROM refund
			UNION ALL SELECT t, 'DELETE', 0 FROM unnest('{entry,wallet,payment,refund}'::text[]) t
			UNION ALL SELECT 'entry', 'UPDATE', 0) expected
		   LEFT JOIN (SELECT table_name, op, count(*) AS recorded FROM paysafe.audit_log WHERE schema_name = 'torture' GROUP BY 1, 2) log USING (table_name, op)
	 WHERE n <> coalesce(recorded, 0)
	UNION ALL
	SELECT 'an entry is not in the audit log', id::text FROM entry e
	 WHERE NOT EXISTS (SELECT FROM paysafe.audit_log l WHERE l.schema_name = 'torture' AND l.table_name = 'entry' AND l.key = e.id::text)
)
SELECT * FROM problem LIMIT 50;
