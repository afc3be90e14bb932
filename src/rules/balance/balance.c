/*-------------------------------------------------------------------------
 *
 * balance.c
 *	  Balances that move by ledger entries only.
 *
 *	  - the entries of a statement move the balances of their accounts before
 *		the next statement;
 *	  - a balance is not written otherwise, an account opens with none, and
 *		keeps its key, currency and side;
 *	  - the balance of an account with a minimum does not fall below it, less
 *		what is reserved;
 *	  - whether an account has a minimum is decided when it is opened: without
 *		one it takes no lock, and its balance is in the history only;
 *	  - nor does it rise above its maximum;
 *	  - what is frozen does not move, and what is closed has nothing;
 *	  - an account stays once something has been posted to it.
 *
 * Lock order: ledger table, accounts table, the statement's account rows by
 * their keys; stripes of the history are only tried for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"

#include "base/id_claim.h"
#include "base/refusal.h"
#include "engine/currency.h"
#include "engine/rule.h"
#include "engine/which_rows.h"
#include "errors.h"
#include "rules/balance/account.h"
#include "rules/balance/account_key.h"
#include "rules/balance/account_move.h"
#include "rules/balance/account_status.h"
#include "rules/balance/balance_existing.h"
#include "rules/balance/balance_written.h"
#include "rules/balance/history.h"
#include "rules/balance/pending.h"
#include "rules/balance/reserve.h"
#include "rules/balance/reserve_record.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Can entries move the balances? */
static void
check_units(Relation leaf, const AccountColumns *account, Oid ledger, const Jsonb *spec)
{
	Relation	rel = table_open(ledger, AccessShareLock);
	AmountColumn amount;

	paysafe_money_column(rel, paysafe_spec_text(spec, "amount_column"), &amount);
	table_close(rel, NoLock);
	if (!account->written &&
		TupleDescAttr(RelationGetDescr(leaf), account->balance.attnum - 1)->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" is generated, and entries cannot move it", account->balance.name)));
	if (paysafe_money_is_minor(&amount) != paysafe_money_is_minor(&account->balance))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						account->balance.name, amount.name)));
}

/* What the ledger calls an account must be possible keys. */
static void
check_accounts(const BalanceState *state, const Jsonb *spec)
{
	Relation	rel = table_open(state->ledger, AccessShareLock);
	List	   *names = paysafe_spec_columns(spec, "account_column");
	KeyColumns	account;

	paysafe_key_columns_find(rel, names, &account);
	table_close(rel, NoLock);
	if (account.key.n != state->account.key.key.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns %s of the accounts and %s of their ledger are not as many",
						paysafe_key_columns_words(state->key_names), paysafe_key_columns_words(names))));
	for (int i = 0; i < account.key.n; i++)
		if (!paysafe_row_key_compares(account.types[i], state->account.key.types[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" of the accounts and \"%s\" of their ledger cannot be compared",
							(char *) list_nth(state->key_names, i), (char *) list_nth(names, i)),
					 errhint("Keys must have the same built-in type on both sides.")));
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	BalanceState *state = palloc0(sizeof(BalanceState));
	Jsonb	   *ledger;

	/* the accounts are gone, in a window or in a test database: nothing is left to be moved */
	if (input->as_reference && get_rel_relkind(input->source->relation) == '\0')
		return NULL;
	state->is_ledger = input->as_reference;
	state->accounts = input->source->relation;
	state->ledger = input->source->reference;
	state->key_names = paysafe_spec_columns(spec, "key_column");
	if (!state->is_ledger)
		paysafe_account_columns(input->leaf, spec, &state->account);
	if (!paysafe_account_ledger(state->ledger, &ledger))
		return state;			/* nobody posts any more */
	if (paysafe_spec_bool(ledger, SPEC_OBSERVE) && !input->source->observed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger \"%s\" is only observed, so that its entries cannot move balances",
						get_rel_name(state->ledger)),
				 errhint("Observe the balances of table \"%s\" too, or enforce the ledger.",
						 get_rel_name(state->accounts))));
	if (state->is_ledger)
	{
		paysafe_entry_columns(input->leaf, ledger, &state->entry);
		paysafe_currency_of_ledger(input->leaf, state->ledger, &state->entry);
	}
	else
	{
		check_units(input->leaf, &state->account, state->ledger, ledger);
		check_accounts(state, ledger);
	}
	return state;
}

