/*-------------------------------------------------------------------------
 *
 * queue_payload.h
 *	  Headers and bodies of events, apart from the events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_PAYLOAD_H
#define PAYSAFE_QUEUE_PAYLOAD_H

#include "services/queue/queue_item.h"
#include "store/partition.h"

typedef struct QueuePayload
{
	Jsonb	   *headers;		/* or NULL */
	bytea	   *body;			/* NULL if there is none */
} QueuePayload;

/* Store what an event of the queue that is called so has; its body is sealed if the item says so. */
extern void paysafe_queue_payload_store(const OwnPartitions *payloads, const char *queue, int64 id,
										TimestampTz at, const QueueItem *item);

/*
 * Find it, by the event's id and the time at which it came; opened, palloc'd.  False if
 * it is not there, which for an event that is not done is damage.  Raises what
 * paysafe_keyring_open does.
 */
extern bool paysafe_queue_payload_find(const OwnPartitions *payloads, const char *queue, int64 id,
									   TimestampTz at, QueuePayload *payload);

#endif							/* PAYSAFE_QUEUE_PAYLOAD_H */
