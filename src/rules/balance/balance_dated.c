/*-------------------------------------------------------------------------
 *
 * balance_dated.c
 *	  Balances by posting date.
 *
 * The clock says when something was posted, the posting date for which day.  A balance
 * by date is the sum of the entries that count by then, as the query sees them: it is
 * final when that day is in a closed period, until then entries may still be posted for
 * it, and the answer says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "engine/closed_period.h"
#include "engine/currency.h"
#include "engine/shown.h"
#include "rules/balance/account.h"
#include "rules/balance/balance_query.h"
#include "store/catalog.h"
#include "values/entry.h"
#include "values/posting_date.h"
#include "values/spec.h"

/* A ledger whose entries have dates, and the days that are asked for. */
typedef struct DatedLedger
{
	Oid			relid;
	Jsonb	   *spec;
	PostingDay	first;			/* day DATEVAL_NOBEGIN: from the beginning */
	PostingDay	until;
	char	   *time_zone;		/* in which they are days */
	bool		final;			/* nothing will be posted for these days */
} DatedLedger;

/*
 * The ledger with its posting dates; the last day is an argument, and so is the time zone
 * that it ends in, that of the last closed period if it is NULL.
 */
static void
open_ledger(FunctionCallInfo fcinfo, Oid ledger, int day, int time_zone, DatedLedger *out)
{
	ClosedPeriod closed;
	PostingDate date;
	char	   *name = NULL;
	Relation	rel;

	memset(out, 0, sizeof(*out));
	out->relid = ledger;
	DATE_NOBEGIN(out->first.day);
	if (paysafe_account_ledger(ledger, &out->spec))
		name = paysafe_spec_optional_text(out->spec, "posting_date_column");
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entries of table \"%s\" have no posting dates", get_rel_name(ledger)),
				 errhint("Declare the ledger with a posting_date_column.")));
	if (paysafe_spec_bool(out->spec, SPEC_OBSERVE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger \"%s\" is only observed", get_rel_name(ledger)),
				 errhint("Enforce the rule with paysafe.protect_ledger.")));
	paysafe_balance_query_check_visible(ledger);
	if (!paysafe_shown_is_everything(ledger))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table \"%s\" hides rows from you", get_rel_name(ledger)),
				 errhint("Add its entries up, or ask in a SECURITY DEFINER function of a role that row security does not hold for.")));
	rel = table_open(ledger, AccessShareLock);
	paysafe_posting_date_column(rel, name, &date);
	table_close(rel, NoLock);
	paysafe_closed_period_find(ledger, &closed);
	out->time_zone = !PG_ARGISNULL(time_zone) ? text_to_cstring(PG_GETARG_TEXT_PP(time_zone)) :
		closed.time_zone ? closed.time_zone : "UTC";
	paysafe_posting_date_end(PG_GETARG_DATEADT(day), out->time_zone, &out->until);
	out->final = closed.n > 0 && paysafe_posting_date_covers(&date, &closed.until, &out->until);
}

/*
 * Entries
 */

/* Called for each entry, in a context that is reset after it. */
typedef void (*DatedVisitor) (const Entry *entry, DateADT day, bool before, void *arg);

typedef struct DatedScan
{
	const DatedLedger *ledger;
	bool		first;			/* entries of the account that is debited ... */
	bool		other;			/* ... and of the one that is credited in the same row */
	EntryColumns columns;
	PostingDate date;
	DatedVisitor visitor;
	void	   *arg;
	MemoryContext context;
} DatedScan;