/*
 * Checking
 */

static PAYSAFE_NORETURN void
refuse(const Rule *rule, int sqlstate, const char *column, const Account *account,
	   const char *what, char *detail, const char *hint)
{
	paysafe_rule_refuse(rule, sqlstate, column,
					  psprintf("account \"%s\" in table \"%s\" %s", account->key, rule->table_name, what),
					  detail, hint);
}

static bool
is_zero(Numeric amount)
{
	return amount == NULL || paysafe_money_sign(amount) == 0;
}

static char *
money(const BalanceState *state, const Account *account, Numeric amount)
{
	return paysafe_history_money(state->accounts, account->key, account->currency,
								 &state->account.balance, amount);
}

static void
check_opened(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		account;

	paysafe_account_read_row(rule, change->after, &account);
	if (state->account.written)
		paysafe_balance_written_note(rule, change, NULL, &account);
	else if (!is_zero(account.balance))
		refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name, &account,
			   "must open without a balance",
			   psprintf("It would open with %s.", money(state, &account, account.balance)),
			   "Open it with zero, then post to it.");
	else if (account.stored && account.balance == NULL)
		refuse(rule, ERRCODE_23M02_BALANCE, state->account.balance.name, &account,
			   "has no balance", NULL, "Open it with zero.");
	if (account.minimum != NULL && paysafe_money_sign(account.minimum) > 0)
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.minimum.name, &account,
			   "would open below its minimum",
			   psprintf("Its minimum is %s.", money(state, &account, account.minimum)),
			   "Raise the minimum when the balance allows it.");
	if (account.maximum != NULL && paysafe_money_sign(account.maximum) < 0)
		refuse(rule, ERRCODE_23M06_MAXIMUM, state->account.maximum.name, &account,
			   "would open above its maximum",
			   psprintf("Its maximum is %s.", money(state, &account, account.maximum)),
			   "Lower the maximum when the balance allows it.");
	if (!rule->observed)
		paysafe_account_key_check(rule, change, &account);
}

/* What an account keeps for as long as there are entries that mean it. */
static const char *
changed_column(const RowChange *change, const Account *before, const Account *after)
{
	const AccountColumns *columns = after->columns;
	TupleDesc	desc = RelationGetDescr(change->rel);
	AttrNumber	moved;

	if (strcmp(before->key, after->key) != 0)
	{
		moved = paysafe_key_columns_changed(&columns->key, desc, change->before, change->after);
		return NameStr(TupleDescAttr(desc, moved - 1)->attname);
	}
	if (columns->has_currency && strcmp(before->currency, after->currency) != 0)
		return columns->currency.name;
	if (before->sign != after->sign)
		return columns->side.name;
	if (!columns->written && columns->has_minimum && (before->minimum == NULL) != (after->minimum == NULL))
		return columns->minimum.name;
	if (before->stored != after->stored)
		return columns->maximum.name;
	return NULL;
}

/* Is the balance, less what is reserved, as much as the minimum? */
static bool
has_minimum(Oid accounts, const Account *account)
{
	Numeric		balance = account->balance ? account->balance : paysafe_money_zero();
	Numeric		spare = paysafe_money_add(balance, paysafe_money_negate(account->minimum));

	return paysafe_money_compare(paysafe_reserve_record_sum(accounts, account->key, spare), spare) <= 0;
}

/* The balance as a change makes it, as if entries had. */
static void
check_limits_observed(const Rule *rule, const Account *before, const Account *after)
{
	const BalanceState *state = rule->compiled;
	int			change = paysafe_money_compare(after->balance ? after->balance : paysafe_money_zero(),
											   before->balance ? before->balance : paysafe_money_zero());
	const char *fault = paysafe_account_status_fault(before, change < 0, change > 0);

	if (fault != NULL)
		refuse(rule, before->mark == ACCOUNT_CLOSED ? ERRCODE_23M08_CLOSED : ERRCODE_23M07_FROZEN,
			   state->account.statuses.column.name, before, fault, NULL,
			   "Use another account, or change its status first.");
	if (after->maximum != NULL && change > 0 &&
		paysafe_money_compare(after->balance, after->maximum) > 0)
		refuse(rule, ERRCODE_23M06_MAXIMUM, state->account.balance.name, after,
			   "would rise above its maximum",
			   psprintf("It would have %s, its maximum is %s.",
						money(state, after, after->balance), money(state, after, after->maximum)),
			   "Post less, or take something out first.");
}

