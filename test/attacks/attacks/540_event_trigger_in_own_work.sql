-- id: 540
-- role: superuser
-- category: trigger-ddl
-- expect: must be blocked
-- how: an event trigger acts inside paysafe's own DDL: while a declaration creates its triggers, it disables those of another table
-- counter: what is fired within own work is not own work
CREATE FUNCTION public.inside() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN ALTER TABLE pay.payment DISABLE TRIGGER ALL; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE EVENT TRIGGER inside ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION public.inside();
CREATE TABLE pay.other (id int PRIMARY KEY);
DO $$ BEGIN EXECUTE 'SELECT paysafe.protect_append_only(''pay.other'')'; EXCEPTION WHEN undefined_function OR invalid_schema_name THEN CREATE TRIGGER t AFTER INSERT ON pay.other FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); END $$;
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured' THEN 'BYPASSED' ELSE 'HELD' END;
