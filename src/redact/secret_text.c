/*-------------------------------------------------------------------------
 *
 * secret_text.c
 *	  Secrets in text: by the name before them, or by their own form.
 *
 * One walk from left to right.  What is found is replaced by REDACT_MARK and
 * stepped over, so each byte is looked at a bounded number of times; the ends of
 * long runs, which several beginnings share, are remembered.
 *
 * A name stands before its value (name: value, "name": "value", <name>value</name>,
 * name 123), or in a member beside it ("name": "cvv", "value": "123").
 *
 * Pure: also compiled outside the server by the fuzzer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "redact/secret_name.h"
#include "redact/secret_text.h"
#include "redact/secret_walk.h"

#define MAX_PHRASE		48		/* bytes of a name with blanks in it */
#define MAX_NEIGHBOUR	100		/* bytes between members that belong together */
#define MAX_ATTRIBUTES	512		/* bytes of a tag, of the headers of a form's part */
#define MAX_REMARK		32		/* bytes in brackets behind a name */
#define MAX_MARKS		8		/* bytes between a code's name and the code */
#define MAX_INDEX		8		/* bytes of a bracket and the number in it */

bool
paysafe_secret_text_is_name(const char *name, size_t len)
{
	return paysafe_secret_name_kind(name, len) != NOT_SECRET;
}

/* Quotes */

/* Where the text in quotes that begins at pos ends, before its quote. */
static size_t
end_of_quoted(const Walk *w, size_t pos, const char *quote, int quote_len)
{
	size_t		start = pos;

	for (; pos < w->len; pos++)
	{
		if (w->len - pos >= quote_len && memcmp(w->s + pos, quote, quote_len) == 0)
			break;
		if (w->s[pos] == '\\' && pos + 1 < w->len)
			pos++;
	}
	pos = Min(pos, w->len);
	REDACT_WORK(pos - start);
	return pos;
}

/* The mark in the quotes that its neighbours have. */
static void
make_quoted(char *out, int quote_len, char quote)
{
	char		text[MAX_ESCAPES + 2];
	int			n = 0;

	for (; n < quote_len - 1; n++)
		text[n] = '\\';
	if (quote_len > 0)
		text[n++] = quote;
	text[n] = '\0';
	sprintf(out, "%s%s%s", text, REDACT_MARK, text);
}

/* Values, each from pos to the result */

/* Behind the bracket that closes the one at pos, or the end of the text. */
static size_t
end_of_brackets(const Walk *w, size_t pos)
{
	size_t		depth = 0;
	size_t		start = pos;

	for (; pos < w->len; pos++)
	{
		char		c = w->s[pos];

		if (c == '"')
			pos = end_of_quoted(w, pos + 1, "\"", 1);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
		{
			pos++;
			break;
		}
	}
	pos = Min(pos, w->len);
	REDACT_WORK(pos - start);
	return pos;
}

static size_t
end_of_line(const Walk *w, size_t pos, char quote)
{
	size_t		start = pos;

	while (pos < w->len && w->s[pos] != '\n' && w->s[pos] != '\r' &&
		   !(quote != '\0' && w->s[pos] == quote))
		pos++;
	REDACT_WORK(pos - start);
	while (pos > start && is_blank(w->s[pos - 1]))
		pos--;
	return pos;
}

static size_t
end_of_word(const Walk *w, size_t pos)
{
	size_t		start = pos;

	while (pos < w->len && !is_space(w->s[pos]) && !is_one_of(w->s[pos], ",;&<>(){}[]\"'`\\"))
		pos++;
	REDACT_WORK(pos - start);
	return pos;
}

/* YAML: the value is what stands on the next lines, further in.  pos: the end of the line. */
static size_t
replace_lines(Walk *w, size_t pos)
{
	size_t		start = skip_blanks(w, pos, true);
	size_t		end = start;
	size_t		line;

	for (line = start; line < w->len;)
	{
		end = end_of_line(w, line, '\0');
		line = end;
		while (line < w->len && is_space(w->s[line]) && w->s[line] != '\n')
			line++;
		if (line + 1 >= w->len || !is_blank(w->s[line + 1]))
			break;
		line = skip_blanks(w, line, true);
	}
	REDACT_WORK(line - start);
	replace(w, start, end, REDACT_MARK);
	return end;
}

