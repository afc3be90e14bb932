/*-------------------------------------------------------------------------
 *
 * approval.c
 *	  Approvals by a second person.
 *
 * An approval is a row of paysafe.approval_record; its one end, by use,
 * withdrawal or that of its subject, a row of paysafe.approval_end.  It is bound to a digest of what
 * is approved, so it is worth nothing for a row that has changed since.
 *
 * Who ends an approval first takes a heavyweight lock on it, which no SQL
 * function hands out, and then looks with the newest snapshot: at every
 * isolation level at most one transaction ends it.  Lock order: the row that
 * the approval is about, then approvals in id order.
 *
 * A transaction that used an approval may not be prepared, and is checked
 * once more before it commits, so that its effect cannot appear after the
 * approval has expired.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_inherits.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "base/transaction.h"
#include "compat.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Columns of paysafe.approval_record and paysafe.approval_end. */
enum
{
	RECORD_ID, RECORD_RELATION, RECORD_KEY, RECORD_DIGEST, RECORD_ACTOR,
	RECORD_LOGIN, RECORD_SESSION_USER, RECORD_CLIENT, RECORD_REASON,
	RECORD_TICKET, RECORD_REQUEST_ID, RECORD_AT, RECORD_VALID_UNTIL,
	RECORD_NCOLUMNS
};
enum
{
	END_APPROVAL, END_OUTCOME, END_ACTOR, END_SESSION_USER, END_REASON, END_AT,
	END_NCOLUMNS
};

typedef struct Approval
{
	int64		id;
	Oid			relation;
	Person		approver;
	TimestampTz at;
	TimestampTz valid_until;
	uint8		digest[PAYSAFE_SHA256_LEN];
} Approval;

/* Approvals used in this transaction, innermost last; TopTransactionContext. */
typedef struct UsedApproval
{
	int64		id;
	TimestampTz valid_until;
	int			level;
} UsedApproval;

static List *used = NIL;

static Approval *
read_approval(HeapTuple tuple, TupleDesc desc)
{
	Approval   *a = palloc0(sizeof(Approval));
	bool		isnull;
	bytea	   *digest;

	a->id = DatumGetInt64(heap_getattr(tuple, RECORD_ID + 1, desc, &isnull));
	a->relation = DatumGetObjectId(heap_getattr(tuple, RECORD_RELATION + 1, desc, &isnull));
	a->approver.actor = paysafe_store_text(tuple, desc, RECORD_ACTOR);
	a->approver.login = paysafe_store_text(tuple, desc, RECORD_LOGIN);
	a->approver.session_user_name = paysafe_store_text(tuple, desc, RECORD_SESSION_USER);
	a->at = DatumGetTimestampTz(heap_getattr(tuple, RECORD_AT + 1, desc, &isnull));
	a->valid_until = DatumGetTimestampTz(heap_getattr(tuple, RECORD_VALID_UNTIL + 1, desc, &isnull));
	digest = DatumGetByteaPP(heap_getattr(tuple, RECORD_DIGEST + 1, desc, &isnull));
	if (VARSIZE_ANY_EXHDR(digest) == PAYSAFE_SHA256_LEN)
		memcpy(a->digest, VARDATA_ANY(digest), PAYSAFE_SHA256_LEN);
	return a;
}

static bool
collect_approval(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **list = arg;

	*list = lappend(*list, read_approval(tuple, RelationGetDescr(rel)));
	return true;
}

static bool
note_found(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = true;
	return false;
}

static bool
has_ended(int64 id)
{
	bool		found = false;
	Datum		key = Int64GetDatum(id);

	paysafe_store_scan(PAYSAFE_APPROVAL_END, "approval_end_pkey", 1, &key,
					   note_found, &found);
	return found;
}

/* Until the end of the transaction, nobody else ends this approval. */
static void
lock_approval(int64 id)
{
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD),
					   (Oid) id, (uint16) (id >> 32), ExclusiveLock);
}

