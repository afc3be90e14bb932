/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  Where the extension's own objects are, and trees of tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CATALOG_H
#define PAYSAFE_CATALOG_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

typedef enum PaysafeTable
{
	PAYSAFE_RULE,
	PAYSAFE_THRESHOLD,
	PAYSAFE_CURRENCY,
	PAYSAFE_PROPOSAL_RECORD,
	PAYSAFE_APPROVAL_RECORD,
	PAYSAFE_APPROVAL_END,
	PAYSAFE_REJECTION_RECORD,
	PAYSAFE_REJECTION_END,
	PAYSAFE_APPROVER_SETTING,
	PAYSAFE_BREAK_GLASS_SETTING,
	PAYSAFE_BREAK_GLASS_RECORD,
	PAYSAFE_BREAK_GLASS_REVIEW,
	PAYSAFE_REFUND_EVENT,
	PAYSAFE_REFUND_REQUEST,
	PAYSAFE_REFUND_TOTAL,
	PAYSAFE_REFUND_FLOW,
	PAYSAFE_VELOCITY_FLOW,
	PAYSAFE_ROW_MARK,
	PAYSAFE_BREACH_RECORD,
	PAYSAFE_BREACH_SETTLEMENT,
	PAYSAFE_ACCEPTED_ROW,
	PAYSAFE_VALIDATION_PART,
	PAYSAFE_CLOSED_PERIOD,
	PAYSAFE_BALANCE_STRIPE,
	PAYSAFE_BALANCE_MOVE,
	PAYSAFE_RESERVATION_RECORD,
	PAYSAFE_RESERVATION_END,
	PAYSAFE_RESERVATION_POST,
	PAYSAFE_RESERVATION_TOTAL,
	PAYSAFE_CAPTURED_TOTAL,
	PAYSAFE_CAPTURE_TOTAL,
	PAYSAFE_ENTRY_TOTAL,
	PAYSAFE_AUDIT_ROW,
	PAYSAFE_AUDIT_SHAPE,
	PAYSAFE_AUDIT_KEY,
	PAYSAFE_INDEX_PROGRESS,
	PAYSAFE_INDEX_RUN,
	PAYSAFE_INDEX_CHUNK,
	PAYSAFE_REDACTION_KEY,
	PAYSAFE_SEAL_LOG,
	PAYSAFE_SEAL_STATE,
	PAYSAFE_SEAL_TRANSACTION,
	PAYSAFE_SEAL_TILE,
	PAYSAFE_SEAL_FINDING,
	PAYSAFE_ACTIVATION,
	PAYSAFE_DUMPED_ROW,
	PAYSAFE_TEST_DATABASE,
	PAYSAFE_FIXTURE_BLOCK,
	PAYSAFE_REFUSAL_RECORD,
	PAYSAFE_RETENTION_RECORD,
	PAYSAFE_HOLD_RECORD,
	PAYSAFE_HOLD_END,
	PAYSAFE_ERASURE_REQUEST,
	PAYSAFE_MAINTENANCE_RECORD,
	PAYSAFE_MAINTENANCE_END,
	PAYSAFE_MAINTENANCE_CHANGE,
	PAYSAFE_DATA_KEY,
	PAYSAFE_IDEMPOTENCY_ENDPOINT,
	PAYSAFE_IDEMPOTENCY_KEY,
	PAYSAFE_IDEMPOTENCY_RESPONSE,
	PAYSAFE_API_KEY_RECORD,
	PAYSAFE_API_KEY_END,
	PAYSAFE_API_KEY_USE,
	PAYSAFE_INBOX_EVENT,
	PAYSAFE_INBOX_PAYLOAD,
	PAYSAFE_OUTBOX_EVENT,
	PAYSAFE_OUTBOX_PAYLOAD,
	PAYSAFE_QUEUE_SETTING,
	PAYSAFE_QUEUE_NOTE,
	PAYSAFE_WEBHOOK_DESTINATION,
	PAYSAFE_DESTINATION_KEY,
	PAYSAFE_OUTBOX_ATTEMPT,
	PAYSAFE_WEBHOOK_SCHEME,
	PAYSAFE_WEBHOOK_ENDPOINT,
	PAYSAFE_WEBHOOK_KEY,
	PAYSAFE_WEBHOOK_SEEN,
	PAYSAFE_WEBHOOK_LATEST,
	PAYSAFE_SEAL_CHECKPOINT,
	PAYSAFE_SEAL_COSIGNATURE,
	PAYSAFE_SEAL_POLICY,
	PAYSAFE_SEAL_PUBLISHER,
	PAYSAFE_PERSON_RECORD,
	PAYSAFE_PERSON_ALIAS_RECORD,
	PAYSAFE_PERSON_STATE,
	PAYSAFE_PERSON_GROUP,
	PAYSAFE_PERSON_SETTING,
	PAYSAFE_DELEGATION_RECORD,
	PAYSAFE_DELEGATION_END,
	PAYSAFE_TOKEN_ISSUER_RECORD,
	PAYSAFE_TOKEN_KEY_RECORD,
	PAYSAFE_TOKEN_USE,
	PAYSAFE_PASSKEY_RECORD,
	PAYSAFE_PASSKEY_END,
	PAYSAFE_PASSKEY_USE,
	PAYSAFE_PASSKEY_CHALLENGE,
	PAYSAFE_PASSKEY_ASSERTION,
	PAYSAFE_THROTTLE_LIMIT_RECORD,
	PAYSAFE_SIGNAL_RECORD,
	PAYSAFE_DECISION_RECORD,
	PAYSAFE_THROTTLE_COUNTER,
	PAYSAFE_REQUEST_CLIENT_RECORD,
	PAYSAFE_REQUEST_KEY,
	PAYSAFE_WEBHOOK_SCHEMA_RECORD,
	PAYSAFE_NTABLES
} PaysafeTable;

