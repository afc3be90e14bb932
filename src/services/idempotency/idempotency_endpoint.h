/*-------------------------------------------------------------------------
 *
 * idempotency_endpoint.h
 *	  How an endpoint's requests are kept from being executed twice.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IDEMPOTENCY_ENDPOINT_H
#define PAYSAFE_IDEMPOTENCY_ENDPOINT_H

/* An endpoint as configured, compiled. */
typedef struct IdempotencyEndpoint
{
	char		name[NAMEDATALEN * 4];	/* key */
	int			version;
	int64		retention;		/* microseconds */
	int64		lease;
	bool		encrypt;
	uint32		final_classes;	/* bit n: statuses n00 to n99 */
	int			nfinal;
	int			final[32];		/* single statuses */
} IdempotencyEndpoint;

/* The endpoint as it is configured now, copied; 22023 if there is none. */
extern void paysafe_idempotency_endpoint_get(const char *name, IdempotencyEndpoint *endpoint);

/* Is a response with this HTTP status stored and repeated? */
extern bool paysafe_idempotency_endpoint_is_final(const IdempotencyEndpoint *endpoint, int status);

/* The longest retention that any endpoint has or has had, in microseconds. */
extern int64 paysafe_idempotency_endpoint_longest(void);

/* Watch for changes made by other sessions. */
extern void paysafe_idempotency_endpoint_init(void);

#endif							/* PAYSAFE_IDEMPOTENCY_ENDPOINT_H */