static void
end_approval(int64 id, const char *outcome, const char *reason)
{
	Datum		values[END_NCOLUMNS];
	bool		nulls[END_NCOLUMNS] = {0};

	values[END_APPROVAL] = Int64GetDatum(id);
	values[END_OUTCOME] = CStringGetTextDatum(outcome);
	values[END_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[END_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	nulls[END_REASON] = reason == NULL;
	values[END_REASON] = reason ? CStringGetTextDatum(paysafe_redact_string(reason)) : (Datum) 0;
	values[END_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_APPROVAL_END, values, nulls);
}

static int
compare_approvals(const ListCell *a, const ListCell *b)
{
	int64		ida = ((Approval *) lfirst(a))->id;
	int64		idb = ((Approval *) lfirst(b))->id;

	return ida < idb ? -1 : ida > idb;
}

/* All approvals that were ever given for the row, in id order. */
static List *
approvals_of(Oid relation, const char *key)
{
	List	   *all = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, "approval_record_relation_key",
					   2, keys, collect_approval, &all);
	list_sort(all, compare_approvals);
	return all;
}

/*
 * Approvals that fit the subject now, at most one per person, in id order.
 * With lock, each is locked before it is looked at for the last time.
 */
static List *
fitting_approvals(Oid relation, const char *key, const ApprovalSubject *subject,
				  bool lock)
{
	List	   *fitting = NIL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, approvals_of(relation, key))
	{
		Approval   *a = lfirst(lc);
		bool		fits = memcmp(a->digest, subject->digest, PAYSAFE_SHA256_LEN) == 0;
		ListCell   *lc2;

		if (!fits)
			continue;
		/* a shorter validity, declared since, counts at once */
		a->valid_until = Min(a->valid_until, a->at + subject->valid_for);
		if (a->valid_until <= now)
			continue;
		foreach(lc2, subject->requesters)
			fits &= paysafe_person_conflict(&a->approver, lfirst(lc2)) == NULL;
		foreach(lc2, fitting)
			fits &= !paysafe_person_same_name(((Approval *) lfirst(lc2))->approver.actor,
											   a->approver.actor);
		if (!fits)
			continue;
		if (lock)
			lock_approval(a->id);
		if (!has_ended(a->id))
			fitting = lappend(fitting, a);
	}
	return fitting;
}

int
paysafe_approval_count(Oid relation, const char *key, const ApprovalSubject *subject)
{
	return list_length(fitting_approvals(relation, key, subject, false));
}

int
paysafe_approval_use(Oid relation, const char *key, const ApprovalSubject *subject,
					 int needed)
{
	List	   *fitting = fitting_approvals(relation, key, subject, true);
	MemoryContext old;

	if (list_length(fitting) < needed)
		return list_length(fitting);
	for (int i = 0; i < needed; i++)
	{
		Approval   *a = list_nth(fitting, i);
		UsedApproval *u;

		end_approval(a->id, "used", NULL);
		old = MemoryContextSwitchTo(TopTransactionContext);
		u = palloc(sizeof(UsedApproval));
		u->id = a->id;
		u->valid_until = a->valid_until;
		u->level = GetCurrentTransactionNestLevel();
		used = lappend(used, u);
		MemoryContextSwitchTo(old);
	}
	return needed;
}

void
paysafe_approval_refuse(int sqlstate, const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = sqlstate,
					   .rule = "approval",
					   .schema_name = "paysafe",
					   .table_name = "approval_record",
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}

