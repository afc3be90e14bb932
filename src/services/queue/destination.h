/*-------------------------------------------------------------------------
 *
 * destination.h
 *	  Where webhooks go, and what signs them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_DESTINATION_H
#define PAYSAFE_DESTINATION_H

/* Longest webhook-id, in bytes. */
#define PAYSAFE_WEBHOOK_ID_MAX	255

/*
 * Raise 22023 if there is no such destination, 55000 if it has no key to sign with.
 * Returns whether its bodies are to be stored sealed.
 */
extern bool paysafe_destination_require(const char *destination);

/* Its URL now; palloc'd.  Raises 22023 if there is no such destination. */
extern char *paysafe_destination_url(const char *destination);

/*
 * A webhook-id that can be signed: 1 to 255 visible ASCII characters without '.',
 * '"' and '\'.  Raises 22023 for another one.
 */
extern void paysafe_destination_check_id(const char *id);

/*
 * The value of the header webhook-signature for a webhook of this id, sent at this
 * time (seconds since 1970): an entry for each key that is live now, the newest
 * first.  palloc'd.  Raises 55000 if there is no live key.
 */
extern char *paysafe_destination_sign(const char *destination, const char *id, int64 seconds,
									  const void *body, size_t len);

/* A time as seconds since 1970; 22023 unless it has one to ten digits. */
extern int64 paysafe_destination_seconds(int64 at);

#endif							/* PAYSAFE_DESTINATION_H */
