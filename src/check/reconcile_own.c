/*-------------------------------------------------------------------------
 *
 * reconcile_own.c
 *	  Are the rows of paysafe's own tables what the audit log says they are?
 *
 * Rules, thresholds, approvals, holds, people and so on are added and not changed, and
 * the log has an image of each.  So every row needs an image that says the same, and
 * every image a row.  The log's index finds the images of a table wherever they are, so
 * that this costs what there is of them and not what there is of the log.
 *
 * Tables that rows are about are in the log by name.  They may have other names by now,
 * or not be here any more.  So a row of another name is only wrong if the one that had
 * the name then is still there under it: that is known from its rules, whose images say
 * what they were called.
 *
 * What a row lacks an image for, or an image a row, without anybody's fault: rows that
 * every database has; that came by a subscription that is trusted; that were there before
 * paysafe worked here, where the log did not come along; that a dump leaves out; refusals
 * that were written before paysafe worked here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/xid8.h"

#include "check/own_rows.h"
#include "check/reconcile_own.h"
#include "evidence/audit_log.h"
#include "evidence/reading/find.h"
#include "evidence/reading/term.h"
#include "store/own_table.h"

/* Larger tables (32 MB) are looked at as far as their rows are new, unless all is asked for. */
#define LARGE_BLOCKS	4096
#define NEW_ENOUGH		(28 * USECS_PER_DAY)
/* Row and image have the times of two clocks: of the transaction and of the change. */
#define MARGIN			USECS_PER_DAY

/* A rule that a table got under this name, which it has again or still. */
typedef struct Known
{
	char		name[2 * NAMEDATALEN + 8];	/* hash key; quoted names may be cut: then nothing is known */
	TimestampTz since;
} Known;

/* An image, or a row, of the key that is looked at. */
typedef struct Member
{
	bool		matched;
	bool		here;			/* recorded in this database */
	bool		may;			/* needs nothing on the other side */
	TimestampTz at;
	const char *says;			/* digest and names */
	int			len;
	int64		shape;
	Oid			relid;
	ItemPointerData tid;
} Member;

typedef struct Members
{
	int			n;
	int			room;
	Member	   *members;
} Members;

typedef struct OwnReconciliation OwnReconciliation;
typedef void (*FindingSink) (OwnReconciliation *rec, const OwnTable *table, const char *key,
							 const char *finding);

struct OwnReconciliation
{
	Snapshot	snapshot;
	List	   *tables;			/* of OwnTable */
	OwnTable   *by_id[PAYSAFE_NTABLES];
	bool		asked[PAYSAFE_NTABLES];	/* findings of it are wanted */
	AuditShapes *shapes;
	ReconcileSort *sort;
	bool		large;			/* large tables are read now */
	TimestampTz cut;			/* what is new in them */
	TimestampTz since;			/* when this database began to record */
	TransactionId since_xid;	/* whose row says so */
	bool		log_came;		/* the log has images from before */
	bool		brought;		/* a subscription was trusted to bring rows */
	bool		test;			/* it is, or was once, a test database */
	HTAB	   *rules;			/* digests and names of images of rules */
	HTAB	   *known;			/* of Known */
	Members		logged;
	Members		stored;
	MemoryContext row_context;
	MemoryContext key_context;
	FindingSink sink;
	ReturnSetInfo *result;
	TransactionId refusals_from;	/* whose refusal is the first one that the log has an image of */
	int			nfindings[PAYSAFE_NTABLES];
	StringInfoData words[PAYSAFE_NTABLES];
};

/*
 * What is there, into the sort
 */

/* Numbers of tables come first: a sort for all of them. */
static void
put_item(OwnReconciliation *rec, const OwnTable *table, const OwnRow *row, ReconcileItem *item)
{
	StringInfoData key;
	StringInfoData says;

	initStringInfo(&key);
	appendStringInfo(&key, "%03d%s", table->id, paysafe_own_rows_key(table, row));
	initStringInfo(&says);
	paysafe_own_rows_digest(table, row, &says);
	item->key = key.data;
	item->keylen = key.len;
	item->image = says.data;
	item->imagelen = says.len;
	paysafe_reconcile_sort_put(rec->sort, item);
}

