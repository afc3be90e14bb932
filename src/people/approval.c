/*-------------------------------------------------------------------------
 *
 * approval.c
 *	  Approvals by a second person.
 *
 * An approval is a row of paysafe.approval_record; its one end, by use,
 * withdrawal or that of its subject, a row of paysafe.approval_end.  It is bound to a digest of what
 * is approved, so it is worth nothing for a row that has changed since.  One that is
 * given before the row is there has no key but a payment and an amount; whichever
 * row it fits first has used it.
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
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "base/argument.h"
#include "base/hours.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "compat.h"
#include "errors.h"
#include "people/acting.h"
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
	RECORD_PAYMENT, RECORD_AMOUNT, RECORD_CURRENCY, RECORD_RULE, RECORD_IDENTITY, RECORD_ALONE,
	RECORD_NCOLUMNS
};
enum
{
	END_APPROVAL, END_OUTCOME, END_ACTOR, END_SESSION_USER, END_REASON, END_AT,
	END_KEY,
	END_NCOLUMNS
};

typedef struct Approval
{
	int64		id;
	Oid			relation;
	Person		approver;
	int64		stands_for;		/* in whose place it was given: a registered person; 0: in nobody's */
	TimestampTz at;
	TimestampTz valid_until;
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *rule;			/* of refunds, or NULL */
	char	   *payment;		/* of one in advance, or NULL */
	char	   *currency;
	Numeric		amount;
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
	a->approver.level = paysafe_identity_parse(paysafe_store_text(tuple, desc, RECORD_IDENTITY));
	a->at = DatumGetTimestampTz(heap_getattr(tuple, RECORD_AT + 1, desc, &isnull));
	a->valid_until = DatumGetTimestampTz(heap_getattr(tuple, RECORD_VALID_UNTIL + 1, desc, &isnull));
	digest = DatumGetByteaPP(heap_getattr(tuple, RECORD_DIGEST + 1, desc, &isnull));
	if (VARSIZE_ANY_EXHDR(digest) == PAYSAFE_SHA256_LEN)
		memcpy(a->digest, VARDATA_ANY(digest), PAYSAFE_SHA256_LEN);
	a->rule = paysafe_store_text(tuple, desc, RECORD_RULE);
	a->payment = paysafe_store_text(tuple, desc, RECORD_PAYMENT);
	if (a->payment != NULL)
	{
		a->currency = paysafe_store_text(tuple, desc, RECORD_CURRENCY);
		a->amount = DatumGetNumericCopy(heap_getattr(tuple, RECORD_AMOUNT + 1, desc, &isnull));
	}
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
has_ended(int64 id)
{
	Datum		key = Int64GetDatum(id);

	return paysafe_store_has(PAYSAFE_APPROVAL_END, "approval_end_pkey", 1, &key);
}

/* Until the end of the transaction, nobody else ends this approval. */
static void
lock_approval(int64 id)
{
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD),
					   (Oid) id, (uint16) (id >> 32), ExclusiveLock);
}

/* The same without waiting; false: somebody else has it. */
static bool
try_lock_approval(int64 id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, paysafe_catalog_table(PAYSAFE_APPROVAL_RECORD),
					   (Oid) id, (uint16) (id >> 32));
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* For alarms */
static void
count(OutcomeSeries series, Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name != NULL)
		paysafe_outcome_count(paysafe_outcome_name(series), psprintf("%s.%s", get_namespace_name(get_rel_namespace(relation)), name), 1, 0);
}

/* key: of the row that has used one that was given in advance, or NULL */
static void
end_approval(int64 id, const char *outcome, const char *reason, const char *key)
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
	nulls[END_KEY] = key == NULL;
	values[END_KEY] = key ? CStringGetTextDatum(key) : (Datum) 0;
	paysafe_store_insert(PAYSAFE_APPROVAL_END, values, nulls);
}

static int
compare_approvals(const ListCell *a, const ListCell *b)
{
	int64		ida = ((Approval *) lfirst(a))->id;
	int64		idb = ((Approval *) lfirst(b))->id;

	return ida < idb ? -1 : ida > idb;
}

