-- Who has locked protected rows, and who waits for them

CREATE FUNCTION paysafe.row_key_at(relation regclass, place tid) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_row_key_at';
COMMENT ON FUNCTION paysafe.row_key_at(regclass, tid) IS 'the key of the row version that is stored there, for paysafe.locked_rows';

CREATE FUNCTION paysafe.locked_rows(
	longer_than interval DEFAULT '10 seconds',
	OUT relation regclass,
	OUT key text,
	OUT pid int,
	OUT prepared text,
	OUT login name,
	OUT application text,
	OUT client inet,
	OUT state text,
	OUT since timestamptz,
	OUT waiting int,
	OUT longest_wait interval
) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH lock AS MATERIALIZED (
		SELECT l.* FROM pg_catalog.pg_locks l
		 WHERE l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()) OR l.database IS NULL
	), holder AS (
		-- a transaction that has written a protected table, or locked rows of it
		SELECT DISTINCT l.relation, l.pid, x.gid, coalesce(a.xact_start, x.prepared) AS since, a.usename, a.application_name, a.client_addr, a.state, l.virtualtransaction
		  FROM lock l
			   LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
			   LEFT JOIN pg_catalog.pg_prepared_xacts x ON l.pid IS NULL AND l.virtualtransaction = '-1/' || x.transaction
		 WHERE l.locktype = 'relation' AND l.granted AND l.mode IN ('RowShareLock', 'RowExclusiveLock') AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
		   AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = l.relation AND c.relkind = 'r')
		   AND EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = l.relation AND t.tgfoid = 'paysafe.enforce()'::regprocedure)
	), waiter AS (
		-- whoever waits for a row has it marked: the first one waits for the holder, the others for the first one
		SELECT t.relation, t.page, t.tuple, h.virtualtransaction AS holder, w.pid, a.state_change
		  FROM lock t
			   JOIN lock w ON w.pid = t.pid AND NOT w.granted AND w.locktype IN ('transactionid', 'tuple')
			   LEFT JOIN lock h ON w.locktype = 'transactionid' AND h.locktype = 'transactionid' AND h.transactionid = w.transactionid AND h.granted
			   LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = t.pid
		 WHERE t.locktype = 'tuple'
	), place AS (
		SELECT w.relation, w.page, w.tuple, max(w.holder) AS holder, count(DISTINCT w.pid)::int AS waiting,
			   clock_timestamp() - min(w.state_change) AS longest
		  FROM waiter w GROUP BY 1, 2, 3
	)
	SELECT h.relation::regclass, CASE WHEN p.page IS NOT NULL THEN paysafe.row_key_at(h.relation, format('(%s,%s)', p.page, p.tuple)::tid) END, h.pid, h.gid,
		   h.usename, h.application_name, h.client_addr, CASE WHEN h.pid IS NULL THEN 'prepared' ELSE h.state END, h.since,
		   coalesce(p.waiting, 0), p.longest
	  FROM holder h
		   LEFT JOIN place p ON p.relation = h.relation AND p.holder = h.virtualtransaction
	 WHERE h.since < clock_timestamp() - longer_than
	 ORDER BY coalesce(p.waiting, 0) DESC, h.since, h.relation::regclass::text COLLATE "C", p.page, p.tuple;
END;
COMMENT ON FUNCTION paysafe.locked_rows(interval) IS 'transactions that have locked rows of protected tables for longer than that: who, since when, which row somebody waits for, and how many do; grant it to whoever looks after the database';