static void
hash_of(const ReconcileItem *item, uint8 *hash)
{
	paysafe_crypto_sha256(item->image, item->imagelen, hash);
}

static OwnTable *
table_of(OwnReconciliation *rec, const AuditShapeRead *shape)
{
	ListCell   *lc;

	if (shape->found)
		foreach(lc, rec->tables)
			if (strcmp(((OwnTable *) lfirst(lc))->subject, shape->subject) == 0)
				return lfirst(lc);
	return NULL;
}

/* What images of rules say besides. */
static void
note_rule(OwnReconciliation *rec, const OwnTable *table, const OwnRow *row, const ReconcileItem *item)
{
	uint8		hash[OWN_DIGEST_LEN];
	const char *pos = item->image + OWN_DIGEST_LEN;
	char	   *name;

	hash_of(item, hash);
	(void) hash_search(rec->rules, hash, HASH_ENTER, NULL);
	if (!paysafe_own_rows_next_name(&pos, item->image + item->imagelen, &name) || name == NULL ||
		strcmp(name, "paysafe.rule") != 0)
		return;
	for (int i = 0; i < table->ncolumns; i++)
		if (strcmp(table->shape->shape.columns[i].name, "rule") == 0 && row->bytes[i].len == strlen("replica") &&
			memcmp(row->bytes[i].data, "replica", row->bytes[i].len) == 0)
			rec->brought = true;
}

/*
 * A refusal is written with its image, unless paysafe had not worked here yet.  Who
 * writes them does so one transaction after the other, so those before the first that
 * has an image need none.
 */
static void
note_refusal(OwnReconciliation *rec, const ReconcileItem *item)
{
	TransactionId xid = XidFromFullTransactionId(FullTransactionIdFromU64(item->xid));

	if (item->here && (!TransactionIdIsValid(rec->refusals_from) || TransactionIdPrecedes(xid, rec->refusals_from)))
		rec->refusals_from = xid;
}

static void
visit_image(Relation partition, TupleTableSlot *slot, void *arg)
{
	OwnReconciliation *rec = arg;
	bool		isnull;
	int64		id = DatumGetInt64(slot_getattr(slot, ROW_SHAPE + 1, &isnull));
	const AuditShapeRead *shape = paysafe_audit_shapes_get(rec->shapes, id);
	OwnTable   *table = table_of(rec, shape);
	ReconcileItem item = {
		.logged = true, .present = true, .shape = id, .relid = slot->tts_tableOid, .tid = slot->tts_tid
	};
	MemoryContext old;
	bytea	   *image;
	OwnRow	   *row;

	if (table == NULL || table->large != rec->large)
		return;
	old = MemoryContextSwitchTo(rec->row_context);
	slot_getallattrs(slot);
	if (!slot->tts_isnull[ROW_AFTER])
	{
		item.at = DatumGetTimestampTz(slot->tts_values[ROW_AT]);
		item.here = item.at >= rec->since;
		item.xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot->tts_values[ROW_XID]));
		item.seq = DatumGetInt32(slot->tts_values[ROW_SEQ]);
		image = DatumGetByteaPP(slot->tts_values[ROW_AFTER]);
		row = paysafe_own_rows_logged(table, shape, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image));
		/* what was written long after it happened may be older than its image, and gone */
		if (table->expires && paysafe_own_rows_at(table, row, item.at) < rec->cut)
		{
			MemoryContextSwitchTo(old);
			MemoryContextReset(rec->row_context);
			return;
		}
		put_item(rec, table, row, &item);
		rec->log_came |= !item.here;
		rec->test |= table->id == PAYSAFE_TEST_DATABASE;
		if (table->id == PAYSAFE_RULE)
			note_rule(rec, table, row, &item);
		if (table->id == PAYSAFE_REFUSAL_RECORD)
			note_refusal(rec, &item);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rec->row_context);
}

