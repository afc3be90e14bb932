/*-------------------------------------------------------------------------
 *
 * refund_request.c
 *	  Asking for the approval of a refund whose row is not there yet.
 *
 * A request is a row of paysafe.refund_request.  It waits, for those who may approve to
 * see, until there are as many approvals as it takes, or one has been used since, or
 * for a week.  Who asked for a refund does not approve it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "rules/refund/refund.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"
#include "values/spec.h"

#define REQUEST_LIFE	(INT64CONST(7) * 24 * 3600 * USECS_PER_SEC)

/* Columns of paysafe.refund_request. */
enum
{
	REQUEST_ID, REQUEST_RELATION, REQUEST_PAYMENT, REQUEST_AMOUNT, REQUEST_CURRENCY,
	REQUEST_ACTOR, REQUEST_LOGIN, REQUEST_SESSION_USER, REQUEST_REASON, REQUEST_TICKET,
	REQUEST_REQUEST_ID, REQUEST_AT, REQUEST_RULE, REQUEST_IDENTITY,
	REQUEST_NCOLUMNS
};

static bool
collect_request(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	RefundRequest *request = palloc0(sizeof(RefundRequest));
	bool		isnull;

	request->at = DatumGetTimestampTz(heap_getattr(tuple, REQUEST_AT + 1, desc, &isnull));
	if (request->at + REQUEST_LIFE <= GetCurrentTimestamp())
		return true;
	request->money.payment = paysafe_store_text(tuple, desc, REQUEST_PAYMENT);
	request->money.currency = paysafe_store_text(tuple, desc, REQUEST_CURRENCY);
	request->money.amount = DatumGetNumericCopy(heap_getattr(tuple, REQUEST_AMOUNT + 1, desc, &isnull));
	request->person.actor = paysafe_store_text(tuple, desc, REQUEST_ACTOR);
	request->person.login = paysafe_store_text(tuple, desc, REQUEST_LOGIN);
	request->person.session_user_name = paysafe_store_text(tuple, desc, REQUEST_SESSION_USER);
	request->person.level = paysafe_identity_parse(paysafe_store_text(tuple, desc, REQUEST_IDENTITY));
	*list = lappend(*list, request);
	return true;
}

/* By payment and currency, the newest first. */
static int
compare_money(const ApprovalMoney *x, TimestampTz x_at, const ApprovalMoney *y, TimestampTz y_at)
{
	int			result = strcmp(x->payment, y->payment);

	if (result == 0)
		result = strcmp(x->currency, y->currency);
	return result != 0 ? result : x_at > y_at ? -1 : x_at < y_at;
}

static int
compare_requests(const ListCell *a, const ListCell *b)
{
	const RefundRequest *x = lfirst(a);
	const RefundRequest *y = lfirst(b);

	return compare_money(&x->money, x->at, &y->money, y->at);
}

static int
compare_uses(const ListCell *a, const ListCell *b)
{
	const ApprovalUse *x = lfirst(a);
	const ApprovalUse *y = lfirst(b);

	return compare_money(&x->money, x->at, &y->money, y->at);
}

/*
 * Without those that have led to a refund: an approval of as much or more was given
 * since, and used.  Both are gone through once, side by side.
 */
static List *
without_answered(List *requests, List *uses)
{
	List	   *result = NIL;
	const ApprovalMoney *most = NULL;	/* of the uses so far, of this payment and currency */
	int			n = 0;
	ListCell   *lc;

	list_sort(requests, compare_requests);
	list_sort(uses, compare_uses);
	foreach(lc, requests)
	{
		const RefundRequest *request = lfirst(lc);

		if (most != NULL && (strcmp(most->payment, request->money.payment) != 0 ||
							 strcmp(most->currency, request->money.currency) != 0))
			most = NULL;
		for (; n < list_length(uses); n++)
		{
			const ApprovalUse *use = list_nth(uses, n);

			if (compare_money(&use->money, use->at, &request->money, request->at) > 0)
				break;
			if (strcmp(use->money.payment, request->money.payment) == 0 &&
				strcmp(use->money.currency, request->money.currency) == 0 &&
				(most == NULL || paysafe_money_compare(use->money.amount, most->amount) > 0))
				most = &use->money;
		}
		if (most == NULL || paysafe_money_compare(most->amount, request->money.amount) < 0)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

List *
paysafe_refund_person_names(const List *persons)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, persons)
	{
		Person	   *person = lfirst(lc);
		char	   *name = person->actor ? person->actor : person->session_user_name;

		if (!paysafe_strings_contain(names, name))
			names = lappend(names, name);
	}
	return names;
}

