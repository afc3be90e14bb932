/*-------------------------------------------------------------------------
 *
 * loosening.h
 *	  Changes of rules that take a second person.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOOSENING_H
#define PAYSAFE_LOOSENING_H

#include "people/approval.h"

/*
 * A change of rules that loosens one: use the approval of a second person or
 * raise 42501 with the way to get it.  The words must describe the change
 * completely.
 */
extern void paysafe_loosening_authorize(Oid relation, const char *name, int version,
									  const char *words);

/*
 * The subject of an approval for a change of rules; the key describes the
 * change completely.
 */
extern void paysafe_loosening_subject(const char *key, ApprovalSubject *out);

#endif							/* PAYSAFE_LOOSENING_H */
