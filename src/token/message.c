/*-------------------------------------------------------------------------
 *
 * message.c
 *	  What a signature of a request is of: HTTP Message Signatures, RFC 9421.
 *
 *-------------------------------------------------------------------------
 */
#include "token/message.h"

#define MAX_METHOD		32
#define LAST_TIME		INT64_C(9999999999)

/* A component as it is named. */
typedef struct Component
{
	const TokenItem *item;
	TokenText	name;
	TokenText	part;			/* "key" of a dictionary, "name" of @query-param; at NULL: none */
} Component;

/* Short for what is said so often */
static bool
fail(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

static bool
same_text(TokenText a, TokenText b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t) (c + ('a' - 'A')) : c;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alphanumeric(uint8_t c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c);
}

/* What RFC 9110 makes names of fields and methods of */
static bool
is_name(TokenText text, bool small)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.at[i]) && (text.at[i] == 0 || strchr("!#$%&'*+-.^_`|~", text.at[i]) == NULL))
			return false;
		else if (small && text.at[i] != lower(text.at[i]))
			return false;
	return text.len > 0;
}

/* Printable, without blanks and without these */
static bool
is_visible(TokenText text, const char *without)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || strchr(without, text.at[i]) != NULL)
			return false;
	return true;
}

bool
token_message_check(const TokenRequest *request, const char **why)
{
	if (!is_name(request->method, false) || request->method.len > MAX_METHOD)
		return fail(why, "method_malformed");
	if ((request->path.len > 0 && request->path.at[0] != '/') || request->path.len > TOKEN_FIELD_MAX ||
		!is_visible(request->path, "?#"))
		return fail(why, "path_malformed");
	if (request->query.len > TOKEN_FIELD_MAX || !is_visible(request->query, "#"))
		return fail(why, "query_malformed");
	if (!is_visible(request->authority, "/?#@\\\",") || request->authority.len > TOKEN_MESSAGE_TEXT_MAX)
		return fail(why, "host_malformed");
	return true;
}

/* Fields */

static bool
is_field(TokenText name, TokenText wanted)
{
	if (name.len != wanted.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (lower(name.at[i]) != wanted.at[i])
			return false;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool
put_line(TokenWriter *out, TokenText value)
{
	while (value.len > 0 && is_blank(value.at[0]))
		value = (TokenText) {value.at + 1, value.len - 1};
	while (value.len > 0 && is_blank(value.at[value.len - 1]))
		value.len--;
	for (size_t i = 0; i < value.len; i++)
		if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] > '~')
			return false;
	token_structured_put(out, value.at, value.len);
	return true;
}

bool
token_message_field(const TokenRequest *request, TokenText name, TokenWriter *out, const char **why)
{
	int			n = 0;

	for (int i = 0; i < request->nheaders; i++)
	{
		if (!is_field(request->headers[i].name, name))
			continue;
		if (n++ > 0)
			token_structured_put_word(out, ", ");
		if (!put_line(out, request->headers[i].value))
			return fail(why, "header_malformed");
	}
	if (out->full)
		return fail(why, "header_too_large");
	return n > 0 || fail(why, "header_missing");
}

/* A member of a field that is a dictionary */
static bool
put_member(const TokenRequest *request, const Component *component, TokenWriter *out, const char **why)
{
	uint8_t		whole[TOKEN_FIELD_MAX];
	TokenWriter writer = {whole, sizeof(whole), 0, false};
	TokenField	field;
	const TokenFieldMember *member;

	if (!token_message_field(request, component->name, &writer, why))
		return false;
	if (!token_structured_dictionary((TokenText) {whole, writer.len}, &field, why))
		return fail(why, "header_malformed");
	member = token_structured_find(&field, component->part);
	if (member == NULL)
		return fail(why, "header_missing");
	token_structured_write_member(out, &field, member);
	return true;
}

/* What is no field */

/* In small letters, without the port that the scheme has anyway */
static void
put_authority(TokenWriter *out, const TokenRequest *request)
{
	TokenText	text = request->authority;
	const char *port = token_text_is(request->scheme, "http") ? ":80" : ":443";
	size_t		len = strlen(port);

	if (text.len > len && memcmp(text.at + text.len - len, port, len) == 0)
		text.len -= len;
	for (size_t i = 0; i < text.len; i++)
	{
		uint8_t		c = lower(text.at[i]);

		token_structured_put(out, &c, 1);
	}
}

static void
put_path(TokenWriter *out, const TokenRequest *request)
{
	if (request->path.len == 0)
		token_structured_put_word(out, "/");
	token_structured_put(out, request->path.at, request->path.len);
}

