/*-------------------------------------------------------------------------
 *
 * hold.c
 *	  Legal holds: what must not leave the audit log, whatever its retention.
 *
 * Placing one takes one person, since nothing is lost by it and it must not wait;
 * releasing it takes two.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/any_text.h"
#include "base/argument.h"
#include "base/refusal.h"
#include "evidence/audit_context.h"
#include "evidence/retention/hold.h"
#include "evidence/retention/retention.h"
#include "people/actor.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"

/* Columns of paysafe.hold_record. */
enum
{
	HOLD_ID, HOLD_SUBJECT, HOLD_TABLE, HOLD_KEY, HOLD_BUSINESS_ID, HOLD_LOWER, HOLD_UPPER,
	HOLD_REASON, HOLD_TICKET, HOLD_ACTOR, HOLD_LOGIN, HOLD_SESSION_USER, HOLD_AT,
	HOLD_NCOLUMNS
};

/* Columns of paysafe.hold_end. */
enum
{
	END_HOLD, END_REASON, END_ACTOR, END_LOGIN, END_SESSION_USER, END_AT,
	END_NCOLUMNS
};

static TimestampTz
time_of(HeapTuple tuple, TupleDesc desc, int column, TimestampTz otherwise)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column + 1, desc, &isnull);

	return isnull ? otherwise : DatumGetTimestampTz(value);
}

static bool
is_released(int64 id)
{
	Datum		key = Int64GetDatum(id);

	return paysafe_store_has(PAYSAFE_HOLD_END, "hold_end_pkey", 1, &key);
}

static bool
visit_hold(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **holds = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	Hold	   *hold = palloc0(sizeof(Hold));
	bool		isnull;

	hold->id = DatumGetInt64(heap_getattr(tuple, HOLD_ID + 1, desc, &isnull));
	hold->subject = paysafe_store_text(tuple, desc, HOLD_SUBJECT);
	hold->table = paysafe_store_text(tuple, desc, HOLD_TABLE);
	hold->key = paysafe_store_text(tuple, desc, HOLD_KEY);
	hold->business_id = paysafe_store_text(tuple, desc, HOLD_BUSINESS_ID);
	hold->lower = time_of(tuple, desc, HOLD_LOWER, DT_NOBEGIN);
	hold->upper = time_of(tuple, desc, HOLD_UPPER, DT_NOEND);
	hold->reason = paysafe_store_text(tuple, desc, HOLD_REASON);
	if (!is_released(hold->id))
		*holds = lappend(*holds, hold);
	return true;
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int64		x = ((Hold *) lfirst(a))->id;
	int64		y = ((Hold *) lfirst(b))->id;

	return x < y ? -1 : x > y;
}

List *
paysafe_hold_all(void)
{
	List	   *holds = NIL;

	paysafe_store_scan(PAYSAFE_HOLD_RECORD, NULL, 0, NULL, visit_hold, &holds);
	list_sort(holds, compare_ids);
	return holds;
}

static bool
has_business_id(const HeldRow *row, const char *business_id)
{
	const char *data;
	int			len;

	return row->context != NULL &&
		paysafe_audit_context_business_id(row->context, row->contextlen, &data, &len) &&
		strcmp(paysafe_any_text(data, len, row->encoding), business_id) == 0;
}

const Hold *
paysafe_hold_of(List *holds, const HeldRow *row)
{
	ListCell   *lc;

	foreach(lc, holds)
	{
		const Hold *hold = lfirst(lc);

		if (row->at >= hold->lower && row->at < hold->upper &&
			(hold->subject == NULL || strcmp(hold->subject, row->subject) == 0) &&
			(hold->key == NULL || (row->key != NULL && strlen(hold->key) == row->keylen &&
								   memcmp(hold->key, row->key, row->keylen) == 0)) &&
			(hold->business_id == NULL || has_business_id(row, hold->business_id)))
			return hold;
	}
	return NULL;
}

const Hold *
paysafe_hold_of_refusal(List *holds, const char *table, const char *key,
						const char *business_id, TimestampTz at, TimestampTz last_at)
{
	ListCell   *lc;

	foreach(lc, holds)
	{
		const Hold *hold = lfirst(lc);

		if ((hold->business_id == NULL || (business_id != NULL && strcmp(hold->business_id, business_id) == 0)) &&
			last_at >= hold->lower && at < hold->upper &&
			(hold->table == NULL || (table != NULL && strcmp(hold->table, table) == 0)) &&
			(hold->key == NULL || (key != NULL && strcmp(hold->key, key) == 0)))
			return hold;
	}
	return NULL;
}

void
paysafe_hold_refuse(const Hold *hold)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "legal_hold",
					   .schema_name = "paysafe",
					   .table_name = "audit_row",
					   .message = psprintf("legal hold " INT64_FORMAT " keeps payloads that would be removed", hold->id),
					   .detail = psprintf("It was placed because of: %s", hold->reason),
					   .hint = psprintf("See paysafe.legal_hold. Two people release it: SELECT paysafe.release_hold(" INT64_FORMAT ", 'why'); paysafe.purge(except_held => true) leaves out what is held.",
										hold->id)
				   });
}

