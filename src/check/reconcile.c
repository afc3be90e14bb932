/*-------------------------------------------------------------------------
 *
 * reconcile.c
 *	  Are the rows of a table what the audit log says they are?
 *
 * Whatever changes rows beneath the executor (files, native code, pg_surgery,
 * a server started without paysafe) leaves no audit row.  The changes in the log
 * and the rows of the table are sorted by key, together, and read once: each row
 * is compared, in the log's own form and column by column, with the newest image
 * of its key.  So memory is flat and time grows with the rows.
 *
 * Columns are the same if their attribute numbers are, in what this database
 * recorded, whatever they are called now; in what a dump brought, if their names
 * are.  Columns that the image does not have are younger than it.  Hashes of
 * redacted columns can only be compared if they were made with this database's
 * key, which no dump contains.  Rows that were there before the table was audited,
 * and never changed, have no image: nothing is known of them.  Of a table that was empty
 * then each row has one.  A child by inheritance
 * without a primary key is named, and left out with what the log has of it: the rows
 * of the other tables are compared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "check/reconcile_log.h"
#include "check/reconcile_own.h"
#include "check/reconcile_sort.h"
#include "check/same_value.h"
#include "engine/rule.h"
#include "evidence/audit_shape.h"
#include "rules/audit.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger_kept.h"
#include "rules/refund/captures_kept.h"
#include "rules/refund/refund_kept.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/row_key.h"
#include "values/spec.h"

/* One table of the tree, as it is now. */
typedef struct Leaf
{
	Relation	rel;
	Oid			layout;			/* whose columns its rows have in the log */
	AuditShape *shape;			/* nothing redacted */
	TupleTableSlot *slot;		/* for rows that are fetched */
	CanonBytes *columns;		/* room for a row's */
} Leaf;

/* The newest change of one key. */
typedef struct Newest
{
	bool		any;
	bool		tentative;		/* another row may have been there all along */
	TimestampTz at;				/* the latest time of its transaction */
	ReconcileItem item;
	StringInfoData image;		/* what item.image refers to */
} Newest;

typedef struct Reconciliation
{
	const char *subject;
	Snapshot	snapshot;
	ReconcileLog *log;
	ReconcileSort *sort;
	List	   *leaves;			/* of Leaf */
	List	   *nameless;		/* OIDs of children whose rows have no key */
	ReturnSetInfo *result;
	RowKey		whole;			/* what rows are sorted by: one key each */
	RowKey		named;			/* what they are called by */
	StringInfoData key;			/* the one that is looked at */
	Newest		newest;
	Newest		current;		/* the transaction whose changes are read now */
	bool		seen;			/* in the table */
	bool		complete;		/* each row has an image */
	/* of a deferrable key: who has it, by the changes of the current transaction */
	bool		deferrable;
	List	   *tenants;		/* of ReconcileItem, those that came to it */
	bool		first_left;		/* who had it before has it no more, if anybody did */
	MemoryContext context;		/* of one comparison */
} Reconciliation;

static void
put_finding(Reconciliation *rec, const char *finding)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = CStringGetTextDatum(paysafe_row_key_shorten(&rec->whole, &rec->named, rec->key.data));
	values[1] = CStringGetTextDatum(finding);
	tuplestore_putvalues(rec->result->setResult, rec->result->setDesc, values, nulls);
}

static void
put_nameless(Reconciliation *rec, Oid relid)
{
	Datum		values[2] = {(Datum) 0, (Datum) 0};
	bool		nulls[2] = {true, false};

	values[1] = CStringGetTextDatum(psprintf("table \"%s\" is not compared: without a primary key its rows are not found in the log",
											 get_rel_name(relid)));
	tuplestore_putvalues(rec->result->setResult, rec->result->setDesc, values, nulls);
}

