/*-------------------------------------------------------------------------
 *
 * deferral.c
 *	  Declarations that leave the rows that are there for later.
 *
 * To look at the rows of a large table takes long, and a declaration keeps writers
 * waiting meanwhile.  So a transaction can say that it declares only for what comes: its
 * rules are in force at its COMMIT and judge every change, but nobody has looked at the
 * rows that were there.  paysafe.validate_rows does, beside writers (validate.c); until
 * then paysafe.check() says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"

#include "base/transaction.h"
#include "engine/deferral.h"

static int	level = 0;			/* of the subtransaction that asked for it; 0: none has */

bool
paysafe_deferral_is_open(void)
{
	return level > 0;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		level = 0;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (level < GetCurrentTransactionNestLevel())
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		level = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		level = GetCurrentTransactionNestLevel() - 1;
}

void
paysafe_deferral_init(void)
{
	paysafe_transaction_register(end_transaction, end_subtransaction);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_defer_validation);

/*
 * defer_validation() returns void: until the end of the transaction
 */
Datum
paysafe_defer_validation(PG_FUNCTION_ARGS)
{
	paysafe_transaction_watch();
	paysafe_transaction_warn(fcinfo, "paysafe.defer_validation");
	if (level == 0)
		level = GetCurrentTransactionNestLevel();
	PG_RETURN_VOID();
}
