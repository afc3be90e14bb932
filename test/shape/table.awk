# The figures as a table of doc/alarms.md
function time(minutes) {
	return minutes ~ /inf/ ? "not found" : minutes < 120 ? minutes " min" : minutes < 2880 ? sprintf("%.1f h", minutes / 60) : sprintf("%.0f days", minutes / 1440)
}
$1 == "false" { false_alarms += $3; months = $4; next }
!($2 in seen) { seen[$2] = 1; names[++n] = $2 }
{ cell[$2, $3] = time($6) " / " time($7); found[$2, $3] = $5; trials = $4 }
END {
	printf "False alarms: %d in %d months, of 50 series together. %d trials each.\n\n", false_alarms, months, trials
	print "| | large | medium | small |\n|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		line = "| " names[i]
		for (s = 1; s <= 3; s++) {
			size = s == 1 ? "large" : s == 2 ? "medium" : "small"
			line = line " | " cell[names[i], size] (found[names[i], size] < trials ? " (" found[names[i], size] " found)" : "")
		}
		print line " |"
	}
}
