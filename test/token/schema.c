/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  JSON Schema without a database: cases of ours, and, where its folder is named on the
 *	  command line, the official test suite, as far as its schemas are supported.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "token/schema_node.h"
#include "../lib/check.h"

long		checks = 0;
long		failures = 0;

static uint8_t room[TOKEN_SCHEMA_ROOM];
static uint64_t scratch[TOKEN_SCHEMA_UNIQUE][2];
static const uint64_t key[2] = {1, 2};

static TokenText
text_of(const char *s)
{
	return (TokenText) {(const uint8_t *) s, strlen(s)};
}

/* Compile twice, the second time into just as much room as is needed. */
static const TokenSchema *
compile(TokenText text, TokenSchemaFault *fault)
{
	static uint8_t *exact = NULL;
	size_t		used;
	const TokenSchema *schema = token_schema_compile(text, room, sizeof(room), &used, NULL, fault);

	free(exact);
	exact = NULL;
	if (schema == NULL)
		return NULL;
	exact = malloc(used);
	return token_schema_compile(text, exact, used, &used, NULL, fault);
}

/* Cases of ours: a schema, a text, and what it does not fit ("" if it fits) and where */
static const struct
{
	const char *schema;
	const char *text;
	const char *why;
	const char *at;
}			cases[] = {
	/* numbers as they are written */
	{"{\"maximum\":0.1}", "0.1", "", ""},
	{"{\"maximum\":0.1}", "0.1000000000000000000000000000000001", "maximum", ""},
	{"{\"const\":0.1}", "0.10000000000000000555", "const", ""},
	{"{\"const\":9007199254740993}", "9007199254740992", "const", ""},
	{"{\"const\":9007199254740993}", "9007199254740993.0", "", ""},
	{"{\"const\":1e400}", "10e399", "", ""},
	{"{\"const\":1e400}", "1e401", "const", ""},
	{"{\"maximum\":1e400}", "1e400", "", ""},
	{"{\"maximum\":1e400}", "1.0000001e400", "maximum", ""},
	{"{\"minimum\":-1e400}", "-1.1e400", "minimum", ""},
	{"{\"exclusiveMinimum\":0}", "1e-400", "", ""},
	{"{\"exclusiveMinimum\":0}", "0e5", "exclusiveMinimum", ""},
	{"{\"exclusiveMinimum\":0}", "-0", "exclusiveMinimum", ""},
	{"{\"const\":0}", "-0.00e9", "", ""},
	{"{\"exclusiveMaximum\":10}", "9.99999999999999999999999999", "", ""},
	{"{\"type\":\"integer\"}", "12e-1", "type", ""},
	{"{\"type\":\"integer\"}", "1200e-2", "", ""},
	{"{\"type\":\"integer\"}", "1e999999999", "", ""},
	{"{\"type\":\"integer\"}", "1e1000000000", "exponent", ""},
	{"{\"multipleOf\":0.01}", "19.99", "", ""},
	{"{\"multipleOf\":0.01}", "19.999", "multipleOf", ""},
	{"{\"multipleOf\":0.01}", "1e999999999", "", ""},
	{"{\"multipleOf\":3}", "1e999999999", "multipleOf", ""},
	{"{\"multipleOf\":3}", "3e999999999", "", ""},
	{"{\"multipleOf\":999999999999999999}", "999999999999999998000000000000000001", "", ""},
	{"{\"multipleOf\":999999999999999999}", "999999999999999998000000000000000002", "multipleOf", ""},
	{"{\"multipleOf\":100}", "1e1", "multipleOf", ""},
	{"{\"multipleOf\":7}", "-21", "", ""},
	/* lengths in characters */
	{"{\"maxLength\":2}", "\"\xF0\x9F\x92\xA9\\ud83d\\ude00\"", "", ""},
	{"{\"maxLength\":2}", "\"abc\"", "maxLength", ""},
	{"{\"minLength\":2}", "\"\xC3\xA4\"", "minLength", ""},
	{"{\"minLength\":1}", "\"\\u00e4\"", "", ""},
	{"{\"maxLength\":2.0}", "\"ab\"", "", ""},
	/* names as they read, and places that have nothing of the text */
	{"{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}", "{\"\\u0061\":\"x\"}", "", ""},
	{"{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}", "{\"\\u0061\":1}", "type", "/a"},
	{"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"4111111111111111\":2}", "additionalProperties", "/*"},
	{"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"secret\":2}", "type", "/*"},
	{"{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}}", "{\"a\":[{},{\"c\":[{}],\"b\":[]}]}", "type", "/a/1/b"},
	{"{\"required\":[\"b\",\"a\"]}", "{\"b\":1}", "required", "/a"},
	{"{\"required\":[\"b\",\"a\"],\"additionalProperties\":false}", "{\"b\":1,\"a\":2}", "additionalProperties", "/b"},
	{"{\"properties\":{\"a\":false}}", "{\"a\":1}", "false", "/a"},
	{"{\"prefixItems\":[true,{\"type\":\"null\"}],\"items\":false}", "[1,null]", "", ""},
	{"{\"prefixItems\":[true,{\"type\":\"null\"}],\"items\":false}", "[1,2]", "type", "/1"},
	{"{\"prefixItems\":[true,{\"type\":\"null\"}],\"items\":false}", "[1,null,3]", "false", "/2"},
	{"{\"minProperties\":1,\"maxProperties\":2}", "{}", "minProperties", ""},
	{"{\"minProperties\":1,\"maxProperties\":2}", "{\"a\":1,\"b\":[{\"c\":{}}],\"d\":3}", "maxProperties", ""},
	/* values, whole */
	{"{\"enum\":[{\"a\":[1,{\"b\":\"x\"}],\"c\":null}]}", " { \"c\" : null, \"\\u0061\" : [1.0,{\"b\":\"\\u0078\"}] } ", "", ""},
	{"{\"enum\":[{\"a\":[1,{\"b\":\"x\"}],\"c\":null}]}", "{\"a\":[1,{\"b\":\"x\"}],\"c\":null,\"d\":1}", "enum", ""},
	{"{\"enum\":[{\"a\":[1,{\"b\":\"x\"}],\"c\":null}]}", "{\"a\":[1,{\"b\":\"x\"},2],\"c\":null}", "enum", ""},
	{"{\"enum\":[[],{},\"\",0,false,null]}", "[[]]", "enum", ""},
	{"{\"enum\":[[],{},\"\",0,false,null]}", "{\"\":0}", "enum", ""},
	{"{\"enum\":[[],{},\"\",0,false,null]}", "\"0\"", "enum", ""},
	{"{\"enum\":[[],{},\"\",0,false,null]}", "-0", "", ""},
	{"{\"enum\":[]}", "1", "enum", ""},
	/* items that differ, within each other */
	{"{\"uniqueItems\":true,\"items\":{\"uniqueItems\":true}}", "[[1,2],[2,1],[]]", "", ""},
	{"{\"uniqueItems\":true,\"items\":{\"uniqueItems\":true}}", "[[1,2],[2,2.0]]", "uniqueItems", "/1"},
	{"{\"uniqueItems\":true,\"items\":{\"uniqueItems\":true}}", "[[1,2],[],[1,2e0]]", "uniqueItems", ""},
	{"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2}]", "", ""},
	{"{\"uniqueItems\":true}", "[\"a\",[\"a\"],{\"a\":\"a\"}]", "", ""},
	{"{\"uniqueItems\":false}", "[1,1]", "", ""},
	/* definitions */
	{"{\"$defs\":{\"m\":{\"type\":\"integer\",\"minimum\":1}},\"properties\":{\"a\":{\"$ref\":\"#/$defs/m\"},\"b\":{\"title\":\"B\",\"$ref\":\"#/$defs/m\"}}}",
	"{\"a\":1,\"b\":0}", "minimum", "/b"},
	/* that nothing uses, larger than all that is used */
	{"{\"$defs\":{\"a\":{\"items\":{\"items\":true}}}}", "1", "", ""},
	{"{\"$defs\":{\"a\":{\"pattern\":\"a{900}\"},\"b\":true},\"type\":\"null\"}", "1", "type", ""},
	/* places are JSON pointers, whose names are text: of the schema, not of the value, however either escapes them */
	{"{\"properties\":{\"a/b~c\":{\"items\":{\"type\":\"null\"}}}}", "{\"a\\/b\\u007ec\":[null,1]}", "type", "/a~1b~0c/1"},
	{"{\"properties\":{\"\":{\"properties\":{\"\":{\"type\":\"null\"}}}}}", "{\"\":{\"\":1}}", "type", "//"},
	{"{\"required\":[\"\"]}", "{}", "required", "/"},
	{"{\"properties\":{\"\\u00e4\\n\\ud83d\\ude00\\\"\\u007f\":{\"type\":\"null\"}}}", "{\"\xC3\xA4\\n\xF0\x9F\x98\x80\\\"\x7F\":1}", "type", "/\xC3\xA4\\u000a\xF0\x9F\x98\x80\"\\u007f"},
	{"{\"additionalProperties\":{\"type\":\"null\"}}", "{\"\":1}", "type", "/*"},
	{"true", "[1]", "", ""},
	{"false", "[1]", "false", ""},
	{"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"x\",\"$comment\":\"\",\"title\":\"\",\"description\":\"\",\"default\":1,"
	"\"examples\":[],\"deprecated\":true,\"readOnly\":false,\"writeOnly\":false}", "1", "", ""}
};

