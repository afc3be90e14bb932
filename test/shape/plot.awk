# How long alarms take, as SVG: from the median to the ninth of ten trials, on a scale of tenfolds.
function x(minutes) { return 250 + 110 * log(minutes < 1 ? 1 : minutes) / log(10) }
function text(at, y, anchor, what) {
	gsub(/&/, "\\&amp;", what)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", at, y, anchor, what
}
BEGIN {
	colour["large"] = "#0b5394"; colour["medium"] = "#3d85c6"; colour["small"] = "#9fc5e8"
}
$1 != "found" { next }
!($2 in place) { name[++n] = $2; place[$2] = n }
{ median[place[$2], $3] = $6; most[place[$2], $3] = $7 }
END {
	height = 60 + 46 * n
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 %d\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n", height + 20
	print "<title>Minutes until an alarm opens: median and ninth of ten trials</title>"
	printf "<rect width=\"900\" height=\"%d\" fill=\"#fff\"/>\n", height + 20
	for (i = 0; i <= 4; i++) {
		at = x(10 ^ i)
		printf "<line x1=\"%.1f\" y1=\"40\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>\n", at, at, height
		text(at, 34, "middle", i == 0 ? "1 minute" : i == 3 ? "17 hours" : i == 4 ? "7 days" : 10 ^ i " minutes")
	}
	for (s = 1; s <= 3; s++) {
		size = s == 1 ? "large" : s == 2 ? "medium" : "small"
		printf "<rect x=\"%d\" y=\"6\" width=\"12\" height=\"10\" fill=\"%s\"/>\n", 170 + 90 * s, colour[size]
		text(187 + 90 * s, 16, "start", size)
	}
	for (i = 1; i <= n; i++) {
		y = 20 + 46 * i
		text(240, y + 6, "end", name[i])
		for (s = 1; s <= 3; s++) {
			size = s == 1 ? "large" : s == 2 ? "medium" : "small"
			at = y - 24 + 12 * s
			if (median[i, size] ~ /inf/) {
				printf "<g fill=\"%s\">", colour[size]
				text(x(77760) + 6, at + 8, "start", "half not found")
				print "</g>"
				continue
			}
			end = most[i, size] ~ /inf/ ? x(77760) : x(most[i, size])
			printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"8\" fill=\"%s\"/>\n", x(median[i, size]), at, end - x(median[i, size]) + 2, colour[size]
			if (most[i, size] ~ /inf/)
				text(end + 6, at + 8, "start", "…")
		}
	}
	print "</svg>"
}
