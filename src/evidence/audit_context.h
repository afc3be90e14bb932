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

/*
 * The business id in such bytes, in the encoding of the row's shape; false if
 * there is none.
 */
extern bool paysafe_audit_context_business_id(const char *context, int len,
											  const char **id, int *idlen);

/* Called once, when the library is loaded. */
extern void paysafe_audit_context_init(void);

#endif							/* PAYSAFE_AUDIT_CONTEXT_H */
