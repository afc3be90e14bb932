/*-------------------------------------------------------------------------
 *
 * history_read.h
 *	  Balances now or at any time before, and what moved accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HISTORY_READ_H
#define PAYSAFE_HISTORY_READ_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"
#include "utils/snapshot.h"

/*
 * The balance at a time, as the snapshot shows it (NULL: the newest), in this
 * currency; NULL: of all together.  *currencies gets the list of all that there
 * are.
 */
extern Numeric paysafe_history_read_balance(Oid accounts, const char *key, const char *currency,
											TimestampTz at, Snapshot snapshot, List **currencies);

/*
 * Call the visitor for each account and currency that had moved by a time, in the order
 * of their keys, with the balance then; in a context that is reset after each.
 */
typedef void (*HistoryVisitor) (const char *key, const char *currency, Numeric balance, void *arg);
extern void paysafe_history_read_all(Oid accounts, TimestampTz at, Snapshot snapshot,
									 HistoryVisitor visitor, void *arg);

typedef struct HistoryMove
{
	TimestampTz at;
	int64		stripe;
	int32		number;
	Numeric		amount;
} HistoryMove;

/*
 * What moved an account in a currency after one time and up to another, in order;
 * allocated in the current context.  Returns how many moves.
 */
extern uint64 paysafe_history_read_moves(Oid accounts, const char *key, const char *currency,
										 TimestampTz after, TimestampTz until, Snapshot snapshot,
										 HistoryMove **out);

#endif							/* PAYSAFE_HISTORY_READ_H */
