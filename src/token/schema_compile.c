/*-------------------------------------------------------------------------
 *
 * schema_compile.c
 *	  JSON Schema: compiling one.
 *
 * First the words of a schema are looked up, then each is read; what is not a word that
 * is known here is refused.  A reference is compiled where it stands, as often as it
 * stands; one that leads back to what it stands in is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "token/schema_node.h"

#define MOST_WORK	(64 * TOKEN_SCHEMA_MAX)
#define PASSED_BY	16			/* so many bytes that are only passed by are as much work as one that is read */

/* Words, in the order in which they are read. */
typedef enum Word
{
	WORD_TYPE, WORD_CONST, WORD_ENUM, WORD_MINIMUM, WORD_MAXIMUM, WORD_EXCLUSIVE_MINIMUM,
	WORD_EXCLUSIVE_MAXIMUM, WORD_MULTIPLE_OF, WORD_MIN_LENGTH, WORD_MAX_LENGTH, WORD_PATTERN,
	WORD_PREFIX_ITEMS, WORD_ITEMS, WORD_MIN_ITEMS, WORD_MAX_ITEMS, WORD_UNIQUE_ITEMS,
	WORD_PROPERTIES, WORD_REQUIRED, WORD_ADDITIONAL_PROPERTIES, WORD_MIN_PROPERTIES,
	WORD_MAX_PROPERTIES,
	WORD_NJUDGING,				/* those that follow judge nothing by themselves */
	WORD_REF = WORD_NJUDGING, WORD_DEFS, WORD_SCHEMA, WORD_ID, WORD_COMMENT, WORD_TITLE, WORD_DESCRIPTION,
	WORD_DEFAULT, WORD_EXAMPLES, WORD_DEPRECATED, WORD_READ_ONLY, WORD_WRITE_ONLY,
	NWORDS
} Word;

static const char *const words[NWORDS] = {
	"type", "const", "enum", "minimum", "maximum", "exclusiveMinimum",
	"exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
	"prefixItems", "items", "minItems", "maxItems", "uniqueItems",
	"properties", "required", "additionalProperties", "minProperties",
	"maxProperties",
	"$ref", "$defs", "$schema", "$id", "$comment", "title", "description",
	"default", "examples", "deprecated", "readOnly", "writeOnly"
};

typedef struct Compiler
{
	uint8_t    *room;
	size_t		size;
	size_t		used;
	size_t		peak;			/* the most that has been in use: definitions give back theirs */
	size_t		work;			/* bytes of schemas that have been read, references written out */
	TokenRest	rest;
	int			depth;
	const uint8_t *open[TOKEN_SCHEMA_DEPTH];	/* schemas that are being compiled, outermost first */
	bool		compares;
	TokenText	definitions;	/* of the outermost schema; or no bytes */
	TokenSchemaFault *fault;
} Compiler;

static bool
fail(Compiler *c, const SchemaPlace *place, const char *why)
{
	c->fault->why = why;
	token_schema_place(place, c->fault->at);
	return false;
}

static void *
allot(Compiler *c, const SchemaPlace *place, size_t size)
{
	void	   *out = c->room + c->used;

	size = (size + 15) & ~(size_t) 15;
	if (size > c->size - c->used)
	{
		(void) fail(c, place, "it is too large");
		return NULL;
	}
	c->used += size;
	if (c->used > c->peak)
		c->peak = c->used;
	memset(out, 0, size);
	return out;
}

/* So many bytes more are read: is that too much? */
static bool
work(Compiler *c, size_t bytes, const SchemaPlace *place)
{
	token_rest(&c->rest, bytes);
	c->work += bytes;
	return c->work <= MOST_WORK || fail(c, place, "it is too large, its references written out");
}

static const TokenSchema *compile(Compiler *c, TokenText text, const SchemaPlace *place);

/* Values of words */

static JsonCursor
cursor_of(TokenText text)
{
	return (JsonCursor) {text.at, text.at + text.len};
}

static bool
begins(TokenText text, char with)
{
	return text.len > 0 && *text.at == (uint8_t) with;
}

static TokenText
inner_of(TokenText string)
{
	return (TokenText) {string.at + 1, string.len >= 2 ? string.len - 2 : 0};
}

static bool
reads(TokenText inner, const char *word)
{
	return token_json_same(inner, (TokenText) {(const uint8_t *) word, strlen(word)});
}

