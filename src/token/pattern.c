/*-------------------------------------------------------------------------
 *
 * pattern.c
 *	  Regular expressions that are matched in one pass, whatever the text.
 *
 * Thompson's way: a pattern is steps, and a text is read once, with all steps at which
 * one could be.  Places are told from the step that names them, so that a piece can be
 * moved and copied.
 *
 *-------------------------------------------------------------------------
 */
#include "token/pattern.h"
#include "token/json_text.h"

#define LAST	0x10FFFF

typedef struct Maker
{
	const uint8_t *at;
	const uint8_t *end;
	uint32_t	next;			/* the character that is there; 0: none */
	const uint8_t *after;		/* it */
	TokenPatternRoom *room;
	int			nsteps;
	int			nranges;
	int			depth;
	int			work;			/* ranges that all steps look at */
	const char *why;
} Maker;

static bool
fail(Maker *m, const char *why)
{
	if (m->why == NULL)
		m->why = why;
	return false;
}

static void
look(Maker *m)
{
	m->after = m->at;
	m->next = m->after < m->end ? token_json_character(&m->after, m->end) : 0;
}

static void
go_on(Maker *m)
{
	m->at = m->after;
	look(m);
}

static bool
take(Maker *m, uint32_t c)
{
	if (m->next != c || m->at == m->end)
		return false;
	go_on(m);
	return true;
}

/* Steps */

static bool
add_step(Maker *m, TokenPatternOperation operation, int x, int y)
{
	if (m->nsteps == TOKEN_PATTERN_STEPS)
		return fail(m, "the pattern is too long, its repetitions written out");
	if (operation == PATTERN_CLASS && (m->work += y) > TOKEN_PATTERN_WORK)
		return fail(m, "the pattern has too many characters, its repetitions written out");
	m->room->steps[m->nsteps++] = (TokenPatternStep) {.operation = operation, .x = x, .y = y};
	return true;
}

/* The same before the piece that begins there */
static bool
insert_step(Maker *m, int where, TokenPatternOperation operation, int x, int y)
{
	TokenPatternStep *steps = m->room->steps;

	if (!add_step(m, operation, x, y))
		return false;
	memmove(steps + where + 1, steps + where, sizeof(*steps) * (m->nsteps - 1 - where));
	steps[where] = (TokenPatternStep) {.operation = operation, .x = x, .y = y};
	return true;
}

static bool
add_range(Maker *m, uint32_t low, uint32_t high)
{
	if (m->nranges == TOKEN_PATTERN_STEPS)
		return fail(m, "the pattern has too many characters");
	m->room->ranges[m->nranges++] = (TokenPatternRange) {low, high};
	return true;
}

/* Characters */

static const TokenPatternRange digit[] = {{'0', '9'}};
static const TokenPatternRange no_digit[] = {{0, '0' - 1}, {'9' + 1, LAST}};
static const TokenPatternRange word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const TokenPatternRange no_word[] = {
	{0, '0' - 1}, {'9' + 1, 'A' - 1}, {'Z' + 1, '_' - 1}, {'_' + 1, 'a' - 1}, {'z' + 1, LAST}
};
static const TokenPatternRange blank[] = {
	{9, 13}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
	{0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}
};
static const TokenPatternRange no_blank[] = {
	{0, 8}, {14, 0x1F}, {0x21, 0x9F}, {0xA1, 0x167F}, {0x1681, 0x1FFF}, {0x200B, 0x2027},
	{0x202A, 0x202E}, {0x2030, 0x205E}, {0x2060, 0x2FFF}, {0x3001, 0xFEFE}, {0xFF00, LAST}
};
static const TokenPatternRange end_of_line[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static const struct
{
	char		letter;
	int			n;
	const TokenPatternRange *ranges;
}			sets[] = {
	{'d', 1, digit}, {'D', 2, no_digit}, {'w', 4, word}, {'W', 5, no_word},
	{'s', 10, blank}, {'S', 11, no_blank}
};

static bool
add_ranges(Maker *m, const TokenPatternRange *ranges, int n)
{
	for (int i = 0; i < n; i++)
		if (!add_range(m, ranges[i].low, ranges[i].high))
			return false;
	return true;
}

/* A set whose letter stands here, after its backslash: take it */
static bool
take_set(Maker *m, bool *good)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (take(m, (uint8_t) sets[i].letter))
		{
			*good = add_ranges(m, sets[i].ranges, sets[i].n);
			return true;
		}
	return false;
}