/* Without those of other rules; rule NULL: all. */
static List *
of_rule(List *approvals, const char *rule)
{
	ListCell   *lc;

	foreach(lc, approvals)
	{
		const Approval *a = lfirst(lc);

		if (rule != NULL && (a->rule == NULL || strcmp(a->rule, rule) != 0))
			approvals = foreach_delete_current(approvals, lc);
	}
	return approvals;
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

/* The same of refunds of the payment, or of all payments, whose rows were not there. */
static List *
approvals_in_advance(Oid relation, const char *rule, const char *payment)
{
	List	   *all = NIL;
	Datum		keys[2] = {
		ObjectIdGetDatum(relation), payment ? CStringGetTextDatum(payment) : (Datum) 0
	};
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, "approval_record_payment",
					   payment ? 2 : 1, keys, collect_approval, &all);
	foreach(lc, all)
		if (((Approval *) lfirst(lc))->payment == NULL)
			all = foreach_delete_current(all, lc);
	all = of_rule(all, rule);
	list_sort(all, compare_approvals);
	return all;
}

static int
compare_amounts(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

void
paysafe_approval_money_digest(const ApprovalMoney *money, Numeric amount, uint8 *digest)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe refund approval in advance");
	paysafe_argument_append(&bytes, money->payment);
	paysafe_argument_append(&bytes, money->currency);
	paysafe_argument_append(&bytes, numeric_normalize(amount));
	appendBinaryStringInfo(&bytes, (const char *) money->bound, PAYSAFE_SHA256_LEN);
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
}

/* Is it an approval of exactly this, or in advance of this or more? */
static bool
is_of_subject(const Approval *a, const ApprovalSubject *subject)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	const uint8 *expected = subject->digest;

	if (a->payment != NULL)
	{
		if (strcmp(a->currency, subject->money->currency) != 0 ||
			compare_amounts(a->amount, subject->money->amount) < 0)
			return false;
		paysafe_approval_money_digest(subject->money, a->amount, digest);
		expected = digest;
	}
	return memcmp(a->digest, expected, PAYSAFE_SHA256_LEN) == 0;
}

/*
 * Which is used first: one of exactly this row; then, of those in advance, one that
 * leaves least of what was approved unused.
 */
static int
compare_preference(const ListCell *a, const ListCell *b)
{
	const Approval *x = lfirst(a);
	const Approval *y = lfirst(b);
	int			amounts;

	if ((x->payment == NULL) != (y->payment == NULL))
		return x->payment == NULL ? -1 : 1;
	amounts = x->payment == NULL ? 0 : compare_amounts(x->amount, y->amount);
	return amounts != 0 ? amounts : compare_approvals(a, b);
}

/* Of one person, or of one and who stands for them: together they have one voice. */
static bool
is_of_one(const Approval *a, const Approval *b)
{
	return paysafe_person_is_same(&a->approver, &b->approver) || (a->stands_for != 0 && a->stands_for == b->stands_for) ||
		(a->stands_for != 0 && paysafe_person_may_be(&b->approver, a->stands_for)) ||
		(b->stands_for != 0 && paysafe_person_may_be(&a->approver, b->stands_for));
}