void
paysafe_hold_lock(void)
{
	LockRelationOid(paysafe_catalog_table(PAYSAFE_HOLD_RECORD), ShareLock);
}

/* SQL-callable functions */

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* What the arguments say of the hold; at least one thing, and the table for a key. */
static void
read_arguments(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	bool		has_table = !PG_ARGISNULL(1);

	if (has_table)
	{
		set_text(values, nulls, HOLD_SUBJECT, paysafe_retention_subject(PG_GETARG_OID(1)));
		set_text(values, nulls, HOLD_TABLE, paysafe_catalog_table_name(PG_GETARG_OID(1)));
	}
	if (!PG_ARGISNULL(2))
	{
		char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(2));

		key = has_table ? paysafe_row_key_logged(PG_GETARG_OID(1), key) : key;
		set_text(values, nulls, HOLD_KEY, key);
	}
	set_text(values, nulls, HOLD_BUSINESS_ID, paysafe_argument_optional(fcinfo, 3, "business_id", 1000));
	for (int i = 0; i < 2; i++)
	{
		nulls[HOLD_LOWER + i] = PG_ARGISNULL(4 + i);
		values[HOLD_LOWER + i] = PG_ARGISNULL(4 + i) ? (Datum) 0 : PG_GETARG_DATUM(4 + i);
	}
	if (!nulls[HOLD_KEY] && !has_table)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a hold on a key names the key's table"),
				 errhint("Pass relation, too.")));
	if (!has_table && nulls[HOLD_BUSINESS_ID] && nulls[HOLD_LOWER] && nulls[HOLD_UPPER])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a hold says what it holds"),
				 errhint("Pass relation, relation and key, business_id, or a period.")));
	if (!nulls[HOLD_LOWER] && !nulls[HOLD_UPPER] &&
		DatumGetTimestampTz(values[HOLD_LOWER]) >= DatumGetTimestampTz(values[HOLD_UPPER]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the hold's period ends before it begins")));
}

PG_FUNCTION_INFO_V1(paysafe_hold);

/*
 * hold(reason text, relation regclass, key text, business_id text, since timestamptz,
 * until timestamptz, ticket text) returns bigint
 */
Datum
paysafe_hold(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 0, "reason", "a legal hold"));
	Person	   *person = paysafe_person_current();
	int64		id;
	Datum		values[HOLD_NCOLUMNS] = {0};
	bool		nulls[HOLD_NCOLUMNS] = {0};

	nulls[HOLD_SUBJECT] = nulls[HOLD_TABLE] = nulls[HOLD_KEY] = true;
	read_arguments(fcinfo, values, nulls);
	paysafe_store_complete();
	/* who removes payloads waits for this transaction, or this one for that */
	LockRelationOid(paysafe_catalog_table(PAYSAFE_HOLD_RECORD), RowExclusiveLock);
	id = paysafe_retention_next_id();
	values[HOLD_ID] = Int64GetDatum(id);
	set_text(values, nulls, HOLD_REASON, reason);
	set_text(values, nulls, HOLD_TICKET, PG_ARGISNULL(6) ? NULL :
			 paysafe_redact_string(paysafe_argument_reason(fcinfo, 6, "ticket", "a legal hold")));
	set_text(values, nulls, HOLD_ACTOR, paysafe_actor_name());
	set_text(values, nulls, HOLD_LOGIN, person->login);
	set_text(values, nulls, HOLD_SESSION_USER, person->session_user_name);
	values[HOLD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_HOLD_RECORD, values, nulls);
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(paysafe_release_hold);

/*
 * release_hold(id bigint, reason text) returns boolean: false if it is proposed only
 */
Datum
paysafe_release_hold(PG_FUNCTION_ARGS)
{
	int64		id;
	char	   *reason;
	Person	   *person = paysafe_person_current();
	bool		found = false;
	ListCell   *lc;
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	paysafe_argument_required(fcinfo, 0, "id");
	id = PG_GETARG_INT64(0);
	reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 1, "reason", "releasing a legal hold"));
	(void) paysafe_store_lock_value(PAYSAFE_HOLD_RECORD, id, false);
	foreach(lc, paysafe_hold_all())
		found |= ((Hold *) lfirst(lc))->id == id;
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no legal hold " INT64_FORMAT " that has not been released", id),
				 errhint("The view paysafe.legal_hold has all of them.")));
	if (!paysafe_retention_authorize(psprintf("release hold " INT64_FORMAT, id), reason,
									 "releasing a legal hold needs the approval of a second person"))
		PG_RETURN_BOOL(false);
	paysafe_store_complete();
	values[END_HOLD] = Int64GetDatum(id);
	values[END_REASON] = CStringGetTextDatum(reason);
	values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[END_LOGIN] = CStringGetTextDatum(person->login);
	values[END_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_HOLD_END, values, nulls);
	PG_RETURN_BOOL(true);
}
