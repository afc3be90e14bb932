/*-------------------------------------------------------------------------
 *
 * publisher.h
 *	  Signing checkpoints of the sealed log, and publishing it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PUBLISHER_H
#define PAYSAFE_PUBLISHER_H

/* Does the configuration want checkpoints signed? */
extern bool paysafe_publisher_wanted(void);

/* The folder in which the log of this name is published; NULL: in none.  palloc'd. */
extern char *paysafe_publisher_folder(const char *origin);

/* Seconds between checkpoints, as long as nobody waits. */
extern int	paysafe_publisher_interval(void);

/*
 * One turn in this database, by the one worker that does this there, without a
 * transaction: sign what is sealed if it is time (or at_once), publish what is signed.
 * An error is a failure like others.  Returns the milliseconds after which it wants another turn;
 * 0: there is more to do; -1: nothing is left to do until something new is sealed, or it
 * has failed too often.
 */
extern long paysafe_publisher_turn(bool at_once);

/* The configuration has been read again: so are the keys, before the next turn. */
extern void paysafe_publisher_reload(void);

extern void paysafe_publisher_preload(void);

#endif							/* PAYSAFE_PUBLISHER_H */
