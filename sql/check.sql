-- Is every promise in force now?

CREATE FUNCTION paysafe.library_state(OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_library_state';
COMMENT ON FUNCTION paysafe.library_state() IS 'what the library knows of itself, for paysafe.check';

CREATE FUNCTION paysafe.rule_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_rule_trouble';
COMMENT ON FUNCTION paysafe.rule_trouble(regclass) IS 'why the rules of a table do not fit it any more, so that every change is refused';

CREATE FUNCTION paysafe.reconcile(relation regclass, OUT key text, OUT finding text) RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'paysafe_reconcile';
COMMENT ON FUNCTION paysafe.reconcile(regclass) IS 'rows of an audited table that are not what the audit log says they are';

-- Tables with rules in force and everything below them
CREATE VIEW paysafe.protected_table AS
	WITH RECURSIVE root AS (
		SELECT r.relation::oid AS root,
			   bool_or(r.rule IN ('ledger', 'append_only') AND r.own) AS each_row_counts,
			   bool_or(r.rule = 'audit' AND r.own) AS audited
		  FROM (SELECT n.relation, n.rule, true AS own FROM paysafe.rule n
				 WHERE NOT n.removed AND n.version = (SELECT max(m.version) FROM paysafe.rule m
					WHERE m.relation = n.relation AND m.rule = n.rule)
				UNION ALL
				SELECT n.reference, n.rule, false FROM paysafe.rule n
				 WHERE NOT n.removed AND n.reference IS NOT NULL
				   AND n.version = (SELECT max(m.version) FROM paysafe.rule m
					WHERE m.relation = n.relation AND m.rule = n.rule)) r
		 GROUP BY 1
	), tree AS (
		SELECT root, root AS relid, each_row_counts, audited FROM root
		UNION
		SELECT t.root, i.inhrelid, t.each_row_counts, t.audited
		  FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.relid
	)
	SELECT root::regclass, relid::regclass AS relation,
		   bool_or(each_row_counts) AS each_row_counts, bool_or(audited) AS audited
	  FROM tree GROUP BY 1, 2;
COMMENT ON VIEW paysafe.protected_table IS 'tables with rules in force, and their partitions and children';

CREATE FUNCTION paysafe.check(
	reconcile boolean DEFAULT false,
	OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text
) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH state AS MATERIALIZED (
			SELECT * FROM paysafe.library_state()
		), extension AS (
			SELECT e.oid, e.extowner, e.extversion, 'paysafe'::regnamespace AS schema FROM pg_extension e WHERE e.extname = 'paysafe'
		), guarded AS (
			SELECT bool_and(s.ok) AS ok FROM state s WHERE s.check_name IN ('library_preloaded', 'hooks')
		), tree AS MATERIALIZED (
			SELECT t.root, t.relation, t.each_row_counts, t.audited, c.oid, c.relname, c.relkind,
				   c.relpersistence, c.relnamespace, c.relowner, c.relhastriggers, c.relhasrules
			  FROM paysafe.protected_table t LEFT JOIN pg_class c ON c.oid = t.relation
		), own AS (
			SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relhasrules, c.relispartition
			  FROM pg_class c, extension e WHERE c.relnamespace = e.schema AND c.relkind IN ('r', 'p')
		)
		-- the library and the extension
		SELECT 'library'::text, s.check_name, s.ok, s.detail FROM state s WHERE s.check_name <> 'library_version'
		UNION ALL
		SELECT 'library', 'same_version', s.detail = e.extversion,
			   'library ' || s.detail || ', extension ' || e.extversion
		  FROM state s, extension e WHERE s.check_name = 'library_version'
		UNION ALL
		SELECT 'extension', 'functions', count(*) = 0, string_agg(p.oid::regprocedure::text, ', ')
		  FROM pg_proc p, extension e
		 WHERE p.pronamespace = e.schema
		   AND (p.proowner <> e.extowner
				OR NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
					AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass
					AND d.refobjid = e.oid AND d.deptype = 'e')
				OR CASE (SELECT l.lanname FROM pg_language l WHERE l.oid = p.prolang)
					WHEN 'c' THEN p.probin <> '$libdir/paysafe' OR p.prosrc <> 'paysafe_' || p.proname
					WHEN 'sql' THEN p.prosqlbody IS NULL
						OR p.proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}'
					ELSE true END)
		UNION ALL
		SELECT 'extension', 'event_triggers', count(*) = 0, string_agg(v.evtname, ', ')
		  FROM pg_event_trigger v, extension e, pg_proc p
		 WHERE p.oid = v.evtfoid AND p.pronamespace = e.schema
		UNION ALL
		SELECT 'paysafe.' || o.relname, 'own_table', w.trouble IS NULL, w.trouble
		  FROM own o, extension e, LATERAL (SELECT nullif(concat_ws('; ',
			CASE WHEN o.relowner <> e.extowner THEN 'its owner is not the extension''s' END,
			CASE WHEN o.relrowsecurity THEN 'it has row security' END,
			CASE WHEN o.relhasrules AND EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = o.oid) THEN 'it has a rule' END,
			CASE WHEN o.relkind = 'r' AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = o.oid AND t.tgenabled = 'A'
						AND t.tgfoid = 'paysafe.own_table()'::regprocedure AND t.tgqual IS NULL AND t.tgattr::text = ''
						AND t.tgtype IN (31, 34)) < 2
				 THEN 'its triggers are not in force' END,
			CASE WHEN EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = o.oid AND NOT t.tgisinternal
						AND t.tgfoid <> 'paysafe.own_table()'::regprocedure) THEN 'it has a foreign trigger' END,
			CASE WHEN EXISTS (SELECT 1 FROM aclexplode(o.relacl) a WHERE a.grantee <> o.relowner
						AND a.privilege_type <> 'SELECT') THEN 'others than its owner may write' END), '') AS trouble) w
		UNION ALL
		-- each protected table and partition
		SELECT t.relation::text, 'row_trigger', w.ok,
			   CASE WHEN NOT w.ok THEN 'the trigger "paysafe" is missing, altered or not ENABLE ALWAYS' END
		  FROM tree t, LATERAL (SELECT t.relhastriggers AND EXISTS (SELECT 1 FROM pg_trigger g
				WHERE g.tgrelid = t.oid AND g.tgname = 'paysafe' AND g.tgfoid = 'paysafe.enforce()'::regprocedure
				  AND g.tgenabled = 'A' AND g.tgtype = 29 AND g.tgattr::text = '' AND g.tgqual IS NULL) AS ok) w
		 WHERE t.oid IS NOT NULL
		UNION ALL
		SELECT t.relation::text, 'statement_trigger', w.ok,
			   CASE WHEN NOT w.ok THEN 'the trigger "paysafe_statement" is missing, altered or not ENABLE ALWAYS' END
		  FROM tree t, LATERAL (SELECT t.relhastriggers AND EXISTS (SELECT 1 FROM pg_trigger g
				WHERE g.tgrelid = t.oid AND g.tgname = 'paysafe_statement'
				  AND g.tgfoid = 'paysafe.enforce_statement()'::regprocedure
				  AND g.tgenabled = 'A' AND g.tgtype = 60 AND g.tgattr::text = '' AND g.tgqual IS NULL) AS ok) w
		 WHERE t.oid IS NOT NULL
		UNION ALL
		SELECT t.relation::text, 'foreign_triggers', count(g.oid) FILTER (WHERE t.each_row_counts) = 0,
			   string_agg(quote_ident(g.tgname) || ' can change rows or keep them out before paysafe sees them', '; ')
		  FROM tree t LEFT JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
				AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0 AND g.tgenabled <> 'D'
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'rewrite_rules', count(r.oid) = 0,
			   'rules rewrite statements before any trigger sees a row: ' || string_agg(quote_ident(r.rulename), ', ')
		  FROM tree t LEFT JOIN pg_rewrite r ON r.ev_class = t.oid
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'table', t.relpersistence = 'p' AND t.relkind IN ('r', 'p'),
			   CASE WHEN t.relpersistence <> 'p' THEN 'it is not logged: a crash empties it'
					WHEN t.relkind NOT IN ('r', 'p') THEN 'it does not store its rows here' END
		  FROM tree t WHERE t.oid IS NOT NULL
		UNION ALL
		SELECT t.relation::text, 'owner', t.relowner = r.relowner,
			   CASE WHEN t.relowner <> r.relowner THEN 'its owner is not that of ' || r.oid::regclass END
		  FROM tree t JOIN pg_class r ON r.oid = t.root
		UNION ALL
		SELECT t.relation::text, 'indexes', count(i.indexrelid) FILTER (WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)) = 0,
			   'not valid: ' || string_agg(i.indexrelid::regclass::text, ', ') FILTER (WHERE NOT (i.indisvalid AND i.indisready AND i.indislive))
		  FROM tree t LEFT JOIN pg_index i ON i.indrelid = t.oid
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'constraints', count(k.oid) = 0, 'not valid: ' || string_agg(quote_ident(k.conname), ', ')
		  FROM tree t LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND NOT k.convalidated
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'rules_fit', w.trouble IS NULL, w.trouble
		  FROM tree t, LATERAL (SELECT paysafe.rule_trouble(t.relation) AS trouble) w
		 WHERE t.oid IS NOT NULL
		UNION ALL
		SELECT r.relation::text, 'statuses', w.ok, CASE WHEN NOT w.ok THEN
			   'its status column has no status rule: a refund in a misspelt status is one that waits' END
		  FROM paysafe.rule r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT EXISTS (SELECT 1 FROM paysafe.rule s
				WHERE s.relation = r.relation AND s.rule = 'status' AND NOT s.removed
				  AND s.spec ->> 'status_column' = r.spec ->> 'status_column'
				  AND s.version = (SELECT max(m.version) FROM paysafe.rule m
					WHERE m.relation = s.relation AND m.rule = s.rule)) AS ok) w
		 WHERE r.rule = 'refund' AND NOT r.removed
		   AND r.version = (SELECT max(m.version) FROM paysafe.rule m WHERE m.relation = r.relation AND m.rule = r.rule)
		UNION ALL
		SELECT t.relation::text, 'name', count(w.setting) = 0, string_agg(w.setting, '; ')
		  FROM tree t LEFT JOIN LATERAL (
			SELECT format('%s of %s finds %I.%I first', s.value,
						  coalesce('role ' || quote_ident(a.rolname), 'database'), n.nspname, c.relname) AS setting
			  FROM pg_db_role_setting d LEFT JOIN pg_roles a ON a.oid = d.setrole, unnest(d.setconfig) s(value),
				   LATERAL (SELECT btrim(x, ' "') AS schema, i FROM unnest(string_to_array(substr(s.value, 13), ',')) WITH ORDINALITY x(x, i)) p,
				   pg_namespace n, pg_class c
			 WHERE s.value LIKE 'search\_path=%' AND d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
			   AND n.nspname = p.schema AND c.relnamespace = n.oid AND c.relname = t.relname AND n.oid <> t.relnamespace
			   AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
			   AND p.i < coalesce((SELECT min(q.i) FROM unnest(string_to_array(substr(s.value, 13), ',')) WITH ORDINALITY q(x, i)
									WHERE btrim(q.x, ' "') = t.relnamespace::regnamespace::text), 1000)
			) w ON true
		 WHERE t.oid IS NOT NULL AND t.relation = t.root
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'rows', w.n = 0, w.findings
		  FROM tree t, LATERAL (SELECT count(*) AS n,
				string_agg(format('row %s %s', quote_literal(r.key), r.finding), '; ') FILTER (WHERE r.nth <= 5) AS findings
				FROM (SELECT f.key, f.finding, row_number() OVER () AS nth FROM paysafe.reconcile(t.relation) f) r) w
		 WHERE "check".reconcile AND t.audited AND t.relation = t.root AND t.oid IS NOT NULL
		   AND NOT EXISTS (SELECT 1 FROM tree l WHERE l.root = t.root AND l.relkind = 'r'
							AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = l.oid AND i.indisprimary))
		UNION ALL
		SELECT t.relation::text, 'rows', true, 'not compared: without a primary key they are not found in the log'
		  FROM tree t
		 WHERE "check".reconcile AND t.audited AND t.relation = t.root AND t.oid IS NOT NULL
		   AND EXISTS (SELECT 1 FROM tree l WHERE l.root = t.root AND l.relkind = 'r'
						AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = l.oid AND i.indisprimary))
		UNION ALL
		-- settings, roles, windows
		SELECT 'settings', 'log_min_messages',
			   current_setting('log_min_messages') NOT IN ('fatal', 'panic'),
			   CASE WHEN current_setting('log_min_messages') IN ('fatal', 'panic')
					THEN 'the server''s log does not show refusals' END
		UNION ALL
		SELECT 'settings', 'session_replication_role', count(s.value) = 0, string_agg(s.value, ', ')
		  FROM (SELECT u.value FROM pg_db_role_setting d, unnest(d.setconfig) u(value)
				 WHERE u.value ~* '^(session_replication_role=replica|allow_system_table_mods=)'
				UNION ALL
				SELECT name || '=' || setting FROM pg_settings
				 WHERE (name = 'session_replication_role' AND setting = 'replica')
					OR (name = 'allow_system_table_mods' AND setting = 'on')
				UNION ALL
				SELECT 'granted: ' || p.parname FROM pg_parameter_acl p
				 WHERE p.parname IN ('session_replication_role', 'allow_system_table_mods')) s
		UNION ALL
		SELECT 'role ' || quote_ident(r.rolname),
			   CASE WHEN r.rolsuper THEN 'superuser' ELSE 'bypassrls' END, g.ok,
			   CASE WHEN NOT g.ok THEN 'nothing keeps this role from taking the triggers away' END
		  FROM pg_roles r, guarded g
		 WHERE r.rolcanlogin AND (r.rolsuper OR r.rolbypassrls)
		UNION ALL
		SELECT 'role ' || quote_ident(r.rolname), 'owner', g.ok,
			   CASE WHEN NOT g.ok THEN 'it owns protected tables, can log in, and nothing keeps it from taking the triggers away' END
		  FROM pg_roles r, guarded g
		 WHERE r.rolcanlogin AND NOT r.rolsuper AND r.oid IN (SELECT relowner FROM tree)
		UNION ALL
		SELECT 'role ' || quote_ident(r.rolname), 'server_files', s.ok,
			   CASE WHEN NOT s.ok THEN 'it can run programs or write files on the server' END
		  FROM pg_roles r, LATERAL (SELECT l.detail = 'on' AS ok FROM state l WHERE l.check_name = 'superuser_lockdown') s
		 WHERE r.rolcanlogin AND NOT r.rolsuper
		   AND (pg_has_role(r.oid, 'pg_execute_server_program', 'MEMBER') OR pg_has_role(r.oid, 'pg_write_server_files', 'MEMBER'))
		UNION ALL
		SELECT 'maintenance', 'window', count(m.id) = 0,
			   string_agg(format('window %s of %s for %s is %s', m.id, m.actor, m.tables, m.state), '; ')
		  FROM paysafe.maintenance m WHERE m.state <> 'closed'
		UNION ALL
		-- events that nobody works on
		SELECT q.queue || ' ' || quote_ident(q.source), 'events', q.dead = 0 AND q.overdue = 0,
			   CASE WHEN q.dead > 0 OR q.overdue > 0
					THEN format('%s dead, %s overdue for more than an hour', q.dead, q.overdue) END
		  FROM (SELECT e.queue, e.source, count(*) FILTER (WHERE e.state = 'dead') AS dead,
					   count(*) FILTER (WHERE e.state <> 'dead' AND e.next_at < clock_timestamp() - interval '1 hour') AS overdue
				  FROM (SELECT 'inbox' AS queue, i.source, i.state, i.next_at FROM paysafe.inbox_event i
						 WHERE i.state IN ('ready', 'leased', 'dead')
						UNION ALL
						SELECT 'outbox', o.source, o.state, o.next_at FROM paysafe.outbox_event o
						 WHERE o.state IN ('ready', 'leased', 'dead')) e
				 GROUP BY 1, 2) q
		UNION ALL
		-- services
		SELECT 'webhooks ' || quote_ident(w.endpoint), 'live_key', w.live_keys > 0,
			   CASE WHEN w.live_keys = 0 THEN 'without a key that has not ended, everything is refused' END
		  FROM paysafe.webhook_endpoints w
		UNION ALL
		SELECT 'idempotency', 'expiry', NOT r.late,
			   CASE WHEN r.late THEN 'responses expired weeks ago and are still there: nobody calls idempotency_expire' END
		  FROM (SELECT EXISTS (SELECT 1 FROM paysafe.idempotency_response x
								WHERE x.expires_at < clock_timestamp() - interval '14 days') AS late) r
		 WHERE EXISTS (SELECT 1 FROM paysafe.idempotency_endpoint);
	END;
COMMENT ON FUNCTION paysafe.check(boolean) IS 'is every promise in force now? reconcile: also whether rows are what the audit log says';
