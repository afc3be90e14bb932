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

SealedLeaves *
paysafe_sealed_leaves(int incarnation, int64 first, int64 n)
{
	Oid			types[] = {INT8OID, INT8OID, INT4OID};
	Datum		values[] = {Int64GetDatum(first), Int64GetDatum(first + n), Int32GetDatum(incarnation)};
	SealedLeaves *result = palloc(sizeof(SealedLeaves));
	MemoryContext context = CurrentMemoryContext;

	result->first = first;
	result->n = n;
	result->leaves = palloc0(sizeof(Datum) * n);
	SPI_connect();
	if (SPI_execute_with_args("SELECT e.index, e.leaf FROM paysafe.seal_entries($1, $2, $3) e", lengthof(types), types,
							  values, NULL, true, 0) != SPI_OK_SELECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("leaves of the sealed log could not be read")));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64		index = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		Datum		leaf = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		MemoryContext old = MemoryContextSwitchTo(context);

		if (!isnull && index >= first && index < first + n)
			result->leaves[index - first] = PointerGetDatum(DatumGetByteaPCopy(leaf));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

char *
paysafe_sealed_bundle(void *arg, int64 first, int n, StringInfo out)
{
	const SealedLeaves *all = arg;

	for (int64 index = first; index < first + n; index++)
	{
		Datum		leaf = index >= all->first && index < all->first + all->n ? all->leaves[index - all->first] : (Datum) 0;
		uint8		length[2];

		if (leaf == (Datum) 0 || !tlog_bundle_length(VARSIZE_ANY_EXHDR(DatumGetPointer(leaf)), length))
			return psprintf("leaf " INT64_FORMAT " of the log is not there as it was sealed: paysafe.verify() says more",
							index);
		appendBinaryStringInfo(out, (char *) length, sizeof(length));
		appendBinaryStringInfo(out, VARDATA_ANY(DatumGetPointer(leaf)), VARSIZE_ANY_EXHDR(DatumGetPointer(leaf)));
	}
	return NULL;
}
