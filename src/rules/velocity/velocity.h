/*-------------------------------------------------------------------------
 *
 * velocity.h
 *	  How much there may be of one key within a time: rows, an amount, different values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_VELOCITY_H
#define PAYSAFE_VELOCITY_H

#include "base/crypto.h"
#include "engine/rule.h"
#include "values/key_columns.h"
#include "values/money.h"
#include "values/row_filter.h"

typedef enum VelocityCounts
{
	VELOCITY_ROWS,
	VELOCITY_AMOUNT,
	VELOCITY_VALUES,
	VELOCITY_NCOUNTS
} VelocityCounts;

/* The rule compiled for a leaf. */
typedef struct VelocityState
{
	Oid			root;			/* the table that it was declared on */
	const char *rule;
	const char *what;			/* what is counted: of another key, or another column, that is something else */
	int			what_len;
	uint32		locks;			/* whose locks its keys have: a hash of table and rule */
	KeyColumns	key;
	VelocityCounts counts;
	KeyColumns	value;			/* VELOCITY_VALUES */
	AmountColumn amount;		/* VELOCITY_AMOUNT, or a row counts by its amount */
	Numeric		from;			/* rows count whose amount is that at least, or NULL */
	Numeric		below;			/* and below that, or NULL */
	RowFilter	filter;			/* and that are some of these */
	Numeric		maximum;
	int64		most;			/* the same as shared memory counts it */
	int64		within;			/* microseconds */
	uint8		secret[PAYSAFE_SHA256_LEN]; /* what is stored is hashed under it; not if the rule only observes */
} VelocityState;

/* What a change counts for. */
typedef struct VelocityCount
{
	const char *key;			/* what the key columns say */
	const char *value;			/* VELOCITY_VALUES */
	Numeric		amount;			/* otherwise */
	bool		endless;		/* it is no amount that can be added up */
	bool		at_least;		/* actual is as far as shared memory counts: it is that, or more */
	Numeric		actual;			/* what there is with it, once it has been counted */
} VelocityCount;

/*
 * Count it within the window, exactly: nobody else counts the key until the transaction has ended.  False: it is too
 * much, and has not been counted.  count->actual says how much there is.
 */
extern bool paysafe_velocity_keep(const VelocityState *state, VelocityCount *count);

/* The key of what is kept.  Raises 55000 if the database has none. */
extern void paysafe_velocity_secret(uint8 *out);

/* In a test database: the rows are gone. */
extern void paysafe_velocity_forget(Oid root);

/* Remove what is in no window any more; returns how many rows. */
extern int64 paysafe_velocity_expire_rows(void);

/* The same in shared memory, which counts more than may be, too, and waits for nobody. */
extern bool paysafe_velocity_watch(const VelocityState *state, VelocityCount *count);

/* It is too much, which is a signal: the first of each key and window. */
extern void paysafe_velocity_signal(const VelocityState *state, const VelocityCount *count, TupleTableSlot *row,
									const Jsonb *spec, bool refused);

/* The maximum as shared memory counts it. */
extern int64 paysafe_velocity_most(const VelocityState *state);

/* What the rule's words stand for: raise 22023 if they are none. */
extern VelocityCounts paysafe_velocity_counts(const char *word);
extern int64 paysafe_velocity_within(const char *words);

/* "rows", "amount", "different values of card": what it counts, in words. */
extern const char *paysafe_velocity_words(const Jsonb *spec);

/* For the kind (velocity_declare.c). */
extern const SpecField paysafe_velocity_fields[];
extern char *paysafe_velocity_describe(const char *name, Oid reference, Jsonb *spec);

#endif							/* PAYSAFE_VELOCITY_H */