/* A balance that no entry has moved; where one only looks, below its minimum perhaps. */
static void
check_written(const Rule *rule, const RowChange *change, const Account *before, const Account *after)
{
	const BalanceState *state = rule->compiled;

	if (state->account.written)
		paysafe_balance_written_note(rule, change, before, after);
	else
		paysafe_rule_object(rule, rule->name, ERRCODE_23M02_BALANCE, state->account.balance.name,
						psprintf("account \"%s\" in table \"%s\" cannot be given a balance",
								 before->key, rule->table_name),
						psprintf("It would change from %s to %s without an entry.",
								 before->balance ? money(state, before, before->balance) : "NULL",
								 after->balance ? money(state, after, after->balance) : "NULL"),
						get_rel_name(state->ledger) == NULL ?
						"The table of its entries is gone: declare the rule again with another one, or drop it in a maintenance window." :
						psprintf("Add entries to table \"%s\": they move it.", get_rel_name(state->ledger)));
	if (!rule->observed)
		return;					/* by the application: when its entries come, they are looked at */
	if (after->minimum != NULL && after->balance != NULL && before->balance != NULL &&
		paysafe_money_compare(after->balance, before->balance) < 0 &&
		paysafe_money_compare(after->balance, after->minimum) < 0)
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.balance.name, after,
			   "would fall below its minimum",
			   psprintf("It would have %s, its minimum is %s.",
						money(state, after, after->balance), money(state, after, after->minimum)),
			   "Post less, or pay something in first.");
	check_limits_observed(rule, before, after);
}

/*
 * Where balances are only observed, entries move none: an application that keeps them
 * itself would move them twice.
 */
static void
observe_entry(const Rule *rule, const Entry *entry)
{
	const BalanceState *state = rule->compiled;
	Account		account;
	KeyValues	key;
	int			count;

	(void) paysafe_key_columns_read(entry->account, entry->row, &key, NULL);
	count = paysafe_account_find(state->accounts, state->key_names, &key, NULL, false, &account);
	if (count != 1)
		paysafe_rule_refuse(rule, ERRCODE_23M03_ACCOUNT, linitial(state->entry.account_names),
							psprintf("an entry in table \"%s\" names account \"%s\", of which there is %s",
									 rule->table_name, entry->account_text, count == 0 ? "none" : "more than one"),
							NULL,
							psprintf("Open the account in table \"%s\" first.", get_rel_name(state->accounts)));
	if (account.currency != NULL && strcmp(account.currency, entry->currency) != 0)
		refuse(rule, ERRCODE_23M03_ACCOUNT, linitial(state->entry.account_names), &account,
			   psprintf("is kept in %s", account.currency),
			   psprintf("The entries are in %s.", entry->currency),
			   "Use an account of that currency.");
	if (account.columns->written)
		paysafe_balance_written_add(account.rule, &account,
									account.sign < 0 ? entry->amount : paysafe_money_negate(entry->amount));
}

/* Does the row say something else now? */
static bool
has_new_balance(const AccountColumns *columns, const RowChange *change)
{
	return !paysafe_money_same(&columns->balance, change->before, change->after) ||
		(columns->credit.attnum != 0 && !paysafe_money_same(&columns->credit, change->before, change->after));
}

/* What is reserved counts against the minimum: without one, others could take it. */
static void
check_unreserved(const Rule *rule, const Account *account)
{
	const BalanceState *state = rule->compiled;
	Numeric		reserved = paysafe_reserve_record_sum(state->accounts, account->key, paysafe_money_zero());

	if (paysafe_money_sign(reserved) > 0)
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.minimum.name, account,
			   "cannot be without a minimum",
			   psprintf("It has %s reserved.", money(state, account, reserved)),
			   "Post or void the reservations first; the view paysafe.reservation shows them.");
}

