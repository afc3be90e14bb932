/*-------------------------------------------------------------------------
 *
 * captures_declare.c
 *	  Declaring the rule of captures: its arguments, the rows that are there already,
 *	  its description.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/accepted.h"
#include "engine/breach.h"
#include "engine/declare.h"
#include "engine/status_names.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/reference.h"
#include "values/spec.h"

char *
paysafe_captures_fault(const CaptureSide *side, const CaptureShare *share, TupleTableSlot *row,
					   const char *currency, const char **column, int *sqlstate)
{
	KeyValues	key;
	AttrNumber	missing;
	Numeric		amount;
	char	   *reason;

	*sqlstate = ERRCODE_23R06_NO_PAYMENT;
	if (!paysafe_key_columns_read(&side->payment, row, &key, &missing))
	{
		*column = NameStr(TupleDescAttr(row->tts_tupleDescriptor, missing - 1)->attname);
		return pstrdup("it names no payment");
	}
	*sqlstate = ERRCODE_23R04_AMOUNT;
	*column = side->amount.name;
	if (share->cancels_rest)
		return NULL;
	if (!paysafe_money_value(&side->amount, row, &amount))
		return pstrdup("the amount is missing");
	reason = paysafe_money_fault(&side->amount, amount, currency, false);
	return reason ? psprintf("amount %s: %s", paysafe_refusal_value(paysafe_money_text(amount)), reason) : NULL;
}

/*
 * Existing rows
 */

typedef struct SeenPayment
{
	char	   *key;			/* as text */
	KeyValues	value;
	bool		breached;		/* a capture of it is on record as more than it might be */
	uint8		rows[PAYSAFE_SHA256_LEN];	/* of all of its captures, in whatever order */
} SeenPayment;

typedef struct SeenPayments
{
	HTAB	   *by_key;
	List	   *in_order;		/* of SeenPayment, as first seen */
} SeenPayments;

