-- id: 550
-- role: owner
-- category: table-ddl
-- expect: must be blocked
-- how: the table is dropped through something else: its schema's owner, an extension that owns it, a type
-- counter: cascades raise a drop of the table, whatever started them
CREATE TYPE pay.t AS (id bigint);
ALTER TABLE pay.ledger_entry OF pay.t;
DROP TYPE pay.t CASCADE;
DROP SCHEMA pay CASCADE;
DO $$ BEGIN EXECUTE 'DROP TABLE pay.ledger_entry, pay.payment CASCADE'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
SELECT CASE WHEN to_regclass('pay.ledger_entry') IS NULL OR to_regclass('pay.payment') IS NULL THEN 'BYPASSED' ELSE 'HELD' END;
