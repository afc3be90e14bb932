# An SVG of lines "variant rows microseconds": cost per row against rows per
# statement, both axes logarithmic.

function x(n) { return left + (log(n) - log(1)) / (log(max_n) - log(1)) * width }
function y(v) { return bottom - (log(v) - log(min_v)) / (log(max_v) - log(min_v)) * height }

function text(px, py, anchor, s, extra) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", px, py, anchor, extra, s
}

function thousands(n,    s) {
	for (s = ""; n >= 1000; n = int(n / 1000)) s = sprintf(",%03d", n % 1000) s
	return n s
}

{
	if (!($1 in count)) order[++variants] = $1
	i = ++count[$1]
	n[$1, i] = $2
	v[$1, i] = $3
	if ($2 > max_n) max_n = $2
	if (lowest == 0 || $3 < lowest) lowest = $3
	if ($3 > highest) highest = $3
}

END {
	left = 70; width = 600; bottom = 390; height = 330
	name["bare"] = "no rule"; color["bare"] = "#777777"
	name["paysafe"] = "paysafe: status + audit + leaf hash"; color["paysafe"] = "#0b6e4f"
	name["pl_audit"] = "PL/pgSQL: status + jsonb audit, no hash"; color["pl_audit"] = "#c1440e"
	min_v = 1
	while (min_v > lowest) min_v /= 10
	while (min_v * 10 <= lowest) min_v *= 10
	for (max_v = min_v; max_v < highest; max_v *= 10) ;

	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 450\" width=\"700\" height=\"450\"" \
		" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">"
	print "<rect width=\"700\" height=\"450\" fill=\"#ffffff\"/>"
	text(left, 30, "start", "Cost of an UPDATE per row against rows per statement", " font-size=\"15\"")
	for (decade = min_v; decade <= max_v; decade *= 10)
		for (step = 1; step <= 5; step = step == 1 ? 2 : step == 2 ? 5 : 10) {
			value = decade * step
			if (value > max_v) break
			printf "<path d=\"M%.1f %.1fH%.1f\" stroke=\"%s\"/>\n", left, y(value), left + width, step == 1 ? "#bbbbbb" : "#eeeeee"
			text(left - 8, y(value) + 4, "end", value, "")
		}
	for (value = 1; value <= max_n; value *= 10) {
		printf "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#eeeeee\"/>\n", x(value), bottom, bottom - height
		text(x(value), bottom + 18, "middle", thousands(value), "")
	}
	text(left + width / 2, bottom + 42, "middle", "rows per statement, each statement a transaction", "")
	text(20, bottom - height / 2, "middle", "microseconds per row", \
		sprintf(" transform=\"rotate(-90 20 %.1f)\"", bottom - height / 2))
	for (k = 1; k <= variants; k++) {
		printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", color[order[k]]
		for (i = 1; i <= count[order[k]]; i++) printf "%.1f,%.1f ", x(n[order[k], i]), y(v[order[k], i])
		print "\"/>"
		for (i = 1; i <= count[order[k]]; i++)
			printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x(n[order[k], i]), y(v[order[k], i]), color[order[k]]
		py = bottom - height + 20 * k
		printf "<path d=\"M%.1f %.1fh24\" stroke=\"%s\" stroke-width=\"2\"/>\n", left + width - 300, py - 4, color[order[k]]
		text(left + width - 270, py, "start", name[order[k]], "")
	}
	print "</svg>"
}
