/*-------------------------------------------------------------------------
 *
 * accepted.h
 *	  Rows that broke a rule before it was there, accepted as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ACCEPTED_H
#define PAYSAFE_ACCEPTED_H

#include "nodes/pg_list.h"

/*
 * Is the fault, in the words of paysafe_existing_words, one that two people have accepted?
 * The words have the row's key and what is wrong, so that another fault of the row is
 * another one.  Then its digest is added to *met, if that is wanted.
 */
extern bool paysafe_accepted_has(Oid relation, const char *rule, const char *words, List **met);

/* Accept it: key of the change that was approved. */
extern void paysafe_accepted_add(Oid relation, const char *rule, const char *words,
								 const char *change, const char *reason, const char *ticket);

/* All faults of the rule have been looked for, and these are still there: the others have ended. */
extern void paysafe_accepted_end_others(Oid relation, const char *rule, List *met);

/* In a test database: the rows of the table are gone. */
extern void paysafe_accepted_forget(Oid relation);

#endif							/* PAYSAFE_ACCEPTED_H */
