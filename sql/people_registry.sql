-- People: who they are under all their names, and what they may

CREATE SEQUENCE paysafe.person_id_seq;
COMMENT ON SEQUENCE paysafe.person_id_seq IS 'numbers rows of the registry of people, in the order in which they count';

CREATE TABLE paysafe.person_record (
	id bigint PRIMARY KEY,
	name text NOT NULL,
	service boolean NOT NULL,
	bootstrap boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.person_record IS 'people as they were registered; paysafe.person shows what became of them';
COMMENT ON COLUMN paysafe.person_record.service IS 'a worker or another program: acts, and never approves';
COMMENT ON COLUMN paysafe.person_record.bootstrap IS 'one of the first two, whom nobody could approve';

CREATE TABLE paysafe.person_alias_record (
	id bigint PRIMARY KEY,
	person bigint NOT NULL,
	kind text NOT NULL,
	value text NOT NULL,
	lookup bytea NOT NULL,
	role oid,
	stamp bytea,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX person_alias_record_lookup ON paysafe.person_alias_record (lookup);
CREATE INDEX person_alias_record_person ON paysafe.person_alias_record (person);
CREATE INDEX person_alias_record_role ON paysafe.person_alias_record (role);
COMMENT ON TABLE paysafe.person_alias_record IS 'under which names, logins, tokens and certificates people are known; the last row of an alias counts';
COMMENT ON COLUMN paysafe.person_alias_record.lookup IS 'what all spellings of the alias have in common';
COMMENT ON COLUMN paysafe.person_alias_record.role IS 'of a login: the role that it was, whatever it is called now';
COMMENT ON COLUMN paysafe.person_alias_record.stamp IS 'of a login: the state of the role, password and memberships, that two people have seen';

CREATE TABLE paysafe.person_state (
	id bigint PRIMARY KEY,
	person bigint NOT NULL,
	disabled boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX person_state_person ON paysafe.person_state (person);
COMMENT ON TABLE paysafe.person_state IS 'people who were disabled, and enabled again; the last row of a person counts';

CREATE TABLE paysafe.person_group (
	id bigint PRIMARY KEY,
	group_name text COLLATE "C" NOT NULL,
	person bigint NOT NULL,
	member boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX person_group_name ON paysafe.person_group (group_name);
COMMENT ON TABLE paysafe.person_group IS 'who came into a group, and who left it; the last row of a person and group counts';

CREATE TABLE paysafe.person_setting (
	id bigint PRIMARY KEY,
	registered_only boolean NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.person_setting IS 'whether only registered people act; the last row counts';

--@own_table paysafe.person_record
--@own_table paysafe.person_alias_record
--@own_table paysafe.person_state
--@own_table paysafe.person_group
--@own_table paysafe.person_setting

CREATE FUNCTION paysafe.bootstrap_people(
	first text,
	first_aliases text[],
	second text,
	second_aliases text[],
	reason text
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_bootstrap_people';
COMMENT ON FUNCTION paysafe.bootstrap_people(text, text[], text, text[], text) IS 'registers the first two people, once; for superusers';

CREATE FUNCTION paysafe.add_person(
	name text,
	reason text,
	aliases text[] DEFAULT '{}',
	service boolean DEFAULT false
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_person';
COMMENT ON FUNCTION paysafe.add_person(text, text, text[], boolean) IS 'registers a person, or a service; needs the approval of a second person. Aliases: kind:value';

CREATE FUNCTION paysafe.add_alias(person text, kind text, value text, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_alias';
COMMENT ON FUNCTION paysafe.add_alias(text, text, text, text) IS 'one more name, login, token, certificate or passkey of a person; confirms a login that was changed, moves what was somebody else''s; needs the approval of a second person';

CREATE FUNCTION paysafe.disable_person(person text, reason text) RETURNS integer
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_disable_person';
COMMENT ON FUNCTION paysafe.disable_person(text, text) IS 'from now on the person neither acts nor approves; how many open approvals that ended';

CREATE FUNCTION paysafe.enable_person(person text, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_enable_person';
COMMENT ON FUNCTION paysafe.enable_person(text, text) IS 'the person acts again; needs the approval of a second person';

CREATE FUNCTION paysafe.add_to_group(person text, "group" text, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_add_to_group';
COMMENT ON FUNCTION paysafe.add_to_group(text, text, text) IS 'puts a person into requester, approver, auditor or rule_administrator; needs the approval of a second person';

CREATE FUNCTION paysafe.remove_from_group(person text, "group" text, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_remove_from_group';
COMMENT ON FUNCTION paysafe.remove_from_group(text, text, text) IS 'takes a person out of a group at once; the last one only with the approval of a second person';

CREATE FUNCTION paysafe.require_registered(required boolean, reason text) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_require_registered';
COMMENT ON FUNCTION paysafe.require_registered(boolean, text) IS 'only registered people act, at once; or, with the approval of a second person, everybody again';

CREATE FUNCTION paysafe.login_state(role oid, name text, stamp bytea) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_login_state';
COMMENT ON FUNCTION paysafe.login_state(oid, text, bytea) IS 'whether a registered login is what two people have seen: in force, changed, renamed, gone';

CREATE VIEW paysafe.person_alias AS
	SELECT p.name AS person, a.kind, a.value,
		   CASE WHEN a.kind = 'login' THEN paysafe.login_state(a.role, a.value, a.stamp) ELSE 'in force' END AS state,
		   a.reason, a.actor AS by, a.at AS since
	  FROM paysafe.person_alias_record a JOIN paysafe.person_record p ON p.id = a.person
	 WHERE a.id = (SELECT max(n.id) FROM paysafe.person_alias_record n
					WHERE n.lookup = a.lookup AND n.kind = a.kind)
	   -- a name and a login of one spelling belong together
	   AND a.person = (SELECT n.person FROM paysafe.person_alias_record n
						WHERE n.lookup = a.lookup ORDER BY n.id DESC LIMIT 1);
COMMENT ON VIEW paysafe.person_alias IS 'under which names, logins, tokens and certificates people are known';

CREATE VIEW paysafe.person AS
	SELECT p.id, p.name, CASE WHEN p.service THEN 'service' ELSE 'person' END AS kind,
		   coalesce(s.disabled, false) AS disabled,
		   s.at AS state_since, s.actor AS state_by, s.reason AS state_reason,
		   ARRAY(SELECT g.group_name FROM paysafe.person_group g
				  WHERE g.person = p.id AND g.member
					AND g.id = (SELECT max(n.id) FROM paysafe.person_group n
								 WHERE n.person = g.person AND n.group_name = g.group_name)
				  ORDER BY 1) AS groups,
		   p.bootstrap, p.reason, p.actor AS registered_by, p.at AS registered_at
	  FROM paysafe.person_record p
		   LEFT JOIN paysafe.person_state s
			 ON s.id = (SELECT max(n.id) FROM paysafe.person_state n WHERE n.person = p.id);
COMMENT ON VIEW paysafe.person IS 'all registered people and services, and what they may';
