-- Is every promise in force now?

CREATE FUNCTION paysafe.library_state(OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_library_state';
COMMENT ON FUNCTION paysafe.library_state() IS 'what the library knows of itself, for paysafe.check';

CREATE FUNCTION paysafe.rule_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_rule_trouble';
COMMENT ON FUNCTION paysafe.rule_trouble(regclass) IS 'why the rules of a table do not fit it any more, so that every change is refused';

CREATE FUNCTION paysafe.index_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_index_trouble';
COMMENT ON FUNCTION paysafe.index_trouble(regclass) IS 'which indexes a table lacks whose rows are looked up for changes of others';

CREATE FUNCTION paysafe.capture_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_capture_trouble';
COMMENT ON FUNCTION paysafe.capture_trouble(regclass) IS 'kept sums of captures that are not what is there';

CREATE FUNCTION paysafe.entry_trouble(relation regclass) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_entry_trouble';
COMMENT ON FUNCTION paysafe.entry_trouble(regclass) IS 'kept sums of entries that are more than what is there';

CREATE FUNCTION paysafe.refund_trouble(relation regclass, rule text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_refund_trouble';
COMMENT ON FUNCTION paysafe.refund_trouble(regclass, text) IS 'kept totals of refunds that are less than what is there';

CREATE FUNCTION paysafe.status_trouble(relation regclass, rule text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_status_trouble';
COMMENT ON FUNCTION paysafe.status_trouble(regclass, text) IS 'statuses that have other names by now than a rule knows';

CREATE FUNCTION paysafe.subscription_trouble(subscription name) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_subscription_trouble';
COMMENT ON FUNCTION paysafe.subscription_trouble(name) IS 'why a subscription that is enabled will stop: it brings rows that can neither be judged nor are trusted';
CREATE FUNCTION paysafe.trigger_trouble(relation regclass, statement boolean) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_trigger_trouble';
COMMENT ON FUNCTION paysafe.trigger_trouble(regclass, boolean) IS 'what is wrong with the row trigger of a protected table, or its statement trigger';

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

CREATE FUNCTION paysafe.key_trouble(id int) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_key_trouble';
COMMENT ON FUNCTION paysafe.key_trouble(int) IS 'why a data key cannot be used, or NULL if it can';

CREATE FUNCTION paysafe.has_rows(relation regclass) RETURNS boolean
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_has_rows';
COMMENT ON FUNCTION paysafe.has_rows(regclass) IS 'whether a table of paysafe''s has any row, for paysafe.check';

-- The parts of check(): an error in one of them is a row, and the others answer

CREATE FUNCTION paysafe.check_library(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH state AS MATERIALIZED (
			SELECT * FROM paysafe.library_state()
		), extension AS (
			SELECT e.oid, e.extowner, e.extversion, 'paysafe'::regnamespace AS schema FROM pg_extension e WHERE e.extname = 'paysafe'
		)
		SELECT 'library'::text, s.check_name, s.ok, s.detail FROM state s WHERE s.check_name <> 'library_version'
		UNION ALL
		SELECT 'library', 'same_version', s.detail = e.extversion,
			   'library ' || s.detail || ', extension ' || e.extversion
		  FROM state s, extension e WHERE s.check_name = 'library_version'
		UNION ALL
		SELECT 'database', 'test_database', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN 'it is declared a test database, where TRUNCATE empties protected tables, rules change without a second person and fixtures break them: what is no test belongs into another one' END
		  FROM paysafe.test_database x
		 WHERE x.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
		UNION ALL
		SELECT 'keys', 'data_keys', count(w.trouble) = 0,
			   CASE WHEN count(*) = 0 THEN 'nothing is sealed or hashed with a key yet'
					ELSE string_agg(format('data key %s, wrapped by %I: %s', k.id, k.wrapped_by, w.trouble), '; ' ORDER BY k.id) FILTER (WHERE w.trouble IS NOT NULL)
						 || ': let paysafe.key_file or paysafe.key_command give the key of that name again, and restart the server' END
		  FROM paysafe.data_keys k, LATERAL (SELECT paysafe.key_trouble(k.id) AS trouble) w;
	END;
COMMENT ON FUNCTION paysafe.check_library() IS 'check(): the library, the database and its keys';

CREATE FUNCTION paysafe.check_extension(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH extension AS (
			SELECT e.oid, e.extowner, e.extversion, 'paysafe'::regnamespace AS schema FROM pg_extension e WHERE e.extname = 'paysafe'
		), member AS MATERIALIZED (
			-- of nothing that a row of pg_proc has: looked up once, not for each function
			SELECT d.objid FROM pg_depend d
			 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			   AND d.refobjid = (SELECT e.oid FROM extension e)
		), own AS (
			SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relhasrules, c.relispartition
			  FROM pg_class c, extension e WHERE c.relnamespace = e.schema AND c.relkind IN ('r', 'p')
		)
		SELECT 'extension', 'functions', count(*) = 0, string_agg(p.oid::regprocedure::text, ', ')
		  FROM pg_proc p, extension e
		 WHERE (p.pronamespace = e.schema
				OR p.oid IN (SELECT m.objid FROM member m))
		   AND (p.proowner <> e.extowner
				OR p.pronamespace <> e.schema
				OR p.oid NOT IN (SELECT m.objid FROM member m)
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
						AND a.privilege_type <> 'SELECT') THEN 'others than its owner may write' END), '') AS trouble) w;
	END;
COMMENT ON FUNCTION paysafe.check_extension() IS 'check(): functions and tables of the extension';

CREATE FUNCTION paysafe.check_tables(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH tree AS MATERIALIZED (
			SELECT t.root, t.relation, t.each_row_counts, t.audited, c.oid, c.relname, c.relkind,
				   c.relpersistence, c.relnamespace, c.relowner, c.relhastriggers, c.relhasrules
			  FROM paysafe.protected_table t LEFT JOIN pg_class c ON c.oid = t.relation
		)
		SELECT t.relation::text, n.check_name, w.trouble IS NULL, w.trouble
		  FROM tree t, (VALUES ('row_trigger', false), ('statement_trigger', true)) n (check_name, statement),
			   LATERAL (SELECT paysafe.trigger_trouble(t.relation, n.statement) AS trouble OFFSET 0) w
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
		-- what runs in the name of whoever writes
		SELECT t.relation::text, 'code_of_others', count(p.oid) = 0 OR bool_and(g.ok),
			   'run in the name of whoever reads or writes'
			   || CASE WHEN bool_and(g.ok) THEN ', and can give nobody privileges: ' ELSE ', and nothing guards privileges, nor approvals and changes of rules in their name: ' END
			   || string_agg(DISTINCT p.oid::regprocedure::text, ', ')
		  FROM (SELECT bool_and(s.ok) AS ok FROM paysafe.library_state() s WHERE s.check_name IN ('library_preloaded', 'hooks')) g, tree t
			   LEFT JOIN (SELECT k.conrelid AS relid, 'pg_constraint'::regclass AS classid, k.oid FROM pg_constraint k
				UNION ALL SELECT a.adrelid, 'pg_attrdef', a.oid FROM pg_attrdef a
				UNION ALL SELECT i.indrelid, 'pg_class', i.indexrelid FROM pg_index i
				UNION ALL SELECT l.polrelid, 'pg_policy', l.oid FROM pg_policy l
				UNION ALL SELECT x.tgrelid, 'pg_trigger', x.oid FROM pg_trigger x) c ON c.relid = t.oid
			   LEFT JOIN pg_depend d ON d.classid = c.classid AND d.objid = c.oid AND d.refclassid = 'pg_proc'::regclass
			   LEFT JOIN (pg_proc p JOIN pg_roles o ON o.oid = p.proowner AND NOT o.rolsuper) ON p.oid = d.refobjid
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'shadowed', count(c.oid) = 0,
			   'temporary tables of this name take its place where no schema is named: ' || string_agg(c.oid::regclass::text, ', ')
		  FROM tree t LEFT JOIN pg_class c ON c.relname = t.relname AND c.relpersistence = 't' AND c.relkind IN ('r', 'p', 'v')
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
		-- tables that belong to tenants: what shows them to others
		SELECT t.relation::text, 'row_security', w.trouble IS NULL,
			   w.trouble || format(': SELECT paysafe.protect_tenant(%L, ...) as it was declared makes it anew', t.root)
		  FROM tree t, LATERAL (SELECT paysafe.tenant_trouble(t.relation) AS trouble OFFSET 0) w
		 WHERE t.oid IS NOT NULL AND EXISTS (SELECT 1 FROM paysafe.rule n WHERE n.relation = t.root AND n.rule = 'tenant')
		UNION ALL
		SELECT t.relation::text, 'tenant_views', count(v.oid) = 0,
			   'show every tenant''s rows, since their owner reads past policies: ' || string_agg(DISTINCT v.oid::regclass::text, ', ')
		  FROM tree t
			   LEFT JOIN (pg_depend d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
				JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
					AND NOT coalesce(v.reloptions @> '{security_invoker=true}' OR v.reloptions @> '{security_invoker=on}', false)
				JOIN pg_roles o ON o.oid = v.relowner AND (o.rolsuper OR o.rolbypassrls))
			   ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
		 WHERE t.oid IS NOT NULL
		   AND EXISTS (SELECT 1 FROM paysafe.rule n WHERE n.relation = t.root AND n.rule = 'tenant' AND NOT n.removed
			AND n.version = (SELECT max(m.version) FROM paysafe.rule m WHERE m.relation = n.relation AND m.rule = n.rule))
		 GROUP BY t.relation
		UNION ALL
		SELECT t.relation::text, 'second_trigger', count(g.oid) = 0,
			   string_agg(format('trigger %I judges and records each change once more: DROP TRIGGER %I ON %s', g.tgname, g.tgname, t.relation), '; ') FILTER (WHERE g.oid IS NOT NULL)
		  FROM tree t LEFT JOIN pg_trigger g ON g.tgrelid = t.oid
				AND (g.tgfoid = 'paysafe.enforce()'::regprocedure AND g.tgname <> 'paysafe'
					 OR g.tgfoid = 'paysafe.enforce_statement()'::regprocedure AND g.tgname <> 'paysafe_statement')
		 WHERE t.oid IS NOT NULL
		 GROUP BY t.relation;
	END;
COMMENT ON FUNCTION paysafe.check_tables() IS 'check(): each protected table and partition';

CREATE FUNCTION paysafe.check_rules(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH rules AS (
			-- a table may have several of refunds
			SELECT n.*, CASE WHEN n.rule LIKE 'refund\_%' THEN 'refund' WHEN n.rule LIKE 'velocity\_%' THEN 'velocity' ELSE n.rule END AS kind,
				   CASE WHEN n.rule LIKE 'refund\_%' OR (n.rule = 'refund' AND EXISTS (SELECT 1 FROM paysafe.rule o
				WHERE o.relation = n.relation AND o.rule LIKE 'refund\_%' AND NOT o.removed AND o.version = (SELECT max(m.version)
					FROM paysafe.rule m WHERE m.relation = o.relation AND m.rule = o.rule)))
				   THEN format('rule %s: ', n.rule) ELSE '' END AS prefix
			  FROM paysafe.rule n
			 WHERE NOT n.removed AND n.version = (SELECT max(m.version) FROM paysafe.rule m
				WHERE m.relation = n.relation AND m.rule = n.rule)
		)
		-- rules without a table
		SELECT 'table ' || g.relid::oid, 'dropped', g.permitted,
			   CASE WHEN g.permitted THEN 'dropped in a maintenance window, with ' || g.rules
					ELSE format('a table with this OID is gone, and %s: it was dropped where paysafe was not preloaded. Restore it from a backup and declare its rules; or, if that was right, have two people remove each rule: SELECT paysafe.unprotect(%s, ''RULE'', ''why'')', g.rules, g.relid::oid) END
		  FROM (SELECT r.relid, 'rules in force on it: ' || string_agg(DISTINCT r.rule, ', ') AS rules,
					   EXISTS (SELECT 1 FROM paysafe.maintenance_change m WHERE m.relation = r.relid AND m.after IS NULL) AS permitted
				  FROM (SELECT n.relation::oid AS relid, n.rule FROM rules n
						UNION ALL SELECT n.reference::oid, n.rule FROM rules n WHERE n.reference IS NOT NULL) r
				 WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = r.relid)
				 GROUP BY r.relid) g
		UNION ALL
		-- what is left of a rule whose other table is gone
		SELECT n.relation::text, 'dropped', false,
			   format('rule "%s" refers to a table that is gone (OID %s), and holds for half of what it says: declare it again with another one, or drop it: SELECT paysafe.unprotect(%L, %L, ''why''), in a maintenance window', n.rule, n.reference::oid, n.relation::text, n.rule)
		  FROM rules n
		 WHERE n.reference IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = n.reference)
		   AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = n.relation)
		UNION ALL
		-- tables without a rule
		SELECT g.tgrelid::regclass::text, 'rules', false,
			   'the trigger "paysafe" is there, but no rule is in force: they were not restored, or lost. Declare them again, or drop the trigger'
		  FROM pg_trigger g
		 WHERE g.tgfoid = 'paysafe.enforce()'::regprocedure
		   AND NOT EXISTS (SELECT 1 FROM paysafe.protected_table t WHERE t.relation = g.tgrelid)
		 GROUP BY g.tgrelid
		UNION ALL
		-- rules that a dump brought and whose table it did not
		SELECT d.content ->> 'relation', 'dumped_rules', false,
			   'the dump brought rules, but the table, or one that they refer to, is not here: '
			   || string_agg(d.content ->> 'rule', ', ' ORDER BY d.content ->> 'rule')
		  FROM paysafe.dumped_row d
		 WHERE d.own_table = 'rule' AND NOT (d.content ->> 'removed')::boolean
		   AND (d.content ->> 'version')::int = (SELECT max((n.content ->> 'version')::int) FROM paysafe.dumped_row n
				WHERE n.own_table = 'rule' AND n.content ->> 'relation' = d.content ->> 'relation'
				  AND n.content ->> 'rule' = d.content ->> 'rule')
		 GROUP BY 1
		UNION ALL
		-- rows that replication brings
		SELECT 'subscription ' || quote_ident(s.subname), 'rows', w.trouble IS NULL, w.trouble
		  FROM pg_subscription s, LATERAL (SELECT paysafe.subscription_trouble(s.subname) AS trouble) w
		 WHERE s.subdbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
		UNION ALL
		-- rules that refuse nothing
		SELECT p.relation::text, 'mode', false,
			   format('rule %s is only observed: it refuses nothing, and would have refused %s changes since %s', p.rule, p.observed, p.since)
		  FROM paysafe.protection p WHERE p.mode = 'observe' AND p.rule !~ '^velocity(_|$)'
		UNION ALL
		-- those that are there to be seen
		SELECT p.relation::text, 'velocity', w.trouble IS NULL, coalesce(w.trouble, format('rule %s raises signals and refuses nothing', p.rule))
		  FROM paysafe.protection p, LATERAL (SELECT paysafe.velocity_trouble() AS trouble) w
		 WHERE p.mode = 'observe' AND p.rule ~ '^velocity(_|$)'
		UNION ALL
		SELECT p.relation::text, 'first_seen', w.trouble IS NULL, w.trouble
		  FROM (SELECT DISTINCT r.relation FROM rules r JOIN pg_class c ON c.oid = r.relation WHERE r.rule LIKE 'first\_seen\_%') p,
			   LATERAL (SELECT paysafe.first_seen_trouble() AS trouble) w
		UNION ALL
		-- what has counted for those that refuse, but for what is of a clock that was set back
		SELECT r.relation::text, 'velocity', w.n = 0, CASE WHEN w.n > 0 THEN format('rule %s: %s rows of paysafe.velocity_flow do not follow from those before them: find out who has changed rows beneath it', r.rule, w.n) END
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT count(*) AS n
						  FROM (SELECT f.total <> lag(f.total) OVER (PARTITION BY f.of ORDER BY f.at) + f.amount AS wrong
								  FROM paysafe.velocity_flow f WHERE f.relation = r.relation AND f.rule = r.rule AND f.at <= now() + (f.until - f.at)) s WHERE s.wrong) w
		 WHERE r.kind = 'velocity' AND NOT r.spec @> '{"observe": true}' AND paysafe.has_rows('paysafe.velocity_flow')
		UNION ALL
		-- who acts for tenants and reads past policies, or may become one who does
		SELECT 'role ' || quote_ident(a.rolname), 'tenants', false,
			   CASE WHEN a.oid = b.oid THEN 'it may act for a tenant, and has BYPASSRLS: it reads the rows of all tenants'
					ELSE format('it may act for a tenant, and SET ROLE %I, which reads the rows of all tenants', b.rolname) END
		  FROM pg_roles a JOIN pg_roles b ON (b.rolbypassrls OR b.rolsuper) AND pg_has_role(a.oid, b.oid, 'MEMBER')
		 WHERE NOT a.rolsuper AND has_function_privilege(a.oid, 'paysafe.act_for_tenant(text, text)', 'EXECUTE')
		   AND EXISTS (SELECT 1 FROM rules r WHERE r.rule = 'tenant')
		UNION ALL
		-- rules for what comes
		SELECT r.relation::text, 'validated', false,
			   format('nobody has looked at the rows that were there before rule %s: SELECT paysafe.validate_rows(%L, %L)', r.rule, r.relation, r.rule)
		  FROM rules r JOIN pg_class c ON c.oid = r.relation
		 WHERE r.spec @> '{"unvalidated": true}' AND NOT r.spec @> '{"observe": true}'
		UNION ALL
		-- rows that broke a rule before it was there
		SELECT a.relation::text, 'accepted', true,
			   format('%s rows break rule %s and were accepted as they are, for the last time on %s: paysafe.accepted', count(*), a.rule, to_char(max(a.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
		  FROM paysafe.accepted_row a JOIN rules r ON r.relation = a.relation AND r.rule = a.rule
		 WHERE a.ended_at IS NULL
		 GROUP BY a.relation, a.rule
		UNION ALL
		-- rows that are looked up for each change of others: it takes long, and keeps the promise
		SELECT t.relation::text, 'lookups', true, 'each change that looks its rows up reads more than it needs: ' || w.trouble
		  FROM (SELECT r.relation FROM rules r WHERE r.kind = ANY ('{refund,ledger,schedule}')
				UNION SELECT r.reference FROM rules r WHERE r.kind = 'refund') t
			   JOIN pg_class c ON c.oid = t.relation, LATERAL (SELECT paysafe.index_trouble(t.relation) AS trouble) w
		UNION ALL
		-- sums that are kept so that the refunds need not be added up
		SELECT r.relation::text, 'refund_totals', w.trouble IS NULL, r.prefix || w.trouble || ': declare the refund rule again, and find out who has changed rows beneath it'
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT paysafe.refund_trouble(r.relation, r.rule) AS trouble) w
		 WHERE r.kind = 'refund' AND paysafe.has_rows('paysafe.refund_total')
		UNION ALL
		-- what has passed to a beneficiary, or at a person's request
		SELECT r.relation::text, 'refund_flow', w.n = 0, r.prefix || CASE WHEN w.n > 0 THEN w.n || ' sums of beneficiaries or requesters are not what has passed: find out who has changed rows beneath it' END
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT count(*) AS n
						  FROM (SELECT f.total <> sum(f.amount) OVER (PARTITION BY f.per, f.of, f.currency ORDER BY f.at) AS wrong
								  FROM paysafe.refund_flow f WHERE f.relation = r.relation AND f.rule = r.rule) s WHERE s.wrong) w
		 WHERE r.kind = 'refund' AND paysafe.has_rows('paysafe.refund_flow')
		UNION ALL
		-- what is kept of sums of captures
		SELECT r.relation::text, 'capture_totals', w.trouble IS NULL, w.trouble || ': declare the rule of captures again, and find out who has changed rows beneath it'
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT paysafe.capture_trouble(r.relation) AS trouble) w
		 WHERE r.rule = 'captures' AND paysafe.has_rows('paysafe.capture_total')
		UNION ALL
		-- and of entries
		SELECT r.relation::text, 'entry_totals', w.trouble IS NULL, w.trouble || ': declare the rule of entries again, and find out who has changed rows beneath it'
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT paysafe.entry_trouble(r.relation) AS trouble) w
		 WHERE r.rule = 'ledger' AND r.spec ? 'minimum' AND paysafe.has_rows('paysafe.entry_total')
		UNION ALL
		-- statuses that are called otherwise by now
		SELECT r.relation::text, 'status_names', w.trouble IS NULL, w.trouble || ': declare the rule again'
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT paysafe.status_trouble(r.relation, r.rule) AS trouble) w
		 WHERE r.spec ? 'status_names'
		UNION ALL
		-- refunds in statuses that nothing declares
		SELECT r.relation::text, 'statuses', w.ok, CASE WHEN NOT w.ok THEN r.prefix ||
			   'its status column has no status rule, so a refund in a misspelt status is one that waits: declare paysafe.protect_status' END
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT EXISTS (SELECT 1 FROM rules s WHERE s.relation = r.relation AND s.rule = 'status'
				AND s.spec ->> 'status_column' = r.spec ->> 'status_column')
				-- a type that has two values has no misspelt one
				OR NOT EXISTS (SELECT 1 FROM pg_attribute a LEFT JOIN pg_type t ON t.oid = a.atttypid
					WHERE a.attrelid = r.relation AND a.attname = r.spec ->> 'status_column'
					  AND (CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END) <> ALL
						  ('{boolean,date,timestamp,timestamptz}'::regtype[])) AS ok) w
		 WHERE r.kind = 'refund'
		UNION ALL
		-- refunds of payments whose captured amount nobody guards
		SELECT r.relation::text, 'captured', w.trouble IS NULL, r.prefix || w.trouble
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT r.spec ->> 'payment_amount_column' AS name) p,
			   LATERAL (SELECT CASE
				WHEN p.name IS NULL THEN NULL
				WHEN EXISTS (SELECT 1 FROM rules s WHERE s.relation = r.reference AND s.rule = 'payment') THEN
					(SELECT CASE WHEN s.spec ->> 'captured_column' IS DISTINCT FROM p.name THEN
						format('%s of %s is not what its payment rule calls captured, so payments that were never captured can be refunded: declare the refund rule with "payment_amount_column" NULL', quote_ident(p.name), r.reference) END
					   FROM rules s WHERE s.relation = r.reference AND s.rule = 'payment')
				WHEN NOT EXISTS (SELECT 1 FROM rules s WHERE s.relation = r.reference AND s.rule = 'columns'
					AND s.spec -> 'columns' ? split_part(p.name, '->', 1)) THEN
					format('nothing guards %s of %s, so whoever may change it says how much can be refunded: declare paysafe.protect_payment', quote_ident(p.name), r.reference)
				END AS trouble) w
		 WHERE r.kind = 'refund'
		UNION ALL
		-- captured columns that are net of refunds which no rule names
		SELECT r.relation::text, 'captured', w.ok, CASE WHEN NOT w.ok THEN
			   format('%s falls with refunds, and no rule says which these are, so it does not fall at all: declare them with paysafe.protect_refund, with "payment_amount_column" NULL', quote_ident(r.spec ->> 'captured_column')) END
		  FROM rules r JOIN pg_class c ON c.oid = r.relation,
			   LATERAL (SELECT EXISTS (SELECT 1 FROM rules s WHERE s.reference = r.relation AND s.kind = 'refund'
				AND s.spec ->> 'payment_amount_column' IS NULL) AS ok) w
		 WHERE r.rule = 'payment' AND r.spec ->> 'changes' = 'net';
	END;