/* Images of the tables that are large, or of the others. */
static void
read_images(OwnReconciliation *rec, bool large)
{
	AuditTerm  *terms = palloc(sizeof(AuditTerm) * list_length(rec->tables));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, rec->tables)
	{
		OwnTable   *table = lfirst(lc);

		if (table->large == large)
			terms[n++] = paysafe_audit_term(AUDIT_TERM_OWN, table->subject, "");
	}
	rec->large = large;
	if (n > 0)
		paysafe_audit_find(rec->snapshot, terms, n, large ? rec->cut : DT_NOBEGIN, DT_NOEND, visit_image, rec);
}

/* A table that has a rule under the name that the log has it under. */
static void
note_known(OwnReconciliation *rec, const ReconcileItem *item)
{
	uint8		hash[OWN_DIGEST_LEN];
	const char *pos = item->image + OWN_DIGEST_LEN;
	char	   *name;
	bool		found;
	Known	   *known;
	char		key[sizeof(known->name)] = {0};

	hash_of(item, hash);
	if (hash_search(rec->rules, hash, HASH_FIND, NULL) == NULL ||
		!paysafe_own_rows_next_name(&pos, item->image + item->imagelen, &name) || name == NULL ||
		strlen(name) >= sizeof(key))
		return;
	strlcpy(key, name, sizeof(key));
	known = hash_search(rec->known, key, HASH_ENTER, &found);
	known->since = found ? Min(known->since, item->at) : item->at;
}

static void
read_rows(OwnReconciliation *rec, OwnTable *table)
{
	TableScanDesc scan = table_beginscan(table->rel, rec->snapshot, 0, NULL);
	MemoryContext old = MemoryContextSwitchTo(rec->row_context);

	while (table_scan_getnextslot(scan, ForwardScanDirection, table->slot))
	{
		ReconcileItem item = {.relid = RelationGetRelid(table->rel), .tid = table->slot->tts_tid, .present = true};
		bool		isnull = true;

		CHECK_FOR_INTERRUPTS();
		if (table->at != InvalidAttrNumber)
			item.at = DatumGetTimestampTz(slot_getattr(table->slot, table->at, &isnull));
		if (table->large && item.at < rec->cut - MARGIN)
			continue;
		item.present = !table->large || item.at >= rec->cut + MARGIN;
		if (table->local != InvalidAttrNumber &&
			DatumGetBool(slot_getattr(table->slot, table->local, &isnull)) && !isnull)
			item.present = false;
		put_item(rec, table, paysafe_own_rows_stored(table, table->slot), &item);
		if (table->id == PAYSAFE_RULE)
			note_known(rec, &item);
		MemoryContextReset(rec->row_context);
	}
	MemoryContextSwitchTo(old);
	table_endscan(scan);
}

/*
 * Excuses
 */

static bool
is_known(OwnReconciliation *rec, const char *name, TimestampTz at)
{
	char		key[2 * NAMEDATALEN + 8] = {0};
	Known	   *known;

	if (strlen(name) >= sizeof(key))
		return false;
	strlcpy(key, name, sizeof(key));
	known = hash_search(rec->known, key, HASH_FIND, NULL);
	return known != NULL && known->since <= at;
}

/* A row that found no place when it was restored: its number, as text. */
typedef struct Waiting
{
	const char *table;
	const char *id;
	bool		found;
} Waiting;

static bool
visit_dumped(Relation rel, HeapTuple tuple, void *arg)
{
	Waiting    *waiting = arg;
	bool		isnull;
	char	   *table = paysafe_store_text(tuple, RelationGetDescr(rel), 0);
	Datum		content = heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull);
	JsonbValue	buffer;
	JsonbValue *id = isnull ? NULL : getKeyJsonValueFromContainer(&DatumGetJsonbP(content)->root, "id", 2, &buffer);

	if (id != NULL && id->type == jbvNumeric && strcmp(table, waiting->table) == 0)
		waiting->found = strcmp(DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(id->val.numeric))),
								waiting->id) == 0;
	return !waiting->found;
}