static bool
visit_entry(Relation leaf, TupleTableSlot *row, void *arg)
{
	DatedScan  *scan = arg;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	Entry		entry;
	EntryFault	fault;
	DateADT		day;

	CHECK_FOR_INTERRUPTS();
	if (paysafe_row_filter_has(&scan->columns.rows, row, NULL) &&
		paysafe_posting_date_is_by(&scan->date, row, &scan->ledger->until))
	{
		if (!paysafe_entry_read(&scan->columns, row, &entry, &fault) ||
			!paysafe_posting_date_read_in(&scan->date, row, scan->ledger->time_zone, &day))
			elog(ERROR, "a row in ledger \"%s\" is not an entry", get_rel_name(scan->ledger->relid));
		/* an entry without a transaction is one, and has no other name */
		if (entry.transaction_text == NULL)
			entry.transaction_text = paysafe_row_key_text(&paysafe_rules_of(leaf)->key, RelationGetDescr(leaf), row);
		do
			if (entry.account == &scan->columns.account ? scan->first : scan->other)
				scan->visitor(&entry, day, paysafe_posting_date_is_by(&scan->date, row, &scan->ledger->first),
							  scan->arg);
		while (paysafe_entry_next(&entry));
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(scan->context);
	return true;
}

static void
scan_all(Relation leaf, DatedScan *scan)
{
	TupleTableSlot *slot = table_slot_create(leaf, NULL);
	TableScanDesc table_scan = table_beginscan(leaf, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(table_scan, ForwardScanDirection, slot))
		(void) visit_entry(leaf, slot, scan);
	table_endscan(table_scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* The entries of an account, or of all (NULL), that count by the ledger's last day. */
static void
visit_entries(const DatedLedger *ledger, const KeyValues *account, DatedVisitor visitor, void *arg)
{
	DatedScan	scan = {.ledger = ledger, .visitor = visitor, .arg = arg};
	ListCell   *lc;

	scan.context = AllocSetContextCreate(CurrentMemoryContext, "paysafe entries", ALLOCSET_DEFAULT_SIZES);
	foreach(lc, paysafe_catalog_leaves(ledger->relid))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_entry_columns(leaf, ledger->spec, &scan.columns);
		paysafe_currency_of_ledger(leaf, ledger->relid, &scan.columns);
		paysafe_posting_date_column(leaf, paysafe_spec_text(ledger->spec, "posting_date_column"), &scan.date);
		scan.first = true;
		scan.other = account == NULL;
		if (account == NULL)
			scan_all(leaf, &scan);
		else
			paysafe_key_columns_scan(leaf, scan.columns.account_names, account, GetActiveSnapshot(),
									 visit_entry, &scan);
		scan.first = false;
		scan.other = true;
		if (account != NULL && scan.columns.credited_names != NIL)
			paysafe_key_columns_scan(leaf, scan.columns.credited_names, account, GetActiveSnapshot(),
									 visit_entry, &scan);
		table_close(leaf, NoLock);
	}
	MemoryContextDelete(scan.context);
}

/*
 * One account
 */

typedef struct DatedLine
{
	DateADT		day;
	char	   *transaction;
	uint64		number;			/* in the order in which they were found */
	Numeric		amount;
} DatedLine;

typedef struct DatedAccount
{
	int			sign;
	char	   *currency;		/* asked for, or the first one; NULL: none so far */
	bool		any;			/* ... the first one */
	bool		lines_too;
	MemoryContext context;
	Numeric		opening;		/* what counts before the first day ... */
	Numeric		moved;			/* ... and from then on */
	DatedLine  *lines;
	uint64		n;
	uint64		size;
	const Account *account;
} DatedAccount;

static void
add_line(DatedAccount *sum, const Entry *entry, DateADT day, Numeric amount)
{
	DatedLine  *line;

	if (sum->n == sum->size)
	{
		sum->size = sum->size == 0 ? 64 : sum->size * 2;
		sum->lines = sum->lines == NULL ? palloc(sum->size * sizeof(DatedLine)) :
			repalloc_huge(sum->lines, sum->size * sizeof(DatedLine));
	}
	line = &sum->lines[sum->n];
	line->day = day;
	line->transaction = pstrdup(entry->transaction_text);
	line->number = sum->n++;
	line->amount = DatumGetNumericCopy(NumericGetDatum(amount));
}

static void
add_entry(const Entry *entry, DateADT day, bool before, void *arg)
{
	DatedAccount *sum = arg;
	MemoryContext old = MemoryContextSwitchTo(sum->context);
	Numeric		amount = sum->sign < 0 ? paysafe_money_negate(entry->amount) : entry->amount;
	Numeric    *total;
	Numeric		next;

	if (sum->currency == NULL)
	{
		sum->currency = pstrdup(entry->currency);
		sum->any = true;
	}
	if (strcmp(sum->currency, entry->currency) != 0)
	{
		if (sum->any)
			paysafe_balance_query_check_one(sum->account, NULL,
											list_make2(sum->currency, pstrdup(entry->currency)));
		MemoryContextSwitchTo(old);
		return;
	}
	total = before ? &sum->opening : &sum->moved;
	next = paysafe_money_add(*total, amount);
	pfree(*total);
	*total = next;
	if (!before && sum->lines_too)
		add_line(sum, entry, day, amount);
	MemoryContextSwitchTo(old);
}

/* Find the account that is asked for, and add its entries up. */
static void
add_account(const RuleSource *rule, char *key, const DatedLedger *ledger, Account *account,
			DatedAccount *sum)
{
	Relation	rel = table_open(rule->relation, AccessShareLock);
	KeyColumns	columns;
	KeyValues	values;

	paysafe_account_named(rule, key, GetActiveSnapshot(), paysafe_shown_is_everything(rule->relation), account);
	paysafe_key_columns_find(rel, paysafe_spec_columns(rule->spec, "key_column"), &columns);
	paysafe_key_columns_written(rel, &columns, account->key, &values);
	table_close(rel, NoLock);
	sum->account = account;
	sum->sign = account->sign;
	sum->context = CurrentMemoryContext;
	sum->opening = paysafe_money_zero();
	sum->moved = paysafe_money_zero();
	visit_entries(ledger, &values, add_entry, sum);
}

PG_FUNCTION_INFO_V1(paysafe_balance_on);

/*
 * balance_on(account text, day date, accounts regclass, currency text, time_zone text)
 * returns record: balance, final
 */
Datum
paysafe_balance_on(PG_FUNCTION_ARGS)
{
	RuleSource	rule;
	DatedLedger ledger;
	Account		account;
	DatedAccount sum = {.currency = paysafe_balance_query_currency(fcinfo, 3)};
	Datum		values[2];
	bool		nulls[2] = {0};

	paysafe_argument_required(fcinfo, 0, "account");
	paysafe_argument_required(fcinfo, 1, "day");
	paysafe_balance_query_rule(fcinfo, 2, &rule);
	open_ledger(fcinfo, rule.reference, 1, 4, &ledger);
	add_account(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), &ledger, &account, &sum);
	values[0] = NumericGetDatum(sum.moved);
	values[1] = BoolGetDatum(ledger.final);
	return paysafe_argument_row(fcinfo, values, nulls);
}

static int
compare_lines(const void *a, const void *b)
{
	const DatedLine *la = a;
	const DatedLine *lb = b;
	int			order;

	if (la->day != lb->day)
		return la->day < lb->day ? -1 : 1;
	order = strcmp(la->transaction, lb->transaction);
	if (order != 0)
		return order;
	return la->number < lb->number ? -1 : la->number > lb->number;
}

static void
put_dated_line(ReturnSetInfo *result, const char *line, DateADT day, const char *transaction,
			   Numeric amount, Numeric balance, bool final)
{
	Datum		values[6];
	bool		nulls[6] = {false, false, transaction == NULL, amount == NULL, false, false};

	values[0] = CStringGetTextDatum(line);
	values[1] = DateADTGetDatum(day);
	values[2] = transaction ? CStringGetTextDatum(transaction) : (Datum) 0;
	values[3] = amount ? NumericGetDatum(amount) : (Datum) 0;
	values[4] = NumericGetDatum(balance);
	values[5] = BoolGetDatum(final);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_statement_on);

/*
 * statement_on(account text, first_day date, last_day date, accounts regclass,
 *				currency text, time_zone text)
 * returns table (line, day, transaction, amount, balance, final)
 */
Datum
paysafe_statement_on(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"account", "first_day", "last_day"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RuleSource	rule;
	DatedLedger ledger;
	Account		account;
	DatedAccount sum = {.currency = paysafe_balance_query_currency(fcinfo, 4), .lines_too = true};
	DateADT		first;
	Numeric		balance;

	for (int i = 0; i < 3; i++)
		paysafe_argument_required(fcinfo, i, names[i]);
	InitMaterializedSRF(fcinfo, 0);
	first = PG_GETARG_DATEADT(1);
	if (DATE_NOT_FINITE(first) || first > PG_GETARG_DATEADT(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a statement has a first day, which is not after the last one")));
	paysafe_balance_query_rule(fcinfo, 3, &rule);
	open_ledger(fcinfo, rule.reference, 2, 5, &ledger);
	paysafe_posting_date_end(first - 1, ledger.time_zone, &ledger.first);
	add_account(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)), &ledger, &account, &sum);
	qsort(sum.lines, sum.n, sizeof(DatedLine), compare_lines);
	balance = sum.opening;
	put_dated_line(result, "opening", first, NULL, NULL, balance, ledger.final);
	for (uint64 i = 0; i < sum.n; i++)
	{
		const DatedLine *line = &sum.lines[i];

		balance = paysafe_money_add(balance, line->amount);
		put_dated_line(result, "posted", line->day, line->transaction, line->amount, balance, ledger.final);
	}
	put_dated_line(result, "closing", PG_GETARG_DATEADT(2), NULL, NULL, balance, ledger.final);
	return (Datum) 0;
}

/*
 * All accounts
 */

typedef struct DatedBalance
{
	uint8		digest[PAYSAFE_SHA256_LEN]; /* hash key: of account and currency */
	char	   *account;
	char	   *currency;
	Numeric		balance;
} DatedBalance;

typedef struct DatedTrial
{
	HTAB	   *balances;
	MemoryContext context;
} DatedTrial;

static void
add_to_trial(const Entry *entry, DateADT day, bool before, void *arg)
{
	DatedTrial *trial = arg;
	char	   *text = psprintf("%zu:%s%s", strlen(entry->account_text), entry->account_text, entry->currency);
	uint8		digest[PAYSAFE_SHA256_LEN];
	bool		found;
	DatedBalance *balance;
	MemoryContext old;
	Numeric		next;

	paysafe_crypto_sha256(text, strlen(text), digest);
	balance = hash_search(trial->balances, digest, HASH_ENTER, &found);
	old = MemoryContextSwitchTo(trial->context);
	if (!found)
	{
		balance->account = pstrdup(entry->account_text);
		balance->currency = pstrdup(entry->currency);
		balance->balance = paysafe_money_zero();
	}
	next = paysafe_money_add(balance->balance, entry->amount);
	pfree(balance->balance);
	balance->balance = next;
	MemoryContextSwitchTo(old);
}

static int
compare_balances(const void *a, const void *b)
{
	const DatedBalance *ba = *(DatedBalance *const *) a;
	const DatedBalance *bb = *(DatedBalance *const *) b;
	int			order = strcmp(ba->account, bb->account);

	return order != 0 ? order : strcmp(ba->currency, bb->currency);
}

static void
put_trial(ReturnSetInfo *result, const DatedTrial *trial, const RuleSource *rule, bool final)
{
	long		n = hash_get_num_entries(trial->balances);
	DatedBalance **all = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(DatedBalance *));
	HASH_SEQ_STATUS status;
	DatedBalance *balance;
	long		i = 0;

	hash_seq_init(&status, trial->balances);
	while ((balance = hash_seq_search(&status)) != NULL)
		all[i++] = balance;
	qsort(all, n, sizeof(DatedBalance *), compare_balances);
	for (i = 0; i < n; i++)
		paysafe_balance_query_put(result, rule, all[i]->account, all[i]->currency, all[i]->balance, final);
}