/* Is there nothing behind the name's colon but a value further in on the next line? */
static bool
is_on_next_line(const Walk *w, size_t pos)
{
	if (pos < w->len && (w->s[pos] == '|' || w->s[pos] == '>'))
		pos++;
	if (pos < w->len && (w->s[pos] == '-' || w->s[pos] == '+'))
		pos++;
	if (pos < w->len && w->s[pos] == '\r')
		pos++;
	return pos + 2 < w->len && w->s[pos] == '\n' && is_blank(w->s[pos + 1]);
}

/*
 * The value at pos of a secret name.  In what quotes the name is written, and
 * whether it may be a header, says what may come.
 */
static size_t
replace_value(Walk *w, size_t pos, NameKind kind, int name_quote, char line_quote)
{
	int			quote_len = quote_at(w, pos);
	size_t		end;
	char		quoted[REDACT_MARK_LEN + 2 * MAX_ESCAPES + 4];

	/* among quoted names, values are quoted too */
	make_quoted(quoted, name_quote, line_quote);
	if (quote_len > 0)
	{
		end = end_of_quoted(w, pos + quote_len, w->s + pos, quote_len);
		replace(w, pos + quote_len, end, REDACT_MARK);
		return Min(end + quote_len, w->len);
	}
	if (kind == HEADER && name_quote == 0)
	{
		end = end_of_line(w, pos, line_quote);
		replace(w, pos, end, REDACT_MARK);
		return end;
	}
	if (starts_with(w, pos, REDACT_MARK))
		return pos + REDACT_MARK_LEN;
	if (name_quote == 0 && is_on_next_line(w, pos))
		return replace_lines(w, end_of_line(w, pos, '\0'));
	if (pos < w->len && (w->s[pos] == '{' || w->s[pos] == '['))
	{
		end = end_of_brackets(w, pos);
		replace(w, pos, end, quoted);
		return end;
	}
	end = end_of_word(w, pos);
	/* a scheme, and what it is the scheme of */
	if (end < w->len && is_blank(w->s[end]) &&
		(is_word(w, pos, "bearer") || is_word(w, pos, "basic") || is_word(w, pos, "token")))
		end = end_of_word(w, skip_blanks(w, end, false));
	replace(w, pos, end, quoted);
	return end;
}

/* Digits after a code's name: 123, is 123. */
static size_t
replace_digits(Walk *w, size_t pos)
{
	size_t		start = pos;
	size_t		end;

	if (is_word(w, pos, "is") || is_word(w, pos, "was"))
		start = skip_blanks(w, pos + (lower(w->s[pos]) == 'i' ? 2 : 3), false);
	for (end = start; end < w->len && end - start <= 12 && is_digit(w->s[end]); end++)
		;
	if (end - start < 3 || end - start > 12)
		return pos;
	replace(w, start, end, REDACT_MARK);
	return end;
}

/* A value behind a separator that a URL writes: it ends where the next such character is. */
static size_t
replace_encoded(Walk *w, size_t pos)
{
	size_t		start = skip_encoded_quote(w, pos);
	size_t		end = start;

	while (end < w->len && w->s[end] != '%' && !is_space(w->s[end]) && !is_one_of(w->s[end], ",;&<>(){}\"'`\\"))
		end++;
	REDACT_WORK(end - start);
	replace(w, start, end, REDACT_MARK);
	return end;
}

