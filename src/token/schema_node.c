/*-------------------------------------------------------------------------
 *
 * schema_node.c
 *	  A compiled schema, and reading JSON that has been checked.
 *
 *-------------------------------------------------------------------------
 */
#include "token/schema_node.h"

/* Places */

typedef struct Pointer
{
	char	   *out;
	size_t		n;
	bool		cut;			/* nothing more is added */
} Pointer;

/* All of it, or nothing: a character is not cut in two. */
static void
append(Pointer *p, const char *bytes, size_t len)
{
	p->cut |= p->n + len >= TOKEN_SCHEMA_AT;
	if (p->cut)
		return;
	memcpy(p->out + p->n, bytes, len);
	p->n += len;
}

/* A character of a name, in UTF-8; those that control something, as JSON would have them */
static void
append_character(Pointer *p, uint32_t c)
{
	static const char hex[] = "0123456789abcdef";
	char		bytes[6] = "\\u00";
	size_t		n = 0;

	if (c == '~' || c == '/')
	{
		append(p, c == '~' ? "~0" : "~1", 2);
		return;
	}
	if (c < ' ' || (c >= 0x7F && c < 0xA0))
	{
		bytes[4] = hex[c >> 4];
		bytes[5] = hex[c & 15];
		append(p, bytes, sizeof(bytes));
		return;
	}
	if (c < 0x80)
		bytes[n++] = (char) c;
	else
	{
		int			more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

		bytes[n++] = (char) ((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | c >> 6 * more);
		while (more-- > 0)
			bytes[n++] = (char) (0x80 | (c >> 6 * more & 0x3F));
	}
	append(p, bytes, n);
}

static void
append_number(Pointer *p, int64_t number)
{
	char		digits[24];
	size_t		i = sizeof(digits);

	do
		digits[--i] = (char) ('0' + number % 10);
	while ((number /= 10) > 0);
	append(p, digits + i, sizeof(digits) - i);
}

static void
append_place(Pointer *p, const SchemaPlace *place)
{
	if (place->outer == NULL)
		return;
	append_place(p, place->outer);
	append(p, "/", 1);
	if (place->name.at != NULL)
		for (const uint8_t *at = place->name.at, *end = at + place->name.len; at < end;)
			append_character(p, token_json_character(&at, end));
	else if (place->number < 0)
		append(p, "*", 1);
	else
		append_number(p, place->number);
}

void
token_schema_place(const SchemaPlace *place, char *out)
{
	Pointer		p = {.out = out};

	append_place(&p, place);
	out[p.n] = '\0';
}

/* Reading */

void
token_cursor_blanks(JsonCursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
		c->at++;
}

static void
take_any(JsonCursor *c)
{
	c->at += c->at < c->end;
}

TokenText
token_cursor_string(JsonCursor *c)
{
	TokenText	inner;

	take_any(c);
	inner.at = c->at;
	while (c->at < c->end && *c->at != '"')
	{
		c->at += *c->at == '\\';
		take_any(c);
	}
	inner.len = (size_t) (c->at - inner.at);
	take_any(c);
	return inner;
}

TokenText
token_cursor_value(JsonCursor *c)
{
	TokenText	text;
	int			depth = 0;

	token_cursor_blanks(c);
	text.at = c->at;
	do
	{
		uint8_t		b = c->at < c->end ? *c->at : 0;

		if (b == '"')
			(void) token_cursor_string(c);
		else
		{
			depth += (b == '{' || b == '[') - (b == '}' || b == ']');
			take_any(c);
			/* numbers and words */
			if (b != '{' && b != '[' && b != '}' && b != ']')
				while (c->at < c->end && strchr(" \t\n\r,:\"{}[]", *c->at) == NULL)
					c->at++;
		}
	} while (depth > 0 && c->at < c->end);
	text.len = (size_t) (c->at - text.at);
	return text;
}

bool
token_cursor_enter(JsonCursor *c)
{
	take_any(c);
	token_cursor_blanks(c);
	if (c->at < c->end && *c->at != '}' && *c->at != ']')
		return true;
	take_any(c);
	return false;
}

bool
token_cursor_more(JsonCursor *c)
{
	bool		more;

	token_cursor_blanks(c);
	more = c->at < c->end && *c->at == ',';
	take_any(c);
	return more && c->at < c->end;
}

TokenText
token_cursor_name(JsonCursor *c)
{
	TokenText	name;

	token_cursor_blanks(c);
	name = token_cursor_string(c);
	token_cursor_blanks(c);
	take_any(c);
	return name;
}

/* Comparing */

static bool
number_same(TokenText a, TokenText b)
{
	TokenDecimal x;
	TokenDecimal y;

	return token_decimal_read(a, &x) && token_decimal_read(b, &y) && token_decimal_compare(&x, &y) == 0;
}

static bool
array_same(JsonCursor a, JsonCursor b, TokenRest *rest)
{
	bool		more_a = token_cursor_enter(&a);
	bool		more_b = token_cursor_enter(&b);

	while (more_a && more_b)
	{
		if (!token_value_same(token_cursor_value(&a), token_cursor_value(&b), rest))
			return false;
		more_a = token_cursor_more(&a);
		more_b = token_cursor_more(&b);
	}
	return more_a == more_b;
}

static int64_t
count_members(JsonCursor c)
{
	int64_t		n = 0;

	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
	{
		(void) token_cursor_name(&c);
		(void) token_cursor_value(&c);
		n++;
	}
	return n;
}

/* Is there a member of this name and value? */
static bool
has_member(JsonCursor c, TokenText name, TokenText value, TokenRest *rest)
{
	token_rest(rest, (size_t) (c.end - c.at));
	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
	{
		bool		found = token_json_same(token_cursor_name(&c), name);
		TokenText	other = token_cursor_value(&c);

		if (found)
			return token_value_same(other, value, rest);
	}
	return false;
}

static bool
object_same(JsonCursor a, JsonCursor b, TokenRest *rest)
{
	/* none is there twice in either */
	if (count_members(a) != count_members(b))
		return false;
	for (bool more = token_cursor_enter(&b); more; more = token_cursor_more(&b))
	{
		TokenText	name = token_cursor_name(&b);

		if (!has_member(a, name, token_cursor_value(&b), rest))
			return false;
	}
	return true;
}

static TokenText
inner_of(TokenText string)
{
	return (TokenText) {string.at + 1, string.len >= 2 ? string.len - 2 : 0};
}

bool
token_value_same(TokenText a, TokenText b, TokenRest *rest)
{
	JsonCursor	x = {a.at, a.at + a.len};
	JsonCursor	y = {b.at, b.at + b.len};
	bool		number_a;
	bool		number_b;

	if (a.len == 0 || b.len == 0)
		return false;
	token_rest(rest, a.len + b.len);
	number_a = *a.at == '-' || (*a.at >= '0' && *a.at <= '9');
	number_b = *b.at == '-' || (*b.at >= '0' && *b.at <= '9');
	if (number_a || number_b)
		return number_a && number_b && number_same(a, b);
	/* the first byte says the kind */
	if (*a.at != *b.at)
		return false;
	switch (*a.at)
	{
		case '"':
			return token_json_same(inner_of(a), inner_of(b));
		case '[':
			return array_same(x, y, rest);
		case '{':
			return object_same(x, y, rest);
		default:
			return true;
	}
}

const SchemaMember *
token_schema_member(const SchemaMember *members, int n, TokenText name)
{
	int			low = 0;

	while (low < n)
	{
		int			middle = low + (n - low) / 2;
		int			order = token_json_compare(name, members[middle].name);

		if (order == 0)
			return &members[middle];
		if (order < 0)
			n = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
