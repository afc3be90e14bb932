/*-------------------------------------------------------------------------
 *
 * reconcile_sort.c
 *	  What the log says of rows, and the rows, in the order of their keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "check/reconcile_sort.h"
#include "compat.h"

/* Columns of what is sorted: by the first two. */
enum
{
	SORT_KEY, SORT_ORDER, SORT_IMAGE, SORT_AT, SORT_SHAPE, SORT_RELATION, SORT_TID,
	SORT_NCOLUMNS
};

/* What comes first among the items of one key, compared as bytes. */
typedef struct Order
{
	uint8		row;			/* 1: the row */
	uint8		here;
	uint8		xid[8];			/* big endian, like the next two */
	uint8		command[4];
	uint8		seq[4];
	uint8		present;		/* of an update that changes the key: the new one last */
	uint8		arrives;
} Order;

struct ReconcileSort
{
	TupleDesc	desc;
	Tuplesortstate *state;
	TupleTableSlot *in;
	TupleTableSlot *out;
	MemoryContext context;		/* of one item */
};

ReconcileSort *
paysafe_reconcile_sort_begin(void)
{
	ReconcileSort *sort = palloc0(sizeof(ReconcileSort));
	AttrNumber	columns[] = {SORT_KEY + 1, SORT_ORDER + 1};
	Oid			operators[] = {TextLessOperator, ByteaLessOperator};
	Oid			collations[] = {C_COLLATION_OID, InvalidOid};
	bool		nulls_first[] = {false, false};
	Oid			types[SORT_NCOLUMNS] = {TEXTOID, BYTEAOID, BYTEAOID, INT8OID, INT8OID, OIDOID, TIDOID};

	sort->desc = CreateTemplateTupleDesc(SORT_NCOLUMNS);
	for (int i = 0; i < SORT_NCOLUMNS; i++)
		TupleDescInitEntry(sort->desc, i + 1, NULL, types[i], -1, 0);
	sort->state = tuplesort_begin_heap(sort->desc, lengthof(columns), columns, operators,
									   collations, nulls_first, maintenance_work_mem, NULL, 0);
	sort->in = MakeSingleTupleTableSlot(sort->desc, &TTSOpsVirtual);
	sort->out = MakeSingleTupleTableSlot(sort->desc, &TTSOpsMinimalTuple);
	sort->context = AllocSetContextCreate(CurrentMemoryContext, "paysafe reconcile item",
										  ALLOCSET_DEFAULT_SIZES);
	return sort;
}

static Datum
bytes_datum(const void *bytes, int len)
{
	struct varlena *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), bytes, len);
	return PointerGetDatum(result);
}

static Datum
order_datum(const ReconcileItem *item)
{
	Order		order = {.row = !item->logged, .here = item->here, .present = item->present,
	.arrives = item->arrives};
	uint64		xid = pg_hton64(item->xid);
	uint32		command = pg_hton32(item->command);
	uint32		seq = pg_hton32(item->seq);

	memcpy(order.xid, &xid, sizeof(xid));
	memcpy(order.command, &command, sizeof(command));
	memcpy(order.seq, &seq, sizeof(seq));
	return bytes_datum(&order, sizeof(order));
}

void
paysafe_reconcile_sort_put(ReconcileSort *sort, const ReconcileItem *item)
{
	MemoryContext old = MemoryContextSwitchTo(sort->context);
	Datum	   *values = sort->in->tts_values;
	ItemPointerData tid = item->tid;

	ExecClearTuple(sort->in);
	memset(sort->in->tts_isnull, 0, sizeof(bool) * SORT_NCOLUMNS);
	values[SORT_KEY] = bytes_datum(item->key, item->keylen);
	values[SORT_ORDER] = order_datum(item);
	sort->in->tts_isnull[SORT_IMAGE] = item->image == NULL;
	values[SORT_IMAGE] = item->image == NULL ? (Datum) 0 : bytes_datum(item->image, item->imagelen);
	values[SORT_AT] = Int64GetDatum(item->at);
	values[SORT_SHAPE] = Int64GetDatum(item->shape);
	values[SORT_RELATION] = ObjectIdGetDatum(item->relid);
	values[SORT_TID] = PointerGetDatum(&tid);
	ExecStoreVirtualTuple(sort->in);
	tuplesort_puttupleslot(sort->state, sort->in);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sort->context);
}

void
paysafe_reconcile_sort_perform(ReconcileSort *sort)
{
	tuplesort_performsort(sort->state);
}

bool
paysafe_reconcile_sort_next(ReconcileSort *sort, ReconcileItem *item)
{
	Datum	   *values = sort->out->tts_values;
	struct varlena *packed;
	Order		order;
	uint64		xid;
	uint32		command,
				seq;

	if (!tuplesort_gettupleslot(sort->state, true, false, sort->out, NULL))
		return false;
	slot_getallattrs(sort->out);
	packed = (struct varlena *) DatumGetPointer(values[SORT_KEY]);
	item->key = VARDATA_ANY(packed);
	item->keylen = VARSIZE_ANY_EXHDR(packed);
	packed = (struct varlena *) DatumGetPointer(values[SORT_ORDER]);
	memcpy(&order, VARDATA_ANY(packed), sizeof(order));
	item->logged = order.row == 0;
	item->here = order.here;
	item->present = order.present;
	item->arrives = order.arrives;
	memcpy(&xid, order.xid, sizeof(xid));
	memcpy(&command, order.command, sizeof(command));
	memcpy(&seq, order.seq, sizeof(seq));
	item->xid = pg_ntoh64(xid);
	item->command = pg_ntoh32(command);
	item->seq = pg_ntoh32(seq);
	item->image = NULL;
	item->imagelen = 0;
	if (!sort->out->tts_isnull[SORT_IMAGE])
	{
		packed = (struct varlena *) DatumGetPointer(values[SORT_IMAGE]);
		item->image = VARDATA_ANY(packed);
		item->imagelen = VARSIZE_ANY_EXHDR(packed);
	}
	item->at = DatumGetInt64(values[SORT_AT]);
	item->shape = DatumGetInt64(values[SORT_SHAPE]);
	item->relid = DatumGetObjectId(values[SORT_RELATION]);
	item->tid = *(ItemPointer) DatumGetPointer(values[SORT_TID]);
	return true;
}

void
paysafe_reconcile_sort_end(ReconcileSort *sort)
{
	tuplesort_end(sort->state);
	ExecDropSingleTupleTableSlot(sort->in);
	ExecDropSingleTupleTableSlot(sort->out);
	MemoryContextDelete(sort->context);
}
