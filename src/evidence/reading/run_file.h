/*-------------------------------------------------------------------------
 *
 * run_file.h
 *	  The rows that runs of the index of the audit log are stored in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RUN_FILE_H
#define PAYSAFE_RUN_FILE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "evidence/reading/run_entry.h"

/* Columns of paysafe.index_run and paysafe.index_chunk. */
enum
{
	RUN_ID, RUN_ENTRIES, RUN_BITS, RUN_KINDS, RUN_CHECK, RUN_EXTENTS,
	RUN_NCOLUMNS
};
enum
{
	CHUNK_RUN, CHUNK_NUMBER, CHUNK_CHECK, CHUNK_TERMS,
	CHUNK_NCOLUMNS
};

typedef struct Run
{
	int64		id;
	int64		entries;
	int			bits;			/* of a term that say in which chunk it is */
	uint32		kinds;			/* of its terms, as bits */
	bool		changed;		/* since it was written: nothing of it is to be believed */
	int			nextents;
	RunExtent  *extents;
	uint32	   *bases;			/* places of the extents' first blocks */
	/* while it is merged: what to add to places of each extent; -1: it is gone */
	int64	   *shifts;
	ItemPointerData tid;
} Run;

typedef struct Runs
{
	int			n;
	int			room;
	Run		   *runs;
} Runs;

/* All runs that there are, and where the blocks of one's extents begin in its numbering. */
extern Runs paysafe_run_file_read(Snapshot snapshot);
extern void paysafe_run_file_number(Run *run);

/* The extent that has a place. */
extern int	paysafe_run_file_extent(const Run *run, uint32 place);

/* The id of one more. */
extern int64 paysafe_run_file_next_id(const Runs *runs);

/* The index of paysafe.index_chunk, both opened. */
typedef struct Chunks
{
	Relation	rel;
	Relation	index;
	Snapshot	snapshot;
} Chunks;

extern Chunks paysafe_run_file_open(Snapshot snapshot);
extern void paysafe_run_file_close(Chunks *chunks);

/* A chunk has its terms and behind them as many places. */
typedef struct Chunk
{
	bytea	   *bytes;			/* palloc'd, unless they are the slot's */
	int64		n;
	const char *terms;
	const char *places;
} Chunk;

/* What a row of paysafe.index_chunk says; false: not what was written.  To be freed in any case. */
extern bool paysafe_run_file_chunk(TupleTableSlot *slot, Chunk *out);
extern void paysafe_run_file_free_chunk(TupleTableSlot *slot, Chunk *chunk);

/* In which of the chunks a term is: there are two to the power of bits, empty ones, too. */
static inline uint32
run_chunk_of(uint32 term, int bits)
{
	return bits == 0 ? 0 : term >> (32 - bits);
}

/* The i-th number in a chunk's bytes, which may stand anywhere. */
static inline uint32
run_number_at(const char *bytes, int64 i)
{
	uint32		number;

	memcpy(&number, bytes + i * sizeof(number), sizeof(number));
	return number;
}

/* Writing a run: begin with at most so many entries, put them sorted, end. */
typedef struct RunWriter
{
	int64		id;
	int			bits;
	int64		entries;
	RunEntry	last;
	uint32		chunk;
	StringInfoData terms;
	StringInfoData places;
} RunWriter;

extern void paysafe_run_file_begin(RunWriter *writer, int64 id, int64 at_most);
extern void paysafe_run_file_put(RunWriter *writer, RunEntry entry);
extern void paysafe_run_file_write_chunk(RunWriter *writer);
extern void paysafe_run_file_end(RunWriter *writer, uint32 kinds, const RunExtent *extents, int nextents);

/* Delete a run, its chunks with it. */
extern void paysafe_run_file_remove(const Run *run, Snapshot snapshot);

/* Are all of its chunks there, and as they were written? */
extern bool paysafe_run_file_is_whole(const Run *run, Snapshot snapshot);

/* How many chunks there are of runs that there are not; they are removed, if that is asked for. */
extern int64 paysafe_run_file_orphans(Snapshot snapshot, bool remove);

/* Sort extents, and join those that meet, in place; returns how many are left. */
extern int	paysafe_run_file_join(RunExtent *extents, int n);

#endif							/* PAYSAFE_RUN_FILE_H */