/* Limits that are narrower now, and another status, are for what the account has. */
static void
check_limits(const Rule *rule, const RowChange *change, const Account *before, Account *after)
{
	const BalanceState *state = rule->compiled;
	bool		raised = after->minimum != NULL &&
		(before->minimum == NULL || paysafe_money_compare(after->minimum, before->minimum) > 0);
	bool		removed = before->minimum != NULL && after->minimum == NULL;
	bool		lowered = after->maximum != NULL &&
		(before->maximum == NULL || paysafe_money_compare(after->maximum, before->maximum) < 0);

	if (removed)
		check_unreserved(rule, after);
	if (!raised && !lowered && before->mark == after->mark)
		return;
	paysafe_balance_written_settle(rule, after);
	if (raised && !has_minimum(state->accounts, after))
		refuse(rule, ERRCODE_23M01_MINIMUM, state->account.minimum.name, after,
			   "has less than that minimum",
			   psprintf("It has %s, less what is reserved.",
						after->balance ? money(state, after, after->balance) : "nothing"),
			   "Choose a lower minimum, or pay something in first.");
	if (lowered && after->balance != NULL && paysafe_money_compare(after->balance, after->maximum) > 0)
		refuse(rule, ERRCODE_23M06_MAXIMUM, state->account.maximum.name, after,
			   "has more than that maximum",
			   psprintf("It has %s.", money(state, after, after->balance)),
			   "Choose a higher maximum, or take something out first.");
	if (state->account.has_status)
		paysafe_account_status_check_change(rule, change, before, after);
}

/* Has nothing ever been posted to it or reserved, so that it can go?  Its row is locked. */
static bool
is_unused(const BalanceState *state, const Account *account)
{
	return account->stored && is_zero(account->balance) &&
		paysafe_history_currency(state->accounts, account->key) == NULL &&
		!paysafe_reserve_record_exists(state->accounts, account->key);
}

static PAYSAFE_NORETURN void
refuse_column(const Rule *rule, const Account *before, const char *column)
{
	const BalanceState *state = rule->compiled;
	bool		unused = is_unused(state, before) && before->mark != ACCOUNT_CLOSED;

	refuse(rule, ERRCODE_23M02_BALANCE, column, before,
		   psprintf("cannot change its column \"%s\"", column),
		   column == state->account.minimum.name ?
		   "Whether an account has a minimum is decided when it is opened." :
		   column == state->account.maximum.name ?
		   "Whether an account has a limit at all is decided when it is opened." :
		   unused ? "An account stays as it was opened." :
		   "Its entries mean this account as it is.",
		   unused ? "Nothing has been posted to it: delete it, and open another one." :
		   "Open another account, and post what is on this one to it.");
	pg_unreachable();
}

static void
check_changed(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		before;
	Account		after;
	const char *column;

	paysafe_account_read_row(rule, change->before, &before);
	paysafe_account_read_row(rule, change->after, &after);
	column = changed_column(change, &before, &after);
	if (column != NULL)
		refuse_column(rule, &before, column);
	if (has_new_balance(&state->account, change) &&
		!paysafe_account_move_is_expected(&state->account, change))
		check_written(rule, change, &before, &after);
	check_limits(rule, change, &before, &after);
}

static void
check_closed(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;
	Account		account;

	paysafe_account_read_row(rule, change->before, &account);
	if (state->account.written)
		paysafe_balance_written_note(rule, change, &account, NULL);
	paysafe_balance_written_settle(rule, &account);
	/* a new one of its key would be open */
	if (account.mark == ACCOUNT_CLOSED)
		refuse(rule, ERRCODE_23M08_CLOSED, NULL, &account, "cannot be deleted",
			   "It is closed, and stays so.", "Keep it.");
	if (is_zero(account.balance) && paysafe_account_key_is_spare(rule, change, &account))
		return;
	/* without a lock, somebody may be posting to it */
	if (!is_unused(state, &account))
		refuse(rule, ERRCODE_23M02_BALANCE, NULL, &account, "cannot be deleted",
			   account.stored ? "Something has been posted to it or reserved." :
			   "It has no minimum, so nothing locks it against postings.",
			   state->account.has_status ? "Keep it, and close it." :
			   "Keep it, and mark it as closed in a column of your own, which status_column of paysafe.protect_balance may name.");
}