static void
put_query(TokenWriter *out, const TokenRequest *request, bool always)
{
	if (always || request->has_query)
		token_structured_put_word(out, "?");
	token_structured_put(out, request->query.at, request->query.len);
}

static int
hex_value(uint8_t c)
{
	return is_digit(c) ? c - '0' : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* A part of a form, decoded and encoded again in one form; false: an escape is none */
static bool
put_encoded(TokenWriter *out, TokenText text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++)
	{
		uint8_t		c = text.at[i] == '+' ? ' ' : text.at[i];
		char		escape[3] = {'%'};

		if (c == '%')
		{
			int			high = i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
			int			low = i + 2 < text.len ? hex_value(text.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t) (high * 16 + low);
			i += 2;
		}
		escape[1] = digits[c >> 4];
		escape[2] = digits[c & 15];
		if (is_alphanumeric(c) || (c != 0 && strchr("*-._", c) != NULL))
			token_structured_put(out, &c, 1);
		else
			token_structured_put(out, escape, 3);
	}
	return true;
}

/* The value of the one parameter of this name */
static bool
put_query_param(TokenWriter *out, const TokenRequest *request, TokenText name, const char **why)
{
	const uint8_t *at = request->query.at;
	const uint8_t *end = at + request->query.len;
	TokenText	value = {NULL, 0};
	int			n = 0;

	while (at < end)
	{
		const uint8_t *stop = memchr(at, '&', (size_t) (end - at));
		const uint8_t *equals;
		uint8_t		encoded[TOKEN_FIELD_MAX];
		TokenWriter writer = {encoded, sizeof(encoded), 0, false};

		stop = stop != NULL ? stop : end;
		equals = memchr(at, '=', (size_t) (stop - at));
		if (!put_encoded(&writer, (TokenText) {at, (size_t) ((equals ? equals : stop) - at)}))
			return fail(why, "query_malformed");
		if (stop > at && !writer.full && same_text((TokenText) {encoded, writer.len}, name))
		{
			value = (TokenText) {equals ? equals + 1 : stop, equals ? (size_t) (stop - equals - 1) : 0};
			n++;
		}
		at = stop < end ? stop + 1 : end;
	}
	if (n != 1)
		return fail(why, n == 0 ? "query_param_missing" : "query_param_duplicate");
	return put_encoded(out, value) || fail(why, "query_malformed");
}

static bool
put_value(TokenWriter *out, const TokenRequest *request, const Component *component, const char **why)
{
	TokenText	name = component->name;

	if (name.at[0] != '@')
		return component->part.at != NULL ? put_member(request, component, out, why) :
			token_message_field(request, name, out, why);
	if (token_text_is(name, "@query-param"))
		return put_query_param(out, request, component->part, why);
	if (token_text_is(name, "@method"))
		token_structured_put(out, request->method.at, request->method.len);
	else if (token_text_is(name, "@path"))
		put_path(out, request);
	else if (token_text_is(name, "@query"))
		put_query(out, request, true);
	else if (token_text_is(name, "@request-target"))
	{
		put_path(out, request);
		put_query(out, request, false);
	}
	else if (token_text_is(name, "@scheme"))
		token_structured_put(out, request->scheme.at, request->scheme.len);
	else if (request->authority.len == 0)
		return fail(why, "host_missing");
	else if (token_text_is(name, "@authority"))
		put_authority(out, request);
	else						/* @target-uri */
	{
		token_structured_put(out, request->scheme.at, request->scheme.len);
		token_structured_put_word(out, "://");
		put_authority(out, request);
		put_path(out, request);
		put_query(out, request, false);
	}
	return true;
}

/* What is announced */

bool
token_message_is_component(TokenText name)
{
	static const char *const derived[] = {
		"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param"
	};

	if (name.len == 0 || name.len > TOKEN_MESSAGE_TEXT_MAX)
		return false;
	if (name.at[0] != '@')
		return is_name(name, true);
	for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++)
		if (token_text_is(name, derived[i]))
			return true;
	return false;
}

/* A string that needs no escapes */
static bool
is_plain(const TokenBare *bare)
{
	return bare->type == TOKEN_BARE_STRING && memchr(bare->text.at, '\\', bare->text.len) == NULL;
}

