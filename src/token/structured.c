/*-------------------------------------------------------------------------
 *
 * structured.c
 *	  Dictionaries of structured fields of HTTP: RFC 8941 and 9651, read strictly.
 *
 *-------------------------------------------------------------------------
 */
#include "token/base64url.h"
#include "token/structured.h"

#define MAX_DIGITS			15	/* of an integer; 12 before the point, 3 behind it */
#define MAX_DECIMAL_DIGITS	12

/* What is being read: from at to end. */
typedef struct Reader
{
	const uint8_t *at;
	const uint8_t *end;
	TokenField *out;
	const char *why;
} Reader;

static bool
fail(Reader *reader, const char *why)
{
	reader->why = why;
	return false;
}

static int
peek(const Reader *reader)
{
	return reader->at < reader->end ? *reader->at : -1;
}

static bool
take(Reader *reader, int c)
{
	if (peek(reader) != c)
		return false;
	reader->at++;
	return true;
}

static void
skip_blanks(Reader *reader)
{
	while (peek(reader) == ' ')
		reader->at++;
}

/* Around commas, tabs are blanks, too */
static void
skip_white(Reader *reader)
{
	while (peek(reader) == ' ' || peek(reader) == '\t')
		reader->at++;
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_letter(int c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* Of the names of fields, and of words */
static bool
is_name_char(int c)
{
	return is_letter(c) || is_digit(c) || (c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_key_char(int c)
{
	return is_lower(c) || is_digit(c) || (c > 0 && strchr("_-.*", c) != NULL);
}

bool
token_structured_is_key(TokenText text)
{
	if (text.len == 0 || (!is_lower(text.at[0]) && text.at[0] != '*'))
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (!is_key_char(text.at[i]))
			return false;
	return true;
}

static bool
read_key(Reader *reader, TokenText *key)
{
	const uint8_t *start = reader->at;

	while (is_key_char(peek(reader)))
		reader->at++;
	*key = (TokenText) {start, (size_t) (reader->at - start)};
	return token_structured_is_key(*key) || fail(reader, "a key is malformed");
}

/* Bare items */

static bool
read_number(Reader *reader, TokenBare *out)
{
	bool		negative = take(reader, '-');
	int64_t		number = 0;
	int			n = 0;
	int			behind = 0;

	for (; is_digit(peek(reader)) && n <= MAX_DIGITS; n++)
		number = number * 10 + (*reader->at++ - '0');
	if (n == 0 || n > MAX_DIGITS)
		return fail(reader, "a number is malformed");
	out->type = TOKEN_BARE_INTEGER;
	if (take(reader, '.'))
	{
		out->type = TOKEN_BARE_DECIMAL;
		if (n > MAX_DECIMAL_DIGITS)
			return fail(reader, "a number is malformed");
		for (; is_digit(peek(reader)) && behind <= 3; behind++)
			number = number * 10 + (*reader->at++ - '0');
		if (behind == 0 || behind > 3)
			return fail(reader, "a number is malformed");
		for (; behind < 3; behind++)
			number *= 10;
	}
	out->number = negative ? -number : number;
	return true;
}

static bool
read_string(Reader *reader, TokenBare *out)
{
	const uint8_t *start = ++reader->at;

	out->type = TOKEN_BARE_STRING;
	for (; reader->at < reader->end; reader->at++)
	{
		uint8_t		c = *reader->at;

		if (c == '"')
		{
			out->text = (TokenText) {start, (size_t) (reader->at - start)};
			reader->at++;
			return true;
		}
		if (c < ' ' || c > '~')
			break;
		if (c == '\\' && (++reader->at == reader->end || (*reader->at != '"' && *reader->at != '\\')))
			break;
	}
	return fail(reader, "a string is malformed");
}

static bool
read_word(Reader *reader, TokenBare *out)
{
	const uint8_t *start = reader->at;

	while (is_name_char(peek(reader)) || peek(reader) == ':' || peek(reader) == '/')
		reader->at++;
	out->type = TOKEN_BARE_WORD;
	out->text = (TokenText) {start, (size_t) (reader->at - start)};
	return true;
}

static bool
read_bytes(Reader *reader, TokenBare *out)
{
	const uint8_t *start = ++reader->at;
	const uint8_t *end = memchr(start, ':', (size_t) (reader->end - start));
	uint8_t		bytes[TOKEN_FIELD_MAX];

	if (end == NULL)
		return fail(reader, "bytes have no end");
	out->type = TOKEN_BARE_BYTES;
	out->text = (TokenText) {start, (size_t) (end - start)};
	reader->at = end + 1;
	return token_base64_read(out->text, bytes, sizeof(bytes)) >= 0 ||
		fail(reader, "bytes are no base64 in its one form");
}

static bool
read_bare(Reader *reader, TokenBare *out)
{
	int			c = peek(reader);

	*out = (TokenBare) {.text = {reader->at, 0}};
	if (c == '-' || is_digit(c))
		return read_number(reader, out);
	if (c == '"')
		return read_string(reader, out);
	if (c == ':')
		return read_bytes(reader, out);
	if (c == '*' || is_letter(c))
		return read_word(reader, out);
	if (c == '@')
	{
		reader->at++;
		if (!read_number(reader, out) || out->type != TOKEN_BARE_INTEGER)
			return fail(reader, "a date is malformed");
		out->type = TOKEN_BARE_DATE;
		return true;
	}
	if (c != '?')
		return fail(reader, c == '%' ? "there is a display string" : "a value is malformed");
	reader->at++;
	out->type = TOKEN_BARE_BOOLEAN;
	out->number = peek(reader) == '1';
	return take(reader, '0') || take(reader, '1') || fail(reader, "a boolean is malformed");
}

/* What is made of them */

static bool
same_text(TokenText a, TokenText b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool
read_parameters(Reader *reader, TokenSpan *span)
{
	TokenField *out = reader->out;

	span->first = out->nparameters;
	span->n = 0;
	while (take(reader, ';'))
	{
		TokenParameter *parameter = &out->parameters[out->nparameters];

		if (out->nparameters == TOKEN_FIELD_PARAMETERS)
			return fail(reader, "there are too many parameters");
		skip_blanks(reader);
		if (!read_key(reader, &parameter->key))
			return false;
		for (int i = span->first; i < out->nparameters; i++)
			if (same_text(out->parameters[i].key, parameter->key))
				return fail(reader, "a parameter is there twice");
		parameter->value = (TokenBare) {TOKEN_BARE_BOOLEAN, 1, {reader->at, 0}};
		if (take(reader, '=') && !read_bare(reader, &parameter->value))
			return false;
		out->nparameters++;
		span->n++;
	}
	return true;
}

static bool
read_item(Reader *reader)
{
	TokenItem  *item = &reader->out->items[reader->out->nitems];

	if (reader->out->nitems == TOKEN_FIELD_ITEMS)
		return fail(reader, "there are too many items");
	reader->out->nitems++;
	return read_bare(reader, &item->value) && read_parameters(reader, &item->parameters);
}

static bool
read_inner_list(Reader *reader, TokenFieldMember *member)
{
	member->is_list = true;
	for (;;)
	{
		skip_blanks(reader);
		if (take(reader, ')'))
			return read_parameters(reader, &member->parameters);
		if (!read_item(reader))
			return false;
		member->items.n++;
		if (peek(reader) != ' ' && peek(reader) != ')')
			return fail(reader, "a list is malformed");
	}
}

static bool
read_value(Reader *reader, TokenFieldMember *member)
{
	TokenItem  *item;

	member->items = (TokenSpan) {reader->out->nitems, 0};
	member->parameters = (TokenSpan) {reader->out->nparameters, 0};
	if (take(reader, '='))
	{
		if (take(reader, '('))
			return read_inner_list(reader, member);
		member->items.n = 1;
		return read_item(reader);
	}
	/* a key alone is true */
	if (reader->out->nitems == TOKEN_FIELD_ITEMS)
		return fail(reader, "there are too many items");
	item = &reader->out->items[reader->out->nitems++];
	item->value = (TokenBare) {TOKEN_BARE_BOOLEAN, 1, {reader->at, 0}};
	member->items.n = 1;
	return read_parameters(reader, &item->parameters);
}

static bool
read_dictionary(Reader *reader)
{
	TokenField *out = reader->out;

	skip_blanks(reader);
	while (reader->at < reader->end)
	{
		TokenFieldMember *member = &out->members[out->nmembers];

		if (out->nmembers == TOKEN_FIELD_MEMBERS)
			return fail(reader, "there are too many members");
		memset(member, 0, sizeof(*member));
		if (!read_key(reader, &member->key))
			return false;
		if (token_structured_find(out, member->key) != NULL)
			return fail(reader, "a member is there twice");
		if (!read_value(reader, member))
			return false;
		out->nmembers++;
		skip_white(reader);
		if (reader->at == reader->end)
			return true;
		if (!take(reader, ','))
			return fail(reader, "there is something behind a member");
		skip_white(reader);
		if (reader->at == reader->end)
			return fail(reader, "there is nothing behind a comma");
	}
	return true;
}

bool
token_structured_dictionary(TokenText field, TokenField *out, const char **why)
{
	Reader		reader = {field.at, field.at + field.len, out, NULL};

	out->nmembers = out->nitems = out->nparameters = 0;
	if (field.len > TOKEN_FIELD_MAX)
		(void) fail(&reader, "it is too long");
	else if (read_dictionary(&reader))
		return true;
	*why = reader.why;
	return false;
}

const TokenFieldMember *
token_structured_find(const TokenField *field, TokenText key)
{
	for (int i = 0; i < field->nmembers; i++)
		if (same_text(field->members[i].key, key))
			return &field->members[i];
	return NULL;
}

/* Writing */

void
token_structured_put(TokenWriter *out, const void *bytes, size_t len)
{
	if (out->full || len > out->room - out->len)
	{
		out->full = true;
		return;
	}
	memcpy(out->at + out->len, bytes, len);
	out->len += len;
}

void
token_structured_put_word(TokenWriter *out, const char *word)
{
	token_structured_put(out, word, strlen(word));
}

static void
put_number(TokenWriter *out, int64_t number, int least)
{
	char		digits[24];
	int			n = sizeof(digits);

	for (; number > 0 || least > 0; number /= 10, least--)
		digits[--n] = (char) ('0' + number % 10);
	token_structured_put(out, digits + n, sizeof(digits) - (size_t) n);
}

static void
put_decimal(TokenWriter *out, int64_t thousandths)
{
	int			behind = (int) (thousandths % 1000);
	int			digits = 3;

	put_number(out, thousandths / 1000, 1);
	token_structured_put_word(out, ".");
	for (; digits > 1 && behind % 10 == 0; digits--)
		behind /= 10;
	put_number(out, behind, digits);
}

static void
put_bare(TokenWriter *out, const TokenBare *bare)
{
	static const char *const around[] = {
		[TOKEN_BARE_STRING] = "\"",[TOKEN_BARE_WORD] = "",[TOKEN_BARE_BYTES] = ":"
	};
	bool		negative = bare->number < 0;

	switch (bare->type)
	{
		case TOKEN_BARE_STRING:
		case TOKEN_BARE_WORD:
		case TOKEN_BARE_BYTES:
			token_structured_put_word(out, around[bare->type]);
			token_structured_put(out, bare->text.at, bare->text.len);
			token_structured_put_word(out, around[bare->type]);
			return;
		case TOKEN_BARE_BOOLEAN:
			token_structured_put_word(out, bare->number == 1 ? "?1" : "?0");
			return;
		case TOKEN_BARE_DATE:
			token_structured_put_word(out, "@");
			break;
		case TOKEN_BARE_INTEGER:
		case TOKEN_BARE_DECIMAL:
			break;
	}
	if (negative)
		token_structured_put_word(out, "-");
	if (bare->type == TOKEN_BARE_DECIMAL)
		put_decimal(out, negative ? -bare->number : bare->number);
	else
		put_number(out, negative ? -bare->number : bare->number, 1);
}

static void
put_parameters(TokenWriter *out, const TokenField *field, TokenSpan span)
{
	for (int i = 0; i < span.n; i++)
	{
		const TokenParameter *parameter = &field->parameters[span.first + i];

		token_structured_put_word(out, ";");
		token_structured_put(out, parameter->key.at, parameter->key.len);
		if (parameter->value.type == TOKEN_BARE_BOOLEAN && parameter->value.number == 1)
			continue;
		token_structured_put_word(out, "=");
		put_bare(out, &parameter->value);
	}
}

void
token_structured_write_item(TokenWriter *out, const TokenField *field, const TokenItem *item)
{
	put_bare(out, &item->value);
	put_parameters(out, field, item->parameters);
}

void
token_structured_write_member(TokenWriter *out, const TokenField *field, const TokenFieldMember *member)
{
	if (!member->is_list)
	{
		token_structured_write_item(out, field, &field->items[member->items.first]);
		return;
	}
	token_structured_put_word(out, "(");
	for (int i = 0; i < member->items.n; i++)
	{
		if (i > 0)
			token_structured_put_word(out, " ");
		token_structured_write_item(out, field, &field->items[member->items.first + i]);
	}
	token_structured_put_word(out, ")");
	put_parameters(out, field, member->parameters);
}