/* Schemas that are refused: where, and why in part */
static const struct
{
	const char *schema;
	const char *at;
	const char *why;
}			refused[] = {
	{"1", "", "an object"}, {"\"a\"", "", "an object"}, {"[]", "", "an object"}, {"null", "", "an object"},
	{"{\"properties\":{\"a\":{\"format\":\"email\"}}}", "/properties/a/format", "not supported"},
	{"{\"Properties\":{}}", "/Properties", "not supported"}, {"{\"Type\":\"null\"}", "/Type", "not supported"},
	{"{\"allOf\":[]}", "/allOf", "not supported"}, {"{\"anyOf\":[]}", "/anyOf", "not supported"}, {"{\"oneOf\":[]}", "/oneOf", "not supported"},
	{"{\"not\":{}}", "/not", "not supported"}, {"{\"if\":{}}", "/if", "not supported"}, {"{\"patternProperties\":{}}", "/patternProperties", "not supported"},
	{"{\"contains\":{}}", "/contains", "not supported"}, {"{\"additionalItems\":{}}", "/additionalItems", "not supported"},
	{"{\"unevaluatedProperties\":false}", "/unevaluatedProperties", "not supported"}, {"{\"x-mine\":1}", "/x-mine", "not supported"},
	{"{\"type\":\"int\"}", "/type", "no such type"}, {"{\"type\":[]}", "/type", "must have a type"}, {"{\"type\":[\"null\",\"null\"]}", "/type", "twice"},
	{"{\"type\":1}", "/type", "a type"}, {"{\"enum\":1}", "/enum", "a list"}, {"{\"minimum\":\"1\"}", "/minimum", "a number"},
	{"{\"minLength\":-1}", "/minLength", "whole"}, {"{\"minLength\":1.5}", "/minLength", "whole"}, {"{\"maxItems\":\"1\"}", "/maxItems", "a number"},
	{"{\"multipleOf\":0}", "/multipleOf", "more than zero"}, {"{\"multipleOf\":-1}", "/multipleOf", "more than zero"},
	{"{\"multipleOf\":1234567890123456789}", "/multipleOf", "18 digits"}, {"{\"maximum\":1e1000000000}", "/maximum", "exponent"},
	{"{\"uniqueItems\":1}", "/uniqueItems", "true or false"}, {"{\"items\":[{}]}", "/items", "an object"}, {"{\"prefixItems\":[]}", "/prefixItems", "list of schemas"},
	{"{\"required\":[\"a\",\"\\u0061\"]}", "/required", "twice"}, {"{\"required\":[1]}", "/required", "names"}, {"{\"required\":{}}", "/required", "names"},
	{"{\"properties\":[]}", "/properties", "schemas"}, {"{\"properties\":{\"a\":1}}", "/properties/a", "an object"},
	{"{\"$ref\":\"#\"}", "/$ref", "plain name"}, {"{\"$ref\":\"http://x/y\"}", "/$ref", "plain name"}, {"{\"$ref\":\"#/$defs/a\"}", "/$ref", "no such"},
	{"{\"$defs\":{\"a\":{}},\"$ref\":\"#/$defs/a\",\"type\":\"null\"}", "/$ref", "beside"},
	{"{\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}", "/$defs/a/items/$ref", "to itself"}, {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}", "/$defs/a/$ref", "to itself"},
	{"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"items\":{\"$ref\":\"#/$defs/a\"}}},\"properties\":{\"x\":{\"$ref\":\"#/$defs/b\"}}}", "/$defs/a/$ref/items/$ref", "to itself"},
	{"{\"$defs\":{\"a\":{\"ref\":1}}}", "/$defs/a/ref", "not supported"}, {"{\"items\":{\"$defs\":{}}}", "/items/$defs", "outermost"},
	{"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "/$schema", "2020-12"}, {"{\"title\":1}", "/title", "a string"},
	{"{\"pattern\":1}", "/pattern", "a string"}, {"{\"pattern\":\"(?=a)\"}", "/pattern", "looks around"}, {"{\"pattern\":\"(a)\\\\1\"}", "/pattern", "refers back"},
	{"{\"pattern\":\"\\\\p{L}\"}", "/pattern", "escape"}, {"{\"pattern\":\"\\\\bx\"}", "/pattern", "escape"}, {"{\"pattern\":\"(a\"}", "/pattern", "does not end"},
	{"{\"pattern\":\"a)\"}", "/pattern", "begin"}, {"{\"pattern\":\"[a\"}", "/pattern", "class"}, {"{\"pattern\":\"[b-a]\"}", "/pattern", "range"},
	{"{\"pattern\":\"*a\"}", "/pattern", "backslash"}, {"{\"pattern\":\"a**\"}", "/pattern", "repeats"}, {"{\"pattern\":\"a*?\"}", "/pattern", "repeats"},
	{"{\"pattern\":\"^*\"}", "/pattern", "repeats"}, {"{\"pattern\":\"a{2,1}\"}", "/pattern", "repetition"}, {"{\"pattern\":\"a{1001}\"}", "/pattern", "too large"},
	{"{\"pattern\":\"((a{50}){50}){50}\"}", "/pattern", "too long"}, {"{\"pattern\":\"[acegikmoqsuwy]{900}\"}", "/pattern", "too many"}, {"{\"pattern\":\"x{,2}\"}", "/pattern", "repetition"}
};

/* A pattern, as it stands in JSON, texts that it is in, and texts that it is not in, between bars */
static const struct
{
	const char *pattern;
	const char *in;
	const char *out;
}			patterns[] = {
	{"", "|a", NULL}, {"^$", "", "a|\\n"}, {"a|b|", "x|", NULL}, {"^(a|bc)+$", "a|bc|abca", "|b|abb"},
	{"^a{2,3}$", "aa|aaa", "a|aaaa|"}, {"^a{2}$", "aa", "a|aaa"}, {"^a{2,}$", "aa|aaaaa", "a|"}, {"^a{0,2}$", "|a|aa", "aaa"}, {"^a{0}b$", "b", "ab"},
	{"^a{0,}$", "|aa", "b"}, {"^a{1,}$", "a|aa", "|b"}, {"^a?b*c+$", "c|abbc|acc", "ab|aac"}, {"^(ab?){2,4}$", "aab|abababab|aa", "a|ababababab|b"},
	{"^((a|b){2}){2}c?$", "abba|aaaac", "aba|abbac?"}, {"^(a*)*$", "|aaa", "b"}, {"^(a*)+b$", "b|aab", "a"}, {"^(){5}a$", "a", "aa"},
	{"^[^a-c\\\\d-]x$", "zx|Ax", "ax|5x|-x"}, {"^[a\\\\-c-]$", "a|-|c", "b"}, {"^[\\\\]\\\\\\\\^]$", "]|\\\\|^", "a"}, {"^[]$", NULL, "a|"}, {"^[^]$", "a|\\n|\\u2028", ""},
	{"^.$", "a|\\ud83d\\ude00|\xF0\x9F\x92\xA9", "\\n|\\r|\\u2028|ab"}, {"^\\\\s$", " |\\u00a0|\\ufeff|\\u3000|\\u000b", "a|\\u200b"},
	{"^\\\\S$", "a|\\u200b|\\u180e", " |\\u2003"}, {"^\\\\w\\\\W$", "a-|_.|9\\u00e4", "--|ab"}, {"^\\\\D$", "a|\\u0660", "0|9"},
	{"^\\\\u0041\\\\x42\\\\u{43}\\\\ud83d\\\\ude00$", "ABC\\ud83d\\ude00", "ABC"}, {"^\\u005ba\\u005d$", "a", "[a]"}, {"^a{2\\u002c}$", "aa|aaa", "a"},
	{"\\\\$\\\\.\\\\^\\\\/\\\\{", "x$.^/{", "$x^/{"}, {"a^b", NULL, "ab|a^b"}, {"^a|b$", "ax|xb", "xax|bx"}, {"(^|x)a", "a|xa|bxa", "ba"}, {"^(?:ab)*$", "|abab", "aba"}
};

static void
own_cases(void)
{
	TokenSchemaFault fault;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const TokenSchema *schema = compile(text_of(cases[i].schema), &fault);
		bool		good;

		CHECK(schema != NULL, "%s: %s at %s", cases[i].schema, fault.why, fault.at);
		if (schema == NULL)
			continue;
		good = token_schema_check(schema, text_of(cases[i].text), key, scratch, NULL, &fault);
		CHECK(good == (cases[i].why[0] == '\0'), "%s of %s", cases[i].text, cases[i].schema);
		CHECK(good || strcmp(fault.why, cases[i].why) == 0, "%s of %s: %s", cases[i].text, cases[i].schema, fault.why);
		CHECK(good || strcmp(fault.at, cases[i].at) == 0, "%s of %s: %s", cases[i].text, cases[i].schema, fault.at);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		CHECK(compile(text_of(refused[i].schema), &fault) == NULL, "%s", refused[i].schema);
		CHECK(fault.why != NULL && strstr(fault.why, refused[i].why) != NULL, "%s: %s", refused[i].schema, fault.why);
		CHECK(refused[i].at == NULL || strcmp(fault.at, refused[i].at) == 0, "%s: %s", refused[i].schema, fault.at);
	}
}

