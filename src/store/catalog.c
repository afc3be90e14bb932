/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  Where the extension's own objects are, and trees of tables.
 *
 * Nothing is looked up through search_path.  A relation is believed to be
 * ours only if pg_depend makes it a member of the extension, so a table that
 * somebody puts under one of our names in a renamed schema is not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/invalidation.h"
#include "base/transaction.h"
#include "compat.h"
#include "store/catalog.h"

static const char *const table_names[PAYSAFE_NTABLES] = {
	[PAYSAFE_RULE] = "rule",
	[PAYSAFE_THRESHOLD] = "threshold",
	[PAYSAFE_CURRENCY] = "currency",
	[PAYSAFE_PROPOSAL_RECORD] = "proposal_record",
	[PAYSAFE_APPROVAL_RECORD] = "approval_record",
	[PAYSAFE_APPROVAL_END] = "approval_end",
	[PAYSAFE_REJECTION_RECORD] = "rejection_record",
	[PAYSAFE_REJECTION_END] = "rejection_end",
	[PAYSAFE_APPROVER_SETTING] = "approver_setting",
	[PAYSAFE_BREAK_GLASS_SETTING] = "break_glass_setting",
	[PAYSAFE_BREAK_GLASS_RECORD] = "break_glass_record",
	[PAYSAFE_BREAK_GLASS_REVIEW] = "break_glass_review",
	[PAYSAFE_REFUND_EVENT] = "refund_event",
	[PAYSAFE_REFUND_REQUEST] = "refund_request",
	[PAYSAFE_REFUND_TOTAL] = "refund_total",
	[PAYSAFE_REFUND_FLOW] = "refund_flow",
	[PAYSAFE_VELOCITY_FLOW] = "velocity_flow",
	[PAYSAFE_ROW_MARK] = "row_mark",
	[PAYSAFE_BREACH_RECORD] = "breach_record",
	[PAYSAFE_BREACH_SETTLEMENT] = "breach_settlement",
	[PAYSAFE_ACCEPTED_ROW] = "accepted_row",
	[PAYSAFE_VALIDATION_PART] = "validation_part",
	[PAYSAFE_CLOSED_PERIOD] = "closed_period",
	[PAYSAFE_BALANCE_STRIPE] = "balance_stripe",
	[PAYSAFE_BALANCE_MOVE] = "balance_move",
	[PAYSAFE_RESERVATION_RECORD] = "reservation_record",
	[PAYSAFE_RESERVATION_END] = "reservation_end",
	[PAYSAFE_RESERVATION_POST] = "reservation_post",
	[PAYSAFE_RESERVATION_TOTAL] = "reservation_total",
	[PAYSAFE_CAPTURED_TOTAL] = "captured_total",
	[PAYSAFE_CAPTURE_TOTAL] = "capture_total",
	[PAYSAFE_ENTRY_TOTAL] = "entry_total",
	[PAYSAFE_AUDIT_ROW] = "audit_row",
	[PAYSAFE_AUDIT_SHAPE] = "audit_shape",
	[PAYSAFE_AUDIT_KEY] = "audit_key",
	[PAYSAFE_INDEX_PROGRESS] = "index_progress",
	[PAYSAFE_INDEX_RUN] = "index_run",
	[PAYSAFE_INDEX_CHUNK] = "index_chunk",
	[PAYSAFE_REDACTION_KEY] = "redaction_key",
	[PAYSAFE_SEAL_LOG] = "seal_log",
	[PAYSAFE_SEAL_STATE] = "seal_state",
	[PAYSAFE_SEAL_TRANSACTION] = "seal_transaction",
	[PAYSAFE_SEAL_TILE] = "seal_tile",
	[PAYSAFE_SEAL_FINDING] = "seal_finding",
	[PAYSAFE_ACTIVATION] = "activation",
	[PAYSAFE_DUMPED_ROW] = "dumped_row",
	[PAYSAFE_TEST_DATABASE] = "test_database",
	[PAYSAFE_FIXTURE_BLOCK] = "fixture_block",
	[PAYSAFE_REFUSAL_RECORD] = "refusal_record",
	[PAYSAFE_RETENTION_RECORD] = "retention_record",
	[PAYSAFE_HOLD_RECORD] = "hold_record",
	[PAYSAFE_HOLD_END] = "hold_end",
	[PAYSAFE_ERASURE_REQUEST] = "erasure_request",
	[PAYSAFE_MAINTENANCE_RECORD] = "maintenance_record",
	[PAYSAFE_MAINTENANCE_END] = "maintenance_end",
	[PAYSAFE_MAINTENANCE_CHANGE] = "maintenance_change",
	[PAYSAFE_DATA_KEY] = "data_key",
	[PAYSAFE_IDEMPOTENCY_ENDPOINT] = "idempotency_endpoint",
	[PAYSAFE_IDEMPOTENCY_KEY] = "idempotency_key",
	[PAYSAFE_IDEMPOTENCY_RESPONSE] = "idempotency_response",
	[PAYSAFE_API_KEY_RECORD] = "api_key_record",
	[PAYSAFE_API_KEY_END] = "api_key_end",
	[PAYSAFE_API_KEY_USE] = "api_key_use",
	[PAYSAFE_INBOX_EVENT] = "inbox_event",
	[PAYSAFE_INBOX_PAYLOAD] = "inbox_payload",
	[PAYSAFE_OUTBOX_EVENT] = "outbox_event",
	[PAYSAFE_OUTBOX_PAYLOAD] = "outbox_payload",
	[PAYSAFE_QUEUE_SETTING] = "queue_setting",
	[PAYSAFE_QUEUE_NOTE] = "queue_note",
	[PAYSAFE_WEBHOOK_DESTINATION] = "webhook_destination",
	[PAYSAFE_DESTINATION_KEY] = "destination_key",
	[PAYSAFE_OUTBOX_ATTEMPT] = "outbox_attempt",
	[PAYSAFE_WEBHOOK_SCHEME] = "webhook_scheme",
	[PAYSAFE_WEBHOOK_ENDPOINT] = "webhook_endpoint",
	[PAYSAFE_WEBHOOK_KEY] = "webhook_key",
	[PAYSAFE_WEBHOOK_SEEN] = "webhook_seen",
	[PAYSAFE_WEBHOOK_LATEST] = "webhook_latest",
	[PAYSAFE_SEAL_CHECKPOINT] = "seal_checkpoint",
	[PAYSAFE_SEAL_COSIGNATURE] = "seal_cosignature",
	[PAYSAFE_SEAL_POLICY] = "seal_policy",
	[PAYSAFE_SEAL_PUBLISHER] = "seal_publisher",
	[PAYSAFE_PERSON_RECORD] = "person_record",
	[PAYSAFE_PERSON_ALIAS_RECORD] = "person_alias_record",
	[PAYSAFE_PERSON_STATE] = "person_state",
	[PAYSAFE_PERSON_GROUP] = "person_group",
	[PAYSAFE_PERSON_SETTING] = "person_setting",
	[PAYSAFE_DELEGATION_RECORD] = "delegation_record",
	[PAYSAFE_DELEGATION_END] = "delegation_end",
	[PAYSAFE_TOKEN_ISSUER_RECORD] = "token_issuer_record",
	[PAYSAFE_TOKEN_KEY_RECORD] = "token_key_record",
	[PAYSAFE_TOKEN_USE] = "token_use",
	[PAYSAFE_PASSKEY_RECORD] = "passkey_record",
	[PAYSAFE_PASSKEY_END] = "passkey_end",
	[PAYSAFE_PASSKEY_USE] = "passkey_use",
	[PAYSAFE_PASSKEY_CHALLENGE] = "passkey_challenge",
	[PAYSAFE_PASSKEY_ASSERTION] = "passkey_assertion",
	[PAYSAFE_THROTTLE_LIMIT_RECORD] = "throttle_limit_record",
	[PAYSAFE_SIGNAL_RECORD] = "signal_record",
	[PAYSAFE_DECISION_RECORD] = "decision_record",
	[PAYSAFE_THROTTLE_COUNTER] = "throttle_counter",
	[PAYSAFE_OUTCOME_MINUTE] = "outcome_minute",
	[PAYSAFE_OUTCOME_HOUR] = "outcome_hour",
	[PAYSAFE_ALARM_STATE] = "alarm_state",
	[PAYSAFE_ALARM_RECORD] = "alarm_record",
	[PAYSAFE_FIRST_SEEN_VALUE] = "first_seen_value",
	[PAYSAFE_REQUEST_CLIENT_RECORD] = "request_client_record",
	[PAYSAFE_REQUEST_KEY] = "request_key",
	[PAYSAFE_WEBHOOK_SCHEMA_RECORD] = "webhook_schema_record",
};