/* At most one for each person. */
static List *
one_each(List *approvals)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, approvals)
	{
		bool		another = true;

		foreach(lc2, result)
			another &= !is_of_one(lfirst(lc2), lfirst(lc));
		if (another)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * Is the approver one of those who asked for it, or have changed what is approved?  What was approved
 * before that change was of others' doing, and is bound to it; but not what was approved before there
 * was anything to change.
 */
static bool
is_own(const Approval *a, const ApprovalSubject *subject)
{
	ListCell   *lc;

	foreach(lc, subject->requesters)
		if (paysafe_person_conflict(&a->approver, lfirst(lc)) != NULL)
			return true;
	foreach(lc, subject->writers)
	{
		const Person *writer = lfirst(lc);

		if ((a->payment != NULL || writer->at <= a->at) && paysafe_person_conflict(&a->approver, writer) != NULL)
			return true;
	}
	return false;
}

/* Was it given when it may be? */
static bool
is_in_hours(const Approval *a, const ApprovalSubject *subject)
{
	ListCell   *lc;

	foreach(lc, subject->hours)
		if (!paysafe_hours_has(lfirst(lc), a->at))
			return false;
	return true;
}

/*
 * Approvals that fit the subject now, at most one per person, in the order in which
 * they are used.  With lock, each is locked, by id, before it is looked at for the
 * last time.
 */
static List *
fitting_approvals(Oid relation, const char *key, const ApprovalSubject *subject,
				  bool lock)
{
	List	   *all = approvals_of(relation, key);
	List	   *fitting = NIL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	if (subject->money != NULL)
	{
		all = list_concat(all, approvals_in_advance(relation, subject->rule, subject->money->payment));
		list_sort(all, compare_approvals);
	}
	foreach(lc, all)
	{
		Approval   *a = lfirst(lc);

		if (!is_of_subject(a, subject) || (subject->given_after != 0 && a->at <= subject->given_after) ||
			a->approver.level < subject->identity || !is_in_hours(a, subject) ||
			!paysafe_acting_may_approve(&a->approver, a->at, relation, subject, &a->stands_for, NULL))
			continue;
		/* a shorter validity, declared since, counts at once */
		a->valid_until = Min(a->valid_until, a->at + subject->valid_for);
		if (a->valid_until <= now)
			continue;
		if (is_own(a, subject))
			continue;
		if (lock)
			lock_approval(a->id);
		if (!has_ended(a->id))
			fitting = lappend(fitting, a);
	}
	list_sort(fitting, compare_preference);
	return one_each(fitting);
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

		end_approval(a->id, "used", NULL, a->payment ? key : NULL);
		old = MemoryContextSwitchTo(TopTransactionContext);
		u = palloc(sizeof(UsedApproval));
		u->id = a->id;
		u->valid_until = a->valid_until;
		u->level = GetCurrentTransactionNestLevel();
		used = lappend(used, u);
		MemoryContextSwitchTo(old);
		count(OUTCOME_APPROVAL_USED, relation);
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
	nulls[RECORD_KEY] = key == NULL;
	values[RECORD_KEY] = key ? CStringGetTextDatum(key) : (Datum) 0;
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
	nulls[RECORD_REQUEST_ID] = actor == NULL || actor->request_id == NULL;
	if (!nulls[RECORD_REQUEST_ID])
		values[RECORD_REQUEST_ID] = CStringGetTextDatum(actor->request_id);
	values[RECORD_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[RECORD_VALID_UNTIL] = TimestampTzGetDatum(valid_until);
	nulls[RECORD_RULE] = subject->rule == NULL;
	values[RECORD_RULE] = subject->rule ? CStringGetTextDatum(subject->rule) : (Datum) 0;
	values[RECORD_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(approver->level));
	values[RECORD_ALONE] = BoolGetDatum(subject->alone);
	nulls[RECORD_PAYMENT] = nulls[RECORD_AMOUNT] = nulls[RECORD_CURRENCY] = key != NULL;
	if (key == NULL)
	{
		values[RECORD_PAYMENT] = CStringGetTextDatum(subject->money->payment);
		values[RECORD_AMOUNT] = NumericGetDatum(subject->money->amount);
		values[RECORD_CURRENCY] = CStringGetTextDatum(subject->money->currency);
	}
	paysafe_store_insert(PAYSAFE_APPROVAL_RECORD, values, nulls);
	count(OUTCOME_APPROVAL_GIVEN, relid);
	return id;
}

static void
end_open(List *approvals)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, approvals)
	{
		Approval   *a = lfirst(lc);

		if (a->valid_until <= now || has_ended(a->id))
			continue;
		lock_approval(a->id);
		if (!has_ended(a->id))
			end_approval(a->id, "void", NULL, NULL);
	}
}

void
paysafe_approval_end_open(Oid relation, const char *rule, const char *key)
{
	end_open(of_rule(approvals_of(relation, key), rule));
}

void
paysafe_approval_end_in_advance(Oid relation, const char *rule, const char *payment)
{
	end_open(approvals_in_advance(relation, rule, payment));
}