/* Places that are too long are cut off behind a character, and nothing shorter follows. */
static void
long_places(void)
{
	static char schema[4096];
	static char expected[TOKEN_SCHEMA_AT];
	TokenSchemaFault fault;

	for (int shift = 0; shift < 4; shift++)
	{
		int			n = snprintf(schema, sizeof(schema), "{\"properties\":{\"%.*s", shift, "xxx");
		int			m = snprintf(expected, sizeof(expected), "/%.*s", shift, "xxx");

		for (int i = 0; i < 100; i++)
			n += snprintf(schema + n, sizeof(schema) - (size_t) n, "\xE2\x82\xAC");
		while (m + 3 < TOKEN_SCHEMA_AT)
			m += snprintf(expected + m, sizeof(expected) - (size_t) m, "\xE2\x82\xAC");
		(void) snprintf(schema + n, sizeof(schema) - (size_t) n, "\":{\"x\":1}}}");
		CHECK(compile(text_of(schema), &fault) == NULL && strlen(fault.at) < TOKEN_SCHEMA_AT, "%s", schema);
		/* its first part is "properties" */
		CHECK(strncmp(fault.at, "/properties", 11) == 0, "%s", fault.at);
		CHECK(strncmp(fault.at + 11, expected, strlen(fault.at) - 11) == 0 && (strlen(fault.at) - 12 - (size_t) shift) % 3 == 0 &&
			  strlen(fault.at) > TOKEN_SCHEMA_AT - 4, "%s", fault.at);
	}
}

