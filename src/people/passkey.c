/*-------------------------------------------------------------------------
 *
 * passkey.c
 *	  Passkeys: whose they are.
 *
 * A passkey is a row of paysafe.passkey_record for ever, and its credential one person's: who
 * has lost it, or left, has it revoked by a row of paysafe.passkey_end.  What its
 * authenticator has counted is the one thing that changes (paysafe.passkey_use).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/passkey.h"
#include "people/person.h"
#include "people/registry.h"
#include "people/tried.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Columns of paysafe.passkey_record. */
enum
{
	PASSKEY_ID, PASSKEY_CREDENTIAL, PASSKEY_ACTOR, PASSKEY_KEY, PASSKEY_ALGORITHM, PASSKEY_RP_ID,
	PASSKEY_ORIGINS, PASSKEY_TOP_ORIGINS, PASSKEY_USER_VERIFICATION, PASSKEY_USER_HANDLE,
	PASSKEY_BACKUP_ELIGIBLE, PASSKEY_SIGN_COUNT, PASSKEY_HOW, PASSKEY_CHANGE, PASSKEY_REASON,
	PASSKEY_TICKET, PASSKEY_REQUESTED_BY, PASSKEY_LOGIN, PASSKEY_SESSION_USER, PASSKEY_AT,
	PASSKEY_NCOLUMNS
};

/* Columns of paysafe.passkey_end. */
enum
{
	PASSKEY_END_PASSKEY, PASSKEY_END_REASON, PASSKEY_END_ACTOR, PASSKEY_END_SESSION_USER, PASSKEY_END_AT,
	PASSKEY_END_NCOLUMNS
};

/* Columns of paysafe.passkey_use. */
enum
{
	PASSKEY_USE_PASSKEY, PASSKEY_USE_COUNT, PASSKEY_USE_BACKED_UP, PASSKEY_USE_AT,
	PASSKEY_USE_NCOLUMNS
};

void
paysafe_passkey_refuse(const char *rule, const char *message, const char *recorded, const char *detail,
					   const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = rule,
					   .schema_name = "paysafe",
					   .table_name = "passkey",
					   .message = message,
					   .recorded = recorded,
					   .detail = detail,
					   .hint = hint
				   });
}

/* Reading */

static bool
is_revoked(int64 id)
{
	Datum		key = Int64GetDatum(id);

	return paysafe_store_has(PAYSAFE_PASSKEY_END, "passkey_end_pkey", 1, &key);
}

static Passkey *
read_passkey(HeapTuple tuple, TupleDesc desc)
{
	Passkey    *passkey = palloc0(sizeof(Passkey));
	Datum		values[PASSKEY_NCOLUMNS];
	bool		nulls[PASSKEY_NCOLUMNS];

	heap_deform_tuple(tuple, desc, values, nulls);
	passkey->id = DatumGetInt64(values[PASSKEY_ID]);
	passkey->credential_id = DatumGetByteaPCopy(values[PASSKEY_CREDENTIAL]);
	passkey->actor = TextDatumGetCString(values[PASSKEY_ACTOR]);
	passkey->terms.cose_key = DatumGetByteaPCopy(values[PASSKEY_KEY]);
	passkey->terms.rp_id = TextDatumGetCString(values[PASSKEY_RP_ID]);
	passkey->terms.origins = paysafe_passkey_texts(DatumGetArrayTypeP(values[PASSKEY_ORIGINS]));
	passkey->terms.top_origins = paysafe_passkey_texts(DatumGetArrayTypeP(values[PASSKEY_TOP_ORIGINS]));
	passkey->terms.user_verification = DatumGetBool(values[PASSKEY_USER_VERIFICATION]);
	passkey->terms.user_handle = nulls[PASSKEY_USER_HANDLE] ? NULL : DatumGetByteaPCopy(values[PASSKEY_USER_HANDLE]);
	passkey->backup_eligible = nulls[PASSKEY_BACKUP_ELIGIBLE] ? -1 : DatumGetBool(values[PASSKEY_BACKUP_ELIGIBLE]);
	passkey->revoked = is_revoked(passkey->id);
	if (strcmp(TextDatumGetCString(values[PASSKEY_HOW]), PAYSAFE_PASSKEY_UNSIGNED) == 0)
		passkey->signs_from = DatumGetTimestampTz(values[PASSKEY_AT]) + PAYSAFE_PASSKEY_WAIT;
	return passkey;
}

static bool
note_passkey(Relation rel, HeapTuple tuple, void *arg)
{
	*(Passkey **) arg = read_passkey(tuple, RelationGetDescr(rel));
	return false;
}

Passkey *
paysafe_passkey_find(const void *credential_id, size_t len)
{
	Passkey    *passkey = NULL;
	Datum		key = paysafe_argument_bytea(credential_id, len);

	paysafe_store_scan(PAYSAFE_PASSKEY_RECORD, "passkey_record_credential_id_key", 1, &key,
					   note_passkey, &passkey);
	return passkey;
}

