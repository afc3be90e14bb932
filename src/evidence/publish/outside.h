/*-------------------------------------------------------------------------
 *
 * outside.h
 *	  What is known of the log outside of the database.
 *
 * A database can be older than it was: after a restore, or on a standby that had not
 * received all of it.  What has been published before is known to others, and the log
 * that they know must be the beginning of this one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OUTSIDE_H
#define PAYSAFE_OUTSIDE_H

#include "evidence/publish/log.h"

#define OUTSIDE_MAX		2		/* places: a folder, a command */

/* A checkpoint that stands somewhere. */
typedef struct OutsideNote
{
	const char *where;			/* in words */
	char	   *note;			/* NULL: there is none */
	bool		is_new;			/* the place says that there has been none before */
} OutsideNote;

typedef struct Outside
{
	int			n;
	OutsideNote notes[OUTSIDE_MAX];
} Outside;

/* Add what stands in the log's folder, or what the command prints.  NULL, or what went wrong. */
extern char *paysafe_outside_ask_folder(Outside *outside, const char *folder);
extern char *paysafe_outside_ask_command(Outside *outside, const char *command, const char *origin,
										 int timeout);

/*
 * Is all of it the beginning of this log, which has been published or not?  NULL, or
 * what is not, in words; then *note is what is known there, or NULL.  In a transaction.
 */
extern char *paysafe_outside_judge(const Outside *outside, const LogHead *head,
								   SealReader *reader, bool published, const char **note);

/* How many leaves the note says that the log of this name (NULL: any) has; 0 if it is no checkpoint of it. */
extern uint64 paysafe_outside_size(const char *note, const char *origin);

/* Of the checkpoints of that log the one of the most leaves, or NULL. */
extern const char *paysafe_outside_largest(const Outside *outside, const char *origin);

#endif							/* PAYSAFE_OUTSIDE_H */
