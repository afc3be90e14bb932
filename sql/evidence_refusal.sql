-- Refusals on record

CREATE TABLE paysafe.refusal_record (
	at timestamptz NOT NULL,
	count bigint NOT NULL,
	statement text,
	rule text NOT NULL,
	sqlstate text NOT NULL,
	schema_name text,
	table_name text,
	column_name text,
	key text,
	row_hash bytea,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	login text,
	client_addr text,
	pid int,
	request_id text,
	message text,
	database_name text,
	last_at timestamptz,
	outside boolean NOT NULL DEFAULT false,
	incomplete text,
	observed boolean NOT NULL DEFAULT false,
	identity text,
	client_cert_sha256 text,
	proof text,
	business_id text
);
CREATE INDEX refusal_record_at ON paysafe.refusal_record USING brin (at);
CREATE INDEX refusal_record_business_id ON paysafe.refusal_record (business_id COLLATE "C") WHERE business_id IS NOT NULL;
CREATE INDEX refusal_record_request_id ON paysafe.refusal_record (request_id COLLATE "C") WHERE request_id IS NOT NULL;
COMMENT ON TABLE paysafe.refusal_record IS 'refusals, written by a background worker although their transactions rolled back';
COMMENT ON COLUMN paysafe.refusal_record.count IS 'more than 1: so many of this rule, table, actor and SQLSTATE, from outside or faster than they could be written one by one';
COMMENT ON COLUMN paysafe.refusal_record.last_at IS 'of several: when the last one was; "at" is the first';
COMMENT ON COLUMN paysafe.refusal_record.outside IS 'caused by a request that had shown no credentials: repeats are counted, and paysafe.refusal_expire removes old ones';
COMMENT ON COLUMN paysafe.refusal_record.incomplete IS 'what could not be found out, each with the SQLSTATE that says why; the refusal stands';
COMMENT ON COLUMN paysafe.refusal_record.observed IS 'nothing was refused: the rule is only observed, and would have refused this';
COMMENT ON COLUMN paysafe.refusal_record.database_name IS 'where it happened, if that is a database without paysafe: of the server as a whole';
COMMENT ON COLUMN paysafe.refusal_record.identity IS 'how well it was known who acted: none, claimed, session, proven';
COMMENT ON COLUMN paysafe.refusal_record.proof IS 'of a proven actor: what the token said';
COMMENT ON COLUMN paysafe.refusal_record.row_hash IS 'SHA-256 of the refused row''s canonical bytes; redacted columns enter as keyed hashes';

--@own_table paysafe.refusal_record

CREATE VIEW paysafe.refusal_log AS
	SELECT r.at, r.count, r.statement, r.rule, r.sqlstate,
		   r.schema_name, r.table_name, r.column_name, r.key, r.row_hash,
		   r.actor, r.session_user_name, r.login, r.client_addr, r.pid, r.request_id, r.message,
		   r.database_name, r.last_at, r.outside, r.incomplete,
		   r.observed, r.identity, r.client_cert_sha256, r.proof, r.business_id
	  FROM paysafe.refusal_record r;
COMMENT ON VIEW paysafe.refusal_log IS 'everything that was refused, and what rules that are only observed would have refused: what, when, to whom';

CREATE FUNCTION paysafe.refusal_expire(keep interval DEFAULT '90 days') RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_refusal_expire';
COMMENT ON FUNCTION paysafe.refusal_expire(interval) IS 'removes refusals that came from outside, and what was only observed, older than that, 30 days at least; returns how many rows. All others stay';
