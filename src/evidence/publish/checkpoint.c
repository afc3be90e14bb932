/*-------------------------------------------------------------------------
 *
 * checkpoint.c
 *	  Signed checkpoints, as they are stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "evidence/publish/checkpoint.h"
#include "store/own_table.h"

/* Columns of paysafe.seal_checkpoint. */
enum
{
	CHECKPOINT_INCARNATION, CHECKPOINT_SIZE, CHECKPOINT_ROOT, CHECKPOINT_AT, CHECKPOINT_NOTE,
	CHECKPOINT_PUBLISHED_AT, CHECKPOINT_CHAIN, CHECKPOINT_COSIGNATURES,
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
	bytea	   *chain;

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
	chain = DatumGetByteaPP(values[CHECKPOINT_CHAIN]);
	memset(&out->chain, 0, TLOG_HASH_LEN);
	memcpy(&out->chain, VARDATA_ANY(chain), Min(VARSIZE_ANY_EXHDR(chain), TLOG_HASH_LEN));
	out->cosignatures = DatumGetInt32(values[CHECKPOINT_COSIGNATURES]);
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
	values[CHECKPOINT_CHAIN] = paysafe_argument_bytea(checkpoint->chain.bytes, TLOG_HASH_LEN);
	values[CHECKPOINT_COSIGNATURES] = Int32GetDatum(0);
	paysafe_store_append(PAYSAFE_SEAL_CHECKPOINT, values, nulls);
}

/* It is published now, or has so many cosignatures more. */
static void
change(const Checkpoint *checkpoint, bool published, int added)
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
	if (published)
	{
		nulls[CHECKPOINT_PUBLISHED_AT] = false;
		values[CHECKPOINT_PUBLISHED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	}
	values[CHECKPOINT_COSIGNATURES] = Int32GetDatum(DatumGetInt32(values[CHECKPOINT_COSIGNATURES]) + added);
	paysafe_store_update(PAYSAFE_SEAL_CHECKPOINT, tuple, values, nulls);
}

void
paysafe_checkpoint_set_published(const Checkpoint *checkpoint)
{
	change(checkpoint, true, 0);
}

void
paysafe_checkpoint_count_cosignatures(const Checkpoint *checkpoint, int added)
{
	change(checkpoint, false, added);
}

bool
paysafe_checkpoint_last_up_to(int incarnation, Checkpoint *out)
{
	for (; incarnation > 0; incarnation--)
		if (paysafe_checkpoint_last(incarnation, out))
			return true;
	return false;
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

/*
 * The chain: whoever deletes rows or changes them leaves a gap
 */

static void
chain_of_digest(const TlogHash *before, const TlogHash *digest, TlogHash *out)
{
	TlogHash	both[2];
	int			n = 0;

	if (before != NULL)
		both[n++] = *before;
	both[n++] = *digest;
	paysafe_crypto_sha256(both, n * sizeof(TlogHash), out->bytes);
}

static void
digest_of(const char *note, TlogHash *out)
{
	paysafe_crypto_sha256(note, strlen(note), out->bytes);
}

void
paysafe_checkpoint_chain(const TlogHash *before, const char *note, TlogHash *out)
{
	TlogHash	digest;

	digest_of(note, &digest);
	chain_of_digest(before, &digest, out);
}

typedef struct Walk
{
	MemoryContext row;
	int64		left;
	bool		has_newer;		/* one has been looked at, of so many leaves, */
	int64		newer;
	TlogHash	digest;			/* and its note is this, */
	TlogHash	chain;			/* its chain this */
	char	   *trouble;
} Walk;

static void
look_at_link(Walk *walk, const TlogHash *before)
{
	TlogHash	own;

	chain_of_digest(before, &walk->digest, &own);
	if (walk->trouble == NULL && !tlog_hash_equal(&own, &walk->chain))
		walk->trouble = before != NULL ?
			psprintf("the checkpoint of " INT64_FORMAT " leaves does not follow the one before it in paysafe.seal_checkpoint: rows between them were deleted, or one of the two was changed", walk->newer) :
			psprintf("the checkpoint of " INT64_FORMAT " leaves is not the first one that was signed: rows of paysafe.seal_checkpoint before it were deleted, or it was changed", walk->newer);
}

static bool
count_line(Relation rel, HeapTuple tuple, void *arg)
{
	(*(int *) arg)++;
	return true;
}

static void
look_at_cosignatures(Walk *walk, const Checkpoint *checkpoint)
{
	Datum		keys[2] = {Int32GetDatum(checkpoint->incarnation), Int64GetDatum(checkpoint->size)};
	int			n = 0;

	paysafe_store_scan(PAYSAFE_SEAL_COSIGNATURE, "seal_cosignature_size", 2, keys, count_line, &n);
	if (walk->trouble == NULL && n != checkpoint->cosignatures)
		walk->trouble = psprintf("the checkpoint of " INT64_FORMAT " leaves had %d cosignatures and has %d: rows of paysafe.seal_cosignature were deleted or inserted",
								 checkpoint->size, checkpoint->cosignatures, n);
}

static bool
walk_on(Relation rel, HeapTuple tuple, void *arg)
{
	Walk	   *walk = arg;
	MemoryContext old = MemoryContextSwitchTo(walk->row);
	Checkpoint	checkpoint;
	Search		search = {.out = &checkpoint};

	CHECK_FOR_INTERRUPTS();
	(void) take(rel, tuple, &search);
	MemoryContextSwitchTo(old);
	if (walk->has_newer)
		look_at_link(walk, &checkpoint.chain);
	look_at_cosignatures(walk, &checkpoint);
	walk->has_newer = true;
	walk->newer = checkpoint.size;
	walk->chain = checkpoint.chain;
	digest_of(checkpoint.note, &walk->digest);
	MemoryContextReset(walk->row);
	return walk->trouble == NULL && walk->left-- > 0;
}

char *
paysafe_checkpoint_trouble(int incarnation, int64 most)
{
	Walk		walk = {.left = most};
	Datum		key = Int32GetDatum(incarnation);
	Checkpoint	before;

	walk.row = AllocSetContextCreate(CurrentMemoryContext, "paysafe checkpoints", ALLOCSET_DEFAULT_SIZES);
	paysafe_store_seek(PAYSAFE_SEAL_CHECKPOINT, "seal_checkpoint_pkey", 1, &key, InvalidStrategy, (Datum) 0,
					   true, NULL, walk_on, &walk);
	if (walk.has_newer && walk.left >= 0)
		look_at_link(&walk, paysafe_checkpoint_last_up_to(incarnation - 1, &before) ? &before.chain : NULL);
	MemoryContextDelete(walk.row);
	return walk.trouble;
}