PG_FUNCTION_INFO_V1(paysafe_trial_balance_on);

/*
 * trial_balance_on(relation regclass, day date, time_zone text)
 * returns table (account, currency, debit, credit, balance, final)
 */
Datum
paysafe_trial_balance_on(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HASHCTL		ctl = {.keysize = PAYSAFE_SHA256_LEN, .entrysize = sizeof(DatedBalance), .hcxt = CurrentMemoryContext};
	RuleSource	rule;
	Oid			accounts;
	DatedLedger ledger;
	DatedTrial	trial = {.context = CurrentMemoryContext};

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "day");
	InitMaterializedSRF(fcinfo, 0);
	/* a ledger without accounts has a trial balance, too */
	if (paysafe_account_tables(PG_GETARG_OID(0), InvalidOid, &accounts) == 0 &&
		paysafe_account_is_ledger(PG_GETARG_OID(0)))
		rule = (RuleSource) {.reference = PG_GETARG_OID(0)};
	else
		paysafe_balance_query_rule_of(PG_GETARG_OID(0), &rule);
	open_ledger(fcinfo, rule.reference, 1, 2, &ledger);
	trial.balances = hash_create("paysafe trial balance", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	visit_entries(&ledger, NULL, add_to_trial, &trial);
	put_trial(result, &trial, &rule, ledger.final);
	return (Datum) 0;
}
