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
	SELECT t.relation, 'threshold for ' || t.currency || CASE WHEN t.band <> '' THEN ' band ' || t.band COLLATE "default" ELSE '' END || CASE WHEN t.rule <> 'refund' THEN ' of ' || t.rule COLLATE "default" ELSE '' END,
		   format('%s above %s within %s need %s approval(s)%s%s%s%s, valid for %s%s',
				  -- refunds without rows have no table of payments either
				  CASE WHEN t.per = 'beneficiary' THEN 'what goes to one beneficiary' WHEN t.per = 'requester' THEN 'what one person asks for'
					   WHEN EXISTS (SELECT 1 FROM paysafe.rule p
						WHERE p.relation = t.relation AND p.rule = t.rule AND p.spec @> '{"payout": true}' AND NOT p.spec @> '{"amounts": "running"}'
						  AND p.version = (SELECT max(n.version) FROM paysafe.rule n WHERE n.relation = p.relation AND n.rule = p.rule))
					   THEN 'payouts of one reference' ELSE 'refunds of a payment' END,
				  paysafe.spoken_amount(t.relation, t.amount, t.currency, t.rule), t.within, t.approvers,
				  ' by ' || t.approver_identity COLLATE "default", ' of ' || t.approver_group COLLATE "default",
				  ' (after ' || t.escalation_after || ' also ' || t.escalation_group COLLATE "default" || ')', ' given ' || t.approved_during COLLATE "default", t.valid_for,
				  ', requested by ' || t.requester_identity COLLATE "default"),
		   ARRAY[]::text[], NULL, t.version, t.since, t.actor, t.session_user_name, t.reason, t.ticket,
		   NULL, NULL, NULL
	  FROM paysafe.threshold t
	 WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
	   AND t.amount IS NOT NULL
	   AND t.version = (SELECT max(n.version) FROM paysafe.threshold n
						 WHERE n.relation = t.relation AND n.rule = t.rule AND lower(n.currency) = lower(t.currency)
						   AND n.band = t.band);
COMMENT ON VIEW paysafe.protection IS 'every rule in force: table, columns, what it says, since when, by whom, and in which mode';

-- Who approves what
CREATE FUNCTION paysafe.may_approve_as(relation regclass, approver_group text) RETURNS boolean
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_may_approve_as';
COMMENT ON FUNCTION paysafe.may_approve_as(regclass, text) IS 'does who acts now approve rows of this table, as a member of the group (NULL: of none)? How well they are known, and who requested it, is another matter';

CREATE VIEW paysafe.approval_limit AS
	SELECT t.relation, t.rule COLLATE "default" AS rule, t.currency, nullif(t.band, '') COLLATE "default" AS band, t.amount AS above,
		   paysafe.spoken_amount(t.relation, t.amount, t.currency, t.rule) AS money,
		   t.approvers, t.approver_group COLLATE "default" AS approver_group,
		   t.approver_identity COLLATE "default" AS approver_identity, t.requester_identity COLLATE "default" AS requester_identity,
		   t.within, t.valid_for, paysafe.may_approve_as(t.relation, t.approver_group) AS yours, t.per COLLATE "default" AS per,
		   t.approved_during COLLATE "default" AS approved_during, t.escalation_after, t.escalation_group COLLATE "default" AS escalation_group
	  FROM paysafe.threshold t
	 WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
	   AND t.amount IS NOT NULL
	   AND t.version = (SELECT max(n.version) FROM paysafe.threshold n
						 WHERE n.relation = t.relation AND n.rule = t.rule AND lower(n.currency) = lower(t.currency)
						   AND n.band = t.band);
COMMENT ON VIEW paysafe.approval_limit IS 'the thresholds in force: above which sum how many have to approve, of which group, known how well; and whether who acts now is one of them';

