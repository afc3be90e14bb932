-- Changes of rules that wait for a second person

CREATE SEQUENCE paysafe.proposal_id_seq;
COMMENT ON SEQUENCE paysafe.proposal_id_seq IS 'numbers proposed changes';

CREATE TABLE paysafe.proposal_record (
	id bigint PRIMARY KEY,
	approved_as regclass NOT NULL,
	key text COLLATE "C" NOT NULL,
	digest bytea NOT NULL,
	relation regclass,
	rule text NOT NULL,
	version int NOT NULL,
	old_reference text,
	new_reference text,
	before jsonb,
	after jsonb NOT NULL,
	difference text NOT NULL,
	loosens text NOT NULL,
	actor text,
	login text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL,
	ticket text,
	at timestamptz NOT NULL,
	identity text NOT NULL,
	approvers int NOT NULL,
	needs text COLLATE "C" NOT NULL,
	comes_to text COLLATE "C" NOT NULL
);
CREATE INDEX proposal_record_key ON paysafe.proposal_record (approved_as, key);
COMMENT ON TABLE paysafe.proposal_record IS 'changes as proposed; paysafe.pending_change shows those that wait';
COMMENT ON COLUMN paysafe.proposal_record.approvers IS 'so many others have to approve it';
COMMENT ON COLUMN paysafe.proposal_record.needs IS 'how well they must be known';
COMMENT ON COLUMN paysafe.proposal_record.comes_to IS 'SHA-256 of what it would make, whatever that is instead of, and why; what a rejection stands over';
COMMENT ON COLUMN paysafe.proposal_record.digest IS 'SHA-256 of the whole change; what an approval binds';

--@own_table paysafe.proposal_record

CREATE FUNCTION paysafe.propose(reason text, ticket text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_propose';
COMMENT ON FUNCTION paysafe.propose(text, text) IS 'until the end of the transaction, changes of rules that need a second person are stored for approval instead of refused; NULL ends it sooner';

-- Waiting: the newest of its kind, not older than a week, of a rule that has not
-- changed since, and neither approved nor made.
CREATE VIEW paysafe.pending_change AS
	SELECT p.id, p.approved_as, p.key, p.relation, p.rule, p.version, p.difference, p.loosens,
		   p.old_reference, p.new_reference, p.before, p.after,
		   coalesce(p.actor, p.session_user_name) AS requested_by, p.reason, p.ticket,
		   p.at AS requested_at, p.identity, paysafe.change_rejected_by(p.approved_as, p.key) AS rejected_by,
		   p.approvers AS approvals_needed, g.given AS approvals_given
	  FROM paysafe.proposal_record p
		   CROSS JOIN LATERAL (
				SELECT count(DISTINCT a.approver)::int AS given FROM paysafe.approval a
				 WHERE a.relation = p.approved_as AND a.key = p.key AND a.at >= p.at AND a.state IN ('open', 'used')
				   AND pg_catalog.array_position('{none,claimed,session,proven,passkey}', a.identity)
					   >= pg_catalog.array_position('{none,claimed,session,proven,passkey}', p.needs)) g
	 WHERE (pg_catalog.has_function_privilege('paysafe.approve(regclass,text,text,text,timestamptz)'::regprocedure, 'EXECUTE')
			OR pg_catalog.has_function_privilege('paysafe.approve_with_passkey(regclass,text,jsonb,text,text,timestamptz)', 'EXECUTE')
			OR p.session_user_name = session_user)
	   AND p.at > pg_catalog.clock_timestamp() - interval '7 days'
	   AND p.id = (SELECT max(n.id) FROM paysafe.proposal_record n
					WHERE n.approved_as = p.approved_as AND n.key = p.key)
	   AND g.given < p.approvers
	   AND (p.approved_as <> 'paysafe.rule'::regclass
			OR p.version = 1 + coalesce((SELECT max(r.version) FROM paysafe.rule r
										  WHERE r.relation = p.relation AND r.rule = p.rule),
										(SELECT max(t.version) FROM paysafe.threshold t
										  WHERE t.relation = p.relation
											AND t.rule = coalesce(p.after ->> 'rule', 'refund')
											AND lower(t.currency) = lower(p.after ->> 'currency')
											AND t.band = coalesce(p.after ->> 'band', '')
											AND p.rule LIKE 'threshold for %'),
										CASE WHEN p.rule = 'period' THEN (SELECT count(*) FROM paysafe.closed_period c WHERE c.relation = p.relation)
											 WHEN p.rule ~ '^break-glass( for .*)?$' THEN (SELECT count(*) FROM paysafe.break_glass_setting b
																						WHERE b.relation = p.relation
																						  AND b.rule = coalesce(substring(p.rule, '^break-glass for (.*)$'), 'refund'))
											 ELSE 0 END));
COMMENT ON VIEW paysafe.pending_change IS 'changes of rules that wait for a second person, whole, as a difference to what is in force; for who may approve them';

CREATE VIEW paysafe.pending_approval AS
	SELECT relation, key, payment, amount, currency, status, total_within, threshold,
		   approvals_needed, approvals_given, requested_by, requested_at, NULL::text AS change,
		   paysafe.spoken_amount(relation, amount, currency, rule) AS money, rule,
		   band, approver_identity, approver_groups, requester_identity, rejected_by, changed_by, per, approved_during, escalates_at, escalation_groups
	  FROM paysafe.pending_approvals()
	UNION ALL
	SELECT approved_as, key, NULL, NULL, NULL, NULL, NULL, NULL, approvals_needed, approvals_given, requested_by, requested_at,
		   difference, NULL, rule, NULL, NULL, NULL, NULL, rejected_by, NULL, NULL, NULL, NULL, NULL
	  FROM paysafe.pending_change;
COMMENT ON VIEW paysafe.pending_approval IS 'everything that waits for a second person: refunds of the tables the caller may read, and changes of rules';
