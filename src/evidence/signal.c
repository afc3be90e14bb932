/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  Signals of abuse: what fraud systems and people should see.
 *
 * What a signal is about stands in it as a keyed hash, so that signals of one subject can be
 * found, and are no list of addresses and card numbers. The key is derived from the database's
 * redaction key, and kept by the session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "abuse/meter.h"
#include "base/argument.h"
#include "base/invalidation.h"
#include "evidence/audit_shape.h"
#include "evidence/outliving.h"
#include "evidence/signal.h"
#include "evidence/signal_argument.h"
#include "redact/redact.h"
#include "store/catalog.h"

static const char *const severities[SIGNAL_NSEVERITIES] = {"info", "warning", "critical"};

/* The key of subjects */

static Oid	key_of = InvalidOid;	/* the table of which this session has it */
static uint8 key[PAYSAFE_SHA256_LEN];

static void
table_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == key_of)
		key_of = InvalidOid;
}

/* Wait for nobody who has locked the key, unless told to: false. */
static bool
find_key(bool wait)
{
	Oid			table = paysafe_catalog_table(PAYSAFE_REDACTION_KEY);

	if (key_of == table)
		return true;
	if (wait)
		paysafe_audit_shape_redaction_key("paysafe.signal_record", "subject", key);
	else if (!ConditionalLockRelationOid(table, AccessShareLock) ||
			 !paysafe_audit_shape_find_redaction_key("paysafe.signal_record", "subject", key))
		return false;
	key_of = table;
	return true;
}

static bool
hash_subject(List *parts, bool wait, uint8 *out)
{
	StringInfoData data;
	ListCell   *lc;

	if (!find_key(wait))
		return false;
	initStringInfo(&data);
	foreach(lc, parts)
		paysafe_argument_append(&data, lfirst(lc));
	paysafe_crypto_hmac_sha256(key, sizeof(key), data.data, data.len, out);
	return true;
}

/* The line in the server's log; doc/signals.md names the fields */

static void
log_line(const RefusalEntry *entry)
{
	StringInfoData json;
	char		hash[2 * PAYSAFE_SHA256_LEN + 1];

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"v\":1,\"event\":\"signal\"");
	paysafe_refusal_entry_field(&json, "at", timestamptz_to_str(entry->at));
	paysafe_refusal_entry_field(&json, "database", get_database_name(MyDatabaseId));
	paysafe_refusal_entry_field(&json, "kind", entry->rule);
	paysafe_refusal_entry_field(&json, "severity", entry->outcome);
	paysafe_refusal_entry_field(&json, "segment", entry->part);
	hash[hex_encode((const char *) entry->row_hash, PAYSAFE_SHA256_LEN, hash)] = '\0';
	paysafe_refusal_entry_field(&json, "subject", entry->has_row_hash ? hash : NULL);
	appendStringInfo(&json, ",\"figures\":%s", entry->figures[0] != '\0' ? entry->figures : "null");
	paysafe_refusal_entry_field(&json, "actor", entry->actor);
	paysafe_refusal_entry_field(&json, "session_user", entry->session_user_name);
	paysafe_refusal_entry_field(&json, "login", entry->login);
	paysafe_refusal_entry_field(&json, "client", entry->client_addr);
	appendStringInfo(&json, ",\"pid\":%d", entry->pid);
	paysafe_refusal_entry_field(&json, "request_id", entry->request_id);
	paysafe_refusal_entry_field(&json, "business_id", entry->business_id);
	appendStringInfoChar(&json, '}');
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("paysafe signal %s", json.data),
			 errhidestmt(true), errhidecontext(true)));
}

static void
count(const RefusalEntry *entry)
{
	paysafe_meter_count(MyDatabaseId, METER_SIGNALS, entry->rule, entry->outcome, 1);
}

/* Of paysafe's own */

void
paysafe_signal_text(StringInfo figures, const char *name, const char *value)
{
	appendStringInfo(figures, "%s\"%s\":", figures->len == 0 ? "{" : ",", name);
	escape_json(figures, paysafe_redact_string(value));
}

void
paysafe_signal_number(StringInfo figures, const char *name, int64 value)
{
	appendStringInfo(figures, "%s\"%s\":" INT64_FORMAT, figures->len == 0 ? "{" : ",", name, value);
}

void
paysafe_signal_flag(StringInfo figures, const char *name)
{
	appendStringInfo(figures, "%s\"%s\":true", figures->len == 0 ? "{" : ",", name);
}

void
paysafe_signal_raise(const Signal *signal)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe signal", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RefusalEntry *entry = palloc(sizeof(RefusalEntry));

	paysafe_outliving_begin(entry, ENTRY_SIGNAL);
	strlcpy(entry->rule, signal->kind, sizeof(entry->rule));
	strlcpy(entry->outcome, severities[signal->severity], sizeof(entry->outcome));
	paysafe_refusal_entry_text(entry->part, sizeof(entry->part), signal->segment);
	if (signal->figures != NULL && strlen(signal->figures) + 1 < sizeof(entry->figures))
		snprintf(entry->figures, sizeof(entry->figures), "%s}", signal->figures);
	entry->has_row_hash = signal->subject != NIL && hash_subject(signal->subject, false, entry->row_hash);
	paysafe_outliving_queue(entry);
	log_line(entry);
	count(entry);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* What the application says */

