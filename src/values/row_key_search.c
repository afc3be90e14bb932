/*-------------------------------------------------------------------------
 *
 * row_key_search.c
 *	  Finding rows by a value, or by the text of their key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/invalidation.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/money.h"
#include "values/row_key.h"

/* Does the i-th column of the index compare as the column itself does? */
static bool
is_trusted(Relation rel, Relation index, const oidvector *classes, int i)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), index->rd_index->indkey.values[i] - 1);

	return index->rd_opfamily[i] < FirstNormalObjectId &&
		index->rd_opfamily[i] == lookup_type_cache(getBaseType(att->atttypid),
												   TYPECACHE_BTREE_OPFAMILY)->btree_opf &&
		index->rd_indcollation[i] == att->attcollation &&
		classes->values[i] < FirstNormalObjectId;
}

/* How many of the columns stand in front of the index, and which. */
static int
leading_columns(Relation rel, Relation index, int n, const AttrNumber *attnums, int16 *position)
{
	Form_pg_index form = index->rd_index;
	bool		isnull;
	oidvector  *classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
																		Anum_pg_index_indclass, &isnull));
	bool		used[INDEX_MAX_KEYS] = {0};
	int			found = 0;

	for (; found < Min(n, form->indnkeyatts); found++)
	{
		int			i = 0;

		while (i < n && attnums[i] != form->indkey.values[found])
			i++;
		if (i == n || used[i] || !is_trusted(rel, index, classes, found))
			break;
		used[i] = true;
		position[found] = i;
	}
	return found;
}

/* An index that a search for several columns goes by. */
typedef struct IndexChoice
{
	Oid			index;			/* InvalidOid: none */
	bool		one_row;		/* at most */
	int			nindexed;
	int16		position[INDEX_MAX_KEYS];
} IndexChoice;

/*
 * Are all rows in the index that have a value in the searched columns?  One of those
 * "where the column is not null" has them.
 */
static bool
is_complete(Relation index, int n, const AttrNumber *attnums)
{
	List	   *predicate;
	NullTest   *test;
	AttrNumber	attnum;

	if (heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return true;
	predicate = RelationGetIndexPredicate(index);
	if (list_length(predicate) != 1 || !IsA(linitial(predicate), NullTest))
		return false;
	test = linitial(predicate);
	if (test->nulltesttype != IS_NOT_NULL || test->argisrow || !IsA(test->arg, Var))
		return false;
	attnum = ((Var *) test->arg)->varattno;
	for (int i = 0; i < n; i++)
		if (attnums[i] == attnum)
			return true;
	return false;
}

/*
 * An index on the columns that may be trusted: valid, btree, complete, with
 * operator classes and collations that came with PostgreSQL or the columns, and
 * not too young for the transaction.  True: none will lose, or has lost, that blemish
 * only, so that the choice may be kept.
 */
static bool
choose_index(Relation rel, int n, const AttrNumber *attnums, IndexChoice *out)
{
	List	   *indexes = RelationGetIndexList(rel);
	bool		young = false;
	ListCell   *lc;

	out->index = InvalidOid;
	out->one_row = false;
	out->nindexed = 0;
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;
		int16		position[INDEX_MAX_KEYS];
		int			found = 0;

		if (form->indisvalid && form->indislive && form->indisready &&
			index->rd_rel->relam == BTREE_AM_OID && is_complete(index, n, attnums))
			found = leading_columns(rel, index, n, attnums, position);
		if (found > 0)
		{
			bool		one_row = form->indisunique && found == form->indnkeyatts;

			young |= form->indcheckxmin;
			if ((one_row || found > out->nindexed) &&
				(!form->indcheckxmin ||
				 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
									   TransactionXmin)))
			{
				out->index = lfirst_oid(lc);
				out->one_row = one_row;
				out->nindexed = found;
				memcpy(out->position, position, sizeof(int16) * found);
			}
		}
		index_close(index, AccessShareLock);
		if (out->one_row || out->nindexed == n)
			break;
	}
	list_free(indexes);
	return !young;
}

/*
 * Searches that were prepared, kept until the table or the index changes; an
 * index that comes or goes changes its table.
 */
typedef struct SearchKey
{
	Oid			relid;
	Oid			valuetype;
	int32		attnum;
} SearchKey;

