-- Limits of requests, counted where ROLLBACK does not reach

CREATE TABLE paysafe.throttle_limit_record (
	policy text COLLATE "C" NOT NULL,
	tier text COLLATE "C" NOT NULL,
	per text[] COLLATE "C" NOT NULL,
	version int NOT NULL,
	count int NOT NULL,
	period bigint NOT NULL,
	burst int NOT NULL,
	let_through boolean NOT NULL,
	durable boolean NOT NULL,
	removed boolean NOT NULL,
	reason text COLLATE "C" NOT NULL,
	actor text COLLATE "C" NOT NULL,
	session_user_name text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (policy, tier, per, version)
);
COMMENT ON TABLE paysafe.throttle_limit_record IS 'limits of requests, each version; paysafe.throttle_limit has the newest';
COMMENT ON COLUMN paysafe.throttle_limit_record.per IS 'the parts of the key that it counts by, sorted; none: all requests of the policy together';
COMMENT ON COLUMN paysafe.throttle_limit_record.period IS 'in microseconds';
COMMENT ON COLUMN paysafe.throttle_limit_record.let_through IS 'what becomes of a request for which there is no place to count it';

COMMENT ON COLUMN paysafe.throttle_limit_record.durable IS 'counted in paysafe.throttle_counter, not in memory';

CREATE TABLE paysafe.throttle_counter (
	digest bytea PRIMARY KEY,
	full_at timestamptz NOT NULL,
	token_interval bigint NOT NULL,
	at timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE paysafe.throttle_counter IS 'keys of durable limits that have not all their tokens; removed when they have';
COMMENT ON COLUMN paysafe.throttle_counter.digest IS 'keyed hash of the policy and the parts of the key';
COMMENT ON COLUMN paysafe.throttle_counter.full_at IS 'when it will have all its tokens';
COMMENT ON COLUMN paysafe.throttle_counter.token_interval IS 'microseconds in which one comes back';
COMMENT ON COLUMN paysafe.throttle_counter.at IS 'when it was counted last';

--@own_table paysafe.throttle_limit_record
--@own_table paysafe.throttle_counter

CREATE FUNCTION paysafe.set_throttle(
	policy text,
	count int,
	period interval,
	reason text,
	per text[] DEFAULT '{}',
	burst int DEFAULT NULL,
	tier text DEFAULT 'default',
	when_full text DEFAULT 'refuse',
	durable boolean DEFAULT false
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_throttle';
COMMENT ON FUNCTION paysafe.set_throttle(text, int, interval, text, text[], int, text, text, boolean) IS 'declares a limit of a policy: count in a period, burst at once, for each value of the parts of the key that per names; what lets more through takes a second person. Returns its version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.remove_throttle(
	policy text,
	reason text,
	per text[] DEFAULT '{}',
	tier text DEFAULT 'default'
) RETURNS int
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_remove_throttle';
COMMENT ON FUNCTION paysafe.remove_throttle(text, text, text[], text) IS 'removes a limit; takes a second person. Returns its last version, or NULL if it is only proposed';

CREATE FUNCTION paysafe.throttle(
	policy text,
	key jsonb,
	cost int DEFAULT 1,
	tier text DEFAULT 'default',
	OUT allowed boolean,
	OUT "limit" int,
	OUT remaining int,
	OUT retry_after interval,
	OUT reset_after interval,
	OUT per text
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_throttle';
COMMENT ON FUNCTION paysafe.throttle(text, jsonb, int, text) IS 'takes cost tokens of all limits of the policy, or of none, and says whether the request is within them; cost 0 looks only. What is taken stays taken when the transaction rolls back';

CREATE FUNCTION paysafe.throttle_return(
	policy text,
	key jsonb,
	cost int DEFAULT 1,
	tier text DEFAULT 'default'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_throttle_return';
COMMENT ON FUNCTION paysafe.throttle_return(text, jsonb, int, text) IS 'gives back what paysafe.throttle has taken for something that was not done';

CREATE FUNCTION paysafe.throttle_state(
	OUT capacity int,
	OUT keys int,
	OUT exhausted int,
	OUT forgotten bigint,
	OUT refused bigint,
	OUT allowed bigint,
	OUT full_at timestamptz,
	OUT saved_at timestamptz
) RETURNS record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_throttle_state';
COMMENT ON FUNCTION paysafe.throttle_state() IS 'how full the table of counters is, and what became of requests for which it had no place since the server started';

CREATE VIEW paysafe.throttle_limit AS
	SELECT n.*
	  FROM (SELECT DISTINCT ON (r.policy, r.tier, r.per) r.policy, r.tier, r.per, r.version, r.count,
				   r.period * interval '1 microsecond' AS period, r.burst,
				   CASE WHEN r.let_through THEN 'allow' ELSE 'refuse' END AS when_full,
				   r.durable, r.removed, r.reason, r.actor AS by, r.at AS since
			  FROM paysafe.throttle_limit_record r
			 ORDER BY r.policy, r.tier, r.per, r.version DESC) n
	 WHERE NOT n.removed;
COMMENT ON VIEW paysafe.throttle_limit IS 'limits of requests, as they are now';
