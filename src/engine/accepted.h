/*-------------------------------------------------------------------------
 *
 * accepted.h
 *	  Rows that broke a rule before it was there, accepted as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCEPTED_H
#define PAYSAFE_ACCEPTED_H

#include "engine/rule.h"

/* A fault as it is accepted. */
typedef struct AcceptedFault
{
	char	   *words;			/* as of paysafe_existing_words */
	char	   *subject;		/* "Row "7"", "Payment "1"" */
	bytea	   *digest;			/* of the words, and of what they are bound to */
} AcceptedFault;

/*
 * What the row says in the columns that the rule reads, as a digest in hex: what a fault of
 * the row is bound to.  Independent of settings, and of how values are stored.
 */
extern char *paysafe_accepted_content(const RuleSource *source, const RowKey *key, TupleTableSlot *row);

/* A digest (PAYSAFE_SHA256_LEN) as people compare it. */
extern char *paysafe_accepted_hex(const uint8 *digest);

/* The digest of a fault that is bound to that, or to something else, or (NULL) to nothing. */
extern bytea *paysafe_accepted_digest(const char *words, const char *bound);

/* Whose fault it is, as it is stored. */
extern char *paysafe_accepted_subject(const char *what, const char *key);

/* Is this fault one that two people have accepted? */
extern bool paysafe_accepted_has(Oid relation, const char *rule, bytea *digest);

/* Have faults of this rule been accepted that are still there? */
extern bool paysafe_accepted_some(Oid relation, const char *rule);

/* Had the row, before this change, the fault of these words (paysafe_existing_words), and was it accepted? */
extern bool paysafe_accepted_had(const Rule *rule, const RowChange *change, const char *words);

/* Accept it: key of the change that was approved. */
extern void paysafe_accepted_add(Oid relation, const char *rule, const AcceptedFault *fault,
								 const char *change, const char *reason, const char *ticket);

/*
 * The row is changed or deleted: what was accepted of it has ended, if that was another row.
 * Costs nothing where nothing of the table's rules was accepted.
 */
extern void paysafe_accepted_follow(const RowChange *change);

/* All faults of the rule have been looked for, and these are still there: the others have ended. */
extern void paysafe_accepted_end_others(Oid relation, const char *rule, List *met);

/* In a test database: the rows of the table are gone. */
extern void paysafe_accepted_forget(Oid relation);

#endif							/* PAYSAFE_ACCEPTED_H */
