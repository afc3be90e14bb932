/*-------------------------------------------------------------------------
 *
 * queue_item.h
 *	  An event to add to a queue.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_ITEM_H
#define PAYSAFE_QUEUE_ITEM_H

#include "utils/jsonb.h"

/* An event to add. */
typedef struct QueueItem
{
	const char *source;			/* the endpoint that it came by, or the destination */
	const char *event_id;
	const char *event_type;		/* or NULL */
	Jsonb	   *headers;		/* or NULL */
	const void *body;
	size_t		bodylen;
	bool		encrypt;		/* the body is stored sealed */
	const char *dead;			/* why nobody is to work on it; or NULL */
} QueueItem;

#endif							/* PAYSAFE_QUEUE_ITEM_H */