static void
try_pattern(const TokenPattern *pattern, const char *name, const char *texts, bool in)
{
	TokenRest	rest = {NULL, 0};

	while (texts != NULL)
	{
		const char *bar = strchr(texts, '|');
		TokenText	text = {(const uint8_t *) texts, bar != NULL ? (size_t) (bar - texts) : strlen(texts)};

		CHECK(token_pattern_matches(pattern, text, &rest) == in, "\"%s\" of \"%.*s\"", name, (int) text.len, texts);
		texts = bar != NULL ? bar + 1 : NULL;
	}
}

static void
own_patterns(void)
{
	static TokenPatternRoom made;
	TokenPattern pattern;
	const char *why;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
	{
		CHECK(token_pattern_make(text_of(patterns[i].pattern), &made, &pattern, &why), "%s: %s", patterns[i].pattern, why);
		try_pattern(&pattern, patterns[i].pattern, patterns[i].in, true);
		try_pattern(&pattern, patterns[i].pattern, patterns[i].out, false);
	}
}

/* What makes others slow: each within seconds, however long it would take with doubling */
static void
no_slow_ones(void)
{
	size_t		n = 100000;
	uint8_t    *text = malloc(2 * n + 2);
	clock_t		began = clock();
	TokenSchemaFault fault;
	const TokenSchema *schema;

	memset(text, 'a', n);
	text[0] = text[n - 1] = '"';
	for (int i = 0; i < 3; i++)
	{
		static const char *const hard[] = {"{\"pattern\":\"^(a+)+$x\"}", "{\"pattern\":\"(a|aa|a?)*b\"}", "{\"pattern\":\"(.*)(.*)(.*)[^a]\"}"};

		schema = compile(text_of(hard[i]), &fault);
		CHECK(schema != NULL && !token_schema_check(schema, (TokenText) {text, n}, key, scratch, NULL, &fault), "%s", hard[i]);
	}
	/* an array of arrays in each other, and of many items */
	memset(text, '[', n);
	memset(text + n, ']', n);
	schema = compile(text_of("{\"uniqueItems\":true,\"enum\":[[[[]]]]}"), &fault);
	CHECK(schema != NULL && !token_schema_check(schema, (TokenText) {text, 2 * n}, key, scratch, NULL, &fault), "deep");
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i + 1, "1,", 2);
	text[2 * n] = ']';
	CHECK(schema != NULL && !token_schema_check(schema, (TokenText) {text, 2 * n + 1}, key, scratch, NULL, &fault), "many");
	CHECK(clock() - began < 60 * CLOCKS_PER_SEC, "%.1f s", (double) (clock() - began) / CLOCKS_PER_SEC);
	free(text);
}