/*
 * Own tables whose new rows do not go into the audit log, and why.  All others do,
 * so that the next table is not left out because nobody thought of it.
 */
static const char *const not_audited[PAYSAFE_NTABLES] = {
	[PAYSAFE_AUDIT_ROW] = "the log itself",
	[PAYSAFE_AUDIT_SHAPE] = "the log itself",
	[PAYSAFE_AUDIT_KEY] = "keys",
	[PAYSAFE_INDEX_PROGRESS] = "follows from the log",
	[PAYSAFE_INDEX_RUN] = "follows from the log",
	[PAYSAFE_INDEX_CHUNK] = "follows from the log",
	[PAYSAFE_REDACTION_KEY] = "a key",
	[PAYSAFE_SEAL_LOG] = "its row is the first leaf of the log",
	[PAYSAFE_SEAL_STATE] = "the tree itself",
	[PAYSAFE_SEAL_TRANSACTION] = "the tree itself",
	[PAYSAFE_SEAL_TILE] = "the tree itself",
	[PAYSAFE_DATA_KEY] = "keys; each version is a row",
	[PAYSAFE_ACTIVATION] = "says only since when",
	[PAYSAFE_REFUSAL_RECORD] = "recorded by whoever writes them, many at a time",
	[PAYSAFE_ERASURE_REQUEST] = "has the key that is to leave the log",
	[PAYSAFE_REFUND_TOTAL] = "follows from the refunds",
	[PAYSAFE_REFUND_FLOW] = "one for each refund that passes, which has its event",
	[PAYSAFE_VELOCITY_FLOW] = "one for each row that counts, which is the user's",
	[PAYSAFE_ROW_MARK] = "follows from changes of rows, which are the user's",
	[PAYSAFE_BALANCE_STRIPE] = "follows from ledger entries",
	[PAYSAFE_BALANCE_MOVE] = "follows from ledger entries",
	[PAYSAFE_RESERVATION_RECORD] = "one for each reservation; a record of its own",
	[PAYSAFE_RESERVATION_POST] = "one for each part of a reservation; a record of its own",
	[PAYSAFE_RESERVATION_END] = "one for each reservation; a record of its own",
	[PAYSAFE_RESERVATION_TOTAL] = "follows from the reservations",
	[PAYSAFE_CAPTURED_TOTAL] = "follows from changes of payments",
	[PAYSAFE_CAPTURE_TOTAL] = "follows from the captures",
	[PAYSAFE_ENTRY_TOTAL] = "follows from the entries",
	[PAYSAFE_VALIDATION_PART] = "how far something is that has an end",
	[PAYSAFE_IDEMPOTENCY_ENDPOINT] = "each version is a row",
	[PAYSAFE_IDEMPOTENCY_KEY] = "one for each request",
	[PAYSAFE_IDEMPOTENCY_RESPONSE] = "one for each request",
	[PAYSAFE_API_KEY_USE] = "when a key was used last",
	[PAYSAFE_INBOX_EVENT] = "one for each event",
	[PAYSAFE_INBOX_PAYLOAD] = "one for each event",
	[PAYSAFE_OUTBOX_EVENT] = "one for each event",
	[PAYSAFE_OUTBOX_PAYLOAD] = "one for each event",
	[PAYSAFE_OUTBOX_ATTEMPT] = "one for each delivery",
	[PAYSAFE_QUEUE_SETTING] = "each version is a row",
	[PAYSAFE_WEBHOOK_SCHEME] = "each version is a row",
	[PAYSAFE_WEBHOOK_ENDPOINT] = "each version is a row",
	[PAYSAFE_WEBHOOK_KEY] = "each version is a row",
	[PAYSAFE_WEBHOOK_SEEN] = "one for each webhook",
	[PAYSAFE_WEBHOOK_LATEST] = "one for each webhook",
	[PAYSAFE_SEAL_CHECKPOINT] = "signed, and known outside",
	[PAYSAFE_SEAL_COSIGNATURE] = "signed, and known outside",
	[PAYSAFE_SEAL_PUBLISHER] = "says only how it goes",
	[PAYSAFE_TOKEN_USE] = "one for each token or request; what it proved is with each change",
	[PAYSAFE_PASSKEY_USE] = "what passkeys have counted",
	[PAYSAFE_PASSKEY_CHALLENGE] = "good for minutes; what came of it is an assertion",
	[PAYSAFE_THROTTLE_COUNTER] = "one for each key that is counted",
	[PAYSAFE_OUTCOME_MINUTE] = "counts",
	[PAYSAFE_OUTCOME_HOUR] = "counts",
	[PAYSAFE_ALARM_STATE] = "follows from counts",
	[PAYSAFE_ALARM_RECORD] = "each is a signal, too",
	[PAYSAFE_FIRST_SEEN_VALUE] = "one for each value",
};

