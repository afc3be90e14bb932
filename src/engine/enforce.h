/*-------------------------------------------------------------------------
 *
 * enforce.h
 *	  The trigger functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ENFORCE_H
#define PAYSAFE_ENFORCE_H

#include "utils/rel.h"

#include "compat.h"

extern void paysafe_enforce_init(void);

/* How many triggers this is in. */
extern int	paysafe_enforce_depth(void);

/*
 * A query whose AFTER triggers fire now, on the caller's stack.  One that writes
 * to several tables, or to one twice, ends when all of it has been done; so does one
 * on a partition that is younger than the declaration, which has no statement trigger.
 */
typedef struct EnforceQuery
{
	int			depth;			/* in triggers; those of its rows are one deeper */
	bool		several;		/* it has modifying WITH parts */
	struct EnforceQuery *outer;
} EnforceQuery;

extern void paysafe_enforce_query_begin(EnforceQuery *query, bool several);
extern void paysafe_enforce_query_forget(EnforceQuery *query);	/* also on error */

/* Its triggers have fired; after the above. */
extern void paysafe_enforce_query_end(void);

/*
 * TRUNCATE of a protected table: refuse it, with the words of its rules.  Returns if all of
 * them are only observed; then this is on record.
 */
extern void paysafe_enforce_truncate(Relation rel);

/* Are all rules of the table, which has some, only observed? */
extern bool paysafe_enforce_is_observed(Oid relid);

#endif							/* PAYSAFE_ENFORCE_H */
