# How long alarms take, as SVG, on a scale of tenfolds: from the median to the ninth of ten trials, of each seed, one over
# the other; not of seed 1, by which constants were chosen.
function x(minutes) { return 250 + 110 * log(minutes < 1 ? 1 : minutes) / log(10) }
function text(at, y, anchor, what) {
	gsub(/&/, "\\&amp;", what)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", at, y, anchor, what
}
BEGIN {
	colour["large"] = "#0b5394"; colour["medium"] = "#3d85c6"; colour["small"] = "#9fc5e8"
}
$1 == "seed" { seed = $2 }
$1 != "found" || seed == 1 { next }
!($2 in place) { name[++n] = $2; place[$2] = n }
!((seed, "known") in median) { median[seed, "known"] = 1; seeds[++nseeds] = seed }
{ median[place[$2], $3, seed] = $6; most[place[$2], $3, seed] = $7 }
END {
	height = 60 + 46 * n
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 %d\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n", height + 20
	print "<title>Minutes until an alarm opens: from the median to the ninth of ten trials, of five seeds</title>"
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
			missing = 0
			for (j = 1; j <= nseeds; j++) {
				from = median[i, size, seeds[j]]
				to = most[i, size, seeds[j]]
				if (from ~ /inf/ || to ~ /inf/) missing++
				if (from ~ /inf/) continue
				end = to ~ /inf/ ? x(77760) : x(to)
				printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"8\" fill=\"%s\" fill-opacity=\"0.35\"/>\n", x(from), at, end - x(from) + 2, colour[size]
			}
			if (missing > 0) {
				printf "<g fill=\"%s\">", colour[size]
				text(x(77760) + 6, at + 8, "start", "not all found")
				print "</g>"
			}
		}
	}
	print "</svg>"
}
