/*-------------------------------------------------------------------------
 *
 * idempotency_response.h
 *	  What was answered to a request, kept until it expires.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IDEMPOTENCY_RESPONSE_H
#define PAYSAFE_IDEMPOTENCY_RESPONSE_H

#include "datatype/timestamp.h"

#include "base/crypto.h"

typedef struct IdempotencyResponse
{
	int			status;			/* of HTTP */
	bytea	   *headers;		/* json, as it came; empty: none */
	bytea	   *body;
	uint8		sha256[PAYSAFE_SHA256_LEN]; /* of the body */
} IdempotencyResponse;

/*
 * Seal a part of what is kept of a request, and open it again; bound to the
 * request's digest and the part's name.  keyring.h says what they raise.
 */
extern Datum paysafe_idempotency_response_seal(const uint8 *digest, const char *part,
											   const void *data, size_t len);
extern bytea *paysafe_idempotency_response_open(const uint8 *digest, const char *part,
												const bytea *sealed);

/* Keep the response to the request of this digest; sealed if encrypt. */
extern void paysafe_idempotency_response_store(const uint8 *digest, TimestampTz expires,
											   bool encrypt, int status,
											   const text *headers, const bytea *body);

/* The response that was kept; XX001 if it is not there, or not what was stored. */
extern void paysafe_idempotency_response_read(const uint8 *digest, TimestampTz expires,
											  IdempotencyResponse *out);

/* Make the partitions for responses that are kept so long, in microseconds. */
extern void paysafe_idempotency_response_extend(int64 retention);

/* Remove what has expired; returns how many partitions were dropped. */
extern int	paysafe_idempotency_response_expire(void);

#endif							/* PAYSAFE_IDEMPOTENCY_RESPONSE_H */
