/*-------------------------------------------------------------------------
 *
 * refund_declare.c
 *	  Declaring the refund rule: its arguments, its description, and what makes a
 *	  new version looser.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "engine/declare.h"
#include "engine/status_machine.h"
#include "engine/status_names.h"
#include "engine/test_rows.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/refund/captures.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_several.h"
#include "rules/refund/refund_source.h"
#include "store/catalog.h"
#include "values/money.h"
#include "values/place.h"
#include "values/reference.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

/* "sum of amount by payment_id <= captured of payment", or "payouts of amount by account". */
static char *
limit_words(Oid reference, const Jsonb *spec)
{
	const char *captured = paysafe_spec_optional_text(spec, "payment_amount_column");
	const char *amounts = paysafe_spec_optional_text(spec, "amounts");
	const char *units = paysafe_spec_optional_text(spec, "units");
	const char *amount = psprintf("%s%s%s%s", amounts != NULL && strcmp(amounts, "negative") == 0 ? "-" : "",
								  paysafe_spec_text(spec, "amount_column"),
								  units ? " in units that are " : "", units ? units : "");
	const char *of = paysafe_key_columns_words(paysafe_spec_columns(spec, "payment_column"));

	if (amounts != NULL && strcmp(amounts, REFUND_RUNNING) == 0)
		return psprintf("%s is what has been refunded of %s, <= what is captured", amount, of);
	if (paysafe_spec_bool(spec, "payout"))
		return psprintf("payouts of %s by %s", amount, of);
	return psprintf("sum of %s by %s <= %s of %s", amount, of, captured ? captured : "what is captured",
					!OidIsValid(reference) ? "each group" : get_rel_name(reference) ? get_rel_name(reference) : "?");
}

char *
paysafe_refund_loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	char	   *words = paysafe_refund_others_loosens(rule, before, after);

	return words ? words : paysafe_test_rows_loosens(before, after);
}

char *
paysafe_refund_describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *beneficiary = paysafe_spec_optional_text(spec, "beneficiary_column");
	List	   *unapproved = paysafe_spec_set(spec, "unapproved_columns");
	List	   *recorded = paysafe_spec_set(spec, "recorded");
	List	   *voided = paysafe_spec_set(spec, "void");
	List	   *chargeback = paysafe_spec_set(spec, "chargeback");
	const char *status = paysafe_spec_optional_text(spec, "status_column");
	const char *rows = paysafe_row_filter_words(spec);
	List	   *path = paysafe_spec_optional_columns(spec, "status_path");
	const char *decimals = paysafe_spec_optional_text(spec, "decimals");

	return psprintf("%s; %s%s needs approval above the threshold%s%s%s%s%s%s%s%s%s%s%s%s%s%s",
					limit_words(reference, spec),
					status ? psprintf("%s%s%s ", status, path ? "." : "", path ? paysafe_strings_join(path) : "") : "",
					status ? paysafe_strings_join(paysafe_spec_set(spec, "gated")) : "each",
					status ? "; " : "",
					status && voided ? paysafe_strings_join(voided) : "",
					status ? voided ? " does not count" : "every status counts" : "",
					decimals ? psprintf("; %s decimals", decimals) : "",
					rows ? psprintf("; rows with %s", rows) : "",
					beneficiary ? "; goes to " : "", beneficiary ? beneficiary : "",
					!paysafe_spec_bool(spec, "unapproved_named") ? "" :
					unapproved ? "; an approval is not of " : "; an approval is of all columns",
					unapproved ? paysafe_strings_join(unapproved) : "",
					recorded ? "; stored in any case, on record as a breach: " : "",
					recorded ? paysafe_strings_join(recorded) : "",
					paysafe_spec_bool(spec, "deletable") ? "; what is deleted does not count" : "",
					chargeback ? "; nobody is asked for: " : "",
					chargeback ? paysafe_strings_join(chargeback) : "");
}

/* SQL-callable functions */

static void
check_reference_types(Relation refund_rel, const KeyColumns *reference)
{
	AttrNumber	inexact = paysafe_key_columns_inexact(refund_rel, reference);

	if (inexact != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has a type that cannot refer to a payment",
						NameStr(TupleDescAttr(RelationGetDescr(refund_rel), inexact - 1)->attname),
						RelationGetRelationName(refund_rel)),
				 errhint("Integers, numeric, text, varchar, char(n), uuid, bytea, bool, date and timestamps can, with deterministic collations.")));
}

