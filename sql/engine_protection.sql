-- What is in force

CREATE VIEW paysafe.protection AS
	SELECT r.relation, r.rule,
		   paysafe.rule_text(r.rule, r.reference, r.spec) AS definition,
		   paysafe.rule_columns(r.rule, r.spec) AS columns,
		   r.reference, r.version, r.since, r.actor AS by, r.session_user_name, r.reason, r.ticket,
		   CASE WHEN r.spec @> '{"observe": true}' THEN 'observe' ELSE 'enforce' END AS mode,
		   o.observed, o.last_observed
	  FROM paysafe.rule r, LATERAL (
		SELECT coalesce(sum(f.count), 0)::bigint AS observed, max(coalesce(f.last_at, f.at)) AS last_observed
		  FROM paysafe.refusal_record f
		  JOIN pg_catalog.pg_class t ON t.oid IN (r.relation, r.reference) AND t.relname = f.table_name
		  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace AND n.nspname = f.schema_name
		 WHERE r.spec @> '{"observe": true}' AND f.observed AND f.at >= r.since
		   AND f.rule IN (r.rule, CASE WHEN r.rule = 'refund' THEN 'approval' WHEN r.rule LIKE 'refund\_%' THEN r.rule || '_approval' END)) o
	 WHERE NOT r.removed
	   AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	   AND r.version = (SELECT max(n.version) FROM paysafe.rule n
						 WHERE n.relation = r.relation AND n.rule = r.rule)
	UNION ALL
	SELECT t.relation, 'threshold for ' || t.currency || CASE WHEN t.rule <> 'refund' THEN ' of ' || t.rule COLLATE "default" ELSE '' END,
		   format('%s above %s within %s need %s approval(s), valid for %s',
				  -- refunds without rows have no table of payments either
				  CASE WHEN EXISTS (SELECT 1 FROM paysafe.rule p
						WHERE p.relation = t.relation AND p.rule = t.rule AND p.spec @> '{"payout": true}' AND NOT p.spec @> '{"amounts": "running"}'
						  AND p.version = (SELECT max(n.version) FROM paysafe.rule n WHERE n.relation = p.relation AND n.rule = p.rule))
					   THEN 'payouts of one reference' ELSE 'refunds of a payment' END,
				  paysafe.spoken_amount(t.relation, t.amount, t.currency, t.rule), t.within, t.approvers, t.valid_for),
		   ARRAY[]::text[], NULL, t.version, t.since, t.actor, t.session_user_name, t.reason, t.ticket,
		   NULL, NULL, NULL
	  FROM paysafe.threshold t
	 WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
	   AND t.version = (SELECT max(n.version) FROM paysafe.threshold n
						 WHERE n.relation = t.relation AND n.rule = t.rule AND lower(n.currency) = lower(t.currency));
COMMENT ON VIEW paysafe.protection IS 'every rule in force: table, columns, what it says, since when, by whom, and in which mode';