static long rests = 0;

static void
rest(void)
{
	rests++;
}

/* How often did it rest over this text? */
static long
rests_over(const char *name, TokenText text)
{
	TokenSchemaFault fault;
	const TokenSchema *schema = compile(text_of(name), &fault);

	CHECK(schema != NULL, "%s", name);
	rests = 0;
	if (schema != NULL)
		(void) token_schema_check(schema, text, key, scratch, rest, &fault);
	return rests;
}

/* "[1,1,...", of n values */
static char *
ones(size_t n)
{
	char	   *list = malloc(2 * n + 64);

	list[0] = '[';
	for (size_t i = 0; i < n; i++)
		memcpy(list + 1 + 2 * i, "1,", 2);
	strcpy(list + 2 * n, "]");
	return list;
}

/* Whoever has asked for it can end it, however long one value of it takes. */
static void
rests_now_and_then(void)
{
	size_t		n = 1000000;
	uint8_t    *text = malloc(n);
	char	   *schema = malloc(65536);
	char	   *list;

	memset(text, 'a', n);
	text[0] = text[n - 1] = '"';
	CHECK(rests_over("{\"pattern\":\"b\"}", (TokenText) {text, n}) >= (long) n / 4096, "%ld", rests);
	CHECK(rests_over("{\"pattern\":\"(a?){300}b\"}", (TokenText) {text, n}) >= (long) n / 4096 * 100, "%ld", rests);
	CHECK(rests_over("{\"maxLength\":9}", (TokenText) {text, n}) > 0, "%ld", rests);
	memset(text, '1', n);
	CHECK(rests_over("{\"enum\":[2,3,4,5]}", (TokenText) {text, n}) >= 4, "%ld", rests);
	/* one item, whose hash takes the time */
	memcpy(text, "[\"", 2);
	memcpy(text + n - 2, "\"]", 2);
	CHECK(rests_over("{\"uniqueItems\":true}", (TokenText) {text, n}) >= (long) n / 4096, "%ld", rests);
	memcpy(text, "[1", 2);
	memcpy(text + n - 2, "1]", 2);
	CHECK(rests_over("{\"uniqueItems\":true}", (TokenText) {text, n}) >= (long) n / 4096 - 1, "%ld", rests);
	/* a value that is compared with each of many, blanks and all; members that are looked for */
	memset(text, ' ', n);
	text[0] = '{';
	text[n - 1] = '}';
	strcpy(schema, "{\"enum\":[");
	for (int i = 0; i < 500; i++)
		strcat(schema, "{},");
	strcpy(schema + strlen(schema) - 1, "]}");
	CHECK(rests_over(schema, (TokenText) {text, n}) == 1, "%ld", rests);
	memcpy(text + n - 6, "\"a\":1", 5);
	CHECK(rests_over(schema, (TokenText) {text, n}) >= 500, "%ld", rests);
	strcpy(schema, "{\"const\":{\"a\":1}}");
	CHECK(rests_over(schema, (TokenText) {text, n}) >= 2, "%ld", rests);
	CHECK(rests_over("{\"required\":[\"a\",\"b\",\"c\"]}", (TokenText) {text, n}) >= 2, "%ld", rests);
	list = ones(n);
	CHECK(rests_over("{}", text_of(list)) >= 0 && rests_over("{\"items\":{\"type\":\"integer\"}}", text_of(list)) >= (long) n / 4096, "%ld", rests);
	free(list);
	free(text);
	free(schema);
}

