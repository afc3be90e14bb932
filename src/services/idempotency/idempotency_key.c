/*-------------------------------------------------------------------------
 *
 * idempotency_key.c
 *	  Idempotency keys as clients send them.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "services/idempotency/idempotency_key.h"

size_t
paysafe_idempotency_key_parse(const char *given, size_t len,
							  char key[PAYSAFE_IDEMPOTENCY_KEY_MAX])
{
	bool		quoted = len > 0 && given[0] == '"';
	size_t		n = 0;
	size_t		end = len;

	if (quoted)
	{
		if (len < 2 || given[len - 1] != '"')
			return 0;
		end--;
	}
	for (size_t i = quoted; i < end; i++)
	{
		char		c = given[i];

		/* in quotes, a backslash stands before a quote or a backslash, and nothing else */
		if (quoted && c == '\\')
		{
			if (++i == end || (given[i] != '"' && given[i] != '\\'))
				return 0;
			c = given[i];
		}
		else if (c == '"' || (c == ' ' && !quoted))
			return 0;
		if (c < ' ' || c >= 127 || n == PAYSAFE_IDEMPOTENCY_KEY_MAX)
			return 0;
		key[n++] = c;
	}
	return n;
}