typedef struct Search
{
	SearchKey	key;
	KeyEquality equality;
} Search;

/* The same for several columns. */
typedef struct WideKey
{
	Oid			relid;
	int			n;
	AttrNumber	attnums[INDEX_MAX_KEYS];	/* n of each */
	Oid			valuetypes[INDEX_MAX_KEYS];
} WideKey;

typedef struct WideSearch
{
	WideKey		key;
	IndexChoice choice;
	KeyEquality *equality;		/* n */
} WideSearch;

static HTAB *searches = NULL;	/* CacheMemoryContext */
static HTAB *wide_searches = NULL;
static uint64 invalidations = 0;	/* counts them, to notice one while preparing */

static void
forget_searches(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	Search	   *search;
	WideSearch *wide;

	invalidations++;
	if (wide_searches == NULL)
		return;
	hash_seq_init(&status, searches);
	while ((search = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || search->key.relid == relid || search->equality.index == relid)
			(void) hash_search(searches, &search->key, HASH_REMOVE, NULL);
	hash_seq_init(&status, wide_searches);
	while ((wide = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || wide->key.relid == relid || wide->choice.index == relid)
		{
			pfree(wide->equality);
			(void) hash_search(wide_searches, &wide->key, HASH_REMOVE, NULL);
		}
}

static uint32
hash_wide(const void *key, Size size)
{
	const WideKey *wide = key;

	return hash_combine(hash_bytes((const unsigned char *) wide->attnums, sizeof(AttrNumber) * wide->n),
						wide->relid);
}

static int
match_wide(const void *a, const void *b, Size size)
{
	const WideKey *wa = a;
	const WideKey *wb = b;

	return wa->relid != wb->relid || wa->n != wb->n ||
		memcmp(wa->attnums, wb->attnums, sizeof(AttrNumber) * wa->n) != 0 ||
		memcmp(wa->valuetypes, wb->valuetypes, sizeof(Oid) * wa->n) != 0;
}

static void
make_caches(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(SearchKey), .entrysize = sizeof(Search), .hcxt = CacheMemoryContext
	};

	if (likely(wide_searches != NULL))
		return;
	searches = hash_create("paysafe searches", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(WideKey);
	ctl.entrysize = sizeof(WideSearch);
	ctl.hash = hash_wide;
	ctl.match = match_wide;
	wide_searches = hash_create("paysafe wide searches", 32, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	paysafe_invalidation_register(forget_searches);
}

static bool
is_integer(Oid typid)
{
	return typid == INT2OID || typid == INT4OID || typid == INT8OID;
}

static bool
is_text(Oid typid)
{
	return typid == TEXTOID || typid == VARCHAROID;
}

bool
paysafe_row_key_compares(Oid a, Oid b)
{
	a = getBaseType(a);
	b = getBaseType(b);
	return a == b || (is_integer(a) && is_integer(b)) || (is_text(a) && is_text(b));
}

/* True: it may be kept. */
static bool
prepare_search(Relation rel, AttrNumber attnum, Oid valuetype, KeyEquality *out)
{
	Oid			argtype = getBaseType(valuetype);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	TypeCacheEntry *typcache = lookup_type_cache(getBaseType(att->atttypid),
												 TYPECACHE_BTREE_OPFAMILY);
	Oid			operator = InvalidOid;
	IndexChoice choice;
	bool		keep;

	/* text and varchar share their operators */
	if (argtype == VARCHAROID)
		argtype = TEXTOID;
	if (OidIsValid(typcache->btree_opf) && typcache->btree_opf < FirstNormalObjectId &&
		paysafe_row_key_compares(att->atttypid, valuetype))
	{
		operator = get_opfamily_member(typcache->btree_opf, typcache->btree_opintype,
									   argtype, BTEqualStrategyNumber);
		if (!OidIsValid(operator) && typcache->type_id == argtype)
		{
			/* a polymorphic family such as that of enums */
			operator = get_opfamily_member(typcache->btree_opf, typcache->btree_opintype,
										   typcache->btree_opintype, BTEqualStrategyNumber);
			argtype = InvalidOid;
		}
	}
	if (OidIsValid(att->attcollation) && !get_collation_isdeterministic(att->attcollation))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" cannot be looked up exactly",
						NameStr(att->attname), RelationGetRelationName(rel)),
				 errdetail("Its collation is not deterministic: values that are not the same are equal."),
				 errhint("Give the column a deterministic collation.")));
	if (!OidIsValid(operator) || operator >= FirstNormalObjectId)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" cannot be compared with type %s",
						NameStr(att->attname), RelationGetRelationName(rel),
						format_type_be(valuetype)),
				 errhint("Keys must have the same built-in type on both sides.")));
	out->attnum = attnum;
	out->argtype = argtype;
	out->collation = OidIsValid(att->attcollation) ? att->attcollation : InvalidOid;
	fmgr_info_cxt(get_opcode(operator), &out->equal, CacheMemoryContext);
	keep = choose_index(rel, 1, &attnum, &choice);
	out->index = choice.index;
	return keep;
}

