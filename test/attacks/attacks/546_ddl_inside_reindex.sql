-- id: 546
-- role: superuser
-- category: trigger-ddl
-- expect: must be blocked
-- how: a function in an index expression runs while REINDEX, which may touch what DDL may not, is under way
-- counter: only the innermost statement counts as upkeep
CREATE FUNCTION pay.evil(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	BEGIN EXECUTE 'ALTER TABLE pay.payment DISABLE TRIGGER ALL'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'DROP TRIGGER paysafe ON pay.payment'; EXCEPTION WHEN OTHERS THEN NULL; END;
	RETURN x;
END $$;
CREATE TABLE pay.lure (id int);
INSERT INTO pay.lure VALUES (1);
CREATE INDEX lure_index ON pay.lure (pay.evil(id));
REINDEX TABLE pay.lure;
VACUUM FULL pay.lure;
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'captured' THEN 'BYPASSED' ELSE 'HELD' END;