COMMENT ON FUNCTION paysafe.check_rules() IS 'check(): rules without tables and tables without rules';

CREATE FUNCTION paysafe.check_names(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH paths AS (
			SELECT d.setrole, s.value, substr(s.value, 13) AS path,
				   coalesce('role ' || quote_ident(a.rolname), 'database') AS whose
			  FROM pg_db_role_setting d LEFT JOIN pg_roles a ON a.oid = d.setrole, unnest(d.setconfig) s(value)
			 WHERE s.value LIKE 'search\_path=%'
			   AND d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
			UNION ALL
			SELECT 0, 'search_path=' || g.reset_val, g.reset_val, 'server' FROM pg_settings g WHERE g.name = 'search_path'
		), words AS (
			SELECT p.*, btrim(x.word, ' "') AS word, x.i
			  FROM paths p, unnest(string_to_array(p.path, ',')) WITH ORDINALITY x(word, i)
		), places AS (
			SELECT w.setrole, w.value, w.path, w.whose, n.oid AS schema, w.i, NULL::name AS of_role
			  FROM words w JOIN pg_namespace n ON n.nspname = w.word
			UNION ALL
			-- "$user" is another schema for each role that has no path of its own
			SELECT w.setrole, w.value, w.path, w.whose, n.oid, w.i, r.rolname
			  FROM words w JOIN pg_roles r ON w.word = '$user' AND r.rolcanlogin
						AND (r.oid = w.setrole OR w.setrole = 0 AND NOT EXISTS (SELECT 1 FROM paths o WHERE o.setrole = r.oid))
				   JOIN pg_namespace n ON n.nspname = r.rolname
		)
		SELECT t.relation::text, 'name', count(w.setting) = 0, string_agg(DISTINCT w.setting, '; ')
		  FROM paysafe.protected_table t JOIN pg_class k ON k.oid = t.relation LEFT JOIN LATERAL (
			SELECT format('%s of %s finds %I.%I first%s: rename it, or take its schema from the path', p.value, p.whose,
						  n.nspname, c.relname, ' for role ' || quote_ident(p.of_role)) AS setting
			  FROM places p JOIN pg_namespace n ON n.oid = p.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = k.relname
				   LEFT JOIN LATERAL (SELECT min(q.i) AS i FROM places q
						WHERE q.value = p.value AND q.whose = p.whose AND q.schema = k.relnamespace) own ON true
			 WHERE n.oid <> k.relnamespace AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
			   AND p.i < coalesce(own.i, CASE WHEN p.of_role IS NULL AND p.whose <> 'server' THEN 1000 ELSE 0 END)
			) w ON true
		 WHERE t.relation = t.root
		 GROUP BY t.relation;
	END;
COMMENT ON FUNCTION paysafe.check_names() IS 'check(): what hides a protected table under its name';

CREATE FUNCTION paysafe.check_settings(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		-- the line of each refusal
		SELECT 'settings', 'log_min_messages', count(s.value) = 0,
			   'the server''s log does not show refusals: ' || string_agg(s.value, '; ')
		  FROM (SELECT 'log_min_messages=' || current_setting('log_min_messages') AS value
				 WHERE current_setting('log_min_messages') IN ('fatal', 'panic')
				UNION ALL
				SELECT format('%s of %s', u.value, coalesce('role ' || quote_ident(a.rolname), 'database'))
				  FROM pg_db_role_setting d LEFT JOIN pg_roles a ON a.oid = d.setrole, unnest(d.setconfig) u(value)
				 WHERE u.value ~* '^log_min_messages=(fatal|panic)$'
				UNION ALL
				SELECT format('%s of function %s', u.value, p.oid::regprocedure) FROM pg_proc p, unnest(p.proconfig) u(value)
				 WHERE u.value ~* '^log_min_messages=(fatal|panic)$'
				UNION ALL
				SELECT 'whoever may set it by a GRANT ... ON PARAMETER log_min_messages' FROM pg_parameter_acl p
				 WHERE p.parname = 'log_min_messages') s
		UNION ALL
		SELECT 'settings', 'log_destination', btrim(current_setting('log_destination')) <> '',
			   CASE WHEN btrim(current_setting('log_destination')) = ''
					THEN 'the server''s log goes nowhere: set log_destination' END
		UNION ALL
		SELECT 'settings', 'session_replication_role', count(s.value) = 0, string_agg(s.value, ', ')
		  FROM (SELECT u.value FROM pg_db_role_setting d, unnest(d.setconfig) u(value)
				 WHERE u.value ~* '^(session_replication_role=replica|(allow_system_table_mods|zero_damaged_pages|ignore_checksum_failure)=(?!(off|false|no|0)$))'
				UNION ALL
				SELECT name || '=' || setting FROM pg_settings
				 WHERE (name = 'session_replication_role' AND setting = 'replica')
					OR (name IN ('allow_system_table_mods', 'zero_damaged_pages', 'ignore_checksum_failure') AND setting = 'on')
				UNION ALL
				SELECT 'granted: ' || p.parname FROM pg_parameter_acl p
				 WHERE p.parname IN ('session_replication_role', 'allow_system_table_mods', 'zero_damaged_pages', 'ignore_checksum_failure')) s
		UNION ALL
		-- what lies above a catalog is written with it
		SELECT 'catalogs', 'alone', count(*) = 0, string_agg(i.inhrelid::regclass || ' inherits from ' || i.inhparent::regclass, '; ')
		  FROM pg_inherits i WHERE i.inhrelid < 16384 OR i.inhparent < 16384;
	END;
COMMENT ON FUNCTION paysafe.check_settings() IS 'check(): settings that switch triggers or the log off';

CREATE FUNCTION paysafe.check_roles(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH state AS MATERIALIZED (
			SELECT * FROM paysafe.library_state()
		), guarded AS (
			SELECT bool_and(s.ok) AS ok FROM state s WHERE s.check_name IN ('library_preloaded', 'hooks')
		), tree AS (
			SELECT c.relowner FROM paysafe.protected_table t JOIN pg_class c ON c.oid = t.relation
		)
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
		SELECT 'role ' || quote_ident(r.rolname), 'replication', true,
			   'replication connections copy the server and load output plugins, which the lockdown does not see'
		  FROM pg_roles r, state l
		 WHERE r.rolcanlogin AND r.rolreplication AND l.check_name = 'superuser_lockdown' AND l.detail = 'on';
	END;
COMMENT ON FUNCTION paysafe.check_roles() IS 'check(): roles that could take the triggers away';

CREATE FUNCTION paysafe.check_partitions(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH parts AS (
			SELECT p.relname, c.oid, c.reloptions, i.bound = 'DEFAULT' AS fallback,
				   (regexp_match(i.bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz AS lower,
				   (regexp_match(i.bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz AS upper
			  FROM pg_class p JOIN pg_inherits h ON h.inhparent = p.oid JOIN pg_class c ON c.oid = h.inhrelid,
				   LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) i
			 WHERE p.relnamespace = 'paysafe'::regnamespace AND p.relkind = 'p'
		)
		-- the next two periods have theirs
		SELECT 'paysafe.' || p.relname, 'partitions', p.ok,
			   coalesce('up to ' || p.upper, 'there are none') || CASE WHEN p.ok THEN '' ELSE
				'; then rows go to the default partition: SELECT paysafe.' ||
				CASE p.relname WHEN 'audit_row' THEN 'extend_audit()' WHEN 'idempotency_response' THEN 'idempotency_expire()'
					ELSE 'queue_expire()' END || ' makes more' END
		  FROM (SELECT d.relname, max(d.upper) AS upper,
					   coalesce(max(d.upper) > clock_timestamp() + 2 * max(d.upper - d.lower), false) AS ok
				  FROM parts d GROUP BY d.relname) p
		UNION ALL
		SELECT p.oid::regclass::text, 'default_partition', NOT w.occupied,
			   CASE WHEN w.occupied THEN 'it has rows, which came when there was no partition for their time, or when the clock was wrong: '
					'they stay readable, but no partition can be made any more for their time and what is before it' END
		  FROM parts p, LATERAL (SELECT paysafe.has_rows(p.oid::regclass) AS occupied) w
		 WHERE p.fallback
		UNION ALL
		-- expiry that nobody calls
		SELECT 'queues', 'expiry', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN format('%s partitions of payloads are a month older than paysafe.queue_keep says: call paysafe.queue_expire() each day; '
					'open and dead events keep theirs', count(*)) END
		  FROM parts p, LATERAL (SELECT coalesce(nullif(current_setting('paysafe.queue_keep', true), ''), '90')::int AS keep) k
		 WHERE p.relname IN ('inbox_payload', 'outbox_payload') AND k.keep >= 0
		   AND p.upper < clock_timestamp() - make_interval(days => k.keep + 30)
		UNION ALL
		-- what was erased is in the files until VACUUM
		SELECT 'erasures', 'vacuum', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN format('rows that were replaced are still in the files: VACUUM %s', string_agg(DISTINCT e.oid::regclass::text, ', ')) END
		  FROM (SELECT p.oid, r.at
				  FROM parts p JOIN paysafe.retention_record r ON r.lower < p.upper AND r.upper >= p.lower
				 WHERE p.relname = 'audit_row' AND r.action = 'erase' AND '{autovacuum_vacuum_threshold=0}' <@ p.reloptions
				UNION ALL
				-- of the index, which is not restored with the records
				SELECT 'paysafe.index_chunk'::regclass, r.at
				  FROM paysafe.retention_record r
				 WHERE r.action = 'erase' AND r.at > (SELECT min(a.at) FROM paysafe.activation a)) e
			   LEFT JOIN pg_stat_all_tables v ON v.relid = e.oid
		 WHERE e.at > coalesce(greatest(v.last_vacuum, v.last_autovacuum), '-infinity')
		UNION ALL
		SELECT 'erasures', 'keys', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN 'keys of nonces that were forgotten are still in the file: VACUUM paysafe.audit_key' END
		  FROM pg_stat_all_tables v WHERE v.relid = 'paysafe.audit_key'::regclass AND v.n_dead_tup > 0
		   AND EXISTS (SELECT 1 FROM paysafe.retention_record r WHERE r.action IN ('erase', 'purge')
						  AND r.at > coalesce(greatest(v.last_vacuum, v.last_autovacuum), '-infinity'))
		UNION ALL
		SELECT 'signals', 'expiry', NOT s.late,
			   CASE WHEN s.late THEN 'signals or decisions are older than 430 days, and no legal hold is in force: call paysafe.signal_expire() each month' END
		  FROM (SELECT (EXISTS (SELECT 1 FROM paysafe.signal_record x WHERE x.at < clock_timestamp() - interval '430 days')
				OR EXISTS (SELECT 1 FROM paysafe.decision_record x WHERE x.at < clock_timestamp() - interval '430 days'))
				AND NOT EXISTS (SELECT 1 FROM paysafe.legal_hold h WHERE h.released_at IS NULL) AS late) s
		UNION ALL
		SELECT 'refusals', 'expiry', NOT r.late,
			   CASE WHEN r.late THEN 'refusals from outside are older than 120 days: call paysafe.refusal_expire() each month' END
		  FROM (SELECT EXISTS (SELECT 1 FROM paysafe.refusal_record x
								WHERE x.outside AND x.at < clock_timestamp() - interval '120 days') AS late) r;
	END;
COMMENT ON FUNCTION paysafe.check_partitions() IS 'check(): partitions that run out, and expiry';

CREATE FUNCTION paysafe.check_work(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT 'maintenance', 'window', count(m.id) = 0,
			   string_agg(format('window %s of %s for %s is %s', m.id, m.actor, m.tables, m.state), '; ')
		  FROM paysafe.maintenance m WHERE m.state <> 'closed'
		UNION ALL
		-- people, once there are any
		SELECT 'people', 'logins', count(*) FILTER (WHERE l.state <> 'in force') = 0,
			   string_agg(format('login %I of %s: %s', l.value, l.person, l.state), '; ' ORDER BY l.value) FILTER (WHERE l.state <> 'in force')
				   || ': whoever changed it could log in as this person; find out who, and let two people confirm it with paysafe.add_alias'
		  FROM paysafe.person_alias l JOIN paysafe.person n ON n.name = l.person AND n.kind = 'person'
		 WHERE l.kind = 'login' HAVING count(*) > 0
		UNION ALL
		SELECT 'people', 'enough_people', count(*) FILTER (WHERE NOT n.disabled) > 2,
			   CASE WHEN count(*) FILTER (WHERE NOT n.disabled) <= 2
					THEN format('%s people are registered and not disabled: register a third one with paysafe.add_person, since changes of people take two', count(*) FILTER (WHERE NOT n.disabled)) END
		  FROM paysafe.person n WHERE n.kind = 'person' HAVING count(*) > 0
		UNION ALL
		-- facts that broke a rule
		SELECT b.relation::text, 'breaches', count(*) FILTER (WHERE b.settled_at IS NULL) = 0,
			   CASE WHEN count(*) FILTER (WHERE b.settled_at IS NULL) > 0
					THEN format('%s facts broke a rule, and nobody has settled them; the first is breach %s, of row %s: look at paysafe.breach, and settle each with paysafe.settle_breach(id, ''why'')',
								count(*) FILTER (WHERE b.settled_at IS NULL), min(b.id) FILTER (WHERE b.settled_at IS NULL),
								(array_agg(b.key ORDER BY b.id) FILTER (WHERE b.settled_at IS NULL))[1]) END
		  FROM paysafe.breach b GROUP BY b.relation
		UNION ALL
		SELECT e.subject, 'approvers', bool_and(e.eligible >= e.approvers),
			   string_agg(format('%s of %s people are left who can approve %s', e.eligible, e.approvers, e.what), '; ' ORDER BY e.what)
					FILTER (WHERE e.eligible < e.approvers)
		  FROM (SELECT l.relation::text AS subject, l.approvers, l.money || coalesce(', band ' || l.band, '') AS what,
					   -- least() passes over what nobody asks for
					   least(CASE WHEN l.approver_identity = 'passkey' THEN k.holders END,
							 CASE WHEN l.approver_group IS NOT NULL OR k.has_group THEN
								  (SELECT count(*) FROM paysafe.person p
									WHERE p.kind = 'person' AND NOT p.disabled AND (NOT k.has_group OR 'approver' = ANY (p.groups))
									  AND (l.approver_group IS NULL OR l.approver_group = ANY (p.groups))) END) AS eligible
				  FROM paysafe.approval_limit l, LATERAL (
					SELECT (SELECT count(DISTINCT lower(y.actor)) FROM paysafe.passkey y
							 WHERE y.state = 'active' AND NOT EXISTS (SELECT 1 FROM paysafe.person_alias a JOIN paysafe.person p ON p.name = a.person
																	   WHERE a.kind = 'name' AND lower(a.value) = lower(y.actor) AND p.disabled)) AS holders,
						   EXISTS (SELECT 1 FROM paysafe.person p WHERE 'approver' = ANY (p.groups)) AS has_group) k
				UNION ALL
				SELECT 'database ' || quote_ident(current_database()), 2, 'changes of rules, by passkey',
					   (SELECT count(DISTINCT lower(y.actor)) FROM paysafe.passkey y WHERE y.state = 'active')
				 WHERE paysafe.required_approver_identity() = 'passkey') e
		 WHERE e.eligible IS NOT NULL GROUP BY e.subject
		UNION ALL
		-- until one that two others have signed takes their place
		SELECT 'passkeys', 'recovered', count(*) FILTER (WHERE y.how IN ('recovery', 'unsigned recovery') AND y.state = 'active') = 0,
			   string_agg(format('passkey %s of %s was enrolled by the owner of the extension, without the signatures of two others%s', y.id, y.actor,
							CASE WHEN y.how = 'unsigned recovery' THEN ' and nobody''s: it signs from ' || y.at + interval '24 hours' || ' on' END), '; ' ORDER BY y.id)
					FILTER (WHERE y.how IN ('recovery', 'unsigned recovery') AND y.state = 'active')
				   || ': let two others sign another one for this person (paysafe.add_passkey), then paysafe.revoke_passkey'
		  FROM paysafe.passkey y HAVING count(*) > 0
		UNION ALL
		-- what was void or expired before it let anything pass asks for nothing
		SELECT g.relation::text, 'break_glass', count(*) FILTER (WHERE g.waits) = 0,
			   CASE WHEN count(*) FILTER (WHERE g.waits) > 0
					THEN format('one person has let %s pass, and nobody has looked at it in time; the first is row %s: look at paysafe.break_glass_use, then paysafe.review_break_glass(%s, ''right'' or ''wrong'', ''why'')',
								CASE count(*) FILTER (WHERE g.waits) WHEN 1 THEN '1 row' ELSE count(*) FILTER (WHERE g.waits) || ' rows' END,
								(array_agg(g.key ORDER BY g.approval) FILTER (WHERE g.waits))[1],
								min(g.approval) FILTER (WHERE g.waits)) END
		  FROM (SELECT b.relation, b.approval, b.key,
					   b.review_until < clock_timestamp() AND e.outcome = 'used' AND v.approval IS NULL AS waits
				  FROM paysafe.break_glass_record b LEFT JOIN paysafe.break_glass_review v ON v.approval = b.approval
					   LEFT JOIN paysafe.approval_end e ON e.approval = b.approval) g GROUP BY g.relation
		UNION ALL
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
		SELECT 'webhooks ' || quote_ident(w.endpoint), 'definitions', t.trouble IS NULL, t.trouble
		  FROM paysafe.webhook_endpoints w, LATERAL (SELECT paysafe.webhook_trouble(w.endpoint) AS trouble OFFSET 0) t
		UNION ALL
		SELECT 'signed requests ' || quote_ident(c.client), 'live_key', k.live,
			   CASE WHEN NOT k.live THEN 'without a key that has not ended, everything is refused' END
		  FROM paysafe.request_client c
			   CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM paysafe.request_keys r
													WHERE r.client = c.client AND r.live) AS live) k
		 WHERE NOT c.revoked
		UNION ALL
		SELECT 'idempotency', 'expiry', NOT r.late,
			   CASE WHEN r.late THEN 'responses expired weeks ago and are still there: nobody calls idempotency_expire' END
		  FROM (SELECT EXISTS (SELECT 1 FROM paysafe.idempotency_response x
								WHERE x.expires_at < clock_timestamp() - interval '14 days') AS late) r
		 WHERE EXISTS (SELECT 1 FROM paysafe.idempotency_endpoint);
	END;
COMMENT ON FUNCTION paysafe.check_work() IS 'check(): windows, events that nobody works on, services';

CREATE FUNCTION paysafe.check_seal(OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		-- long enough for the longest transaction of an ordinary day; not where nobody has ever sealed, nor would
		SELECT 'seal', 'sealed', w.ok,
			   CASE WHEN NOT w.ok THEN
				format('%s rows of the audit log are not sealed, the first for %s s: ', s.rows_waiting, s.lag_seconds::bigint) ||
				CASE WHEN s.held_back_by_pid IS NOT NULL THEN format('the transaction of process %s in database %I is in progress', s.held_back_by_pid, s.held_back_in_database)
					WHEN s.held_back_by_prepared IS NOT NULL THEN format('prepared transaction %L in database %I waits to be committed or rolled back', s.held_back_by_prepared, s.held_back_in_database)
					ELSE 'nobody seals them; SELECT paysafe.seal() does' END END
		  FROM paysafe.seal_status s, LATERAL (SELECT s.lag_seconds < 300 OR s.incarnation IS NULL AND NOT EXISTS (
				SELECT 1 FROM paysafe.library_state() l WHERE l.check_name = 'library_preloaded' AND l.ok) AS ok) w
		UNION ALL
		SELECT 'seal', 'sealer_runs', w.trouble IS NULL, w.trouble
		  FROM (SELECT paysafe.sealer_trouble() AS trouble) w
		UNION ALL
		SELECT 'seal', 'seal_tree', w.trouble IS NULL, w.trouble || ': SELECT * FROM paysafe.verify() says more'
		  FROM (SELECT paysafe.seal_trouble() AS trouble) w
		UNION ALL
		SELECT 'seal', 'seal_findings', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN
				format('%s findings when rows were sealed, the first of %stransaction %s: %s; all are in paysafe.seal_finding', count(*),
					   (array_agg(CASE WHEN f.seq > 0 THEN format('row %s of ', f.seq) ELSE '' END ORDER BY f.incarnation, f.index))[1], (array_agg(f.xid ORDER BY f.incarnation, f.index))[1],
					   (array_agg(f.finding ORDER BY f.incarnation, f.index))[1]) END
		  FROM paysafe.seal_finding f
		UNION ALL
		-- of each month its first block: who changes a key changes the nonces of all that came before
		SELECT 'seal', 'audit_keys', count(*) = 0,
			   CASE WHEN count(*) > 0 THEN
				format('%s rows at the beginning of their month do not agree with their leaf_check, the first of them row %s of transaction %s: they were changed, or the key in paysafe.audit_key that their nonces are derived from was; SELECT * FROM paysafe.verify() says more',
					   count(*), (array_agg(r.seq ORDER BY r.at, r.seq))[1], (array_agg(r.xid ORDER BY r.at, r.seq))[1]) END
		  FROM paysafe.audit_row r
		 WHERE r.ctid < '(1,0)'::tid AND r.nonce IS NOT NULL
		   AND r.leaf_check IS DISTINCT FROM paysafe.audit_leaf_check(r, (SELECT s.digest FROM paysafe.audit_shape s WHERE s.id = r.shape LIMIT 1))
		UNION ALL
		-- slower, not wrong; red if somebody has deleted rows of it
		SELECT 'history', 'index', t.trouble IS NULL,
			   CASE WHEN t.trouble IS NOT NULL THEN t.trouble WHEN w.blocks > 8 THEN
				format('%s of the audit log are not in its index: history looks into all of it; SELECT paysafe.index_audit()', pg_size_pretty(w.blocks * w.size)) END
		  FROM (SELECT coalesce(sum(greatest(pg_relation_size(i.inhrelid) / z.size - coalesce(p.indexed, 0), 0)), 0) AS blocks, max(z.size) AS size
				  FROM pg_inherits i CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) z
					   LEFT JOIN paysafe.index_progress p ON p.partition = i.inhrelid AND p.filenode = pg_relation_filenode(i.inhrelid)
				 WHERE i.inhparent = 'paysafe.audit_row'::regclass) w,
			   LATERAL (SELECT paysafe.audit_index_trouble() AS trouble OFFSET 0) t
		UNION ALL
		SELECT 'seal', 'checkpoints_published', w.trouble IS NULL OR w.trouble LIKE 'off: %', w.trouble
		  FROM (SELECT paysafe.publisher_trouble() AS trouble) w;
	END;
COMMENT ON FUNCTION paysafe.check_seal() IS 'check(): whether the audit log is sealed, published and indexed';

CREATE FUNCTION paysafe.check_own(whole boolean, OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text) RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_check_own';
COMMENT ON FUNCTION paysafe.check_own(boolean) IS 'check(): whether rows of paysafe''s own tables are what the audit log says; whole: old rows of large tables, too';

CREATE FUNCTION paysafe.check(
	reconcile boolean DEFAULT false,
	OUT subject text, OUT check_name text, OUT ok boolean, OUT detail text
) RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- the query is long, and has little to do
	SET jit = off
	AS 'MODULE_PATHNAME', 'paysafe_check';
COMMENT ON FUNCTION paysafe.check(boolean) IS 'is every promise in force now? reconcile: also whether rows are what the audit log says';
