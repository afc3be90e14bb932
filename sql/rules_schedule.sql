-- Jobs that users set up

CREATE FUNCTION paysafe.protect_schedule(
	relation regclass,
	owner_column name,
	tiers jsonb,
	tier_column name DEFAULT NULL,
	interval_column name DEFAULT NULL,
	cron_column name DEFAULT NULL,
	task_column name DEFAULT NULL,
	tasks text[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_schedule';
COMMENT ON FUNCTION paysafe.protect_schedule(regclass, name, jsonb, name, name, name, name, text[], text) IS 'jobs run no more often than their tier allows, an owner has no more of them, and each is one of the tasks that are listed';

CREATE FUNCTION paysafe.cron_distance(expression text) RETURNS interval
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_cron_distance';
COMMENT ON FUNCTION paysafe.cron_distance(text) IS 'the least time between two times of a cron expression, by the clock';
