/*-------------------------------------------------------------------------
 *
 * audit_shape.h
 *	  How the rows of a table look in the audit log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_SHAPE_H
#define PAYSAFE_AUDIT_SHAPE_H

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "base/crypto.h"
#include "evidence/canon.h"

/* Columns of paysafe.audit_shape. */
enum
{
	SHAPE_ID, SHAPE_DIGEST, SHAPE_SUBJECT, SHAPE_SCHEMA, SHAPE_TABLE,
	SHAPE_ENCODING, SHAPE_KEY_COLUMNS, SHAPE_COLUMNS, SHAPE_SINCE,
	SHAPE_NCOLUMNS
};

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
	uint64		known;			/* whether it is stored */
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
 * The key for a column's hashes, 32 bytes, derived from the database's redaction
 * key; 55000 without one.
 */
extern void paysafe_audit_shape_redaction_key(const char *subject, const char *column,
											  uint8 *out);

/* The same; false without one. */
extern bool paysafe_audit_shape_find_redaction_key(const char *subject, const char *column, uint8 *out);

/* Store the shape unless it is; call before a row refers to it. */
extern void paysafe_audit_shape_store(AuditShape *shape);

/*
 * Number and digest of a stored shape; false if they are not what the rest of it says.
 */
extern bool paysafe_audit_shape_read(Relation rel, HeapTuple tuple, int64 *id, uint8 *digest);

/* A (sub)transaction ended: what it stored may be gone. */
extern void paysafe_audit_shape_forget(void);

#endif							/* PAYSAFE_AUDIT_SHAPE_H */
