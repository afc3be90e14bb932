-- Passkeys: approvals that no application can make up

CREATE SEQUENCE paysafe.passkey_id_seq;
COMMENT ON SEQUENCE paysafe.passkey_id_seq IS 'numbers passkeys';

CREATE TABLE paysafe.passkey_record (
	id bigint PRIMARY KEY,
	credential_id bytea NOT NULL UNIQUE,
	actor text COLLATE "C" NOT NULL,
	cose_key bytea NOT NULL,
	algorithm text COLLATE "C" NOT NULL,
	rp_id text COLLATE "C" NOT NULL,
	origins text[] COLLATE "C" NOT NULL,
	top_origins text[] COLLATE "C" NOT NULL,
	user_verification boolean NOT NULL,
	user_handle bytea,
	backup_eligible boolean,
	sign_count bigint NOT NULL,
	how text COLLATE "C" NOT NULL,
	change text COLLATE "C",
	reason text NOT NULL,
	ticket text,
	requested_by text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.passkey_record IS 'passkeys as enrolled; paysafe.passkey shows what became of them';
COMMENT ON COLUMN paysafe.passkey_record.actor IS 'whose it is';
COMMENT ON COLUMN paysafe.passkey_record.cose_key IS 'the public key, as the authenticator wrote it';
COMMENT ON COLUMN paysafe.passkey_record.top_origins IS 'of pages that may show ours within; empty text: of whatever the browser does not tell';
COMMENT ON COLUMN paysafe.passkey_record.backup_eligible IS 'may it have copies on other devices? NULL: nobody has said';
COMMENT ON COLUMN paysafe.passkey_record.sign_count IS 'of the authenticator when it was enrolled; 0: it does not count';
COMMENT ON COLUMN paysafe.passkey_record.how IS 'approved: by another person''s passkey; bootstrap: by the owner of the extension; recovery: by them later, when too few could sign; unsigned recovery: when nobody could: it signs nothing for 24 hours';
COMMENT ON COLUMN paysafe.passkey_record.change IS 'the key under which it was approved, if it was';

CREATE TABLE paysafe.passkey_end (
	passkey bigint PRIMARY KEY,
	reason text NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.passkey_end IS 'that a passkey was revoked, for ever';

CREATE TABLE paysafe.passkey_use (
	passkey bigint PRIMARY KEY,
	sign_count bigint NOT NULL,
	backed_up boolean,
	at timestamptz
);
COMMENT ON TABLE paysafe.passkey_use IS 'what the authenticator of each passkey had counted when it was used last';

CREATE TABLE paysafe.passkey_challenge (
	challenge bytea PRIMARY KEY,
	nonce bytea NOT NULL,
	actor text COLLATE "C" NOT NULL,
	relation oid NOT NULL,
	key text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.passkey_challenge IS 'what passkeys were asked to sign, for five minutes; never dumped';

CREATE TABLE paysafe.passkey_assertion (
	challenge bytea PRIMARY KEY,
	passkey bigint NOT NULL,
	approvals bigint[] NOT NULL,
	content text NOT NULL,
	client_data bytea NOT NULL,
	authenticator_data bytea NOT NULL,
	signature bytea NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX passkey_assertion_passkey ON paysafe.passkey_assertion (passkey);
COMMENT ON TABLE paysafe.passkey_assertion IS 'what passkeys have signed: whoever has the public key can verify it again';
COMMENT ON COLUMN paysafe.passkey_assertion.challenge IS 'SHA-256 of the content, in UTF-8';
COMMENT ON COLUMN paysafe.passkey_assertion.content IS 'what was approved, all of it, as the person could read it';

--@own_table paysafe.passkey_record
--@own_table paysafe.passkey_end
--@own_table paysafe.passkey_use
--@own_table paysafe.passkey_challenge
--@own_table paysafe.passkey_assertion

CREATE FUNCTION paysafe.verify_assertion(
	cose_key bytea,
	challenge bytea,
	client_data bytea,
	authenticator_data bytea,
	signature bytea,
	rp_id text,
	origins text[],
	user_verification boolean DEFAULT true,
	top_origins text[] DEFAULT '{}'
) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_verify_assertion';
COMMENT ON FUNCTION paysafe.verify_assertion(bytea, bytea, bytea, bytea, bytea, text, text[], boolean, text[]) IS 'is it an assertion (WebAuthn) of this key over this challenge, for this relying party, from one of these origins? Looks at nothing but its arguments, so neither at counters nor at replays';

CREATE FUNCTION paysafe.verify_passkey_assertion(challenge bytea) RETURNS boolean
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_verify_passkey_assertion';
COMMENT ON FUNCTION paysafe.verify_passkey_assertion(bytea) IS 'verifies a stored assertion again, and that it is over its content; NULL if there is none';

CREATE FUNCTION paysafe.add_passkey(
	actor text,
	credential_id bytea,
	cose_key bytea,
	rp_id text,
	origins text[],
	reason text,
	ticket text DEFAULT NULL,
	user_verification boolean DEFAULT true,
	top_origins text[] DEFAULT '{}',
	sign_count bigint DEFAULT 0,
	backup_eligible boolean DEFAULT NULL,
	user_handle bytea DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_passkey';
COMMENT ON FUNCTION paysafe.add_passkey(text, bytea, bytea, text, text[], text, text, boolean, text[], bigint, boolean, bytea) IS 'enrols a passkey for somebody; needs an approval that another person''s passkey has signed';

CREATE FUNCTION paysafe.bootstrap_passkey(
	actor text,
	credential_id bytea,
	cose_key bytea,
	rp_id text,
	origins text[],
	reason text,
	ticket text DEFAULT NULL,
	user_verification boolean DEFAULT true,
	top_origins text[] DEFAULT '{}',
	sign_count bigint DEFAULT 0,
	backup_eligible boolean DEFAULT NULL,
	user_handle bytea DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_bootstrap_passkey';
COMMENT ON FUNCTION paysafe.bootstrap_passkey(text, bytea, bytea, text, text[], text, text, boolean, text[], bigint, boolean, bytea) IS 'enrols the passkeys of the first two people, by the owner of the extension';

CREATE FUNCTION paysafe.revoke_passkey(passkey bigint, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_revoke_passkey';
COMMENT ON FUNCTION paysafe.revoke_passkey(bigint, text) IS 'revokes a passkey, for ever, with the approvals that it has given and nobody has used; false if it was revoked before';

CREATE FUNCTION paysafe.approval_challenge(relation regclass, key text, rp_id text DEFAULT NULL) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approval_challenge';
COMMENT ON FUNCTION paysafe.approval_challenge(regclass, text, text) IS 'what the browser asks the actor''s passkey to sign, to approve this as it stands now: publicKey, and the content whose SHA-256 is the challenge; once, within five minutes';

CREATE FUNCTION paysafe.approve_with_passkey(
	relation regclass,
	key text,
	assertion jsonb,
	reason text,
	ticket text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approve_with_passkey';
COMMENT ON FUNCTION paysafe.approve_with_passkey(regclass, text, jsonb, text, text, timestamptz) IS 'approves what a passkey has signed; the approver is the passkey''s owner, whoever acts';

CREATE VIEW paysafe.passkey AS
	SELECT k.id, k.actor COLLATE "default" AS actor, k.credential_id, k.algorithm COLLATE "default" AS algorithm,
		   pg_catalog.sha256(k.cose_key) AS key_sha256, k.rp_id COLLATE "default" AS rp_id, k.origins COLLATE "default" AS origins,
		   k.top_origins COLLATE "default" AS top_origins, k.user_verification, k.backup_eligible, u.backed_up, u.sign_count,
		   CASE WHEN e.passkey IS NULL THEN 'active' ELSE 'revoked' END AS state,
		   k.how COLLATE "default" AS how, k.requested_by, k.session_user_name, k.reason, k.ticket, k.at,
		   (SELECT a.approver FROM paysafe.approval a
			 WHERE a.relation = 'paysafe.passkey_record'::regclass AND a.key = k.change AND a.state = 'used'
			 ORDER BY a.id DESC LIMIT 1) AS approved_by,
		   u.at AS last_used_at, e.at AS revoked_at, e.actor AS revoked_by, e.reason AS revoked_because
	  FROM paysafe.passkey_record k
		   LEFT JOIN paysafe.passkey_use u ON u.passkey = k.id
		   LEFT JOIN paysafe.passkey_end e ON e.passkey = k.id;
COMMENT ON VIEW paysafe.passkey IS 'all passkeys: whose, in which state, who has enrolled them';