static int
count_in(TokenText text, bool object)
{
	JsonCursor	cursor = cursor_of(text);
	int			n = 0;

	for (bool more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
	{
		if (object)
			(void) token_cursor_name(&cursor);
		(void) token_cursor_value(&cursor);
		n++;
	}
	return n;
}

static bool
read_type(Compiler *c, TokenText text, const SchemaPlace *place, uint8_t *types)
{
	static const char *const names[] = {"null", "boolean", "object", "array", "string", "integer", "number"};

	if (!begins(text, '"'))
		return fail(c, place, "it must be a type, or a list of types");
	for (int i = 0; i < 7; i++)
		if (reads(inner_of(text), names[i]))
		{
			if (*types & 1 << i)
				return fail(c, place, "a type is there twice");
			*types |= (uint8_t) (1 << i);
			return true;
		}
	return fail(c, place, "there is no such type");
}

static bool
read_types(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	JsonCursor	cursor = cursor_of(text);
	bool		more;

	s->types = 0;
	if (!begins(text, '['))
		return read_type(c, text, place, &s->types);
	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
		if (!read_type(c, token_cursor_value(&cursor), place, &s->types))
			return false;
	return s->types != 0 || fail(c, place, "it must have a type");
}

static bool
read_number(Compiler *c, TokenText text, const SchemaPlace *place, TokenDecimal *out)
{
	if (!begins(text, '-') && !(text.len > 0 && *text.at >= '0' && *text.at <= '9'))
		return fail(c, place, "it must be a number");
	return token_decimal_read(text, out) || fail(c, place, "its exponent is too large");
}

static bool
read_bound(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s, SchemaBound bound)
{
	if (!read_number(c, text, place, &s->bound[bound]))
		return false;
	if (bound == SCHEMA_MULTIPLE && !token_decimal_is_divisor(&s->bound[bound]))
		return fail(c, place, "it must be more than zero, with at most 18 digits");
	s->bounds |= (uint8_t) (1 << bound);
	return true;
}

static bool
read_count(Compiler *c, TokenText text, const SchemaPlace *place, uint32_t *out)
{
	TokenDecimal number;

	return read_number(c, text, place, &number) &&
		(token_decimal_count(&number, SCHEMA_NO_LIMIT, out) ||
		 fail(c, place, "it must be a whole number, not negative"));
}

static bool
read_flag(Compiler *c, TokenText text, const SchemaPlace *place, bool *out)
{
	if (!begins(text, 't') && !begins(text, 'f'))
		return fail(c, place, "it must be true or false");
	*out = *text.at == 't';
	return true;
}

static bool
read_pattern(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	TokenPatternRoom room;
	TokenPattern made;
	TokenPattern *kept;
	const char *why;

	if (!begins(text, '"'))
		return fail(c, place, "it must be a string");
	if (!token_pattern_make(inner_of(text), &room, &made, &why))
		return fail(c, place, why);
	if ((kept = allot(c, place, sizeof(TokenPattern))) == NULL ||
		(kept->steps = allot(c, place, sizeof(*made.steps) * (size_t) made.nsteps)) == NULL ||
		(kept->ranges = allot(c, place, sizeof(*made.ranges) * (size_t) made.nranges)) == NULL)
		return false;
	memcpy(kept->steps, made.steps, sizeof(*made.steps) * (size_t) made.nsteps);
	memcpy(kept->ranges, made.ranges, sizeof(*made.ranges) * (size_t) made.nranges);
	kept->nsteps = made.nsteps;
	kept->nranges = made.nranges;
	s->pattern = kept;
	return true;
}

static bool
read_values(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	if (!begins(text, '['))
		return fail(c, place, "it must be a list");
	s->values = text;
	return true;
}

static bool
read_schema(Compiler *c, TokenText text, const SchemaPlace *place, const TokenSchema **out)
{
	*out = compile(c, text, place);
	return *out != NULL;
}

static bool
read_first_items(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	JsonCursor	cursor = cursor_of(text);
	SchemaPlace item = {.outer = place};
	int			n = begins(text, '[') ? count_in(text, false) : 0;
	bool		more;

	if (n == 0)
		return fail(c, place, "it must be a list of schemas");
	s->first = allot(c, place, sizeof(*s->first) * (size_t) n);
	if (s->first == NULL)
		return false;
	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor), item.number++)
		if (!read_schema(c, token_cursor_value(&cursor), &item, &s->first[s->nfirst++]))
			return false;
	return true;
}

/* Members */

