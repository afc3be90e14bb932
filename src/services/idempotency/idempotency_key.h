/*-------------------------------------------------------------------------
 *
 * idempotency_key.h
 *	  Idempotency keys as clients send them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IDEMPOTENCY_KEY_H
#define PAYSAFE_IDEMPOTENCY_KEY_H

#define PAYSAFE_IDEMPOTENCY_KEY_MAX	255

/*
 * A key as it came in the header Idempotency-Key: a bare token, or a string in
 * double quotes (RFC 8941).  Fills key, without a terminating zero, and returns its
 * length, or 0 if it is none.  Both forms of one key are the same.
 */
extern size_t paysafe_idempotency_key_parse(const char *given, size_t len,
											char key[PAYSAFE_IDEMPOTENCY_KEY_MAX]);

#endif							/* PAYSAFE_IDEMPOTENCY_KEY_H */
