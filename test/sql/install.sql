-- The extension is complete after CREATE EXTENSION, without preloading.
SELECT extversion, n.nspname AS control_schema, extrelocatable
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE extname = 'paysafe';

-- The schema is a member: it goes with the extension, and nobody else made it.
SELECT d.deptype
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.classid = 'pg_namespace'::regclass AND d.objid = 'paysafe'::regnamespace
   AND e.extname = 'paysafe';

-- It cannot be moved: its functions and tables find each other by schema.
ALTER EXTENSION paysafe SET SCHEMA public;		-- fails

-- No member lies outside its schema, but casts, which have none.
SELECT pg_describe_object(classid, objid, 0)
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
 WHERE e.extname = 'paysafe' AND d.deptype = 'e'
   AND (pg_identify_object(classid, objid, 0)).schema IS DISTINCT FROM 'paysafe'
   AND NOT (classid = 'pg_namespace'::regclass)
   AND NOT (classid = 'pg_type'::regclass AND (pg_identify_object(classid, objid, 0)).identity LIKE 'paysafe.%');