/* Down the heap that begins with the first one, which may be too small for its place */
static void
sift(SchemaMember *members, int at, int n)
{
	for (int child; (child = 2 * at + 1) < n; at = child)
	{
		SchemaMember swap = members[at];

		if (child + 1 < n && token_json_compare(members[child].name, members[child + 1].name) < 0)
			child++;
		if (token_json_compare(swap.name, members[child].name) >= 0)
			return;
		members[at] = members[child];
		members[child] = swap;
	}
}

static void
sort_members(SchemaMember *members, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sift(members, i, n);
	for (int i = n - 1; i > 0; i--)
	{
		SchemaMember swap = members[0];

		members[0] = members[i];
		members[i] = swap;
		sift(members, 0, i);
	}
}

static bool
read_properties(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	JsonCursor	cursor = cursor_of(text);
	bool		more;

	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
	{
		SchemaMember *member = &s->members[s->nmembers++];
		SchemaPlace inner = {.outer = place};

		inner.name = member->name = token_cursor_name(&cursor);
		inner.number = -1;
		member->named = true;
		if (!read_schema(c, token_cursor_value(&cursor), &inner, &member->schema))
			return false;
	}
	sort_members(s->members, s->nmembers);
	return true;
}

static bool
read_required(Compiler *c, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	JsonCursor	cursor = cursor_of(text);
	int			n = s->nmembers;
	bool		more;

	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
	{
		TokenText	value = token_cursor_value(&cursor);
		SchemaMember *member;

		if (!begins(value, '"'))
			return fail(c, place, "it must be a list of names");
		member = (SchemaMember *) token_schema_member(s->members, n, inner_of(value));
		if (member != NULL && member->required)
			return fail(c, place, "a name is there twice");
		if (member == NULL)
		{
			member = &s->members[s->nmembers++];
			member->name = inner_of(value);
		}
		member->required = true;
		s->nrequired++;
	}
	sort_members(s->members, s->nmembers);
	for (int i = 1; i < s->nmembers; i++)
		if (token_json_same(s->members[i - 1].name, s->members[i].name))
			return fail(c, place, "a name is there twice");
	return true;
}

/* All members that are named, by either word */
static bool
read_members(Compiler *c, const TokenText *found, const SchemaPlace *place, TokenSchema *s)
{
	SchemaPlace properties = {place, {(const uint8_t *) "properties", 10}, 0};
	SchemaPlace required = {place, {(const uint8_t *) "required", 8}, 0};
	int			n = 0;

	if (found[WORD_PROPERTIES].len > 0 && !begins(found[WORD_PROPERTIES], '{'))
		return fail(c, &properties, "it must be an object of schemas");
	if (found[WORD_REQUIRED].len > 0 && !begins(found[WORD_REQUIRED], '['))
		return fail(c, &required, "it must be a list of names");
	if (found[WORD_PROPERTIES].len > 0)
		n += count_in(found[WORD_PROPERTIES], true);
	if (found[WORD_REQUIRED].len > 0)
		n += count_in(found[WORD_REQUIRED], false);
	s->members = allot(c, place, sizeof(SchemaMember) * (size_t) n);
	return s->members != NULL &&
		(found[WORD_PROPERTIES].len == 0 || read_properties(c, found[WORD_PROPERTIES], &properties, s)) &&
		(found[WORD_REQUIRED].len == 0 || read_required(c, found[WORD_REQUIRED], &required, s));
}

/* Words that judge */

