/*-------------------------------------------------------------------------
 *
 * structured_fuzz.c
 *	  libFuzzer's view of structured fields: what is read is written in one form, and that
 *	  form is read as the same; no key stands there twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "token/base64url.h"
#include "token/structured.h"

#include "fuzz.h"

/* All of it, as one field; numbers of a date may have become longer. */
static size_t
write_all(const TokenField *field, uint8_t *out, size_t room)
{
	TokenWriter writer = {out, room, 0, false};

	for (int i = 0; i < field->nmembers; i++)
	{
		if (i > 0)
			token_structured_put_word(&writer, ", ");
		token_structured_put(&writer, field->members[i].key.at, field->members[i].key.len);
		token_structured_put_word(&writer, "=");
		token_structured_write_member(&writer, field, &field->members[i]);
	}
	require(!writer.full);
	return writer.len;
}

static void
check_bare(const TokenBare *bare)
{
	uint8_t		bytes[TOKEN_FIELD_MAX];

	switch (bare->type)
	{
		case TOKEN_BARE_STRING:
			for (size_t i = 0; i < bare->text.len; i++)
				require(bare->text.at[i] >= ' ' && bare->text.at[i] <= '~');
			break;
		case TOKEN_BARE_BYTES:
			require(token_base64_read(bare->text, bytes, sizeof(bytes)) >= 0);
			break;
		case TOKEN_BARE_BOOLEAN:
			require(bare->number == 0 || bare->number == 1);
			break;
		default:
			require(bare->number > -INT64CONST(1000000000000000) && bare->number < INT64CONST(1000000000000000));
	}
}

static void
check_shape(const TokenField *field)
{
	require(field->nmembers <= TOKEN_FIELD_MEMBERS && field->nitems <= TOKEN_FIELD_ITEMS &&
			field->nparameters <= TOKEN_FIELD_PARAMETERS);
	for (int i = 0; i < field->nmembers; i++)
	{
		const TokenFieldMember *member = &field->members[i];

		require(token_structured_is_key(member->key));
		require(token_structured_find(field, member->key) == member);
		require(member->is_list || member->items.n == 1);
		require(member->items.first + member->items.n <= field->nitems);
		require(member->parameters.first + member->parameters.n <= field->nparameters);
	}
	for (int i = 0; i < field->nitems; i++)
	{
		TokenSpan	span = field->items[i].parameters;

		check_bare(&field->items[i].value);
		require(span.first + span.n <= field->nparameters);
		for (int a = span.first; a < span.first + span.n; a++)
			for (int b = span.first; b < a; b++)
				require(field->parameters[a].key.len != field->parameters[b].key.len ||
						memcmp(field->parameters[a].key.at, field->parameters[b].key.at, field->parameters[a].key.len) != 0);
	}
	for (int i = 0; i < field->nparameters; i++)
		check_bare(&field->parameters[i].value);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *copy = palloc(size);
	TokenField *field = palloc(sizeof(TokenField));
	TokenField *again = palloc(sizeof(TokenField));
	uint8	   *one = palloc(2 * TOKEN_FIELD_MAX);
	uint8	   *two = palloc(2 * TOKEN_FIELD_MAX);
	const char *why = NULL;

	memcpy(copy, data, size);
	if (!token_structured_dictionary((TokenText) {copy, size}, field, &why))
		require(why != NULL);
	else
	{
		size_t		len = write_all(field, one, 2 * TOKEN_FIELD_MAX);

		check_shape(field);
		require(len <= TOKEN_FIELD_MAX);	/* of inputs as short as these */
		require(token_structured_dictionary((TokenText) {one, len}, again, &why));
		check_shape(again);
		require(write_all(again, two, 2 * TOKEN_FIELD_MAX) == len && memcmp(one, two, len) == 0);
		require(again->nmembers == field->nmembers && again->nitems == field->nitems &&
				again->nparameters == field->nparameters);
	}
	fuzz_free();
	return 0;
}
