/*-------------------------------------------------------------------------
 *
 * seal_rows.h
 *	  Rows of the audit log in the order of the sealed log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SEAL_ROWS_H
#define PAYSAFE_SEAL_ROWS_H

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

#include "tlog/merkle.h"

/* What is wrong with a row by itself. */
typedef enum SealTrouble
{
	SEAL_FINE,
	SEAL_CHECK_DIFFERS,			/* leaf_check is not what the row says */
	SEAL_SHAPE_MISSING,			/* nobody knows what the row's columns are */
	SEAL_SHAPE_DIFFERS,			/* its shape is not what the digest says */
	SEAL_PAYLOAD_MISSING,		/* the payload was removed, and with it too much */
	SEAL_NONCE_MISSING			/* there is no key to derive it from */
} SealTrouble;

typedef struct SealRow
{
	uint64		xid;
	int32		seq;
	TlogHash	computed;		/* the hash of its leaf; with zeros for what cannot be computed */
	int32		check;			/* leaf_check as stored */
	SealTrouble trouble;
	bool		removed;		/* the payload is gone, the leaf is there */
	TimestampTz at;
	Datum		leaf;			/* bytea; with contents, and unless there is trouble */
	Datum		payload;		/* the same, unless removed */
	bool		has_leaf;
} SealRow;

typedef struct SealRows SealRows;

/*
 * Rows of transactions from <= xid < to that the snapshot shows, ordered by xid and
 * seq; contents: their leaves and payloads, too.  What does not fit into maintenance_work_mem is
 * sorted on disk.
 */
extern SealRows *paysafe_seal_rows_find(uint64 from, uint64 to, Snapshot snapshot, bool contents);

/*
 * The same from number from_seq of the first transaction to number last_seq of the last
 * one, which is to - 1: others are not looked into.
 */
extern SealRows *paysafe_seal_rows_find_between(uint64 from, int32 from_seq, uint64 to, int32 last_seq,
												Snapshot snapshot, bool contents);

/*
 * The same of one transaction, without reading all blocks of it: only those that have the
 * numbers, and some to find them by, unless a number is not where it should be.
 */
extern SealRows *paysafe_seal_rows_find_part(uint64 xid, int32 from_seq, int32 last_seq,
											 Snapshot snapshot, bool contents);

/*
 * The same, but only the first rows, about so many: as many transactions as that takes.
 * *pieces: where they end, and where pieces of the same size would end after them.
 */
#define SEAL_PIECES		4096

typedef struct SealPieces
{
	int			n;				/* one at least */
	uint64		ends[SEAL_PIECES];	/* exclusive; the last one is "to" */
} SealPieces;

extern SealRows *paysafe_seal_rows_find_piece(uint64 from, uint64 to, int64 size, Snapshot snapshot,
											  SealPieces *pieces);

/* The next one; its data are valid until the one after it.  False: there is none. */
extern bool paysafe_seal_rows_next(SealRows *rows, SealRow *row);

extern void paysafe_seal_rows_end(SealRows *rows);

/* How many there are, and when the first was written: without looking into them. */
extern uint64 paysafe_seal_rows_count(uint64 from, Snapshot snapshot, TimestampTz *first_at);

/*
 * Let the index know what is in blocks that are full, so that they are not read again;
 * from: rows of transactions before it are sealed.  Nothing of a partition that VACUUM is
 * at.  For a transaction of its own, which should be short.
 */
extern void paysafe_seal_rows_summarize(uint64 from);

/* Words for trouble. */
extern const char *paysafe_seal_rows_trouble(SealTrouble trouble);

#endif							/* PAYSAFE_SEAL_ROWS_H */