/* A sum that is kept is not what the rows come to, of which it says so in these words. */
static void
put_sum(void *arg, const char *words, const char *what, Numeric kept, Numeric exact)
{
	Reconciliation *rec = arg;
	Datum		values[2] = {(Datum) 0, (Datum) 0};
	bool		nulls[2] = {true, false};

	values[1] = CStringGetTextDatum(psprintf(words, paysafe_refusal_value(what), paysafe_money_text(exact),
											 paysafe_money_text(kept)));
	tuplestore_putvalues(rec->result->setResult, rec->result->setDesc, values, nulls);
}

static void
put_refunds(const char *payment, Numeric kept, Numeric exact, void *arg)
{
	put_sum(arg, "refunds of payment \"%s\" total %s, and %s is kept of them", payment, kept, exact);
}

static void
put_captures(const char *payment, Numeric kept, Numeric exact, void *arg)
{
	put_sum(arg, "captures of payment \"%s\" come to %s, and %s is kept of them", payment, kept, exact);
}

static void
put_entries(const char *account, Numeric kept, Numeric exact, void *arg)
{
	put_sum(arg, "entries of account \"%s\" sum to %s, and %s is kept of them", account, kept, exact);
}

static void
compare_totals(Reconciliation *rec, Oid relation)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relation))
	{
		RuleSource *source = lfirst(lc);

		if (source->kind == &paysafe_refund_kind && source->relation == relation)
			paysafe_refund_kept_check(relation, source->name, put_refunds, rec);
		if (source->kind == &paysafe_captures_kind && source->relation == relation)
			paysafe_captures_kept_check(relation, put_captures, rec);
		if (source->kind == &paysafe_ledger_kind && source->relation == relation)
			paysafe_ledger_kept_check(relation, put_entries, rec);
	}
}

/* Reading the table */

static bool
has_deferrable_key(Relation rel)
{
	bool		result = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result |= index->rd_index->indisprimary && !index->rd_index->indimmediate;
		index_close(index, NoLock);
	}
	return result;
}

static void
add_leaf(Reconciliation *rec, Oid relid, const RuleSource *source)
{
	Leaf	   *leaf = palloc0(sizeof(Leaf));
	RelationRules *rules;

	leaf->rel = table_open(relid, AccessShareLock);
	rules = paysafe_rules_of(leaf->rel);
	if ((rules == NULL || rules->key.n == 0) && relid != source->relation &&
		!leaf->rel->rd_rel->relispartition)
	{
		rec->nameless = lappend_oid(rec->nameless, relid);
		table_close(leaf->rel, NoLock);
		return;
	}
	if (rules == NULL || rules->key.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key to find its rows in the log by",
						RelationGetRelationName(leaf->rel))));
	rec->deferrable |= has_deferrable_key(leaf->rel);
	leaf->layout = leaf->rel->rd_rel->relispartition ? source->relation : relid;
	leaf->shape = paysafe_audit_shape(leaf->rel, leaf->layout, rec->subject, NIL,
									  rules->key.attnums, rules->key.n);
	leaf->slot = table_slot_create(leaf->rel, NULL);
	leaf->columns = palloc0(sizeof(CanonBytes) * Max(leaf->shape->shape.ncolumns, 1));
	rec->leaves = lappend(rec->leaves, leaf);
}

/* What the table's rows are sorted by: the primary key, which all leaves share. */
static void
open_log(Reconciliation *rec, Oid relation)
{
	Relation	layout = table_open(relation, AccessShareLock);
	Relation	rel = rec->leaves ? ((Leaf *) linitial(rec->leaves))->rel : layout;
	List	   *names = NIL;

	paysafe_row_key_whole(rel, &rec->whole);
	rec->named.n = paysafe_row_key_columns(rel, &rec->named.attnums);
	for (int i = 0; i < rec->whole.n; i++)
		names = lappend(names, pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel),
															 rec->whole.attnums[i] - 1)->attname)));
	rec->log = paysafe_reconcile_log_open(rec->subject, rec->snapshot, layout, names, rec->nameless);
	table_close(layout, NoLock);
}

