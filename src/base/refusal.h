/*-------------------------------------------------------------------------
 *
 * refusal.h
 *	  Saying no.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_H
#define PAYSAFE_REFUSAL_H

#include "compat.h"

struct RowChange;				/* engine/rule.h */

/*
 * A refusal.  message, detail and hint follow PostgreSQL's style and are shown
 * to the client: no secrets, no values of redacted columns.  These and key are
 * redacted (redact/redact.h) before anybody sees them.
 */
typedef struct Refusal
{
	int			sqlstate;		/* from errors.h, or 42501, 40001 */
	const char *rule;			/* rule name for the constraint field */
	const char *counted_as;		/* what metrics have for it, a constant; NULL: the rule */
	const char *schema_name;	/* of the table the rule is declared on; or */
	const char *table_name;		/* both NULL where no table is concerned */
	const char *column;			/* or NULL */
	const char *key;			/* of the row, if not that of the scope; or NULL */
	const char *statement;		/* its kind, if not that of the scope; or NULL */
	bool		outside;		/* whoever can reach a service causes it, without credentials */
	bool		observed;		/* the rule only watches: nothing is refused */
	const char *message;
	const char *recorded;		/* the same for the record, where it says more than the client may know; or NULL */
	const char *detail;			/* or NULL */
	const char *hint;			/* or NULL */
} Refusal;

/*
 * What is being done, for the record of a refusal: a row that is checked, or a
 * statement without one.  Scopes nest; an error may leave them in place, the end
 * of its (sub)transaction does not.
 */
typedef struct RefusalScope
{
	const struct RowChange *change;	/* or NULL; good until the scope is left */
	const char *statement;		/* its kind; a constant */
	int			level;			/* of subtransactions */
} RefusalScope;

extern void paysafe_refusal_enter(const struct RowChange *change, const char *statement);
extern void paysafe_refusal_leave(void);

/* The subtransactions from this level on have ended; 0: the transaction. */
extern void paysafe_refusal_forget(int level);

/*
 * Who puts refusals on record.  Set once by the layer above, which core does
 * not know.  Called before the error is raised; scope is NULL outside of one.
 */
typedef void (*RefusalRecorder) (const Refusal *refusal, const RefusalScope *scope);
extern void paysafe_refusal_set_recorder(RefusalRecorder recorder);

/*
 * Put it on record, without raising it.
 */
extern void paysafe_refusal_record(const Refusal *refusal);

/*
 * Put on record what a rule that only watches would have refused.  Costs little where
 * the same has been seen in this transaction.
 */
extern void paysafe_refusal_observe(const Refusal *refusal);

/*
 * A value for a message: all of it, or as much of it as one reads, and "...".  A
 * value that a user has written may have any length.
 */
extern char *paysafe_refusal_value(const char *value);

/*
 * Record and raise the refusal: error fields schema, table, column and
 * constraint (paysafe_<table>_<rule>) are set.  The only way in which paysafe
 * refuses a change.
 */
extern PAYSAFE_NORETURN void paysafe_refuse(const Refusal *refusal);

/* The same, of what is on record already, with more than is told here. */
extern PAYSAFE_NORETURN void paysafe_refusal_raise(const Refusal *refusal);

#endif							/* PAYSAFE_REFUSAL_H */
