/*-------------------------------------------------------------------------
 *
 * open_sums.h
 *	  Sums that must be zero when the database transaction commits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OPEN_SUMS_H
#define PAYSAFE_OPEN_SUMS_H

#include "utils/numeric.h"

#include "engine/rule.h"

/* What one kind adds up: a static variable of its own, zero at first. */
typedef struct OpenSums
{
	struct OpenSumsLevel *levels;	/* innermost first; TopTransactionContext */
} OpenSums;

/* A sum that is not zero. */
typedef struct OpenSum
{
	const char *name;
	const char *currency;
	Numeric		sum;
} OpenSum;

/* Has the transaction added something under this name of the table that is not zero? */
extern bool paysafe_open_sums_has(const OpenSums *sums, Oid root, const char *name);

/* What that comes to in a currency. */
extern Numeric paysafe_open_sums_of(const OpenSums *sums, Oid root, const char *name,
									const char *currency);

/* Add an amount; the rule, of a leaf, is the one that is asked if the sum is not zero at the end. */
extern void paysafe_open_sums_add(OpenSums *sums, const Rule *rule, Oid root, const char *name,
								  const char *currency, Numeric amount);

/* Forget what the transaction has added of a table, whose rows are gone or have been looked at. */
extern void paysafe_open_sums_forget(OpenSums *sums, Oid root);

/*
 * Before COMMIT: call for what is not zero, with the OpenSum as argument; first for one whose
 * rule is enforced, always the same.
 */
extern void paysafe_open_sums_judge(const OpenSums *sums, ObservedCheck refuse);

/* For RuleModule. */
extern void paysafe_open_sums_end_transaction(OpenSums *sums);
extern void paysafe_open_sums_end_subtransaction(OpenSums *sums, bool committed, int level);

#endif							/* PAYSAFE_OPEN_SUMS_H */
