# Tables and bars from the raw figures of bench/run.
#
# part = update | copy | memory | curve | commit | refund | many: that part's table;
# bars: the figures that have a bar; points: "variant rows microseconds" of the
# curve.  The raw figures:
#
#	update|copy VARIANT ROUND ms		memory VARIANT ROWS kB
#	curve VARIANT ROUND ROWS STATEMENTS ms
#	many VARIANT ROUND ROWS ms
#	keys WHAT_KEYS[_bare] ROUND CPU-ms		observe WHAT_MODE ROUND CPU-ms
#	instructions keys|observe WHAT_VARIANT number
#	growth VARIANT TRANSACTIONS bytes
#	ledger_growth WHAT TIMES ms
#	queue VARIANT STATE ROUND ms
#	verify|begin VARIANT ROUND ms
#	sealing bulk|verify MILLION LEAVES ms	proof leaf MILLION PROOFS ms	lag SECOND seconds rows
#	evidence hash|verify ROUND LEAVES CPU-seconds
#	reconcile VARIANT ROUND ROWS ms		reconcile_peak VARIANT 1 ROWS kB
#	image bytes|dumpedINSERTS 1 OURS THEIRS		index VARIANT IMAGES ms
#	commit|refund|api_key|webhook|idempotency|history VARIANT ROUND CLIENTS tps CPU-microseconds
#
# Medians throughout; ratios are of figures of the same round.

function sort(a, n,    i, j, v) {
	for (i = 2; i <= n; i++) {
		v = a[i]
		for (j = i - 1; j >= 1 && a[j] > v; j--) a[j + 1] = a[j]
		a[j + 1] = v
	}
}

# The list that add() filled: its median, and the spread around it
function add(v) { list[++count] = v }
function median(    m) {
	if (!count) return 0
	sort(list, count)
	m = count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
	spread = sprintf("%.2f..%.2f", list[1], list[count])
	count = 0
	return m
}

# Median microseconds per row of a variant of a bulk part, less what the
# variant base takes in the same round
function per_row(p, variant, base,    r) {
	for (r = 1; (p, variant, r) in ms; r++)
		add((ms[p, variant, r] - (base == "" ? 0 : ms[p, base, r])) * 1000 / rows)
	return median()
}

# Median of what a adds over what b adds
function added_ratio(p, a, b,    r) {
	for (r = 1; (p, a, r) in ms && (p, b, r) in ms; r++)
		add((ms[p, a, r] - ms[p, "bare", r]) / (ms[p, b, r] - ms[p, "bare", r]))
	return median()
}

# What a rule adds: the median with it, less the median without, of all rounds or of each third one
function cost_added(p, what, variant, bare, part,    r, with) {
	for (r = 1; (p, what "_" variant, r) in ms; r++)
		if (part < 0 || r % 3 == part) add(ms[p, what "_" variant, r])
	with = median()
	for (r = 1; (p, what "_" bare, r) in ms; r++)
		if (part < 0 || r % 3 == part) add(ms[p, what "_" bare, r])
	return with - median()
}

# What it adds one way over what it adds another; the spread is over three parts of the rounds
function cost_ratio(p, what, a, a_bare, b, b_bare,    i, lowest, highest, v) {
	for (i = 0; i < 3; i++) {
		v = cost_added(p, what, a, a_bare, i) / cost_added(p, what, b, b_bare, i)
		if (i == 0 || v < lowest) lowest = v
		if (i == 0 || v > highest) highest = v
	}
	v = cost_added(p, what, a, a_bare, -1) / cost_added(p, what, b, b_bare, -1)
	spread = sprintf("%.2f..%.2f", lowest, highest)
	return v
}

function keys_ratio(what) { return cost_ratio("keys", what, "two", "two_bare", "one", "one_bare") }
function observe_ratio(what) { return cost_ratio("observe", what, "observe", "bare", "enforce", "bare") }

function cost_us(p, variant,    r) {
	for (r = 1; (p, variant, r) in ms; r++) add(ms[p, variant, r] * 1000 / cost_rows)
	return median()
}

function velocity_us(variant) { return cost_us("velocity", variant) - cost_us("velocity", "bare") }

# The same of instructions, which are counted once
function counted_keys(what) {
	return (counted["keys", what "_two"] - counted["keys", what "_two_bare"]) / (counted["keys", what "_one"] - counted["keys", what "_one_bare"])
}
function counted_observe(what) {
	return (counted["observe", what "_observe"] - counted["observe", what "_bare"]) / (counted["observe", what "_enforce"] - counted["observe", what "_bare"])
}

function tps_median(p, variant, clients,    r) {
	for (r = 1; (p, variant, clients, r) in tps; r++) add(tps[p, variant, clients, r])
	return median()
}

# The longest of the last third
function lag_late(    i, most) {
	for (i = int(nlag * 2 / 3) + 1; i <= nlag; i++)
		if (lags[i] > most) most = lags[i]
	return most + 0
}

