-- check(true): books that no log covers, each compared with another one that says the same

CREATE FUNCTION paysafe.check_books(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		-- what is set aside is at least what reservations hold: a total that is less lets it be taken twice
		SELECT w.relation::text, 'reservation_totals', bool_and(w.held <= w.reserved),
			   count(*) FILTER (WHERE w.held > w.reserved)
				   || ' accounts have less set aside than their reservations hold, the first ' || min(w.account) FILTER (WHERE w.held > w.reserved)
				   || ': reservations, their ends or totals were changed; find out who has changed rows beneath the executor'
		  FROM (SELECT t.relation, t.account, t.reserved, coalesce(sum(r.amount - coalesce(p.posted, 0)), 0) AS held
				  FROM (SELECT DISTINCT ON (t.relation, t.account) t.relation, t.account, t.reserved, t.expired_until
						  FROM paysafe.reservation_total t ORDER BY t.relation, t.account, t.number DESC) t
					   LEFT JOIN (paysafe.reservation_record r LEFT JOIN paysafe.reservation_end e ON e.reservation = r.id
								  LEFT JOIN (SELECT p.reservation, max(p.posted) AS posted FROM paysafe.reservation_post p GROUP BY p.reservation) p ON p.reservation = r.id)
						 ON r.relation = t.relation AND r.account = t.account AND r.expires_at > t.expired_until AND e.reservation IS NULL
				 GROUP BY t.relation, t.account, t.reserved) w
		 GROUP BY w.relation
		UNION ALL
		-- each move of a stripe goes on from the one before
		SELECT s.relation::text, 'balance_moves', count(*) FILTER (WHERE m.wrong) = 0,
			   CASE WHEN count(*) FILTER (WHERE m.wrong) > 0 THEN
				count(*) FILTER (WHERE m.wrong) || ' moves of accounts do not go on from the ones before, the first of account '
				|| min(s.account) FILTER (WHERE m.wrong) || ': rows of paysafe.balance_move were changed or deleted; compare its balance with the sum of its entries' END
		  FROM paysafe.balance_stripe s
			   JOIN (SELECT b.stripe, b.balance - b.amount <> coalesce(lag(b.balance) OVER (PARTITION BY b.stripe ORDER BY b.at, b.number), 0) AS wrong
					   FROM paysafe.balance_move b) m ON m.stripe = s.id
		 GROUP BY s.relation
		UNION ALL
		-- what an authenticator had counted is in what it has signed
		SELECT 'passkeys', 'passkey_counters', count(*) FILTER (WHERE w.wrong) = 0,
			   CASE WHEN count(*) FILTER (WHERE w.wrong) > 0 THEN 'the counter of passkey ' || string_agg(w.id::text, ', ' ORDER BY w.id) FILTER (WHERE w.wrong)
				|| ' is below what it has signed, so a copy of it would not be noticed: rows of paysafe.passkey_use were changed; have it revoked' END
		  FROM (SELECT k.id, u.passkey IS NULL OR u.sign_count < greatest(k.sign_count, coalesce(a.counter, 0)) AS wrong
				  FROM paysafe.passkey_record k
					   LEFT JOIN paysafe.passkey_use u ON u.passkey = k.id
					   LEFT JOIN (SELECT s.passkey, max(('x' || encode(substr(s.authenticator_data, 34, 4), 'hex'))::bit(32)::bigint) AS counter
									FROM paysafe.passkey_assertion s GROUP BY s.passkey) a ON a.passkey = k.id) w
		HAVING count(*) > 0;
	END;
COMMENT ON FUNCTION paysafe.check_books() IS 'check(true): whether books that the audit log does not cover say the same as others';
