\ir naive_verify.sql
SELECT 'C ' || subject || ' ' || check_name || ': ' || detail FROM paysafe.check(true)
 WHERE NOT ok;
