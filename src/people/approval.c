/*-------------------------------------------------------------------------
 *
 * approval.c
 *	  Approvals by a second person.
 *
 * An approval is a row of paysafe.approval_record; its one end, by use or
 * withdrawal, a row of paysafe.approval_end.  It is bound to a digest of what
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
#include "engine/rule.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
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

int64
paysafe_argument_microseconds(const Interval *interval, const char *argument)
{
	const double limit = 10.0 * 366 * USECS_PER_DAY;
	double		period = (double) interval->time +
		(double) interval->day * USECS_PER_DAY +
		(double) interval->month * 30 * USECS_PER_DAY;

	if (period <= 0 || period > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive and at most ten years", argument)));
	return interval->time + interval->day * USECS_PER_DAY +
		(int64) interval->month * 30 * USECS_PER_DAY;
}

Person *
paysafe_person_current(void)
{
	Person	   *person = palloc0(sizeof(Person));

	person->actor = paysafe_actor_is_named() ? pstrdup(paysafe_actor_name()) : NULL;
	person->login = paysafe_actor_login();
	person->session_user_name = paysafe_actor_session_user();
	return person;
}

char *
paysafe_person_conflict(const Person *approver, const Person *requester)
{
	if (requester->actor != NULL)
	{
		if (paysafe_person_same_name(approver->actor, requester->actor))
			return psprintf("\"%s\" requested it.", requester->actor);
		if (paysafe_person_same_name(approver->login, requester->actor))
			return psprintf("The approval came over the login of \"%s\", who requested it.",
							requester->actor);
		return NULL;
	}
	/* nobody was named: the login is all that is known */
	if (paysafe_person_same_name(approver->actor, requester->login) ||
		paysafe_person_same_name(approver->actor, requester->session_user_name))
		return psprintf("\"%s\" requested it.", approver->actor);
	if (paysafe_person_same_name(approver->login, requester->login))
		return psprintf("It was requested over the same login \"%s\" without saying who acted, so the approver cannot be shown to be another person.",
						requester->login);
	if (paysafe_catalog_may_act_as(requester->login))
		return psprintf("It was requested over the login \"%s\", which may act for others, without saying for whom; so no approver can be shown to be another person.",
						requester->login);
	return NULL;
}

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

/*
 * Approvals that fit the subject now, at most one per person, in id order.
 * With lock, each is locked before it is looked at for the last time.
 */
static List *
fitting_approvals(Oid relation, const char *key, const ApprovalSubject *subject,
				  bool lock)
{
	List	   *all = NIL;
	List	   *fitting = NIL;
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(key)};
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, "approval_record_relation_key",
					   2, keys, collect_approval, &all);
	list_sort(all, compare_approvals);
	foreach(lc, all)
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

static PAYSAFE_NORETURN void
refuse_approval(int sqlstate, const char *message, const char *detail, const char *hint)
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

static void
transaction_event(XactEvent event, void *arg)
{
	ListCell   *lc;

	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (used != NIL)
				refuse_approval(ERRCODE_INSUFFICIENT_PRIVILEGE,
								"a transaction that used an approval cannot be prepared",
								"It could be committed long after the approval expired.",
								"Use COMMIT instead of PREPARE TRANSACTION.");
			break;
		case XACT_EVENT_PRE_COMMIT:
			foreach(lc, used)
			{
				UsedApproval *u = lfirst(lc);

				if (u->valid_until <= GetCurrentTimestamp())
					refuse_approval(ERRCODE_INSUFFICIENT_PRIVILEGE,
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

/* SQL-callable functions */

/*
 * Ask the rule of this leaf table that gates rows of the tree at relid; false
 * if there is none.
 */
static bool
leaf_subject(Relation leaf, Oid relid, const char *key, ApprovalSubject *subject)
{
	RelationRules *rules = paysafe_rules_of(leaf);

	if (rules == NULL)
		return false;
	for (int i = 0; i < rules->nrules; i++)
	{
		Rule	   *rule = &rules->rules[i];

		if (rule->kind->approval_subject != NULL && rule->declared_on == relid &&
			rule->compiled != NULL)
		{
			rule->kind->approval_subject(rule, key, subject);
			return true;
		}
	}
	return false;
}

/* The subject of an approval for a row of a table. */
static void
row_subject(Oid relid, const char *key, ApprovalSubject *subject)
{
	AclResult	aclresult = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	bool		found = false;
	ListCell   *lc;

	LockRelationOid(relid, AccessShareLock);
	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));

	/* any leaf will do: its rules look for the row in the whole tree */
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			found = leaf_subject(rel, relid, key, subject);
		table_close(rel, NoLock);
		if (found)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rows of \"%s\" are not subject to approval", get_rel_name(relid)),
			 errhint("Approvals are for tables declared with paysafe.protect_refund.")));
}

