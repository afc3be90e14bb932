/*-------------------------------------------------------------------------
 *
 * history.c
 *	  Reading the audit log: the life of a row, and what somebody has done.
 *
 * What these functions return are rows of the view paysafe.audit_log, made here
 * because to plan a query of all months takes longer than to look a row up.  Whoever
 * calls them needs to be allowed to read the view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/scan.h"
#include "compat.h"
#include "evidence/audit_context.h"
#include "evidence/audit_log.h"
#include "evidence/reading/find.h"
#include "evidence/reading/shapes.h"
#include "evidence/reading/term.h"
#include "evidence/retention/retention.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.audit_log. */
enum
{
	LOG_AT, LOG_XID, LOG_COMMAND, LOG_SEQ, LOG_SUBJECT, LOG_SCHEMA, LOG_TABLE, LOG_OP, LOG_KEY,
	LOG_BEFORE, LOG_AFTER, LOG_ACTOR, LOG_ACTOR_CLAIMED, LOG_REASON, LOG_TICKET, LOG_REQUEST_ID,
	LOG_BUSINESS_ID, LOG_TENANT, LOG_LOGIN, LOG_SESSION_USER, LOG_CURRENT_USER, LOG_CLIENT_ADDR, LOG_CLIENT_CERT,
	LOG_APPLICATION_NAME, LOG_ORIGIN, LOG_REMOVED_AT, LOG_REMOVED_BY, LOG_REMOVED_BECAUSE,
	LOG_IDENTITY, LOG_CLIENT_CERT_SHA256, LOG_PROOF,
	LOG_NCOLUMNS
};

/* A function that reads the log, under way. */
typedef struct Reading
{
	ReturnSetInfo *result;
	Snapshot	snapshot;
	AuditShapes *shapes;
	MemoryContext row_context;
	Datum	   *values;
	bool	   *nulls;
	TimestampTz from;
	TimestampTz before;
} Reading;

/*
 * Showing rows
 */

static void
set_text(Reading *reading, int column, const char *text)
{
	reading->nulls[column] = text == NULL;
	reading->values[column] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static const char *
op_name(char op)
{
	switch (op)
	{
		case 'I':
			return "INSERT";
		case 'U':
			return "UPDATE";
		case 'D':
			return "DELETE";
		case AUDIT_ADD_COLUMN:
			return "ADD COLUMN";
	}
	return NULL;
}

/* The members of an object that are not null, or NULL if there are none. */
static Jsonb *
without_nulls(Jsonb *object)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	int			n = 0;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = value;
		if (token != WJB_VALUE || value.type == jbvNull)
			continue;
		(void) pushJsonbValue(&state, WJB_KEY, &key);
		(void) pushJsonbValue(&state, WJB_VALUE, &value);
		n++;
	}
	return n == 0 ? NULL : JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
set_image(Reading *reading, int column, const AuditShapeRead *shape, TupleTableSlot *row, int from, int other)
{
	bytea	   *image;
	bytea	   *base;
	Jsonb	   *json;

	reading->nulls[column] = row->tts_isnull[from] || !shape->found;
	if (reading->nulls[column])
		return;
	image = DatumGetByteaPP(row->tts_values[from]);
	base = other < 0 || row->tts_isnull[other] ? NULL : DatumGetByteaPP(row->tts_values[other]);
	json = paysafe_canon_read(shape->shape, shape->encoding, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image),
							  base ? VARDATA_ANY(base) : NULL, base ? VARSIZE_ANY_EXHDR(base) : 0);
	if (DatumGetChar(row->tts_values[ROW_OP]) == AUDIT_ADD_COLUMN)
		json = without_nulls(json);
	reading->nulls[column] = json == NULL;
	reading->values[column] = PointerGetDatum(json);
}