static uint32
hash_payment(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
match_payment(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The payment's entry, new if it has none. */
static SeenPayment *
see_payment(ExistingReport *report, const KeyValues *value)
{
	SeenPayments *payments = report->private;
	char	   *key = paysafe_key_columns_text(value);
	MemoryContext old = MemoryContextSwitchTo(report->context);
	SeenPayment *payment;
	bool		found;

	if (payments == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(char *), .entrysize = sizeof(SeenPayment),
			.hash = hash_payment, .match = match_payment, .hcxt = report->context
		};

		payments = report->private = palloc0(sizeof(SeenPayments));
		payments->by_key = hash_create("paysafe captured payments", 1024, &ctl,
									   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	}
	payment = hash_search(payments->by_key, &key, HASH_ENTER, &found);
	if (!found)
	{
		payment->key = pstrdup(key);
		paysafe_key_columns_copy(value, &payment->value);
		payment->breached = false;
		memset(payment->rows, 0, sizeof(payment->rows));
		payments->in_order = lappend(payments->in_order, payment);
	}
	MemoryContextSwitchTo(old);
	return payment;
}

/* The payment's captures are these; what has been accepted of them was so of these. */
static void
add_row(SeenPayment *payment, const char *key, Numeric amount)
{
	char	   *text = psprintf("%s\n%s", key, amount ? paysafe_money_text(amount) : "");
	uint8		digest[PAYSAFE_SHA256_LEN];

	paysafe_crypto_sha256(text, strlen(text), digest);
	for (int i = 0; i < PAYSAFE_SHA256_LEN; i++)
		payment->rows[i] ^= digest[i];
}

/* Each row by itself; what they come to together is looked at for each payment. */
void
paysafe_captures_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const CaptureState *state = rule->compiled;
	const CaptureSide *side = &state->capture;
	CaptureShare share;
	char	   *currency;
	const char *column;
	int			sqlstate;
	char	   *fault;
	char	   *key;
	KeyValues	value;
	Numeric		amount = NULL;
	SeenPayment *payment;

	paysafe_captures_share(side, row, &share);
	if (!share.counts)
		return;
	key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	(void) paysafe_currency_of(&side->currency, row, false, &currency);
	fault = paysafe_captures_fault(side, &share, row, currency, &column, &sqlstate);
	if (fault != NULL && !paysafe_existing_fault(report, "Row", key, fault))
		return;
	if (currency == NULL && !paysafe_existing_fault(report, "Row", key, "the currency is missing"))
		return;
	if (!paysafe_key_columns_read(&side->payment, row, &value, NULL))
		return;
	payment = see_payment(report, &value);
	payment->breached |= paysafe_breach_exists(rule->declared_on, rule->name, key, ERRCODE_23R05_CAPTURE, 0);
	(void) paysafe_money_value(&side->amount, row, &amount);
	if (paysafe_existing_binds(report))
		add_row(payment, key, amount);
}

/* What is wrong with a payment and all that is captured of it: currencies and sums by themselves. */
static List *
payment_faults(const CaptureState *state, const SeenPayment *seen, bool lock)
{
	CapturedPayment payment;
	int			count = lock ? paysafe_captures_lock_payment(state, &seen->value, true, &payment) :
		paysafe_captures_find_payment(state, &seen->value, &payment);
	CaptureSum	sum;
	RefundSum	refunds = {.minor = payment.refunds.minor, .lawful = true};
	char	   *excess;
	List	   *faults = NIL;

	if (count != 1)
		return list_make1(pstrdup(count == 0 ? "there is no such payment" : "there are several such payments"));
	paysafe_captures_sum(payment.tables, &sum);
	if (sum.mixed)
		faults = lappend(faults, pstrdup("what counts of this payment is in several currencies"));
	else if (payment.has_currency &&
			 (payment.currency == NULL || (sum.currency != NULL && strcmp(payment.currency, sum.currency) != 0)))
		faults = lappend(faults, pstrdup("payment and captures have different currencies"));
	excess = seen->breached ? NULL : paysafe_captures_excess(state, &payment, &sum);
	if (excess != NULL)
		faults = lappend(faults, excess);
	if (payment.refunds.tables == NIL)
		return faults;
	refunds.currency = payment.has_currency ? payment.currency : sum.currency;
	if (refunds.currency == NULL)
		return faults;
	paysafe_refund_sum(payment.refunds.tables, &refunds);
	if (paysafe_money_compare(refunds.total, sum.captured) > 0)
		faults = lappend(faults, psprintf("refunds of this payment total %s, captured is %s",
										  paysafe_refusal_value(paysafe_money_text(refunds.total)),
										  paysafe_refusal_value(paysafe_money_text(sum.captured))));
	return faults;
}

void
paysafe_captures_check_existing_end(const Rule *rule, ExistingReport *report)
{
	const CaptureState *state = rule->compiled;
	SeenPayments *payments = report->private;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "paysafe captured payments",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, payments ? payments->in_order : NIL)
	{
		SeenPayment *payment = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		report->bound = paysafe_existing_binds(report) ? paysafe_accepted_hex(payment->rows) : NULL;
		foreach(lc2, payment_faults(state, payment, !report->single))
			if (!paysafe_existing_fault(report, "Payment", paysafe_refusal_value(payment->key), lfirst(lc2)))
				break;
		report->bound = NULL;
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

/*
 * With all captures of its payment, wherever they are.  What was accepted of a payment was so of
 * all that was read of it; and a capture on record as too much lets the others be.
 */
bool
paysafe_captures_in_parts(const Rule *rule)
{
	const CaptureState *state = rule->compiled;

	return state->indexed && !paysafe_accepted_some(rule->declared_on, rule->name) &&
		!paysafe_breach_exists(rule->declared_on, rule->name, NULL, ERRCODE_23R05_CAPTURE, 0);
}

/* "Payment "1"", if the row counts for it. */
char *
paysafe_captures_part_of(const Rule *rule, TupleTableSlot *row)
{
	const CaptureSide *side = &((const CaptureState *) rule->compiled)->capture;
	CaptureShare share;
	char	   *payment;

	paysafe_captures_share(side, row, &share);
	payment = share.counts ? paysafe_key_columns_row_text(&side->payment, row, NULL) : NULL;
	return payment == NULL ? NULL : psprintf("Payment \"%s\"", paysafe_refusal_value(payment));
}

/* "AUTHORIZE authorizes, CAPTURE captures": what a column says of each row. */
static char *
type_words(const Jsonb *spec)
{
	const char *column = paysafe_spec_optional_text(spec, "type_column");
	List	   *authorize = paysafe_spec_set(spec, "authorize");
	List	   *cancel = paysafe_spec_set(spec, "cancel");

	if (column == NULL)
		return "";
	return psprintf("; by %s %s captures%s%s", column,
					paysafe_strings_join(paysafe_spec_set(spec, "capture")),
					authorize ? psprintf(", %s authorizes", paysafe_strings_join(authorize)) : "",
					cancel ? psprintf(", %s cancels", paysafe_strings_join(cancel)) : "");
}

char *
paysafe_captures_describe_rule(const char *name, Oid reference, Jsonb *spec)
{
	const char *payment = !OidIsValid(reference) ? "each group" : get_rel_name(reference) ? get_rel_name(reference) : "?";
	const char *limit = paysafe_spec_optional_text(spec, "limit_column");
	const char *over = paysafe_spec_optional_text(spec, "over_percent");
	const char *status = paysafe_spec_optional_text(spec, "status_column");
	const char *rows = paysafe_row_filter_words(spec);
	List	   *recorded = paysafe_spec_set(spec, "recorded");
	const char *decimals = paysafe_spec_optional_text(spec, "decimals");

	return psprintf("captured of %s is the sum of %s by %s%s%s in %s%s%s%s%s%s%s",
					payment, paysafe_spec_text(spec, "amount_column"),
					paysafe_key_columns_words(paysafe_spec_columns(spec, "payment_column")),
					limit ? psprintf(", <= %s of %s", limit, payment) :
					paysafe_spec_set(spec, "authorize") ? ", <= what is authorized" : "",
					over ? psprintf(" + %s %%", over) : "",
					paysafe_currency_words(spec),
					status ? psprintf("; %s %s counts", status, paysafe_strings_join(paysafe_spec_set(spec, "counted"))) : "",
					type_words(spec),
					decimals ? psprintf("; %s decimals", decimals) : "",
					rows ? psprintf("; rows with %s", rows) : "",
					paysafe_spec_bool(spec, "deletable") ? "; what is deleted counts no longer" : "",
					recorded ? psprintf("; stored in any case, on record as a breach: %s", paysafe_strings_join(recorded)) : "");
}

/* SQL-callable functions */

/* What a declaration says; lists of names or statuses. */
typedef struct CapturesDeclaration
{
	Oid			captures;
	Oid			payment;
	List	   *payment_column;
	List	   *payment_key;
	char	   *amount_column;
	char	   *currency_column;
	char	   *currency;
	List	   *currency_path;
	List	   *currency_tables;
	char	   *status_column;
	List	   *status_path;
	List	   *counted;
	List	   *recorded;
	char	   *type_column;
	List	   *authorize;
	List	   *capture;
	List	   *cancel;
	char	   *limit_column;
	char	   *over_percent;
	bool		deletable;
	Jsonb	   *rows;
	char	   *decimals;
} CapturesDeclaration;

static void
check_inexact(Relation rel, const KeyColumns *columns)
{
	AttrNumber	inexact = paysafe_key_columns_inexact(rel, columns);

	if (inexact != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has a type that cannot refer to a payment",
						NameStr(TupleDescAttr(RelationGetDescr(rel), inexact - 1)->attname),
						RelationGetRelationName(rel)),
				 errhint("Integers, numeric, text, varchar, char(n), uuid, bytea, bool, date and timestamps can, with deterministic collations.")));
}

