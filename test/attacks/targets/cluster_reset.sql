-- undo everything an attack may have done outside its database
SET search_path = pg_catalog; SET client_min_messages=error;
ALTER SYSTEM RESET ALL;
SELECT pg_reload_conf();
ALTER ROLE pay_app RESET ALL; ALTER ROLE pay_app2 RESET ALL; ALTER ROLE pay_owner RESET ALL; ALTER ROLE pay_dba RESET ALL;
ALTER ROLE alice RESET ALL; ALTER ROLE bob RESET ALL; ALTER ROLE pay_super RESET ALL; ALTER ROLE ALL RESET ALL;
ALTER ROLE pay_app NOSUPERUSER NOCREATEDB NOCREATEROLE LOGIN; ALTER ROLE pay_app2 NOSUPERUSER LOGIN; ALTER ROLE pay_owner NOSUPERUSER LOGIN;
ALTER ROLE pay_dba NOSUPERUSER CREATEDB CREATEROLE LOGIN; ALTER ROLE alice NOSUPERUSER LOGIN PASSWORD NULL; ALTER ROLE bob NOSUPERUSER LOGIN PASSWORD NULL;
SELECT current_setting('server_version_num')::int >= 160000 AS new_memberships \gset
\if :new_memberships
SELECT format('REVOKE %I FROM %I GRANTED BY %I CASCADE', a.roleid::regrole, a.member::regrole, a.grantor::regrole) FROM pg_auth_members a
 WHERE a.member::regrole::text IN ('pay_app','pay_app2','pay_owner','pay_dba','alice','bob') \gexec
-- what CREATEROLE meant before: power over all roles but superusers
GRANT pay_app, pay_app2, pay_owner, alice, bob TO pay_dba WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
\else
SELECT format('REVOKE %I FROM %I', r.rolname, m.rolname) FROM pg_auth_members a JOIN pg_roles r ON r.oid=a.roleid JOIN pg_roles m ON m.oid=a.member
 WHERE m.rolname IN ('pay_app','pay_app2','pay_owner','pay_dba','alice','bob') \gexec
\endif
SELECT format('REVOKE ALL ON PARAMETER %I FROM %I', parname, r.rolname) FROM pg_parameter_acl, aclexplode(paracl) e JOIN pg_roles r ON r.oid=e.grantee WHERE r.rolname IN ('pay_app','pay_app2','pay_owner','pay_dba') \gexec
SELECT format('SELECT pg_drop_replication_slot(%L)', slot_name) FROM pg_replication_slots WHERE NOT active \gexec
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', datname) FROM pg_database WHERE datname LIKE 'rt\_x%' \gexec
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'rt\_%' \gexec