bool
paysafe_catalog_is_audited(PaysafeTable table)
{
	return not_audited[table] == NULL;
}

/* Known OIDs; reset as a whole when anything they depend on changes. */
static struct
{
	bool		absent;			/* there is no extension */
	Oid			extension;
	Oid			owner;
	Oid			schema;
	Oid			tables[PAYSAFE_NTABLES];
	Oid			enforce;
	Oid			statement;
	Oid			act_as;
	Oid			act_as_token;
	Oid			act_for_tenant;
}			known;

static void
forget(Datum arg, Oid relid)
{
	if (OidIsValid(relid))
	{
		bool		ours = false;

		for (int i = 0; i < PAYSAFE_NTABLES; i++)
			ours |= known.tables[i] == relid;
		if (!ours)
			return;
	}
	memset(&known, 0, sizeof(known));
}

static void
forget_all(Datum arg, int cacheid, uint32 hashvalue)
{
	memset(&known, 0, sizeof(known));
}

static PAYSAFE_NORETURN void
damaged(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the extension paysafe is not complete in this database"),
			 errdetail("Missing or not a member of the extension: %s.", what),
			 errhint("Restore the extension from a backup, or create it again in a new database.")));
	pg_unreachable();
}

/* Read the extension's OID and owner from pg_extension. */
static void
look_for_extension(void)
{
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("paysafe"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		known.extension = form->oid;
		known.owner = form->extowner;
		paysafe_transaction_watch();
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	known.absent = !OidIsValid(known.extension);

	/*
	 * CREATE EXTENSION adds its row first, which nobody is told of, and then the schema:
	 * in between there is nothing yet that could be in force, nor would anybody hear that
	 * the row is rolled back.
	 */
	if (creating_extension && known.extension == CurrentExtensionObject)
	{
		Oid			schema = get_namespace_oid("paysafe", true);

		/* one that somebody prepared is not the extension's */
		if (!OidIsValid(schema) || getExtensionOfObject(NamespaceRelationId, schema) != known.extension)
			known.extension = InvalidOid;
	}
}

bool
paysafe_catalog_present(void)
{
	if (likely(OidIsValid(known.extension)))
		return true;
	/* creating it creates a schema, which resets this */
	if (known.absent || !OidIsValid(MyDatabaseId) || !IsTransactionState())
		return false;
	look_for_extension();
	return OidIsValid(known.extension);
}

static Oid
extension_oid(void)
{
	if (!OidIsValid(known.extension))
		look_for_extension();
	if (!OidIsValid(known.extension))
		damaged("extension paysafe");
	return known.extension;
}

Oid
paysafe_catalog_extension(void)
{
	return extension_oid();
}

bool
paysafe_catalog_in_script(void)
{
	return creating_extension && paysafe_catalog_present() &&
		CurrentExtensionObject == extension_oid();
}

static bool
is_member(Oid classid, Oid objid)
{
	return getExtensionOfObject(classid, objid) == extension_oid();
}

static Oid
schema_oid(void)
{
	if (!OidIsValid(known.schema))
	{
		Oid			oid = get_namespace_oid("paysafe", true);

		if (!OidIsValid(oid) || !is_member(NamespaceRelationId, oid))
			damaged("schema paysafe");
		known.schema = oid;
	}
	return known.schema;
}

Oid
paysafe_catalog_schema(void)
{
	return schema_oid();
}

Oid
paysafe_catalog_table(PaysafeTable table)
{
	if (!OidIsValid(known.tables[table]))
	{
		Oid			oid = get_relname_relid(table_names[table], schema_oid());

		if (!OidIsValid(oid) || !is_member(RelationRelationId, oid))
			damaged(psprintf("table paysafe.%s", table_names[table]));
		known.tables[table] = oid;
	}
	return known.tables[table];
}

Oid
paysafe_catalog_owner(void)
{
	(void) extension_oid();
	return known.owner;
}

bool
paysafe_catalog_is_own(Oid relid)
{
	return get_rel_namespace(relid) == schema_oid();
}

/* A function of ours with so many arguments of type text, member of the extension. */
static Oid
own_function(const char *name, int nargs, Oid *cached)
{
	if (!OidIsValid(*cached))
	{
		Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
		Oid			oid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										  CStringGetDatum(name),
										  PointerGetDatum(buildoidvector(types, nargs)),
										  ObjectIdGetDatum(schema_oid()));

		if (!OidIsValid(oid) || !is_member(ProcedureRelationId, oid))
			damaged(psprintf("function paysafe.%s()", name));
		*cached = oid;
	}
	return *cached;
}