/* Approvals that have not expired, in id order. */
static bool
collect_valid(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **list = arg;
	bool		isnull;

	if (DatumGetTimestampTz(heap_getattr(tuple, RECORD_VALID_UNTIL + 1, RelationGetDescr(rel), &isnull)) >
		GetCurrentTimestamp())
		*list = lappend(*list, read_approval(tuple, RelationGetDescr(rel)));
	return true;
}

int
paysafe_approval_end_of_person(int64 person)
{
	List	   *all = NIL;
	int			n = 0;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, NULL, 0, NULL, collect_valid, &all);
	list_sort(all, compare_approvals);
	foreach(lc, all)
	{
		const Approval *a = lfirst(lc);

		/* whoever is using it now was first; if that is undone, it does not count any more */
		if (!paysafe_person_may_be(&a->approver, person) || has_ended(a->id) || !try_lock_approval(a->id) ||
			has_ended(a->id))
			continue;
		end_approval(a->id, "void", NULL, NULL);
		n++;
	}
	return n;
}

PG_FUNCTION_INFO_V1(paysafe_approver_counts);

/*
 * approver_counts(id bigint) returns boolean: does the registry of people let this approval count?  For the view
 * paysafe.approval; of a number that is none, NULL
 */
Datum
paysafe_approver_counts(PG_FUNCTION_ARGS)
{
	List	   *found = NIL;
	Datum		key = PG_GETARG_DATUM(0);
	const Approval *a;
	ApprovalSubject anything = {0};
	int64		stands_for;

	paysafe_store_scan(PAYSAFE_APPROVAL_RECORD, "approval_record_pkey", 1, &key, collect_approval, &found);
	if (found == NIL)
		PG_RETURN_NULL();
	a = linitial(found);
	PG_RETURN_BOOL(paysafe_acting_may_approve(&a->approver, a->at, a->relation, &anything, &stands_for, NULL));
}

static bool
note_used(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = strcmp(paysafe_store_text(tuple, RelationGetDescr(rel), END_OUTCOME), "used") == 0;
	return false;
}

List *
paysafe_approval_used_in_advance(Oid relation, const char *rule, const char *payment, TimestampTz since)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, approvals_in_advance(relation, rule, payment))
	{
		const Approval *a = lfirst(lc);
		Datum		key = Int64GetDatum(a->id);
		bool		used_up = false;
		ApprovalUse *use;

		if (a->at < since)
			continue;
		paysafe_store_scan(PAYSAFE_APPROVAL_END, "approval_end_pkey", 1, &key, note_used, &used_up);
		if (!used_up)
			continue;
		use = palloc0(sizeof(ApprovalUse));
		use->money.payment = a->payment;
		use->money.currency = a->currency;
		use->money.amount = a->amount;
		use->at = a->at;
		result = lappend(result, use);
	}
	return result;
}

List *
paysafe_approval_in_advance(Oid relation, const char *rule)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, approvals_in_advance(relation, rule, NULL))
	{
		const Approval *a = lfirst(lc);
		ApprovalMoney *money;

		if (a->valid_until <= GetCurrentTimestamp() || has_ended(a->id))
			continue;
		money = palloc0(sizeof(ApprovalMoney));
		money->payment = a->payment;
		money->currency = a->currency;
		money->amount = a->amount;
		result = lappend(result, money);
	}
	return result;
}

void
paysafe_approval_void(int64 id, const char *reason)
{
	lock_approval(id);
	if (!has_ended(id))
		end_approval(id, "void", reason, NULL);
}

void
paysafe_approval_withdraw(int64 id, const char *reason)
{
	Datum		key = Int64GetDatum(id);

	if (!paysafe_store_has(PAYSAFE_APPROVAL_RECORD, "approval_record_pkey", 1, &key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("approval " INT64_FORMAT " does not exist", id)));
	lock_approval(id);
	if (has_ended(id))
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
						psprintf("approval " INT64_FORMAT " has been used or withdrawn already", id),
						NULL, NULL);
	end_approval(id, "withdrawn", reason, NULL);
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

	paysafe_acting_check();
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