/* Payouts: what they are of is no row. */
static void
check_payouts(Oid refund, List *columns, const char *amount_column)
{
	Relation	rel = table_open(refund, AccessShareLock);
	KeyColumns	reference;
	AmountColumn amount;

	paysafe_key_columns_find(rel, columns, &reference);
	check_reference_types(rel, &reference);
	paysafe_money_column(rel, amount_column, &amount);
	table_close(rel, AccessShareLock);
	paysafe_key_columns_warn(refund, columns, "Each payout");
}

/* What the two tables must have in common, seen before anything is stored. */
static void
check_pair(Oid refund, Oid payment, List *payment_column, List *payment_key,
		   const char *amount_column, const char *units, const char *payment_amount_column,
		   const char *payment_currency_column)
{
	Relation	refund_rel = table_open(refund, AccessShareLock);
	Relation	payment_rel = table_open(payment, AccessShareLock);
	KeyColumns	reference;
	KeyColumns	key;
	KeySearch	search;
	AmountColumn amount;
	RefundState state = {
		.payment_root = payment, .payment_key = payment_key,
		.payment_amount = unconstify(char *, payment_amount_column),
		.payment_currency = unconstify(char *, payment_currency_column)
	};
	PaymentSide side;

	paysafe_key_columns_find(refund_rel, payment_column, &reference);
	paysafe_key_columns_find(payment_rel, payment_key, &key);
	check_reference_types(refund_rel, &reference);
	/* each is searched by what the other says */
	paysafe_row_key_search(payment_rel, key.key.n, key.key.attnums, reference.types, &search);
	paysafe_row_key_search(refund_rel, key.key.n, reference.key.attnums, key.types, &search);
	paysafe_money_column(refund_rel, amount_column, &amount);
	paysafe_money_declared(&amount, units, NULL);
	paysafe_refund_compile_payment(&side, payment_rel, &state, paysafe_rule_sources(payment));
	if (units == NULL && paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&side.captured.amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						amount_column, paysafe_captured_name(&side.captured)),
				 errhint("Say in which units the refunds are: units => 'minor' or units => 'major'.")));
	paysafe_key_columns_warn(refund, payment_column, "Each refund");
	paysafe_key_columns_warn(payment, payment_key, "Each refund");
	table_close(payment_rel, AccessShareLock);
	table_close(refund_rel, AccessShareLock);
}

static bool
is_same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The column of a specification, or what is meant without one. */
static const char *
name_words(const Jsonb *spec, const char *key, const char *otherwise)
{
	const char *name = paysafe_spec_optional_text(spec, key);

	return name ? name : otherwise;
}

/*
 * Tables of refunds of the same payments share what was captured: they must mean
 * the same by it.
 */
static void
check_tables_agree(Oid refund, const char *name, Oid payment, const char *amount_column, const char *currency_column)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(payment))
	{
		RuleSource *other = lfirst(lc);

		if (other->kind != &paysafe_refund_kind || other->reference != payment ||
			(other->relation == refund && strcmp(other->name, name) == 0) ||
			(is_same_name(paysafe_spec_optional_text(other->spec, "payment_amount_column"), amount_column) &&
			 is_same_name(paysafe_spec_optional_text(other->spec, "payment_currency_column"), currency_column)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 other->relation == refund ?
				 errmsg("rules \"%s\" and \"%s\" do not read the same columns of \"%s\"", name, other->name, get_rel_name(payment)) :
				 errmsg("tables \"%s\" and \"%s\" do not read the same columns of \"%s\"",
						get_rel_name(refund), get_rel_name(other->relation), get_rel_name(payment)),
				 errdetail("The refunds in all tables together are at most the captured amount; \"%s\" reads %s in %s.",
						   other->relation == refund ? other->name : get_rel_name(other->relation),
						   name_words(other->spec, "payment_amount_column", "what the payment rule says is captured"),
						   name_words(other->spec, "payment_currency_column", "the payment rule's currency"))));
	}
}

/*
 * What nobody guards says nothing: whoever may write it says how much is refunded.  The
 * payment rule guards what it calls captured, protect_columns a column that never changes.
 */