/* So many hexadecimal digits, or, if it is 0, as many as stand before a brace */
static bool
read_hex(Maker *m, int n, uint32_t *out)
{
	bool		braced = n == 0;

	*out = 0;
	for (int i = 0; braced ? m->next != '}' : i < n; i++)
	{
		uint32_t	c = m->next;
		int			value = c >= '0' && c <= '9' ? (int) c - '0' :
			c >= 'a' && c <= 'f' ? (int) c - 'a' + 10 : c >= 'A' && c <= 'F' ? (int) c - 'A' + 10 : -1;

		if (value < 0 || i == 6)
			return fail(m, "an escape in the pattern is not valid");
		*out = *out << 4 | (uint32_t) value;
		go_on(m);
	}
	if (braced && !take(m, '}'))
		return fail(m, "an escape in the pattern is not valid");
	return *out <= LAST && *out > 0 ? true : fail(m, "an escape in the pattern is not valid");
}

/* One of four digits, which may be the first half of a pair */
static bool
read_utf16(Maker *m, uint32_t *out)
{
	uint32_t	low;

	if (!read_hex(m, 4, out))
		return false;
	if (*out < 0xD800 || *out > 0xDFFF)
		return true;
	if (*out > 0xDBFF || !take(m, '\\') || !take(m, 'u') || !read_hex(m, 4, &low) || low < 0xDC00 || low > 0xDFFF)
		return fail(m, "an escape in the pattern is not valid");
	*out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
	return true;
}

/* A character by its escape, after the backslash */
static bool
read_escape(Maker *m, bool in_class, uint32_t *out)
{
	static const char letters[] = "tnvfr";
	static const char meant[] = "\t\n\v\f\r";
	uint32_t	c = m->next;
	const char *letter;

	if (c == 0 || c > 126)
		return fail(m, "an escape in the pattern is not valid");
	go_on(m);
	if (c == 'x')
		return read_hex(m, 2, out);
	if (c == 'u')
		return take(m, '{') ? read_hex(m, 0, out) : read_utf16(m, out);
	letter = strchr(letters, (int) c);
	if (letter != NULL)
		*out = (uint8_t) meant[letter - letters];
	else if (strchr("^$\\.*+?()[]{}|/", (int) c) != NULL || (in_class && c == '-'))
		*out = c;
	else
		return fail(m, c >= '1' && c <= '9' ? "the pattern refers back" : "an escape in the pattern is not one that is matched");
	return true;
}

/* One end of a range of a class, or a set */
static bool
read_class_atom(Maker *m, bool *set, uint32_t *out)
{
	bool		good = true;

	*set = false;
	if (take(m, '\\'))
	{
		*set = take_set(m, &good);
		return *set ? good : read_escape(m, true, out);
	}
	if (m->next == 0)
		return fail(m, "a class of the pattern does not end");
	*out = m->next;
	go_on(m);
	return true;
}

/* A class, after its bracket */
static bool
read_class(Maker *m)
{
	int			first = m->nranges;
	bool		negated = take(m, '^');
	uint32_t	low = 0;
	uint32_t	high;
	bool		set;

	while (!take(m, ']'))
	{
		if (!read_class_atom(m, &set, &low))
			return false;
		high = low;
		if (m->next == '-' && m->at < m->end)
		{
			go_on(m);
			/* at the end it is one of the characters */
			if (m->next == ']')
			{
				if (!add_range(m, '-', '-'))
					return false;
			}
			else if (set || !read_class_atom(m, &set, &high) || set || high < low)
				return fail(m, "a range of the pattern is none");
		}
		if (!set && !add_range(m, low, high))
			return false;
	}
	if (!add_step(m, PATTERN_CLASS, first, m->nranges - first))
		return false;
	m->room->steps[m->nsteps - 1].negated = negated;
	return true;
}

static bool
add_character(Maker *m, uint32_t c)
{
	return add_range(m, c, c) && add_step(m, PATTERN_CLASS, m->nranges - 1, 1);
}

/* Pieces */

static bool read_alternatives(Maker *m);