Oid
paysafe_catalog_enforce_function(void)
{
	return own_function("enforce", 0, &known.enforce);
}

Oid
paysafe_catalog_statement_function(void)
{
	return own_function("enforce_statement", 0, &known.statement);
}

bool
paysafe_catalog_is_trigger_function(Oid function)
{
	return function == known.enforce || function == known.statement;
}

/* The role and all that it may become: whose member it is, whether it inherits their rights or not. */
static List *
becomes(Oid role)
{
	List	   *roles = list_make1_oid(role);

	/* the list grows while it is walked */
	for (int i = 0; i < list_length(roles); i++)
	{
		CatCList   *memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(list_nth_oid(roles, i)));

		for (int j = 0; j < memberships->n_members; j++)
		{
			Form_pg_auth_members membership = (Form_pg_auth_members) GETSTRUCT(&memberships->members[j]->tuple);

			if (membership_counts_compat(membership))
				roles = list_append_unique_oid(roles, membership->roleid);
		}
		ReleaseSysCacheList(memberships);
	}
	return roles;
}

bool
paysafe_catalog_may_act_as(const char *role)
{
	Oid			roleid = get_role_oid(role, true);
	Oid			act_as = own_function("act_as", 5, &known.act_as);
	Oid			act_as_token = own_function("act_as_token", 5, &known.act_as_token);
	List	   *roles;
	ListCell   *lc;
	bool		may = false;

	if (!OidIsValid(roleid))
		return true;
	roles = becomes(roleid);
	foreach(lc, roles)
		may = may || function_aclcheck_compat(act_as, lfirst_oid(lc)) == ACLCHECK_OK ||
			function_aclcheck_compat(act_as_token, lfirst_oid(lc)) == ACLCHECK_OK;
	list_free(roles);
	return may;
}