/* An image without a row: may a dump, or a test database, have left it out? */
static bool
may_be_missing(OwnReconciliation *rec, const OwnTable *table, const Member *image, const char *key)
{
	const char *pos = image->says + OWN_DIGEST_LEN;
	Waiting		waiting = {RelationGetRelationName(table->rel), key};
	char	   *name;

	if (table->emptied && rec->test)
		return true;
	if (image->here)
		return false;
	if (table->not_dumped)
		return true;
	if (!table->by_name)
		return false;
	while (paysafe_own_rows_next_name(&pos, image->says + image->len, &name))
		if (name != NULL && strncmp(name, "paysafe.", strlen("paysafe.")) != 0 &&
			!is_known(rec, name, image->at))
			return true;
	paysafe_store_scan(PAYSAFE_DUMPED_ROW, NULL, 0, NULL, visit_dumped, &waiting);
	return waiting.found;
}

/* A row without an image: was it there before paysafe worked here, and the log not? */
static bool
may_be_there(OwnReconciliation *rec, const OwnTable *table, const Member *row)
{
	ItemPointerData tid = row->tid;
	bool		before = false;
	bool		outlives = table->id == PAYSAFE_REFUSAL_RECORD || table->id == PAYSAFE_SIGNAL_RECORD ||
		table->id == PAYSAFE_DECISION_RECORD;
	TransactionId from = table->id == PAYSAFE_REFUSAL_RECORD ? rec->refusals_from : rec->since_xid;

	if (row->may || rec->brought)
		return true;
	/* what outlives its transaction is written without an image as long as nothing else is */
	if (outlives)
	{
		if (!TransactionIdIsValid(from))
			return true;
	}
	else if (rec->log_came || !TransactionIdIsNormal(from))
		return false;
	if (table_tuple_fetch_row_version(table->rel, &tid, rec->snapshot, table->slot))
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(table->slot, false, NULL);
		TransactionId xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);

		before = TransactionIdIsNormal(xmin) && TransactionIdPrecedes(xmin, from);
	}
	return before;
}

/*
 * Of one key
 */

static void
put_finding(OwnReconciliation *rec, const OwnTable *table, const Member *member, const char *key,
			const char *finding)
{
	const char *pos = member->says + OWN_DIGEST_LEN;
	StringInfoData text;
	char	   *name;

	/* whatever a rule or a threshold is of stands in front of it */
	initStringInfo(&text);
	if (table->id == PAYSAFE_RULE || table->id == PAYSAFE_THRESHOLD || table->id == PAYSAFE_CLOSED_PERIOD)
		if (paysafe_own_rows_next_name(&pos, member->says + member->len, &name) && name != NULL)
			appendStringInfo(&text, "%s,", name);
	appendStringInfoString(&text, key);
	rec->nfindings[table->id]++;
	rec->sink(rec, table, text.data, finding);
}

static OwnRow *
fetch_stored(OwnReconciliation *rec, const OwnTable *table, const Member *row)
{
	ItemPointerData tid = row->tid;

	if (!table_tuple_fetch_row_version(table->rel, &tid, rec->snapshot, table->slot))
		elog(ERROR, "a row of \"%s\" is not there any more", RelationGetRelationName(table->rel));
	return paysafe_own_rows_stored(table, table->slot);
}