static void
set_context(Reading *reading, const AuditShapeRead *shape, TupleTableSlot *row)
{
	static const int texts[][2] = {
		{LOG_REASON, CONTEXT_REASON}, {LOG_TICKET, CONTEXT_TICKET}, {LOG_REQUEST_ID, CONTEXT_REQUEST_ID},
		{LOG_BUSINESS_ID, CONTEXT_BUSINESS_ID}, {LOG_TENANT, CONTEXT_TENANT}, {LOG_LOGIN, CONTEXT_LOGIN},
		{LOG_SESSION_USER, CONTEXT_SESSION_USER}, {LOG_CURRENT_USER, CONTEXT_CURRENT_USER},
		{LOG_CLIENT_ADDR, CONTEXT_CLIENT_ADDR}, {LOG_CLIENT_CERT, CONTEXT_CLIENT_CERT},
		{LOG_APPLICATION_NAME, CONTEXT_APPLICATION_NAME}, {LOG_IDENTITY, CONTEXT_IDENTITY},
		{LOG_CLIENT_CERT_SHA256, CONTEXT_CLIENT_CERT_SHA256}, {LOG_PROOF, CONTEXT_PROOF}
	};
	AuditContextText context = {.origin = -1};

	if (!row->tts_isnull[ROW_CONTEXT] && shape->found &&
		!paysafe_audit_context_read(DatumGetByteaPP(row->tts_values[ROW_CONTEXT]), shape->encoding, &context))
		paysafe_audit_context_malformed();
	set_text(reading, LOG_ACTOR, paysafe_audit_context_actor(&context));
	reading->values[LOG_ACTOR_CLAIMED] = BoolGetDatum(context.text[CONTEXT_ACTOR] != NULL);
	for (int i = 0; i < (int) lengthof(texts); i++)
		set_text(reading, texts[i][0], context.text[texts[i][1]]);
	reading->nulls[LOG_ORIGIN] = context.origin < 0;
	reading->values[LOG_ORIGIN] = Int32GetDatum(context.origin);
}

/* Return a row of the log as the view shows it. */
static void
show(Reading *reading, TupleTableSlot *row)
{
	static const int same[][2] = {
		{LOG_AT, ROW_AT}, {LOG_XID, ROW_XID}, {LOG_COMMAND, ROW_COMMAND}, {LOG_SEQ, ROW_SEQ},
		{LOG_KEY, ROW_KEY}
	};
	MemoryContext old = MemoryContextSwitchTo(reading->row_context);
	const AuditShapeRead *shape;

	slot_getallattrs(row);
	shape = paysafe_audit_shapes_get(reading->shapes, DatumGetInt64(row->tts_values[ROW_SHAPE]));
	memset(reading->nulls, true, sizeof(bool) * reading->result->setDesc->natts);
	for (int i = 0; i < (int) lengthof(same); i++)
	{
		reading->nulls[same[i][0]] = row->tts_isnull[same[i][1]];
		reading->values[same[i][0]] = row->tts_values[same[i][1]];
	}
	set_text(reading, LOG_SUBJECT, shape->found ? shape->subject : NULL);
	set_text(reading, LOG_SCHEMA, shape->found ? shape->schema_name : NULL);
	set_text(reading, LOG_TABLE, shape->found ? shape->table_name : NULL);
	set_text(reading, LOG_OP, op_name(DatumGetChar(row->tts_values[ROW_OP])));
	set_image(reading, LOG_BEFORE, shape, row, ROW_BEFORE, ROW_AFTER);
	set_image(reading, LOG_AFTER, shape, row, ROW_AFTER, -1);
	reading->nulls[LOG_ACTOR_CLAIMED] = false;
	set_context(reading, shape, row);
	tuplestore_putvalues(reading->result->setResult, reading->result->setDesc, reading->values, reading->nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reading->row_context);
}