char *
paysafe_signal_word(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *word = paysafe_argument_text(fcinfo, n, argument, NAMEDATALEN - 1);

	if (!paysafe_argument_is_word(word))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have small letters, digits and underscores only, a letter first", argument)));
	return word;
}

void
paysafe_signal_figures(FunctionCallInfo fcinfo, int n, const char *argument, RefusalEntry *entry)
{
	Jsonb	   *value;
	char	   *text;

	if (PG_ARGISNULL(n))
		return;
	value = DatumGetJsonbP(paysafe_redact_jsonb(PG_GETARG_DATUM(n)));
	if (!JB_ROOT_IS_OBJECT(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be an object", argument)));
	text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	if (strlen(text) >= sizeof(entry->figures))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have at most %zu bytes", argument, sizeof(entry->figures) - 1)));
	strlcpy(entry->figures, text, sizeof(entry->figures));
}

void
paysafe_signal_ids(FunctionCallInfo fcinfo, int business_id, int request_id, RefusalEntry *entry)
{
	if (!PG_ARGISNULL(business_id))
		paysafe_refusal_entry_text(entry->business_id, sizeof(entry->business_id),
								   paysafe_argument_readable(fcinfo, business_id, "business_id", sizeof(entry->business_id) - 1));
	if (!PG_ARGISNULL(request_id))
		paysafe_refusal_entry_text(entry->request_id, sizeof(entry->request_id),
								   paysafe_argument_readable(fcinfo, request_id, "request_id", sizeof(entry->request_id) - 1));
}

static bool
is_severity(const char *name)
{
	for (int i = 0; i < SIGNAL_NSEVERITIES; i++)
		if (strcmp(severities[i], name) == 0)
			return true;
	return false;
}

static List *
subject_argument(FunctionCallInfo fcinfo, int n)
{
	Datum	   *parts;
	bool	   *nulls;
	int			nparts;
	List	   *result = NIL;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT, &parts, &nulls, &nparts);
	for (int i = 0; i < nparts; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("no part of argument \"%s\" may be NULL", "subject")));
		result = lappend(result, TextDatumGetCString(parts[i]));
	}
	if (result == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "subject")));
	return result;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_signal);

/*
 * signal(kind text, subject text[], severity text, segment text, figures jsonb, business_id text,
 *		  request_id text) returns void
 */
Datum
paysafe_signal(PG_FUNCTION_ARGS)
{
	RefusalEntry *entry = palloc(sizeof(RefusalEntry));
	char	   *kind = paysafe_signal_word(fcinfo, 0, "kind");
	char	   *severity = paysafe_argument_text(fcinfo, 2, "severity", NAMEDATALEN - 1);

	if (!is_severity(severity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"info\", \"warning\" or \"critical\"", "severity")));
	paysafe_outliving_begin(entry, ENTRY_SIGNAL);
	strlcpy(entry->rule, kind, sizeof(entry->rule));
	strlcpy(entry->outcome, severity, sizeof(entry->outcome));
	if (!PG_ARGISNULL(3))
		paysafe_refusal_entry_text(entry->part, sizeof(entry->part),
								   paysafe_argument_readable(fcinfo, 3, "segment", sizeof(entry->part) - 1));
	paysafe_signal_figures(fcinfo, 4, "figures", entry);
	paysafe_signal_ids(fcinfo, 5, 6, entry);
	if (!PG_ARGISNULL(1))
		entry->has_row_hash = hash_subject(subject_argument(fcinfo, 1), true, entry->row_hash);
	paysafe_outliving_add(entry);
	log_line(entry);
	count(entry);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_signal_subject);

/*
 * signal_subject(VARIADIC subject text[]) returns bytea: what signals about it have for it
 */
Datum
paysafe_signal_subject(PG_FUNCTION_ARGS)
{
	uint8		hash[PAYSAFE_SHA256_LEN];

	(void) hash_subject(subject_argument(fcinfo, 0), true, hash);
	PG_RETURN_DATUM(paysafe_argument_bytea(hash, sizeof(hash)));
}

PG_FUNCTION_INFO_V1(paysafe_signal_is_here);

/*
 * Is a place of this database one that it has never come to, because it was restored to an earlier
 * time? A standby may be behind: there it is not known.
 */
static bool
is_ahead(int32 timeline, FullTransactionId xid)
{
	int32		mine;

	if (RecoveryInProgress())
		return false;
	mine = (int32) GetWALInsertionTimeLine();
	return timeline > mine || (timeline == mine && !FullTransactionIdPrecedes(xid, ReadNextFullTransactionId()));
}

/*
 * signal_is_here(system_identifier bigint, database oid, timeline int, xid xid8) returns boolean: is
 * it this database of this server?
 */
Datum
paysafe_signal_is_here(PG_FUNCTION_ARGS)
{
	bool		here = PG_GETARG_INT64(0) == (int64) GetSystemIdentifier() && PG_GETARG_OID(1) == MyDatabaseId;

	if (here && is_ahead(PG_GETARG_INT32(2), PG_GETARG_FULLTRANSACTIONID(3)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the cursor is of a later time than this server has come to"),
				 errdetail("It was restored to an earlier time, and what is new would not be seen."),
				 errhint("Begin anew, with the cursor of a signal that is still there, or with NULL.")));
	PG_RETURN_BOOL(here);
}

void
paysafe_signal_init(void)
{
	paysafe_invalidation_register(table_changed);
}
