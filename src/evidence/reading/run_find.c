/*-------------------------------------------------------------------------
 *
 * run_find.c
 *	  Searching runs of the index of the audit log, and what they are good for.
 *
 * Who has the server's files, or is a superuser where nothing guards these tables, can delete
 * runs or chunks, or change them.  Then the blocks that they were about count as not indexed: whoever
 * reads looks into them.
 * Who computes the hashes of what he writes, too, hides rows from history, not from the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "base/scan.h"
#include "evidence/reading/run_file.h"
#include "evidence/reading/run_find.h"
#include "store/own_table.h"

typedef struct RunSearch
{
	const Run  *run;
	uint32		term;
	RunVisitor	visitor;
	void	   *arg;
	bool		found;			/* the chunk is there, as it was written */
} RunSearch;

static bool
search_chunk(Relation rel, TupleTableSlot *slot, void *arg)
{
	RunSearch  *search = arg;
	Chunk		chunk;
	int64		low = 0;
	int64		high;

	search->found = paysafe_run_file_chunk(slot, &chunk);
	high = search->found ? chunk.n : 0;
	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (run_number_at(chunk.terms, middle) < search->term)
			low = middle + 1;
		else
			high = middle;
	}
	for (; search->found && low < chunk.n && run_number_at(chunk.terms, low) == search->term; low++)
	{
		uint32		place = run_number_at(chunk.places, low);
		int			i = paysafe_run_file_extent(search->run, place);
		const RunExtent *extent = &search->run->extents[i];

		search->visitor(extent, extent->first + (place - search->run->bases[i]), search->arg);
	}
	paysafe_run_file_free_chunk(slot, &chunk);
	return true;
}

/* What these runs know, of all that there are. */
static RunCover
cover_of(const Runs *runs, const bool *torn)
{
	RunCover	cover = {0};
	int			n = 0;

	for (int i = 0; i < runs->n; i++)
		n += runs->runs[i].nextents;
	cover.extents = palloc(sizeof(RunExtent) * Max(n, 1));
	for (int i = 0; i < runs->n; i++)
	{
		const Run  *run = &runs->runs[i];

		if (torn[i])
			continue;
		memcpy(&cover.extents[cover.n], run->extents, sizeof(RunExtent) * run->nextents);
		cover.n += run->nextents;
	}
	return cover;
}

RunCover
paysafe_run_find(Snapshot snapshot, const AuditTerm *terms, int nterms, RunVisitor visitor, void *arg)
{
	Runs		runs = paysafe_run_file_read(snapshot);
	int			room = Max(runs.n * nterms, 1);
	int			n = 0;
	ScanKeyData *keys = palloc(sizeof(ScanKeyData) * 2 * room);
	RunSearch  *searches = palloc(sizeof(RunSearch) * room);
	void	  **args = palloc(sizeof(void *) * room);
	bool	   *torn = palloc0(sizeof(bool) * Max(runs.n, 1));

	for (int i = 0; i < runs.n; i++)
		torn[i] = runs.runs[i].changed;
	for (int i = 0; i < runs.n * nterms; i++)
	{
		const Run  *run = &runs.runs[i / nterms];
		const AuditTerm *term = &terms[i % nterms];

		if (run->changed || (run->kinds & ((uint32) 1 << term->kind)) == 0)
			continue;
		searches[n] = (RunSearch) {run, term->hash, visitor, arg};
		args[n] = &searches[n];
		ScanKeyInit(&keys[2 * n], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run->id));
		ScanKeyInit(&keys[2 * n + 1], 2, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(run_chunk_of(term->hash, run->bits)));
		n++;
	}
	if (n > 0)
	{
		Chunks		chunks = paysafe_run_file_open(snapshot);

		paysafe_scan_each(chunks.rel, chunks.index, 2, keys, n, snapshot, search_chunk, args);
		paysafe_run_file_close(&chunks);
	}
	for (int i = 0; i < n; i++)
		torn[searches[i].run - runs.runs] |= !searches[i].found;
	return cover_of(&runs, torn);
}

void
paysafe_run_cover_join(RunCover *cover)
{
	cover->n = paysafe_run_file_join(cover->extents, cover->n);
}

RunCover
paysafe_run_cover(Snapshot snapshot)
{
	Runs		runs = paysafe_run_file_read(snapshot);
	bool	   *torn = palloc0(sizeof(bool) * Max(runs.n, 1));
	RunCover	cover;

	for (int i = 0; i < runs.n; i++)
		torn[i] = !paysafe_run_file_is_whole(&runs.runs[i], snapshot);
	cover = cover_of(&runs, torn);
	paysafe_run_cover_join(&cover);
	return cover;
}

BlockNumber
paysafe_run_cover_end(const RunCover *cover, Oid partition, Oid filenode, BlockNumber from)
{
	for (int i = 0; i < cover->n; i++)
	{
		const RunExtent *extent = &cover->extents[i];

		if (extent->partition == partition && extent->filenode == filenode && extent->first <= from &&
			from - extent->first < extent->nblocks)
			from = extent->first + extent->nblocks;
	}
	return from;
}