/* What the two tables must have in common, seen before anything is stored. */
static void
check_pair(const CapturesDeclaration *d)
{
	Relation	captures = table_open(d->captures, AccessShareLock);
	Relation	payment;
	KeyColumns	reference;
	KeyColumns	key;
	KeySearch	search;
	AmountColumn amount;
	AmountColumn limit;

	paysafe_key_columns_find(captures, d->payment_column, &reference);
	check_inexact(captures, &reference);
	if (!OidIsValid(d->payment))
	{
		paysafe_key_columns_warn(d->captures, d->payment_column, "Each movement");
		table_close(captures, AccessShareLock);
		return;
	}
	payment = table_open(d->payment, AccessShareLock);
	paysafe_key_columns_find(payment, d->payment_key, &key);
	/* each is searched by what the other says */
	paysafe_row_key_search(payment, key.key.n, key.key.attnums, reference.types, &search);
	paysafe_row_key_search(captures, key.key.n, reference.key.attnums, key.types, &search);
	paysafe_money_column(captures, d->amount_column, &amount);
	if (d->limit_column != NULL)
		paysafe_money_column(payment, d->limit_column, &limit);
	if (d->limit_column != NULL && paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&limit))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						d->amount_column, d->limit_column)));
	paysafe_key_columns_warn(d->captures, d->payment_column, "Each capture");
	paysafe_key_columns_warn(d->payment, d->payment_key, "Each capture");
	table_close(payment, AccessShareLock);
	table_close(captures, AccessShareLock);
}

/*
 * A refund rule that follows what is captured would mean another thing by it from one
 * moment to the next.
 */