# Leaves per second of the processor
function evidence_rate(what,    r) {
	for (r = 1; (what, r) in evidence; r++) add(evidence[what, r])
	return median()
}

function cpu_median(p, variant, clients,    r) {
	for (r = 1; (p, variant, clients, r) in cpu; r++) add(cpu[p, variant, clients, r])
	return median()
}

function tps_ratio(p, a, b, clients,    r) {
	for (r = 1; (p, a, clients, r) in tps && (p, b, clients, r) in tps; r++)
		add(tps[p, a, clients, r] / tps[p, b, clients, r])
	return median()
}

function cpu_ratio(p, a, b, clients,    r) {
	for (r = 1; (p, a, clients, r) in cpu && (p, b, clients, r) in cpu; r++)
		add(cpu[p, a, clients, r] / cpu[p, b, clients, r])
	return median()
}

function verify_us(variant,    r) {
	for (r = 1; ("verify", variant, r) in ms; r++) add(ms["verify", variant, r] / 20)
	return median()
}

function verify_ratio(variant,    r) {
	for (r = 1; ("verify", variant, r) in ms; r++) add(ms["verify", variant, r] / ms["verify", "hmac", r])
	return median()
}

function begin_us(variant,    r) {
	for (r = 1; ("begin", variant, r) in ms; r++) add(ms["begin", variant, r])
	return median()
}

function begin_ratio(    r) {
	for (r = 1; ("begin", "paysafe", r) in ms; r++) add(ms["begin", "paysafe", r] / ms["begin", "bare", r])
	return median()
}

function curve_us(variant, n,    r) {
	for (r = 1; (variant, r, n) in curve; r++) add(curve[variant, r, n])
	return median()
}

function many_ms(variant, n,    r) {
	for (r = 1; (variant, r, n) in many; r++) add(many[variant, r, n])
	return median()
}

function queue_us(variant, state,    r) {
	for (r = 1; (variant, state, r) in queue; r++) add(queue[variant, state, r])
	return median()
}

function line(text, p, variant) {
	printf "  %-44s %7.2f", text, per_row(p, variant)
	if (variant == "bare") printf "\n"
	else printf "   %+7.2f   %s\n", per_row(p, variant, "bare"), spread
}

# ops: a fixed number of operations, or as many as the size says
function growth_us(what, size, ops) { return ms["ledger_growth", what, size] * 1000 / (ops ? ops : base * size) }
function growth_line(text, what, ops) {
	printf "  %-50s %9.1f %9.1f %9.1f %14.2f\n", text, growth_us(what, 1, ops), growth_us(what, 10, ops), \
		growth_us(what, 100, ops), growth_us(what, 100, ops) / growth_us(what, 1, ops)
}

# Median microseconds per row added to a tree of so many children
function tree_us(n,    r) {
	for (r = 1; ("tree_growth", "row", r, n) in ms; r++) add(ms["tree_growth", "row", r, n] * 10)
	return median()
}

# Median microseconds per row that is compared with the log
function reconciled_us(n,    r) {
	for (r = 1; (n, r) in reconciled; r++) add(reconciled[n, r] * 1000 / n)
	return median()
}

function thousands(n,    s) {
	for (s = ""; n >= 1000; n = int(n / 1000)) s = sprintf(",%03d", n % 1000) s
	return n s
}

# reached: is a at least as good as b?  sign is 1 where more is better.
function bar(text, format, value, bar_value, aim_value, sign,    state) {
	state = (value - aim_value) * sign >= 0 ? "PASS, aim reached" : \
			(value - bar_value) * sign >= 0 ? "PASS" : "MISS"
	printf "  %-48s " format "   bar " format "   aim " format "   %s\n", \
		text, value, bar_value, aim_value, state
}

