-- Maintenance windows

CREATE SEQUENCE paysafe.maintenance_id_seq;
COMMENT ON SEQUENCE paysafe.maintenance_id_seq IS 'numbers maintenance windows and the changes in them';

CREATE TABLE paysafe.maintenance_record (
	id bigint PRIMARY KEY,
	tables regclass[] NOT NULL,
	reason text NOT NULL,
	ticket text NOT NULL,
	actor text NOT NULL,
	login text NOT NULL,
	session_user_name text NOT NULL,
	client_addr text,
	at timestamptz NOT NULL,
	valid_until timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.maintenance_record IS 'maintenance windows as opened; paysafe.maintenance shows what became of them';

CREATE TABLE paysafe.maintenance_end (
	maintenance bigint PRIMARY KEY,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.maintenance_end IS 'that a maintenance window was closed, its tables complete and valid again';

CREATE TABLE paysafe.maintenance_change (
	id bigint PRIMARY KEY,
	maintenance bigint NOT NULL,
	at timestamptz NOT NULL,
	statement text NOT NULL,
	relation oid NOT NULL,
	table_name text NOT NULL,
	before jsonb,
	after jsonb,
	actor text NOT NULL,
	session_user_name text NOT NULL
);
COMMENT ON TABLE paysafe.maintenance_change IS 'what was changed in maintenance windows: definitions before and after';
COMMENT ON COLUMN paysafe.maintenance_change.after IS 'as paysafe.table_definition describes it; NULL: the table is gone';

--@own_table paysafe.maintenance_record
--@own_table paysafe.maintenance_end
--@own_table paysafe.maintenance_change

-- A table's definition, for comparing: no OIDs but in names
CREATE FUNCTION paysafe.table_definition(relation regclass) RETURNS jsonb
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT jsonb_build_object(
				'name', c.relname, 'schema', c.relnamespace::regnamespace::text,
				'kind', c.relkind, 'persistence', c.relpersistence,
				'owner', pg_get_userbyid(c.relowner), 'acl', c.relacl::text,
				'row_security', jsonb_build_array(c.relrowsecurity, c.relforcerowsecurity),
				'replica_identity', c.relreplident, 'options', c.reloptions,
				'columns', (SELECT jsonb_agg(jsonb_build_object('name', a.attname,
						'type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
						'default', pg_get_expr(d.adbin, d.adrelid), 'generated', a.attgenerated,
						'identity', a.attidentity) ORDER BY a.attnum)
					FROM pg_attribute a
						 LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
				   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
				'constraints', (SELECT jsonb_object_agg(k.conname, pg_get_constraintdef(k.oid))
					FROM pg_constraint k WHERE k.conrelid = c.oid),
				'indexes', (SELECT jsonb_object_agg(i.indexrelid::regclass::text,
						jsonb_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid))
					FROM pg_index i WHERE i.indrelid = c.oid),
				'triggers', (SELECT jsonb_object_agg(t.tgname,
						jsonb_build_array(pg_get_triggerdef(t.oid), t.tgenabled))
					FROM pg_trigger t
				   WHERE t.tgrelid = c.oid AND (NOT t.tgisinternal OR t.tgparentid <> 0)),
				'rules', (SELECT jsonb_object_agg(r.rulename, pg_get_ruledef(r.oid))
					FROM pg_rewrite r WHERE r.ev_class = c.oid),
				'policies', (SELECT jsonb_object_agg(p.polname, jsonb_build_array(p.polcmd,
						p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
						pg_get_expr(p.polwithcheck, p.polrelid)))
					FROM pg_policy p WHERE p.polrelid = c.oid),
				'parents', (SELECT jsonb_agg(h.inhparent::regclass::text ORDER BY h.inhseqno)
					FROM pg_inherits h WHERE h.inhrelid = c.oid),
				'children', (SELECT jsonb_agg(h.inhrelid::regclass::text ORDER BY 1)
					FROM pg_inherits h WHERE h.inhparent = c.oid),
				'bound', pg_get_expr(c.relpartbound, c.oid))
		  FROM pg_class c
		 WHERE c.oid = table_definition.relation;
	END;
COMMENT ON FUNCTION paysafe.table_definition(regclass) IS 'everything that defines a table, for comparing';

CREATE FUNCTION paysafe.open_maintenance(
	reason text,
	ticket text,
	"for" interval,
	tables regclass[] DEFAULT '{}'
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_open_maintenance';
COMMENT ON FUNCTION paysafe.open_maintenance(text, text, interval, regclass[]) IS 'opens a maintenance window for tables; needs the approval of a second person';

CREATE FUNCTION paysafe.close_maintenance() RETURNS integer
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_close_maintenance';
COMMENT ON FUNCTION paysafe.close_maintenance() IS 'closes maintenance windows: completes triggers, shows all rows to all rules';

CREATE VIEW paysafe.maintenance AS
	SELECT m.id, m.tables,
		   CASE WHEN e.maintenance IS NOT NULL THEN 'closed'
				WHEN m.valid_until <= clock_timestamp() THEN 'over, not closed'
				ELSE 'open' END AS state,
		   m.reason, m.ticket, m.actor, m.login, m.session_user_name, m.client_addr,
		   m.at, m.valid_until, e.at AS closed_at, e.actor AS closed_by,
		   (SELECT count(*) FROM paysafe.maintenance_change c WHERE c.maintenance = m.id) AS changes
	  FROM paysafe.maintenance_record m
		   LEFT JOIN paysafe.maintenance_end e ON e.maintenance = m.id;
COMMENT ON VIEW paysafe.maintenance IS 'all maintenance windows and what became of them';
