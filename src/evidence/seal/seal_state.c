/*-------------------------------------------------------------------------
 *
 * seal_state.c
 *	  How far the log is sealed, and which incarnation of it that is.
 *
 * A database that was restored from a dump has no paysafe.seal_state, which is not
 * dumped: there, transaction numbers say nothing of what is in the audit log, and the
 * old tree is not to grow on two servers under one name.  The same is true of a copy of
 * a database within a server.  So a new incarnation begins, with a name of its own.
 * pg_upgrade carries the state along, and transaction numbers go on: so does the tree.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "evidence/audit_leaf.h"
#include "evidence/seal/seal_state.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_state. */
enum
{
	STATE_INCARNATION, STATE_SIZE, STATE_WATERMARK, STATE_FOREIGN_UNTIL, STATE_FRONTIER,
	STATE_ROOT, STATE_SEALED_AT, STATE_DATABASE, STATE_LOOKED_LSN, STATE_LOOKED_BELOW,
	STATE_NCOLUMNS
};

/* The frontier's hashes, the largest subtree first; false if they are not so many. */
static bool
read_frontier(Datum value, TlogFrontier *frontier)
{
	bytea	   *bytes = DatumGetByteaPP(value);
	const char *p = VARDATA_ANY(bytes);
	const char *end = p + VARSIZE_ANY_EXHDR(bytes);

	for (int bit = 63; bit >= 0; bit--)
		if ((frontier->size >> bit & 1) != 0)
		{
			if (end - p < TLOG_HASH_LEN)
				return false;
			memcpy(frontier->hashes[bit].bytes, p, TLOG_HASH_LEN);
			p += TLOG_HASH_LEN;
		}
	return p == end;
}

static PAYSAFE_NORETURN void
damaged(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the state of the sealed log is damaged"),
			 errdetail_internal("%s", what),
			 errhint("Nothing more is sealed. SELECT * FROM paysafe.verify() says what is wrong; restore the tables of the schema paysafe from a backup.")));
	pg_unreachable();
}

static bool
visit_state(Relation rel, HeapTuple tuple, void *arg)
{
	SealState  *state = arg;
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS];
	bytea	   *root;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (state->found && DatumGetInt32(values[STATE_INCARNATION]) < state->incarnation)
		return true;
	state->found = true;
	state->here = DatumGetObjectId(values[STATE_DATABASE]) == MyDatabaseId;
	state->tid = tuple->t_self;
	state->incarnation = DatumGetInt32(values[STATE_INCARNATION]);
	state->size = DatumGetInt64(values[STATE_SIZE]);
	state->watermark = U64FromFullTransactionId(DatumGetFullTransactionId(values[STATE_WATERMARK]));
	state->foreign_until = nulls[STATE_FOREIGN_UNTIL] ? 0 :
		U64FromFullTransactionId(DatumGetFullTransactionId(values[STATE_FOREIGN_UNTIL]));
	state->sealed_at = DatumGetTimestampTz(values[STATE_SEALED_AT]);
	state->looked_lsn = DatumGetLSN(values[STATE_LOOKED_LSN]);
	state->looked_below = U64FromFullTransactionId(DatumGetFullTransactionId(values[STATE_LOOKED_BELOW]));
	state->frontier.size = state->size;
	state->trouble = NULL;
	root = DatumGetByteaPP(values[STATE_ROOT]);
	if (!read_frontier(values[STATE_FRONTIER], &state->frontier))
		state->trouble = "The frontier has not the hashes that the size asks for.";
	else if (VARSIZE_ANY_EXHDR(root) != TLOG_HASH_LEN)
		state->trouble = "The root is no hash.";
	else
		memcpy(state->root.bytes, VARDATA_ANY(root), TLOG_HASH_LEN);
	return true;
}

void
paysafe_seal_state_read(SealState *state)
{
	memset(state, 0, sizeof(*state));
	paysafe_store_scan(PAYSAFE_SEAL_STATE, NULL, 0, NULL, visit_state, state);
}

void
paysafe_seal_state_tree(const SealState *state, SealTree *tree)
{
	TlogFrontier frontier;
	TlogHash	root;

	if (state->trouble != NULL)
		damaged(state->trouble);
	paysafe_seal_tile_load(tree, state->incarnation, state->size);
	paysafe_seal_tile_frontier(tree, &frontier);
	for (int bit = 0; bit < 64; bit++)
		if ((state->size >> bit & 1) != 0 &&
			!tlog_hash_equal(&frontier.hashes[bit], &state->frontier.hashes[bit]))
			damaged(psprintf("The frontier and the last tile of level %d do not agree.", bit / SEAL_TILE_HEIGHT));
	tlog_frontier_root(&frontier, &root);
	if (!tlog_hash_equal(&root, &state->root))
		damaged("The root and the frontier do not agree.");
}

