/*-------------------------------------------------------------------------
 *
 * publish_wait.c
 *	  Waiting until what is sealed is published.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/argument.h"
#include "compat.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/publish/log.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/publish/publisher.h"

#define LOOK_AGAIN	20			/* milliseconds */
#define HURRY_AGAIN	50			/* looks */

/* Is a tree of this size or a larger one published? */
static bool
is_published(int incarnation, int64 size)
{
	Checkpoint	checkpoint;

	for (; paysafe_checkpoint_from(incarnation, size, &checkpoint); size = checkpoint.size + 1)
		if (checkpoint.published)
			return true;
	return false;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_wait_published);

/*
 * wait_published(timeout interval) returns boolean: false if it took longer
 */
Datum
paysafe_wait_published(PG_FUNCTION_ARGS)
{
	TimestampTz until;
	LogHead	head;

	paysafe_argument_required(fcinfo, 0, "timeout");
	until = GetCurrentTimestamp() + paysafe_argument_microseconds(PG_GETARG_INTERVAL_P(0), "timeout");
	if (!paysafe_publisher_wanted())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing is published: there is no key"),
				 errhint("See \"Keys\" in doc/evidence.md.")));
	if (!paysafe_log_head(&head))
		PG_RETURN_BOOL(true);
	for (int looks = 0; !is_published(head.incarnation, head.size); looks++)
	{
		CHECK_FOR_INTERRUPTS();
		if (GetCurrentTimestamp() >= until)
			PG_RETURN_BOOL(false);
		if (looks % HURRY_AGAIN == 0)
			paysafe_publish_worker_hurry();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_AGAIN, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	PG_RETURN_BOOL(true);
}
