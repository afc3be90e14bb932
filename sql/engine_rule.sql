-- Rules: each change is a new version; the newest one counts

CREATE TABLE paysafe.rule (
	relation regclass NOT NULL,
	rule text NOT NULL,
	version int NOT NULL,
	reference regclass,
	spec jsonb NOT NULL,
	removed boolean NOT NULL,
	since timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	ticket text,
	PRIMARY KEY (relation, rule, version)
);
CREATE INDEX rule_reference ON paysafe.rule (reference);
COMMENT ON TABLE paysafe.rule IS 'all versions of all rules; written by the protect functions only';
COMMENT ON COLUMN paysafe.rule.reference IS 'another table that the rule reads: the payments of a refund rule';
COMMENT ON COLUMN paysafe.rule.removed IS 'the rule was dropped by this version';
COMMENT ON COLUMN paysafe.rule.actor IS 'who declared, changed or dropped it: as claimed by act_as, otherwise the session user';

--@own_table paysafe.rule

CREATE FUNCTION paysafe.rule_text(rule text, reference regclass, spec jsonb) RETURNS text
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_rule_text';
COMMENT ON FUNCTION paysafe.rule_text(text, regclass, jsonb) IS 'a rule in words';

CREATE FUNCTION paysafe.rule_columns(rule text, spec jsonb) RETURNS text[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_rule_columns';
COMMENT ON FUNCTION paysafe.rule_columns(text, jsonb) IS 'the columns of its table that a rule reads';

CREATE FUNCTION paysafe.unprotect(relation regclass, rule text, reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_unprotect';
COMMENT ON FUNCTION paysafe.unprotect(regclass, text, text) IS 'drops a rule; needs a maintenance window';