static Datum
frontier_datum(const TlogFrontier *frontier)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	for (int bit = 63; bit >= 0; bit--)
		if ((frontier->size >> bit & 1) != 0)
			appendBinaryStringInfo(&bytes, (const char *) frontier->hashes[bit].bytes, TLOG_HASH_LEN);
	SET_VARSIZE(bytes.data, bytes.len);
	return PointerGetDatum(bytes.data);
}

void
paysafe_seal_state_write(SealState *state, SealTree *tree)
{
	Datum		values[STATE_NCOLUMNS];
	bool		nulls[STATE_NCOLUMNS] = {0};
	bytea	   *root = palloc(VARHDRSZ + TLOG_HASH_LEN);

	paysafe_seal_tile_save(tree);
	paysafe_seal_tile_frontier(tree, &state->frontier);
	tlog_frontier_root(&state->frontier, &state->root);
	state->size = tree->size;
	state->incarnation = tree->incarnation;
	state->sealed_at = GetCurrentTimestamp();
	SET_VARSIZE(root, VARHDRSZ + TLOG_HASH_LEN);
	memcpy(VARDATA(root), state->root.bytes, TLOG_HASH_LEN);
	values[STATE_INCARNATION] = Int32GetDatum(state->incarnation);
	values[STATE_SIZE] = Int64GetDatum(state->size);
	values[STATE_WATERMARK] = FullTransactionIdGetDatum(FullTransactionIdFromU64(state->watermark));
	values[STATE_FOREIGN_UNTIL] = FullTransactionIdGetDatum(FullTransactionIdFromU64(state->foreign_until));
	nulls[STATE_FOREIGN_UNTIL] = state->foreign_until == 0;
	values[STATE_FRONTIER] = frontier_datum(&state->frontier);
	values[STATE_ROOT] = PointerGetDatum(root);
	values[STATE_SEALED_AT] = TimestampTzGetDatum(state->sealed_at);
	values[STATE_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
	values[STATE_LOOKED_LSN] = LSNGetDatum(state->looked_lsn);
	values[STATE_LOOKED_BELOW] = FullTransactionIdGetDatum(FullTransactionIdFromU64(state->looked_below));
	if (state->found)
	{
		HeapTuple	locked = paysafe_store_lock(PAYSAFE_SEAL_STATE, &state->tid, LockWaitError);

		if (locked == NULL)
			elog(ERROR, "the state of paysafe's sealed log is gone");
		paysafe_store_update(PAYSAFE_SEAL_STATE, locked, values, nulls);
		state->tid = locked->t_self;
	}
	else
		paysafe_store_insert_tid(PAYSAFE_SEAL_STATE, values, nulls, &state->tid);
	state->found = true;
	state->here = true;
}

bool
paysafe_seal_state_lock(bool nowait)
{
	return paysafe_store_lock_value(PAYSAFE_SEAL_STATE, 0, nowait);
}

/* Incarnations */

static bool
visit_newest(Relation rel, HeapTuple tuple, void *arg)
{
	int32	   *newest = arg;
	bool		isnull;

	*newest = Max(*newest, DatumGetInt32(heap_getattr(tuple, SEAL_LOG_INCARNATION + 1,
													  RelationGetDescr(rel), &isnull)));
	return true;
}

int32
paysafe_seal_state_newest(void)
{
	int32		newest = 0;

	paysafe_store_scan(PAYSAFE_SEAL_LOG, NULL, 0, NULL, visit_newest, &newest);
	return newest;
}

/* A name as part of an origin: no blanks, no "+". */
static void
append_name(StringInfo out, const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
			strchr("._-", *c) != NULL)
			appendStringInfoChar(out, *c);
		else
			appendStringInfo(out, "%%%02X", (unsigned char) *c);
}

static char *
origin_of(int32 incarnation)
{
	const char *prefix = GetConfigOption("paysafe.seal_origin", true, false);
	StringInfoData origin;

	initStringInfo(&origin);
	if (prefix != NULL && prefix[0] != '\0')
		appendStringInfoString(&origin, prefix);
	else
	{
		appendStringInfo(&origin, "paysafe/" UINT64_FORMAT "/", GetSystemIdentifier());
		append_name(&origin, get_database_name(MyDatabaseId));
	}
	appendStringInfo(&origin, "/%d", incarnation);
	return origin.data;
}

