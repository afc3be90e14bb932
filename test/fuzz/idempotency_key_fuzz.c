/*-------------------------------------------------------------------------
 *
 * idempotency_key_fuzz.c
 *	  libFuzzer: idempotency keys.  What is taken for a key is, written in quotes, the
 *	  same key, and without blanks and quotes as it is; nothing else is taken for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "fuzz.h"
#include "services/idempotency/idempotency_key.h"

#define MAX PAYSAFE_IDEMPOTENCY_KEY_MAX

/* A copy that ends where the text ends, into one that ends where a key may. */
static size_t
parse(const char *given, size_t len, char *out)
{
	char	   *copy = palloc(len);
	char	   *key = palloc(MAX);
	size_t		n;

	memcpy(copy, given, len);
	n = paysafe_idempotency_key_parse(copy, len, key);
	require(n <= MAX);
	memcpy(out, key, n);
	fuzz_free();
	return n;
}

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *given = (const char *) data;
	char		key[MAX];
	char		again[MAX];
	char		quoted[2 * MAX + 2] = {'"'};
	size_t		q = 1;
	size_t		n = parse(given, size, key);
	bool		bare = true;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
	{
		require(key[i] >= ' ' && key[i] < 127);
		bare = bare && key[i] != ' ' && key[i] != '"';
		if (key[i] == '"' || key[i] == '\\')
			quoted[q++] = '\\';
		quoted[q++] = key[i];
	}
	quoted[q++] = '"';
	require(parse(quoted, q, again) == n && memcmp(key, again, n) == 0);
	if (bare)
		require(parse(key, n, again) == n && memcmp(key, again, n) == 0);
	/* it came as one of the two */
	require((size == q && memcmp(given, quoted, q) == 0) ||
			(bare && size == n && memcmp(given, key, n) == 0));
	return 0;
}