/* What such a function begins with; period: its argument with the first of two times. */
static void
begin_reading(Reading *reading, FunctionCallInfo fcinfo, int period)
{
	Oid			view = get_relname_relid("audit_log", paysafe_catalog_schema());
	AclResult	allowed = pg_class_aclcheck(view, GetUserId(), ACL_SELECT);

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_VIEW, "audit_log");
	InitMaterializedSRF(fcinfo, 0);
	reading->result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (reading->result->setDesc->natts < LOG_NCOLUMNS)
		elog(ERROR, "view \"audit_log\" has too few columns");
	reading->snapshot = GetActiveSnapshot();
	reading->shapes = paysafe_audit_shapes_open(reading->snapshot);
	reading->row_context = AllocSetContextCreate(CurrentMemoryContext, "paysafe history row",
												 ALLOCSET_DEFAULT_SIZES);
	reading->values = palloc(sizeof(Datum) * reading->result->setDesc->natts);
	reading->nulls = palloc(sizeof(bool) * reading->result->setDesc->natts);
	reading->from = PG_ARGISNULL(period) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(period);
	reading->before = PG_ARGISNULL(period + 1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(period + 1);
}

/*
 * The life of a row
 */

/* Payloads of its table that were removed, and with them what was known of it until then. */
typedef struct Purge
{
	TimestampTz until;
	TimestampTz at;
	const char *table_name;
	const char *actor;
	const char *reason;
} Purge;

#define PURGE	'P'				/* the op of such an event */

/* A change of it, columns that were added to its table, or a purge. */
typedef struct Event
{
	TimestampTz at;
	TimestampTz first_at;		/* of the events of its transaction */
	uint64		xid;
	CommandId	command;
	int32		seq;
	char		op;
	Oid			partition;
	ItemPointerData tid;
	const Purge *purge;
} Event;

typedef struct Events
{
	int64		n;
	int64		room;
	Event	   *events;
} Events;

typedef struct Life
{
	Reading    *reading;
	const char *subject;
	const char *key;
	int			keylen;
	Events		changes;
	Events		columns;
	Events		purges;
} Life;

static Event *
new_event(Events *events)
{
	if (events->n == events->room)
	{
		events->room = Max(events->room * 2, 16);
		events->events = events->events ? repalloc_huge(events->events, sizeof(Event) * events->room) :
			palloc(sizeof(Event) * events->room);
	}
	return &events->events[events->n++];
}

static void
add_event(Events *events, Relation partition, TupleTableSlot *row)
{
	*new_event(events) = (Event)
	{
		.at = DatumGetTimestampTz(row->tts_values[ROW_AT]),
		.xid = U64FromFullTransactionId(DatumGetFullTransactionId(row->tts_values[ROW_XID])),
		.command = (CommandId) DatumGetInt32(row->tts_values[ROW_COMMAND]),
		.seq = DatumGetInt32(row->tts_values[ROW_SEQ]),
		.op = DatumGetChar(row->tts_values[ROW_OP]),
		.partition = RelationGetRelid(partition),
		.tid = row->tts_tid
	};
}

static void
visit_of_life(Relation partition, TupleTableSlot *row, void *arg)
{
	Life	   *life = arg;
	MemoryContext old = MemoryContextSwitchTo(life->reading->row_context);
	bool		is_change = false;
	bool		is_column = false;

	/* of most rows that is enough */
	slot_getsomeattrs(row, ROW_KEY + 1);
	if (!row->tts_isnull[ROW_KEY])
	{
		text	   *key = DatumGetTextPP(row->tts_values[ROW_KEY]);

		is_change = VARSIZE_ANY_EXHDR(key) == life->keylen &&
			memcmp(VARDATA_ANY(key), life->key, life->keylen) == 0;
	}
	else
	{
		slot_getsomeattrs(row, ROW_OP + 1);
		is_column = DatumGetChar(row->tts_values[ROW_OP]) == AUDIT_ADD_COLUMN && !row->tts_isnull[ROW_NONCE];
	}
	if (is_change || is_column)
	{
		const AuditShapeRead *shape = paysafe_audit_shapes_get(life->reading->shapes,
															   DatumGetInt64(row->tts_values[ROW_SHAPE]));

		MemoryContextSwitchTo(old);
		slot_getsomeattrs(row, ROW_OP + 1);
		if (shape->found && strcmp(shape->subject, life->subject) == 0)
			add_event(is_change ? &life->changes : &life->columns, partition, row);
	}
	MemoryContextSwitchTo(old);
	if (is_change || is_column)
		MemoryContextReset(life->reading->row_context);
}

