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

/* The texts of a context, in their order. */
enum
{
	CONTEXT_ACTOR, CONTEXT_LOGIN, CONTEXT_SESSION_USER, CONTEXT_CURRENT_USER, CONTEXT_CLIENT_ADDR,
	CONTEXT_CLIENT_CERT, CONTEXT_APPLICATION_NAME, CONTEXT_REASON, CONTEXT_TICKET,
	CONTEXT_REQUEST_ID, CONTEXT_BUSINESS_ID,
	CONTEXT_IDENTITY, CONTEXT_CLIENT_CERT_SHA256, CONTEXT_PROOF, CONTEXT_TENANT,	/* not before version 2 */
	CONTEXT_NTEXTS
};

typedef struct AuditContextText
{
	const char *text[CONTEXT_NTEXTS];	/* NULL: absent */
	int			origin;			/* of replication; -1: none */
} AuditContextText;

/*
 * Read the bytes of a context whose texts are in an encoding; false: they are none.
 * The texts are palloc'd.
 */
extern bool paysafe_audit_context_read(const bytea *context, int encoding, AuditContextText *out);

/* Who did it: as claimed, otherwise the session user. */
extern const char *paysafe_audit_context_actor(const AuditContextText *context);

/* Raise 22P03. */
extern void paysafe_audit_context_malformed(void);

/*
 * The business id in such bytes, in the encoding of the row's shape; false if
 * there is none.
 */
extern bool paysafe_audit_context_business_id(const char *context, int len,
											  const char **id, int *idlen);

/* Called once, when the library is loaded. */
extern void paysafe_audit_context_init(void);

#endif							/* PAYSAFE_AUDIT_CONTEXT_H */