/* Are there three or four digits behind marks: cvv - 123, "cvv", "123"?  From *digits on. */
static size_t
end_of_marked_digits(const Walk *w, size_t pos, size_t *digits)
{
	size_t		start = pos;
	size_t		end;

	while (start < w->len && start - pos < MAX_MARKS)
	{
		if (is_blank(w->s[start]) || is_quote(w->s[start]) || is_one_of(w->s[start], ",|#/-"))
			start++;
		else if (starts_with(w, start, "\xE2\x80\x93") || starts_with(w, start, "\xE2\x80\x94"))
			start += 3;
		else
			break;
	}
	for (end = start; end < w->len && end - start <= 4 && is_digit(w->s[end]); end++)
		;
	REDACT_WORK(end - pos);
	if (start == pos || end - start < 3 || end - start > 4 ||
		(end < w->len && (is_name_char(w->s[end]) || is_one_of(w->s[end], ":/"))))
		return pos;
	*digits = start;
	return end;
}

/* Elements */

/* Is the name at start that of an element: <name, <ns:name? */
static bool
is_element(const Walk *w, size_t start)
{
	size_t		at = start;

	if (at > 0 && w->s[at - 1] == ':')
		for (at--; at > 0 && start - at < MAX_PHRASE && is_name_char(w->s[at - 1]); at--)
			;
	REDACT_WORK(start - at);
	return at > 0 && w->s[at - 1] == '<';
}

/* Behind the > of the tag that pos is in; 0 if there is none, or nothing is in the element. */
static size_t
end_of_tag(const Walk *w, size_t pos)
{
	size_t		start = pos;
	size_t		result = 0;

	for (; pos < w->len && pos - start < MAX_ATTRIBUTES && w->s[pos] != '<'; pos++)
	{
		if (is_quote(w->s[pos]))
		{
			char		quote = w->s[pos];

			for (pos++; pos < w->len && pos - start < MAX_ATTRIBUTES && w->s[pos] != quote; pos++)
				;
		}
		else if (w->s[pos] == '>')
		{
			result = w->s[pos - 1] == '/' ? 0 : pos + 1;
			break;
		}
	}
	REDACT_WORK(pos - start);
	return result;
}

/* What an element contains, up to the next end of one.  Returns where to go on. */
static size_t
replace_content(Walk *w, size_t pos)
{
	static const char cdata[] = "<![CDATA[";
	size_t		start = pos;
	size_t		end;

	if (starts_with(w, pos, cdata))
	{
		start = pos + strlen(cdata);
		for (end = start; end < w->len && !(w->s[end] == ']' && starts_with(w, end, "]]>")); end++)
			;
	}
	else
		for (end = start; end < w->len && !(w->s[end] == '<' && starts_with(w, end, "</")); end++)
			;
	REDACT_WORK(end - start);
	replace(w, start, end, REDACT_MARK);
	return end;
}

/* Members that belong together */

/* Where an object, a tag or a line begins or ends. */
static inline bool
is_edge(char c)
{
	return c == '{' || c == '}' || c == '<' || c == '>' || c == '\n';
}

/* A quick look at the end of a name: could it be a label's, from name to id? */
static inline bool
may_be_label(const Walk *w, size_t pos, size_t end)
{
	char		last = lower(w->s[end - 1]);
	char		before = end - pos > 1 ? lower(w->s[end - 2]) : '\0';

	return is_digit(last) || !is_alnum(last) || (end - pos == 1 && (last == 'k' || last == 'n')) || (last == 'e' && before == 'm') || last == 'y' ||
		last == 'd' || last == 'l' || last == 'm' || last == 'r';
}

/* The name of a secret that the member at pos has as its value: name="cvv"? */
static bool
labels_secret(const Walk *w, size_t pos, size_t end, size_t limit)
{
	size_t		value;

	if (!may_be_label(w, pos, end) || !paysafe_secret_name_is_label(w->s + pos, end - pos))
		return false;
	value = end + quote_at(w, end);
	value = skip_blanks(w, value, true);
	if (value >= limit || (w->s[value] != ':' && w->s[value] != '='))
		return false;
	value = skip_blanks(w, value + 1, true);
	if (value < limit)
		value += quote_at(w, value);
	for (end = value; end < limit && (is_name_char(w->s[end]) || w->s[end] == ' '); end++)
		;
	REDACT_WORK(end - value);
	return end > value && paysafe_secret_name_kind(w->s + value, end - value) != NOT_SECRET;
}

