/*-------------------------------------------------------------------------
 *
 * own_trigger.h
 *	  The two triggers that enforce: which trigger is one of them, to the last bit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OWN_TRIGGER_H
#define PAYSAFE_OWN_TRIGGER_H

#include "access/htup.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

typedef enum OwnTrigger
{
	OWN_ROW_TRIGGER,			/* "paysafe", of paysafe.enforce */
	OWN_STATEMENT_TRIGGER		/* "paysafe_statement", of paysafe.enforce_statement */
} OwnTrigger;

extern const char *paysafe_own_trigger_name(OwnTrigger which);
extern Oid	paysafe_own_trigger_function(OwnTrigger which);

/* Does it say that it is ours: by its name, or by its function? */
extern bool paysafe_own_trigger_claims(const Trigger *trigger);
extern bool paysafe_own_trigger_calls(const Trigger *trigger);

/*
 * Is it exactly one of ours but for ENABLE ALWAYS, which it gets after it was
 * made: name, function, events, level, timing; no condition, columns, arguments,
 * transition tables, no constraint trigger, not deferrable?
 */
extern bool paysafe_own_trigger_has_shape(OwnTrigger which, const Trigger *trigger);

/* Has it this shape, and is it ENABLE ALWAYS? */
extern bool paysafe_own_trigger_is(OwnTrigger which, const Trigger *trigger);

/* The relation's trigger in force, or NULL. */
extern const Trigger *paysafe_own_trigger_of(Relation rel, OwnTrigger which);

/* What the functions above look at, from a row of pg_trigger. */
extern void paysafe_own_trigger_read(HeapTuple tuple, Trigger *trigger);

#endif							/* PAYSAFE_OWN_TRIGGER_H */
