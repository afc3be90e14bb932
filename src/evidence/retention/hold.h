/*-------------------------------------------------------------------------
 *
 * hold.h
 *	  Legal holds: what must not leave the audit log, whatever its retention.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HOLD_H
#define PAYSAFE_HOLD_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "compat.h"

/* A hold that nobody has released; what is NULL or not finite does not restrict it. */
typedef struct Hold
{
	int64		id;
	char	   *subject;
	char	   *table;			/* "schema.table", as it was called when the hold was placed */
	char	   *key;
	char	   *business_id;
	TimestampTz lower;			/* [lower, upper) */
	TimestampTz upper;
	char	   *reason;
} Hold;

/* A row of the audit log, as far as holds ask about it. */
typedef struct HeldRow
{
	const char *subject;
	int			encoding;		/* of its context */
	TimestampTz at;
	const char *key;			/* not terminated; NULL: none */
	int			keylen;
	const char *context;
	int			contextlen;
} HeldRow;

/* All that hold something, as committed now, by id: of Hold. */
extern List *paysafe_hold_all(void);

/* The first that holds the row, or NULL. */
extern const Hold *paysafe_hold_of(List *holds, const HeldRow *row);

/*
 * The first that holds what a refusal says of a table (NULL: of none), a key (NULL:
 * of none) and a business id (NULL: none), from its first time to its last; or NULL.
 */
extern const Hold *paysafe_hold_of_refusal(List *holds, const char *table, const char *key,
										   const char *business_id, TimestampTz at, TimestampTz last_at);

/* Refuse to remove what a hold holds. */
extern PAYSAFE_NORETURN void paysafe_hold_refuse(const Hold *hold);

/*
 * Nobody places a hold until the end of the transaction, and whoever was placing
 * one has ended.
 */
extern void paysafe_hold_lock(void);

#endif							/* PAYSAFE_HOLD_H */
