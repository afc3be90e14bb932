\ir naive_verify.sql
-- and what paysafe itself would say, on a copy of the server too
SELECT 'C ' || subject || ' ' || check_name || ': ' || detail FROM paysafe.check(true) WHERE NOT ok;