/* A group, after its parenthesis */
static bool
read_group(Maker *m)
{
	bool		good;

	if (take(m, '?') && !take(m, ':'))
		return fail(m, "the pattern looks around, or names a group");
	if (m->depth == TOKEN_PATTERN_DEPTH)
		return fail(m, "the pattern is too deep");
	m->depth++;
	good = read_alternatives(m);
	m->depth--;
	return good && (take(m, ')') || fail(m, "a group of the pattern does not end"));
}

/* What may be repeated; *once: it may not */
static bool
read_atom(Maker *m, bool *once)
{
	int			first = m->nranges;
	bool		good;
	uint32_t	c = m->next;

	*once = c == '^' || c == '$';
	if (c == 0 || (c < 128 && strchr("*+?{}])", (int) c) != NULL))
		return fail(m, "a character of the pattern must have a backslash before it");
	go_on(m);
	switch (c)
	{
		case '^':
			return add_step(m, PATTERN_START, 0, 0);
		case '$':
			return add_step(m, PATTERN_END, 0, 0);
		case '(':
			return read_group(m);
		case '[':
			return read_class(m);
		case '.':
			if (!add_ranges(m, end_of_line, 3) || !add_step(m, PATTERN_CLASS, first, 3))
				return false;
			m->room->steps[m->nsteps - 1].negated = true;
			return true;
		case '\\':
			if (take_set(m, &good))
				return good && add_step(m, PATTERN_CLASS, first, m->nranges - first);
			return read_escape(m, false, &c) && add_character(m, c);
		default:
			return add_character(m, c);
	}
}

static bool
read_number(Maker *m, int *out)
{
	if (m->next < '0' || m->next > '9')
		return fail(m, "a repetition of the pattern is none");
	for (*out = 0; m->next >= '0' && m->next <= '9'; go_on(m))
	{
		*out = *out * 10 + (int) (m->next - '0');
		if (*out > TOKEN_PATTERN_STEPS)
			return fail(m, "a repetition of the pattern is too large");
	}
	return true;
}

static bool
copy_piece(Maker *m, int from, int len)
{
	for (int i = 0; i < len; i++)
	{
		TokenPatternStep step = m->room->steps[from + i];

		if (!add_step(m, step.operation, step.x, step.y))
			return false;
		m->room->steps[m->nsteps - 1].negated = step.negated;
	}
	return true;
}

/* Repeat the piece that begins there and ends here; most is -1: without end */
static bool
repeat(Maker *m, int where, int least, int most)
{
	int			len = m->nsteps - where;
	int			optional;

	if (len == 0)
		return true;
	if (most == 0)
	{
		m->nsteps = where;
		return true;
	}
	/* the first copy is there: once, as often as one likes, or perhaps */
	for (int i = 1; i < least; i++)
		if (!copy_piece(m, where, len))
			return false;
	if (most < 0 && least > 0)
		return add_step(m, PATTERN_SPLIT, -len, 1);
	if (most < 0)
		return insert_step(m, where, PATTERN_SPLIT, 1, len + 2) && add_step(m, PATTERN_JUMP, -(len + 1), 0);
	optional = most - (least == 0 ? 1 : least);
	for (int left = optional; left > 0; left--)
		if (!add_step(m, PATTERN_SPLIT, 1, left * (len + 1)) || !copy_piece(m, where, len))
			return false;
	/* the first one, last: what was copied had no way around it */
	return least > 0 || insert_step(m, where, PATTERN_SPLIT, 1, (optional + 1) * (len + 1));
}

static bool
read_repetition(Maker *m, int where, bool once)
{
	int			least = 0;
	int			most = -1;

	if (take(m, '+'))
		least = 1;
	else if (take(m, '?'))
		most = 1;
	else if (take(m, '{'))
	{
		if (!read_number(m, &least))
			return false;
		most = least;
		if (take(m, ','))
		{
			most = -1;
			if (m->next != '}' && !read_number(m, &most))
				return false;
		}
		if (!take(m, '}') || (most >= 0 && most < least))
			return fail(m, "a repetition of the pattern is none");
	}
	else if (!take(m, '*'))
		return true;
	if (once || m->next == '*' || m->next == '+' || m->next == '?' || m->next == '{')
		return fail(m, "what the pattern repeats cannot be repeated so");
	return repeat(m, where, least, most);
}