/* A text argument that is not NULL, as it is stored. */
static Datum
redacted_argument(FunctionCallInfo fcinfo, int n)
{
	return CStringGetTextDatum(paysafe_redact_string(text_to_cstring(PG_GETARG_TEXT_PP(n))));
}

PG_FUNCTION_INFO_V1(paysafe_approve);

/*
 * approve(relation, key, reason, ticket, expires_at) returns bigint
 */
Datum
paysafe_approve(PG_FUNCTION_ARGS)
{
	const ActorClaim *actor = paysafe_actor_current();
	ApprovalSubject subject = {0};
	Oid			relid;
	char	   *key;
	Person	   *approver;
	ListCell   *lc;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz valid_until;
	int64		id;
	Datum		values[RECORD_NCOLUMNS];
	bool		nulls[RECORD_NCOLUMNS] = {0};
	bytea	   *digest;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("relation, key and reason of an approval must not be NULL")));
	relid = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strspn(text_to_cstring(PG_GETARG_TEXT_PP(2)), " \t\r\n") ==
		strlen(text_to_cstring(PG_GETARG_TEXT_PP(2))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an approval needs a reason")));
	if (!paysafe_actor_is_named())
		refuse_approval(ERRCODE_INSUFFICIENT_PRIVILEGE,
						"an approval needs a person",
						"No actor is declared in this transaction, and a login alone is not a person.",
						"Call paysafe.act_as('name') in the same transaction first.");
	approver = paysafe_person_current();

	/* what a change says of itself, with its reason and ticket, is redacted as there */
	if (relid == paysafe_catalog_table(PAYSAFE_RULE) ||
		relid == paysafe_catalog_table(PAYSAFE_MAINTENANCE_RECORD))
	{
		key = paysafe_redact_string(key);
		paysafe_rule_change_subject(key, &subject);
	}
	else
		row_subject(relid, key, &subject);
	if (subject.key != NULL)
		key = pstrdup(subject.key);
	foreach(lc, subject.requesters)
	{
		char	   *conflict = paysafe_person_conflict(approver, lfirst(lc));

		if (conflict != NULL)
			refuse_approval(ERRCODE_INSUFFICIENT_PRIVILEGE,
							psprintf("\"%s\" cannot approve this", actor->name),
							conflict,
							((Person *) lfirst(lc))->actor ?
							"Another person has to approve it." :
							"Request it again in a transaction that calls paysafe.act_as.");
	}
	valid_until = now + subject.valid_for;
	if (!PG_ARGISNULL(4))
		valid_until = Min(valid_until, PG_GETARG_TIMESTAMPTZ(4));
	if (valid_until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the approval would already have expired")));

	id = nextval_internal(get_relname_relid("approval_id_seq",
											get_rel_namespace(paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD))),
						  false);
	digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(digest), subject.digest, PAYSAFE_SHA256_LEN);
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
	values[RECORD_REASON] = redacted_argument(fcinfo, 2);
	nulls[RECORD_TICKET] = PG_ARGISNULL(3);
	values[RECORD_TICKET] = nulls[RECORD_TICKET] ? (Datum) 0 : redacted_argument(fcinfo, 3);
	nulls[RECORD_REQUEST_ID] = actor->request_id == NULL;
	if (actor->request_id != NULL)
		values[RECORD_REQUEST_ID] = CStringGetTextDatum(actor->request_id);
	values[RECORD_AT] = TimestampTzGetDatum(now);
	values[RECORD_VALID_UNTIL] = TimestampTzGetDatum(valid_until);
	paysafe_store_insert(PAYSAFE_APPROVAL_RECORD, values, nulls);
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(paysafe_withdraw_approval);

/*
 * withdraw_approval(id, reason) returns void
 */
Datum
paysafe_withdraw_approval(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
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
		refuse_approval(ERRCODE_INSUFFICIENT_PRIVILEGE,
						psprintf("approval " INT64_FORMAT " has been used or withdrawn already", id),
						NULL, NULL);
	end_approval(id, "withdrawn", text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}
