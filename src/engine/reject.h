/*-------------------------------------------------------------------------
 *
 * reject.h
 *	  Saying no to what waits for a second person.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REJECT_H
#define PAYSAFE_REJECT_H

#include "nodes/pg_list.h"

/*
 * Reject what waits, of ApprovalSubject; the last one's id.  key NULL: refunds whose rows are not
 * there yet.  Refuses (42501) whoever could not approve it and has not asked for it.
 */
extern int64 paysafe_reject_record(Oid relation, const char *key, List *subjects, const char *reason,
								   const char *ticket);

#endif							/* PAYSAFE_REJECT_H */
