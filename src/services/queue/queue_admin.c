/*-------------------------------------------------------------------------
 *
 * queue_admin.c
 *	  SQL functions for whoever runs the queues.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "services/queue/queue.h"
#include "services/queue/queue_setting.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_set_queue);

/*
 * set_queue(queue text, source text, max_attempts int, backoff interval,
 *			 max_backoff interval) returns void
 */
Datum
paysafe_set_queue(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "queue");
	const char *source = PG_ARGISNULL(1) ? "" : paysafe_argument_name(fcinfo, 1, "source");
	bool		inbox = strcmp(name, "inbox") == 0;
	int			max_attempts;

	if (!inbox && strcmp(name, "outbox") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 'inbox' or 'outbox'", "queue")));
	max_attempts = paysafe_argument_int(fcinfo, 2, "max_attempts", 1, 1000);
	if (paysafe_argument_period(fcinfo, 3, "backoff") >
		paysafe_argument_period(fcinfo, 4, "max_backoff"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be shorter than \"%s\"",
						"max_backoff", "backoff")));
	paysafe_queue_prepare(inbox ? PAYSAFE_INBOX_EVENT : PAYSAFE_OUTBOX_EVENT);
	paysafe_queue_setting_write(name, source, max_attempts, PG_GETARG_DATUM(3), PG_GETARG_DATUM(4));
	PG_RETURN_VOID();
}
