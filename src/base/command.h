/*-------------------------------------------------------------------------
 *
 * command.h
 *	  Running a command of the administrator's, with a text to read and an answer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COMMAND_H
#define PAYSAFE_COMMAND_H

#include "lib/stringinfo.h"

#define PAYSAFE_COMMAND_ANSWER_MAX	65536

/* What the command finds in its environment. */
typedef struct CommandVariable
{
	const char *name;
	const char *value;
} CommandVariable;

/*
 * Run it by the shell: input on its standard input, what it prints appended to
 * answer, its errors into the server's log.  Returns NULL, or why it cannot be
 * counted on, in words (palloc'd): it could not be started, failed, said too much, took
 * longer than timeout milliseconds, or the server is being stopped.  Then it has been
 * ended, and its children with it.  For background workers: no transaction should be
 * open meanwhile.
 */
extern char *paysafe_command_run(const char *command, const char *input, size_t len,
								 const CommandVariable *variables, int nvariables, int timeout,
								 StringInfo answer);

#endif							/* PAYSAFE_COMMAND_H */
