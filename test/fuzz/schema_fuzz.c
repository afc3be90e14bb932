/*-------------------------------------------------------------------------
 *
 * schema_fuzz.c
 *	  libFuzzer's view of JSON Schema: a schema, a line's end, a text.
 *
 * Whatever the bytes are, nothing beyond them is read, and a schema fits into just the room
 * that it says it needs.  A text that is JSON is the constant that it is, and the same
 * twice.  A pattern matches what trying each way in turn finds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "base/json_check.h"
#include "token/schema_node.h"

#include "fuzz.h"

#define FUEL	20000

static const uint64_t key[2] = {0x0123456789abcdef, 0xfedcba9876543210};
static uint64_t scratch[TOKEN_SCHEMA_UNIQUE][2];
static uint8_t room[TOKEN_SCHEMA_ROOM];

/* Bytes with nothing after them */
static TokenText
copy_of(const uint8_t *at, size_t len)
{
	uint8_t    *copy = palloc(len);

	memcpy(copy, at, len);
	return (TokenText) {copy, len};
}

static const TokenSchema *
compile(TokenText text)
{
	TokenSchemaFault fault;
	size_t		used;
	const TokenSchema *schema = token_schema_compile(text, room, sizeof(room), &used, NULL, &fault);

	require((schema == NULL) == (fault.why != NULL) && strlen(fault.at) < TOKEN_SCHEMA_AT);
	if (schema == NULL)
		return NULL;
	require(token_schema_compile(text, palloc(used), used, &used, NULL, &fault) != NULL);
	return schema;
}

static bool
fits(const TokenSchema *schema, TokenText text)
{
	TokenSchemaFault fault;
	bool		good = token_schema_check(schema, text, key, scratch, NULL, &fault);

	require(good == (fault.why == NULL));
	/* names are the schema's, so nothing that is long is the text's */
	return good;
}

/* The text between two others is a schema that a text fits, or not */
static void
require_fit(const char *before, TokenText text, const char *after, TokenText value, bool good)
{
	size_t		n = strlen(before) + text.len + strlen(after);
	uint8_t    *all = palloc(n);
	const TokenSchema *schema;

	memcpy(all, before, strlen(before));
	memcpy(all + strlen(before), text.at, text.len);
	memcpy(all + strlen(before) + text.len, after, strlen(after));
	schema = compile((TokenText) {all, n});
	require(schema != NULL && fits(schema, value) == good);
}

static void
check_value(TokenText text)
{
	uint8_t    *twice = palloc(2 * text.len + 3);
	TokenText	pair = {twice, 2 * text.len + 3};

	twice[0] = '[';
	memcpy(twice + 1, text.at, text.len);
	twice[text.len + 1] = ',';
	memcpy(twice + text.len + 2, text.at, text.len);
	twice[2 * text.len + 2] = ']';
	/* of a number whose exponent is too large, nothing is known */
	if (memchr(text.at, 'e', text.len) != NULL || memchr(text.at, 'E', text.len) != NULL)
		return;
	require_fit("{\"const\":", text, "}", text, true);
	require_fit("{\"enum\":[null,", text, "]}", text, true);
	require_fit("{\"const\":[", text, "]}", text, false);
	require_fit("{\"uniqueItems\":true,\"minItems\":", (TokenText) {(const uint8_t *) "2", 1}, "}", pair, false);
}

/* Try each way in turn; 1, 0, or -1: it takes too long */
static int
try(const TokenPattern *pattern, int step, const uint8_t *start, const uint8_t *at, const uint8_t *end, int *fuel, int depth)
{
	while (--*fuel > 0 && depth < 2000)
	{
		const TokenPatternStep *s = &pattern->steps[step];
		uint32_t	c;
		bool		in = false;
		int			found;

		switch (s->operation)
		{
			case PATTERN_MATCH:
				return 1;
			case PATTERN_JUMP:
				step += s->x;
				continue;
			case PATTERN_SPLIT:
				found = try(pattern, step + s->x, start, at, end, fuel, depth + 1);
				if (found != 0)
					return found;
				step += s->y;
				continue;
			case PATTERN_START:
			case PATTERN_END:
				if (at != (s->operation == PATTERN_START ? start : end))
					return 0;
				step++;
				continue;
			default:
				if (at == end)
					return 0;
				c = token_json_character(&at, end);
				for (int i = 0; i < s->y; i++)
					in |= c >= pattern->ranges[s->x + i].low && c <= pattern->ranges[s->x + i].high;
				if (in == s->negated)
					return 0;
				step++;
		}
	}
	return -1;
}

static void
check_pattern(TokenText text, TokenText value)
{
	static TokenPatternRoom made;
	TokenPattern pattern;
	const char *why = NULL;
	int			fuel = FUEL;
	int			found = 0;
	TokenRest	rest = {NULL, 0};

	if (!token_pattern_make(text, &made, &pattern, &why))
	{
		require(why != NULL);
		return;
	}
	for (const uint8_t *at = value.at, *end = at + value.len; found == 0;)
	{
		found = try(&pattern, 0, value.at, at, end, &fuel, 0);
		if (at == end)
			break;
		(void) token_json_character(&at, end);
	}
	if (found >= 0)
		require(token_pattern_matches(&pattern, value, &rest) == found);
	else
		(void) token_pattern_matches(&pattern, value, &rest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	TokenText	first;
	TokenText	second;
	const TokenSchema *schema;
	size_t		len = line != NULL ? (size_t) (line - data) : size;

	first = copy_of(data, len);
	second = line != NULL ? copy_of(line + 1, size - len - 1) : copy_of(data, 0);
	schema = compile(first);
	if (schema != NULL)
		(void) fits(schema, second);
	if (paysafe_json_check((const char *) second.at, second.len, 16, false, 99) == NULL)
		check_value(second);
	check_pattern(first, second);
	fuzz_free();
	return 0;
}
