/*-------------------------------------------------------------------------
 *
 * own_index.c
 *	  Index entries of rows in paysafe's own tables.
 *
 * What the executor does for every statement, open the indexes of a table and
 * work out what each is over, costs as much as adding the row: it is kept per
 * table here, until an invalidation says that the table or one of its indexes
 * has changed.  Indexes are opened, and so locked, for every batch.
 *
 * An index of ours may leave out rows where a column is NULL, as most rows of some
 * tables have it.  Somebody may put an index with an expression or another predicate
 * on one of the tables: then the executor's own functions are used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/invalidation.h"
#include "compat.h"
#include "store/own_table.h"

/* The indexes of one table. */
typedef struct TableIndexes
{
	Oid			relid;			/* key */
	bool		valid;
	bool		plain;			/* columns only, each ready for inserts */
	AttrNumber *required;		/* of each: without rows where this is NULL; 0: it has all */
	int			nindexes;
	Oid		   *indexes;
	char	  **names;
	IndexInfo **infos;
	MemoryContext context;		/* of the arrays */
} TableIndexes;

static HTAB *tables = NULL;		/* CacheMemoryContext */

static void
forget_indexes(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	TableIndexes *table;

	if (tables == NULL)
		return;
	/* an entry may be in use: it is made anew when it is asked for next */
	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || table->relid == relid)
			table->valid = false;
		for (int i = 0; table->valid && i < table->nindexes; i++)
			if (table->indexes[i] == relid)
				table->valid = false;
	}
}

/* May its entries be made here?  Then also the column that rows it has must have. */
static bool
is_plain(const IndexInfo *info, AttrNumber *required)
{
	NullTest   *test = info->ii_Predicate == NIL ? NULL : linitial(info->ii_Predicate);

	*required = InvalidAttrNumber;
	if (info->ii_Expressions != NIL || info->ii_ExclusionOps != NULL || !info->ii_ReadyForInserts)
		return false;
	if (test == NULL)
		return true;
	if (list_length(info->ii_Predicate) != 1 || !IsA(test, NullTest) ||
		test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
		return false;
	*required = ((Var *) test->arg)->varattno;
	return *required > 0;
}

static void
find_indexes(Relation rel, TableIndexes *table)
{
	List	   *list;
	ListCell   *lc;
	MemoryContext old;

	table->nindexes = 0;
	MemoryContextReset(table->context);
	/* what is invalidated meanwhile is found invalid the next time */
	table->valid = true;
	list = RelationGetIndexList(rel);
	old = MemoryContextSwitchTo(table->context);
	table->plain = true;
	table->indexes = palloc0(sizeof(Oid) * (list_length(list) + 1));
	table->names = palloc0(sizeof(char *) * (list_length(list) + 1));
	table->infos = palloc0(sizeof(IndexInfo *) * (list_length(list) + 1));
	table->required = palloc0(sizeof(AttrNumber) * (list_length(list) + 1));
	foreach(lc, list)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		IndexInfo  *info = BuildIndexInfo(index);

		table->indexes[table->nindexes] = lfirst_oid(lc);
		table->names[table->nindexes] = pstrdup(RelationGetRelationName(index));
		table->infos[table->nindexes] = info;
		table->plain &= is_plain(info, &table->required[table->nindexes]);
		table->nindexes++;
		index_close(index, AccessShareLock);
	}
	MemoryContextSwitchTo(old);
	list_free(list);
}

static TableIndexes *
indexes_of(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	TableIndexes *table;
	bool		found;

	if (unlikely(tables == NULL))
	{
		HASHCTL		ctl = {
			.keysize = sizeof(Oid), .entrysize = sizeof(TableIndexes), .hcxt = CacheMemoryContext
		};

		tables = hash_create("paysafe indexes", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		paysafe_invalidation_register(forget_indexes);
	}
	table = hash_search(tables, &relid, HASH_ENTER, &found);
	if (!found)
	{
		table->valid = false;
		table->nindexes = 0;
		table->context = NULL;
		table->context = AllocSetContextCreate(CacheMemoryContext, "paysafe indexes",
											   ALLOCSET_SMALL_SIZES);
	}
	if (unlikely(!table->valid))
		find_indexes(rel, table);
	return table;
}

Oid
paysafe_store_index_named(Relation rel, const char *name)
{
	TableIndexes *table = indexes_of(rel);

	for (int i = 0; i < table->nindexes; i++)
		if (strcmp(table->names[i], name) == 0)
			return table->indexes[i];
	return InvalidOid;
}

/* As for any statement. */
static void
insert_by_executor(Relation rel, TupleTableSlot **slots, int nslots)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, rel, 0, NULL, 0);
	ExecOpenIndices(result, false);
	for (int i = 0; i < nslots; i++)
	{
		list_free(insert_index_tuples_compat(result, slots[i], estate));
		ResetPerTupleExprContext(estate);
	}
	ExecCloseIndices(result);
	FreeExecutorState(estate);
}

void
paysafe_store_index(Relation rel, TupleTableSlot **slots, int nslots)
{
	TableIndexes *table = indexes_of(rel);

	if (!table->plain)
	{
		insert_by_executor(rel, slots, nslots);
		return;
	}
	for (int i = 0; i < table->nindexes; i++)
	{
		Relation	index = index_open(table->indexes[i], RowExclusiveLock);
		IndexInfo  *info = table->infos[i];

		info->ii_AmCache = NULL;	/* of the batch before */
		info->ii_Context = CurrentMemoryContext;
		for (int j = 0; j < nslots; j++)
		{
			Datum		values[INDEX_MAX_KEYS];
			bool		nulls[INDEX_MAX_KEYS];

			if (table->required[i] != InvalidAttrNumber && slot_attisnull(slots[j], table->required[i]))
				continue;
			FormIndexDatum(info, slots[j], NULL, values, nulls);
			(void) index_insert(index, values, nulls, &slots[j]->tts_tid, rel,
								info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
								false, info);
		}
		index_insert_cleanup_compat(index, info);
		/* locked until commit, like the table */
		index_close(index, NoLock);
	}
}
