/*-------------------------------------------------------------------------
 *
 * transaction.c
 *	  One callback of PostgreSQL's for all that ends with a transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/ensure.h"
#include "base/transaction.h"

#define NHANDLERS	8

static struct
{
	XactCallback transaction;
	SubXactCallback subtransaction;
}			handlers[NHANDLERS];
static int	nhandlers = 0;
static bool watching = false;

static void
transaction_event(XactEvent event, void *arg)
{
	for (int i = nhandlers - 1; i >= 0; i--)
		if (handlers[i].transaction != NULL)
			handlers[i].transaction(event, NULL);
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	for (int i = nhandlers - 1; i >= 0; i--)
		if (handlers[i].subtransaction != NULL)
			handlers[i].subtransaction(event, mine, parent, NULL);
}

void
paysafe_transaction_register(XactCallback transaction, SubXactCallback subtransaction)
{
	Ensure(nhandlers < NHANDLERS);
	handlers[nhandlers].transaction = transaction;
	handlers[nhandlers].subtransaction = subtransaction;
	nhandlers++;
}

void
paysafe_transaction_watch(void)
{
	if (likely(watching))
		return;
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);
	watching = true;
}
