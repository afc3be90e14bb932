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
#include "executor/executor.h"
#include "miscadmin.h"
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

/*
 * An index on the column that may be trusted: valid, btree, complete, with an
 * operator class and a collation that came with PostgreSQL or the column, and
 * not too young for the transaction.  *young: there is one that will lose, or has
 * lost, that blemish only.
 */
static Oid
find_index(Relation rel, AttrNumber attnum, bool *young)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	List	   *indexes = RelationGetIndexList(rel);
	Oid			result = InvalidOid;
	ListCell   *lc;

	*young = false;
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisvalid && form->indislive && form->indisready &&
			index->rd_rel->relam == BTREE_AM_OID &&
			form->indkey.values[0] == attnum &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
			index->rd_opfamily[0] < FirstNormalObjectId &&
			index->rd_opfamily[0] == lookup_type_cache(getBaseType(att->atttypid),
													   TYPECACHE_BTREE_OPFAMILY)->btree_opf &&
			index->rd_indcollation[0] == att->attcollation)
		{
			oidvector  *classes;
			bool		isnull;

			*young |= form->indcheckxmin;
			classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
																	Anum_pg_index_indclass, &isnull));
			if (classes->values[0] < FirstNormalObjectId &&
				(!form->indcheckxmin ||
				 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
									   TransactionXmin)))
				result = lfirst_oid(lc);
		}
		index_close(index, AccessShareLock);
		if (OidIsValid(result))
			break;
	}
	list_free(indexes);
	return result;
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

static HTAB *searches = NULL;	/* CacheMemoryContext */
static uint64 invalidations = 0;	/* counts them, to notice one while preparing */

static void
forget_searches(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	Search	   *search;

	invalidations++;
	if (searches == NULL)
		return;
	hash_seq_init(&status, searches);
	while ((search = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || search->key.relid == relid || search->equality.index == relid)
			(void) hash_search(searches, &search->key, HASH_REMOVE, NULL);
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
	bool		young;

	/* text and varchar share their operators */
	if (argtype == VARCHAROID)
		argtype = TEXTOID;
	if (OidIsValid(typcache->btree_opf) && typcache->btree_opf < FirstNormalObjectId)
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
	out->index = find_index(rel, attnum, &young);
	return !young;
}

void
paysafe_row_key_equality(Relation rel, AttrNumber attnum, Oid valuetype, KeyEquality *out)
{
	SearchKey	key = {RelationGetRelid(rel), valuetype, attnum};
	Search	   *search;
	uint64		before;

	if (unlikely(searches == NULL))
	{
		HASHCTL		ctl = {
			.keysize = sizeof(SearchKey), .entrysize = sizeof(Search), .hcxt = CacheMemoryContext
		};

		searches = hash_create("paysafe searches", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		paysafe_invalidation_register(forget_searches);
	}
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

bool
paysafe_row_key_has_index(Relation leaf, AttrNumber attnum)
{
	bool		young;

	return OidIsValid(find_index(leaf, attnum, &young));
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
	int			nkeys;
	KeyEquality *equality;
	Datum	   *values;
	KeyVisitor	visitor;
	void	   *arg;
	bool		found;
} FindState;

/* The scan matched the first column; compare the others. */
static bool
visit_rest(Relation rel, TupleTableSlot *row, void *arg)
{
	FindState  *find = arg;

	for (int i = 1; i < find->nkeys; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(row, find->equality[i].attnum, &isnull);

		if (isnull ||
			!DatumGetBool(FunctionCall2Coll(&find->equality[i].equal,
											find->equality[i].collation,
											value, find->values[i])))
			return true;
	}
	find->found = true;
	return find->visitor(rel, row, find->arg);
}

/* Rows of one table; false: the key cannot be read in another way. */
static bool
find_in(Relation leaf, const char *key, int attempt, Snapshot snapshot, FindState *find)
{
	AttrNumber *attnums;
	char	  **parts;

	find->nkeys = paysafe_row_key_written(leaf, key, attempt, &attnums, &parts);
	if (find->nkeys == 0)
		return false;
	find->equality = palloc(sizeof(KeyEquality) * find->nkeys);
	find->values = palloc(sizeof(Datum) * find->nkeys);
	for (int i = 0; i < find->nkeys; i++)
	{
		paysafe_row_key_equality(leaf, attnums[i], TupleDescAttr(RelationGetDescr(leaf), attnums[i] - 1)->atttypid,
								 &find->equality[i]);
		find->values[i] = paysafe_row_key_argument(leaf, attnums[i], parts[i]);
	}
	paysafe_row_key_scan(leaf, &find->equality[0], find->values[0], snapshot, visit_rest, find);
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
