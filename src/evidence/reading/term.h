/*-------------------------------------------------------------------------
 *
 * term.h
 *	  What rows of the audit log are looked for by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TERM_H
#define PAYSAFE_TERM_H

#include "postgres.h"

#include "evidence/audit_log.h"
#include "evidence/reading/run.h"
#include "evidence/reading/shapes.h"

/* The codes are part of what is stored: they never change their meaning. */
typedef enum AuditTermKind
{
	AUDIT_TERM_ROW = 1,			/* the changes of one row: subject and key */
	AUDIT_TERM_COLUMNS = 2,		/* columns that were added to a table: subject */
	AUDIT_TERM_ACTOR = 3,
	AUDIT_TERM_REQUEST = 4,
	AUDIT_TERM_BUSINESS = 5,
	AUDIT_TERM_OWN = 6			/* the rows of one of paysafe's own tables: subject */
} AuditTermKind;

/*
 * The hash that stands for it.  Terms may share one: whoever finds a row by it looks
 * at the row.  subject and text are "" where the kind has none.
 */
extern AuditTerm paysafe_audit_term(AuditTermKind kind, const char *subject, const char *text);

/* The one that a row is found by in its own history; false: none, its payload was removed. */
extern bool paysafe_audit_term_of_row(AuditShapes *shapes, const Datum *values, const bool *nulls,
									  AuditTerm *term);

/* The one that all rows of an own table are found by; false: it is a row of another table. */
extern bool paysafe_audit_term_of_own(AuditShapes *shapes, const Datum *values, const bool *nulls,
									  AuditTerm *term);

/* Those of who did it and why; returns how many, at most AUDIT_CONTEXT_TERMS. */
#define AUDIT_CONTEXT_TERMS 3
extern int	paysafe_audit_terms_of_context(const bytea *context, int encoding, AuditTerm *terms);

#endif							/* PAYSAFE_TERM_H */
