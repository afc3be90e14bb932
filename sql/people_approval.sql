-- Approvals by a second person

CREATE SEQUENCE paysafe.approval_id_seq;
COMMENT ON SEQUENCE paysafe.approval_id_seq IS 'numbers approvals';

CREATE TABLE paysafe.approval_record (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	key text COLLATE "C",
	digest bytea NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	client_addr text,
	reason text NOT NULL,
	ticket text,
	request_id text,
	at timestamptz NOT NULL,
	valid_until timestamptz NOT NULL,
	payment text COLLATE "C",
	amount numeric,
	currency text,
	rule text,
	identity text NOT NULL,
	alone boolean NOT NULL DEFAULT false
);
CREATE INDEX approval_record_relation_key ON paysafe.approval_record (relation, key);
CREATE INDEX approval_record_payment ON paysafe.approval_record (relation, payment);
CREATE INDEX approval_record_request_id ON paysafe.approval_record (request_id COLLATE "C") WHERE request_id IS NOT NULL;
COMMENT ON TABLE paysafe.approval_record IS 'approvals as given; paysafe.approval shows what became of them';
COMMENT ON COLUMN paysafe.approval_record.key IS 'of the row; NULL for a refund that has none yet';
COMMENT ON COLUMN paysafe.approval_record.payment IS 'of a refund that was approved before its row was there: of this payment, of at most this amount';
COMMENT ON COLUMN paysafe.approval_record.rule IS 'of refunds, under which it is approved; NULL for a change of rules';
COMMENT ON COLUMN paysafe.approval_record.identity IS 'how well it was known who approves: claimed, session, proven, passkey';
COMMENT ON COLUMN paysafe.approval_record.alone IS 'no second person''s approval: one person has broken the glass, see paysafe.break_glass_use';
COMMENT ON COLUMN paysafe.approval_record.digest IS 'SHA-256 of exactly what is approved';

CREATE TABLE paysafe.approval_end (
	approval bigint PRIMARY KEY,
	outcome text NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	at timestamptz NOT NULL,
	key text COLLATE "C"
);
COMMENT ON COLUMN paysafe.approval_end.key IS 'of the refund that used it, if its row was not there before';
COMMENT ON TABLE paysafe.approval_end IS 'the one end of an approval: used, withdrawn, or void because what it was of is';

--@own_table paysafe.approval_record
--@own_table paysafe.approval_end

CREATE SEQUENCE paysafe.rejection_id_seq;
COMMENT ON SEQUENCE paysafe.rejection_id_seq IS 'numbers rejections';

CREATE TABLE paysafe.rejection_record (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	rule text COLLATE "C",
	scope text COLLATE "C" NOT NULL,
	key text COLLATE "C",
	payment text COLLATE "C",
	amount numeric,
	currency text,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	client_addr text,
	identity text NOT NULL,
	needs text NOT NULL,
	reason text NOT NULL,
	ticket text,
	request_id text,
	at timestamptz NOT NULL,
	own boolean NOT NULL,
	requesters text[] NOT NULL,
	about regclass
);
CREATE INDEX rejection_record_scope ON paysafe.rejection_record (relation, scope);
CREATE INDEX rejection_record_request_id ON paysafe.rejection_record (request_id COLLATE "C") WHERE request_id IS NOT NULL;
COMMENT ON TABLE paysafe.rejection_record IS 'what somebody has said no to; paysafe.rejection shows what became of it';
COMMENT ON COLUMN paysafe.rejection_record.about IS 'of changes: the table that they are of, whatever it is called; NULL: of none, or of several';
COMMENT ON COLUMN paysafe.rejection_record.scope IS 'of what nothing passes: the payment, the account; of changes the SHA-256 of what it would make';
COMMENT ON COLUMN paysafe.rejection_record.key IS 'of the row, or the change; NULL for refunds that have none yet';
COMMENT ON COLUMN paysafe.rejection_record.amount IS 'of refunds: this much or more';
COMMENT ON COLUMN paysafe.rejection_record.own IS 'who asked for it says no: of that, and of nothing that others ask for';
COMMENT ON COLUMN paysafe.rejection_record.requesters IS 'who had asked by then: actor, or NULL, login and session_user_name of each; none of them takes it back';
COMMENT ON COLUMN paysafe.rejection_record.needs IS 'how well who takes it back alone must be known';