/*
 * Does a member beside the one from start to end say that its value is a secret's?
 * What is in the same object, tag or line of a form is beside it.
 */
static bool
has_secret_label(const Walk *w, size_t start, size_t end)
{
	size_t		from = start;
	size_t		until = end;

	while (from > 0 && start - from < MAX_NEIGHBOUR && !is_edge(w->s[from - 1]))
		from--;
	while (until < w->len && until - end < MAX_NEIGHBOUR && !is_edge(w->s[until]))
		until++;
	REDACT_WORK(until - from);
	for (size_t at = from; at < until;)
	{
		size_t		stop = at;

		while (stop < until && is_name_char(w->s[stop]))
			stop++;
		if (stop > at && (stop <= start || at >= end) && labels_secret(w, at, stop, until))
			return true;
		at = stop + 1;
	}
	return false;
}

/* <name>cvv</name><value>: does the element before the one at pos name a secret? */
static bool
has_label_before(const Walk *w, size_t pos)
{
	size_t		end;
	size_t		start;
	size_t		first = pos;

	while (pos > 0 && is_space(w->s[pos - 1]))
		pos--;
	/* </name> */
	if (pos == 0 || w->s[pos - 1] != '>')
		return false;
	for (end = pos - 1; end > 1 && pos - end < MAX_PHRASE && is_name_char(w->s[end - 1]); end--)
		;
	if (end < 2 || w->s[end - 1] != '/' || w->s[end - 2] != '<' ||
		!paysafe_secret_name_is_label(w->s + end, pos - 1 - end))
		return false;
	end -= 2;
	for (start = end; start > 0 && end - start < MAX_PHRASE && is_name_char(w->s[start - 1]); start--)
		;
	REDACT_WORK(first - start);
	return start > 0 && w->s[start - 1] == '>' &&
		paysafe_secret_name_kind(w->s + start, end - start) != NOT_SECRET;
}

/* Names */

/* The kind of a name, with the words before it if it may be the last one of several. */
static NameKind
kind_of(const Walk *w, size_t start, size_t end)
{
	NameKind	kind = paysafe_secret_name_kind(w->s + start, end - start);
	size_t		from = start;

	if (kind != NOT_SECRET || !paysafe_secret_name_ends_phrase(w->s + start, end - start))
		return kind;
	while (from > 0 && start - from < MAX_PHRASE &&
		   (is_alnum(w->s[from - 1]) || w->s[from - 1] == ' ' || w->s[from - 1] == '+'))
		from--;
	REDACT_WORK(start - from);
	return paysafe_secret_name_kind(w->s + from, end - from);
}

/* The name's value, behind : or = at pos. */
static size_t
try_member(Walk *w, size_t start, size_t end, size_t pos, int name_quote, char line_quote)
{
	NameKind	kind = kind_of(w, start, end);
	int			separator = separator_at(w, pos);

	/* <ns:name, </ns:name: the name comes yet */
	if (w->s[pos] == ':' && pos + 1 < w->len && is_name_char(w->s[pos + 1]) &&
		((start > 0 && w->s[start - 1] == '<') ||
		 (start > 1 && w->s[start - 1] == '/' && w->s[start - 2] == '<')))
		return end;
	if (kind == NOT_SECRET && paysafe_secret_name_is_value(w->s + start, end - start) &&
		has_secret_label(w, start, end))
		kind = WORD;
	if (kind == NOT_SECRET)
		return end;
	if (w->s[pos] == '%')
		return replace_encoded(w, pos + separator);
	if (w->s[pos] == '=' && kind == HEADER)
		kind = WORD;
	pos += separator;
	while (pos < w->len && (w->s[pos] == '=' || w->s[pos] == '>'))
		pos++;
	pos = skip_encoded_quote(w, skip_blanks(w, pos, name_quote > 0));
	return replace_value(w, pos, kind, name_quote, line_quote);
}

