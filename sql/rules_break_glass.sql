-- Breaking the glass: one person lets one refund pass, and is looked at afterwards

CREATE SEQUENCE paysafe.break_glass_setting_id_seq;
COMMENT ON SEQUENCE paysafe.break_glass_setting_id_seq IS 'numbers what is said of breaking the glass';

CREATE TABLE paysafe.break_glass_setting (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	rule text COLLATE "C" NOT NULL,
	review_within interval,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX break_glass_setting_relation ON paysafe.break_glass_setting (relation);
COMMENT ON TABLE paysafe.break_glass_setting IS 'of which tables one person alone may let a refund pass; the last row of a rule counts';
COMMENT ON COLUMN paysafe.break_glass_setting.review_within IS 'until when another person has to look at it; NULL: nobody alone may';

CREATE TABLE paysafe.break_glass_record (
	approval bigint PRIMARY KEY,
	relation regclass NOT NULL,
	rule text COLLATE "C",
	key text COLLATE "C" NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	requested_by text[] NOT NULL,
	reason text NOT NULL,
	ticket text NOT NULL,
	at timestamptz NOT NULL,
	review_until timestamptz NOT NULL,
	needs text NOT NULL DEFAULT 'none'
);
COMMENT ON TABLE paysafe.break_glass_record IS 'who has let which refund pass alone; paysafe.break_glass_use shows what became of it';
COMMENT ON COLUMN paysafe.break_glass_record.approval IS 'its number in paysafe.approval';
COMMENT ON COLUMN paysafe.break_glass_record.requested_by IS 'who has requested it, or changed it: none of them looks at it';
COMMENT ON COLUMN paysafe.break_glass_record.needs IS 'how well an approver would have had to be known, and whoever looks at it: none, claimed, session, proven, passkey';

CREATE TABLE paysafe.break_glass_review (
	approval bigint PRIMARY KEY,
	verdict text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	identity text NOT NULL,
	reason text NOT NULL,
	ticket text,
	at timestamptz NOT NULL,
	challenge bytea
);
COMMENT ON TABLE paysafe.break_glass_review IS 'who has looked at it afterwards, and found it right or wrong';
COMMENT ON COLUMN paysafe.break_glass_review.challenge IS 'what was signed, in paysafe.passkey_assertion; NULL: nothing was';

--@own_table paysafe.break_glass_setting
--@own_table paysafe.break_glass_record
--@own_table paysafe.break_glass_review

CREATE FUNCTION paysafe.set_break_glass(refund regclass, review_within interval, reason text, rule text DEFAULT NULL) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_break_glass';
COMMENT ON FUNCTION paysafe.set_break_glass(regclass, interval, text, text) IS 'lets one person alone let a refund pass, if another one looks at it in this time; needs the approval of a second person''s passkey; NULL: nobody alone, at once';

CREATE FUNCTION paysafe.break_glass_challenge(relation regclass, key text, rp_id text DEFAULT NULL) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_break_glass_challenge';
COMMENT ON FUNCTION paysafe.break_glass_challenge(regclass, text, text) IS 'as paysafe.approval_challenge, of letting a refund pass alone';

CREATE FUNCTION paysafe.break_glass(relation regclass, key text, assertion jsonb, reason text, ticket text) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_break_glass';
COMMENT ON FUNCTION paysafe.break_glass(regclass, text, jsonb, text, text) IS 'one person, by passkey, lets one refund pass its gate once; another one has to look at it; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.review_break_glass(id bigint, verdict text, reason text, ticket text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_review_break_glass';
COMMENT ON FUNCTION paysafe.review_break_glass(bigint, text, text, text) IS 'another person says whether it was right or wrong to break the glass; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.review_challenge(id bigint, verdict text, rp_id text DEFAULT NULL) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_review_challenge';
COMMENT ON FUNCTION paysafe.review_challenge(bigint, text, text) IS 'as paysafe.approval_challenge, of the verdict on a broken glass';

CREATE FUNCTION paysafe.review_break_glass_with_passkey(id bigint, verdict text, assertion jsonb, reason text, ticket text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_review_break_glass_with_passkey';
COMMENT ON FUNCTION paysafe.review_break_glass_with_passkey(bigint, text, jsonb, text, text) IS 'as paysafe.review_break_glass, signed by a passkey; grant EXECUTE to application roles only';

CREATE VIEW paysafe.break_glass_use AS
	SELECT g.approval AS id, g.relation, g.key, g.rule, a.state, g.actor AS broken_by, g.requested_by, g.reason, g.ticket,
		   g.login, g.session_user_name, a.client_addr, g.at, g.review_until,
		   r.verdict, r.actor AS reviewed_by, r.identity AS reviewer_identity, r.reason AS review_reason,
		   r.ticket AS review_ticket, r.at AS reviewed_at, g.needs AS reviewer_needs
	  FROM paysafe.break_glass_record g
		   LEFT JOIN paysafe.approval a ON a.id = g.approval
		   LEFT JOIN paysafe.break_glass_review r ON r.approval = g.approval;
COMMENT ON VIEW paysafe.break_glass_use IS 'when the glass was broken, by whom, and who has looked at it';