static OwnRow *
fetch_logged(OwnReconciliation *rec, const OwnTable *table, const Member *image)
{
	Relation	rel = table_open(image->relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ItemPointerData tid = image->tid;
	OwnRow	   *row;
	bytea	   *bytes;
	bool		isnull;

	if (!table_tuple_fetch_row_version(rel, &tid, rec->snapshot, slot))
		elog(ERROR, "a row of the audit log has gone");
	bytes = DatumGetByteaPCopy(slot_getattr(slot, ROW_AFTER + 1, &isnull));
	row = paysafe_own_rows_logged(table, paysafe_audit_shapes_get(rec->shapes, image->shape),
								  VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return row;
}

/* The name of the column that has the n-th name of a table. */
static const char *
named_column(const OwnTable *table, int n)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (table->named[i] && n-- == 0)
			return table->shape->shape.columns[i].name;
	return "relation";
}

static bool
visit_change(Relation rel, HeapTuple tuple, void *arg)
{
	Oid		   *relation = arg;
	bool		isnull;

	if (DatumGetObjectId(heap_getattr(tuple, get_attnum(RelationGetRelid(rel), "relation"),
									  RelationGetDescr(rel), &isnull)) != *relation)
		return true;
	*relation = InvalidOid;
	return false;
}

/* Was the table of this name changed in a window, where it may have been renamed? */
static bool
was_changed(const char *name)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(name));
	Oid			relation = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);

	if (!OidIsValid(relation))
		return false;
	paysafe_store_scan(PAYSAFE_MAINTENANCE_CHANGE, NULL, 0, NULL, visit_change, &relation);
	return !OidIsValid(relation);
}

/* They say the same: of the same tables, too? */
static void
compare_names(OwnReconciliation *rec, const OwnTable *table, const Member *image, const Member *row,
			  const char *key)
{
	const char *a = image->says + OWN_DIGEST_LEN;
	const char *b = row->says + OWN_DIGEST_LEN;
	char	   *then;
	char	   *now;

	for (int i = 0; paysafe_own_rows_next_name(&a, image->says + image->len, &then) &&
		 paysafe_own_rows_next_name(&b, row->says + row->len, &now); i++)
		if ((then == NULL) != (now == NULL) ||
			(then != NULL && strcmp(then, now) != 0 &&
			 (strncmp(then, "paysafe.", strlen("paysafe.")) == 0 ||
			  (is_known(rec, then, image->at) && (isdigit((unsigned char) *now) || !was_changed(now))))))
			put_finding(rec, table, row, key,
						psprintf("column \"%s\" is not what the log says", named_column(table, i)));
}

static bool
say_the_same(const Member *image, const Member *row, bool names)
{
	int			len = names ? row->len : OWN_DIGEST_LEN;

	return (!names || image->len == row->len) && memcmp(image->says, row->says, len) == 0;
}

/* Pairs that say the same: of the same names first. */
static void
match_same(OwnReconciliation *rec, const OwnTable *table, const char *key, bool names)
{
	int			next = 0;

	for (int i = 0; i < rec->logged.n; i++)
	{
		Member	   *image = &rec->logged.members[i];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; !image->matched && k < rec->stored.n; k++)
		{
			Member	   *row = &rec->stored.members[(next + k) % rec->stored.n];

			if (row->matched || !say_the_same(image, row, names))
				continue;
			image->matched = row->matched = true;
			next = (next + k + 1) % rec->stored.n;
			if (!names)
				compare_names(rec, table, image, row, key);
		}
	}
}

/* What bytes do not tell: values of another type, texts of another encoding, new columns. */
static void
match_values(OwnReconciliation *rec, const OwnTable *table, const char *key)
{
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < rec->logged.n; i++)
			for (int k = 0; k < rec->stored.n && !rec->logged.members[i].matched; k++)
			{
				Member	   *image = &rec->logged.members[i];
				Member	   *row = &rec->stored.members[k];
				const char *column;

				CHECK_FOR_INTERRUPTS();
				if (row->matched)
					continue;
				column = paysafe_own_rows_difference(table, fetch_logged(rec, table, image),
													 fetch_stored(rec, table, row));
				if (column != NULL && pass == 0)
					continue;
				image->matched = row->matched = true;
				if (column == NULL)
					compare_names(rec, table, image, row, key);
				else
					put_finding(rec, table, row, key, psprintf("column \"%s\" is not what the log says", column));
			}
}

