/*-------------------------------------------------------------------------
 *
 * attempt.h
 *	  Doing what may fail without failing with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ATTEMPT_H
#define PAYSAFE_ATTEMPT_H

/*
 * Do it in a subtransaction; returns the message of the error that comes of it, or
 * NULL.  Whoever cancels means all of it.
 */
extern char *paysafe_attempt(void (*act) (void *), void *arg);

/* The same, with all that the error says. */
extern ErrorData *paysafe_attempt_error(void (*act) (void *), void *arg);

#endif							/* PAYSAFE_ATTEMPT_H */
