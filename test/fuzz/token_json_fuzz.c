/*-------------------------------------------------------------------------
 *
 * token_json_fuzz.c
 *	  libFuzzer's view of tokens' JSON: an object is one for the checker of webhooks, which
 *	  knows nothing of it, exactly if it is one here; members are spans of it that are what
 *	  they are said to be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "base/json_check.h"
#include "token/json.h"

#include "fuzz.h"

#define MAX_MEMBERS 64			/* more than 200 bytes can have */

static void
check_member(const TokenMember *member, const uint8 *text, size_t size)
{
	char		out[64];
	char		again[64];
	size_t		len;
	int64_t		number;
	const char *reason;

	require(member->value.at >= text && member->value.len > 0 &&
			member->value.at + member->value.len <= text + size);
	require(member->name.at >= text && member->name.at + member->name.len < text + size);
	/* the span is a value of its own */
	reason = paysafe_json_check((const char *) member->value.at, member->value.len, TOKEN_JSON_DEPTH, false, 7);
	require(reason == NULL);
	if (token_json_string(member, out, sizeof(out), &len))
	{
		require(member->kind == TOKEN_STRING && len < sizeof(out) && strlen(out) == len);
		/* plain words read as they are */
		if (strpbrk(out, "\\\"") == NULL)
			require(token_json_string_is(member, out));
	}
	if (token_json_int64(member, &number))
	{
		snprintf(again, sizeof(again), "%lld", (long long) number);
		require(member->kind == TOKEN_NUMBER && member->value.len == strlen(again) &&
				memcmp(member->value.at, again, member->value.len) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *copy = malloc(size + (size == 0));	/* red zones around it */
	TokenMember members[MAX_MEMBERS];
	TokenText	text = {copy, size};
	const char *why;
	const char *reason;
	size_t		blanks = 0;
	int			n;
	bool		good;

	memcpy(copy, data, size);
	while (blanks < size && strchr(" \t\r\n", copy[blanks]) != NULL && copy[blanks] != '\0')
		blanks++;
	reason = paysafe_json_check((const char *) copy, size, TOKEN_JSON_DEPTH, false, 12345);
	good = token_json_object(text, members, MAX_MEMBERS, &n, &why);
	require(good == (reason == NULL && blanks < size && copy[blanks] == '{'));
	require(good == (why == NULL));
	require(good || n == 0);
	for (int i = 0; i < n; i++)
		check_member(&members[i], copy, size);
	good = token_json_array(text, members, MAX_MEMBERS, &n, &why);
	require(!good || (reason == NULL && copy[blanks] == '['));
	require(good || reason != NULL || copy[blanks] != '[' || strcmp(why, "there are too many members") == 0);
	free(copy);
	fuzz_free();
	return 0;
}