/* An element: <cvv>, <ns:cvv type="x">, <name>cvv</name><value>.  0: it is none. */
static size_t
try_element(Walk *w, size_t start, size_t end)
{
	bool		secret;
	size_t		content;

	if (end == w->len || !(w->s[end] == '>' || is_space(w->s[end])) || !is_element(w, start))
		return 0;
	secret = paysafe_secret_name_kind(w->s + start, end - start) != NOT_SECRET;
	if (!secret && w->s[end] == '>')
		secret = paysafe_secret_name_is_value(w->s + start, end - start) &&
			has_label_before(w, start - 1);
	content = secret ? end_of_tag(w, end) : 0;
	return content > 0 ? replace_content(w, content) : 0;
}

/* An element in a text that is itself escaped: &lt;cvv&gt;123&lt;/cvv&gt;.  0: it is none. */
static size_t
try_escaped_element(Walk *w, size_t start, size_t end)
{
	size_t		content = end + strlen("&gt;");
	size_t		pos;

	if (end == w->len || w->s[end] != '&' || !starts_with(w, end, "&gt;") ||
		start < strlen("&lt;") || !starts_with(w, start - strlen("&lt;"), "&lt;") ||
		paysafe_secret_name_kind(w->s + start, end - start) == NOT_SECRET)
		return 0;
	for (pos = content; pos < w->len && !(w->s[pos] == '&' && starts_with(w, pos, "&lt;")); pos++)
		;
	REDACT_WORK(pos - content);
	replace(w, content, pos, REDACT_MARK);
	return pos;
}

/*
 * At the > of a tag: does an attribute say that what follows is a secret's, as in <param
 * name="cvv">?  Returns where to go on, or pos.
 */
static size_t
try_labelled_content(Walk *w, size_t pos)
{
	size_t		start = pos;

	while (start > 0 && pos - start < MAX_NEIGHBOUR && !is_one_of(w->s[start - 1], "<>\n"))
		start--;
	REDACT_WORK(pos - start);
	/* an input has its value in another attribute */
	if (start == 0 || w->s[start - 1] != '<' || w->s[pos - 1] == '/' || w->s[start] == '/' ||
		is_word(w, start, "input") || is_word(w, start, "meta") || !has_secret_label(w, start, start))
		return pos;
	return replace_content(w, pos + 1);
}

/* What a name in a form is written with: card[cvv], card%5Bcvv%5D, %22cvv%22. */
static size_t
skip_bracket(const Walk *w, size_t pos)
{
	if (pos < w->len && w->s[pos] == ']')
		return pos + 1;
	if (starts_with(w, pos, "%5D") || starts_with(w, pos, "%5d"))
		return pos + 3;
	return skip_encoded_quote(w, pos);
}

/* Behind the index of a list in a form, cvv[], cvv[0], %5B%5D, or pos. */
static size_t
skip_index(const Walk *w, size_t pos)
{
	size_t		start = pos;

	if (pos < w->len && w->s[pos] == '[')
		pos++;
	else if (starts_with(w, pos, "%5B") || starts_with(w, pos, "%5b"))
		pos += 3;
	else
		return start;
	while (pos < w->len && pos - start < MAX_INDEX && is_digit(w->s[pos]))
		pos++;
	REDACT_WORK(pos - start);
	if (pos < w->len && w->s[pos] == ']')
		return pos + 1;
	return starts_with(w, pos, "%5D") || starts_with(w, pos, "%5d") ? pos + 3 : start;
}

/* Behind a remark in brackets with a separator behind it, "cvv (3 digits):", or pos. */
static size_t
skip_remark(const Walk *w, size_t pos)
{
	size_t		start = pos;

	if (pos == w->len || w->s[pos] != '(')
		return pos;
	while (pos < w->len && pos - start < MAX_REMARK && w->s[pos] != ')' && w->s[pos] != '\n')
		pos++;
	REDACT_WORK(pos - start);
	if (pos == w->len || w->s[pos] != ')')
		return start;
	pos = skip_blanks(w, pos + 1, false);
	return separator_at(w, pos) > 0 ? pos : start;
}