static bool
read_sequence(Maker *m)
{
	while (m->at < m->end && m->next != '|' && m->next != ')')
	{
		int			where = m->nsteps;
		bool		once;

		if (!read_atom(m, &once) || !read_repetition(m, where, once))
			return false;
	}
	return true;
}

static bool
read_alternatives(Maker *m)
{
	int			where = m->nsteps;
	int			second;

	if (!read_sequence(m))
		return false;
	if (!take(m, '|'))
		return true;
	/* around the first one, and from its end over the others */
	if (!insert_step(m, where, PATTERN_SPLIT, 1, m->nsteps - where + 2) || !add_step(m, PATTERN_JUMP, 0, 0))
		return false;
	second = m->nsteps;
	if (!read_alternatives(m))
		return false;
	m->room->steps[second - 1].x = (int16_t) (m->nsteps - second + 1);
	return true;
}

bool
token_pattern_make(TokenText text, TokenPatternRoom *room, TokenPattern *out, const char **why)
{
	Maker		m = {.at = text.at, .end = text.at + text.len, .room = room};
	bool		good;

	look(&m);
	good = read_alternatives(&m);
	if (good && m.at < m.end)
		good = fail(&m, "a group of the pattern does not begin");
	if (good)
		good = add_step(&m, PATTERN_MATCH, 0, 0);
	*out = (TokenPattern) {room->steps, room->ranges, m.nsteps, m.nranges};
	*why = m.why;
	return good;
}

/* Matching */

typedef struct Places
{
	int			n;
	uint16_t	list[TOKEN_PATTERN_STEPS];
	uint8_t		there[TOKEN_PATTERN_STEPS];	/* the same, by place */
} Places;

/* Go to a step, and on to all that can be reached from it without a character */
static void
reach(const TokenPattern *pattern, Places *places, int step, bool at_start, bool at_end)
{
	int			from = places->n;

	if (places->there[step])
		return;
	places->there[step] = 1;
	places->list[places->n++] = (uint16_t) step;
	/* the list grows while it is walked */
	for (int i = from; i < places->n; i++)
	{
		int			here = places->list[i];
		const TokenPatternStep *s = &pattern->steps[here];
		int			next[2];
		int			n = 0;

		if (s->operation == PATTERN_SPLIT || s->operation == PATTERN_JUMP)
			next[n++] = here + s->x;
		if (s->operation == PATTERN_SPLIT)
			next[n++] = here + s->y;
		if ((s->operation == PATTERN_START && at_start) || (s->operation == PATTERN_END && at_end))
			next[n++] = here + 1;
		for (int j = 0; j < n; j++)
			if (!places->there[next[j]])
			{
				places->there[next[j]] = 1;
				places->list[places->n++] = (uint16_t) next[j];
			}
	}
}

static void
leave(const TokenPattern *pattern, Places *places)
{
	places->n = 0;
	memset(places->there, 0, pattern->nsteps);
}

static bool
is_of(const TokenPattern *pattern, const TokenPatternStep *step, uint32_t c)
{
	const TokenPatternRange *range = pattern->ranges + step->x;

	for (int i = 0; i < step->y; i++)
		if (c >= range[i].low && c <= range[i].high)
			return !step->negated;
	return step->negated;
}

bool
token_pattern_matches(const TokenPattern *pattern, TokenText text, TokenRest *rest)
{
	Places		both[2];
	Places	   *now = &both[0];
	Places	   *next = &both[1];
	const uint8_t *at = text.at;
	const uint8_t *end = text.at + text.len;

	leave(pattern, now);
	reach(pattern, now, 0, true, at == end);
	for (;;)
	{
		Places	   *other = now;
		uint32_t	c;

		/* the last step is the match */
		if (now->there[pattern->nsteps - 1])
			return true;
		if (at == end)
			return false;
		c = token_json_character(&at, end);
		token_rest(rest, 1 + (size_t) now->n);
		leave(pattern, next);
		for (int i = 0; i < now->n; i++)
		{
			const TokenPatternStep *step = &pattern->steps[now->list[i]];

			if (step->operation == PATTERN_CLASS && is_of(pattern, step, c))
				reach(pattern, next, now->list[i] + 1, false, at == end);
		}
		reach(pattern, next, 0, false, at == end);
		now = next;
		next = other;
	}
}
