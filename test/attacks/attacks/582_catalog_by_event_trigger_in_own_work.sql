-- id: 582
-- role: superuser
-- category: catalog
-- expect: must be blocked
-- how: an event trigger that fires within the guard's own CREATE TRIGGER writes rows of pg_trigger
-- counter: catalog rows are never the guard's own work
CREATE FUNCTION public.inside() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE pg_catalog.pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'pay.payment'::regclass; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE EVENT TRIGGER inside ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION public.inside();
CREATE TABLE pay.other (id int PRIMARY KEY);
DO $$ BEGIN EXECUTE 'SELECT paysafe.protect_append_only(''pay.other'')'; EXCEPTION WHEN undefined_function OR invalid_schema_name THEN CREATE TRIGGER t AFTER INSERT ON pay.other FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); END $$;
\c
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured' THEN 'BYPASSED' ELSE 'HELD' END;
