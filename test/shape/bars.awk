# Are the bars reached?  Prints the number of checks, or what is not.
# False alarms: at most one a month, of all fifty segments together.
# Found: all of what is large or medium but the slow drift of failures, which takes counts.
$1 == "false" { alarms += $3; months = $4 }
$1 == "found" && $3 != "small" && $2 !~ /each day/ {
	checks++
	if ($5 < $4) bad = bad sprintf("%s, %s: %d of %d\n", $2, $3, $5, $4)
}
# within: of large segments, half of the trials, in so many minutes
$1 == "found" && $3 == "large" {
	limit = $2 ~ /5 %/ ? 30 : $2 ~ /none/ ? 120 : $2 ~ /half fails|silence/ ? 10 : $2 ~ /halved/ ? 60 : 45 * 1440
	checks++
	if ($6 > limit) bad = bad sprintf("%s, %s: half of it takes %s minutes\n", $2, $3, $6)
}
END {
	checks++
	if (alarms > months) bad = bad sprintf("%d false alarms in %d months\n", alarms, months)
	printf "%s", bad != "" ? bad : checks "\n"
	exit bad != ""
}
