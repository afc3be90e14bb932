# The figures as the tables of doc/alarms.md: of the seeds by which nothing was chosen, and of each seed
function time(minutes) {
	return minutes ~ /inf/ ? "not found" : minutes < 120 ? minutes " min" : minutes < 2880 ? sprintf("%.1f h", minutes / 60) : sprintf("%.0f days", minutes / 1440)
}
function from_to(least, most,    a, b) {
	least = time(least)
	most = time(most)
	split(least, a, " ")
	split(most, b, " ")
	return least == most ? least : a[2] == b[2] ? a[1] "–" most : least " – " most
}
function less(a, b) { return a !~ /inf/ && (b == "" || b ~ /inf/ || a + 0 < b + 0) }
function more(a, b) { return b !~ /inf/ && (b == "" || a ~ /inf/ || a + 0 > b + 0) }
BEGIN { split("large medium small", sizes, " ") }
$1 == "seed" { seed = $2; seeds[++nseeds] = seed; next }
$1 == "false" { false_alarms[seed] += $3; months[seed] = $4; next }
!($2 in seen) { seen[$2] = 1; names[++n] = $2 }
{ cell[seed, $2, $3] = time($6) " / " time($7); trials = $4 }
seed == 1 { next }
{
	if (!(($2, $3) in low)) low[$2, $3] = high[$2, $3] = $6
	if (!(($2, $3) in low9)) low9[$2, $3] = high9[$2, $3] = $7
	if (less($6, low[$2, $3])) low[$2, $3] = $6
	if (more($6, high[$2, $3])) high[$2, $3] = $6
	if (less($7, low9[$2, $3])) low9[$2, $3] = $7
	if (more($7, high9[$2, $3])) high9[$2, $3] = $7
	found[$2, $3] += $5
	of[$2, $3] += $4
}
END {
	print "| | large | medium | small |\n|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		line = "| " names[i]
		for (s = 1; s <= 3; s++) {
			at = names[i] SUBSEP sizes[s]
			line = line " | " from_to(low[at], high[at]) " / " from_to(low9[at], high9[at])
			if (found[at] < of[at]) line = line " (" found[at] " of " of[at] " found)"
		}
		print line " |"
	}
	line = "\n| seed"
	rule = "|---"
	for (j = 1; j <= nseeds; j++) {
		line = line " | " seeds[j] (seeds[j] == 1 ? ", by which constants were chosen" : "")
		rule = rule "|---"
	}
	print line " |\n" rule "|"
	line = "| false alarms of 50 series in " months[seeds[1]] " months"
	for (j = 1; j <= nseeds; j++) line = line " | " false_alarms[seeds[j]]
	print line " |"
	for (i = 1; i <= n; i++)
		for (s = 1; s <= 2; s++) {
			line = "| " names[i] ", " sizes[s]
			for (j = 1; j <= nseeds; j++) line = line " | " cell[seeds[j], names[i], sizes[s]]
			print line " |"
		}
}
