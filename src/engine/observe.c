/*-------------------------------------------------------------------------
 *
 * observe.c
 *	  Rules that are watched before they refuse.
 *
 * A check that refuses cannot return to where it came from, so it jumps to where it
 * was called.  A subtransaction, which would clean up after anything, costs more than
 * most checks.  None is needed: the only way out is paysafe_rule_refuse, whose callers
 * have nothing open but memory of short-lived contexts.  Any other error is one, and goes
 * on as such.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "base/transaction.h"
#include "engine/observe.h"

/* A check that is under way. */
typedef struct Watch
{
	volatile bool refused;
	struct Watch *outer;
} Watch;

static Watch *watches = NULL;	/* innermost first; on the stack */

bool
paysafe_observe(const struct Rule *rule, ObservedCheck check, const void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	Watch		watch = {.refused = false, .outer = watches};

	PG_TRY();
	{
		watches = &watch;
		check(rule, arg);
		watches = watch.outer;
	}
	PG_CATCH();
	{
		watches = watch.outer;
		if (!watch.refused)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	return !watch.refused;
}

bool
paysafe_observe_is_watching(void)
{
	return watches != NULL;
}

static int	fixtures = 0;		/* level of the subtransaction that began them; 0: none */

void
paysafe_observe_begin_fixtures(void)
{
	paysafe_transaction_watch();
	if (fixtures == 0)
		fixtures = GetCurrentTransactionNestLevel();
}

bool
paysafe_observe_is_fixture(void)
{
	return fixtures > 0;
}

void
paysafe_observe_end_fixtures(int level, bool committed)
{
	if (fixtures >= level)
		fixtures = committed ? level - 1 : 0;
}

void
paysafe_observe_end(void)
{
	watches->refused = true;
	/* no error is raised that anybody could see: only the jump of one */
	pg_re_throw();
}
