/*-------------------------------------------------------------------------
 *
 * sealed.c
 *	  The sealed log, as whoever signs and publishes it reads it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "evidence/publish/sealed.h"
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

bool
paysafe_sealed_head(SealedHead *out)
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
	out->begun_by_itself = state.incarnation > 1 &&
		!ends_with(search.opened_by, SEALED_BY_TWO);
	out->size = state.size;
	out->root = state.root;
	out->sealed_at = state.sealed_at;
	return true;
}

bool
paysafe_sealed_incarnation(const char *origin, int *incarnation)
{
	LogSearch	search = {.origin = origin};

	paysafe_store_scan(PAYSAFE_SEAL_LOG, NULL, 0, NULL, take_log, &search);
	*incarnation = search.found;
	return search.found != 0;
}

void
paysafe_sealed_bundle(void *arg, int64 first, int n, StringInfo out)
{
	Oid			types[2] = {INT8OID, INT8OID};
	Datum		values[2] = {Int64GetDatum(first), Int64GetDatum(first + n)};
	MemoryContext context = CurrentMemoryContext;

	SPI_connect();
	if (SPI_execute_with_args("SELECT e.leaf FROM paysafe.seal_entries($1, $2) e", 2, types, values, NULL, true, 0) != SPI_OK_SELECT ||
		SPI_processed != (uint64) n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("leaves of the sealed log from " INT64_FORMAT " on are missing", first)));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		leaf = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		uint8		length[2];
		MemoryContext old;

		if (isnull || !tlog_bundle_length(VARSIZE_ANY_EXHDR(DatumGetByteaPP(leaf)), length))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("leaf " INT64_FORMAT " of the sealed log is missing", first + i)));
		old = MemoryContextSwitchTo(context);
		appendBinaryStringInfo(out, (char *) length, sizeof(length));
		appendBinaryStringInfo(out, VARDATA_ANY(DatumGetByteaPP(leaf)), VARSIZE_ANY_EXHDR(DatumGetByteaPP(leaf)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}