/* Fixtures of a test database may do to a ledger what balances cannot follow. */
static PAYSAFE_NORETURN void
refuse_unbooked(const Rule *rule, const RowChange *change)
{
	paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, NULL,
						change->op == 'I' ? psprintf("a row of ledger \"%s\" is no entry", rule->table_name) :
						psprintf("an entry of ledger \"%s\" cannot change", rule->table_name),
						psprintf("Balances follow its entries; row \"%s\" would leave them as they are.",
								 paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
																			change->op == 'I' ? change->after : change->before))),
						"Add entries that are ones; in a test database, TRUNCATE ledger and accounts together and begin anew.");
	pg_unreachable();
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const BalanceState *state = rule->compiled;

	if (state->is_ledger)
	{
		Entry		entry;
		EntryFault	fault;
		RowChange	seen;

		if (!paysafe_which_rows(rule, &state->entry.rows, change, &seen))
			return;
		/* the ledger rule has seen to it that it is one, and that it stays, unless it only looks */
		if (seen.op == 'I' &&
			paysafe_entry_read(&state->entry, seen.after, &entry, rule->observed ? &fault : NULL) &&
			!numeric_is_nan(entry.amount) && !numeric_is_inf(entry.amount))
		{
			do
				if (rule->observed)
					observe_entry(rule, &entry);
				else
					paysafe_pending_add(rule, &entry);
			while (paysafe_entry_next(&entry));
		}
		else if (!rule->observed && (seen.op != 'U' || !state->entry.updated))
			refuse_unbooked(rule, &seen);
		return;
	}
	if (change->op == 'I')
		check_opened(rule, change);
	else if (change->op == 'U')
		check_changed(rule, change);
	else
		check_closed(rule, change);
}

static void
refuse_truncate(const Rule *rule)
{
	const BalanceState *state = rule->compiled;

	if (!state->is_ledger)
		paysafe_rule_refuse(rule, ERRCODE_23M02_BALANCE, NULL,
						  psprintf("table \"%s\" cannot be truncated", rule->table_name),
						  "Accounts stay once something has been posted to them.", TRUNCATE_HINT);
}

/* TRUNCATE leaves a table without pages. */
static bool
has_accounts(Oid accounts)
{
	ListCell   *lc;
	bool		found = false;

	foreach(lc, paysafe_catalog_leaves(accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		found |= RelationGetNumberOfBlocks(leaf) > 0;
		table_close(leaf, NoLock);
	}
	return found;
}

static void
forget_rows(const Rule *rule)
{
	const BalanceState *state = rule->compiled;

	if (state->is_ledger)
	{
		if (has_accounts(state->accounts) && paysafe_history_has_any(state->accounts))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" cannot be truncated without table \"%s\"", rule->table_name, get_rel_name(state->accounts)),
					 errdetail("Its entries have moved the balances there."),
					 errhint("TRUNCATE both in one statement.")));
		return;
	}
	paysafe_balance_written_forget(state->accounts);
	paysafe_history_remove(state->accounts);
	paysafe_reserve_record_remove(state->accounts);
}

static void
pre_commit(bool prepare)
{
	/* nothing is left, unless a statement had no end */
	paysafe_pending_apply(NULL);
	paysafe_balance_written_pre_commit();
	paysafe_reserve_pre_commit();
	paysafe_history_pre_commit(prepare);
}

static void
end_transaction(bool aborted)
{
	paysafe_pending_forget(true, 0);
	paysafe_balance_written_end_transaction();
	paysafe_reserve_forget(false, true, 0);
	paysafe_history_end_transaction(aborted);
	paysafe_id_claim_forget();
}

static void
end_subtransaction(bool committed, int level)
{
	/* what committed has been applied before */
	paysafe_pending_forget(false, level);
	paysafe_balance_written_end_subtransaction(committed, level);
	paysafe_reserve_forget(committed, false, level);
	paysafe_history_end_subtransaction(committed, level);
}

