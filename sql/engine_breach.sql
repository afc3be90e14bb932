-- What has happened in the world although a rule refuses it

CREATE SEQUENCE paysafe.breach_id_seq;
COMMENT ON SEQUENCE paysafe.breach_id_seq IS 'numbers breaches';

CREATE TABLE paysafe.breach_record (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	key text COLLATE "C" NOT NULL,
	rule text NOT NULL,
	sqlstate text COLLATE "C" NOT NULL,
	message text NOT NULL,
	detail text,
	settlers int NOT NULL,
	actor text,
	login text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	ticket text,
	request_id text,
	at timestamptz NOT NULL
);
CREATE INDEX breach_record_row ON paysafe.breach_record (relation, key);
COMMENT ON TABLE paysafe.breach_record IS 'rows that a rule would have refused, stored because their status records what has happened; paysafe.breach shows what became of them';
COMMENT ON COLUMN paysafe.breach_record.sqlstate IS 'with which the row would have been refused';
COMMENT ON COLUMN paysafe.breach_record.settlers IS 'how many other people have to settle it: two, if nobody is known to have caused it';

CREATE TABLE paysafe.breach_settlement (
	breach bigint NOT NULL,
	number int NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL,
	ticket text,
	at timestamptz NOT NULL,
	PRIMARY KEY (breach, number)
);
COMMENT ON TABLE paysafe.breach_settlement IS 'who has settled a breach, and why';

--@own_table paysafe.breach_record
--@own_table paysafe.breach_settlement

CREATE FUNCTION paysafe.settle_breach(id bigint, reason text, ticket text DEFAULT NULL) RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_settle_breach';
COMMENT ON FUNCTION paysafe.settle_breach(bigint, text, text) IS 'another person than who caused it says what became of a breach; false if yet another one has to; grant EXECUTE to application roles only';

CREATE VIEW paysafe.breach AS
	SELECT b.id, b.relation, b.key, b.rule, b.sqlstate, b.message, b.detail, b.at,
		   coalesce(b.actor, b.session_user_name) AS actor, b.actor IS NOT NULL AS actor_claimed,
		   b.login, b.reason AS caused_reason, b.ticket AS caused_ticket, b.request_id,
		   b.settlers - (SELECT count(*)::int FROM paysafe.breach_settlement n WHERE n.breach = b.id) AS settlers_missing,
		   s.actor AS settled_by, s.at AS settled_at, s.reason, s.ticket
	  FROM paysafe.breach_record b
		   LEFT JOIN paysafe.breach_settlement s ON s.breach = b.id AND s.number = b.settlers;
COMMENT ON VIEW paysafe.breach IS 'facts that broke a rule, and who has settled them';
