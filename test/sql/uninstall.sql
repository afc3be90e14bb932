-- The extension does not go by accident, and leaves nothing.
CREATE TABLE t_uninstall (id int PRIMARY KEY);
SELECT paysafe.protect_append_only('t_uninstall');
SELECT count(*) > 0 AS protected FROM pg_trigger WHERE tgrelid = 't_uninstall'::regclass AND tgname LIKE 'paysafe%';
\set VERBOSITY terse
DROP EXTENSION paysafe;		-- fails
SET client_min_messages = error;
DROP EXTENSION paysafe CASCADE;
RESET client_min_messages;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 't_uninstall'::regclass;
SELECT to_regnamespace('paysafe');
UPDATE t_uninstall SET id = 1;
-- and it can come back
CREATE EXTENSION paysafe;
SELECT paysafe.protect_append_only('t_uninstall');
INSERT INTO t_uninstall VALUES (1);
DELETE FROM t_uninstall;	-- fails
