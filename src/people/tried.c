/*-------------------------------------------------------------------------
 *
 * tried.c
 *	  Attempts to show who one is, and to approve: from where, and how many have failed.
 *
 * A login that is one person's own comes from where its connection does.  Behind one that acts for others are
 * many, at one address: what counts there is the address that the application tells (act_from), and without it
 * nothing does, so that nobody locks out all whom an application serves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "people/actor.h"
#include "people/tried.h"
#include "store/catalog.h"

static const TriedJudge *judge = NULL;
static char *told = NULL;		/* in TopTransactionContext; the newest one of the transaction */

void
paysafe_tried_set_judge(const TriedJudge *new_judge)
{
	judge = new_judge;
}

/* NULL: nothing counts. */
static const char *
from_where(const char *service)
{
	if (judge == NULL || !judge->limited(service))
		return NULL;
	return paysafe_catalog_may_act_as(paysafe_actor_login()) ? told : paysafe_actor_client();
}

bool
paysafe_tried_counts(const char *service)
{
	return from_where(service) != NULL;
}

Tried
paysafe_tried(const char *service, const char *client, bool failed)
{
	const char *address = from_where(service);

	return address != NULL ? judge->judge(service, client, address, failed) : TRIED_UNLIMITED;
}

/* Is it refused?  Any other error is raised. */
static bool
is_refused(void (*check) (void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool refused = false;

	PG_TRY();
	{
		check(arg);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		refused = true;
	}
	PG_END_TRY();
	return refused;
}

void
paysafe_tried_check(const char *service, const char *client, const char *message, const char *table,
					void (*check) (void *), void *arg)
{
	Refusal		refusal = {
		.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
		.rule = service,
		.schema_name = "paysafe",
		.table_name = table,
		.message = message,
		.recorded = psprintf("%s: too many attempts from this address have failed", message),
		.hint = "paysafe.refusal_log says why."
	};

	/* one that is locked out is on record once, be it wrong or right */
	if (!paysafe_tried_counts(service))
		check(arg);
	else if (is_refused(check, arg))
	{
		(void) paysafe_tried(service, client, true);
		paysafe_refusal_raise(&refusal);
	}
	else if (paysafe_tried(service, client, false) == TRIED_LOCKED_OUT)
		paysafe_refuse(&refusal);
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		told = NULL;
}

void
paysafe_tried_init(void)
{
	paysafe_transaction_register(end_transaction, NULL);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_act_from);

/*
 * act_from(origin text) returns void
 */
Datum
paysafe_act_from(PG_FUNCTION_ARGS)
{
	char	   *origin = PG_ARGISNULL(0) ? NULL : paysafe_argument_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	paysafe_transaction_watch();
	paysafe_transaction_warn(fcinfo, "paysafe.act_from");
	told = origin != NULL ? MemoryContextStrdup(TopTransactionContext, origin) : NULL;
	PG_RETURN_VOID();
}
