-- What must hold for every object of the extension, whatever it is for.
BEGIN;
SELECT plan(20);

-- row types of tables and arrays are members from PostgreSQL 17 on
CREATE TEMP VIEW member AS
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS description
	  FROM pg_depend d LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
		   LEFT JOIN pg_type e ON e.oid = t.typelem
	 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'paysafe')
	   AND coalesce(nullif(t.typrelid, 0), e.oid) IS NULL;

-- partitions of the audit log are no members, but ours all the same
SELECT lives_ok('SELECT paysafe.extend_audit(3)', 'the audit log has partitions');
CREATE TEMP VIEW own AS
	SELECT c.oid, c.relname, c.relkind, c.relowner, c.relpersistence,
		   EXISTS (SELECT 1 FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid) AS member
	  FROM pg_class c WHERE c.relnamespace = 'paysafe'::regnamespace;

-- The schema
SELECT is_empty(
	$$SELECT m.description FROM member m, pg_identify_object(m.classid, m.objid, 0) o
	   WHERE o.schema IS DISTINCT FROM 'paysafe' AND m.classid NOT IN ('pg_namespace'::regclass, 'pg_cast'::regclass)$$,
	'no member lies outside the schema');
SELECT ok(NOT extrelocatable, 'the extension cannot be moved') FROM pg_extension WHERE extname = 'paysafe';
SELECT is_empty(
	$$SELECT relname FROM own WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT member AND relname !~ '^audit_(default|\d{4}_\d\d)$'$$,
	'nothing in the schema that is neither a member nor a partition of the audit log');
SELECT is_empty(
	$$SELECT relname FROM own WHERE member AND relname ~ '^audit_(default|\d{4}_\d\d)$'$$,
	'partitions of the audit log are not members, or pg_dump would lose them');

-- Functions
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace AND p.prosecdef
		AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%')$$,
	'no SECURITY DEFINER function without its own search_path');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	   WHERE p.pronamespace = 'paysafe'::regnamespace AND l.lanname NOT IN ('c', 'internal')
		 AND NOT (p.prosqlbody IS NOT NULL AND EXISTS (SELECT 1 FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%'))$$,
	'SQL functions are parsed when created, and have their own search_path');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace
		AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
		AND (p.probin <> '$libdir/paysafe' OR p.prosrc <> 'paysafe_' || p.proname)$$,
	'C functions come from this library, under names with its prefix');
SELECT set_eq(
	$$SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace
		AND (p.proleakproof OR p.provolatile = 'i')$$,
	ARRAY['paysafe.alarms_in(bigint[],bigint[],integer)', 'paysafe.api_key_is_well_formed(text)', 'paysafe.cron_distance(text)', 'paysafe.has_card_number(text)', 'paysafe.json_fault(paysafe.payload,paysafe.payload)',
		'paysafe.json_valid(paysafe.payload,paysafe.payload)', 'paysafe.ip_is_public(inet)',
		'paysafe.mask_url(text)', 'paysafe.of_tenant(bigint,bigint,boolean)', 'paysafe.of_tenant(integer,integer,boolean)',
		'paysafe.of_tenant(smallint,smallint,boolean)', 'paysafe.of_tenant(text,text,boolean)', 'paysafe.of_tenant(uuid,uuid,boolean)',
		'paysafe.of_tenant_support(internal)', 'paysafe.redact(jsonb)', 'paysafe.redact(text)',
		'paysafe.sealed_by(bytea)', 'paysafe.url_check(text)',
		'paysafe.verify_assertion(bytea,bytea,bytea,bytea,bytea,text,text[],boolean,text[])'],
	'no function claims to be leakproof, nor immutable but those that look at their arguments only');

-- Comments
SELECT is_empty(
	$$SELECT m.description FROM member m WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL$$,
	'every member is commented');

-- Tables
SELECT is_empty(
	$$SELECT relname FROM own WHERE relkind IN ('r', 'p', 'v', 'S', 'i', 'I')
		AND relowner <> (SELECT extowner FROM pg_extension WHERE extname = 'paysafe')$$,
	'the extension''s owner owns every table, view, sequence and index');