/* Reading a schema rests, too, and what its references pass by is counted. */
static void
rests_over_schemas(void)
{
	TokenSchemaFault fault;
	char	   *schema = malloc(65536);
	char	   *at = schema;
	size_t		used;

	at += sprintf(at, "{\"$defs\":{\"x\":{\"description\":\"%0*d\"},\"a\":true},\"prefixItems\":[", 30000, 0);
	for (int i = 0; i < 1200; i++)
		at += sprintf(at, "%s{\"$ref\":\"#/$defs/a\"}", i > 0 ? "," : "");
	strcpy(at, "]}");
	rests = 0;
	CHECK(token_schema_compile(text_of(schema), room, sizeof(room), &used, rest, &fault) != NULL, "%s", fault.at);
	CHECK(rests >= 300, "%ld", rests);
	/* references to references pass all of it by, again and again */
	at = schema + sprintf(schema, "{\"$defs\":{\"x\":{\"description\":\"%0*d\"},\"a\":true,\"b\":{\"prefixItems\":[", 50000, 0);
	for (int i = 0; i < 100; i++)
		at += sprintf(at, "%s{\"$ref\":\"#/$defs/a\"}", i > 0 ? "," : "");
	at += sprintf(at, "]}},\"prefixItems\":[");
	for (int i = 0; i < 100; i++)
		at += sprintf(at, "%s{\"$ref\":\"#/$defs/b\"}", i > 0 ? "," : "");
	strcpy(at, "]}");
	CHECK(token_schema_compile(text_of(schema), room, sizeof(room), &used, rest, &fault) == NULL, "it passes all of it by");
	CHECK(fault.why != NULL && strstr(fault.why, "references") != NULL, "%s", fault.why != NULL ? fault.why : "nothing is said");
	free(schema);
}

