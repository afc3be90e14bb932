/*-------------------------------------------------------------------------
 *
 * refusal.h
 *	  Saying no.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_H
#define PAYSAFE_REFUSAL_H

#include "core/compat.h"
#include "core/rule.h"

/*
 * A refusal.  message, detail and hint follow PostgreSQL's style and are shown
 * to the client: no secrets, no card numbers, no values of redacted columns.
 */
typedef struct Refusal
{
	int			sqlstate;		/* from core/errors.h, or 42501, 40001 */
	const char *rule;			/* rule name for the constraint field */
	const char *schema_name;	/* of the table the rule is declared on */
	const char *table_name;
	const char *column;			/* or NULL */
	const char *key;			/* of the row, or NULL */
	const char *message;
	const char *detail;			/* or NULL */
	const char *hint;			/* or NULL */
} Refusal;

/*
 * Raise the refusal: error fields schema, table, column and constraint
 * (paysafe_<table>_<rule>) are set.  The only way in which paysafe refuses a
 * change.
 */
extern PAYSAFE_NORETURN void paysafe_refuse(const Refusal *refusal);

/* The same for a compiled rule: table and rule name are filled in. */
extern PAYSAFE_NORETURN void paysafe_refuse_by(const Rule *rule, int sqlstate,
											   const char *column, const char *message,
											   const char *detail, const char *hint);

#endif							/* PAYSAFE_REFUSAL_H */