static void
warn_of_unguarded(Oid payment, const char *amount_column)
{
	List	   *sources = paysafe_rule_sources(payment);
	const RuleSource *rule = paysafe_refund_source_payment(sources, payment);
	ListCell   *lc;

	if (amount_column == NULL ||
		(rule != NULL && is_same_name(paysafe_spec_optional_text(rule->spec, "captured_column"), amount_column)))
		return;
	foreach(lc, sources)
	{
		const RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "columns") == 0 &&
			paysafe_strings_contain(paysafe_spec_set(source->spec, "columns"), paysafe_place_column(payment, amount_column)) &&
			rule == NULL)
			return;
	}
	if (rule != NULL)
		ereport(WARNING,
				(errmsg("column \"%s\" of table \"%s\" is not what its payment rule calls captured",
						amount_column, get_rel_name(payment)),
				 errdetail("Payments that were never captured can be refunded."),
				 errhint("Declare the refund rule with \"payment_amount_column\" NULL: then the payment rule says it.")));
	else
		ereport(WARNING,
				(errmsg("nothing guards column \"%s\" of table \"%s\"", amount_column, get_rel_name(payment)),
				 errdetail("Whoever may change it says how much can be refunded, and payments that were never captured can be."),
				 errhint("Declare paysafe.protect_payment.")));
}

/* A misspelt status lets refunds pass: without a machine nothing else tells. */
static void
warn_of_free_statuses(Oid refund, const char *status_column)
{
	Oid			type = status_column ? getBaseType(get_atttype(refund, get_attnum(refund, status_column))) : InvalidOid;

	/* a type that has two values has no misspelt one */
	if (status_column == NULL || (type != TEXTOID && type != VARCHAROID && type != BPCHAROID &&
								  type != INT2OID && type != INT4OID && type != INT8OID &&
								  !type_is_enum(type)))
		return;
	if (paysafe_status_machine_of(paysafe_rule_sources(refund), status_column) == NULL)
		ereport(WARNING,
				(errmsg("column \"%s\" of table \"%s\" has no status rule",
						status_column, get_rel_name(refund)),
				 errdetail("A refund in a status that is neither gated nor void counts as one that waits, also if the status is a misspelt one."),
				 errhint("Declare the statuses with paysafe.protect_status.")));
}

/* Statuses, which are one without a status column: every row has passed the gate in it. */
static List *
statuses_argument(FunctionCallInfo fcinfo, int n, const char *argument, const char *status_column,
				  bool needed)
{
	List	   *statuses;

	if (PG_ARGISNULL(n) && status_column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument),
				 needed ? errhint("Name the statuses from the approval on, which are those in which the money may leave.") :
				 errhint("Name the statuses in which a refund does not count, or '{}' if it always does.")));
	statuses = paysafe_declare_optional_set(fcinfo, n, argument);
	if (status_column == NULL)
	{
		if (statuses != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must be empty without a status column", argument),
					 errdetail("Each row is a refund that is paid out.")));
		return needed ? list_make1(STATUS_OF_ALL) : NIL;
	}
	if (needed && statuses == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", argument)));
	return statuses;
}

/* What the sets of statuses say together. */
static void
check_statuses(List *gated, List *voided, List *recorded)
{
	ListCell   *lc;

	foreach(lc, gated)
		if (paysafe_strings_contain(voided, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be both gated and void", paysafe_redact_string((char *) lfirst(lc)))));
	foreach(lc, recorded)
		if (!paysafe_strings_contain(gated, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("status \"%s\" cannot be recorded and not gated", paysafe_redact_string((char *) lfirst(lc))),
					 errhint("A refund that has been paid out had to be approved: name the status in both arguments.")));
}

/* Where the currency stands: a column, a constant, or what the payment has. */
static void
check_currency(Oid payment, const char *currency_column, const char *currency, bool running)
{
	if (currency_column != NULL && currency != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only one of \"currency_column\" and \"currency\" can be given")));
	if (!OidIsValid(payment) && currency_column == NULL && currency == NULL && !running)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one of \"currency_column\" and \"currency\" must be given"),
				 errdetail("Without a payment, nothing else says in which currency the money leaves.")));
	if (currency != NULL && paysafe_money_scale(currency) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", paysafe_redact_string(currency)),
				 errhint("Declare it with paysafe.set_currency.")));
}