static void
append_field(StringInfo leaf, const char *text)
{
	uint32		len = strlen(text);
	uint32		prefix = pg_hton32(len);

	appendBinaryStringInfo(leaf, (const char *) &prefix, sizeof(prefix));
	appendBinaryStringInfo(leaf, text, len);
}

/* RFC 3339, in UTC, with microseconds */
static char *
time_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

/*
 * 03 || origin, system identifier, database, opened at, by, reason, last checkpoint:
 * each its length (4 bytes, big endian) and its text
 */
static void
form_opening(const Datum *values, const bool *nulls, StringInfo leaf)
{
	resetStringInfo(leaf);
	appendStringInfoChar(leaf, AUDIT_LEAF_OPENING);
	for (int i = SEAL_LOG_ORIGIN; i < SEAL_LOG_NCOLUMNS; i++)
		append_field(leaf, nulls[i] ? "" :
					 i == SEAL_LOG_OPENED_AT ? time_text(DatumGetTimestampTz(values[i])) :
					 TextDatumGetCString(values[i]));
}

void
paysafe_seal_state_open(SealState *state, SealTree *tree, const char *by, const char *reason,
						const char *last_checkpoint)
{
	Datum		values[SEAL_LOG_NCOLUMNS];
	bool		nulls[SEAL_LOG_NCOLUMNS] = {0};
	int32		incarnation = Max(paysafe_seal_state_newest(), state->incarnation) + 1;
	StringInfoData leaf;
	TlogHash	hash;

	values[SEAL_LOG_INCARNATION] = Int32GetDatum(incarnation);
	values[SEAL_LOG_ORIGIN] = CStringGetTextDatum(origin_of(incarnation));
	values[SEAL_LOG_SYSTEM_IDENTIFIER] = CStringGetTextDatum(psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	values[SEAL_LOG_DATABASE] = CStringGetTextDatum(get_database_name(MyDatabaseId));
	values[SEAL_LOG_OPENED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SEAL_LOG_OPENED_BY] = CStringGetTextDatum(by);
	values[SEAL_LOG_REASON] = CStringGetTextDatum(reason);
	nulls[SEAL_LOG_LAST_CHECKPOINT] = last_checkpoint == NULL;
	values[SEAL_LOG_LAST_CHECKPOINT] = last_checkpoint == NULL ? (Datum) 0 : CStringGetTextDatum(last_checkpoint);
	paysafe_store_insert(PAYSAFE_SEAL_LOG, values, nulls);

	initStringInfo(&leaf);
	form_opening(values, nulls, &leaf);
	tlog_hash_leaf(leaf.data, leaf.len, &hash);
	paysafe_seal_tile_load(tree, incarnation, 0);
	paysafe_seal_tile_add(tree, &hash);
	/* by the log before, or not at all */
	if (!state->found || !state->here)
	{
		state->looked_lsn = GetXLogInsertRecPtr();
		state->looked_below = state->watermark;
	}
}

typedef struct FindText
{
	int			column;
	char	   *text;
} FindText;

static bool
visit_text(Relation rel, HeapTuple tuple, void *arg)
{
	FindText   *find = arg;

	find->text = paysafe_store_text(tuple, RelationGetDescr(rel), find->column);
	return false;
}

static char *
text_of(int32 incarnation, int column)
{
	Datum		key = Int32GetDatum(incarnation);
	FindText	find = {.column = column};

	paysafe_store_scan(PAYSAFE_SEAL_LOG, "seal_log_pkey", 1, &key, visit_text, &find);
	return find.text;
}

char *
paysafe_seal_state_before(int32 incarnation)
{
	return text_of(incarnation, SEAL_LOG_LAST_CHECKPOINT);
}

char *
paysafe_seal_state_origin(int32 incarnation)
{
	return text_of(incarnation, SEAL_LOG_ORIGIN);
}

typedef struct FindOpening
{
	bool		found;
	StringInfo	leaf;
} FindOpening;

static bool
visit_opening(Relation rel, HeapTuple tuple, void *arg)
{
	FindOpening *find = arg;
	Datum		values[SEAL_LOG_NCOLUMNS];
	bool		nulls[SEAL_LOG_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	form_opening(values, nulls, find->leaf);
	find->found = true;
	return false;
}

bool
paysafe_seal_state_opening(int32 incarnation, StringInfo leaf)
{
	Datum		key = Int32GetDatum(incarnation);
	FindOpening find = {.leaf = leaf};

	paysafe_store_scan(PAYSAFE_SEAL_LOG, "seal_log_pkey", 1, &key, visit_opening, &find);
	return find.found;
}
