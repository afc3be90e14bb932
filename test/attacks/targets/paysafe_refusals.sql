-- refusals are written within a second: wait until none waits for its record
do $$
begin
	for i in 1..3000 loop
		exit when (select sum(m.value) from paysafe.meter() m where m.name = 'paysafe_refusals_waiting') = 0;
		perform pg_sleep(0.02);
	end loop;
end $$;
select format('%s %s %s %s', at, rule, sqlstate, message) from paysafe.refusal_log order by at;