static void
check_order(const CapturesDeclaration *d)
{
	List	   *sources;
	ListCell   *lc;

	if (!OidIsValid(d->payment))
		return;
	sources = paysafe_rule_sources(d->payment);
	if (paysafe_refund_source_captures(sources, d->payment) != NIL)
		return;
	foreach(lc, sources)
	{
		const RuleSource *rule = lfirst(lc);

		if (rule->kind == &paysafe_refund_kind && rule->reference == d->payment && !rule->observed &&
			paysafe_spec_optional_text(rule->spec, "payment_amount_column") == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("refunds in \"%s\" are limited by what the payment rule of \"%s\" says is captured",
							get_rel_name(rule->relation), get_rel_name(d->payment)),
					 errdetail("With a rule of captures they would be limited by the sum of \"%s\".",
							   get_rel_name(d->captures)),
					 errhint("Declare captures before refunds: remove the rule \"%s\" of \"%s\" with paysafe.unprotect, declare captures, then refunds again.",
							 rule->name, get_rel_name(rule->relation))));
	}
}

/* The statuses that count: without a status column the one that all rows are in. */
static List *
counted_statuses(const char *status_column, List *counted, List *recorded)
{
	ListCell   *lc;

	if (status_column == NULL && counted != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be empty without a status column", "counted"),
				 errdetail("Each row counts.")));
	if (status_column != NULL && counted == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "counted"),
				 errhint("Name the statuses in which an amount counts as captured.")));
	if (status_column == NULL)
		counted = list_make1(STATUS_OF_ALL);
	foreach(lc, recorded)
		if (!paysafe_strings_contain(counted, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be recorded and not counted", paysafe_redact_string((char *) lfirst(lc))),
					 errhint("Name it in both arguments.")));
	return counted;
}

static char *
over_argument(FunctionCallInfo fcinfo, int n, bool limited)
{
	char	   *over = paysafe_declare_over_percent_argument(fcinfo, n);

	if (!PG_ARGISNULL(n) && !limited)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" needs a limit", "over_percent"),
				 errhint("Name the column of the payment, or the rows, that say what is authorized.")));
	return over;
}

static void
declare_captures(FunctionCallInfo fcinfo, const CapturesDeclaration *d)
{
	CurrencyStep first = {.column = linitial(d->payment_column), .parent = d->payment,
	.parent_key = d->payment_key ? linitial(d->payment_key) : NULL};
	SpecBuilder spec;
	bool		observed;

	check_pair(d);
	check_order(d);
	if (d->currency_path != NIL && list_length(d->payment_column) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a path to the currency begins with one column"),
				 errhint("Name the currency column of the captures themselves.")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "payment_column", d->payment_column);
	paysafe_spec_add_columns(&spec, "payment_key_column", d->payment_key);
	paysafe_spec_add_text(&spec, "amount_column", d->amount_column);
	paysafe_spec_add_text(&spec, "status_column", d->status_column);
	paysafe_status_names_add(&spec, d->captures, d->status_column, d->status_path, list_concat_copy(d->counted, d->recorded));
	paysafe_spec_add_set(&spec, "counted", d->counted);
	paysafe_spec_add_text(&spec, "type_column", d->type_column);
	if (d->authorize != NIL)
		paysafe_spec_add_set(&spec, "authorize", d->authorize);
	if (d->capture != NIL)
		paysafe_spec_add_set(&spec, "capture", d->capture);
	if (d->cancel != NIL)
		paysafe_spec_add_set(&spec, "cancel", d->cancel);
	paysafe_spec_add_text(&spec, "limit_column", d->limit_column);
	paysafe_spec_add_text(&spec, "over_percent", d->over_percent);
	if (d->recorded != NIL)
		paysafe_spec_add_set(&spec, "recorded", d->recorded);
	paysafe_spec_add_bool(&spec, "deletable", d->deletable);
	paysafe_row_filter_add(&spec, d->rows);
	paysafe_spec_add_text(&spec, "decimals", d->decimals);
	observed = paysafe_declare_add_mode(fcinfo, &spec);
	(void) paysafe_currency_declare_from(&spec, d->captures, "captures", &first, d->currency_column,
										 d->currency, d->currency_path, d->currency_tables, observed);
	paysafe_declare(d->captures, "captures", d->payment, paysafe_spec_end(&spec));
}

