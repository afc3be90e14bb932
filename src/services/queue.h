/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  Events that wait for somebody to work on them: the inbox and the outbox.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_H
#define PAYSAFE_QUEUE_H

#include "utils/jsonb.h"

#include "core/catalog.h"

/* An event to add. */
typedef struct QueueItem
{
	const char *source;			/* the endpoint that it came by, or the destination */
	const char *event_id;
	const char *event_type;		/* or NULL */
	Jsonb	   *headers;		/* or NULL */
	const void *body;
	size_t		bodylen;
} QueueItem;

/*
 * Add an event to paysafe.inbox_event or paysafe.outbox_event, ready at once;
 * returns its id.  It is there when the transaction commits, and not if it does
 * not.
 */
extern int64 paysafe_queue_add(PaysafeTable table, const QueueItem *item);

#endif							/* PAYSAFE_QUEUE_H */