bool
paysafe_catalog_may_act_for_tenant(Oid role)
{
	return function_aclcheck_compat(own_function("act_for_tenant", 2, &known.act_for_tenant), role) == ACLCHECK_OK;
}

/* Direct parents: of a partition one, of an inheritance child several. */
static List *
direct_parents(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

List *
paysafe_catalog_ancestors(Oid relid)
{
	List	   *result = list_make1_oid(relid);

	/* the list grows while it is walked */
	for (int i = 0; i < list_length(result); i++)
		result = list_concat_unique_oid(result, direct_parents(list_nth_oid(result, i)));
	return result;
}

List *
paysafe_catalog_leaves(Oid root)
{
	List	   *result = NIL;
	ListCell   *lc;

	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(root));
	bool		alone = false;

	/* most tables are alone: then there is no tree to build */
	if (HeapTupleIsValid(tuple))
	{
		alone = ((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION &&
			!((Form_pg_class) GETSTRUCT(tuple))->relhassubclass;
		ReleaseSysCache(tuple);
	}
	if (alone)
		return list_make1_oid(root);
	foreach(lc, find_all_inheritors(root, AccessShareLock, NULL))
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

AttrNumber
paysafe_catalog_column(Relation rel, const char *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, RelationGetRelationName(rel))));
	/* its values are nowhere: not in the row that a trigger sees */
	if (is_virtual_column_compat(TupleDescAttr(RelationGetDescr(rel), attnum - 1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" is a virtual generated column",
						column, RelationGetRelationName(rel)),
				 errhint("Name the columns that it is computed from, or make it STORED.")));
	return attnum;
}

void
paysafe_catalog_init(void)
{
	paysafe_invalidation_register(forget);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all, (Datum) 0);
}

char *
paysafe_catalog_table_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name);
}