/* The first three arguments of both functions: two tables, and how one refers to the other. */
static void
table_arguments(FunctionCallInfo fcinfo, int key_argument, const char *what, Oid *relation, Oid *payment,
				List **payment_column, List **payment_key)
{
	bool		group = PG_ARGISNULL(1) && strcmp(what, "movements") == 0;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i) && !(group && i == 1))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL",
							i == 0 ? what : i == 1 ? "payment" : "payment_column")));
	*relation = PG_GETARG_OID(0);
	*payment = group ? InvalidOid : PG_GETARG_OID(1);
	*payment_key = NIL;
	if (group && !PG_ARGISNULL(key_argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("without a table of payments there is no key of theirs")));
	if (*relation == *payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s and payments must be two tables", what)));
	paysafe_declare_lock(*relation);
	if (group)
	{
		*payment_column = paysafe_declare_columns_argument(fcinfo, 2, "payment_column", *relation);
		return;
	}
	paysafe_declare_lock(*payment);
	*payment_column = paysafe_declare_columns_argument(fcinfo, 2, "payment_column", *relation);
	*payment_key = paysafe_declare_columns_argument(fcinfo, key_argument, "payment_key", *payment);
	*payment_key = paysafe_reference_resolve(*relation, *payment_column, *payment, *payment_key, "payment_key");
	paysafe_reference_order(*payment, payment_column, payment_key);
}

void
paysafe_captures_check_group(Oid relation, const char *name, const char *function)
{
	RuleSource	rule;
	bool		removed;

	if (paysafe_rule_newest(relation, name, &rule, &removed) && !removed && !OidIsValid(rule.reference))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of \"%s\" are movements of payments that no table has", get_rel_name(relation)),
				 errdetail("Its rules of captures and of refunds lock the same group of rows."),
				 errhint("Declare both with paysafe.protect_movements, not one with paysafe.%s.", function)));
}

PG_FUNCTION_INFO_V1(paysafe_protect_captures);

/*
 * protect_captures(captures, payment, payment_column, amount_column, currency_column,
 *					status_column, counted text[], limit_column, over_percent, currency,
 *					currency_path name[], payment_key, recorded text[], deletable boolean,
 *					rows jsonb, currency_tables regclass[], decimals, status_path text[], mode)
 * returns void
 *
 * payment_column and payment_key: both text or both name[].
 */
Datum
paysafe_protect_captures(PG_FUNCTION_ARGS)
{
	CapturesDeclaration d = {
		.amount_column = paysafe_declare_name_argument(fcinfo, 3, "amount_column"),
		.currency_column = paysafe_declare_optional_name(fcinfo, 4),
		.status_column = paysafe_declare_optional_name(fcinfo, 5),
		.limit_column = paysafe_declare_optional_name(fcinfo, 7),
		.currency = PG_ARGISNULL(9) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(9)),
		.currency_path = paysafe_declare_optional_set(fcinfo, 10, "currency_path"),
		.recorded = paysafe_declare_set_argument(fcinfo, 12, "recorded"),
		.deletable = !PG_ARGISNULL(13) && PG_GETARG_BOOL(13),
		.rows = PG_ARGISNULL(14) ? NULL : PG_GETARG_JSONB_P(14),
		.currency_tables = paysafe_currency_tables_argument(fcinfo, 15),
		.decimals = paysafe_declare_decimals_argument(fcinfo, 16)
	};

	d.status_path = paysafe_declare_path_argument(fcinfo, 17, d.status_column);
	d.counted = counted_statuses(d.status_column, paysafe_declare_optional_set(fcinfo, 6, "counted"), d.recorded);
	d.over_percent = over_argument(fcinfo, 8, d.limit_column != NULL);
	table_arguments(fcinfo, 11, "captures", &d.captures, &d.payment, &d.payment_column, &d.payment_key);
	paysafe_captures_check_group(d.captures, "refund", "protect_captures");
	declare_captures(fcinfo, &d);
	PG_RETURN_VOID();
}

/* Types of rows, none of which means two things but a sale. */
static void
check_types(const CapturesDeclaration *d, List *refund, List *chargeback)
{
	List	   *others[] = {refund, chargeback, d->cancel};
	ListCell   *lc;

	if (d->capture == NIL || refund == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", d->capture == NIL ? "capture" : "refund")));
	for (int i = 0; i < (int) lengthof(others); i++)
		foreach(lc, others[i])
			if (paysafe_strings_contain(d->capture, lfirst(lc)) || paysafe_strings_contain(d->authorize, lfirst(lc)) ||
				(i > 0 && paysafe_strings_contain(refund, lfirst(lc))) ||
				(i > 1 && paysafe_strings_contain(chargeback, lfirst(lc))))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("type \"%s\" cannot be two things", paysafe_redact_string((char *) lfirst(lc))),
						 errdetail("Only what authorizes may also capture.")));
	if (d->cancel != NIL && d->authorize == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("without types that authorize there is nothing to cancel")));
}

