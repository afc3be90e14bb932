/*-------------------------------------------------------------------------
 *
 * forget.c
 *	  What is erased leaves the index of the audit log, too.
 *
 * The index has a hash of a row's key, and of who changed it and why.  Nobody reads
 * a name from it, but who has one in mind could see that it may have been there.  So
 * the entries of the blocks that lose such a row go, unless another row there has the
 * same term.  Blocks that are not in the index yet get there without rows that were
 * deleted (index.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "evidence/audit_log.h"
#include "evidence/reading/forget.h"
#include "evidence/reading/index.h"
#include "evidence/reading/run.h"
#include "evidence/reading/shapes.h"
#include "evidence/reading/term.h"
#include "store/own_table.h"

struct IndexForget
{
	MemoryContext context;
	AuditShapes *shapes;
	int			n;
	int			room;
	RunMention *mentions;
};

IndexForget *
paysafe_index_forget_begin(void)
{
	IndexForget *forget = palloc0(sizeof(IndexForget));

	paysafe_audit_index_lock(false);
	forget->context = CurrentMemoryContext;
	forget->shapes = paysafe_audit_shapes_open(NULL);
	return forget;
}

/* By what a row is found; returns by how many terms. */
static int
terms_of(AuditShapes *shapes, const Datum *values, const bool *nulls, AuditTerm *terms)
{
	int			n = 0;

	if (paysafe_audit_term_of_row(shapes, values, nulls, &terms[n]))
		n++;
	if (paysafe_audit_term_of_own(shapes, values, nulls, &terms[n]))
		n++;
	if (!nulls[ROW_NONCE] && !nulls[ROW_CONTEXT])
		n += paysafe_audit_terms_of_context(DatumGetByteaPP(values[ROW_CONTEXT]),
											paysafe_audit_shapes_get(shapes, DatumGetInt64(values[ROW_SHAPE]))->encoding,
											&terms[n]);
	return n;
}

void
paysafe_index_forget_row(IndexForget *forget, Relation partition, ItemPointer tid,
						 const Datum *values, const bool *nulls)
{
	AuditTerm	terms[AUDIT_CONTEXT_TERMS + 2];
	int			n = terms_of(forget->shapes, values, nulls, terms);

	if (forget->n + n > forget->room)
	{
		forget->room = Max(forget->room * 2, 64);
		forget->mentions = forget->mentions ?
			repalloc_huge(forget->mentions, sizeof(RunMention) * forget->room) :
			MemoryContextAlloc(forget->context, sizeof(RunMention) * forget->room);
	}
	for (int i = 0; i < n; i++)
		forget->mentions[forget->n++] = (RunMention)
	{
		RelationGetRelid(partition), partition->rd_rel->relfilenode, ItemPointerGetBlockNumber(tid), terms[i]
	};
}

static int
compare_mentions(const void *a, const void *b)
{
	const RunMention *x = a;
	const RunMention *y = b;

	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	if (x->term.kind != y->term.kind)
		return x->term.kind < y->term.kind ? -1 : 1;
	return x->term.hash < y->term.hash ? -1 : x->term.hash > y->term.hash;
}

/* Of n mentions of one block, keep those that no row which is there says; returns how many. */
static int
leave_off_said(IndexForget *forget, Relation partition, Snapshot snapshot, RunMention *mentions, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe audit block", ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = table_slot_create(partition, NULL);
	ItemPointerData low;
	ItemPointerData high;
	TableScanDesc scan;

	ItemPointerSet(&low, mentions[0].block, FirstOffsetNumber);
	ItemPointerSet(&high, mentions[0].block, MaxOffsetNumber);
	scan = table_beginscan_tidrange(partition, snapshot, &low, &high);
	while (n > 0 && table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		AuditTerm	terms[AUDIT_CONTEXT_TERMS + 2];
		int			nterms;

		slot_getallattrs(slot);
		nterms = terms_of(forget->shapes, slot->tts_values, slot->tts_isnull, terms);
		for (int t = 0; t < nterms; t++)
			for (int i = n - 1; i >= 0; i--)
				/* of whatever kind: entries do not say it */
				if (mentions[i].term.hash == terms[t].hash)
					mentions[i] = mentions[--n];
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	return n;
}

void
paysafe_index_forget_end(IndexForget *forget)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	RunMention *mentions = forget->mentions;
	int			kept = 0;

	if (forget->n > 0)
		qsort(mentions, forget->n, sizeof(RunMention), compare_mentions);
	for (int i = 0, n; i < forget->n; i += n)
	{
		Relation	partition = table_open(mentions[i].partition, AccessShareLock);
		int			left;

		CHECK_FOR_INTERRUPTS();
		for (n = 1; i + n < forget->n && mentions[i + n].partition == mentions[i].partition &&
			 mentions[i + n].block == mentions[i].block;)
			n++;
		left = leave_off_said(forget, partition, snapshot, &mentions[i], n);
		memmove(&mentions[kept], &mentions[i], sizeof(RunMention) * left);
		kept += left;
		table_close(partition, NoLock);
	}
	UnregisterSnapshot(snapshot);
	paysafe_run_forget(mentions, kept);
}
