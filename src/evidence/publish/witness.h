/*-------------------------------------------------------------------------
 *
 * witness.h
 *	  Cosignatures of witnesses, and which of them make a checkpoint good.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WITNESS_H
#define PAYSAFE_WITNESS_H

#include "evidence/publish/checkpoint.h"

/*
 * Store the cosignatures of a checkpoint that text has: a note of it, or signature lines
 * alone.  Only those of witnesses that the policy in force names.  NULL, or why none is
 * stored, in words; *added (may be NULL): how many are new.  In a transaction.
 */
extern char *paysafe_witness_accept(const Checkpoint *checkpoint, const char *text, int *added);

/*
 * Signatures of the log's own keys that the policy in force names: is none of them bad,
 * and (needed) is there one?  NULL, or why not, in words; NULL too where it names no key
 * of a log of that name.
 */
extern char *paysafe_witness_check_log(const char *origin, const char *text, bool needed);

/* Is there a policy, and is the checkpoint good by it? */
extern bool paysafe_witness_has_policy(void);
extern bool paysafe_witness_is_good(const char *note);

#endif							/* PAYSAFE_WITNESS_H */