/* What a payout cannot have, since no payment says it, nor what has no rows, since the row itself is the payment. */
static void
check_no_payment(FunctionCallInfo fcinfo, bool running)
{
	static const struct
	{
		int			n;
		const char *argument;
	}			of_payments[] = {{8, "payment_amount_column"}, {9, "payment_currency_column"}, {11, "payment_key"}, {15, "units"}};

	for (int i = 0; i < (int) lengthof(of_payments); i++)
		if (!PG_ARGISNULL(of_payments[i].n))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 running ?
					 errmsg("argument \"%s\" must be NULL with \"amounts\" \"%s\"", of_payments[i].argument, REFUND_RUNNING) :
					 errmsg("argument \"%s\" must be NULL without a table of payments", of_payments[i].argument),
					 !running ? 0 :
					 errdetail("The payment is the row itself: its payment rule says what is captured, in which currency and units, and payment_column is its key.")));
}

void
paysafe_refund_declare(FunctionCallInfo fcinfo, const RefundDeclaration *d)
{
	SpecBuilder spec;

	check_statuses(d->gated, d->voided, d->recorded);
	if (OidIsValid(d->payment))
		check_pair(d->refund, d->payment, d->payment_column, d->payment_key, d->amount_column,
			   d->units, d->payment_amount_column, d->payment_currency_column);
	if (OidIsValid(d->payment))
		check_tables_agree(d->refund, d->rule, d->payment, d->payment_amount_column, d->payment_currency_column);

	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "payment_column", d->payment_column);
	paysafe_spec_add_columns(&spec, "payment_key_column", d->payment_key);
	paysafe_spec_add_text(&spec, "amount_column", d->amount_column);
	paysafe_spec_add_text(&spec, "currency_column", d->currency_column);
	paysafe_spec_add_text(&spec, "currency", d->currency);
	paysafe_spec_add_bool(&spec, "payout", d->payout);
	paysafe_spec_add_text(&spec, "status_column", d->status_column);
	paysafe_spec_add_set(&spec, "gated", d->gated);
	paysafe_spec_add_set(&spec, "void", d->voided);
	paysafe_spec_add_text(&spec, "payment_amount_column", d->payment_amount_column);
	paysafe_spec_add_text(&spec, "payment_currency_column", d->payment_currency_column);
	if (d->unapproved_named)
	{
		paysafe_spec_add_bool(&spec, "unapproved_named", true);
		paysafe_spec_add_set(&spec, "unapproved_columns", d->unapproved);
	}
	if (d->recorded != NIL)
		paysafe_spec_add_set(&spec, "recorded", d->recorded);
	paysafe_spec_add_bool(&spec, "deletable", d->deletable);
	paysafe_spec_add_text(&spec, "type_column", d->type_column);
	if (d->chargeback != NIL)
		paysafe_spec_add_set(&spec, "chargeback", d->chargeback);
	paysafe_row_filter_add(&spec, d->rows);
	paysafe_spec_add_text(&spec, "amounts", d->amounts);
	paysafe_spec_add_text(&spec, "units", d->units);
	paysafe_spec_add_text(&spec, "decimals", d->decimals);
	paysafe_spec_add_text(&spec, "beneficiary_column", d->beneficiary_column);
	paysafe_status_names_add(&spec, d->refund, d->status_column, d->status_path,
							 list_concat_copy(d->gated, list_concat_copy(d->voided, d->recorded)));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(d->refund, d->rule, d->payment, paysafe_spec_end(&spec));
	if (OidIsValid(d->payment))
		warn_of_unguarded(d->payment, d->payment_amount_column);
	warn_of_free_statuses(d->refund, d->status_column);
	paysafe_refund_several_tell(d->refund, d->rule, d->sole);
}

/* The sign that amounts are stored with, as it is stored: the default is not. */
static char *
amounts_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *word = paysafe_declare_optional_text(fcinfo, n);
	AmountColumn column = {0};

	if (word != NULL && strcmp(word, REFUND_RUNNING) == 0)
		return word;
	paysafe_money_declared(&column, NULL, word);
	return column.negative ? word : NULL;
}

/* Values of a type of the user's are what the user's functions say. */
static void
check_beneficiary(const RefundDeclaration *d)
{
	Relation	rel;
	KeyColumns	column;

	if (d->beneficiary_column == NULL)
		return;
	rel = table_open(d->refund, AccessShareLock);
	paysafe_key_columns_find(rel, list_make1(d->beneficiary_column), &column);
	if (!paysafe_row_key_can_refer(column.types[0]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" cannot say to whom refunds go",
						d->beneficiary_column, RelationGetRelationName(rel)),
				 errhint("Have a column of text, a number or a uuid.")));
	table_close(rel, AccessShareLock);
}

