/*-------------------------------------------------------------------------
 *
 * exact.c
 *	  fuzz.exact(anyelement): the same value where malloc put it, so that
 *	  AddressSanitizer sees a reader's first step beyond its end.  In a memory
 *	  context the next chunk would lie there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

#define MAX_ARGUMENTS 8

PG_FUNCTION_INFO_V1(fuzz_exact);

Datum
fuzz_exact(PG_FUNCTION_ARGS)
{
	/* of the latest calls; a statement makes fewer */
	static void *copies[MAX_ARGUMENTS];
	static int	next = 0;
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	void	   *copy = malloc(VARSIZE(value));

	memcpy(copy, value, VARSIZE(value));
	free(copies[next]);
	copies[next] = copy;
	next = (next + 1) % MAX_ARGUMENTS;
	PG_RETURN_POINTER(copy);
}