/* An item is read once, however deep what takes long in it lies. */
static void
hash_of_depth(void)
{
	size_t		n = 2000000;
	uint8_t    *text = malloc(n);
	clock_t		took[2];
	TokenSchemaFault fault;
	const TokenSchema *schema = compile(text_of("{\"uniqueItems\":true}"), &fault);

	for (int i = 0; i < 2; i++)
	{
		size_t		depth = i == 0 ? 2 : 1000;
		clock_t		began = clock();

		memset(text, '1', n);
		memset(text, '[', depth);
		memset(text + n - depth, ']', depth);
		CHECK(token_schema_check(schema, (TokenText) {text, n}, key, scratch, NULL, &fault), "%s", fault.why);
		took[i] = clock() - began;
	}
	CHECK(took[1] < 10 * took[0] + CLOCKS_PER_SEC / 10, "%ld, not %ld", (long) took[1], (long) took[0]);
	free(text);
}

/* The official suite: a list of groups, each with a schema and texts */

static TokenText
member(TokenText object, const char *name)
{
	JsonCursor	c = {object.at, object.at + object.len};

	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
	{
		bool		found = token_json_same(token_cursor_name(&c), text_of(name));
		TokenText	value = token_cursor_value(&c);

		if (found)
			return value;
	}
	return text_of("null");
}