char *
paysafe_refund_requesters_words(const List *requesters)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, paysafe_refund_person_names(requesters))
		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", (char *) lfirst(lc));
	return buf.data;
}

List *
paysafe_refund_requests(Oid refund, const char *rule, const char *payment)
{
	List	   *requests = NIL;
	Datum		keys[3] = {
		ObjectIdGetDatum(refund), CStringGetTextDatum(rule), payment ? CStringGetTextDatum(payment) : (Datum) 0
	};

	paysafe_store_scan(PAYSAFE_REFUND_REQUEST, "refund_request_payment", payment ? 3 : 2, keys,
					   collect_request, &requests);
	if (requests == NIL)
		return NIL;
	return without_answered(requests,
							paysafe_approval_used_in_advance(refund, rule, payment, GetCurrentTimestamp() - REQUEST_LIFE));
}

List *
paysafe_refund_requesters(Oid refund, const char *rule, const ApprovalMoney *money)
{
	List	   *persons = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_refund_requests(refund, rule, money->payment))
	{
		RefundRequest *request = lfirst(lc);

		if (strcmp(request->money.currency, money->currency) == 0 &&
			paysafe_money_compare(request->money.amount, money->amount) == 0)
			persons = lappend(persons, &request->person);
	}
	return persons;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_request_refund);

/*
 * request_refund(refund, payment, amount, currency, reason, ticket, rule) returns bigint
 */
Datum
paysafe_request_refund(PG_FUNCTION_ARGS)
{
	const ActorClaim *actor = paysafe_actor_current();
	Person	   *person = paysafe_person_current();
	ApprovalMoney *money;
	Datum		values[REQUEST_NCOLUMNS];
	bool		nulls[REQUEST_NCOLUMNS] = {0};
	int64		id;
	ApprovalSubject subject = {0};
	char	   *reason;
	char	   *ticket;

	paysafe_approval_check_own_code("paysafe.request_refund");
	reason = paysafe_argument_reason(fcinfo, 4, "reason", "a request");
	ticket = PG_ARGISNULL(5) ? NULL : paysafe_argument_reason(fcinfo, 5, "ticket", "a request");
	money = paysafe_refund_money_argument(fcinfo, &subject);
	if (paysafe_person_is_unknown(person))
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE,
								"a request needs a person",
								psprintf("The login \"%s\" may act for others, so nobody could be shown to be another person than who asks.",
										 person->login),
								"Call paysafe.act_as('name') in the same transaction first.");

	id = nextval_internal(get_relname_relid("refund_request_id_seq", paysafe_catalog_schema()), false);
	values[REQUEST_ID] = Int64GetDatum(id);
	values[REQUEST_RELATION] = PG_GETARG_DATUM(0);
	values[REQUEST_PAYMENT] = CStringGetTextDatum(money->payment);
	values[REQUEST_AMOUNT] = NumericGetDatum(money->amount);
	values[REQUEST_CURRENCY] = CStringGetTextDatum(money->currency);
	set_text(values, nulls, REQUEST_ACTOR, person->actor);
	set_text(values, nulls, REQUEST_LOGIN, person->login);
	set_text(values, nulls, REQUEST_SESSION_USER, person->session_user_name);
	set_text(values, nulls, REQUEST_REASON, paysafe_redact_string(reason));
	set_text(values, nulls, REQUEST_TICKET, ticket ? paysafe_redact_string(ticket) : NULL);
	set_text(values, nulls, REQUEST_REQUEST_ID, actor ? actor->request_id : NULL);
	values[REQUEST_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[REQUEST_RULE] = CStringGetTextDatum(subject.rule);
	values[REQUEST_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(person->level));
	paysafe_store_insert(PAYSAFE_REFUND_REQUEST, values, nulls);
	PG_RETURN_INT64(id);
}
