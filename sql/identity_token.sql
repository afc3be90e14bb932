-- Tokens: who acts, shown to the database

CREATE TABLE paysafe.token_issuer_record (
	issuer text COLLATE "C" NOT NULL,
	version int NOT NULL,
	audience text[] NOT NULL,
	max_age int NOT NULL,
	leeway int NOT NULL,
	single_use boolean NOT NULL,
	shared_secrets boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (issuer, version)
);
COMMENT ON TABLE paysafe.token_issuer_record IS 'who may say who acts, each version; paysafe.token_issuer has the newest';
COMMENT ON COLUMN paysafe.token_issuer_record.audience IS 'for whom its tokens are, as "aud" has it; none: revoked';
COMMENT ON COLUMN paysafe.token_issuer_record.max_age IS 'seconds that a token is good for at most';

CREATE TABLE paysafe.token_key_record (
	issuer text COLLATE "C" NOT NULL,
	kid text COLLATE "C" NOT NULL,
	version int NOT NULL,
	algorithm text NOT NULL,
	public_key bytea,
	secret bytea,
	not_before timestamptz NOT NULL,
	not_after timestamptz NOT NULL,
	revoked boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (issuer, kid, version)
);
COMMENT ON TABLE paysafe.token_key_record IS 'keys of issuers, each version; paysafe.token_key has the newest';
COMMENT ON COLUMN paysafe.token_key_record.public_key IS 'SubjectPublicKeyInfo, in DER';
COMMENT ON COLUMN paysafe.token_key_record.secret IS 'of HS256: sealed for issuer and kid';

CREATE TABLE paysafe.token_use (
	digest bytea PRIMARY KEY,
	until timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.token_use IS 'tokens and signed requests that were to be used once, and were; removed when they would not be taken any more';
COMMENT ON COLUMN paysafe.token_use.digest IS 'SHA-256 of issuer and "jti", or of client and nonce';

--@own_table paysafe.token_issuer_record
--@own_table paysafe.token_key_record
--@own_table paysafe.token_use

CREATE FUNCTION paysafe.set_token_issuer(
	issuer text,
	audience text[],
	reason text,
	max_age interval DEFAULT '15 minutes',
	leeway interval DEFAULT '30 seconds',
	single_use boolean DEFAULT true,
	shared_secrets boolean DEFAULT false
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_token_issuer';
COMMENT ON FUNCTION paysafe.set_token_issuer(text, text[], text, interval, interval, boolean, boolean) IS 'declares whose tokens may say who acts, and for which audience; what lets more in takes a second person. Returns its version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.revoke_token_issuer(issuer text, reason text) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_revoke_token_issuer';
COMMENT ON FUNCTION paysafe.revoke_token_issuer(text, text) IS 'from now on, in transactions too that have begun, no token of the issuer is accepted';

CREATE FUNCTION paysafe.set_token_key(
	issuer text,
	kid text,
	algorithm text,
	public_key text,
	reason text,
	not_before timestamptz DEFAULT NULL,
	not_after timestamptz DEFAULT NULL
) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_token_key';
COMMENT ON FUNCTION paysafe.set_token_key(text, text, text, text, text, timestamptz, timestamptz) IS 'adds a public key (PEM or JWK) that an issuer signs with, and the one algorithm that goes with it; takes a second person. Returns the SHA-256 of the key, or NULL if it is only proposed';

CREATE FUNCTION paysafe.set_token_secret(
	issuer text,
	kid text,
	secret text,
	reason text,
	not_before timestamptz DEFAULT NULL,
	not_after timestamptz DEFAULT NULL
) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_token_secret';
COMMENT ON FUNCTION paysafe.set_token_secret(text, text, text, text, timestamptz, timestamptz) IS 'adds a secret (base64url) for HS256, where the issuer may have one; takes a second person';

CREATE FUNCTION paysafe.revoke_token_key(issuer text, kid text, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_revoke_token_key';
COMMENT ON FUNCTION paysafe.revoke_token_key(text, text, text) IS 'from now on, in transactions too that have begun, no token of this key is accepted; it does not come back';

CREATE FUNCTION paysafe.act_as_token(
	token text,
	reason text DEFAULT NULL,
	ticket text DEFAULT NULL,
	request_id text DEFAULT NULL,
	business_id text DEFAULT NULL
) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_act_as_token';
COMMENT ON FUNCTION paysafe.act_as_token(text, text, text, text, text) IS 'shows by a signed token who acts in this transaction, and says why; returns the actor. Grant EXECUTE to application roles only';

CREATE VIEW paysafe.token_issuer AS
	SELECT DISTINCT ON (r.issuer) r.issuer, r.version, r.audience,
		   r.max_age * interval '1 second' AS max_age, r.leeway * interval '1 second' AS leeway,
		   r.single_use, r.shared_secrets, r.audience = '{}' AS revoked,
		   r.reason, r.actor AS by, r.at AS since
	  FROM paysafe.token_issuer_record r
	 ORDER BY r.issuer, r.version DESC;
COMMENT ON VIEW paysafe.token_issuer IS 'whose tokens may say who acts, as it is now';

CREATE VIEW paysafe.token_key AS
	SELECT DISTINCT ON (r.issuer, r.kid) r.issuer, r.kid, r.algorithm,
		   encode(sha256(r.public_key), 'hex') AS fingerprint,
		   CASE WHEN r.revoked THEN 'revoked'
				WHEN r.not_after <= clock_timestamp() THEN 'over'
				WHEN r.not_before > clock_timestamp() THEN 'later'
				ELSE 'live' END AS state,
		   r.not_before, r.not_after, r.reason, r.actor AS by, r.at AS since
	  FROM paysafe.token_key_record r
	 ORDER BY r.issuer, r.kid, r.version DESC;
COMMENT ON VIEW paysafe.token_key IS 'the keys of issuers of tokens, as they are now, without secrets';