void
paysafe_row_key_equality(Relation rel, AttrNumber attnum, Oid valuetype, KeyEquality *out)
{
	SearchKey	key = {RelationGetRelid(rel), valuetype, attnum};
	Search	   *search;
	uint64		before;

	make_caches();
	search = hash_search(searches, &key, HASH_FIND, NULL);
	if (likely(search != NULL))
	{
		*out = search->equality;
		return;
	}
	before = invalidations;
	if (prepare_search(rel, attnum, valuetype, out) && before == invalidations)
	{
		search = hash_search(searches, &key, HASH_ENTER, NULL);
		search->equality = *out;
	}
}

static void
set_choice(KeySearch *search, const IndexChoice *choice)
{
	search->index = choice->index;
	search->nindexed = choice->nindexed;
	memcpy(search->position, choice->position, sizeof(int16) * choice->nindexed);
}

/* Keep a search of several columns that has been prepared. */
static void
keep_wide(const WideKey *key, const KeySearch *search, const IndexChoice *choice)
{
	KeyEquality *equality = MemoryContextAlloc(CacheMemoryContext, sizeof(KeyEquality) * key->n);
	WideSearch *wide = hash_search(wide_searches, key, HASH_ENTER, NULL);

	memcpy(equality, search->equality, sizeof(KeyEquality) * key->n);
	wide->equality = equality;
	wide->choice = *choice;
}

/* Several columns: kept as one search. */
static void
search_wide(Relation rel, int n, const AttrNumber *attnums, const Oid *valuetypes, KeySearch *out)
{
	WideKey		key;
	WideSearch *wide;
	IndexChoice choice;
	uint64		before;

	make_caches();
	key.relid = RelationGetRelid(rel);
	key.n = n;
	memcpy(key.attnums, attnums, sizeof(AttrNumber) * n);
	memcpy(key.valuetypes, valuetypes, sizeof(Oid) * n);
	wide = hash_search(wide_searches, &key, HASH_FIND, NULL);
	if (likely(wide != NULL))
	{
		memcpy(out->equality, wide->equality, sizeof(KeyEquality) * n);
		set_choice(out, &wide->choice);
		return;
	}
	before = invalidations;
	for (int i = 0; i < n; i++)
		paysafe_row_key_equality(rel, attnums[i], valuetypes[i], &out->equality[i]);
	if (choose_index(rel, n, attnums, &choice) && before == invalidations)
		keep_wide(&key, out, &choice);
	set_choice(out, &choice);
}

void
paysafe_row_key_search(Relation rel, int n, const AttrNumber *attnums, const Oid *valuetypes,
					   KeySearch *out)
{
	out->n = n;
	if (n > 1)
	{
		search_wide(rel, n, attnums, valuetypes, out);
		return;
	}
	paysafe_row_key_equality(rel, attnums[0], valuetypes[0], &out->equality[0]);
	out->index = out->equality[0].index;
	out->nindexed = OidIsValid(out->index);
	out->position[0] = 0;
}

int
paysafe_row_key_indexed(Relation leaf, int n, const AttrNumber *attnums)
{
	IndexChoice choice;

	(void) choose_index(leaf, n, attnums, &choice);
	return choice.one_row ? n : choice.nindexed;
}

