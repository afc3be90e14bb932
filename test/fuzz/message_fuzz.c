/*-------------------------------------------------------------------------
 *
 * message_fuzz.c
 *	  libFuzzer's view of signed requests: lines are Signature-Input, method, target,
 *	  authority, and header lines NAME:VALUE.  What is signed has a line for each component,
 *	  which names it, and the parameters in the end; nothing in a request makes a line more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "token/message.h"

#include "fuzz.h"

#define MAX_LINES	24

/* The input's next line */
static TokenText
next_line(const uint8 **at, const uint8 *end)
{
	const uint8 *start = *at;
	const uint8 *stop = start < end ? memchr(start, '\n', end - start) : NULL;
	TokenText	line = {start, (stop ? stop : end) - start};

	*at = stop ? stop + 1 : end;
	return line;
}

/* What stands before the first one of these, and what behind it */
static bool
split(TokenText text, int by, TokenText *before, TokenText *after)
{
	const uint8 *at = text.len > 0 ? memchr(text.at, by, text.len) : NULL;

	*before = (TokenText) {text.at, at ? at - text.at : text.len};
	*after = (TokenText) {at ? at + 1 : text.at + text.len, at ? text.at + text.len - at - 1 : 0};
	return at != NULL;
}

/* The lines of the base are those that the input names, in its order. */
static void
check_base(const TokenSignatureInput *input, const uint8 *base, size_t len)
{
	const uint8 *at = base;
	const uint8 *end = base + len;
	uint8		start[TOKEN_FIELD_MAX * 2];

	for (int i = 0; i <= input->member->items.n; i++)
	{
		TokenText	line = next_line(&at, end);
		TokenWriter writer = {start, sizeof(start), 0, false};

		if (i < input->member->items.n)
			token_structured_write_item(&writer, input->field, &input->field->items[input->member->items.first + i]);
		else
			token_structured_put_word(&writer, "\"@signature-params\"");
		token_structured_put_word(&writer, ": ");
		if (i == input->member->items.n)
		{
			token_structured_write_member(&writer, input->field, input->member);
			require(line.len == writer.len);
		}
		require(!writer.full && line.len >= writer.len && memcmp(line.at, start, writer.len) == 0);
		for (size_t k = 0; k < line.len; k++)
			require((line.at[k] >= ' ' && line.at[k] <= '~') || line.at[k] == '\t');
	}
	require(at == end);
}

static void
check_member(const TokenField *field, const TokenFieldMember *member, const TokenRequest *request)
{
	TokenSignatureInput input;
	const char *why = NULL;
	TokenWriter out = {NULL, TOKEN_MESSAGE_BASE_MAX, 0, false};

	if (!token_message_input(field, member, &input, &why))
	{
		require(why != NULL);
		return;
	}
	require(member->is_list && member->items.n <= TOKEN_MESSAGE_COMPONENTS);
	require(input.created == TOKEN_MESSAGE_NO_TIME || input.created > 0);
	require(input.keyid.len <= TOKEN_MESSAGE_TEXT_MAX && input.nonce.len <= TOKEN_MESSAGE_TEXT_MAX);
	if (token_message_covers(&input, "@target-uri"))
		require(token_message_covers(&input, "@path") && token_message_covers(&input, "@authority"));
	out.at = palloc(TOKEN_MESSAGE_BASE_MAX);
	if (token_message_base(&input, request, &out, &why))
		check_base(&input, out.at, out.len);
	else
		require(why != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *copy = palloc(size);
	const uint8 *at = copy;
	const uint8 *end = copy + size;
	TokenField *field = palloc(sizeof(TokenField));
	TokenHeader headers[MAX_LINES];
	TokenRequest request = {.headers = headers};
	TokenText	signature_input;
	TokenText	target;
	const char *why = NULL;

	memcpy(copy, data, size);
	signature_input = next_line(&at, end);
	request.method = next_line(&at, end);
	target = next_line(&at, end);
	request.has_query = split(target, '?', &request.path, &request.query);
	request.scheme = (TokenText) {(const uint8_t *) "https", 5};
	request.authority = next_line(&at, end);
	while (at < end && request.nheaders < MAX_LINES)
	{
		TokenText	line = next_line(&at, end);

		if (split(line, ':', &headers[request.nheaders].name, &headers[request.nheaders].value))
			request.nheaders++;
	}
	if (!token_message_check(&request, &why))
		require(why != NULL);
	else if (token_structured_dictionary(signature_input, field, &why))
		for (int i = 0; i < field->nmembers; i++)
			check_member(field, &field->members[i], &request);
	fuzz_free();
	return 0;
}