#define PAYSAFE_ROW_TRIGGER			"paysafe"
#define PAYSAFE_STATEMENT_TRIGGER	"paysafe_statement"

/*
 * Is the extension in this database?  Cheap once known.  False outside of
 * transactions and before a database is connected.
 */
extern bool paysafe_catalog_present(void);

/* OID of the extension, and of its schema.  Raise 55000 without them. */
extern Oid	paysafe_catalog_extension(void);
extern Oid	paysafe_catalog_schema(void);

/* Is a script of this extension being run, by CREATE or ALTER EXTENSION? */
extern bool paysafe_catalog_in_script(void);

/*
 * OID of one of paysafe's own tables.  Found by schema and name once, accepted
 * only if it is a member of the extension, and forgotten when the relation
 * changes.  Raises 55000 if the extension is damaged.
 */
extern Oid	paysafe_catalog_table(PaysafeTable table);

/* Do new rows of the own table go into the audit log?  Unless catalog.c says why not. */
extern bool paysafe_catalog_is_audited(PaysafeTable table);

/* The extension's owner: as whom paysafe creates triggers and partitions. */
extern Oid	paysafe_catalog_owner(void);

/* Does the relation belong to the schema paysafe? */
extern bool paysafe_catalog_is_own(Oid relid);

/* Our trigger functions; store/own_trigger.h says which triggers are ours. */
extern Oid	paysafe_catalog_enforce_function(void);
extern Oid	paysafe_catalog_statement_function(void);

/* Is it one of them?  False if they have not been looked for yet. */
extern bool paysafe_catalog_is_trigger_function(Oid function);

/*
 * May the role say for whom it acts, or show it, as it is or as what SET ROLE makes of it?
 * Also true if there is no such role.
 */
extern bool paysafe_catalog_may_act_as(const char *role);

/* May the role say for which tenant it works? */
extern bool paysafe_catalog_may_act_for_tenant(Oid role);

/*
 * The relation and everything its rows also belong to: partition roots and
 * inheritance parents, nearest first.
 */
extern List *paysafe_catalog_ancestors(Oid relid);

/* The tables below a root that store rows; takes AccessShareLock on the tree. */
extern List *paysafe_catalog_leaves(Oid root);

/* The column of this name, no system column.  Raises 42703; 22023 if virtual. */
extern AttrNumber paysafe_catalog_column(Relation rel, const char *column);

extern void paysafe_catalog_init(void);

/* "schema.table", quoted where needed.  Raises 42P01 if there is no such relation. */
extern char *paysafe_catalog_table_name(Oid relid);

#endif							/* PAYSAFE_CATALOG_H */
