-- id: 617
-- role: superuser
-- category: extension
-- expect: must be blocked
-- how: an event trigger that fires within CREATE EXTENSION makes a function of PostgreSQL's its own, to read files, and renames one that comes with it
-- counter: what scripts of extensions may do is for their own statements
CREATE FUNCTION public.inside() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF to_regprocedure('public.read_any(text)') IS NULL AND current_setting('rt.inside', true) = '1' THEN
		PERFORM set_config('rt.inside', '0', false);
		BEGIN CREATE FUNCTION public.read_any(text) RETURNS text LANGUAGE internal STRICT AS 'pg_read_file_all'; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
		BEGIN ALTER FUNCTION pg_catalog.textne(text, text) RENAME TO texteq_not; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	END IF;
END $$;
CREATE EVENT TRIGGER inside ON ddl_command_end EXECUTE FUNCTION public.inside();
SET rt.inside = '1';
CREATE EXTENSION pgcrypto;
SELECT CASE WHEN to_regprocedure('public.read_any(text)') IS NOT NULL OR to_regprocedure('pg_catalog.textne(text,text)') IS NULL THEN 'BYPASSED' ELSE 'HELD' END;
