/*-------------------------------------------------------------------------
 *
 * payload.h
 *	  Payloads of audit rows that are to be removed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RETENTION_PAYLOAD_H
#define PAYSAFE_RETENTION_PAYLOAD_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/crypto.h"
#include "evidence/audit_key.h"
#include "evidence/retention/hold.h"
#include "evidence/retention/in_tree.h"

/* A way in which rows look in the log, as paysafe.audit_shape has it. */
typedef struct LoggedTable
{
	int64		id;
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *subject;
	char	   *table;			/* "schema.table" */
	int			encoding;
	bool		own;			/* one of paysafe's */
	/* for whoever judges rows month by month */
	TimestampTz upper;			/* end of the month of which the next one is told, or DT_NOBEGIN */
	bool		over;			/* the table's period has passed */
} LoggedTable;

/* What payloads are judged by; palloc'd, good for one transaction. */
typedef struct PayloadJudge
{
	struct HTAB *tables;		/* of LoggedTable, by id */
	List	   *holds;
	InTree	   *sealed;
	AuditKeys  *keys;
} PayloadJudge;

extern PayloadJudge *paysafe_payload_judge(void);

/* The table of a row; 55000 if paysafe.audit_shape lacks it. */
extern LoggedTable *paysafe_payload_table(PayloadJudge *judge, const Datum *values);

/* Has the row's payload been removed already? */
extern bool paysafe_payload_is_gone(const bool *nulls);

/* What holds the row, or NULL. */
extern const Hold *paysafe_payload_hold(PayloadJudge *judge, const LoggedTable *table,
										const Datum *values, const bool *nulls);

/*
 * Raise an error unless the tree has the row (55000), as it is now (XX001): nothing
 * that was tampered with disappears.
 */
extern void paysafe_payload_check(PayloadJudge *judge, const LoggedTable *table,
								  const Datum *values, const bool *nulls);

/*
 * Take the payload out of the row; removal is the number of what is on record of it.
 * Its nonce can still be derived.  Memory comes from the current context.
 */
extern void paysafe_payload_remove(PayloadJudge *judge, Datum *values, bool *nulls, int64 removal);

/* Store the row's nonce, if it is derived: the row keeps it, whatever its key forgets. */
extern void paysafe_payload_keep_nonce(PayloadJudge *judge, Datum *values, const bool *nulls);

#endif							/* PAYSAFE_RETENTION_PAYLOAD_H */
