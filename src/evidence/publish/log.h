/*-------------------------------------------------------------------------
 *
 * log.h
 *	  The sealed log, as whoever signs and publishes it reads it.
 *
 * In a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOG_H
#define PAYSAFE_LOG_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "evidence/seal/seal_tile.h"
#include "tlog/merkle.h"

/* How "opened_by" of paysafe.seal_log ends for a log that two people have begun. */
#define LOG_BY_TWO	", with the approval of a second person"

/* The end of the log, as it is committed; palloc'd. */
typedef struct LogHead
{
	int			incarnation;
	char	   *origin;
	bool		begun_by_itself;	/* after a restore: a log was there before */
	char	   *before;			/* then: the name of the last one that had not, or NULL */
	int64		size;
	TlogHash	root;
	TimestampTz sealed_at;
} LogHead;

/* False if no log has begun. */
extern bool paysafe_log_head(LogHead *out);

/* The incarnation whose log has that origin; false if none has. */
extern bool paysafe_log_incarnation(const char *origin, int *incarnation);

/*
 * Leaves in a row, as they are computed again from what is stored; read once, in order.
 * Between begin and end the caller is connected to SPI, in the memory context that he had.
 */
typedef struct LogLeaves LogLeaves;
extern LogLeaves *paysafe_log_begin(int incarnation, int64 first, int64 n);
extern void paysafe_log_end(LogLeaves *leaves);

/* As FolderBundle; arg is LogLeaves. */
extern char *paysafe_log_bundle(void *arg, int64 first, int n, StringInfo out);

#endif							/* PAYSAFE_LOG_H */