Passkey *
paysafe_passkey_numbered(int64 id)
{
	Passkey    *passkey = NULL;
	Datum		key = Int64GetDatum(id);

	paysafe_store_scan(PAYSAFE_PASSKEY_RECORD, "passkey_record_pkey", 1, &key, note_passkey, &passkey);
	return passkey;
}

static bool
collect_passkey(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **all = arg;

	*all = lappend(*all, read_passkey(tuple, RelationGetDescr(rel)));
	return true;
}

bool
paysafe_passkey_is_of(const Passkey *passkey, const char *actor)
{
	if (paysafe_person_same_name(passkey->actor, actor))
		return true;
	return paysafe_registry_is_used() &&
		paysafe_registry_common(paysafe_registry_add_persons(NIL, passkey->actor),
								paysafe_registry_add_persons(NIL, actor)) != 0;
}

List *
paysafe_passkey_of(const char *actor)
{
	List	   *all = NIL;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_PASSKEY_RECORD, NULL, 0, NULL, collect_passkey, &all);
	foreach(lc, all)
	{
		const Passkey *passkey = lfirst(lc);

		if (passkey->revoked || !paysafe_passkey_is_of(passkey, actor))
			all = foreach_delete_current(all, lc);
	}
	return all;
}

int64
paysafe_passkey_of_key(const bytea *cose_key)
{
	List	   *all = NIL;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_PASSKEY_RECORD, NULL, 0, NULL, collect_passkey, &all);
	foreach(lc, all)
	{
		const Passkey *passkey = lfirst(lc);

		if (paysafe_passkey_same_key(passkey->terms.cose_key, cose_key))
			return passkey->id;
	}
	return 0;
}

void
paysafe_passkey_lock(Passkey *passkey)
{
	(void) paysafe_store_lock_value(PAYSAFE_PASSKEY_END, (uint64) passkey->id, false);
	passkey->revoked = is_revoked(passkey->id);
}

/* How many persons these are of, other than this one, if there is one. */
static int
count_persons(List *passkeys, bool active, const char *but)
{
	List	   *persons = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, passkeys)
	{
		const Passkey *passkey = lfirst(lc);
		bool		another = (!active || !passkey->revoked) && (but == NULL || !paysafe_passkey_is_of(passkey, but));

		foreach(lc2, persons)
			another &= !paysafe_person_same_name(passkey->actor, lfirst(lc2));
		if (another)
			persons = lappend(persons, passkey->actor);
	}
	return list_length(persons);
}

void
paysafe_passkey_count(const char *but, int *active, int *ever)
{
	List	   *all = NIL;

	paysafe_store_scan(PAYSAFE_PASSKEY_RECORD, NULL, 0, NULL, collect_passkey, &all);
	*active = count_persons(all, true, but);
	*ever = count_persons(all, false, but);
}

