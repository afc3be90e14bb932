/*-------------------------------------------------------------------------
 *
 * json.c
 *	  JSON that two readers cannot read as two things: RFC 8259, strictly.
 *
 *-------------------------------------------------------------------------
 */
#include "token/json.h"
#include "token/json_text.h"

typedef struct Reader
{
	const uint8_t *at;
	const uint8_t *end;
	const char *why;
	int			depth;
	int			nnames;
	TokenText	names[TOKEN_JSON_NAMES];	/* of the objects that are open, outermost first */
} Reader;

static bool
fail(Reader *r, const char *why)
{
	r->why = why;
	return false;
}

/* Strings */

/* A string that begins here; what is between its quotation marks */
static bool
read_string(Reader *r, TokenText *inner)
{
	if (r->at == r->end || *r->at != '"')
		return fail(r, "a string is missing");
	inner->at = ++r->at;
	while (r->at < r->end && *r->at != '"')
		if (token_json_character(&r->at, r->end) == 0)
			return fail(r, "a string is not valid");
	if (r->at == r->end)
		return fail(r, "a string does not end");
	inner->len = r->at++ - inner->at;
	return true;
}

/* Values */

static void
skip_blanks(Reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

/* Take the character, if it is there */
static bool
take(Reader *r, char c)
{
	if (r->at == r->end || *r->at != (uint8_t) c)
		return false;
	r->at++;
	return true;
}

static bool
digits(Reader *r)
{
	const uint8_t *from = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > from;
}

static bool
read_number(Reader *r)
{
	(void) take(r, '-');
	if (!take(r, '0') && !digits(r))
		return fail(r, "a value is missing");
	if (take(r, '.') && !digits(r))
		return fail(r, "a number is not valid");
	if (take(r, 'e') || take(r, 'E'))
	{
		if (!take(r, '+'))
			(void) take(r, '-');
		if (!digits(r))
			return fail(r, "a number is not valid");
	}
	return true;
}

static bool
read_word(Reader *r, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return fail(r, "a value is missing");
	r->at += len;
	return true;
}

static bool read_value(Reader *r, TokenMember *out);

/* A member's name; none of the object that begins with names[first] has it yet */
static bool
read_name(Reader *r, int first, TokenText *name)
{
	if (!read_string(r, name))
		return false;
	for (int i = first; i < r->nnames; i++)
		if (token_json_same(r->names[i], *name))
			return fail(r, "a member is there twice");
	if (r->nnames == TOKEN_JSON_NAMES)
		return fail(r, "there are too many members");
	r->names[r->nnames++] = *name;
	skip_blanks(r);
	if (!take(r, ':'))
		return fail(r, "a colon is missing");
	return true;
}

/*
 * What is in an object or array, after its first brace or bracket, with the last one.
 * With members, no more than max of them, which are kept.
 */
static bool
read_inside(Reader *r, bool object, TokenMember *members, int max, int *n)
{
	int			first = r->nnames;
	TokenMember	member;

	*n = 0;
	skip_blanks(r);
	if (take(r, object ? '}' : ']'))
		return true;
	do
	{
		memset(&member, 0, sizeof(member));
		skip_blanks(r);
		if ((object && !read_name(r, first, &member.name)) || !read_value(r, &member))
			return false;
		if (members != NULL)
		{
			if (*n == max)
				return fail(r, "there are too many members");
			members[*n] = member;
		}
		(*n)++;
		skip_blanks(r);
	} while (take(r, ','));
	if (!take(r, object ? '}' : ']'))
		return fail(r, object ? "an object does not end" : "an array does not end");
	r->nnames = first;
	return true;
}

static bool
read_object_or_array(Reader *r, bool object, TokenMember *members, int max, int *n)
{
	bool		good;

	if (r->depth == TOKEN_JSON_DEPTH)
		return fail(r, "it is too deep");
	if (!take(r, object ? '{' : '['))
		return fail(r, object ? "it is no object" : "it is no array");
	r->depth++;
	good = read_inside(r, object, members, max, n);
	r->depth--;
	return good;
}

/* A value, which blanks may stand before; its kind and text */
static bool
read_value(Reader *r, TokenMember *out)
{
	TokenText	inner;
	int			n;
	bool		good;
	uint8_t		c;

	skip_blanks(r);
	if (r->at == r->end)
		return fail(r, "a value is missing");
	c = *r->at;
	out->value.at = r->at;
	out->kind = c == '"' ? TOKEN_STRING : c == '{' ? TOKEN_OBJECT : c == '[' ? TOKEN_ARRAY :
		c == 't' ? TOKEN_TRUE : c == 'f' ? TOKEN_FALSE : c == 'n' ? TOKEN_NULL : TOKEN_NUMBER;
	switch (out->kind)
	{
		case TOKEN_STRING:
			good = read_string(r, &inner);
			break;
		case TOKEN_OBJECT:
		case TOKEN_ARRAY:
			good = read_object_or_array(r, c == '{', NULL, 0, &n);
			break;
		case TOKEN_NUMBER:
			good = read_number(r);
			break;
		default:
			good = read_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
	}
	out->value.len = r->at - out->value.at;
	return good;
}

static bool
read_all(TokenText text, bool object, TokenMember *members, int max, int *n, const char **why)
{
	Reader		r = {.at = text.at, .end = text.at + text.len};
	bool		good;

	*n = 0;
	if (text.len > TOKEN_JSON_MAX)
		good = fail(&r, "it is too long");
	else
	{
		skip_blanks(&r);
		good = read_object_or_array(&r, object, members, max, n);
		skip_blanks(&r);
		if (good && r.at != r.end)
			good = fail(&r, "something stands after it");
	}
	if (!good)
		*n = 0;
	*why = r.why;
	return good;
}

bool
token_json_object(TokenText text, TokenMember *members, int max, int *n, const char **why)
{
	return read_all(text, true, members, max, n, why);
}

bool
token_json_array(TokenText text, TokenMember *elements, int max, int *n, const char **why)
{
	return read_all(text, false, elements, max, n, why);
}

/* What was read */

static TokenText
inner_of(const TokenMember *member)
{
	return (TokenText) {member->value.at + 1, member->value.len - 2};
}

/* A word of ours, as the inside of a string; it has no quotation mark or backslash */
static TokenText
word_text(const char *word)
{
	return (TokenText) {(const uint8_t *) word, strlen(word)};
}

const TokenMember *
token_json_find(const TokenMember *members, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (token_json_same(members[i].name, word_text(name)))
			return &members[i];
	return NULL;
}

bool
token_json_string_is(const TokenMember *member, const char *word)
{
	return member->kind == TOKEN_STRING && token_json_same(inner_of(member), word_text(word));
}

bool
token_json_string(const TokenMember *member, char *out, size_t room, size_t *len)
{
	size_t		n = 0;
	TokenText	inner;

	if (member->kind != TOKEN_STRING)
		return false;
	inner = inner_of(member);
	for (const uint8_t *at = inner.at, *end = at + inner.len; at < end;)
	{
		uint32_t	code = token_json_character(&at, end);
		int			more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
		static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};

		if (n + more + 1 >= room)
			return false;
		out[n++] = (char) (first[more] | code >> (6 * more));
		while (more-- > 0)
			out[n++] = (char) (0x80 | (code >> (6 * more) & 0x3F));
	}
	if (n >= room)
		return false;
	out[n] = '\0';
	*len = n;
	return true;
}

bool
token_json_int64(const TokenMember *member, int64_t *value)
{
	const uint8_t *at = member->value.at;
	const uint8_t *end = at + member->value.len;
	bool		minus = member->kind == TOKEN_NUMBER && *at == '-';
	uint64_t	n = 0;

	if (member->kind != TOKEN_NUMBER)
		return false;
	for (at += minus; at < end; at++)
	{
		if (*at < '0' || *at > '9' || n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (*at - '0');
	}
	if (minus ? n == 0 || n > (uint64_t) INT64_MAX + 1 : n > INT64_MAX)
		return false;
	*value = minus ? -(int64_t) (n - 1) - 1 : (int64_t) n;
	return true;
}