static void
end_key(OwnReconciliation *rec, const OwnTable *table, const char *key)
{
	if (rec->asked[table->id])
	{
		match_same(rec, table, key, true);
		match_same(rec, table, key, false);
		match_values(rec, table, key);
		for (int i = 0; i < rec->logged.n; i++)
			if (!rec->logged.members[i].matched && !may_be_missing(rec, table, &rec->logged.members[i], key))
				put_finding(rec, table, &rec->logged.members[i], key, "is not there, but the log says that it was added");
		for (int i = 0; i < rec->stored.n; i++)
			if (!rec->stored.members[i].matched && !may_be_there(rec, table, &rec->stored.members[i]))
				put_finding(rec, table, &rec->stored.members[i], key, "is there, but the log does not say that it was added");
	}
	rec->logged = rec->stored = (Members) {0};
	MemoryContextReset(rec->key_context);
}

static void
add_member(Members *members, const ReconcileItem *item)
{
	Member	   *member;
	char	   *says = palloc(item->imagelen);

	if (members->n == members->room)
	{
		members->room = Max(members->room * 2, 4);
		members->members = members->members ?
			repalloc_huge(members->members, sizeof(Member) * members->room) :
			palloc(sizeof(Member) * members->room);
	}
	memcpy(says, item->image, item->imagelen);
	member = &members->members[members->n++];
	*member = (Member)
	{
		.here = item->here, .may = !item->present, .at = item->at, .says = says, .len = item->imagelen,
		.shape = item->shape, .relid = item->relid, .tid = item->tid
	};
}

static void
merge(OwnReconciliation *rec)
{
	StringInfoData key;
	ReconcileItem item;

	initStringInfo(&key);
	while (paysafe_reconcile_sort_next(rec->sort, &item))
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (item.keylen != key.len || memcmp(item.key, key.data, key.len) != 0)
		{
			old = MemoryContextSwitchTo(rec->key_context);
			if (key.len > 0)
				end_key(rec, rec->by_id[pg_strtoint32(pnstrdup(key.data, 3))], key.data + 3);
			MemoryContextSwitchTo(old);
			resetStringInfo(&key);
			appendBinaryStringInfo(&key, item.key, item.keylen);
		}
		old = MemoryContextSwitchTo(rec->key_context);
		add_member(item.logged ? &rec->logged : &rec->stored, &item);
		MemoryContextSwitchTo(old);
	}
	if (key.len > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(rec->key_context);

		end_key(rec, rec->by_id[pg_strtoint32(pnstrdup(key.data, 3))], key.data + 3);
		MemoryContextSwitchTo(old);
	}
}

/*
 * All of it
 */

static bool
visit_activation(Relation rel, HeapTuple tuple, void *arg)
{
	OwnReconciliation *rec = arg;
	bool		isnull;
	TimestampTz at = DatumGetTimestampTz(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));

	if (at < rec->since)
	{
		rec->since = at;
		rec->since_xid = HeapTupleHeaderGetRawXmin(tuple->t_data);
	}
	return true;
}

static HTAB *
new_set(const char *name, Size keysize, Size entrysize, int flag)
{
	HASHCTL		ctl = {.keysize = keysize, .entrysize = entrysize, .hcxt = CurrentMemoryContext};

	return hash_create(name, 64, &ctl, HASH_ELEM | flag | HASH_CONTEXT);
}

/* Rules are read in any case: they say how tables were called. */
static void
open_tables(OwnReconciliation *rec, PaysafeTable only, bool whole)
{
	for (PaysafeTable id = 0; id < PAYSAFE_NTABLES; id++)
	{
		OwnTable   *table;

		if (only != PAYSAFE_NTABLES && id != only && id != PAYSAFE_RULE && id != PAYSAFE_TEST_DATABASE)
			continue;
		table = paysafe_own_rows_open(id);
		if (table == NULL)
			continue;
		rec->tables = lappend(rec->tables, table);
		rec->by_id[id] = table;
		rec->asked[id] = only == PAYSAFE_NTABLES || id == only;
		table->large = table->expires || (!whole && id != PAYSAFE_RULE && table->at != InvalidAttrNumber &&
			RelationGetNumberOfBlocks(table->rel) > LARGE_BLOCKS);
		initStringInfo(&rec->words[id]);
	}
}

