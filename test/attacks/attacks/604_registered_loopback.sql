-- id: 604
-- role: app
-- category: identity
-- expect: must be blocked
-- how: dblink and a foreign table of the server to itself bring the approval over an approver's login
-- counter: the kernel says which process connected, and the server knows its own
\c - pay_super
:ENROL ;
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
SELECT format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
CREATE USER MAPPING FOR pay_app SERVER loop OPTIONS (user 'bob', password_required 'false');
CREATE FOREIGN TABLE app_scratch.approval_f (refund_id bigint, amount numeric, currency text) SERVER loop OPTIONS (schema_name 'pay', table_name 'approval');
GRANT INSERT ON app_scratch.approval_f TO pay_app;
\c - alice
INSERT INTO pay.refund(id, payment_id, amount) VALUES (70, 5, 3000);
\c - pay_app
INSERT INTO app_scratch.approval_f VALUES (70, 3000, 'USD');
\c - pay_super
SELECT dblink_exec(format('host=%s port=%s dbname=%s user=bob', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()),
	$$INSERT INTO pay.approval(refund_id, amount, currency) VALUES (70, 3000, 'USD')$$);
\c - alice
UPDATE pay.refund SET status = 'approved' WHERE id = 70;
SELECT CASE WHEN (SELECT status FROM pay.refund WHERE id = 70) = 'approved' THEN 'BYPASSED' ELSE 'HELD' END;
