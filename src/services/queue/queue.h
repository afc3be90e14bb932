/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  Events that wait for somebody to work on them: the inbox and the outbox.
 *
 * table is PAYSAFE_INBOX_EVENT or PAYSAFE_OUTBOX_EVENT everywhere.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_H
#define PAYSAFE_QUEUE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "services/queue/queue_item.h"
#include "store/catalog.h"

/* The states of an event, by number from 0 on. */
#define QUEUE_NSTATES	5
extern const char *paysafe_queue_state(int i);

/*
 * Add an event to paysafe.inbox_event or paysafe.outbox_event, ready at once;
 * returns its id.  It is there when the transaction commits, and not if it does
 * not.
 */
extern int64 paysafe_queue_add(PaysafeTable table, const QueueItem *item);

/*
 * Make the partitions of payloads for half a year ahead.  By whoever sets up an
 * endpoint or a destination, so that the first event finds them; it makes them
 * otherwise.
 */
extern void paysafe_queue_prepare(PaysafeTable table);

/* An event that has been claimed; all of it palloc'd. */
typedef struct QueueClaim
{
	int64		id;
	int			attempt;
	char	   *source;
	char	   *event_id;
	char	   *event_type;		/* or NULL */
	Jsonb	   *headers;		/* or NULL */
	bytea	   *body;
} QueueClaim;

/*
 * Claim up to so many events that are due, of the source (NULL: of any), and that
 * no other transaction has locked: no wait.  Returns QueueClaims, those whose
 * lease is over first, each in the order in which they became due.  lease is in
 * microseconds.
 */
extern List *paysafe_queue_claim(PaysafeTable table, const char *source, int limit, int64 lease);

/*
 * The ends of an attempt.  Raise 22023 if there is no such event, and 40001
 * (paysafe_inbox_fenced, paysafe_outbox_fenced) if the attempt has the event no
 * more; wait for a transaction that is just changing it.
 *
 * retry returns when the next attempt is due, or DT_NOEND if it was the last one
 * and the event is dead.  The reason is cut off at 200 bytes.
 */
extern void paysafe_queue_done(PaysafeTable table, int64 id, int attempt);
extern TimestampTz paysafe_queue_retry(PaysafeTable table, int64 id, int attempt,
									   const char *reason, bool final);

/* What is kept of a reason, without card numbers and secrets; palloc'd. */
extern char *paysafe_queue_cut_reason(const char *reason);

/*
 * A dead event gets its attempts again, or is no concern any more.  23T01 if it is
 * not dead.
 */
extern void paysafe_queue_revive(PaysafeTable table, int64 id, const char *reason);
extern void paysafe_queue_dismiss(PaysafeTable table, int64 id, const char *reason);

/*
 * Is there an event of this id, of a source whose ids are unique (the outbox's)?
 * Then its type, or NULL, and its body, or NULL if that is not kept any more.
 */
extern bool paysafe_queue_find(PaysafeTable table, const char *source, const char *event_id,
							   char **event_type, bytea **body);

/*
 * Drop what events say that were added longer ago than this (microseconds) and are
 * done or dismissed; one that waits or is dead keeps its own period and no other.
 * Makes the periods to come.  Returns how many partitions were dropped.
 */
extern int	paysafe_queue_expire_payloads(int64 keep);

/* Make the periods to come of what has been used, and drop nothing. */
extern void paysafe_queue_extend_payloads(void);

#endif							/* PAYSAFE_QUEUE_H */
