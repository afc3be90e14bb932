/*-------------------------------------------------------------------------
 *
 * audit_key.h
 *	  Nonces of the audit log, derived from keys that forget.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_AUDIT_KEY_H
#define PAYSAFE_AUDIT_KEY_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

#define AUDIT_NONCE_LEN		16
#define AUDIT_KEY_ID_LEN	4	/* what stands in "nonce" where it is derived */

/*
 * The nonce of a new row of a partition of the log, which has just been found for its
 * time.  Returns how many bytes of stored are
 * to be kept of it in the row: AUDIT_KEY_ID_LEN, or AUDIT_NONCE_LEN where the partition
 * has no key.
 */
extern int	paysafe_audit_key_draw(Oid partition, uint64 xid, int32 seq, uint8 *stored, uint8 *nonce);

/* For reading: remembers the way to the nonce before.  palloc'd as a whole. */
typedef struct AuditKeys AuditKeys;

/* snapshot: with which the rows are read; NULL: the newest. */
extern AuditKeys *paysafe_audit_keys_begin(Snapshot snapshot);

/* For a function of SQL: one for all its calls in a query, with the query's snapshot. */
extern AuditKeys *paysafe_audit_keys_of_call(FunctionCallInfo fcinfo);

/*
 * The nonce of a row in which len bytes of it are stored; false if its key is not there,
 * or has forgotten it.
 */
extern bool paysafe_audit_keys_nonce(AuditKeys *keys, const uint8 *stored, int len,
									 uint64 xid, int32 seq, uint8 *nonce);

/*
 * Make the nonce of a row underivable, and none of another row.  Nothing is done if none
 * is derived.
 */
extern void paysafe_audit_key_forget(const uint8 *stored, int len, uint64 xid, int32 seq);

/* Make all nonces underivable of rows of the month that begins then. */
extern void paysafe_audit_key_forget_month(TimestampTz month);

/* Keys for those of the partitions (of OwnPartition) that get rows yet, if they have none. */
extern void paysafe_audit_key_ensure(const List *partitions);

extern void paysafe_audit_key_init(void);

#endif							/* PAYSAFE_AUDIT_KEY_H */
