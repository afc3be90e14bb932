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

#endif							/* PAYSAFE_STATEMENT_H */