/*
 * A part of a form that says in its headers what it is, form-data; name="cvv", and has
 * its value behind an empty line.  Returns where to go on, or end.
 */
static size_t
try_form_data(Walk *w, size_t start, size_t end)
{
	static const char before[] = "form-data; ";
	size_t		name;
	size_t		pos;

	if (end == w->len || w->s[end] != '=' || !is_word(w, start, "name") ||
		start < strlen(before) || !starts_with(w, start - strlen(before), before))
		return end;
	name = end + 1 + quote_at(w, end + 1);
	for (pos = name; pos < w->len && (is_name_char(w->s[pos]) || is_one_of(w->s[pos], "[] ")); pos++)
		;
	REDACT_WORK(pos - start);
	if (pos > name && w->s[pos - 1] == ']')
		pos--;
	if (paysafe_secret_name_kind(w->s + name, pos - name) == NOT_SECRET)
		return end;
	for (start = pos; pos + 1 < w->len && pos - start < MAX_ATTRIBUTES; pos++)
		if (w->s[pos] == '\n' && (w->s[pos + 1] == '\n' || starts_with(w, pos + 1, "\r\n")))
		{
			REDACT_WORK(pos - start);
			pos += w->s[pos + 1] == '\n' ? 2 : 3;
			end = end_of_line(w, pos, '\0');
			replace(w, pos, end, REDACT_MARK);
			return end;
		}
	REDACT_WORK(pos - start);
	return end;
}

/* Is the quote at pos the first thing in a list, which is in a list itself: [["a", ...? */
static bool
begins_pair(const Walk *w, size_t pos)
{
	int			brackets = 0;

	for (int i = 0; i < MAX_MARKS && pos > 0; i++)
	{
		char		c = w->s[--pos];

		REDACT_WORK(1);
		if (brackets == 1 && (c == '[' || c == ','))
			return true;
		if (c == '[')
			brackets++;
		else if (!is_space(c))
			return false;
	}
	return false;
}

/*
 * A list of pairs, [["password", "abc"], ...]: the name is from start to end, a comma at
 * pos.  Returns where to go on, or end.
 */
static size_t
try_pair(Walk *w, size_t start, size_t end, size_t pos, int name_quote)
{
	size_t		value = skip_blanks(w, pos + 1, true);
	int			quote_len = quote_at(w, value);
	size_t		stop;
	size_t		behind;

	if (quote_len == 0 || start < name_quote || !begins_pair(w, start - name_quote) ||
		paysafe_secret_name_kind(w->s + start, end - start) == NOT_SECRET)
		return end;
	stop = end_of_quoted(w, value + quote_len, w->s + value, quote_len);
	behind = skip_blanks(w, Min(stop + quote_len, w->len), true);
	if (behind == w->len || w->s[behind] != ']')
		return end;
	replace(w, value + quote_len, stop, REDACT_MARK);
	return Min(stop + quote_len, w->len);
}

/* A word for password with letters beyond ASCII, and its value.  Returns where to go on, or pos. */
static size_t
try_foreign(Walk *w, size_t pos)
{
	size_t		end = pos + paysafe_secret_name_foreign(w->s + pos, w->len - pos);
	char		line_quote = pos > 0 && is_quote(w->s[pos - 1]) ? w->s[pos - 1] : '\0';
	int			name_quote = 0;
	size_t		at;

	if (end == pos)
		return pos;
	if (line_quote != '\0')
	{
		name_quote = quote_at(w, end);
		if (name_quote > 0 && w->s[end + name_quote - 1] != line_quote)
			name_quote = 0;
	}
	at = skip_blanks(w, end + name_quote, name_quote > 0);
	if (separator_at(w, at) == 0)
		return pos;
	at = skip_blanks(w, at + separator_at(w, at), name_quote > 0);
	return replace_value(w, at, WORD, name_quote, line_quote);
}