static bool
read_component(const TokenField *field, const TokenItem *item, Component *out, const char **why)
{
	const TokenParameter *parameter = &field->parameters[item->parameters.first];
	bool		is_param;

	*out = (Component) {item, item->value.text, {NULL, 0}};
	if (!is_plain(&item->value) || !token_message_is_component(item->value.text))
		return fail(why, "component_unknown");
	is_param = token_text_is(out->name, "@query-param");
	if (item->parameters.n == 0 && !is_param)
		return true;
	if (item->parameters.n != 1 || (out->name.at[0] == '@' && !is_param) || !is_plain(&parameter->value) ||
		!token_text_is(parameter->key, is_param ? "name" : "key"))
		return fail(why, "component_unknown");
	out->part = parameter->value.text;
	/* the key of a dictionary has a form */
	return is_param || token_structured_is_key(out->part) || fail(why, "component_unknown");
}

static bool
same_component(const Component *a, const Component *b)
{
	return same_text(a->name, b->name) && (a->part.at == NULL) == (b->part.at == NULL) &&
		(a->part.at == NULL || same_text(a->part, b->part));
}

static bool
read_components(const TokenField *field, const TokenFieldMember *member, const char **why)
{
	Component	all[TOKEN_MESSAGE_COMPONENTS];

	if (!member->is_list || member->items.n > TOKEN_MESSAGE_COMPONENTS)
		return fail(why, "signature_input_malformed");
	for (int i = 0; i < member->items.n; i++)
	{
		if (!read_component(field, &field->items[member->items.first + i], &all[i], why))
			return false;
		for (int k = 0; k < i; k++)
			if (same_component(&all[i], &all[k]))
				return fail(why, "component_duplicate");
	}
	return true;
}

static bool
read_parameter(const TokenParameter *parameter, TokenSignatureInput *out)
{
	const TokenBare *value = &parameter->value;
	bool		is_time = value->type == TOKEN_BARE_INTEGER && value->number >= 1 && value->number <= LAST_TIME;
	bool		is_text = is_plain(value) && value->text.len <= TOKEN_MESSAGE_TEXT_MAX;
	TokenText  *text = token_text_is(parameter->key, "keyid") ? &out->keyid :
		token_text_is(parameter->key, "nonce") ? &out->nonce :
		token_text_is(parameter->key, "alg") ? &out->algorithm :
		token_text_is(parameter->key, "tag") ? &out->tag : NULL;

	if (text != NULL)
		*text = value->text;
	else if (token_text_is(parameter->key, "created"))
		out->created = value->number;
	else if (token_text_is(parameter->key, "expires"))
		out->expires = value->number;
	else
		return false;			/* it may say when the signature does not count */
	return text != NULL ? is_text : is_time;
}

bool
token_message_input(const TokenField *field, const TokenFieldMember *member,
					TokenSignatureInput *out, const char **why)
{
	memset(out, 0, sizeof(*out));
	out->field = field;
	out->member = member;
	out->created = out->expires = TOKEN_MESSAGE_NO_TIME;
	if (!read_components(field, member, why))
		return false;
	for (int i = 0; i < member->parameters.n; i++)
		if (!read_parameter(&field->parameters[member->parameters.first + i], out))
			return fail(why, "parameter_malformed");
	return true;
}

static bool
names(const TokenSignatureInput *input, const char *component)
{
	for (int i = 0; i < input->member->items.n; i++)
	{
		const TokenItem *item = &input->field->items[input->member->items.first + i];

		if (item->parameters.n == 0 && token_text_is(item->value.text, component))
			return true;
	}
	return false;
}

bool
token_message_covers(const TokenSignatureInput *input, const char *component)
{
	bool		in_target = strcmp(component, "@path") == 0 || strcmp(component, "@query") == 0 ||
		strcmp(component, "@request-target") == 0;
	bool		in_uri = in_target || strcmp(component, "@authority") == 0 || strcmp(component, "@scheme") == 0;

	return names(input, component) || (in_target && names(input, "@request-target")) ||
		(in_uri && names(input, "@target-uri"));
}

bool
token_message_base(const TokenSignatureInput *input, const TokenRequest *request, TokenWriter *out,
				   const char **why)
{
	for (int i = 0; i < input->member->items.n; i++)
	{
		Component	component;

		if (!read_component(input->field, &input->field->items[input->member->items.first + i], &component, why))
			return false;
		token_structured_write_item(out, input->field, component.item);
		token_structured_put_word(out, ": ");
		if (!put_value(out, request, &component, why))
			return false;
		token_structured_put_word(out, "\n");
	}
	token_structured_put_word(out, "\"@signature-params\": ");
	token_structured_write_member(out, input->field, input->member);
	return !out->full || fail(why, "header_too_large");
}
