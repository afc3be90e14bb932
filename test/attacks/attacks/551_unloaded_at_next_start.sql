-- id: 551
-- role: superuser
-- category: config-tamper
-- expect: must be blocked
-- how: the server forgets the library at its next start: ALTER SYSTEM from a database without the extension
-- counter: settings of the server are guarded in every database
\c postgres
ALTER SYSTEM SET shared_preload_libraries = '';
ALTER SYSTEM RESET ALL;
ALTER SYSTEM SET session_replication_role = 'replica';
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' AND name IN ('shared_preload_libraries', 'session_replication_role')) THEN 'BYPASSED' ELSE 'HELD' END;
ALTER SYSTEM RESET shared_preload_libraries;
ALTER SYSTEM RESET session_replication_role;