/* Writing */

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static Datum
text_array(List *strings)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, strings)
		elements[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

int64
paysafe_passkey_add(const Passkey *passkey, const PasskeyEnrolment *enrolment)
{
	const Person *person = paysafe_person_current();
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[PASSKEY_NCOLUMNS];
	bool		nulls[PASSKEY_NCOLUMNS] = {0};
	Datum		use_values[PASSKEY_USE_NCOLUMNS];
	bool		use_nulls[PASSKEY_USE_NCOLUMNS] = {false, false, true, true};
	int64		id = nextval_internal(get_relname_relid("passkey_id_seq", paysafe_catalog_schema()), false);

	/* it may be the first that is recorded */
	paysafe_store_complete();
	values[PASSKEY_ID] = Int64GetDatum(id);
	values[PASSKEY_CREDENTIAL] = PointerGetDatum(passkey->credential_id);
	set_text(values, nulls, PASSKEY_ACTOR, passkey->actor);
	values[PASSKEY_KEY] = PointerGetDatum(passkey->terms.cose_key);
	set_text(values, nulls, PASSKEY_ALGORITHM, enrolment->algorithm);
	set_text(values, nulls, PASSKEY_RP_ID, passkey->terms.rp_id);
	values[PASSKEY_ORIGINS] = text_array(passkey->terms.origins);
	values[PASSKEY_TOP_ORIGINS] = text_array(passkey->terms.top_origins);
	values[PASSKEY_USER_VERIFICATION] = BoolGetDatum(passkey->terms.user_verification);
	nulls[PASSKEY_USER_HANDLE] = passkey->terms.user_handle == NULL;
	values[PASSKEY_USER_HANDLE] = PointerGetDatum(passkey->terms.user_handle);
	nulls[PASSKEY_BACKUP_ELIGIBLE] = passkey->backup_eligible < 0;
	values[PASSKEY_BACKUP_ELIGIBLE] = BoolGetDatum(passkey->backup_eligible > 0);
	values[PASSKEY_SIGN_COUNT] = Int64GetDatum(enrolment->sign_count);
	set_text(values, nulls, PASSKEY_HOW, enrolment->how);
	set_text(values, nulls, PASSKEY_CHANGE, enrolment->change);
	set_text(values, nulls, PASSKEY_REASON, paysafe_redact_string(enrolment->reason));
	set_text(values, nulls, PASSKEY_TICKET, enrolment->ticket ? paysafe_redact_string(enrolment->ticket) : NULL);
	set_text(values, nulls, PASSKEY_REQUESTED_BY, paysafe_actor_name());
	set_text(values, nulls, PASSKEY_LOGIN, person->login);
	set_text(values, nulls, PASSKEY_SESSION_USER, person->session_user_name);
	values[PASSKEY_AT] = TimestampTzGetDatum(now);
	paysafe_store_insert(PAYSAFE_PASSKEY_RECORD, values, nulls);
	use_values[PASSKEY_USE_PASSKEY] = Int64GetDatum(id);
	use_values[PASSKEY_USE_COUNT] = Int64GetDatum(enrolment->sign_count);
	use_values[PASSKEY_USE_BACKED_UP] = use_values[PASSKEY_USE_AT] = (Datum) 0;
	paysafe_store_append(PAYSAFE_PASSKEY_USE, use_values, use_nulls);
	return id;
}

bool
paysafe_passkey_revoke(int64 id, const char *reason)
{
	Datum		values[PASSKEY_END_NCOLUMNS];
	bool		nulls[PASSKEY_END_NCOLUMNS] = {0};

	/* whoever comes second finds it revoked */
	(void) paysafe_store_lock_value(PAYSAFE_PASSKEY_END, (uint64) id, false);
	if (is_revoked(id))
		return false;
	paysafe_store_complete();
	values[PASSKEY_END_PASSKEY] = Int64GetDatum(id);
	set_text(values, nulls, PASSKEY_END_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, PASSKEY_END_ACTOR, paysafe_actor_name());
	set_text(values, nulls, PASSKEY_END_SESSION_USER, paysafe_actor_session_user());
	values[PASSKEY_END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_PASSKEY_END, values, nulls);
	return true;
}

/* Counting */

static bool
note_place(Relation rel, HeapTuple tuple, void *arg)
{
	*(ItemPointer) arg = tuple->t_self;
	return false;
}

void
paysafe_passkey_count_use(const Passkey *passkey, const TokenAuthenticatorData *data)
{
	Datum		key = Int64GetDatum(passkey->id);
	ItemPointerData tid;
	HeapTuple	locked;
	Relation	rel;
	Datum		values[PASSKEY_USE_NCOLUMNS];
	bool		nulls[PASSKEY_USE_NCOLUMNS];
	int64		count;

	ItemPointerSetInvalid(&tid);
	paysafe_store_scan(PAYSAFE_PASSKEY_USE, "passkey_use_pkey", 1, &key, note_place, &tid);
	locked = ItemPointerIsValid(&tid) ? paysafe_store_lock(PAYSAFE_PASSKEY_USE, &tid, LockWaitBlock) : NULL;
	if (locked == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no counter of passkey " INT64_FORMAT, passkey->id),
				 errhint("Restore paysafe.passkey_use from the same backup as paysafe.passkey_record.")));
	rel = paysafe_store_open(PAYSAFE_PASSKEY_USE);
	heap_deform_tuple(locked, RelationGetDescr(rel), values, nulls);
	paysafe_store_close(rel);
	count = DatumGetInt64(values[PASSKEY_USE_COUNT]);
	/* synced passkeys do not count: both are zero */
	if ((count != 0 || data->counter != 0) && (int64) data->counter <= count)
	{
		(void) paysafe_tried("passkey", passkey->actor, true);
		paysafe_passkey_refuse("counter", "the passkey may have been copied",
							   psprintf("passkey " INT64_FORMAT " may have been copied: its counter was " INT64_FORMAT ", and is %u",
										passkey->id, count, data->counter),
							   "Its counter has not risen since it was used last.",
							   "Have it revoked, and enrol another one.");
	}
	values[PASSKEY_USE_COUNT] = Int64GetDatum((int64) data->counter);
	values[PASSKEY_USE_BACKED_UP] = BoolGetDatum((data->flags & TOKEN_FLAG_BS) != 0);
	values[PASSKEY_USE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[PASSKEY_USE_BACKED_UP] = nulls[PASSKEY_USE_AT] = false;
	paysafe_store_update(PAYSAFE_PASSKEY_USE, locked, values, nulls);
	heap_freetuple(locked);
}
