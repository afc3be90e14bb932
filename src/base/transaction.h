/*-------------------------------------------------------------------------
 *
 * transaction.h
 *	  What has to be done when a transaction or a subtransaction ends.
 *
 * A session that has nothing to do with paysafe, in a database without the
 * extension, ends its transactions without being asked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TRANSACTION_H
#define PAYSAFE_TRANSACTION_H

#include "access/xact.h"
#include "fmgr.h"

/*
 * Call these at the ends of transactions and of subtransactions; either may be NULL.
 * Whoever comes later is called first.  For _PG_init.
 */
extern void paysafe_transaction_register(XactCallback transaction, SubXactCallback subtransaction);

/*
 * From now on, and for the rest of the session: this transaction has something to
 * end.  To be called before the first such thing is kept; the extension's being found
 * in the database calls it.
 */
extern void paysafe_transaction_watch(void);

/*
 * For functions whose effect lasts until the end of the transaction: warn, as SET LOCAL
 * does, if that is the end of a statement that does nothing else.  name: of the function.
 */
extern void paysafe_transaction_warn(FunctionCallInfo fcinfo, const char *name);

#endif							/* PAYSAFE_TRANSACTION_H */
