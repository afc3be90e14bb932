/*-------------------------------------------------------------------------
 *
 * publisher_state.h
 *	  How the publisher is doing: paysafe.seal_publisher.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PUBLISHER_STATE_H
#define PAYSAFE_PUBLISHER_STATE_H

#include "tlog/merkle.h"

/* States. */
#define PUBLISHER_GOOD		"good"
#define PUBLISHER_NO_KEY	"no key"	/* there is nothing to sign with */
#define PUBLISHER_WAITS		"waiting"	/* for standbys */
#define PUBLISHER_FAILED	"failed"	/* a folder or a command is not as it must be */
#define PUBLISHER_REFUSED	"refused"	/* what is known outside is not in the log */

/*
 * Set it; nothing is written if it is so already.  outside: the note that is known
 * outside, or NULL.  Returns whether state or detail were others.
 */
extern bool paysafe_publisher_state_set(int incarnation, const char *state, const char *detail,
										const char *outside);

/* The note that the publisher found outside of this incarnation, or NULL; palloc'd. */
extern char *paysafe_publisher_state_outside(int incarnation);

/* The checkpoint that was signed last; false: none was by this database. */
typedef struct PublisherSigned
{
	int			incarnation;
	int64		size;
	TlogHash	chain;
} PublisherSigned;

extern bool paysafe_publisher_state_signed(PublisherSigned *out);
extern void paysafe_publisher_state_set_signed(const PublisherSigned *last);

/* What is wrong in this incarnation, in words, or NULL; palloc'd. */
extern char *paysafe_publisher_state_trouble(int incarnation);

/* Of how many leaves, an INT64 */
#define PUBLISHER_MISSING	"a checkpoint of " INT64_FORMAT " leaves was published that is not in paysafe.seal_checkpoint"
#define PUBLISHER_LOST	"a checkpoint of " INT64_FORMAT " leaves was signed that is not in paysafe.seal_checkpoint"

#endif							/* PAYSAFE_PUBLISHER_STATE_H */
