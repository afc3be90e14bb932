/*-------------------------------------------------------------------------
 *
 * outliving.h
 *	  Signals and decisions: rows that stay when their transaction rolls back.
 *
 * Both are entries of the refusals' queue and have the same columns. A row that is added in a
 * transaction commits with it; if that rolls back, or the savepoint does, the refusals' writer
 * adds it. Where paysafe is not preloaded nobody does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_OUTLIVING_H
#define PAYSAFE_OUTLIVING_H

#include "evidence/refusal_entry.h"

/* Columns of paysafe.signal_record and paysafe.decision_record; the latter ends with EVENT_PID. */
enum
{
	EVENT_AT, EVENT_LAST_AT, EVENT_COUNT, EVENT_NAME, EVENT_OUTCOME, EVENT_PART, EVENT_DIGEST,
	EVENT_FIGURES, EVENT_REQUEST_ID, EVENT_BUSINESS_ID, EVENT_ACTOR, EVENT_SESSION_USER,
	EVENT_LOGIN, EVENT_CLIENT, EVENT_PID,
	EVENT_SYSTEM, EVENT_DATABASE, EVENT_TIMELINE, EVENT_XID, EVENT_SEQ,
	EVENT_NCOLUMNS
};

/* An empty entry of this kind: when, and who acts for which request. */
extern void paysafe_outliving_begin(RefusalEntry *entry, EntryKind kind);

/*
 * A row now, that stays whatever becomes of the transaction; in one that only reads, by the
 * writer. Raises 25006 where neither is possible.
 */
extern void paysafe_outliving_add(const RefusalEntry *entry);

/* A row by the writer, whatever becomes of the transaction; without a writer, as above. */
extern void paysafe_outliving_queue(const RefusalEntry *entry);

/* For the writer: add the row; recorded: to the audit log, too. */
extern void paysafe_outliving_write(const RefusalEntry *entry, bool recorded);

/* For the writer, outside of a transaction: tell who listens of the signals. Errors are logged only. */
extern void paysafe_outliving_tell(const RefusalEntry *entries, int n);

/* For the writer: which of the entries that were in the file have their row? */
extern void paysafe_outliving_find_recorded(const RefusalEntry *entries, int n, bool *recorded);

extern void paysafe_outliving_init(void);

#endif							/* PAYSAFE_OUTLIVING_H */
