/*-------------------------------------------------------------------------
 *
 * log_key.h
 *	  The keys that sign checkpoints of sealed logs.
 *
 * Only the process that signs has them, from paysafe_log_key_load() on: a session
 * neither inherits nor reads them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_LOG_KEY_H
#define PAYSAFE_LOG_KEY_H

#include "lib/stringinfo.h"

/* Does the configuration name a file or a command? */
extern bool paysafe_log_key_configured(void);

/* Is it a command? */
extern bool paysafe_log_key_is_command(void);

/*
 * Read the keys, again if they have been read.  NULL, or why there are none now, in
 * words without what is in the file; palloc'd.
 */
extern char *paysafe_log_key_load(void);

/*
 * Sign the text of a note in the name of the log: one line for each of its keys
 * appended to lines, as a note has them.  timeout is a command's, in milliseconds.
 * NULL, or why there is none; palloc'd.  No transaction should be open.
 */
extern char *paysafe_log_key_sign(const char *origin, const char *text, int timeout,
								  StringInfo lines);

extern void paysafe_log_key_preload(void);

#endif							/* PAYSAFE_LOG_KEY_H */
