/*-------------------------------------------------------------------------
 *
 * audit.h
 *	  What is recorded without a trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_H
#define PAYSAFE_AUDIT_H

#include "engine/rule.h"

/* Record the change of a row, whatever the rule requires of one. */
extern void paysafe_audit_record(const Rule *audit, const RowChange *change);

/* Record what columns, all others NULL, say in every row from now on. */
extern void paysafe_audit_record_columns(const Rule *audit, TupleTableSlot *columns);

/*
 * Was the table empty when it got its subject, the name under which it is in the log? Then
 * the log has each of its rows, if it has been audited ever since.
 */
extern bool paysafe_audit_subject_is_whole(const char *subject);

#endif							/* PAYSAFE_AUDIT_H */