/* A scan without an index, which compares by itself. */
typedef struct CompareScan
{
	const KeyEquality *equality;
	Datum		value;
	KeyVisitor	visitor;
	void	   *arg;
} CompareScan;

static bool
compare_row(Relation rel, TupleTableSlot *row, void *arg)
{
	CompareScan *scan = arg;
	bool		isnull;
	Datum		candidate = slot_getattr(row, scan->equality->attnum, &isnull);

	if (isnull ||
		!DatumGetBool(FunctionCall2Coll(unconstify(FmgrInfo *, &scan->equality->equal),
										scan->equality->collation, candidate, scan->value)))
		return true;
	return scan->visitor(rel, row, scan->arg);
}

void
paysafe_row_key_scan(Relation leaf, const KeyEquality *equality, Datum value,
				 Snapshot snapshot, KeyVisitor visitor, void *arg)
{
	if (OidIsValid(equality->index))
	{
		Relation	index = index_open(equality->index, AccessShareLock);
		ScanKeyData key;

		ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, equality->argtype,
							   equality->collation, equality->equal.fn_oid, value);
		paysafe_scan(leaf, index, 1, &key, snapshot, visitor, arg);
		/* locked until commit, like the table: the next row needs it again */
		index_close(index, NoLock);
	}
	else
	{
		CompareScan scan = {equality, value, visitor, arg};

		paysafe_scan(leaf, NULL, 0, NULL, snapshot, compare_row, &scan);
	}
}

static bool
equals(KeyEquality *equality, TupleTableSlot *row, Datum value)
{
	bool		isnull;
	Datum		candidate = slot_getattr(row, equality->attnum, &isnull);

	return !isnull &&
		DatumGetBool(FunctionCall2Coll(&equality->equal, equality->collation, candidate, value));
}

bool
paysafe_row_key_search_matches(KeySearch *search, TupleTableSlot *row, const Datum *values)
{
	for (int i = 0; i < search->n; i++)
		if (!equals(&search->equality[i], row, values[i]))
			return false;
	return true;
}

/* A scan by an index that has not all of the columns, or by none. */
typedef struct FilterScan
{
	KeySearch  *search;
	const Datum *values;
	KeyVisitor	visitor;
	void	   *arg;
} FilterScan;

static bool
filter_row(Relation rel, TupleTableSlot *row, void *arg)
{
	FilterScan *scan = arg;

	if (!paysafe_row_key_search_matches(scan->search, row, scan->values))
		return true;
	return scan->visitor(rel, row, scan->arg);
}

void
paysafe_row_key_search_scan(Relation leaf, KeySearch *search, Datum *values, Snapshot snapshot,
							KeyVisitor visitor, void *arg)
{
	FilterScan	filter = {search, values, visitor, arg};
	ScanKeyData keys[INDEX_MAX_KEYS];
	Relation	index;

	if (search->n == 1)
	{
		paysafe_row_key_scan(leaf, &search->equality[0], values[0], snapshot, visitor, arg);
		return;
	}
	if (!OidIsValid(search->index))
	{
		paysafe_scan(leaf, NULL, 0, NULL, snapshot, filter_row, &filter);
		return;
	}
	index = index_open(search->index, AccessShareLock);
	for (int i = 0; i < search->nindexed; i++)
	{
		KeyEquality *equality = &search->equality[search->position[i]];

		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, equality->argtype,
							   equality->collation, equality->equal.fn_oid, values[search->position[i]]);
	}
	if (search->nindexed == search->n)
		paysafe_scan(leaf, index, search->nindexed, keys, snapshot, visitor, arg);
	else
		paysafe_scan(leaf, index, search->nindexed, keys, snapshot, filter_row, &filter);
	/* locked until commit, as above */
	index_close(index, NoLock);
}

Datum
paysafe_row_key_input(Form_pg_attribute att, char *text)
{
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(att->atttypid, &input, &ioparam);
	return OidInputFunctionCall(input, text, ioparam, att->atttypmod);
}

bool
paysafe_row_key_split(const char *key, int n, char **parts)
{
	int			found = 0;
	StringInfoData buf;

	if (n == 1)
	{
		parts[0] = pstrdup(key);
		return true;
	}
	initStringInfo(&buf);
	for (const char *c = key;; c++)
	{
		if (*c == ',' || *c == '\0')
		{
			if (found == n)
				return false;
			parts[found++] = pstrdup(buf.data);
			resetStringInfo(&buf);
			if (*c == '\0')
				return found == n;
			continue;
		}
		if (*c == '\\' && c[1] != '\0')
			c++;
		appendStringInfoChar(&buf, *c);
	}
}