/* Refunds without rows: the payment is the row itself. */
static Oid
running_payment(Oid refund, Oid payment)
{
	if (OidIsValid(payment) && payment != refund)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("with \"amounts\" \"%s\", the payment is the row itself", REFUND_RUNNING),
				 errhint("Name one table as both, and its key as payment_column.")));
	return InvalidOid;
}

PG_FUNCTION_INFO_V1(paysafe_protect_refund);

/*
 * protect_refund(refund, payment, payment_column, amount_column,
 *				  currency_column, status_column, gated text[], void text[],
 *				  payment_amount_column, payment_currency_column,
 *				  unapproved_columns name[], payment_key, recorded text[],
 *				  rows jsonb, amounts, units, status_path text[], deletable boolean,
 *				  currency, decimals, rule, beneficiary_column, mode) returns void
 *
 * payment NULL: payouts, of what payment_column says.
 * payment_column and payment_key: both text or both name[].
 */
Datum
paysafe_protect_refund(PG_FUNCTION_ARGS)
{
	RefundDeclaration d = {
		.amount_column = paysafe_declare_name_argument(fcinfo, 3, "amount_column"),
		.currency_column = paysafe_declare_optional_name(fcinfo, 4),
		.status_column = paysafe_declare_optional_name(fcinfo, 5),
		.payment_amount_column = paysafe_declare_optional_name(fcinfo, 8),
		.payment_currency_column = paysafe_declare_optional_name(fcinfo, 9),
		.unapproved_named = !PG_ARGISNULL(10),
		.unapproved = paysafe_declare_optional_set(fcinfo, 10, "unapproved_columns"),
		.recorded = paysafe_declare_set_argument(fcinfo, 12, "recorded"),
		.rows = PG_ARGISNULL(13) ? NULL : PG_GETARG_JSONB_P(13),
		.amounts = amounts_argument(fcinfo, 14),
		.units = paysafe_declare_optional_text(fcinfo, 15),
		.currency = paysafe_declare_optional_text(fcinfo, 18),
		.decimals = paysafe_declare_decimals_argument(fcinfo, 19),
		.rule = paysafe_refund_several_name(fcinfo, 20),
		.sole = PG_ARGISNULL(20),
		.beneficiary_column = paysafe_declare_optional_name(fcinfo, 21),
		.deletable = !PG_ARGISNULL(17) && PG_GETARG_BOOL(17)
	};
	bool		running;

	d.status_path = paysafe_declare_path_argument(fcinfo, 16, d.status_column);
	d.gated = statuses_argument(fcinfo, 6, "gated", d.status_column, true);
	d.voided = statuses_argument(fcinfo, 7, "void", d.status_column, false);
	paysafe_argument_required(fcinfo, 0, "refund");
	paysafe_argument_required(fcinfo, 2, "payment_column");
	d.refund = PG_GETARG_OID(0);
	d.payment = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	running = d.amounts != NULL && strcmp(d.amounts, REFUND_RUNNING) == 0;
	if (running)
		d.payment = running_payment(d.refund, d.payment);
	d.payout = !OidIsValid(d.payment);
	check_statuses(d.gated, d.voided, d.recorded);
	check_currency(d.payment, d.currency_column, d.currency, running);
	paysafe_declare_lock(d.refund);
	d.payment_column = paysafe_declare_columns_argument(fcinfo, 2, "payment_column", d.refund);
	if (d.payout)
	{
		check_no_payment(fcinfo, running);
		check_payouts(d.refund, d.payment_column, d.amount_column);
		if (running)
			(void) paysafe_reference_resolve(d.refund, d.payment_column, d.refund, d.payment_column, "payment_column");
	}
	else
	{
		paysafe_declare_lock(d.payment);
		d.payment_key = paysafe_declare_columns_argument(fcinfo, 11, "payment_key", d.payment);
		d.payment_key = paysafe_reference_resolve(d.refund, d.payment_column, d.payment, d.payment_key, "payment_key");
		paysafe_reference_order(d.payment, &d.payment_column, &d.payment_key);
	}
	check_beneficiary(&d);
	paysafe_captures_check_group(d.refund, "captures", "protect_refund");
	paysafe_refund_declare(fcinfo, &d);
	PG_RETURN_VOID();
}
