/*-------------------------------------------------------------------------
 *
 * refusal_observed.h
 *	  What rules that are only observed would have refused, counted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_OBSERVED_H
#define PAYSAFE_REFUSAL_OBSERVED_H

#include "base/refusal.h"
#include "evidence/refusal_entry.h"

/*
 * Has this transaction shown enough of this kind (rule, table, column, SQLSTATE)?  Then
 * it is counted here, and the count goes to the record when the transaction ends.
 */
extern bool paysafe_refusal_observed_count(const Refusal *refusal);

/* This one of the kind has been described, and goes to the record of this database. */
extern void paysafe_refusal_observed_shown(const RefusalEntry *entry);

extern void paysafe_refusal_observed_init(void);

#endif							/* PAYSAFE_REFUSAL_OBSERVED_H */