/* Is a comma part of what a column of the type can say? */
static bool
may_have_commas(Oid typid)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(typid), &category, &preferred);
	return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM;
}

int
paysafe_row_key_written(Relation rel, const char *key, int attempt, AttrNumber **attnums, char ***parts)
{
	RowKey		named;
	RowKey		whole;
	bool		by_name;
	bool		by_whole;

	named.n = paysafe_row_key_columns(rel, &named.attnums);
	paysafe_row_key_whole(rel, &whole);
	if (named.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(rel))));
	*parts = palloc(sizeof(char *) * whole.n);
	by_whole = whole.n > named.n && paysafe_row_key_split(key, whole.n, *parts);
	by_name = paysafe_row_key_split(key, named.n, *parts) &&
		!(by_whole && named.n == 1 &&
		  !may_have_commas(TupleDescAttr(RelationGetDescr(rel), named.attnums[0] - 1)->atttypid));
	if (!by_name && !by_whole)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" does not have %d parts", paysafe_redact_string(key), named.n),
				 errhint("Separate the columns of the primary key by commas.")));
	if (attempt >= by_name + by_whole)
		return 0;
	if (by_name && attempt == 0)
	{
		*attnums = named.attnums;
		return named.n;
	}
	(void) paysafe_row_key_split(key, whole.n, *parts);
	*attnums = whole.attnums;
	return whole.n;
}

Datum
paysafe_row_key_argument(Relation rel, AttrNumber attnum, char *text)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	MemoryContext context = CurrentMemoryContext;
	Datum		value;

	PG_TRY();
	{
		value = paysafe_row_key_input(att, text);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
			error->sqlerrcode != ERRCODE_CHECK_VIOLATION && error->sqlerrcode != ERRCODE_NOT_NULL_VIOLATION)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no value of column \"%s\" of table \"%s\"",
						paysafe_redact_string(paysafe_refusal_value(text)), NameStr(att->attname),
						RelationGetRelationName(rel)),
				 errdetail("Its type is %s.", format_type_with_typemod(att->atttypid, att->atttypmod))));
	}
	PG_END_TRY();
	return value;
}

typedef struct FindState
{
	KeyVisitor	visitor;
	void	   *arg;
	bool		found;
} FindState;

static bool
note_found(Relation rel, TupleTableSlot *row, void *arg)
{
	FindState  *find = arg;

	find->found = true;
	return find->visitor(rel, row, find->arg);
}

/* Rows of one table; false: the key cannot be read in another way. */
static bool
find_in(Relation leaf, const char *key, int attempt, Snapshot snapshot, FindState *find)
{
	AttrNumber *attnums;
	char	  **parts;
	int			nkeys = paysafe_row_key_written(leaf, key, attempt, &attnums, &parts);
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	KeySearch	search;

	if (nkeys == 0)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		types[i] = TupleDescAttr(RelationGetDescr(leaf), attnums[i] - 1)->atttypid;
		values[i] = paysafe_row_key_argument(leaf, attnums[i], parts[i]);
	}
	paysafe_row_key_search(leaf, nkeys, attnums, types, &search);
	paysafe_row_key_search_scan(leaf, &search, values, snapshot, note_found, find);
	return true;
}

void
paysafe_row_key_find(Oid relid, const char *key, Snapshot snapshot,
				 KeyVisitor visitor, void *arg)
{
	FindState	find = {.visitor = visitor, .arg = arg};
	bool		again = true;
	List	   *tree;
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);	/* the others are locked by this */
	tree = find_all_inheritors(relid, AccessShareLock, NULL);
	for (int attempt = 0; again && !find.found; attempt++)
	{
		again = false;
		foreach(lc, tree)
		{
			Relation	leaf = table_open(lfirst_oid(lc), NoLock);

			if (leaf->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
				again |= find_in(leaf, key, attempt, snapshot, &find);
			table_close(leaf, NoLock);
		}
	}
}