SELECT is_empty(
	$$SELECT relname FROM own WHERE relkind IN ('r', 'p', 'S', 'i', 'I') AND relpersistence <> 'p'$$,
	'all of it survives a crash');
SELECT set_eq(
	$$SELECT o.relname FROM own o WHERE o.member AND o.relkind IN ('r', 'p', 'S')
		AND o.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'paysafe')
		AND NOT EXISTS (SELECT 1 FROM pg_extension e, unnest(e.extconfig, e.extcondition) d (relid, condition)
						 WHERE e.extname = 'paysafe' AND d.relid = 'paysafe.dumped_row'::regclass
						   AND d.condition LIKE '%FROM paysafe.' || o.relname || ' r%')$$,
	ARRAY['activation', 'audit_row', 'capture_total', 'entry_total', 'erasure_request', 'fixture_block', 'idempotency_response', 'inbox_payload', 'index_chunk', 'index_progress', 'index_run', 'outbox_payload', 'passkey_challenge', 'redaction_key', 'refund_total', 'refund_total_id_seq', 'seal_publisher', 'seal_state', 'test_database', 'validation_part', 'velocity_flow']::name[],
	'pg_dump takes every table and sequence along, but what is of this database only, and the parent of the partitions');
SELECT is_empty(
	$$SELECT a.attrelid::regclass FROM own o JOIN pg_attribute a ON a.attrelid = o.oid
		JOIN pg_extension e ON e.extname = 'paysafe' AND o.oid = ANY (e.extconfig)
	   WHERE a.atttypid IN ('regclass'::regtype, 'regclass[]'::regtype)$$,
	'... and none by a name that the restored database may not know');
SELECT is_empty(
	$$SELECT o.relname, t.name FROM own o, unnest(ARRAY['paysafe_own', 'paysafe_own_truncate']) t(name)
	   WHERE o.relkind = 'r' AND NOT EXISTS (
			SELECT 1 FROM pg_trigger g WHERE g.tgrelid = o.oid AND g.tgname = t.name
			   AND g.tgfoid = 'paysafe.own_table'::regproc AND g.tgqual IS NULL AND g.tgattr = ''
			   -- 31: BEFORE, ROW, INSERT, UPDATE, DELETE; 34: BEFORE, STATEMENT, TRUNCATE
			   AND g.tgtype = CASE t.name WHEN 'paysafe_own' THEN 31 ELSE 34 END)$$,
	'every table and partition refuses what comes by SQL');
SELECT is_empty(
	$$SELECT o.relname, g.tgname FROM own o JOIN pg_trigger g ON g.tgrelid = o.oid WHERE g.tgenabled <> 'A'$$,
	'triggers of own tables fire ALWAYS');
SELECT is_empty(
	$$SELECT o.relname, g.tgname FROM own o JOIN pg_trigger g ON g.tgrelid = o.oid
	   WHERE g.tgname NOT IN ('paysafe_own', 'paysafe_own_truncate')$$,
	'they have no other triggers');
SELECT is_empty(
	$$SELECT o.relname, r.rulename FROM own o JOIN pg_rewrite r ON r.ev_class = o.oid WHERE o.relkind <> 'v'$$,
	'nor rewrite rules');
SELECT is_empty(
	$$SELECT o.relname, c.conname FROM own o JOIN pg_constraint c ON c.conrelid = o.oid
	   WHERE c.contype NOT IN ('p', 'u', 'n') AND NOT (c.contype = 'c' AND o.relkind = 'p')$$,
	'nor constraints that would call a function');
SELECT is_empty(
	$$SELECT o.relname, a.attname FROM own o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type t ON t.oid = a.atttypid
	   WHERE o.relkind IN ('r', 'p') AND t.oid >= 16384$$,
	'nor columns of a type that PostgreSQL did not bring');

SELECT * FROM finish();
ROLLBACK;
