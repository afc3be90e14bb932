\ir naive_verify.sql
-- and what paysafe itself would say, on a copy of the server too; the trigger that
-- stands for the application's button (paysafe.sql) is known
SELECT 'C ' || subject || ' ' || check_name || ': ' || detail FROM paysafe.check(true)
 WHERE NOT ok AND (subject, check_name) <> ('pay.approval', 'foreign_triggers');