static void
read_leaf(Reconciliation *rec, Leaf *leaf)
{
	RowKey		whole;
	TableScanDesc scan = table_beginscan(leaf->rel, rec->snapshot, 0, NULL);
	MemoryContext old;

	paysafe_row_key_whole(leaf->rel, &whole);
	old = MemoryContextSwitchTo(rec->context);
	while (table_scan_getnextslot(scan, ForwardScanDirection, leaf->slot))
	{
		ReconcileItem item = {.relid = RelationGetRelid(leaf->rel), .tid = leaf->slot->tts_tid};
		StringInfoData image;

		CHECK_FOR_INTERRUPTS();
		item.key = paysafe_row_key_text(&whole, RelationGetDescr(leaf->rel), leaf->slot);
		item.keylen = strlen(item.key);
		if (paysafe_canon_row_size(leaf->slot) <= RECONCILE_INLINE)
		{
			initStringInfo(&image);
			paysafe_canon_row(&leaf->shape->shape, leaf->slot, &image);
			item.image = image.data;
			item.imagelen = image.len;
		}
		paysafe_reconcile_sort_put(rec->sort, &item);
		MemoryContextReset(rec->context);
	}
	MemoryContextSwitchTo(old);
	table_endscan(scan);
}

/* Comparing */

static Leaf *
leaf_of(Reconciliation *rec, Oid relid)
{
	ListCell   *lc;

	foreach(lc, rec->leaves)
		if (RelationGetRelid(((Leaf *) lfirst(lc))->rel) == relid)
			return lfirst(lc);
	elog(ERROR, "a row of another table");
}

/* Which of the table's columns is which of the image's? */
static void
map_columns(LoggedShape *logged, const Leaf *leaf, bool here)
{
	const CanonShape *now = &leaf->shape->shape;

	if (logged->layout == leaf->layout && logged->here == here)
		return;
	for (int i = 0; i < logged->shape->ncolumns; i++)
	{
		const CanonColumn *column = &logged->shape->columns[i];

		logged->map[i] = -1;
		for (int j = 0; j < now->ncolumns; j++)
			if (here && AttributeNumberIsValid(column->layout_attnum) ?
				column->layout_attnum == now->columns[j].layout_attnum :
				strcmp(column->name, now->columns[j].name) == 0)
				logged->map[i] = j;
	}
	logged->layout = leaf->layout;
	logged->here = here;
}

/* The bytes of a row's columns, of one that is fetched only when they are asked for. */
static void
prepare_row(Reconciliation *rec, Leaf *leaf, const ReconcileItem *row)
{
	ItemPointerData tid = row->tid;

	if (row->image != NULL)
		paysafe_canon_split(&leaf->shape->shape, row->image, row->imagelen, NULL, 0, leaf->columns);
	else if (!table_tuple_fetch_row_version(leaf->rel, &tid, rec->snapshot, leaf->slot))
		elog(ERROR, "a row of \"%s\" is not there any more", RelationGetRelationName(leaf->rel));
	else
		slot_getallattrs(leaf->slot);
}

static CanonBytes
row_column(const Leaf *leaf, const ReconcileItem *row, int i)
{
	const CanonColumn *column = &leaf->shape->shape.columns[i];
	CanonBytes	result = {NULL, 0};
	StringInfoData bytes;

	if (row->image != NULL)
		return leaf->columns[i];
	if (leaf->slot->tts_isnull[column->attnum - 1])
		return result;
	initStringInfo(&bytes);
	paysafe_canon_value(column->type, leaf->slot->tts_values[column->attnum - 1], &bytes);
	result.data = bytes.data;
	result.len = bytes.len;
	return result;
}

