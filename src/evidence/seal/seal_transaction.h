/*-------------------------------------------------------------------------
 *
 * seal_transaction.h
 *	  Which leaves are the rows of which transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_TRANSACTION_H
#define PAYSAFE_SEAL_TRANSACTION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "tlog/merkle.h"

/* A row of paysafe.seal_transaction. */
typedef struct SealTransaction
{
	int32		incarnation;
	uint64		first;			/* its rows are the leaves from this one on, */
	int32		rows;			/* so many, and the leaf after them is its own */
	uint64		xid;
	TimestampTz sealed_at;
	bool		irregular;		/* the numbers of the rows are not 1, 2, 3, ... */
} SealTransaction;

#define SEAL_TRANSACTION_LEAF_LEN 45

/* The transaction's own leaf: 02 || xid (8) || rows (4) || root over the hashes of its rows. */
extern void paysafe_seal_transaction_leaf(uint64 xid, int32 rows, const TlogHash *root, uint8 *out);

/* Transactions to be added, in memory until there are many. */
typedef struct SealTransactions SealTransactions;
extern SealTransactions *paysafe_seal_transaction_begin(void);
extern void paysafe_seal_transaction_add(SealTransactions *all, const SealTransaction *one);
extern void paysafe_seal_transaction_end(SealTransactions *all);

/* All of that number, of any incarnation: SealTransaction, newest incarnation first. */
extern List *paysafe_seal_transaction_of_xid(uint64 xid);

/*
 * The transaction whose rows or own leaf the leaf is; false if there is none, as of the
 * first leaf of a log.
 */
extern bool paysafe_seal_transaction_at(int32 incarnation, uint64 index, SealTransaction *out);

/* The last one of the incarnation; false if there is none. */
extern bool paysafe_seal_transaction_last(int32 incarnation, SealTransaction *out);

/*
 * Transactions of the incarnation in order, whose first leaf is from <= first, until the
 * visitor returns false.
 */
typedef bool (*SealTransactionVisitor) (const SealTransaction *transaction, void *arg);
extern void paysafe_seal_transaction_visit(int32 incarnation, uint64 from,
										   SealTransactionVisitor visitor, void *arg);

/* Those of all incarnations whose number is from <= xid, in the order of their numbers. */
extern void paysafe_seal_transaction_visit_xids(uint64 from, SealTransactionVisitor visitor, void *arg);

#endif							/* PAYSAFE_SEAL_TRANSACTION_H */