/*
 * The name from start to end, and its value, if it is a secret's.  Returns where
 * to go on.
 */
static size_t
try_name(Walk *w, size_t start, size_t end)
{
	int			name_quote = 0;
	size_t		pos = end;
	char		line_quote = start > 0 && is_quote(w->s[start - 1]) ? w->s[start - 1] : '\0';
	size_t		blanks;

	/* in quotes: "name" or, in JSON within JSON, \"name\" */
	if (line_quote != '\0')
	{
		name_quote = quote_at(w, end);
		if (name_quote > 0 && w->s[end + name_quote - 1] == line_quote)
			pos = end + name_quote;
		else
			name_quote = 0;
	}
	if (name_quote == 0 && ((pos = try_element(w, start, end)) > 0 ||
							(pos = try_escaped_element(w, start, end)) > 0))
		return pos;
	if (name_quote == 0 && (pos = try_form_data(w, start, end)) > end)
		return pos;
	pos = name_quote > 0 ? end + name_quote : skip_index(w, skip_bracket(w, end));
	/* of a name behind %5B the digits are none of its own */
	if (start > 0 && w->s[start - 1] == '%' && end - start > 2)
		start += 2;
	blanks = skip_blanks(w, pos, name_quote > 0) - pos;
	pos = skip_remark(w, pos + blanks);
	if (pos == w->len)
		return end;
	if (separator_at(w, pos) > 0)
		return try_member(w, start, end, pos, name_quote, line_quote);
	if (w->s[pos] == ',' && name_quote > 0)
	{
		size_t		behind = try_pair(w, start, end, pos, name_quote);

		if (behind > end)
			return behind;
	}
	if (is_one_of(w->s[pos], ",|#/-") || w->s[pos] == '\xE2' || (blanks > 0 && is_quote(w->s[pos])))
	{
		size_t		digits = pos;
		size_t		behind = end_of_marked_digits(w, pos, &digits);

		if (behind > pos && kind_of(w, start, end) == CODE)
		{
			replace(w, digits, behind, REDACT_MARK);
			return behind;
		}
		if (!is_quote(w->s[pos]))
			return end;
	}
	if (blanks == 0 || name_quote > 0)
		return end;
	/* cvv 123, cvc is 123 */
	if ((is_digit(w->s[pos]) || is_word(w, pos, "is") || is_word(w, pos, "was")) &&
		kind_of(w, start, end) == CODE)
	{
		size_t		digits = replace_digits(w, pos);

		return digits > pos ? digits : end;
	}
	/* PASSWORD 'abc', --password abc */
	if ((quote_at(w, pos) > 0 || (end - start > 2 && memcmp(w->s + start, "--", 2) == 0)) &&
		w->s[pos] != '-' && paysafe_secret_name_kind(w->s + start, end - start) == WORD)
		return replace_value(w, pos, WORD, 0, '\0');
	return end;
}

bool
paysafe_secret_text_redact(const RedactText *text, RedactOutput *out)
{
	Walk		w = {.s = text->data, .len = text->len, .out = out};
	size_t		pos = 0;
	size_t		name_end = 0;	/* of the last name looked at */

	while (pos < w.len)
	{
		size_t		before = pos;

		REDACT_WORK(1);
		pos = paysafe_secret_token_try(&w, pos);
		if (w.s[before] == '>' && before > 0)
			pos = try_labelled_content(&w, before);
		if (pos == before)
			pos = try_foreign(&w, pos);
		if (pos == before && pos >= name_end && is_name_char(w.s[pos]))
		{
			/* names are looked at as a whole, once */
			name_end = pos;
			while (name_end < w.len && is_name_char(w.s[name_end]))
				name_end++;
			REDACT_WORK(name_end - pos);
			pos = try_name(&w, pos, name_end);
			/* what is within it is looked at for tokens */
			if (pos == name_end)
				pos = before;
		}
		if (pos == before)
			pos++;
	}
	if (w.found)
		paysafe_text_put(out, w.s + w.copied, w.len - w.copied);
	return w.found;
}