/* The rows of these types, of those that are meant anyhow. */
static Jsonb *
rows_of_types(Jsonb *rows, const char *type_column, List *types)
{
	SpecBuilder of_types;
	Jsonb	   *condition;

	paysafe_spec_begin(&of_types);
	paysafe_spec_add_set(&of_types, type_column, types);
	condition = paysafe_spec_end(&of_types);
	return rows == NULL ? condition :
		DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(rows), JsonbPGetDatum(condition)));
}

/* Statuses, without a status column the one that all rows are in. */
static List *
refund_statuses(FunctionCallInfo fcinfo, int n, const char *argument, const char *status_column, List *otherwise)
{
	List	   *statuses = paysafe_declare_optional_set(fcinfo, n, argument);

	if (status_column == NULL && statuses != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be empty without a status column", argument)));
	return PG_ARGISNULL(n) ? otherwise : statuses;
}

PG_FUNCTION_INFO_V1(paysafe_protect_movements);

/*
 * protect_movements(movements, payment, payment_column, type_column, amount_column,
 *					 currency_column, authorize text[], capture text[], cancel text[],
 *					 refund text[], chargeback text[], status_column, counted text[],
 *					 gated text[], void text[], over_percent, unapproved_columns name[],
 *					 payment_key, recorded text[], rows jsonb, decimals, status_path text[],
 *					 mode) returns void
 */
Datum
paysafe_protect_movements(PG_FUNCTION_ARGS)
{
	CapturesDeclaration d = {
		.type_column = paysafe_declare_name_argument(fcinfo, 3, "type_column"),
		.amount_column = paysafe_declare_name_argument(fcinfo, 4, "amount_column"),
		.currency_column = paysafe_declare_name_argument(fcinfo, 5, "currency_column"),
		.authorize = paysafe_declare_optional_set(fcinfo, 6, "authorize"),
		.capture = paysafe_declare_optional_set(fcinfo, 7, "capture"),
		.cancel = paysafe_declare_optional_set(fcinfo, 8, "cancel"),
		.status_column = paysafe_declare_optional_name(fcinfo, 11),
		.recorded = paysafe_declare_set_argument(fcinfo, 18, "recorded"),
		.rows = PG_ARGISNULL(19) ? NULL : PG_GETARG_JSONB_P(19),
		.decimals = paysafe_declare_decimals_argument(fcinfo, 20)
	};
	List	   *refund = paysafe_declare_optional_set(fcinfo, 9, "refund");
	List	   *chargeback = paysafe_declare_optional_set(fcinfo, 10, "chargeback");
	RefundDeclaration r = {
		.rule = paysafe_refund_kind.name,
		.amount_column = d.amount_column,
		.currency_column = d.currency_column,
		.status_column = d.status_column,
		.recorded = d.recorded,
		.unapproved_named = !PG_ARGISNULL(16),
		.unapproved = paysafe_declare_optional_set(fcinfo, 16, "unapproved_columns"),
		.type_column = d.type_column,
		.chargeback = chargeback,
		.decimals = d.decimals
	};

	check_types(&d, refund, chargeback);
	d.status_path = r.status_path = paysafe_declare_path_argument(fcinfo, 21, d.status_column);
	d.counted = counted_statuses(d.status_column, paysafe_declare_optional_set(fcinfo, 12, "counted"), NIL);
	d.over_percent = over_argument(fcinfo, 15, d.authorize != NIL);
	r.gated = refund_statuses(fcinfo, 13, "gated", d.status_column, d.counted);
	r.voided = refund_statuses(fcinfo, 14, "void", d.status_column, NIL);
	r.rows = rows_of_types(d.rows, d.type_column, list_concat_copy(refund, chargeback));
	/* of what counts anyhow only that */
	d.recorded = paysafe_strings_minus(d.recorded, paysafe_strings_minus(d.recorded, d.counted));
	table_arguments(fcinfo, 17, "movements", &d.captures, &d.payment, &d.payment_column, &d.payment_key);
	r.refund = d.captures;
	r.payment = d.payment;
	r.payment_column = d.payment_column;
	r.payment_key = d.payment_key;
	declare_captures(fcinfo, &d);
	paysafe_refund_declare(fcinfo, &r);
	PG_RETURN_VOID();
}