static void
begin(OwnReconciliation *rec, PaysafeTable only, bool whole)
{
	rec->snapshot = GetActiveSnapshot();
	rec->since = PG_INT64_MAX;
	rec->cut = GetCurrentTimestamp() - NEW_ENOUGH;
	rec->shapes = paysafe_audit_shapes_open(rec->snapshot);
	rec->rules = new_set("paysafe images of rules", OWN_DIGEST_LEN, OWN_DIGEST_LEN, HASH_BLOBS);
	rec->known = new_set("paysafe names of tables", sizeof(((Known *) NULL)->name), sizeof(Known), HASH_BLOBS);
	rec->row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe own row", ALLOCSET_DEFAULT_SIZES);
	rec->key_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe own key", ALLOCSET_DEFAULT_SIZES);
	open_tables(rec, only, whole);
	paysafe_store_scan(PAYSAFE_ACTIVATION, NULL, 0, NULL, visit_activation, rec);
}

static void
run(OwnReconciliation *rec)
{
	ListCell   *lc;

	rec->test |= paysafe_store_is_test_database();
	rec->sort = paysafe_reconcile_sort_begin();
	read_images(rec, false);
	read_images(rec, true);
	/* by their number: rules come before what is about their tables */
	foreach(lc, rec->tables)
		read_rows(rec, lfirst(lc));
	paysafe_reconcile_sort_perform(rec->sort);
	merge(rec);
	paysafe_reconcile_sort_end(rec->sort);
}

static void
end(OwnReconciliation *rec)
{
	ListCell   *lc;

	foreach(lc, rec->tables)
		paysafe_own_rows_close(lfirst(lc));
	MemoryContextDelete(rec->row_context);
	MemoryContextDelete(rec->key_context);
}

static void
put_row(OwnReconciliation *rec, const OwnTable *table, const char *key, const char *finding)
{
	Datum		values[2] = {CStringGetTextDatum(key), CStringGetTextDatum(finding)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(rec->result->setResult, rec->result->setDesc, values, nulls);
}

void
paysafe_reconcile_own(Oid relation, ReturnSetInfo *result)
{
	OwnReconciliation rec = {.sink = put_row, .result = result};
	PaysafeTable id = 0;

	while (id < PAYSAFE_NTABLES && (!paysafe_own_rows_compared(id) || paysafe_catalog_table(id) != relation))
		id++;
	if (id == PAYSAFE_NTABLES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is not audited", get_rel_name(relation)),
				 errdetail("The audit log has no images of its rows.")));
	begin(&rec, id, true);
	run(&rec);
	end(&rec);
}

/* The first five are named. */
static void
put_words(OwnReconciliation *rec, const OwnTable *table, const char *key, const char *finding)
{
	StringInfo	words = &rec->words[table->id];

	if (rec->nfindings[table->id] <= 5)
		appendStringInfo(words, "%srow %s %s", words->len > 0 ? "; " : "", quote_literal_cstr(key), finding);
}

void
paysafe_reconcile_own_all(bool whole, OwnTableVisitor visitor, void *arg)
{
	OwnReconciliation rec = {.sink = put_words};
	ListCell   *lc;

	begin(&rec, PAYSAFE_NTABLES, whole);
	run(&rec);
	foreach(lc, rec.tables)
	{
		const OwnTable *table = lfirst(lc);
		StringInfo	words = &rec.words[table->id];

		if (rec.nfindings[table->id] > 5)
			appendStringInfo(words, "; and %d more: paysafe.reconcile lists them", rec.nfindings[table->id] - 5);
		visitor(table, words->len > 0 ? words->data : NULL, arg);
	}
	end(&rec);
}