/* The ledger was dropped, and nobody could post: now its entries are others. */
static char *
loosened_by(const RuleSource *rule, const RuleSource *before, const RuleSource *after)
{
	if (strcmp(after->name, "ledger") != 0 || after->relation != rule->reference || before != NULL)
		return NULL;
	return psprintf("lets entries move the balances of %s again",
					paysafe_catalog_table_name(rule->relation));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	static const char *const sets[] = {"frozen", "in_only", "out_only", "closed"};
	static const char *const words[] = {"frozen", "in only", "out only", "closed"};
	char	   *minimum = paysafe_spec_optional_text(spec, "minimum_column");
	char	   *currency = paysafe_spec_optional_text(spec, "currency_column");
	char	   *side = paysafe_spec_optional_text(spec, "side_column");
	char	   *maximum = paysafe_spec_optional_text(spec, "maximum_column");
	char	   *credit = paysafe_spec_optional_text(spec, "credit_column");
	bool		written = paysafe_spec_bool(spec, "written");
	StringInfoData statuses;

	initStringInfo(&statuses);
	if (paysafe_spec_optional_text(spec, "status_column") != NULL)
		appendStringInfo(&statuses, "; by %s", paysafe_spec_text(spec, "status_column"));
	for (int i = 0; i < (int) lengthof(sets); i++)
		if (paysafe_spec_set(spec, sets[i]) != NIL)
			appendStringInfo(&statuses, ", %s: %s", words[i], paysafe_strings_join(paysafe_spec_set(spec, sets[i])));
	return psprintf("%s%s%s of %s %s %s%s%s%s%s%s%s%s%s%s%s",
					paysafe_spec_text(spec, "balance_column"),
					credit ? " less " : "", credit ? credit : "",
					paysafe_key_columns_words(paysafe_spec_columns(spec, "key_column")),
					written ? "is what it sums to in" : "moves by entries of",
					get_rel_name(reference) ? paysafe_catalog_table_name(reference) : "a table that is gone",
					written ? ", at COMMIT" : " only",
					minimum ? ", not below " : "", minimum ? minimum : "",
					maximum ? ", not above " : "", maximum ? maximum : "",
					currency ? "; currency in " : "", currency ? currency : "",
					side ? "; side in " : "", side ? side : "", statuses.data);
}

/* A status column where there was none loosens nothing. */
static List *
compare_status_column(const char *before, const char *after)
{
	return before == NULL ? NIL : list_make1(psprintf("changes status_column from %s to %s", before, after));
}

const RuleKind paysafe_balance_kind = {
	.name = "balance",
	.builds_on = "ledger",
	.keeps_books = true,
	/*
	 * Columns define each other, and a status that is closed from now on could be reached
	 * from one that was; one that is frozen refuses more.
	 */
	.fields = (const SpecField[])
	{
		{"key_column", SPEC_COLUMN},
		{"balance_column", SPEC_COLUMN},
		{"credit_column", SPEC_COLUMN},
		{.key = "written", .type = SPEC_FLAG,
			.set_words = "lets the application write balances, which must be what the entries sum to at COMMIT",
		.unset_words = "lets nothing but entries move balances"},
		{"minimum_column", SPEC_COLUMN},
		{"currency_column", SPEC_COLUMN},
		{"side_column", SPEC_COLUMN},
		{"maximum_column", SPEC_COLUMN},
		{"status_column", SPEC_COLUMN, .compare = compare_status_column},
		{"frozen", SPEC_STATUSES, .loosens = SPEC_REMOVE},
		{"in_only", SPEC_STATUSES, .loosens = SPEC_REMOVE},
		{"out_only", SPEC_STATUSES, .loosens = SPEC_REMOVE},
		{"closed", SPEC_STATUSES},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = paysafe_balance_existing_check,
	.check_existing_end = paysafe_balance_existing_check_end,
	.refuse_truncate = refuse_truncate,
	.forget_rows = forget_rows,
	.approval_subject = paysafe_account_status_approval_subject,
	.loosened_by = loosened_by,
	.describe = describe
};

const RuleModule paysafe_balance_module = {
	.end_statement = paysafe_pending_apply,
	.pre_commit = pre_commit,
	.end_transaction = end_transaction,
	.end_subtransaction = end_subtransaction
};