static int
by_time(const void *a, const void *b)
{
	const Event *x = a;
	const Event *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->command != y->command)
		return (int32) x->command < (int32) y->command ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int
by_transaction(const void *a, const void *b)
{
	const Event *x = a;
	const Event *y = b;

	if (x->xid != y->xid)
		return x->xid < y->xid ? -1 : 1;
	return by_time(a, b);
}

static int
by_life(const void *a, const void *b)
{
	const Event *x = a;
	const Event *y = b;

	if (x->first_at != y->first_at)
		return x->first_at < y->first_at ? -1 : 1;
	if (x->xid != y->xid)
		return x->xid < y->xid ? -1 : 1;
	if (x->command != y->command)
		return (int32) x->command < (int32) y->command ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
sort_events(Events *events, int (*compare) (const void *, const void *))
{
	if (events->n > 1)
		qsort(events->events, events->n, sizeof(Event), compare);
}

/* Was the row there at a time?  The changes are sorted by time. */
static bool
was_there(const Events *changes, TimestampTz at)
{
	int64		low = 0;
	int64		high = changes->n;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (changes->events[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0)
		return changes->events[low - 1].op != 'D';
	/* before the first change that is recorded */
	return changes->events[0].op != 'I';
}

static bool
visit_purge(Relation rel, TupleTableSlot *row, void *arg)
{
	Life	   *life = arg;
	Purge	   *purge;

	slot_getallattrs(row);
	if (row->tts_isnull[RETENTION_SUBJECT] || row->tts_isnull[RETENTION_UPPER] ||
		strcmp(TextDatumGetCString(row->tts_values[RETENTION_ACTION]), "purge") != 0 ||
		strcmp(TextDatumGetCString(row->tts_values[RETENTION_SUBJECT]), life->subject) != 0)
		return true;
	purge = palloc(sizeof(Purge));
	*purge = (Purge)
	{
		.until = DatumGetTimestampTz(row->tts_values[RETENTION_UPPER]),
		.at = DatumGetTimestampTz(row->tts_values[RETENTION_AT]),
		.table_name = row->tts_isnull[RETENTION_TABLE] ? NULL : TextDatumGetCString(row->tts_values[RETENTION_TABLE]),
		.actor = TextDatumGetCString(row->tts_values[RETENTION_ACTOR]),
		.reason = TextDatumGetCString(row->tts_values[RETENTION_REASON])
	};
	/* after what was changed at the same time */
	*new_event(&life->purges) = (Event) {.at = purge->until, .xid = PG_UINT64_MAX, .op = PURGE, .purge = purge};
	return true;
}

static void
find_purges(Life *life)
{
	Relation	rel = paysafe_store_open(PAYSAFE_RETENTION_RECORD);

	paysafe_scan(rel, NULL, 0, NULL, life->reading->snapshot, visit_purge, life);
	paysafe_store_close(rel);
}

/* All events in the order in which they are returned, each transaction's together. */
static void
order_events(Life *life)
{
	Events	   *all = &life->changes;
	int64		nchanges = all->n;

	sort_events(all, by_time);
	for (int64 i = 0; nchanges > 0 && i < life->columns.n; i++)
	{
		const Event *event = &life->columns.events[i];

		if (was_there(&(Events) {.n = nchanges, .events = all->events}, event->at))
			*new_event(all) = *event;
	}
	for (int64 i = 0; i < life->purges.n; i++)
		*new_event(all) = life->purges.events[i];
	sort_events(all, by_transaction);
	for (int64 i = 0; i < all->n; i++)
		all->events[i].first_at = i > 0 && all->events[i].op != PURGE && all->events[i - 1].xid == all->events[i].xid ?
			all->events[i - 1].first_at : all->events[i].at;
	sort_events(all, by_life);
}

static void
show_purge(const Life *life, const Purge *purge)
{
	Reading    *reading = life->reading;
	MemoryContext old = MemoryContextSwitchTo(reading->row_context);

	memset(reading->nulls, true, sizeof(bool) * reading->result->setDesc->natts);
	reading->nulls[LOG_AT] = reading->nulls[LOG_REMOVED_AT] = false;
	reading->values[LOG_AT] = TimestampTzGetDatum(purge->until);
	reading->values[LOG_REMOVED_AT] = TimestampTzGetDatum(purge->at);
	set_text(reading, LOG_SUBJECT, life->subject);
	set_text(reading, LOG_TABLE, purge->table_name);
	set_text(reading, LOG_OP, "PURGE");
	set_text(reading, LOG_KEY, life->key);
	set_text(reading, LOG_REMOVED_BY, purge->actor);
	set_text(reading, LOG_REMOVED_BECAUSE, purge->reason);
	tuplestore_putvalues(reading->result->setResult, reading->result->setDesc, reading->values, reading->nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reading->row_context);
}

static void
show_events(const Life *life)
{
	Reading    *reading = life->reading;
	const Events *events = &life->changes;
	Relation	partition = NULL;
	TupleTableSlot *slot = NULL;

	for (int64 i = 0; i < events->n; i++)
	{
		Event	   *event = &events->events[i];

		CHECK_FOR_INTERRUPTS();
		if (event->at < reading->from || event->at >= reading->before)
			continue;
		if (event->purge != NULL)
		{
			show_purge(life, event->purge);
			continue;
		}
		if (partition == NULL || RelationGetRelid(partition) != event->partition)
		{
			if (partition != NULL)
			{
				ExecDropSingleTupleTableSlot(slot);
				table_close(partition, NoLock);
			}
			partition = table_open(event->partition, AccessShareLock);
			slot = table_slot_create(partition, NULL);
		}
		if (!table_tuple_fetch_row_version(partition, &event->tid, reading->snapshot, slot))
			elog(ERROR, "a row of the audit log has gone");
		show(reading, slot);
	}
	if (partition != NULL)
	{
		ExecDropSingleTupleTableSlot(slot);
		table_close(partition, NoLock);
	}
}

static bool
visit_rule(Relation rel, HeapTuple tuple, void *arg)
{
	enum
	{
		RULE_SPEC = 5
	};
	char	  **subject = arg;
	bool		isnull;

	*subject = paysafe_spec_text(DatumGetJsonbP(heap_getattr(tuple, RULE_SPEC, RelationGetDescr(rel), &isnull)),
								 "subject");
	return false;
}

/* What the log calls the table, or NULL: it was never declared. */
static char *
subject_of(Oid relation, Snapshot snapshot)
{
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum("audit")};
	char	   *subject = NULL;

	/* its newest version */
	paysafe_store_seek(PAYSAFE_RULE, "rule_pkey", 2, keys, InvalidStrategy, (Datum) 0, true, snapshot,
					   visit_rule, &subject);
	return subject;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_history);

/*
 * history(relation regclass, key text, starts_at timestamptz, ends_at timestamptz)
 * returns setof audit_log
 */
Datum
paysafe_history(PG_FUNCTION_ARGS)
{
	enum
	{
		RELATION, KEY, PERIOD
	};
	Reading		reading;
	Life		life = {.reading = &reading};
	AuditTerm	terms[2];

	begin_reading(&reading, fcinfo, PERIOD);
	if (PG_ARGISNULL(RELATION) || PG_ARGISNULL(KEY))
		return (Datum) 0;
	life.subject = subject_of(PG_GETARG_OID(RELATION), reading.snapshot);
	if (life.subject == NULL)
		return (Datum) 0;
	life.key = paysafe_row_key_logged(PG_GETARG_OID(RELATION), text_to_cstring(PG_GETARG_TEXT_PP(KEY)));
	life.keylen = strlen(life.key);
	terms[0] = paysafe_audit_term(AUDIT_TERM_ROW, life.subject, life.key);
	terms[1] = paysafe_audit_term(AUDIT_TERM_COLUMNS, life.subject, "");
	/* whether columns were added to the row hangs on what was before the period */
	paysafe_audit_find(reading.snapshot, terms, 2, DT_NOBEGIN, DT_NOEND, visit_of_life, &life);
	find_purges(&life);
	order_events(&life);
	show_events(&life);
	return (Datum) 0;
}

/* By one of the texts of the context. */
typedef struct Search
{
	Reading    *reading;
	AuditTermKind kind;
	const char *text;
	/* the context of the row before, and whether it is one that is looked for */
	int64		shape;
	StringInfoData context;
	bool		matches;
} Search;

static bool
context_matches(Search *search, const AuditShapeRead *shape, const bytea *bytes)
{
	AuditContextText context;
	const char *text;

	if (!shape->found || !paysafe_audit_context_read(bytes, shape->encoding, &context))
		return false;
	text = search->kind == AUDIT_TERM_ACTOR ? paysafe_audit_context_actor(&context) :
		context.text[search->kind == AUDIT_TERM_REQUEST ? CONTEXT_REQUEST_ID : CONTEXT_BUSINESS_ID];
	return text != NULL && strcmp(text, search->text) == 0;
}

static void
visit_of_search(Relation partition, TupleTableSlot *row, void *arg)
{
	Search	   *search = arg;
	Reading    *reading = search->reading;
	MemoryContext old = MemoryContextSwitchTo(reading->row_context);
	bytea	   *bytes;
	int			len;
	int64		shape;

	slot_getallattrs(row);
	if (row->tts_isnull[ROW_NONCE] || row->tts_isnull[ROW_CONTEXT])
	{
		MemoryContextSwitchTo(old);
		return;
	}
	bytes = DatumGetByteaPP(row->tts_values[ROW_CONTEXT]);
	len = VARSIZE_ANY_EXHDR(bytes);
	shape = DatumGetInt64(row->tts_values[ROW_SHAPE]);
	if (shape != search->shape || len != search->context.len ||
		memcmp(VARDATA_ANY(bytes), search->context.data, len) != 0)
	{
		search->matches = context_matches(search, paysafe_audit_shapes_get(reading->shapes, shape), bytes);
		search->shape = shape;
		resetStringInfo(&search->context);
		appendBinaryStringInfo(&search->context, VARDATA_ANY(bytes), len);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(reading->row_context);
	if (search->matches)
		show(reading, row);
}

static void
search_by(FunctionCallInfo fcinfo, AuditTermKind kind)
{
	enum
	{
		TEXT, PERIOD
	};
	Reading		reading;
	Search		search = {.reading = &reading, .kind = kind};
	AuditTerm	term;

	begin_reading(&reading, fcinfo, PERIOD);
	if (PG_ARGISNULL(TEXT))
		return;
	search.text = text_to_cstring(PG_GETARG_TEXT_PP(TEXT));
	initStringInfo(&search.context);
	term = paysafe_audit_term(kind, "", search.text);
	paysafe_audit_find(reading.snapshot, &term, 1, reading.from, reading.before, visit_of_search, &search);
}

PG_FUNCTION_INFO_V1(paysafe_history_of_actor);

/*
 * history_of_actor(actor text, starts_at timestamptz, ends_at timestamptz) returns setof audit_log
 */
Datum
paysafe_history_of_actor(PG_FUNCTION_ARGS)
{
	search_by(fcinfo, AUDIT_TERM_ACTOR);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(paysafe_history_of_request);

/*
 * history_of_request(request_id text, starts_at timestamptz, ends_at timestamptz) returns setof audit_log
 */
Datum
paysafe_history_of_request(PG_FUNCTION_ARGS)
{
	search_by(fcinfo, AUDIT_TERM_REQUEST);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(paysafe_history_of_business_id);

/*
 * history_of_business_id(business_id text, starts_at timestamptz, ends_at timestamptz) returns setof audit_log
 */
Datum
paysafe_history_of_business_id(PG_FUNCTION_ARGS)
{
	search_by(fcinfo, AUDIT_TERM_BUSINESS);
	return (Datum) 0;
}