$1 == "update" || $1 == "copy" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "image" { image[$2] = $4 / $5; image_ours[$2] = $4; image_theirs[$2] = $5 }
$1 == "index" { images = $3; filled[$2] = $4 }
$1 == "memory" { kb[$2, $3] = $4; if (!($3 in seen)) { seen[$3] = 1; sizes[++nsizes] = $3 } have[$1] = 1 }
$1 == "curve" { curve[$2, $3, $4] = $6 * 1000 / ($4 * $5); if ($4 > top) top = $4; have[$1] = 1 }
$1 == "many" { many[$2, $3, $4] = $5; have[$1] = 1 }
$1 == "keys" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "observe" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "entry" || $1 == "card" { ms[$1, $2, $3] = $4; have["posting"] = 1 }
$1 ~ /^post_/ || $1 == "fee" { tps[$1, $2, $4, $3] = $5; cpu[$1, $2, $4, $3] = $6 }
$1 == "verify" || $1 == "begin" { ms[$1, $2, $3] = $4 }
$1 == "commit" || $1 == "seal" || $1 == "refund" || $1 == "api_key" || $1 == "throttle" || $1 == "webhook" || $1 == "idempotency" || $1 == "history" { tps[$1, $2, $4, $3] = $5; cpu[$1, $2, $4, $3] = $6; have[$1] = 1 }
$1 == "sealing" && $2 == "bulk" { sealed_rate[$3] = $4 / $5 * 1000; if ($3 > nsealed) nsealed = $3 }
$1 == "sealing" && $2 == "verify" { verify_rate = $4 / $5 * 1000 }
$1 == "proof" { proof_us[$3] = $5 * 1000 / $4 }
$1 == "lag" { nlag = $2; if ($3 > lag_most) lag_most = $3; if ($4 > lag_rows) lag_rows = $4; lags[$2] = $3 }
$1 ~ /^idle_/ { tps[$1, $2, $4, $3] = $5; cpu[$1, $2, $4, $3] = $6; have["idle"] = 1 }
$1 == "queue" { queue[$2, $3, $4] = $5 / 2; have[$1] = 1 }
$1 == "evidence" && $5 > 0 { evidence[$2, $3] = $4 / $5; evidence_leaves = $4; have[$1] = 1 }
$1 == "velocity" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "throttle_keys" { throttle_ms[$3] = $4; throttle_millions = $3 }
$1 == "throttle_bytes" { throttle_bytes = $2; throttle_forgotten = $3 }
$1 == "passkey" {
	if (!($2 in verified)) passkey_name[++npasskeys] = $2
	if ($4 > verified[$2]) verified[$2] = $4
	if ($5 > openssl[$2]) openssl[$2] = $5
	have[$1] = 1
}
$1 == "tree_growth" { ms[$1, $2, $3, $4] = $5; have[$1] = 1 }
$1 == "rule_growth" || $1 == "life_growth" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "ledger_growth" { ms[$1, $2, $3] = $4; have[$1] = 1 }
$1 == "reconcile" { reconciled[$4, $3] = $5; if (!($4 in sized)) { sized[$4] = 1; size[++nsize] = $4 } have[$1] = 1 }
$1 == "reconcile_peak" { peaked[$4] = $5 / 1024 }
$1 == "growth" { growth[$2] = $4 / 1024 }
$1 == "instructions" { counted[$2, $3] = $4; have[$1] = 1 }

