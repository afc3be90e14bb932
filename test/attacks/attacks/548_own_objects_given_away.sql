-- id: 548
-- role: superuser
-- category: grants-roles
-- expect: must be blocked
-- how: the extension's owner gives paysafe's functions and tables away, one by one
-- counter: own objects are nobody's to alter
ALTER TABLE paysafe.rule OWNER TO pay_owner;
ALTER FUNCTION paysafe.enforce() OWNER TO pay_owner;
ALTER SCHEMA paysafe OWNER TO pay_owner;
ALTER EXTENSION paysafe DROP TABLE paysafe.rule;
SELECT CASE WHEN to_regclass('paysafe.rule') IS NULL THEN 'N/A'
	WHEN pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = to_regclass('paysafe.rule'))) = 'pay_owner'
		OR pg_get_userbyid((SELECT nspowner FROM pg_namespace WHERE nspname = 'paysafe')) = 'pay_owner'
		OR NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = to_regclass('paysafe.rule') AND deptype = 'e') THEN 'BYPASSED' ELSE 'HELD' END;
