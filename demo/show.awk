# Show what the script of script.awk prints, and judge it.  The exit status is
# 1 if a statement was not refused as announced, or refused unannounced.

# One line; of several empty ones only the first is shown.  Bytes are counted as in
# the locale C, of UTF-8's characters the first one.
function show(text,   seen) {
	if (text != "" || !blank) print text
	blank = text == ""
	fflush()
	seen = text
	gsub(/\033\[[0-9;]*m|[\200-\277]/, "", seen)
	if (length(seen) > 80) wide = NR
}

function paint(code, text) {
	show(color && text != "" ? "\033[" code "m" text "\033[0m" : text)
}

# A long line of psql's in several of at most 80 columns.
function wrap(code, text,   n, i, words, line) {
	n = split(text, words, " ")
	line = words[1]
	for (i = 2; i <= n; i++)
		if (length(line) + length(words[i]) >= 80) {
			paint(code, line)
			line = "  " words[i]
		} else
			line = line " " words[i]
	paint(code, line)
}

function miss(text) {
	failed++
	paint("1;41", "  " text)
}

!/^\001/ {
	if (/^WARNING:/) miss($0)
	else if (/^ERROR:/) wrap("31", $0)
	else if (/^(DETAIL|HINT):/) wrap("33", $0)
	else if (/^(INSERT 0|UPDATE|DELETE|MERGE) [0-9]+$/) paint("2", $0)
	else show($0)
	next
}

{ kind = substr($0, 2, 1); text = substr($0, 3) }

kind == "H" {
	show("")
	paint("1;4", text)
	show("")
}

kind == "T" { paint("3", text) }

kind == "Q" {
	prompt = text
	sub(/[=-]>.*/, "", prompt)
	text = substr(text, length(prompt) + 1)
	prompt = prompt substr(text, 1, 3)
	text = substr(text, 4)
	if (color) show("\033[2m" prompt "\033[0;36m" text "\033[0m")
	else show(prompt text)
}

kind == "V" {
	split(text, code, " ")
	if (code[1] == "00000" && code[2] != "00000")
		miss("This should have been accepted.")
	else if (code[1] != code[2])
		miss("This should have been refused with " code[1] \
			 (code[2] == "00000" ? ", and was not." : ", not with " code[2] "."))
	else if (code[1] != "00000") {
		refusals++
		paint("1;32", "refused (" code[1] ")")
		show("")
	} else if (code[3] == 0)
		miss("This should have found a row.")
	else
		accepted++
}

kind == "E" { ended = 1 }

END {
	show("")
	if (!ended) miss("The demonstration broke off.")
	if (wide) miss("Line " wide " of the script's output is wider than 80 columns.")
	if (failed) {
		paint("1;31", failed " of the steps did not go as they must")
		exit 1
	}
	paint("1;32", refusals " attempts refused, " accepted " statements accepted: all as it must be")
}