static long suite_cases = 0;
static long suite_schemas = 0;
static long suite_refused = 0;

static void
suite_group(const char *file, TokenText group)
{
	TokenSchemaFault fault;
	const TokenSchema *schema = compile(member(group, "schema"), &fault);
	TokenText	tests = member(group, "tests");
	JsonCursor	c = {tests.at, tests.at + tests.len};

	suite_schemas++;
	if (schema == NULL)
	{
		TokenText	name = member(group, "description");

		suite_refused++;
		printf("# %s: %.*s: %s %s\n", file, (int) name.len, (const char *) name.at, fault.at, fault.why);
		return;
	}
	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
	{
		TokenText	test = token_cursor_value(&c);
		TokenText	data = member(test, "data");
		bool		valid = *member(test, "valid").at == 't';
		TokenText	name = member(test, "description");

		suite_cases++;
		CHECK(token_schema_check(schema, data, key, scratch, NULL, &fault) == valid, "%s: %.*s", file, (int) name.len, (const char *) name.at);
	}
}

static void
suite(const char *path)
{
	static uint8_t text[1024 * 1024];
	FILE	   *file = fopen(path, "r");
	JsonCursor	c = {text, text};

	CHECK(file != NULL, "%s", path);
	if (file == NULL)
		return;
	c.end += fread(text, 1, sizeof(text), file);
	fclose(file);
	token_cursor_blanks(&c);
	for (bool more = token_cursor_enter(&c); more; more = token_cursor_more(&c))
		suite_group(strrchr(path, '/') + 1, token_cursor_value(&c));
}

int
main(int argc, char **argv)
{
	own_cases();
	long_places();
	own_patterns();
	no_slow_ones();
	rests_now_and_then();
	rests_over_schemas();
	hash_of_depth();
	for (int i = 1; i < argc; i++)
		suite(argv[i]);
	if (argc > 1)
		CHECK(suite_cases > 400, "%ld cases", suite_cases);
	if (failures > 0)
		fprintf(stderr, "%ld of %ld checks failed\n", failures, checks);
	else if (argc > 1)
		printf("%ld checks of schemas, %ld of them cases of the official suite; %ld of its %ld schemas are refused\n",
			   checks, suite_cases, suite_refused, suite_schemas);
	else
		printf("%ld checks of schemas\n", checks);
	return failures > 0;
}
