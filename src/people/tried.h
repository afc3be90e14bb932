/*-------------------------------------------------------------------------
 *
 * tried.h
 *	  Attempts to show who one is, and to approve: from where, and how many have failed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TRIED_H
#define PAYSAFE_TRIED_H

/* What is known of an attempt. */
typedef enum Tried
{
	TRIED_UNLIMITED,			/* nothing is counted: no limit is declared, or there is no address */
	TRIED_COUNTED,				/* there is a limit, and something is left of it */
	TRIED_LOCKED_OUT			/* there have been too many: what is right counts for nothing, too */
} Tried;

/*
 * Who counts.  Set once by the layer above, which people/ does not know.  service: "token", a constant; client: whose
 * attempt it is, NULL if that is not known; address: an address, or "[local]".
 */
typedef struct TriedJudge
{
	bool		(*limited) (const char *service);	/* does anything count at all?  Cheap, and asked first */
	Tried		(*judge) (const char *service, const char *client, const char *address, bool failed);
} TriedJudge;
extern void paysafe_tried_set_judge(const TriedJudge *judge);

/* Does anything count here?  If not, nothing needs to be found out for it. */
extern bool paysafe_tried_counts(const char *service);

/* Somebody has tried, and failed or not.  What has failed stays counted when the transaction rolls back. */
extern Tried paysafe_tried(const char *service, const char *client, bool failed);

/*
 * Call what checks whether the client may, and refuses (42501) if not.  Where such attempts are counted, the answer to one
 * that is refused is the same whatever the reason, and so is the one to a right one that is locked out: the message, under
 * the rule and table of paysafe that are given.  The record has why.
 */
extern void paysafe_tried_check(const char *service, const char *client, const char *message, const char *table,
								void (*check) (void *), void *arg);

extern void paysafe_tried_init(void);

#endif							/* PAYSAFE_TRIED_H */
