/*-------------------------------------------------------------------------
 *
 * invalidation.c
 *	  Hearing that a relation has changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/invalidation.h"

#define MAX_CALLBACKS	32

static RelcacheCallbackFunction callbacks[MAX_CALLBACKS];
static int	ncallbacks = 0;

static void
relation_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < ncallbacks; i++)
		callbacks[i] (arg, relid);
}

void
paysafe_invalidation_register(RelcacheCallbackFunction callback)
{
	if (ncallbacks == MAX_CALLBACKS)
		elog(FATAL, "paysafe has more than %d callbacks", MAX_CALLBACKS);
	if (ncallbacks == 0)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	callbacks[ncallbacks++] = callback;
}