END {
	ncosts = split("status audit refund entry move", cost_name, " ")
	split("statuses updated|rows audited|refunds|ledger entries|entries that move accounts", cost_label, "|")
	if (part == "update") {
		printf "\nUPDATE of %s rows, microseconds per row          added   lowest..highest\n", thousands(rows)
		line("no rule", part, "bare")
		line("status, paysafe", part, "status")
		line("status, PL/pgSQL", part, "pl_status")
		line("audit + leaf hash, paysafe", part, "audit")
		line("status + audit + leaf hash, paysafe", part, "paysafe")
		line("status + jsonb audit, PL/pgSQL", part, "pl_audit")
		line("status + jsonb audit + hash, PL/pgSQL", part, "pl_hashed")
		printf "  the audit's share: paysafe %.2f, PL/pgSQL %.2f, with hash %.2f\n", \
			per_row(part, "paysafe", "status"), per_row(part, "pl_audit", "pl_status"), \
			per_row(part, "pl_hashed", "pl_status")
	}
	if (part == "copy") {
		printf "\nCOPY of %s rows, microseconds per row            added   lowest..highest\n", thousands(rows)
		line("no rule", part, "bare")
		line("status + audit + leaf hash, paysafe", part, "paysafe")
		line("status + jsonb audit, PL/pgSQL", part, "pl_audit")
		line("status + jsonb audit + hash, PL/pgSQL", part, "pl_hashed")
	}
	if (part == "memory") {
		printf "\nprivate memory of the backend at its peak, UPDATE of one statement, MB\n"
		printf "  %-36s", "rows"
		for (i = 1; i <= nsizes; i++) printf " %10s", thousands(sizes[i])
		printf "\n"
		n = split("bare nothing paysafe", name, " ")
		split("no trigger|AFTER ROW trigger that does nothing|status + audit + leaf hash, paysafe", label, "|")
		for (k = 1; k <= n; k++) {
			printf "  %-36s", label[k]
			for (i = 1; i <= nsizes; i++) printf " %10.1f", kb[name[k], sizes[i]] / 1024
			printf "\n"
		}
		printf "  %-36s", "beyond the executor's trigger queue"
		for (i = 1; i <= nsizes; i++) printf " %10.1f", (kb["paysafe", sizes[i]] - kb["nothing", sizes[i]]) / 1024
		printf "\n"
	}
	if (part == "curve") {
		printf "\nrows per statement, microseconds per row   no rule    paysafe   PL/pgSQL   added, ratio\n"
		for (n = 1; n <= top; n *= 10) {
			b = curve_us("bare", n); c = curve_us("paysafe", n); p = curve_us("pl_audit", n)
			printf "  %-38s %9.2f  %9.2f  %9.2f   %12.2f\n", thousands(n), b, c, p, (c - b) / (p - b)
		}
	}
	if (part == "points")
		for (k = split("bare paysafe pl_audit", name, " "); k >= 1; k--)
			for (n = 1; n <= top; n *= 10) print name[k], n, curve_us(name[k], n)
	if (part == "commit") {
		printf "\nsingle-row transactions per second, synchronous_commit on; CPU of the server in microseconds each\n"
		printf "  clients    no rule    paysafe   ratio   lowest..highest    CPU no rule    paysafe\n"
		for (k = 8; k >= 1; k -= 7) {
			r = tps_ratio(part, "paysafe", "bare", k)
			s = spread
			printf "  %7d %10.0f %10.0f   %5.3f   %-15s %14.1f %10.1f\n", k, \
				tps_median(part, "bare", k), tps_median(part, "paysafe", k), r, s, \
				cpu_median(part, "bare", k), cpu_median(part, "paysafe", k)
		}
	}
	if (part == "refund") {
		printf "\nrefunds requested per second, fsync off; CPU of the server in microseconds each\n"
		printf "  clients    no rule    paysafe   PL/pgSQL   paysafe to PL/pgSQL   CPU no rule    paysafe   PL/pgSQL\n"
		for (k = 8; k >= 1; k -= 7) {
			r = tps_ratio(part, "paysafe", "pl", k)
			s = spread
			printf "  %7d %10.0f %10.0f %10.0f   %5.2f  %-12s %13.1f %10.1f %10.1f\n", k, \
				tps_median(part, "bare", k), tps_median(part, "paysafe", k), tps_median(part, "pl", k), r, s, \
				cpu_median(part, "bare", k), cpu_median(part, "paysafe", k), cpu_median(part, "pl", k)
		}
	}
	if (part == "many") {
		printf "\nrefunds per statement, microseconds each   many payments   one payment   one, gated   then one more, ms\n"
		for (n = 1000; n <= rows; n *= 10)
			printf "  %-38s %15.2f %13.2f %12.2f %18.2f\n", thousands(n), many_ms("payments", n) * 1000 / n, \
				many_ms("requested", n) * 1000 / n, many_ms("paid", n) * 1000 / n, many_ms("next", n)
		printf "\ntaking from an account with a minimum and so many entries, ms   the first   the next\n"
		for (n = 1000; n <= rows; n *= 10)
			printf "  %-58s %12.2f %10.2f\n", thousands(n), many_ms("first", n), many_ms("take", n)
	}
	if (part == "keys") {
		printf "\nkeys of one column and of two, CPU microseconds per row   no rule, one    one    no rule, two    two   added, two / one\n"
		for (i = 1; i <= ncosts; i++) {
			r = keys_ratio(cost_name[i])
			s = spread
			printf "  %-54s %13.2f %6.2f %15.2f %6.2f   %5.2f  %s\n", cost_label[i], cost_us(part, cost_name[i] "_one_bare"), \
				cost_us(part, cost_name[i] "_one"), cost_us(part, cost_name[i] "_two_bare"), cost_us(part, cost_name[i] "_two"), r, s
		}
	}
	if (part == "observe") {
		printf "\na rule enforced and only observed, CPU microseconds per row   no rule   enforced   observed   added, observed / enforced\n"
		for (i = 1; i <= ncosts; i++) {
			r = observe_ratio(cost_name[i])
			s = spread
			printf "  %-56s %9.2f %10.2f %10.2f   %5.2f  %s\n", cost_label[i], cost_us(part, cost_name[i] "_bare"), \
				cost_us(part, cost_name[i] "_enforce"), cost_us(part, cost_name[i] "_observe"), r, s
		}
	}
	if (part == "instructions") {
		printf "\ninstructions that a rule adds per row       one column   two   two / one   observed   observed / enforced\n"
		for (i = 1; i <= ncosts; i++)
			printf "  %-40s %11.0f %5.0f %11.3f %10.0f %21.3f\n", cost_label[i], \
				(counted["keys", cost_name[i] "_one"] - counted["keys", cost_name[i] "_one_bare"]) / counted_rows, \
				(counted["keys", cost_name[i] "_two"] - counted["keys", cost_name[i] "_two_bare"]) / counted_rows, counted_keys(cost_name[i]), \
				(counted["observe", cost_name[i] "_observe"] - counted["observe", cost_name[i] "_bare"]) / counted_rows, counted_observe(cost_name[i])
	}
	if (part == "posting") {
		printf "\nrows of %s at a time, microseconds per row            added   lowest..highest\n", thousands(rows)
		line("entries, no rule", "entry", "bare")
		line("entries, protect_ledger", "entry", "ledger")
		line("UPDATE balance = balance + 1, no rule", "card", "bare")
		line("the same, protect_row_lock", "card", "paysafe")
		printf "\ntransfers per second (two entries, two balances), synchronous_commit on; CPU of the server in microseconds each\n"
		printf "                          clients   entries only    paysafe   PL/pgSQL   only / paysafe   PL/pgSQL / paysafe   CPU only   paysafe   PL/pgSQL\n"
		split("post_app post_one", name, " ")
		split("BEGIN, 2 INSERTs, COMMIT|one INSERT of 2 rows", label, "|")
		for (i = 1; i <= 2; i++)
			for (k = 8; k >= 1; k -= 7)
				printf "  %-26s %5d %14.0f %10.0f %10.0f %16.2f %20.2f %10.1f %9.1f %10.1f\n", label[i], k, \
					tps_median(name[i], "bare", k), tps_median(name[i], "paysafe", k), tps_median(name[i], "pl", k), \
					1 / tps_ratio(name[i], "paysafe", "bare", k), 1 / tps_ratio(name[i], "paysafe", "pl", k), \
					cpu_median(name[i], "bare", k), cpu_median(name[i], "paysafe", k), cpu_median(name[i], "pl", k)
		printf "  8 clients into one account without a minimum: %.0f, each into one of its own: %.0f\n", \
			tps_median("fee", "one", 8), tps_median("fee", "own", 8)
	}
	if (part == "ledger_growth") {
		printf "\nledgers, microseconds each                         %9s %9s %9s   100 times to 1\n", thousands(base), thousands(10 * base), thousands(100 * base)
		growth_line("transactions reversed by one transaction", "reversed")
		growth_line("reservations posted by one transaction", "captured")
		growth_line("accounts moved by one statement", "moved")
		growth_line("postings, so many reservations ended before", "ended", 200)
	}
	if (part == "tree_growth") {
		printf "\nrows added to a tree of tables by inheritance, microseconds each %8s %9s %9s %9s\n", "1 child", "10", "100", "1,000"
		printf "  %-62s", "a row, whose key no other table of the tree may have"
		for (n = 1; n <= 1000; n *= 10) printf " %9.1f", tree_us(n)
		printf "\n"
	}
	if (part == "rule_growth") {
		printf "\nprotected tables in one session, microseconds               %9s %9s %9s\n", "10", "100", "1,000"
		printf "  %-58s", "the first row of each, which compiles its rules"
		for (n = 10; n <= 1000; n *= 10) printf " %9.1f", ms[part, "compiled", n] * 1000 / n
		printf "\n  %-58s", "ALTER of another table"
		for (n = 10; n <= 1000; n *= 10) printf " %9.1f", ms[part, "changed", n] * 2
		printf "\n"
	}
	if (part == "life_growth") {
		printf "\na refund that was voided, requested again and approved so often   %9s %9s %9s\n", thousands(base / 100), thousands(base / 10), thousands(base)
		printf "  %-64s", "its move through the gate, milliseconds"
		for (n = base / 100; n <= base; n *= 10) printf " %9.1f", ms[part, "moved", n]
		printf "\n"
	}
	if (part == "api_key") {
		printf "\nAPI keys verified per second, of 10,000; CPU of the server in microseconds each\n"
		printf "  clients   no check   SELECT by sha256    paysafe   paysafe to SELECT       CPU no check   SELECT    paysafe\n"
		for (k = 8; k >= 1; k -= 7) {
			r = tps_ratio(part, "paysafe", "bare", k)
			s = spread
			printf "  %7d %10.0f %18.0f %10.0f   %5.2f  %-12s %17.1f %8.1f %10.1f\n", k, \
				tps_median(part, "given", k), tps_median(part, "bare", k), tps_median(part, "paysafe", k), r, s, \
				cpu_median(part, "given", k), cpu_median(part, "bare", k), cpu_median(part, "paysafe", k)
		}
	}
	if (part == "throttle") {
		printf "\nlimits of requests, calls per second; CPU of the server in microseconds each\n"
		printf "  clients   SELECT 1   one key   three limits   a key each   in a table       CPU SELECT 1   one key   three limits   in a table\n"
		for (k = 1; k <= 8; k += 7)
			printf "  %7d %10.0f %9.0f %14.0f %12.0f %12.0f %18.1f %9.1f %14.1f %12.1f\n", k, \
				tps_median(part, "nothing", k), tps_median(part, "one", k), tps_median(part, "three", k), \
				tps_median(part, "different", k), tps_median(part, "table", k), cpu_median(part, "nothing", k), \
				cpu_median(part, "one", k), cpu_median(part, "three", k), cpu_median(part, "table", k)
		printf "a million new keys each, table of one million, microseconds a key:"
		for (n = 1; n <= throttle_millions; n++) printf " %.2f", throttle_ms[n] / 1000
		printf "\nshared memory %.0f bytes a key; %d keys forgotten\n", throttle_bytes, throttle_forgotten
	}
	if (part == "velocity") {
		printf "\nvelocity, CPU microseconds that a rule adds to each row of an INSERT\n"
		printf "  observed: rows %.2f, different values %.2f, amount %.2f; in PL/pgSQL %.2f; refused: rows %.2f, values %.2f; with 100,000 rows in the window %.2f\n", \
			velocity_us("rows"), velocity_us("values"), velocity_us("amount"), velocity_us("pl"), velocity_us("refused"), velocity_us("refused_values"), velocity_us("long")
	}
	if (part == "webhook") {
		printf "\nwebhooks of 1 KB verified, microseconds each\n"
		printf "  pgcrypto hmac() %.2f, webhook_verify %.2f (%.2f times), with JSON looked at %.2f (%.2f times)\n", \
			verify_us("hmac"), verify_us("verify"), verify_ratio("verify"), verify_us("json"), verify_ratio("json")
		printf "accepted once, per second, of transactions; CPU of the server in microseconds each\n"
		printf "  clients   INSERT ON CONFLICT   accept   INSERT to accept     with inbox       CPU INSERT   accept   with inbox\n"
		for (k = 8; k >= 1; k -= 7) {
			r = 1 / tps_ratio(part, "accept", "bare", k)
			s = spread
			printf "  %7d %20.0f %8.0f   %6.2f  %-12s %10.0f %16.1f %8.1f %12.1f\n", k, \
				tps_median(part, "bare", k), tps_median(part, "accept", k), r, s, tps_median(part, "inbox", k), \
				cpu_median(part, "bare", k), cpu_median(part, "accept", k), cpu_median(part, "inbox", k)
		}
	}
	if (part == "idempotency") {
		printf "\nrequests begun within PL/pgSQL, microseconds each\n"
		r = begin_ratio()
		s = spread
		printf "  INSERT ON CONFLICT %.1f, idempotency_begin %.1f: %.2f times  %s\n", begin_us("bare"), begin_us("paysafe"), r, s
		printf "\nrequests of 1 KB begun, per second; CPU of the server in microseconds each\n"
		printf "  clients   INSERT ON CONFLICT    begin   INSERT to begin     CPU INSERT    begin   with answer: INSERTs   begin, finish   ratio\n"
		for (k = 8; k >= 1; k -= 7) {
			r = 1 / tps_ratio(part, "begin", "bare", k)
			s = spread
			printf "  %7d %20.0f %8.0f   %6.2f  %-12s %7.1f %8.1f %18.0f %15.0f %7.2f\n", k, \
				tps_median(part, "bare", k), tps_median(part, "begin", k), r, s, \
				cpu_median(part, "bare", k), cpu_median(part, "begin", k), \
				tps_median(part, "bare_whole", k), tps_median(part, "whole", k), 1 / tps_ratio(part, "whole", "bare_whole", k)
		}
	}
	if (part == "queue") {
		printf "\nan event claimed and finished, microseconds             paysafe   PL/pgSQL   ratio\n"
		split("few many old", name, " ")
		split("few events finished|many events finished|the same, behind an old transaction", label, "|")
		for (i = 1; i <= 3; i++)
			printf "  %-50s %9.1f %10.1f %7.2f\n", label[i], queue_us("paysafe", name[i]), \
				queue_us("table", name[i]), queue_us("paysafe", name[i]) / queue_us("table", name[i])
	}
	if (part == "evidence") {
		printf "\n%s leaves outside of the server, leaves per second of one core\n", thousands(evidence_leaves)
		printf "  %-50s %12.0f\n", "hashed, and the tree grown", evidence_rate("hash")
		printf "  %-50s %12.0f\n", "paysafe-verify: read, hashed, compared, transactions", evidence_rate("verify")
	}
	if (part == "passkey") {
		printf "\nassertions of passkeys per second of one core     verify_assertion   openssl speed   ratio\n"
		for (i = 1; i <= npasskeys; i++)
			printf "  %-46s %16.0f %15.0f %7.2f\n", passkey_name[i], verified[passkey_name[i]], openssl[passkey_name[i]],
				verified[passkey_name[i]] / openssl[passkey_name[i]]
	}
	if (part == "reconcile") {
		printf "\nrows compared with the audit log          us per row   peak of the backend, MB, shared buffers in it\n"
		for (i = 1; i <= nsize; i++)
			printf "  %-36s %12.2f %10.0f\n", thousands(size[i]), reconciled_us(size[i]), peaked[size[i]]
	}
	if (part == "history") {
		printf "\nthe history of one row of %s images, microseconds\n", thousands(images)
		split("paysafe months query jsonb", name, " ")
		split("paysafe.history|the same, with rows in 24 more months|as a query of the log, btree on the month|of a table with jsonb, btree on the key", label, "|")
		for (i = 1; i <= 4; i++)
			printf "  %-50s %9.0f\n", label[i], 1000000 / tps_median("history", name[i], 1)
		printf "  the index filled, microseconds per image: paysafe %.2f, btree of jsonb %.2f\n", \
			filled["paysafe"] * 1000 / images, filled["btree"] * 1000 / images
		printf "  bytes per image: paysafe %d, jsonb %d; in a compressed dump %.1f and %.1f, of INSERTs only %.1f and %.1f\n", \
			image_ours["bytes"], image_theirs["bytes"], image_ours["dumped40000"] / 200000, image_theirs["dumped40000"] / 200000, \
			image_ours["dumped200000"] / 200000, image_theirs["dumped200000"] / 200000
	}
	if (part == "seal") {
		printf "\nsealing, a million rows of one transaction at a time\n%12s %14s %16s\n", "leaves", "leaves/s", "proof, us"
		for (i = 1; i <= nsealed; i++)
			if (i == 1 || i == nsealed) printf "%12d %14.0f %16.0f\n", i * 1e6, sealed_rate[i], proof_us[i]
		printf "verify(): %.0f leaves/s\n", verify_rate
		printf "single-row transactions per second, 8 clients: sealer stopped %.0f, running %.0f\n", \
			tps_median("seal", "stopped", 8), tps_median("seal", "running", 8)
		printf "behind the fastest writers, %d s long: at most %.1f s, %d rows; in the last third %.1f s\n", nlag, lag_most, lag_rows, lag_late()
	}
	if (part == "idle") {
		printf "\npgbench in a database without the extension, transactions per second; CPU of the server in microseconds each\n"
		printf "  %-12s %10s %11s %7s %10s %15s %11s %7s\n", "", "without", "preloaded", "ratio", "", "CPU without", "preloaded", "ratio"
		for (i = split("select-only tpcb-like", name, " "); i >= 1; i--) {
			p = "idle_" name[i]
			printf "  %-12s %10.0f %11.0f %7.3f", name[i], tps_median(p, "without", 4), tps_median(p, "paysafe", 4), tps_ratio(p, "paysafe", "without", 4)
			printf "  %s %15.2f %11.2f %7.3f\n", spread, cpu_median(p, "without", 4), cpu_median(p, "paysafe", 4), \
				cpu_ratio(p, "paysafe", "without", 4)
		}
	}
	if (part == "bars") {
		printf "\n"
		if (have["update"]) {
			bar("status + audit + leaf hash, added per UPDATEd row", "%5.3f", \
				added_ratio("update", "paysafe", "pl_audit"), 1 / 4, 1 / 7, -1)
			printf "    against PL/pgSQL with a hash %28.3f\n", added_ratio("update", "paysafe", "pl_hashed")
		}
		if (have["webhook"]) {
			bar("webhook_verify to pgcrypto hmac(), 1 KB", "%5.2f", verify_ratio("verify"), 1.5, 1.5, -1)
			bar("webhook_accept to INSERT ON CONFLICT, 8 clients", "%5.2f", 1 / tps_ratio("webhook", "accept", "bare", 8), 1.3, 1.3, -1)
		}
		if (have["idempotency"]) {
			bar("idempotency_begin to INSERT ON CONFLICT", "%5.2f", begin_ratio(), 1.3, 1.3, -1)
			bar("idempotency_begin to INSERT ON CONFLICT, 8 clients", "%5.2f", 1 / tps_ratio("idempotency", "begin", "bare", 8), 1.3, 1.3, -1)
		}
		if (have["copy"]) {
			printf "    per COPYed row %42.3f, with a hash %.3f\n", added_ratio("copy", "paysafe", "pl_audit"), \
				added_ratio("copy", "paysafe", "pl_hashed")
		}
		if (have["commit"])
			bar("single-row transactions, 8 clients", "%5.3f", tps_ratio("commit", "paysafe", "bare", 8), 0.90, 0.97, 1)
		if (have["posting"]) {
			bar("transfers, entries only / paysafe, 8 clients", "%5.2f", 1 / tps_ratio("post_app", "paysafe", "bare", 8), 1.3, 1.3, -1)
			printf "    as one INSERT %44.2f\n", 1 / tps_ratio("post_one", "paysafe", "bare", 8)
			bar("8 clients into one fee account, of own ones", "%5.2f", tps_ratio("fee", "one", "own", 8), 0.8, 0.8, 1)
		}
		for (i = 1; i <= ncosts && have["keys"]; i++)
			bar(cost_label[i] ", keys of two columns / one", "%5.2f", keys_ratio(cost_name[i]), 1.1, 1.1, -1)
		for (i = 1; i <= ncosts && have["observe"]; i++)
			bar(cost_label[i] ", observed / enforced", "%5.2f", observe_ratio(cost_name[i]), 1, 1, -1)
		for (i = 1; i <= ncosts && have["instructions"]; i++) {
			bar("instructions: " cost_label[i] ", two columns / one", "%5.2f", counted_keys(cost_name[i]), 1.1, 1.1, -1)
			bar("instructions: " cost_label[i] ", observed / enforced", "%5.2f", counted_observe(cost_name[i]), 1, 1, -1)
		}
		if (have["queue"]) {
			bar("claims, many events finished / few", "%5.2f", queue_us("paysafe", "many") / queue_us("paysafe", "few"), 1.2, 1.1, -1)
			bar("claims behind an old transaction / without", "%5.2f", queue_us("paysafe", "old") / queue_us("paysafe", "few"), 1.5, 1.2, -1)
		}
		if (have["reconcile"])
			bar("reconcile, per row, 100 times the rows / 1", "%5.2f", reconciled_us(size[nsize]) / reconciled_us(size[1]), 1.5, 1.2, -1)
		if (have["history"]) {
			bar("history of a row, paysafe / a query with a btree", "%5.2f", 1 / tps_ratio("history", "paysafe", "query", 1), 2, 1, -1)
			bar("history of a row, 25 months / one", "%5.2f", tps_median("history", "paysafe", 1) / tps_median("history", "months", 1), 1.3, 1.1, -1)
			bar("bytes per image, paysafe / jsonb", "%5.2f", image["bytes"], 0.4, 0.4, -1)
			bar("compressed dump, paysafe / jsonb", "%5.2f", image["dumped40000"], 1.5, 1.5, -1)
			bar("the same of INSERTs only", "%5.2f", image["dumped200000"], 1.5, 1.5, -1)
		}
		if (have["seal"]) {
			bar("8 writers, sealer running / stopped", "%5.3f", tps_ratio("seal", "running", "stopped", 8), 0.95, 0.98, 1)
			bar("leaves sealed per second", "%5.0f", sealed_rate[nsealed], 100000, 300000, 1)
			bar("proof of one leaf, microseconds", "%5.0f", proof_us[nsealed], 1000, 1000, -1)
			bar("sealing behind 8 writers, seconds", "%5.1f", lag_late(), 2, 1, -1)
		}
		if (have["evidence"])
			bar("paysafe-verify, leaves per second of one core", "%7.0f", evidence_rate("verify"), 500000, 1000000, 1)
		for (i = 1; i <= npasskeys; i++)
			bar("passkeys, " passkey_name[i] ", to openssl speed", "%5.2f", verified[passkey_name[i]] / openssl[passkey_name[i]], 0.8, 0.9, 1)
		if (have["throttle"]) {
			bar("throttle of one key to SELECT 1, 1 client", "%5.2f", 1 / tps_ratio("throttle", "one", "nothing", 1), 1.15, 1.15, -1)
			bar("the same, (throttle(...)).allowed", "%5.2f", 1 / tps_ratio("throttle", "allowed", "nothing", 1), 1.15, 1.15, -1)
			printf "    a function of PostgreSQL in FROM %25.2f\n", 1 / tps_ratio("throttle", "function", "nothing", 1)
			printf "    a limiter in a table %37.2f\n", 1 / tps_ratio("throttle", "table", "nothing", 1)
			bar("8 clients on one key, of different ones", "%5.2f", tps_ratio("throttle", "hot", "different", 8), 0.9, 0.9, 1)
			bar("three limits to one", "%5.2f", 1 / tps_ratio("throttle", "three", "one", 1), 1.3, 1.3, -1)
			bar("bytes a key", "%5.0f", throttle_bytes, 64, 64, -1)
			bar("a new key, the last million to the first", "%5.2f", throttle_ms[throttle_millions] / throttle_ms[1], 1.5, 1.2, -1)
		}
		if (have["velocity"]) {
			bar("velocity observed, microseconds a row, rows", "%5.2f", velocity_us("rows"), 2, 1.5, -1)
			bar("the same, different values", "%5.2f", velocity_us("values"), 2, 1.5, -1)
			bar("the same, amount", "%5.2f", velocity_us("amount"), 2, 1.5, -1)
			bar("refused, 100,000 rows in the window / few", "%5.2f", velocity_us("long") / velocity_us("refused"), 3, 2, -1)
		}
		if (have["idle"]) {
			bar("preloaded, no extension: select-only", "%5.3f", tps_ratio("idle_select-only", "paysafe", "without", 4), 0.99, 0.99, 1)
			bar("preloaded, no extension: tpcb-like", "%5.3f", tps_ratio("idle_tpcb-like", "paysafe", "without", 4), 0.99, 0.99, 1)
		}
		if (have["memory"]) {
			more = (kb["paysafe", sizes[nsizes]] - kb["nothing", sizes[nsizes]] - \
					  kb["paysafe", sizes[1]] + kb["nothing", sizes[1]]) / 1024
			bar("memory per statement, growth beyond the queue, MB", "%5.1f", more, 1, 1, -1)
			bar("memory of a session, growth by 20,000 changes, kB", "%5.0f", growth["paysafe"] - growth["bare"], 64, 64, -1)
		}
	}
}