/* The hash that a redacted column would have for the value of today. */
static bool
same_hash(Reconciliation *rec, LoggedShape *logged, int i, const CanonColumn *now,
		  const CanonBytes *bytes)
{
	CanonColumn *column = &logged->shape->columns[i];
	const CanonBytes *hash = &logged->columns[i];
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (hash->data == NULL || bytes->data == NULL)
		return hash->data == bytes->data;
	/* of a value as another type wrote it: it cannot be told */
	if (column->type_name == NULL || strcmp(column->type_name, now->type_name) != 0)
		return true;
	if (!logged->keyed[i])
	{
		paysafe_audit_shape_redaction_key(rec->subject, column->name, column->redaction_key);
		logged->keyed[i] = true;
	}
	paysafe_crypto_hmac_sha256(column->redaction_key, sizeof(column->redaction_key),
							   bytes->data, bytes->len, digest);
	return hash->len == PAYSAFE_SHA256_LEN && memcmp(hash->data, digest, hash->len) == 0;
}

/* The first column in which the row differs from the image, or NULL. */
static const char *
difference(Reconciliation *rec, const ReconcileItem *row, const char *image, int len)
{
	LoggedShape *logged = paysafe_reconcile_log_shape(rec->log, rec->newest.item.shape);
	Leaf	   *leaf = leaf_of(rec, row->relid);

	map_columns(logged, leaf, rec->newest.item.here);
	paysafe_canon_split(logged->shape, image, len, NULL, 0, logged->columns);
	prepare_row(rec, leaf, row);
	for (int i = 0; i < logged->shape->ncolumns; i++)
	{
		const CanonColumn *column = &logged->shape->columns[i];
		const CanonColumn *now;
		CanonValue	one = {column->type, column->type_name, logged->encoding, logged->columns[i]};
		CanonValue	other = {.encoding = GetDatabaseEncoding()};
		bool		same;

		if (logged->map[i] < 0 || (column->redacted && !rec->newest.item.here))
			continue;
		now = &leaf->shape->shape.columns[logged->map[i]];
		other.type = now->type;
		other.type_name = now->type_name;
		other.bytes = row_column(leaf, row, logged->map[i]);
		same = column->redacted ? same_hash(rec, logged, i, now, &other.bytes) :
			paysafe_same_value(&one, &other);
		if (row->image == NULL && other.bytes.data != NULL)
			pfree(unconstify(char *, other.bytes.data));
		if (!same)
			return now->name;
	}
	return NULL;
}

/* A row of the table, with what the log says of its key. */
static void
look_at_row(Reconciliation *rec, const ReconcileItem *row)
{
	const ReconcileItem *newest = &rec->newest.item;
	const char *image = newest->image;
	int			len = newest->imagelen;
	const char *column;
	MemoryContext old;

	if (!rec->newest.any)
	{
		if (rec->complete)
			put_finding(rec, "is there, but the log does not say that it was added");
		return;
	}
	rec->seen = true;
	if (!newest->present)
	{
		put_finding(rec, "is there, but the log says it was deleted");
		return;
	}
	old = MemoryContextSwitchTo(rec->context);
	if (image != NULL || paysafe_reconcile_log_fetch(rec->log, newest, &image, &len))
	{
		column = difference(rec, row, image, len);
		if (column != NULL)
			put_finding(rec, psprintf("column \"%s\" is not what the log says", column));
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rec->context);
}

/* Merging */

static void
keep(Newest *newest, const ReconcileItem *item, TimestampTz at)
{
	newest->any = true;
	newest->tentative = false;
	newest->at = at;
	newest->item = *item;
	resetStringInfo(&newest->image);
	if (item->image != NULL)
	{
		appendBinaryStringInfo(&newest->image, item->image, item->imagelen);
		newest->item.image = newest->image.data;
	}
}

/*
 * Rows that meet in a deferrable key: until the transaction ends, several may have it.
 * Who changes then, or leaves, is told by what the row was before.
 */

