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
#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "core/crypto.h"
#include "evidence/canon.h"

/* How rows of one table look in the log now. */
typedef struct AuditShape
{
	int64		id;				/* first bytes of the digest */
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *subject;		/* names the table through renames and restores */
	char	   *schema_name;
	char	   *table_name;
	List	   *key_columns;	/* of char * */
	Jsonb	   *columns;
	CanonShape	shape;
	uint64		known;			/* see shape_is_stored */
} AuditShape;

/*
 * The shape of a leaf table, in the current context.  Columns come in the
 * order of layout, the declared table (for a partition its root, otherwise
 * the leaf itself), whose name it also carries.
 */
extern AuditShape *paysafe_audit_shape(Relation leaf, Oid layout, const char *subject,
									   List *redacted, const AttrNumber *key_attnums,
									   int nkeys);

/*
 * Add one row to the log: op 'I', 'U' or 'D'; before and after as in the
 * leaf, NULL where there is none.  The row is buffered; see flush.
 */
extern void paysafe_audit_append(AuditShape *shape, char op, const char *key,
								 TupleTableSlot *before, TupleTableSlot *after);

/* Write what the current (sub)transaction has buffered. */
extern void paysafe_audit_flush(void);

/* For the transaction callbacks of the audit rule. */
extern void paysafe_audit_end_transaction(void);
extern void paysafe_audit_end_subtransaction(bool committed, int level);

extern void paysafe_audit_log_init(void);

#endif							/* PAYSAFE_AUDIT_LOG_H */
