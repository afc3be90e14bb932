/*-------------------------------------------------------------------------
 *
 * seal_transaction.c
 *	  Which leaves are the rows of which transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/seal/seal_transaction.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_transaction. */
enum
{
	TRANSACTION_INCARNATION, TRANSACTION_FIRST, TRANSACTION_XID, TRANSACTION_SEALED_AT,
	TRANSACTION_ROWS, TRANSACTION_IRREGULAR,
	TRANSACTION_NCOLUMNS
};

#define BATCH	1000

struct SealTransactions
{
	MemoryContext context;
	int			n;
	Datum		values[BATCH][TRANSACTION_NCOLUMNS];
};

void
paysafe_seal_transaction_leaf(uint64 xid, int32 rows, const TlogHash *root, uint8 *out)
{
	uint64		xid_bytes = pg_hton64(xid);
	uint32		rows_bytes = pg_hton32(rows);

	out[0] = AUDIT_LEAF_TRANSACTION;
	memcpy(out + 1, &xid_bytes, 8);
	memcpy(out + 9, &rows_bytes, 4);
	memcpy(out + 13, root->bytes, TLOG_HASH_LEN);
}

SealTransactions *
paysafe_seal_transaction_begin(void)
{
	SealTransactions *all = palloc(sizeof(SealTransactions));

	all->n = 0;
	all->context = AllocSetContextCreate(CurrentMemoryContext, "paysafe sealed transactions",
										 ALLOCSET_DEFAULT_SIZES);
	return all;
}

static void
flush(SealTransactions *all)
{
	MemoryContext old = MemoryContextSwitchTo(all->context);
	Datum	  **rows = palloc(sizeof(Datum *) * BATCH);

	for (int i = 0; i < all->n; i++)
		rows[i] = all->values[i];
	if (all->n > 0)
		paysafe_store_insert_all(PAYSAFE_SEAL_TRANSACTION, rows, all->n);
	all->n = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(all->context);
}

void
paysafe_seal_transaction_add(SealTransactions *all, const SealTransaction *one)
{
	Datum	   *values = all->values[all->n++];

	values[TRANSACTION_INCARNATION] = Int32GetDatum(one->incarnation);
	values[TRANSACTION_FIRST] = Int64GetDatum(one->first);
	values[TRANSACTION_XID] = FullTransactionIdGetDatum(FullTransactionIdFromU64(one->xid));
	values[TRANSACTION_SEALED_AT] = TimestampTzGetDatum(one->sealed_at);
	values[TRANSACTION_ROWS] = Int32GetDatum(one->rows);
	values[TRANSACTION_IRREGULAR] = BoolGetDatum(one->irregular);
	if (all->n == BATCH)
		flush(all);
}

void
paysafe_seal_transaction_end(SealTransactions *all)
{
	flush(all);
	MemoryContextDelete(all->context);
	pfree(all);
}

static void
read_transaction(Relation rel, HeapTuple tuple, SealTransaction *out)
{
	Datum		values[TRANSACTION_NCOLUMNS];
	bool		nulls[TRANSACTION_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	out->incarnation = DatumGetInt32(values[TRANSACTION_INCARNATION]);
	out->first = DatumGetInt64(values[TRANSACTION_FIRST]);
	out->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[TRANSACTION_XID]));
	out->sealed_at = DatumGetTimestampTz(values[TRANSACTION_SEALED_AT]);
	out->rows = DatumGetInt32(values[TRANSACTION_ROWS]);
	out->irregular = DatumGetBool(values[TRANSACTION_IRREGULAR]);
}

static bool
collect(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **all = arg;
	SealTransaction *one = palloc(sizeof(SealTransaction));

	read_transaction(rel, tuple, one);
	*all = lappend(*all, one);
	return true;
}

static int
newer_first(const ListCell *a, const ListCell *b)
{
	const SealTransaction *x = lfirst(a);
	const SealTransaction *y = lfirst(b);

	if (x->incarnation != y->incarnation)
		return x->incarnation > y->incarnation ? -1 : 1;
	return x->first > y->first ? -1 : x->first < y->first ? 1 : 0;
}

List *
paysafe_seal_transaction_of_xid(uint64 xid)
{
	Datum		key = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
	List	   *all = NIL;

	paysafe_store_scan(PAYSAFE_SEAL_TRANSACTION, "seal_transaction_xid", 1, &key, collect, &all);
	list_sort(all, newer_first);
	return all;
}

typedef struct FindTransaction
{
	SealTransaction *out;
	bool		found;
} FindTransaction;

static bool
take_first(Relation rel, HeapTuple tuple, void *arg)
{
	FindTransaction *find = arg;

	read_transaction(rel, tuple, find->out);
	find->found = true;
	return false;
}

bool
paysafe_seal_transaction_at(int32 incarnation, uint64 index, SealTransaction *out)
{
	Datum		key = Int32GetDatum(incarnation);
	FindTransaction find = {.out = out};

	paysafe_store_seek(PAYSAFE_SEAL_TRANSACTION, "seal_transaction_pkey", 1, &key,
					   BTLessEqualStrategyNumber, Int64GetDatum(index), true, NULL, take_first, &find);
	return find.found && index <= out->first + out->rows;
}

bool
paysafe_seal_transaction_last(int32 incarnation, SealTransaction *out)
{
	Datum		key = Int32GetDatum(incarnation);
	FindTransaction find = {.out = out};

	paysafe_store_seek(PAYSAFE_SEAL_TRANSACTION, "seal_transaction_pkey", 1, &key,
					   InvalidStrategy, (Datum) 0, true, NULL, take_first, &find);
	return find.found;
}

typedef struct Visit
{
	SealTransactionVisitor visitor;
	void	   *arg;
} Visit;

static bool
visit_one(Relation rel, HeapTuple tuple, void *arg)
{
	Visit	   *visit = arg;
	SealTransaction one;

	read_transaction(rel, tuple, &one);
	return visit->visitor(&one, visit->arg);
}

void
paysafe_seal_transaction_visit(int32 incarnation, uint64 from, SealTransactionVisitor visitor, void *arg)
{
	Datum		key = Int32GetDatum(incarnation);
	Visit		visit = {visitor, arg};

	paysafe_store_seek(PAYSAFE_SEAL_TRANSACTION, "seal_transaction_pkey", 1, &key,
					   BTGreaterEqualStrategyNumber, Int64GetDatum(from), false, NULL, visit_one, &visit);
}

void
paysafe_seal_transaction_visit_xids(uint64 from, SealTransactionVisitor visitor, void *arg)
{
	Visit		visit = {visitor, arg};

	paysafe_store_seek(PAYSAFE_SEAL_TRANSACTION, "seal_transaction_xid", 0, NULL,
					   BTGreaterEqualStrategyNumber, FullTransactionIdGetDatum(FullTransactionIdFromU64(from)),
					   false, NULL, visit_one, &visit);
}
