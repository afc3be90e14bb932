/*-------------------------------------------------------------------------
 *
 * breach.h
 *	  What is stored although a rule refuses it, and on record for that.
 *
 * A refusal cannot undo what has happened in the world: money that a provider has
 * paid out is gone, whether its row is stored or not.  Where a rule says that a
 * status records such facts, its kind puts the refusal on record instead of raising
 * it, and the row counts like any other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_BREACH_H
#define PAYSAFE_BREACH_H

#include "datatype/timestamp.h"

#include "base/refusal.h"
#include "engine/rule.h"

/*
 * Put on record that the change breaks the rule; a warning says so.  Of the refusal,
 * sqlstate, message and detail are kept.
 */
extern void paysafe_breach_record(const Rule *rule, const RowChange *change,
								  const Refusal *refusal);

/*
 * The same if the change is a fact; otherwise raises the refusal.  Its rule, schema and
 * table are those of the rule, where it has none of its own.  A rule that only observes has
 * no breaches: it returns with the refusal on the record of what is observed.
 */
extern void paysafe_breach_or_refuse(const Rule *rule, const RowChange *change, bool is_fact,
									 const Refusal *refusal);

/* Is there a breach of the rule, of this code, since then, settled or not, of the row of this key (NULL: of any)? */
extern bool paysafe_breach_exists(Oid relation, const char *rule, const char *key, int sqlstate,
								  TimestampTz since);

/* Has the row of this key a breach that nobody has settled?  Then it stays. */
extern bool paysafe_breach_is_open(Oid relation, const char *key);

/* In a test database: the rows of the table are gone. */
extern void paysafe_breach_forget(Oid relation);

#endif							/* PAYSAFE_BREACH_H */