/* Is this the row as the change found it? */
static bool
is_row_of(Reconciliation *rec, const ReconcileItem *tenant, const ReconcileItem *change)
{
	MemoryContext old;
	CanonBytes *a;
	CanonBytes *b;
	bool		same;

	if (tenant->shape != change->shape)
		return false;
	old = MemoryContextSwitchTo(rec->context);
	a = paysafe_reconcile_log_columns(rec->log, tenant, false);
	b = paysafe_reconcile_log_columns(rec->log, change, true);
	same = a != NULL && b != NULL;
	for (int i = 0; same && i < paysafe_reconcile_log_shape(rec->log, change->shape)->shape->ncolumns; i++)
		same = (a[i].data == NULL) == (b[i].data == NULL) && a[i].len == b[i].len &&
			(a[i].data == NULL || memcmp(a[i].data, b[i].data, a[i].len) == 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rec->context);
	return same;
}

/* Which of those that came to the key is it, or NULL: the one that was there before. */
static ReconcileItem *
find_tenant(Reconciliation *rec, const ReconcileItem *change)
{
	ListCell   *lc;

	if (!rec->first_left || list_length(rec->tenants) > 1)
		foreach(lc, rec->tenants)
			if (is_row_of(rec, lfirst(lc), change))
				return lfirst(lc);
	return rec->first_left && rec->tenants != NIL ? linitial(rec->tenants) : NULL;
}

static void
follow_tenants(Reconciliation *rec, const ReconcileItem *change)
{
	ReconcileItem *tenant;

	if (!change->arrives)
	{
		tenant = find_tenant(rec, change);
		if (tenant == NULL)
			rec->first_left = true;
		else
		{
			rec->tenants = list_delete_ptr(rec->tenants, tenant);
			pfree(tenant);
		}
	}
	if (change->present)
	{
		tenant = palloc(sizeof(ReconcileItem));
		*tenant = *change;
		tenant->key = tenant->image = NULL; /* fetched, if it is needed */
		rec->tenants = lappend(rec->tenants, tenant);
	}
}

/* Who has the key at the end of the transaction? */
static void
end_tenants(Reconciliation *rec)
{
	Newest	   *current = &rec->current;

	if (rec->tenants != NIL)
		keep(current, llast(rec->tenants), current->at);
	else
	{
		current->item.present = false;
		current->tentative = !rec->first_left;
	}
	list_free_deep(rec->tenants);
	rec->tenants = NIL;
	rec->first_left = false;
}

/*
 * The changes of one transaction have been read.  One row's transactions follow each
 * other in time, since they hold its lock; within one, the command orders.
 */
static void
end_transaction(Reconciliation *rec)
{
	Newest	   *newest = &rec->newest;
	Newest	   *current = &rec->current;

	if (!current->any)
		return;
	if (rec->deferrable)
		end_tenants(rec);
	if (!newest->any || newest->tentative || (!current->tentative && current->at >= newest->at))
	{
		keep(newest, &current->item, current->at);
		newest->tentative = current->tentative;
	}
	current->any = false;
}

static void
look_at_change(Reconciliation *rec, const ReconcileItem *item)
{
	const ReconcileItem *current = &rec->current.item;

	if (rec->current.any && (current->xid != item->xid || current->here != item->here))
		end_transaction(rec);
	if (rec->deferrable)
		follow_tenants(rec, item);

	/*
	 * A command leaves a row as it is when it ends: one that took this key in it is
	 * there, whichever had the key before (a row is replaced by WITH).
	 */
	else if (rec->current.any && current->command == item->command && current->present && !item->present)
		return;
	keep(&rec->current, item, rec->current.any ? Max(rec->current.at, item->at) : item->at);
}

static void
end_key(Reconciliation *rec)
{
	end_transaction(rec);
	if (rec->newest.any && rec->newest.item.present && !rec->seen)
		put_finding(rec, "is not there, but the log does not say that it was deleted");
	rec->newest.any = false;
	rec->seen = false;
}

