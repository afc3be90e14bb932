/*-------------------------------------------------------------------------
 *
 * pending.h
 *	  What a statement's entries move, until it ends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PENDING_H
#define PAYSAFE_PENDING_H

#include "engine/rule.h"
#include "values/entry.h"

/* Note what an entry moves. */
extern void paysafe_pending_add(const Rule *rule, const Entry *entry);

/*
 * A statement on the table has ended: move what its entries move.  NULL: whatever
 * the present subtransaction has noted.
 */
extern void paysafe_pending_apply(Relation rel);

/* The subtransactions from this level on have ended, or all. */
extern void paysafe_pending_forget(bool all, int level);

#endif							/* PAYSAFE_PENDING_H */
