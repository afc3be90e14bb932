/*-------------------------------------------------------------------------
 *
 * refusal_file.h
 *	  The file in which refusals that wait survive the end of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_FILE_H
#define PAYSAFE_REFUSAL_FILE_H

#include "evidence/refusal_entry.h"

/* Write, durably, in place of what was there; false, and a message, if not. */
extern bool paysafe_refusal_file_write(const Oid *databases, const RefusalEntry *entries,
									   int n, int elevel);

/* Hand what is in it to the visitor.  A file that is not whole is put aside. */
typedef void (*RefusalFileVisitor) (Oid database, const RefusalEntry *entry);
extern void paysafe_refusal_file_read(RefusalFileVisitor visitor);

/* Remove it; true also if there is none. */
extern bool paysafe_refusal_file_remove(void);

#endif							/* PAYSAFE_REFUSAL_FILE_H */
