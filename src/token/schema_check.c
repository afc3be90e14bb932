/*-------------------------------------------------------------------------
 *
 * schema_check.c
 *	  JSON Schema: does a text fit?
 *
 * The text is read once, each value by its schema; what a schema lists (enum, const) is
 * compared with the value as it stands.  Items that must differ are compared by hashes of
 * 128 bits under a key that nobody who writes a text knows, sorted.
 *
 *-------------------------------------------------------------------------
 */
#include "token/schema_node.h"

typedef struct Walk
{
	JsonCursor	cursor;
	const uint64_t *key;
	uint64_t	(*hashes)[2];	/* of items of arrays that are open, outermost first */
	size_t		nhashes;
	size_t		room;
	int			depth;
	TokenRest	rest;
	TokenSchemaFault *fault;
} Walk;

static bool
fail(Walk *w, const SchemaPlace *place, const char *why)
{
	w->fault->why = why;
	token_schema_place(place, w->fault->at);
	return false;
}

/* Hashes: SipHash-2-4 with 128 bits, over words instead of bytes */

typedef struct Sip
{
	uint64_t	v[4];
} Sip;

static inline uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_rounds(Sip *s, int n)
{
	uint64_t   *v = s->v;

	while (n-- > 0)
	{
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static Sip
sip_begin(const uint64_t *key)
{
	return (Sip) {{
			key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
			key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)
		}};
}

static void
sip_add(Sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_rounds(s, 2);
	s->v[0] ^= word;
}

static void
sip_end(Sip *s, uint64_t out[2])
{
	s->v[2] ^= 0xee;
	sip_rounds(s, 4);
	out[0] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	s->v[1] ^= 0xdd;
	sip_rounds(s, 4);
	out[1] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

static void
add_string(Walk *w, Sip *s, TokenText inner)
{
	for (const uint8_t *at = inner.at, *end = at + inner.len; at < end;)
	{
		token_rest(&w->rest, 1);
		sip_add(s, token_json_character(&at, end));
	}
	/* no character */
	sip_add(s, UINT32_MAX);
}

static void
add_number(Walk *w, Sip *s, TokenText text)
{
	TokenDecimal number = {0};

	(void) token_decimal_read(text, &number);
	sip_add(s, (uint64_t) (int64_t) number.sign);
	sip_add(s, (uint64_t) number.first);
	for (const uint8_t *at = number.at; at < number.end; at++)
	{
		token_rest(&w->rest, 1);
		if (*at != '.')
			sip_add(s, *at);
	}
}

static bool hash_value(Walk *w, JsonCursor *c, uint64_t out[2]);

/* Members in any order: what they come to, each by itself, is added up. */
static bool
add_members(Walk *w, Sip *s, JsonCursor *c)
{
	uint64_t	sum[2] = {0, 0};
	uint64_t	hash[2];

	for (bool more = token_cursor_enter(c); more; more = token_cursor_more(c))
	{
		Sip			member = sip_begin(w->key);

		sip_add(&member, 'm');
		add_string(w, &member, token_cursor_name(c));
		if (!hash_value(w, c, hash))
			return false;
		sip_add(&member, hash[0]);
		sip_add(&member, hash[1]);
		sip_end(&member, hash);
		sum[0] += hash[0];
		sum[1] += hash[1];
	}
	sip_add(s, sum[0]);
	sip_add(s, sum[1]);
	return true;
}

static bool
add_items(Walk *w, Sip *s, JsonCursor *c)
{
	uint64_t	hash[2];

	for (bool more = token_cursor_enter(c); more; more = token_cursor_more(c))
	{
		if (!hash_value(w, c, hash))
			return false;
		sip_add(s, hash[0]);
		sip_add(s, hash[1]);
	}
	return true;
}

/* The value that stands there, taken: those that are the same have the same.  False: it is too deep. */
static bool
hash_value(Walk *w, JsonCursor *cursor, uint64_t out[2])
{
	Sip			s = sip_begin(w->key);
	bool		good = w->depth < TOKEN_SCHEMA_DEEPEST;
	uint8_t		c;

	token_cursor_blanks(cursor);
	c = cursor->at < cursor->end ? *cursor->at : 0;
	token_rest(&w->rest, 1);
	w->depth++;
	if (c == '"')
	{
		sip_add(&s, c);
		add_string(w, &s, token_cursor_string(cursor));
	}
	else if (c == '{' || c == '[')
	{
		sip_add(&s, c);
		good = good && (c == '{' ? add_members(w, &s, cursor) : add_items(w, &s, cursor));
	}
	else if (c == '-' || (c >= '0' && c <= '9'))
	{
		sip_add(&s, '0');
		add_number(w, &s, token_cursor_value(cursor));
	}
	else
	{
		sip_add(&s, c);
		(void) token_cursor_value(cursor);
	}
	w->depth--;
	sip_end(&s, out);
	return good;
}

/* Items that must differ */

static bool
is_less(const uint64_t *a, const uint64_t *b)
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

static void
swap(uint64_t *a, uint64_t *b)
{
	for (int i = 0; i < 2; i++)
	{
		uint64_t	x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

static void
sift(uint64_t (*hashes)[2], size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child)
	{
		if (child + 1 < n && is_less(hashes[child], hashes[child + 1]))
			child++;
		if (!is_less(hashes[at], hashes[child]))
			return;
		swap(hashes[at], hashes[child]);
	}
}

static bool
all_differ(uint64_t (*hashes)[2], size_t n)
{
	for (size_t i = n / 2; i > 0; i--)
		sift(hashes, i - 1, n);
	for (size_t i = n; i > 1; i--)
	{
		swap(hashes[0], hashes[i - 1]);
		sift(hashes, 0, i - 1);
	}
	for (size_t i = 1; i < n; i++)
		if (hashes[i][0] == hashes[i - 1][0] && hashes[i][1] == hashes[i - 1][1])
			return false;
	return true;
}

static bool
note_item(Walk *w, const TokenSchema *schema, TokenText text, const SchemaPlace *place)
{
	JsonCursor	c = {text.at, text.at + text.len};

	if (!schema->unique)
		return true;
	if (w->nhashes == w->room || !hash_value(w, &c, w->hashes[w->nhashes]))
		return fail(w, place, "uniqueItems");
	w->nhashes++;
	return true;
}

/* Values */

static bool check_value(Walk *w, const TokenSchema *schema, const SchemaPlace *place);

static bool
check_array(Walk *w, const TokenSchema *schema, const SchemaPlace *place)
{
	SchemaPlace item = {.outer = place};
	size_t		first = w->nhashes;
	bool		more;

	for (more = token_cursor_enter(&w->cursor); more; more = token_cursor_more(&w->cursor), item.number++)
	{
		const TokenSchema *inner = item.number < schema->nfirst ? schema->first[item.number] : schema->items;
		const uint8_t *start;

		if (item.number >= schema->most_items)
			return fail(w, place, "maxItems");
		token_cursor_blanks(&w->cursor);
		start = w->cursor.at;
		if (!check_value(w, inner, &item) ||
			!note_item(w, schema, (TokenText) {start, (size_t) (w->cursor.at - start)}, place))
			return false;
	}
	if (item.number < schema->least_items)
		return fail(w, place, "minItems");
	if (schema->unique && !all_differ(w->hashes + first, w->nhashes - first))
		return fail(w, place, "uniqueItems");
	w->nhashes = first;
	return true;
}

/* Say which one is missing: the first by name */
static bool
fail_missing(Walk *w, const TokenSchema *schema, TokenText object, const SchemaPlace *place)
{
	for (int i = 0; i < schema->nmembers; i++)
	{
		JsonCursor	c = {object.at, object.at + object.len};
		bool		there = !schema->members[i].required;
		SchemaPlace inner = {place, schema->members[i].name, -1};

		token_rest(&w->rest, object.len);
		for (bool more = token_cursor_enter(&c); more && !there; more = token_cursor_more(&c))
		{
			there = token_json_same(token_cursor_name(&c), inner.name);
			(void) token_cursor_value(&c);
		}
		if (!there)
			return fail(w, &inner, "required");
	}
	return fail(w, place, "required");
}

static bool
check_object(Walk *w, const TokenSchema *schema, const SchemaPlace *place)
{
	const uint8_t *start = w->cursor.at;
	uint32_t	n = 0;
	int			required = 0;
	bool		more;

	for (more = token_cursor_enter(&w->cursor); more; more = token_cursor_more(&w->cursor), n++)
	{
		TokenText	name = token_cursor_name(&w->cursor);
		const SchemaMember *member = token_schema_member(schema->members, schema->nmembers, name);
		SchemaPlace inner = {place, {NULL, 0}, -1};
		bool		named = member != NULL && member->named;

		if (n >= schema->most_members)
			return fail(w, place, "maxProperties");
		if (member != NULL)
		{
			inner.name = member->name;
			required += member->required;
		}
		if (!named && schema->additional != NULL && schema->additional->none)
			return fail(w, &inner, "additionalProperties");
		if (!check_value(w, named ? member->schema : schema->additional, &inner))
			return false;
	}
	if (required < schema->nrequired)
		return fail_missing(w, schema, (TokenText) {start, (size_t) (w->cursor.at - start)}, place);
	return n >= schema->least_members || fail(w, place, "minProperties");
}

static bool
check_string(Walk *w, const TokenSchema *schema, const SchemaPlace *place)
{
	TokenText	inner = token_cursor_string(&w->cursor);
	uint32_t	n = 0;

	token_rest(&w->rest, inner.len);
	if (schema->least_length > 0 || schema->most_length != SCHEMA_NO_LIMIT)
		for (const uint8_t *at = inner.at, *end = at + inner.len; at < end; n++)
			(void) token_json_character(&at, end);
	if (n < schema->least_length)
		return fail(w, place, "minLength");
	if (n > schema->most_length)
		return fail(w, place, "maxLength");
	return schema->pattern == NULL || token_pattern_matches(schema->pattern, inner, &w->rest) || fail(w, place, "pattern");
}

static bool
check_number(Walk *w, const TokenSchema *schema, const TokenDecimal *number, const SchemaPlace *place)
{
	static const char *const why[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};

	for (int i = 0; i < SCHEMA_NBOUNDS; i++)
	{
		int			order;
		bool		good;

		if (!(schema->bounds & 1 << i))
			continue;
		order = i == SCHEMA_MULTIPLE ? 0 : token_decimal_compare(number, &schema->bound[i]);
		good = i == SCHEMA_MINIMUM ? order >= 0 : i == SCHEMA_MAXIMUM ? order <= 0 : i == SCHEMA_ABOVE ? order > 0 :
			i == SCHEMA_BELOW ? order < 0 : token_decimal_is_multiple(number, &schema->bound[i]);
		if (!good)
			return fail(w, place, why[i]);
	}
	return true;
}

/* The types that a value is of, by its first byte */
static int
types_of(uint8_t c, const TokenDecimal *number)
{
	switch (c)
	{
		case '"':
			return SCHEMA_STRING;
		case '{':
			return SCHEMA_OBJECT;
		case '[':
			return SCHEMA_ARRAY;
		case 't':
		case 'f':
			return SCHEMA_BOOLEAN;
		case 'n':
			return SCHEMA_NULL;
		default:
			return token_decimal_is_whole(number) ? SCHEMA_NUMBER | SCHEMA_INTEGER : SCHEMA_NUMBER;
	}
}

static bool
is_listed(Walk *w, TokenText list, TokenText value)
{
	JsonCursor	c = {list.at, list.at + list.len};

	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
		if (token_value_same(value, token_cursor_value(&c), &w->rest))
			return true;
	return false;
}

static bool
check_inside(Walk *w, const TokenSchema *schema, uint8_t c, const SchemaPlace *place)
{
	bool		good;

	if (w->depth == TOKEN_SCHEMA_DEEPEST)
		return fail(w, place, "depth");
	w->depth++;
	good = c == '{' ? check_object(w, schema, place) : check_array(w, schema, place);
	w->depth--;
	return good;
}

/* schema NULL: anything */
static bool
check_value(Walk *w, const TokenSchema *schema, const SchemaPlace *place)
{
	TokenDecimal number = {0};
	JsonCursor	start;
	TokenText	text;
	uint8_t		c;

	token_rest(&w->rest, 1);
	token_cursor_blanks(&w->cursor);
	start = w->cursor;
	c = start.at < start.end ? *start.at : 0;
	if (schema == NULL)
	{
		(void) token_cursor_value(&w->cursor);
		return true;
	}
	if (schema->none)
		return fail(w, place, "false");
	if (c == '-' || (c >= '0' && c <= '9'))
	{
		text = token_cursor_value(&w->cursor);
		if (!token_decimal_read(text, &number))
			return fail(w, place, "exponent");
	}
	if (!(types_of(c, &number) & schema->types))
		return fail(w, place, "type");
	if (c == '{' || c == '[')
	{
		if (!check_inside(w, schema, c, place))
			return false;
	}
	else if (c == '"')
	{
		if (!check_string(w, schema, place))
			return false;
	}
	else if (w->cursor.at > start.at)
	{
		if (!check_number(w, schema, &number, place))
			return false;
	}
	else
		(void) token_cursor_value(&w->cursor);
	text = (TokenText) {start.at, (size_t) (w->cursor.at - start.at)};
	if (schema->constant.len > 0 && !token_value_same(text, schema->constant, &w->rest))
		return fail(w, place, "const");
	return schema->values.len == 0 || is_listed(w, schema->values, text) || fail(w, place, "enum");
}

bool
token_schema_check(const TokenSchema *schema, TokenText text, const uint64_t key[2],
				   uint64_t (*scratch)[2], void (*rest) (void), TokenSchemaFault *fault)
{
	SchemaPlace place = {.outer = NULL};
	Walk		w = {
		.cursor = {text.at, text.at + text.len}, .key = key, .hashes = scratch,
		.room = token_schema_scratch(schema, text.len), .rest = {.call = rest}, .fault = fault
	};

	fault->why = NULL;
	fault->at[0] = '\0';
	return check_value(&w, schema, &place);
}