CREATE TABLE paysafe.rejection_end (
	rejection bigint PRIMARY KEY,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.rejection_end IS 'that a rejection was taken back, by whom, and why';

--@own_table paysafe.rejection_record
--@own_table paysafe.rejection_end

CREATE FUNCTION paysafe.reject(relation regclass, key text, reason text, ticket text DEFAULT NULL) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_reject';
COMMENT ON FUNCTION paysafe.reject(regclass, text, text, text) IS 'says no to a refund, or a change of rules, that waits for approval: it does not pass, whoever approves; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.withdraw_rejection(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_withdraw_rejection';
COMMENT ON FUNCTION paysafe.withdraw_rejection(bigint, text) IS 'takes back a rejection: whose it is at once, two others together';

CREATE FUNCTION paysafe.change_rejected_by(approved_as regclass, key text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_change_rejected_by';
COMMENT ON FUNCTION paysafe.change_rejected_by(regclass, text) IS 'who has said no to a change of rules, or NULL';

CREATE SEQUENCE paysafe.approver_setting_id_seq;
COMMENT ON SEQUENCE paysafe.approver_setting_id_seq IS 'numbers what is asked of approvers of changes';

CREATE TABLE paysafe.approver_setting (
	id bigint PRIMARY KEY,
	identity text COLLATE "C",
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.approver_setting IS 'how well who approves changes of rules must be known; the last row counts';
COMMENT ON COLUMN paysafe.approver_setting.identity IS 'proven, passkey; NULL: however they are';

--@own_table paysafe.approver_setting

CREATE FUNCTION paysafe.require_approver_identity(identity text, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_require_approver_identity';
COMMENT ON FUNCTION paysafe.require_approver_identity(text, text) IS 'approvals of changes of rules, people, keys and of maintenance count only of this identity, at once: proven, passkey; less only with the approval of a second person of the old one';

CREATE FUNCTION paysafe.required_approver_identity() RETURNS text
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_required_approver_identity';
COMMENT ON FUNCTION paysafe.required_approver_identity() IS 'how well who approves changes of rules must be known; NULL: however they are';

CREATE FUNCTION paysafe.approve(
	relation regclass,
	key text,
	reason text,
	ticket text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approve';
COMMENT ON FUNCTION paysafe.approve(regclass, text, text, text, timestamptz) IS 'approves a refund, or a change of rules, as it stands now; grant EXECUTE to application roles only';

CREATE VIEW paysafe.rejection AS
	SELECT r.id, r.relation, r.key, r.payment, r.amount, r.currency, r.rule,
		   CASE WHEN e.rejection IS NULL THEN 'standing' ELSE 'withdrawn' END AS state,
		   r.actor AS rejected_by, r.reason, r.ticket, r.request_id, r.login, r.session_user_name, r.client_addr,
		   r.identity, r.at, e.at AS ended_at, e.actor AS ended_by, e.reason AS end_reason
	  FROM paysafe.rejection_record r
		   LEFT JOIN paysafe.rejection_end e ON e.rejection = r.id
	 WHERE CASE WHEN (SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = r.relation) = 'paysafe'::regnamespace
				THEN pg_catalog.has_function_privilege('paysafe.approve(regclass,text,text,text,timestamptz)'::regprocedure, 'EXECUTE')
					 OR r.session_user_name = session_user
				ELSE pg_catalog.has_table_privilege(r.relation, 'SELECT') AND NOT pg_catalog.row_security_active(r.relation::oid) END;
COMMENT ON VIEW paysafe.rejection IS 'rejections of rows of tables the caller may read, and of changes of rules, and which of them stand';

CREATE FUNCTION paysafe.withdraw_approval(id bigint, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_withdraw_approval';
COMMENT ON FUNCTION paysafe.withdraw_approval(bigint, text) IS 'takes back an approval that has not been used';

CREATE FUNCTION paysafe.approval_state(relation regclass, key text, digest bytea, at timestamptz) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approval_state';
COMMENT ON FUNCTION paysafe.approval_state(regclass, text, bytea, timestamptz) IS 'what an approval is worth now that nobody has used or withdrawn: open, void, because the row is not what was approved, outdated, because the rule has another version, or expired';

CREATE FUNCTION paysafe.refund_approval_state(relation regclass, payment text, amount numeric, currency text, digest bytea, at timestamptz, rule text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_refund_approval_state';
COMMENT ON FUNCTION paysafe.refund_approval_state(regclass, text, numeric, text, bytea, timestamptz, text) IS 'the same of the approval of a refund before its row is there';

CREATE FUNCTION paysafe.approver_counts(id bigint) RETURNS boolean
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approver_counts';
COMMENT ON FUNCTION paysafe.approver_counts(bigint) IS 'does the registry of people let this approval count, for the view paysafe.approval';

CREATE VIEW paysafe.approval AS
	SELECT a.id, a.relation, coalesce(a.key, e.key) AS key,
		   CASE WHEN e.outcome IS NOT NULL THEN e.outcome
				WHEN a.valid_until <= clock_timestamp() THEN 'expired'
				WHEN NOT paysafe.approver_counts(a.id) THEN 'void'
				WHEN a.payment IS NOT NULL THEN paysafe.refund_approval_state(a.relation, a.payment, a.amount, a.currency, a.digest, a.at, a.rule)
				ELSE paysafe.approval_state(a.relation, a.key, a.digest, a.at) END AS state,
		   a.actor AS approver, a.reason, a.ticket, a.request_id,
		   a.login, a.session_user_name, a.client_addr,
		   a.at, a.valid_until,
		   e.at AS ended_at, e.actor AS ended_by, e.reason AS end_reason,
		   a.payment, a.amount, a.currency, a.rule, a.identity, a.alone
	  FROM paysafe.approval_record a
		   LEFT JOIN paysafe.approval_end e ON e.approval = a.id;
COMMENT ON VIEW paysafe.approval IS 'all approvals and what became of them; alone: none, one person has broken the glass';
