-- id: 581
-- role: owner
-- category: privilege
-- expect: must be blocked
-- how: the owner puts a function into a CHECK, a default and a trigger of a protected table; a superuser writes there and makes the owner one
-- counter: in functions of roles that are no superusers nobody is made more powerful
CREATE FUNCTION pay.gift() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'ALTER ROLE pay_owner SUPERUSER'; RETURN true; EXCEPTION WHEN insufficient_privilege THEN RETURN true; END $$;
CREATE FUNCTION pay.gift_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pay.gift(); RETURN NULL; END $$;
ALTER TABLE pay.wallet ADD CONSTRAINT gift CHECK (pay.gift());
ALTER TABLE pay.dispute ADD COLUMN gift boolean DEFAULT pay.gift();
CREATE TRIGGER gift AFTER UPDATE ON pay.payout FOR EACH STATEMENT EXECUTE FUNCTION pay.gift_trigger();
\c - pay_super
BEGIN; INSERT INTO pay.wallet SELECT * FROM pay.wallet LIMIT 1 ON CONFLICT DO NOTHING; COMMIT;
BEGIN; UPDATE pay.payout SET status = status; COMMIT;
SELECT CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = 'pay_owner') THEN 'BYPASSED' ELSE 'HELD' END;