static bool
read_word(Compiler *c, Word word, TokenText text, const SchemaPlace *place, TokenSchema *s)
{
	switch (word)
	{
		case WORD_TYPE:
			return read_types(c, text, place, s);
		case WORD_CONST:
			s->constant = text;
			return true;
		case WORD_ENUM:
			return read_values(c, text, place, s);
		case WORD_MINIMUM:
			return read_bound(c, text, place, s, SCHEMA_MINIMUM);
		case WORD_MAXIMUM:
			return read_bound(c, text, place, s, SCHEMA_MAXIMUM);
		case WORD_EXCLUSIVE_MINIMUM:
			return read_bound(c, text, place, s, SCHEMA_ABOVE);
		case WORD_EXCLUSIVE_MAXIMUM:
			return read_bound(c, text, place, s, SCHEMA_BELOW);
		case WORD_MULTIPLE_OF:
			return read_bound(c, text, place, s, SCHEMA_MULTIPLE);
		case WORD_MIN_LENGTH:
			return read_count(c, text, place, &s->least_length);
		case WORD_MAX_LENGTH:
			return read_count(c, text, place, &s->most_length);
		case WORD_PATTERN:
			return read_pattern(c, text, place, s);
		case WORD_PREFIX_ITEMS:
			return read_first_items(c, text, place, s);
		case WORD_ITEMS:
			return read_schema(c, text, place, &s->items);
		case WORD_MIN_ITEMS:
			return read_count(c, text, place, &s->least_items);
		case WORD_MAX_ITEMS:
			return read_count(c, text, place, &s->most_items);
		case WORD_UNIQUE_ITEMS:
			if (!read_flag(c, text, place, &s->unique))
				return false;
			c->compares |= s->unique;
			return true;
		case WORD_ADDITIONAL_PROPERTIES:
			return read_schema(c, text, place, &s->additional);
		case WORD_MIN_PROPERTIES:
			return read_count(c, text, place, &s->least_members);
		case WORD_MAX_PROPERTIES:
			return read_count(c, text, place, &s->most_members);
		default:
			/* members are read together */
			return true;
	}
}

/* Words that judge nothing by themselves */

static bool
read_dialect(Compiler *c, TokenText text, const SchemaPlace *place)
{
	return (begins(text, '"') && reads(inner_of(text), "https://json-schema.org/draft/2020-12/schema")) ||
		fail(c, place, "it must be \"https://json-schema.org/draft/2020-12/schema\"");
}

/* Definitions that nothing refers to are looked at, too. */
static bool
read_definitions(Compiler *c, TokenText text, const SchemaPlace *place)
{
	JsonCursor	cursor = cursor_of(text);
	bool		more;

	if (c->depth != 1)
		return fail(c, place, "it must stand in the outermost schema");
	if (!begins(text, '{'))
		return fail(c, place, "it must be an object of schemas");
	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
	{
		size_t		used = c->used;
		bool		compares = c->compares;
		SchemaPlace inner = {place, token_cursor_name(&cursor), -1};
		const TokenSchema *schema;

		if (!read_schema(c, token_cursor_value(&cursor), &inner, &schema))
			return false;
		c->used = used;
		c->compares = compares;
	}
	return true;
}

static bool
read_others(Compiler *c, const TokenText *found, const SchemaPlace *place)
{
	for (int i = WORD_NJUDGING; i < NWORDS; i++)
	{
		SchemaPlace inner = {place, {(const uint8_t *) words[i], strlen(words[i])}, 0};
		bool		flag;

		if (found[i].len == 0)
			continue;
		if (i == WORD_SCHEMA ? !read_dialect(c, found[i], &inner) :
			i == WORD_DEFS ? !read_definitions(c, found[i], &inner) :
			i == WORD_DEPRECATED || i == WORD_READ_ONLY || i == WORD_WRITE_ONLY ? !read_flag(c, found[i], &inner, &flag) :
			i == WORD_EXAMPLES ? !begins(found[i], '[') && !fail(c, &inner, "it must be a list") :
			i != WORD_DEFAULT && !begins(found[i], '"') && !fail(c, &inner, "it must be a string"))
			return false;
		if (i == WORD_ID && c->depth != 1)
			return fail(c, &inner, "it must stand in the outermost schema");
	}
	return true;
}