-- What was in force when, and who wanted it
CREATE VIEW paysafe.rule_history AS
	SELECT v.relation, v.rule, v.version, v.definition, v.valid_from,
		   lead(v.valid_from) OVER (PARTITION BY v.relation, v.spelled_once ORDER BY v.version) AS valid_until,
		   v.by, v.session_user_name,
		   (SELECT string_agg(DISTINCT a.actor, ', ')
			  FROM paysafe.approval_record a JOIN paysafe.approval_end e ON e.approval = a.id AND e.outcome = 'used'
			 WHERE a.relation = 'paysafe.rule'::regclass
			   AND (starts_with(lower(a.key), lower(format('%s of %s.%s, version %s:', v.rule, quote_ident(n.nspname), quote_ident(c.relname), v.version)))
					OR a.key IN (SELECT p.key FROM paysafe.proposal_record p
								  WHERE p.approved_as = a.relation AND p.relation = v.relation
									AND lower(p.rule) = lower(v.rule) AND p.version = v.version))) AS approved_by,
		   v.reason, v.ticket
	  FROM (SELECT r.relation, r.rule COLLATE "default" AS rule, r.rule COLLATE "default" AS spelled_once, r.version,
				   CASE WHEN r.removed THEN 'dropped' ELSE paysafe.rule_text(r.rule, r.reference, r.spec) END AS definition,
				   r.since AS valid_from, r.actor AS by, r.session_user_name, r.reason, r.ticket
			  FROM paysafe.rule r
			UNION ALL
			SELECT t.relation, 'threshold for ' || t.currency || CASE WHEN t.band <> '' THEN ' band ' || t.band COLLATE "default" ELSE '' END || CASE WHEN t.rule <> 'refund' THEN ' of ' || t.rule COLLATE "default" ELSE '' END,
				   format('threshold for %s %s of %s', lower(t.currency), t.band, t.rule), t.version,
				   CASE WHEN t.amount IS NULL THEN 'taken away' ELSE
				   format('above %s%s within %s %s approval(s)%s%s%s%s, valid for %s%s',
						  CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
							   THEN paysafe.spoken_amount(t.relation, t.amount, t.currency, t.rule)
							   ELSE t.amount || ' ' || t.currency END,
						  CASE WHEN t.per <> 'payment' THEN ' per ' || t.per COLLATE "default" END,
						  t.within, t.approvers, ' by ' || t.approver_identity COLLATE "default", ' of ' || t.approver_group COLLATE "default",
						  ' (after ' || t.escalation_after || ' also ' || t.escalation_group COLLATE "default" || ')', ' given ' || t.approved_during COLLATE "default",
						  t.valid_for, ', requested by ' || t.requester_identity COLLATE "default") END,
				   t.since, t.actor, t.session_user_name, t.reason, t.ticket
			  FROM paysafe.threshold t) v
		   -- of a table that is gone, too
		   LEFT JOIN pg_catalog.pg_class c ON c.oid = v.relation
		   LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
COMMENT ON VIEW paysafe.rule_history IS 'every version of every rule and threshold: what it said, from when to when, who set it and who approved it';

-- Of a currency with several bands, each that was in force then
CREATE VIEW paysafe.refund_threshold AS
	SELECT e.relation, e.refund COLLATE "default" AS key, e.rule COLLATE "default" AS rule, e.payment COLLATE "default" AS payment, e.amount, e.currency, e.passed_at, e.approvals,
		   t.amount AS threshold, t.approvers, t.within, t.valid_for, t.version,
		   h.valid_from, h.valid_until, h.by AS set_by, h.approved_by AS set_approved_by, h.reason, h.ticket,
		   nullif(t.band, '') COLLATE "default" AS band, t.band = ANY (coalesce(e.bands, '{}')) AS exceeded,
		   t.approver_identity COLLATE "default" AS approver_identity, t.approver_group COLLATE "default" AS approver_group,
		   t.requester_identity COLLATE "default" AS requester_identity, t.per COLLATE "default" AS per,
		   t.approved_during COLLATE "default" AS approved_during, t.escalation_after, t.escalation_group COLLATE "default" AS escalation_group
	  FROM paysafe.refund_event e
		   LEFT JOIN LATERAL (SELECT x.* FROM paysafe.threshold x
							   WHERE x.relation = e.relation AND x.rule = e.rule AND lower(x.currency) = lower(e.currency)
								 AND x.since <= e.passed_at AND x.amount IS NOT NULL
								 AND NOT EXISTS (SELECT FROM paysafe.threshold n
												  WHERE n.relation = x.relation AND n.rule = x.rule AND lower(n.currency) = lower(x.currency)
													AND n.band = x.band AND n.version > x.version AND n.since <= e.passed_at)) t ON true
		   LEFT JOIN paysafe.rule_history h
			 ON h.relation = t.relation AND h.version = t.version
				AND h.rule = 'threshold for ' || t.currency || CASE WHEN t.band <> '' THEN ' band ' || t.band COLLATE "default" ELSE '' END || CASE WHEN t.rule <> 'refund' THEN ' of ' || t.rule COLLATE "default" ELSE '' END
	 WHERE e.passed_at IS NOT NULL;
COMMENT ON VIEW paysafe.refund_threshold IS 'each passing of the gate by a refund: the threshold that applied then, or each band of it, and who had set it; without one every refund needs approval';
