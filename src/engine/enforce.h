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

/* Refuse TRUNCATE of a protected table, with the words of its rules. */
extern PAYSAFE_NORETURN void paysafe_enforce_refuse_truncate(Relation rel);

#endif							/* PAYSAFE_ENFORCE_H */