/* "#/$defs/NAME": the schema is that one, and says nothing of its own */
static const TokenSchema *
follow(Compiler *c, const TokenText *found, const SchemaPlace *place)
{
	static const char before[] = "#/$defs/";
	SchemaPlace inner = {place, {(const uint8_t *) "$ref", 4}, 0};
	TokenText	name = inner_of(found[WORD_REF]);
	JsonCursor	cursor = cursor_of(c->definitions);

	for (int i = 0; i < WORD_NJUDGING; i++)
		if (found[i].len > 0)
		{
			(void) fail(c, &inner, "nothing that judges may stand beside it");
			return NULL;
		}
	for (size_t i = 0; i < name.len; i++)
		if (strchr("~%\\", name.at[i]) != NULL)
			name.len = 0;
	if (name.len < sizeof(before) || memcmp(name.at, before, sizeof(before) - 1) != 0)
	{
		(void) fail(c, &inner, "it must be \"#/$defs/\" and a plain name");
		return NULL;
	}
	name.at += sizeof(before) - 1;
	name.len -= sizeof(before) - 1;
	if (c->definitions.len > 0)
		for (bool more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
		{
			bool		here = token_json_same(token_cursor_name(&cursor), name);
			TokenText	value = token_cursor_value(&cursor);

			if (here)
				return work(c, (size_t) (cursor.at - c->definitions.at) / PASSED_BY, &inner) ?
					compile(c, value, &inner) : NULL;
		}
	(void) fail(c, &inner, "there is no such definition");
	return NULL;
}

/* Schemas */

static bool
find_words(Compiler *c, TokenText text, const SchemaPlace *place, TokenText *found)
{
	JsonCursor	cursor = cursor_of(text);
	bool		more;

	for (more = token_cursor_enter(&cursor); more; more = token_cursor_more(&cursor))
	{
		SchemaPlace inner = {place, token_cursor_name(&cursor), -1};
		TokenText	value = token_cursor_value(&cursor);
		int			i = 0;

		while (i < NWORDS && !reads(inner.name, words[i]))
			i++;
		if (i == NWORDS)
			return fail(c, &inner, "it is not supported");
		found[i] = value;
	}
	return true;
}

static const TokenSchema *
compile_object(Compiler *c, TokenText text, const SchemaPlace *place)
{
	TokenText	found[NWORDS] = {{NULL, 0}};
	TokenSchema *s;

	if (!find_words(c, text, place, found))
		return NULL;
	if (c->depth == 1)
		c->definitions = begins(found[WORD_DEFS], '{') ? found[WORD_DEFS] : (TokenText) {NULL, 0};
	if (!read_others(c, found, place))
		return NULL;
	if (found[WORD_REF].len > 0)
		return follow(c, found, place);
	s = allot(c, place, sizeof(TokenSchema));
	if (s == NULL)
		return NULL;
	s->types = SCHEMA_ANY;
	s->most_length = s->most_items = s->most_members = SCHEMA_NO_LIMIT;
	for (int i = 0; i < WORD_NJUDGING; i++)
	{
		SchemaPlace inner = {place, {(const uint8_t *) words[i], strlen(words[i])}, 0};

		if (found[i].len > 0 && !read_word(c, (Word) i, found[i], &inner, s))
			return NULL;
	}
	return read_members(c, found, place, s) ? s : NULL;
}

static const TokenSchema *
compile(Compiler *c, TokenText text, const SchemaPlace *place)
{
	const TokenSchema *made = NULL;

	for (int i = 0; i < c->depth; i++)
		if (c->open[i] == text.at)
		{
			(void) fail(c, place, "it refers to itself");
			return NULL;
		}
	if (c->depth == TOKEN_SCHEMA_DEPTH)
	{
		(void) fail(c, place, "it is too deep");
		return NULL;
	}
	if (!work(c, text.len, place))
		return NULL;
	c->open[c->depth++] = text.at;
	if (begins(text, '{'))
		made = compile_object(c, text, place);
	else if (begins(text, 't') || begins(text, 'f'))
	{
		TokenSchema *s = allot(c, place, sizeof(TokenSchema));

		if (s != NULL)
		{
			s->none = *text.at == 'f';
			s->types = SCHEMA_ANY;
			s->most_length = s->most_items = s->most_members = SCHEMA_NO_LIMIT;
		}
		made = s;
	}
	else
		(void) fail(c, place, "a schema must be an object, true or false");
	c->depth--;
	return made;
}

const TokenSchema *
token_schema_compile(TokenText text, void *room, size_t size, size_t *used, void (*rest) (void),
					 TokenSchemaFault *fault)
{
	SchemaPlace place = {.outer = NULL};
	Compiler	c = {.room = room, .size = size, .rest = {.call = rest}, .fault = fault};
	JsonCursor	cursor = {text.at, text.at + text.len};
	const TokenSchema *made;

	fault->why = NULL;
	fault->at[0] = '\0';
	if (text.len > TOKEN_SCHEMA_MAX)
	{
		(void) fail(&c, &place, "it is too long");
		return NULL;
	}
	made = compile(&c, token_cursor_value(&cursor), &place);
	if (made != NULL)
		((TokenSchema *) made)->compares = c.compares;
	*used = c.peak;
	return made;
}

size_t
token_schema_scratch(const TokenSchema *schema, size_t len)
{
	return !schema->compares ? 0 : len / 2 + 1 < TOKEN_SCHEMA_UNIQUE ? len / 2 + 1 : TOKEN_SCHEMA_UNIQUE;
}