int64
paysafe_approval_add(Oid relid, const char *key, const ApprovalSubject *subject,
					 const Person *approver, const char *reason, const char *ticket,
					 TimestampTz valid_until)
{
	const ActorClaim *actor = paysafe_actor_current();
	int64		id;
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};
	bytea	   *digest;

	id = nextval_internal(get_relname_relid("approval_id_seq",
											get_rel_namespace(paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD))),
						  false);
	digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(digest), subject->digest, PAYSAFE_SHA256_LEN);
	values[RECORD_ID] = Int64GetDatum(id);
	values[RECORD_RELATION] = ObjectIdGetDatum(relid);
	values[RECORD_KEY] = CStringGetTextDatum(key);
	values[RECORD_DIGEST] = PointerGetDatum(digest);
	values[RECORD_ACTOR] = CStringGetTextDatum(approver->actor);
	values[RECORD_LOGIN] = CStringGetTextDatum(approver->login);
	values[RECORD_SESSION_USER] = CStringGetTextDatum(approver->session_user_name);
	nulls[RECORD_CLIENT] = paysafe_actor_client() == NULL;
	if (!nulls[RECORD_CLIENT])
		values[RECORD_CLIENT] = CStringGetTextDatum(paysafe_actor_client());
	values[RECORD_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	nulls[RECORD_TICKET] = ticket == NULL;
	values[RECORD_TICKET] = nulls[RECORD_TICKET] ? (Datum) 0 : CStringGetTextDatum(paysafe_redact_string(ticket));
	nulls[RECORD_REQUEST_ID] = actor->request_id == NULL;
	if (actor->request_id != NULL)
		values[RECORD_REQUEST_ID] = CStringGetTextDatum(actor->request_id);
	values[RECORD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RECORD_VALID_UNTIL] = TimestampTzGetDatum(valid_until);
	paysafe_store_insert(PAYSAFE_APPROVAL_RECORD, values, nulls);
	return id;
}

void
paysafe_approval_end_open(Oid relation, const char *key)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, approvals_of(relation, key))
	{
		Approval   *a = lfirst(lc);

		if (a->valid_until <= now || has_ended(a->id))
			continue;
		lock_approval(a->id);
		if (!has_ended(a->id))
			end_approval(a->id, "void", NULL);
	}
}

void
paysafe_approval_withdraw(int64 id, const char *reason)
{
	Datum		key = Int64GetDatum(id);
	bool		found = false;

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, "approval_record_pkey", 1, &key,
					   note_found, &found);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("approval " INT64_FORMAT " does not exist", id)));
	lock_approval(id);
	if (has_ended(id))
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
						psprintf("approval " INT64_FORMAT " has been used or withdrawn already", id),
						NULL, NULL);
	end_approval(id, "withdrawn", reason);
}

static ApprovalForeignCode foreign_code = NULL;

void
paysafe_approval_set_foreign_code(ApprovalForeignCode new_foreign_code)
{
	foreign_code = new_foreign_code;
}

void
paysafe_approval_check_own_code(const char *what)
{
	char	   *code = foreign_code != NULL ? foreign_code() : NULL;

	if (code != NULL)
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
								psprintf("%s is not for code of others", what), code,
								"Run it in a statement of your own, or in a function that is SECURITY DEFINER, or a superuser's.");
}

static void
transaction_event(XactEvent event, void *arg)
{
	ListCell   *lc;

	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (used != NIL)
				paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
								"a transaction that used an approval cannot be prepared",
								"It could be committed long after the approval expired.",
								"Use COMMIT instead of PREPARE TRANSACTION.");
			break;
		case XACT_EVENT_PRE_COMMIT:
			foreach(lc, used)
			{
				UsedApproval *u = lfirst(lc);

				if (u->valid_until <= GetCurrentTimestamp())
					paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
									psprintf("approval " INT64_FORMAT " expired before the transaction committed", u->id),
									NULL,
									"Have it approved again and commit sooner.");
			}
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			used = NIL;
			break;
		default:
			break;
	}
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();
	ListCell   *lc;

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		foreach(lc, used)
			if (((UsedApproval *) lfirst(lc))->level >= level)
				used = foreach_delete_current(used, lc);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		foreach(lc, used)
			((UsedApproval *) lfirst(lc))->level = Min(((UsedApproval *) lfirst(lc))->level, level - 1);
	}
}

void
paysafe_approval_init(void)
{
	paysafe_transaction_register(transaction_event, subtransaction_event);
}
