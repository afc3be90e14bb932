/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  Secrets do not belong into the text of statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATEMENT_H
#define PAYSAFE_STATEMENT_H

/*
 * Raise 22023 if the secret stands in the text of the statement under way, from
 * where it would get into pg_stat_activity and the server's log; argument is its
 * name in the message.  The statement is left out of the log of this error.
 * A parameter of a prepared or extended-protocol statement does not stand there,
 * nor does a value read from a table.
 */
extern void paysafe_statement_forbid_literal(const char *secret, const char *argument);

/*
 * Where a secret must be taken although it stands in the text of the statement
 * under way: put other words, a constant, in the place of that text, in
 * pg_stat_activity and in the log of later errors.  log_statement and
 * log_min_duration_statement have their own copy, which nobody can reach.
 * True if it stood there.
 */
extern bool paysafe_statement_hide(const char *secret, const char *instead);

#endif							/* PAYSAFE_STATEMENT_H */
