/*-------------------------------------------------------------------------
 *
 * log.c
 *	  The sealed log, as whoever signs and publishes it reads it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "evidence/publish/log.h"
#include "evidence/seal/seal_state.h"
#include "store/own_table.h"
#include "tlog/tile.h"

/* A row of paysafe.seal_log. */
typedef struct LogSearch
{
	int			incarnation;	/* that is looked for; 0: that of the origin */
	const char *origin;
	int			found;
	char	   *found_origin;
	char	   *opened_by;
} LogSearch;

static bool
ends_with(const char *text, const char *end)
{
	size_t		len = strlen(text);

	return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool
take_log(Relation rel, HeapTuple tuple, void *arg)
{
	LogSearch  *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int			incarnation = DatumGetInt32(heap_getattr(tuple, SEAL_LOG_INCARNATION + 1, desc, &isnull));
	char	   *origin = paysafe_store_text(tuple, desc, SEAL_LOG_ORIGIN);

	if (search->incarnation != 0 ? search->incarnation != incarnation : strcmp(search->origin, origin) != 0)
		return true;
	search->found = incarnation;
	search->found_origin = origin;
	search->opened_by = paysafe_store_text(tuple, desc, SEAL_LOG_OPENED_BY);
	return false;
}

/* Not the first one, which nothing came before, and none that two people have begun. */
static bool
begins_by_itself(int incarnation, const char *opened_by)
{
	return incarnation > 1 && !ends_with(opened_by, LOG_BY_TWO);
}

/* search->incarnation: before this one */
static bool
take_before(Relation rel, HeapTuple tuple, void *arg)
{
	LogSearch  *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int			incarnation = DatumGetInt32(heap_getattr(tuple, SEAL_LOG_INCARNATION + 1, desc, &isnull));

	if (incarnation < search->incarnation && incarnation > search->found &&
		!begins_by_itself(incarnation, paysafe_store_text(tuple, desc, SEAL_LOG_OPENED_BY)))
	{
		search->found = incarnation;
		search->found_origin = paysafe_store_text(tuple, desc, SEAL_LOG_ORIGIN);
	}
	return true;
}

static char *
origin_before(int incarnation)
{
	LogSearch	search = {.incarnation = incarnation};

	paysafe_store_scan(PAYSAFE_SEAL_LOG, NULL, 0, NULL, take_before, &search);
	return search.found_origin;
}

bool
paysafe_log_head(LogHead *out)
{
	SealState	state;
	LogSearch	search = {0};

	paysafe_seal_state_read(&state);
	if (!state.found || !state.here)
		return false;
	search.incarnation = state.incarnation;
	paysafe_store_scan(PAYSAFE_SEAL_LOG, NULL, 0, NULL, take_log, &search);
	if (search.found == 0)
		return false;
	out->incarnation = state.incarnation;
	out->origin = search.found_origin;
	out->begun_by_itself = begins_by_itself(state.incarnation, search.opened_by);
	out->before = out->begun_by_itself ? origin_before(state.incarnation) : NULL;
	out->size = state.size;
	out->root = state.root;
	out->sealed_at = state.sealed_at;
	return true;
}

bool
paysafe_log_incarnation(const char *origin, int *incarnation)
{
	LogSearch	search = {.origin = origin};

	paysafe_store_scan(PAYSAFE_SEAL_LOG, NULL, 0, NULL, take_log, &search);
	*incarnation = search.found;
	return search.found != 0;
}

struct LogLeaves
{
	Portal		portal;
	int64		next;
};

LogLeaves *
paysafe_log_begin(int incarnation, int64 first, int64 n)
{
	Oid			types[] = {INT8OID, INT8OID, INT4OID};
	Datum		values[] = {Int64GetDatum(first), Int64GetDatum(first + n), Int32GetDatum(incarnation)};
	LogLeaves *result = palloc(sizeof(LogLeaves));
	MemoryContext context = CurrentMemoryContext;

	SPI_connect();
	result->next = first;
	result->portal = SPI_cursor_open_with_args(NULL, "SELECT e.index, e.leaf FROM paysafe.seal_entries($1, $2, $3) e",
											   lengthof(types), types, values, NULL, true, CURSOR_OPT_NO_SCROLL);
	MemoryContextSwitchTo(context);
	return result;
}

void
paysafe_log_end(LogLeaves *leaves)
{
	MemoryContext context = CurrentMemoryContext;

	SPI_cursor_close(leaves->portal);
	SPI_finish();
	MemoryContextSwitchTo(context);
}

/* Append the leaf, if it is the one of this index and all of it is there. */
static bool
append_leaf(HeapTuple tuple, TupleDesc desc, int64 index, StringInfo out)
{
	bool		isnull;
	bool		leaf_isnull;
	int64		found = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	Datum		leaf = SPI_getbinval(tuple, desc, 2, &leaf_isnull);
	uint8		length[2];

	if (isnull || found != index || leaf_isnull ||
		!tlog_bundle_length(VARSIZE_ANY_EXHDR(DatumGetByteaPP(leaf)), length))
		return false;
	appendBinaryStringInfo(out, (char *) length, sizeof(length));
	appendBinaryStringInfo(out, VARDATA_ANY(DatumGetByteaPP(leaf)), VARSIZE_ANY_EXHDR(DatumGetByteaPP(leaf)));
	return true;
}

char *
paysafe_log_bundle(void *arg, int64 first, int n, StringInfo out)
{
	LogLeaves *leaves = arg;
	MemoryContext context = CurrentMemoryContext;
	int64		missing = -1;

	Assert(first == leaves->next);
	SPI_cursor_fetch(leaves->portal, true, n);
	for (int i = 0; i < n && missing < 0; i++)
		if ((uint64) i >= SPI_processed ||
			!append_leaf(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, first + i, out))
			missing = first + i;
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(context);
	leaves->next = first + n;
	return missing < 0 ? NULL :
		psprintf("leaf " INT64_FORMAT " of the log is not there as it was sealed: paysafe.verify() says more", missing);
}
