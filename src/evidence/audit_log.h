/*-------------------------------------------------------------------------
 *
 * audit_log.h
 *	  Writing the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_LOG_H
#define PAYSAFE_AUDIT_LOG_H

#include "executor/tuptable.h"

#include "evidence/audit_leaf.h"
#include "evidence/audit_shape.h"

/* Not of a row: columns were added, and all rows have their values. */
#define AUDIT_ADD_COLUMN	'A'

/*
 * Add one row to the log: op 'I', 'U' or 'D' (AUDIT_ADD_COLUMN: without a key) and the command that made the
 * change; before and after as in the leaf, NULL where there is none.  The row
 * is buffered; see flush.
 */
extern void paysafe_audit_log_append(AuditShape *shape, char op, CommandId command, const char *key,
								 TupleTableSlot *before, TupleTableSlot *after);

/* Write what the current (sub)transaction has buffered. */
extern void paysafe_audit_log_flush(void);

/* For the transaction callbacks of the audit rule. */
extern void paysafe_audit_log_end_transaction(bool aborted);
extern void paysafe_audit_log_end_subtransaction(bool committed, int level);

/*
 * The last transaction of this session that has rows in the log, or 0.  *now: has the
 * one that is in progress some?
 */
extern uint64 paysafe_audit_log_last(bool *now);

extern void paysafe_audit_log_init(void);

#endif							/* PAYSAFE_AUDIT_LOG_H */
