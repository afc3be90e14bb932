/*-------------------------------------------------------------------------
 *
 * limit.h
 *	  Limits of paysafe.throttle, as declared.
 *
 * A policy has tiers, a tier limits, each for parts of the key.  Versions in an
 * insert-only table, the newest one in force.  A session keeps a tier's limits, and
 * forgets them as soon as the table changes, in the middle of a transaction too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_THROTTLE_LIMIT_H
#define PAYSAFE_THROTTLE_LIMIT_H

#include "nodes/pg_list.h"

#include "abuse/counter.h"

#define THROTTLE_NAME_MAX	63	/* bytes of a policy, a tier, a part of a key */

/* Columns of paysafe.throttle_limit_record. */
enum
{
	LIMIT_POLICY, LIMIT_TIER, LIMIT_PER, LIMIT_VERSION, LIMIT_COUNT, LIMIT_PERIOD, LIMIT_BURST,
	LIMIT_LET_THROUGH, LIMIT_DURABLE, LIMIT_REMOVED, LIMIT_REASON, LIMIT_ACTOR, LIMIT_SESSION_USER, LIMIT_AT,
	LIMIT_NCOLUMNS
};

typedef struct ThrottleLimit
{
	char	   *tier;
	List	   *per;			/* parts of the key that it counts by, sorted char *; NIL: all together */
	Datum		parts;			/* the same as a text: "address, user" */
	int			version;
	int			count;
	int64		period;			/* microseconds */
	int			burst;
	bool		let_through;	/* what finds no place in the table */
	bool		durable;		/* counted in a table of the database (durable.h) */
	bool		removed;
	GcraLimit	rate;			/* of the three */
} ThrottleLimit;

/*
 * The limits of a tier in their order, without those that are removed, and without any
 * if there is no such tier; good until the next call.  Sees what is committed now.
 */
extern List *paysafe_throttle_limits(const char *policy, const char *tier);

/* The newest versions of a policy's limits of a tier, or of all if it is NULL, removed ones too; palloc'd. */
extern List *paysafe_throttle_read(const char *policy, const char *tier);

/* Are two limits counted by the same parts of the key? */
extern bool paysafe_throttle_same_parts(List *a, List *b);

/* The table has changed: every session reads it anew. */
extern void paysafe_throttle_changed(void);

extern void paysafe_throttle_init(void);

#endif							/* PAYSAFE_THROTTLE_LIMIT_H */
