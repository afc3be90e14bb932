/*-------------------------------------------------------------------------
 *
 * database.h
 *	  A log in a database that runs.
 *
 * Leaves come from paysafe.seal_entries, made of the rows as they stand there now;
 * with HAVE_LIBPQ only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_DATABASE_H
#define VERIFY_DATABASE_H

#include "bin/verify/walk.h"

typedef struct Database Database;

/*
 * The newest published checkpoint, of the log of that name if one is given, goes to
 * those that trust has; held is NULL where there is none.
 */
extern Database *database_open(const char *conninfo, const char *origin, Trust *trust, Held **held);

/* The log that is read from now on */
extern void database_log(Database *database, TlogText origin);

/* The name of the newest log of the database, if that is another one; NULL otherwise */
extern char *database_newer_log(Database *database);
extern void database_close(Database *database);

/* The proof that old leaves are a part of size: the number of hashes, or -1 */
extern int	database_consistency(Database *database, uint64_t old, uint64_t size, TlogHash *path);

/* Hands cosignatures to the database, under the checkpoint that they are of. */
extern void database_cosigned(Database *database, TlogText note);

typedef struct DatabaseRows
{
	uint64_t	payloads;		/* that are those of their leaves */
	uint64_t	removed;
} DatabaseRows;

/* All leaves up to size, or those after the checkpoint since, which may be NULL */
extern void database_walk(Database *database, const Trust *trust, const TlogCheckpoint *since,
						  const TlogCheckpoint *last, uint64_t size, Walk *walk, DatabaseRows *rows);

/* n leaves at random, each with its proof up to the checkpoint */
extern void database_sample(Database *database, const TlogCheckpoint *last, uint64_t n);

#endif							/* VERIFY_DATABASE_H */
