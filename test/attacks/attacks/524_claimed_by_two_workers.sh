#!/bin/bash
# id: 524
# role: app
# category: concurrency
# expect: must be blocked
# how: as 289, by an ORM that writes the whole row, by MERGE and by upsert: the loser's no-op must not look like success
# counter: a write whose status somebody else has just moved to the same value is refused for a retry
. "$HERE/lib/common.sh"
both=
n=0
for sql in \
	"WITH u AS (UPDATE pay.refund SET payment_id = 5, amount = 4000, status = 'processed', note = 'w' WHERE id = 2 RETURNING 1) SELECT 'won' FROM u;" \
	"INSERT INTO pay.payment(id, amount) VALUES (2, 500) ON CONFLICT (id) DO UPDATE SET status = 'authorized' RETURNING 'won';" \
	"DO \$\$BEGIN MERGE INTO pay.payment p USING (VALUES (3)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET status = 'captured', captured_amount = 800; RAISE NOTICE 'won'; END\$\$;"
do
	n=$((n + 1))
	sq pay_app >"$RT/work/w1" 2>&1 <<<"BEGIN; $sql
\\! : >$SAID/claimed$n
$UNTIL_WAITED_FOR COMMIT;" &
	heard claimed$n
	sq pay_app >"$RT/work/w2" 2>&1 <<<"SET lock_timeout = '5s'; $sql"
	wait
	cat "$RT/work/w1" "$RT/work/w2"
	if grep -q won "$RT/work/w1" && grep -q won "$RT/work/w2"; then both="$both $n"; fi
done
echo "both won:$both"
verdict "$([ -z "$both" ] || echo t)"
