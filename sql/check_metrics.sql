-- Figures for monitoring, as Prometheus reads them

CREATE FUNCTION paysafe.meter(OUT name text, OUT labels text[], OUT value bigint) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_meter';
COMMENT ON FUNCTION paysafe.meter() IS 'what has happened in this database since the server started, and what waits, for paysafe.metric';

CREATE VIEW paysafe.metric AS
	SELECT m.name, CASE WHEN m.name LIKE '%\_total' THEN 'counter' ELSE 'gauge' END AS type,
		   CASE m.name
			WHEN 'paysafe_refusals_total' THEN 'What was refused since the server started, by rule and SQLSTATE.'
			WHEN 'paysafe_observed_total' THEN 'What rules that are only observed would have refused.'
			WHEN 'paysafe_signals_total' THEN 'Signals of abuse, by kind and severity.'
			WHEN 'paysafe_decisions_total' THEN 'Decisions of the application, by name and outcome.'
			WHEN 'paysafe_throttled_total' THEN 'Requests beyond their limits, by policy and tier.'
			WHEN 'paysafe_refusals_waiting' THEN 'Refusals and signals that wait for their record.'
			ELSE 'Seconds for which the oldest of them has waited.' END AS help,
		   m.labels, m.value::numeric AS value
	  FROM paysafe.meter() m
	UNION ALL
	SELECT v.name, v.type, v.help, '{}', v.value
	  FROM paysafe.throttle_state() t, LATERAL (VALUES
		('paysafe_throttle_capacity', 'gauge', 'Keys that the table of counters is made for.', t.capacity::numeric),
		('paysafe_throttle_keys', 'gauge', 'Keys that have not all their tokens.', t.keys),
		('paysafe_throttle_exhausted', 'gauge', 'Keys that have no token.', t.exhausted),
		('paysafe_throttle_forgotten_total', 'counter', 'Keys that were forgotten for want of a place.', t.forgotten),
		('paysafe_throttle_full_refused_total', 'counter', 'Requests that were refused for want of a place.', t.refused),
		('paysafe_throttle_full_allowed_total', 'counter', 'Requests that were let through for want of a place.', t.allowed)) v (name, type, help, value)
	UNION ALL
	SELECT v.name, 'gauge', v.help, '{}', v.value
	  FROM paysafe.seal_progress() s, LATERAL (VALUES
		('paysafe_sealed_leaves', 'Leaves of the audit log''s tree.', s.size::numeric),
		('paysafe_seal_waiting_rows', 'Rows of the audit log that are not sealed.', s.waiting),
		('paysafe_seal_lag_seconds', 'Seconds for which the first of them has waited.',
			CASE WHEN s.waiting > 0 THEN greatest(extract(epoch FROM clock_timestamp() - s.since), 0) ELSE 0 END)) v (name, help, value)
	 WHERE v.value IS NOT NULL
	UNION ALL
	SELECT 'paysafe_published_leaves', 'gauge', 'Leaves of the newest checkpoint that was published.', '{}', max(c.size)
	  FROM paysafe.checkpoint c WHERE c.published IS NOT NULL AND c.incarnation = (SELECT max(n.incarnation) FROM paysafe.checkpoint n)
	HAVING max(c.size) IS NOT NULL
	UNION ALL
	SELECT 'paysafe_table_bytes', 'gauge', 'Bytes of tables of paysafe, with their indexes.', ARRAY['table', b.table_name], sum(b.bytes)
	  FROM (SELECT coalesce(p.relname, c.relname)::text AS table_name, pg_total_relation_size(c.oid) AS bytes
			  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
			 WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relkind = 'r') b
	 WHERE b.table_name IN ('audit_row', 'refusal_record', 'signal_record', 'decision_record', 'seal_tile', 'seal_transaction', 'index_chunk',
			'inbox_event', 'inbox_payload', 'outbox_event', 'outbox_payload', 'idempotency_key', 'idempotency_response', 'webhook_seen')
	 GROUP BY b.table_name
	UNION ALL
	SELECT 'paysafe_info', 'gauge', 'The version of the extension.', ARRAY['version', e.extversion], 1
	  FROM pg_extension e WHERE e.extname = 'paysafe';
COMMENT ON VIEW paysafe.metric IS 'figures for monitoring; paysafe.metrics() has them as Prometheus reads them';

CREATE FUNCTION paysafe.metric_line(name text, labels text[], value numeric) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT concat($1, '{' || string_agg(format('%s="%s"', $2[i], replace(replace(replace($2[i + 1], '\', '\\'), E'\n', '\n'), '"', '\"')), ',' ORDER BY i) || '}', ' ', $3)
		  FROM generate_series(1, cardinality($2), 2) i;
	END;
COMMENT ON FUNCTION paysafe.metric_line(text, text[], numeric) IS 'a figure with its labels, names and values by turns, as Prometheus reads it';

CREATE FUNCTION paysafe.metrics() RETURNS text
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT coalesce(string_agg(concat('# HELP ', f.name, ' ', replace(replace(f.help, '\', '\\'), E'\n', '\n'), E'\n# TYPE ', f.name, ' ', f.type, E'\n', f.samples), '' ORDER BY f.name), '')
		  FROM (SELECT m.name, min(m.type) AS type, min(m.help) AS help,
					   string_agg(paysafe.metric_line(m.name, m.labels, m.value) || E'\n', '' ORDER BY m.labels) AS samples
				  FROM paysafe.metric m
				 GROUP BY m.name) f;
	END;
COMMENT ON FUNCTION paysafe.metrics() IS 'figures for monitoring, in Prometheus'' text format 0.0.4';
