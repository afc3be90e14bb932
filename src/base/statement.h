/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  Secrets do not belong into the text of statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATEMENT_H
#define PAYSAFE_STATEMENT_H

#include "utils/elog.h"

/*
 * Raise 22023 if the secret stands in the text of the statement under way, from
 * where it would get into pg_stat_activity and the server's log; argument is its
 * name in the message.  The statement and its context are left out of this error.
 * A parameter of a prepared or extended-protocol statement does not stand there,
 * nor does a value read from a table.  To be called before anything that can fail.
 */
extern void paysafe_statement_forbid_literal(const char *secret, const char *argument);

/* The error alone, for whoever knows that it stood there. */
extern void paysafe_statement_refuse_literal(const char *argument);

/*
 * Where a secret must be taken although it stands in the text of the statement
 * under way: put other words, a constant, in the place of that text, in
 * pg_stat_activity and in the log of later errors.  True if it stood there.
 */
extern bool paysafe_statement_hide(const char *secret, const char *instead);

/*
 * What is about to be logged, without the literals and parameters of statements that
 * call one of our functions that take secrets: of log_statement, of errors that came
 * before the function could look, of contexts.
 */
extern void paysafe_statement_clean_log(ErrorData *error);

#endif							/* PAYSAFE_STATEMENT_H */
