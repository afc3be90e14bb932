/*-------------------------------------------------------------------------
 *
 * audit_context.h
 *	  Who made a change, and why, as bytes of the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_CONTEXT_H
#define PAYSAFE_AUDIT_CONTEXT_H

#include "lib/stringinfo.h"

/* The context of a change made now; valid until the next call. */
extern StringInfo paysafe_audit_context_bytes(void);

/* The transaction has ended. */
extern void paysafe_audit_context_forget(void);

#endif							/* PAYSAFE_AUDIT_CONTEXT_H */
