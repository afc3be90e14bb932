-- Approving in somebody's place

CREATE SEQUENCE paysafe.delegation_id_seq;
COMMENT ON SEQUENCE paysafe.delegation_id_seq IS 'numbers delegations';

CREATE TABLE paysafe.delegation_record (
	id bigint PRIMARY KEY,
	delegator bigint NOT NULL,
	delegate bigint NOT NULL,
	until timestamptz NOT NULL,
	identity text NOT NULL,
	at timestamptz NOT NULL,
	reason text NOT NULL,
	ticket text,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL
);
CREATE INDEX delegation_record_delegate ON paysafe.delegation_record (delegate);
COMMENT ON TABLE paysafe.delegation_record IS 'who has let whom approve in their place; paysafe.delegation shows what became of it';
COMMENT ON COLUMN paysafe.delegation_record.identity IS 'how well the delegator was known; approvals that ask for more are not delegated';

CREATE TABLE paysafe.delegation_end (
	delegation bigint PRIMARY KEY,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.delegation_end IS 'delegations that ended before their time';

--@own_table paysafe.delegation_record
--@own_table paysafe.delegation_end

CREATE FUNCTION paysafe.delegate_approval("to" text, until timestamptz, reason text, ticket text DEFAULT NULL) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_delegate_approval';
COMMENT ON FUNCTION paysafe.delegate_approval(text, timestamptz, text, text) IS 'until then another person approves rows in the place of who calls it, who must be registered';

CREATE FUNCTION paysafe.end_delegation(id bigint, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_end_delegation';
COMMENT ON FUNCTION paysafe.end_delegation(bigint, text) IS 'ends a delegation at once; false: it had ended';

CREATE VIEW paysafe.delegation AS
	SELECT r.id, f.name AS delegator, t.name AS delegate, r.at, r.until,
		   CASE WHEN e.delegation IS NOT NULL THEN 'ended'
				WHEN r.until <= pg_catalog.clock_timestamp() THEN 'expired'
				WHEN EXISTS (SELECT FROM paysafe.person_state s WHERE s.person IN (r.delegator, r.delegate) AND s.at >= r.at) THEN 'void'
				ELSE 'in force' END AS state,
		   r.identity, r.reason, r.ticket, r.login, e.at AS ended_at, e.actor AS ended_by, e.reason AS end_reason
	  FROM paysafe.delegation_record r
		   JOIN paysafe.person_record f ON f.id = r.delegator
		   JOIN paysafe.person_record t ON t.id = r.delegate
		   LEFT JOIN paysafe.delegation_end e ON e.delegation = r.id;
COMMENT ON VIEW paysafe.delegation IS 'who approves in whose place, until when; void: one of the two has been disabled since';
