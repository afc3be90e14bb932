/*-------------------------------------------------------------------------
 *
 * checkpoint.c
 *	  Signed checkpoints, as they are stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "evidence/publish/checkpoint.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_checkpoint. */
enum
{
	CHECKPOINT_INCARNATION, CHECKPOINT_SIZE, CHECKPOINT_ROOT, CHECKPOINT_AT, CHECKPOINT_NOTE,
	CHECKPOINT_PUBLISHED_AT,
	CHECKPOINT_NCOLUMNS
};

/* Columns of paysafe.seal_cosignature. */
enum
{
	COSIGNATURE_INCARNATION, COSIGNATURE_SIZE, COSIGNATURE_LINE, COSIGNATURE_WITNESS,
	COSIGNATURE_AT,
	COSIGNATURE_NCOLUMNS
};

typedef struct Search
{
	Checkpoint *out;
	bool		published;		/* only such */
	bool		found;
} Search;

static bool
take(Relation rel, HeapTuple tuple, void *arg)
{
	Search	   *search = arg;
	Checkpoint *out = search->out;
	Datum		values[CHECKPOINT_NCOLUMNS];
	bool		nulls[CHECKPOINT_NCOLUMNS];
	bytea	   *root;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (search->published && nulls[CHECKPOINT_PUBLISHED_AT])
		return true;
	root = DatumGetByteaPP(values[CHECKPOINT_ROOT]);
	if (VARSIZE_ANY_EXHDR(root) != TLOG_HASH_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the root of a checkpoint is no SHA-256")));
	out->incarnation = DatumGetInt32(values[CHECKPOINT_INCARNATION]);
	out->size = DatumGetInt64(values[CHECKPOINT_SIZE]);
	memcpy(out->root.bytes, VARDATA_ANY(root), TLOG_HASH_LEN);
	out->at = DatumGetTimestampTz(values[CHECKPOINT_AT]);
	out->note = TextDatumGetCString(values[CHECKPOINT_NOTE]);
	out->published = !nulls[CHECKPOINT_PUBLISHED_AT];
	out->tid = tuple->t_self;
	search->found = true;
	return false;
}

static bool
seek(int incarnation, StrategyNumber strategy, int64 size, bool backward, bool published,
	 Checkpoint *out)
{
	Search		search = {.out = out, .published = published};
	Datum		key = Int32GetDatum(incarnation);

	paysafe_store_seek(PAYSAFE_SEAL_CHECKPOINT, "seal_checkpoint_pkey", 1, &key, strategy,
					   Int64GetDatum(size), backward, NULL, take, &search);
	return search.found;
}

bool
paysafe_checkpoint_last(int incarnation, Checkpoint *out)
{
	return seek(incarnation, InvalidStrategy, 0, true, false, out);
}

bool
paysafe_checkpoint_find(int incarnation, int64 size, Checkpoint *out)
{
	return seek(incarnation, BTEqualStrategyNumber, size, false, false, out);
}

bool
paysafe_checkpoint_from(int incarnation, int64 size, Checkpoint *out)
{
	return seek(incarnation, BTGreaterEqualStrategyNumber, size, false, false, out);
}

bool
paysafe_checkpoint_before(int incarnation, int64 size, Checkpoint *out)
{
	return seek(incarnation, BTLessStrategyNumber, size, true, false, out);
}

bool
paysafe_checkpoint_any_published(int incarnation)
{
	Checkpoint	checkpoint;

	return seek(incarnation, InvalidStrategy, 0, true, true, &checkpoint);
}

void
paysafe_checkpoint_add(const Checkpoint *checkpoint)
{
	Datum		values[CHECKPOINT_NCOLUMNS];
	bool		nulls[CHECKPOINT_NCOLUMNS] = {0};

	values[CHECKPOINT_INCARNATION] = Int32GetDatum(checkpoint->incarnation);
	values[CHECKPOINT_SIZE] = Int64GetDatum(checkpoint->size);
	values[CHECKPOINT_ROOT] = paysafe_argument_bytea(checkpoint->root.bytes, TLOG_HASH_LEN);
	values[CHECKPOINT_AT] = TimestampTzGetDatum(checkpoint->at);
	values[CHECKPOINT_NOTE] = CStringGetTextDatum(checkpoint->note);
	nulls[CHECKPOINT_PUBLISHED_AT] = true;
	paysafe_store_append(PAYSAFE_SEAL_CHECKPOINT, values, nulls);
}

void
paysafe_checkpoint_set_published(const Checkpoint *checkpoint)
{
	ItemPointerData tid = checkpoint->tid;
	HeapTuple	tuple = paysafe_store_lock(PAYSAFE_SEAL_CHECKPOINT, &tid, LockWaitBlock);
	Datum		values[CHECKPOINT_NCOLUMNS];
	bool		nulls[CHECKPOINT_NCOLUMNS];
	Relation	rel;

	if (tuple == NULL)
		return;
	rel = paysafe_store_open(PAYSAFE_SEAL_CHECKPOINT);
	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	paysafe_store_close(rel);
	nulls[CHECKPOINT_PUBLISHED_AT] = false;
	values[CHECKPOINT_PUBLISHED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_update(PAYSAFE_SEAL_CHECKPOINT, tuple, values, nulls);
}

/* Cosignatures of a checkpoint. */
typedef struct Lines
{
	StringInfoData text;
	const char *line;			/* is it there? */
	bool		found;
} Lines;

static bool
add_line(Relation rel, HeapTuple tuple, void *arg)
{
	Lines	   *lines = arg;
	char	   *line = paysafe_store_text(tuple, RelationGetDescr(rel), COSIGNATURE_LINE);

	lines->found |= lines->line != NULL && strcmp(lines->line, line) == 0;
	appendStringInfo(&lines->text, "%s\n", line);
	return true;
}

static void
read_lines(const Checkpoint *checkpoint, Lines *lines)
{
	Datum		keys[2] = {Int32GetDatum(checkpoint->incarnation), Int64GetDatum(checkpoint->size)};

	initStringInfo(&lines->text);
	paysafe_store_scan(PAYSAFE_SEAL_COSIGNATURE, "seal_cosignature_size", 2, keys, add_line, lines);
}

char *
paysafe_checkpoint_cosigned(const Checkpoint *checkpoint)
{
	Lines		lines = {0};

	read_lines(checkpoint, &lines);
	return psprintf("%s%s", checkpoint->note, lines.text.data);
}

bool
paysafe_checkpoint_add_cosignature(const Checkpoint *checkpoint, const char *line,
								   const char *witness)
{
	Datum		values[COSIGNATURE_NCOLUMNS];
	bool		nulls[COSIGNATURE_NCOLUMNS] = {0};
	Lines		lines = {.line = line};

	read_lines(checkpoint, &lines);
	if (lines.found)
		return false;
	values[COSIGNATURE_INCARNATION] = Int32GetDatum(checkpoint->incarnation);
	values[COSIGNATURE_SIZE] = Int64GetDatum(checkpoint->size);
	values[COSIGNATURE_LINE] = CStringGetTextDatum(line);
	values[COSIGNATURE_WITNESS] = CStringGetTextDatum(witness);
	values[COSIGNATURE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_append(PAYSAFE_SEAL_COSIGNATURE, values, nulls);
	return true;
}
