-- refusals are written within a second
select pg_sleep(0.4) where current_database() <> 'rt_kept';
select format('%s %s %s %s', at, rule, sqlstate, message) from paysafe.refusal_log order by at;
