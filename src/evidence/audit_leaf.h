/*-------------------------------------------------------------------------
 *
 * audit_leaf.h
 *	  Rows of the audit log as leaves of the tree that seals it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_LEAF_H
#define PAYSAFE_AUDIT_LEAF_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "base/crypto.h"
#include "evidence/audit_key.h"

/* Columns of paysafe.audit_row. */
enum
{
	ROW_AT, ROW_XID, ROW_SHAPE, ROW_COMMAND, ROW_LEAF_CHECK, ROW_SEQ, ROW_KEY, ROW_AFTER,
	ROW_BEFORE, ROW_CONTEXT, ROW_NONCE, ROW_OP, ROW_REMOVAL,
	ROW_NCOLUMNS
};

/* The first byte of a leaf says what it is. */
#define AUDIT_LEAF			1	/* a row of the audit log */
#define AUDIT_LEAF_TRANSACTION 2	/* the rows of a transaction: how many, and their root */
#define AUDIT_LEAF_OPENING	3	/* the first leaf of a log */

#define AUDIT_LEAF_LEN		90

/* What a leaf says beside its payload. */
typedef struct AuditLeaf
{
	uint64		xid;
	CommandId	command;
	int32		seq;
	TimestampTz at;
	char		op;
	const uint8 *shape_digest;
} AuditLeaf;

/* The leaf, AUDIT_LEAF_LEN bytes; payload_digest is SHA-256 of the payload. */
extern void paysafe_audit_leaf_form(const AuditLeaf *leaf, const uint8 *payload_digest, uint8 *out);

/* SHA-256(00 || leaf), as RFC 6962 has it. */
extern void paysafe_audit_leaf_hash_bytes(const uint8 *leaf, uint8 *out);

/* What a row keeps of its leaf hash: its first 28 bits. */
extern int32 paysafe_audit_leaf_check_of(const uint8 *leaf_hash);

/* Parts of a payload: see audit_leaf.c. */
extern int	paysafe_audit_leaf_begin_field(StringInfo payload);
extern void paysafe_audit_leaf_end_field(StringInfo payload, int start);
extern int	paysafe_audit_leaf_null_field(StringInfo payload);

/*
 * The payload of a stored row, into payload; false if it has been removed: then the
 * nonce is NULL, and "context" is the 32 bytes of SHA-256(payload).  Or if its nonce
 * cannot be derived.
 */
extern bool paysafe_audit_leaf_payload(AuditKeys *keys, const Datum *values, const bool *nulls,
									   StringInfo payload);

/*
 * The leaf of a stored row, AUDIT_LEAF_LEN bytes, computed again; payload is its
 * payload, or empty if that has been removed.  False if too little is there: then it has
 * zeros for what cannot be computed.  shape_digest may be NULL, which is too little.
 */
extern bool paysafe_audit_leaf_of_row(AuditKeys *keys, const Datum *values, const bool *nulls,
									  const uint8 *shape_digest, StringInfo payload, uint8 *out);

#endif							/* PAYSAFE_AUDIT_LEAF_H */
