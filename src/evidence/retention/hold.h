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

/* A hold that nobody has released; what is NULL or not finite does not restrict it. */
typedef struct Hold
{
	int64		id;
	char	   *subject;
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
 * Nobody places a hold until the end of the transaction, and whoever was placing
 * one has ended.
 */
extern void paysafe_hold_lock(void);

#endif							/* PAYSAFE_HOLD_H */