static void
merge(Reconciliation *rec)
{
	ReconcileItem item;
	bool		any = false;

	while (paysafe_reconcile_sort_next(rec->sort, &item))
	{
		CHECK_FOR_INTERRUPTS();
		if (!any || item.keylen != rec->key.len || memcmp(item.key, rec->key.data, item.keylen) != 0)
		{
			if (any)
				end_key(rec);
			resetStringInfo(&rec->key);
			appendBinaryStringInfo(&rec->key, item.key, item.keylen);
			any = true;
		}
		if (item.logged)
			look_at_change(rec, &item);
		else
		{
			end_transaction(rec);
			look_at_row(rec, &item);
		}
	}
	if (any)
		end_key(rec);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_reconcile);

static RuleSource *
audit_rule_of(Oid relation)
{
	ListCell   *lc;

	(void) paysafe_catalog_table_name(relation);
	foreach(lc, paysafe_rule_sources(relation))
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "audit") == 0 && source->relation == relation)
			return source;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("table \"%s\" is not audited", get_rel_name(relation)),
			 errhint("The view paysafe.protection lists the rules in force.")));
	return NULL;
}

static bool
visit_version(Relation rel, HeapTuple tuple, void *arg)
{
	bool	   *removed = arg;
	bool		isnull;

	*removed |= DatumGetBool(heap_getattr(tuple, get_attnum(RelationGetRelid(rel), "removed"),
										  RelationGetDescr(rel), &isnull));
	return true;
}

/* Was the table empty when it was declared, has been audited ever since, and is still alone? */
static bool
is_complete(const Reconciliation *rec, const RuleSource *source)
{
	Datum		keys[2] = {ObjectIdGetDatum(source->relation), CStringGetTextDatum("audit")};
	bool		removed = false;

	if (!paysafe_audit_subject_is_whole(rec->subject) || list_length(rec->leaves) != 1 || rec->nameless != NIL ||
		!paysafe_reconcile_log_is_whole(rec->log, source->since))
		return false;
	paysafe_store_scan(PAYSAFE_RULE, "rule_pkey", 2, keys, visit_version, &removed);
	return !removed;
}

/*
 * reconcile(relation) returns table (key text, finding text)
 */
Datum
paysafe_reconcile(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	RuleSource *source;
	Reconciliation rec = {
		.snapshot = GetActiveSnapshot(),
		.result = (ReturnSetInfo *) fcinfo->resultinfo
	};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (paysafe_catalog_is_own(relation))
	{
		paysafe_reconcile_own(relation, rec.result);
		PG_RETURN_NULL();
	}
	source = audit_rule_of(relation);
	rec.subject = paysafe_spec_text(source->spec, "subject");
	initStringInfo(&rec.key);
	initStringInfo(&rec.newest.image);
	initStringInfo(&rec.current.image);
	rec.context = AllocSetContextCreate(CurrentMemoryContext, "paysafe reconcile",
										ALLOCSET_DEFAULT_SIZES);
	foreach(lc, paysafe_catalog_leaves(relation))
		add_leaf(&rec, lfirst_oid(lc), source);
	open_log(&rec, relation);
	rec.sort = paysafe_reconcile_sort_begin();
	paysafe_reconcile_log_read(rec.log, rec.sort);
	foreach(lc, rec.leaves)
		read_leaf(&rec, lfirst(lc));
	paysafe_reconcile_sort_perform(rec.sort);
	rec.complete = is_complete(&rec, source);
	merge(&rec);
	paysafe_reconcile_sort_end(rec.sort);
	foreach(lc, rec.nameless)
		put_nameless(&rec, lfirst_oid(lc));
	compare_totals(&rec, relation);
	foreach(lc, rec.leaves)
	{
		Leaf	   *leaf = lfirst(lc);

		ExecDropSingleTupleTableSlot(leaf->slot);
		table_close(leaf->rel, NoLock);
	}
	PG_RETURN_NULL();
}
