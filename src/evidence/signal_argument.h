/*-------------------------------------------------------------------------
 *
 * signal_argument.h
 *	  Arguments that signals and decisions have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SIGNAL_ARGUMENT_H
#define PAYSAFE_SIGNAL_ARGUMENT_H

#include "fmgr.h"

#include "evidence/refusal_entry.h"

/* A word: small letters, digits and underscores, at most 63; 22004, 22023. */
extern char *paysafe_signal_word(FunctionCallInfo fcinfo, int n, const char *argument);

/* A jsonb object, redacted, into the entry's figures; NULL leaves them empty; 22023. */
extern void paysafe_signal_figures(FunctionCallInfo fcinfo, int n, const char *argument, RefusalEntry *entry);

/* What is not NULL of these takes the place of what act_as has said; 22023. */
extern void paysafe_signal_ids(FunctionCallInfo fcinfo, int business_id, int request_id, RefusalEntry *entry);

#endif							/* PAYSAFE_SIGNAL_ARGUMENT_H */
