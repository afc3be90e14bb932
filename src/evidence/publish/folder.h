/*-------------------------------------------------------------------------
 *
 * folder.h
 *	  A log as a folder of files, as c2sp.org/tlog-tiles has it.
 *
 * Functions return NULL, or what went wrong, in words (palloc'd): a disk that is full is
 * no reason to end a worker.  They need no transaction but for what they are given to
 * read from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FOLDER_H
#define PAYSAFE_FOLDER_H

#include "lib/stringinfo.h"
#include "tlog/merkle.h"

/* Append the entry bundle of n leaves from first on; NULL, or what is wrong with one. */
typedef char *(*FolderBundle) (void *arg, int64 first, int n, StringInfo out);

/* From a tree of the size old, whose files are there, to one of the size new. */
typedef struct FolderWork
{
	const char *folder;			/* of the log */
	int64		old_size;
	int64		new_size;
	int64		next;			/* bundle of 256 leaves */
	TlogReader	read;			/* what it reads from may change between calls */
	void	   *read_arg;
	FolderBundle bundle;
	void	   *bundle_arg;
} FolderWork;

/* The folder of a log in the publisher's; palloc'd.  No origin leads out of it. */
extern char *paysafe_folder_of(const char *root, const char *origin);

/* The checkpoint that is there: NULL if there is none; empty if the file is. */
extern char *paysafe_folder_read_checkpoint(const char *folder, char **note);

/* Begin to write: what is complete is skipped. */
extern void paysafe_folder_begin(FolderWork *work, const char *folder, int64 old_size,
								 int64 new_size);

/*
 * Write as many as nbundles bundles, and the tiles with them; *done: that was all.
 * What is there must be the same.
 */
extern char *paysafe_folder_write(FolderWork *work, int nbundles, bool *done);

/* Put the checkpoint in its place, after everything that it is of. */
extern char *paysafe_folder_write_checkpoint(const char *folder, const char *note);

#endif							/* PAYSAFE_FOLDER_H */
