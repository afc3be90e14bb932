/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Accounts as rows: finding, reading and locking them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "errors.h"
#include "redact/redact.h"
#include "rules/balance/account.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/*
 * Reading accounts
 */

static bool
limit_column(Relation leaf, const Jsonb *spec, const char *key, const AmountColumn *balance,
			 AmountColumn *out)
{
	char	   *name = paysafe_spec_optional_text(spec, key);

	if (name == NULL)
		return false;
	paysafe_money_whole_column(leaf, name, out);
	if (paysafe_money_is_minor(out) != paysafe_money_is_minor(balance))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns \"%s\" and \"%s\" are not both in major or both in minor units",
						balance->name, out->name)));
	return true;
}

/* The statuses that are no open ones, and what they stand for. */
static void
status_columns(Relation leaf, const Jsonb *spec, AccountColumns *out)
{
	static const struct
	{
		const char *key;
		AccountMark mark;
	}			sets[] = {
		{"in_only", ACCOUNT_IN_ONLY}, {"out_only", ACCOUNT_OUT_ONLY},
		{"frozen", ACCOUNT_FROZEN}, {"closed", ACCOUNT_CLOSED}
	};
	char	   *name = paysafe_spec_optional_text(spec, "status_column");
	List	   *statuses = NIL;
	StatusColumn column;
	int			n = 0;

	if (name == NULL)
		return;
	out->has_status = true;
	paysafe_status_value_state_column(leaf, name, &column);
	for (int i = 0; i < (int) lengthof(sets); i++)
		statuses = list_concat(statuses, paysafe_spec_set(spec, sets[i].key));
	paysafe_status_value_set(&column, statuses, &out->statuses);
	out->marks = palloc(sizeof(AccountMark) * Max(list_length(statuses), 1));
	for (int i = 0; i < (int) lengthof(sets); i++)
		for (int j = list_length(paysafe_spec_set(spec, sets[i].key)); j > 0; j--)
			out->marks[n++] = sets[i].mark;
}

void
paysafe_account_columns(Relation leaf, const Jsonb *spec, AccountColumns *out)
{
	char	   *name;

	memset(out, 0, sizeof(*out));
	paysafe_entry_exact_columns(leaf, paysafe_spec_columns(spec, "key_column"), &out->key);
	paysafe_money_whole_column(leaf, paysafe_spec_text(spec, "balance_column"), &out->balance);
	out->written = paysafe_spec_bool(spec, "written");
	(void) limit_column(leaf, spec, "credit_column", &out->balance, &out->credit);
	out->has_minimum = limit_column(leaf, spec, "minimum_column", &out->balance, &out->minimum);
	out->has_maximum = limit_column(leaf, spec, "maximum_column", &out->balance, &out->maximum);
	name = paysafe_spec_optional_text(spec, "currency_column");
	if (name != NULL)
	{
		out->has_currency = true;
		paysafe_status_value_column(leaf, name, &out->currency);
	}
	name = paysafe_spec_optional_text(spec, "side_column");
	if (name != NULL)
	{
		out->has_side = true;
		paysafe_status_value_column(leaf, name, &out->side);
	}
	status_columns(leaf, spec, out);
}

static bool
fault_of(EntryFault *fault, const char *column, char *reason)
{
	*fault = (EntryFault) {ERRCODE_23M03_ACCOUNT, column, reason};
	return false;
}

/* A limit of the row, copied; false: it is no number. */
static bool
read_limit(bool has, const AmountColumn *column, TupleTableSlot *row, Numeric *out)
{
	*out = NULL;
	if (!has || !paysafe_money_value(column, row, out))
		return true;
	if (numeric_is_nan(*out))
		return false;
	*out = DatumGetNumericCopy(NumericGetDatum(*out));
	return true;
}

/* What the row says the account has, in the current context; NULL: nothing. */
static Numeric
read_balance(const AccountColumns *columns, TupleTableSlot *row, int sign)
{
	Numeric		balance;
	Numeric		credits;

	if (!paysafe_money_value(&columns->balance, row, &balance))
		balance = columns->credit.attnum == 0 ? NULL : paysafe_money_zero();
	if (columns->credit.attnum == 0)
		return balance == NULL ? NULL : DatumGetNumericCopy(NumericGetDatum(balance));
	if (!paysafe_money_value(&columns->credit, row, &credits))
		credits = paysafe_money_zero();
	balance = paysafe_money_add(balance, paysafe_money_negate(credits));
	return sign < 0 ? paysafe_money_negate(balance) : balance;
}

/* What the row's status stands for. */
static AccountMark
read_mark(const AccountColumns *columns, TupleTableSlot *row)
{
	int			i = columns->has_status ? paysafe_status_value_find(&columns->statuses, row) : -1;

	return i < 0 ? ACCOUNT_OPEN : columns->marks[i];
}

bool
paysafe_account_read(const AccountColumns *columns, TupleTableSlot *row,
					 Account *out, EntryFault *fault)
{
	bool		isnull;
	AttrNumber	missing;

	out->key = paysafe_key_columns_row_text(&columns->key, row, &missing);
	if (out->key == NULL)
		return fault_of(fault, NameStr(TupleDescAttr(row->tts_tupleDescriptor, missing - 1)->attname),
						pstrdup("the key is missing"));
	out->columns = columns;
	out->tid = row->tts_tid;
	out->balance = NULL;
	out->mark = read_mark(columns, row);
	if (!read_limit(columns->has_minimum, &columns->minimum, row, &out->minimum))
		return fault_of(fault, columns->minimum.name, pstrdup("the minimum is not a number"));
	if (!read_limit(columns->has_maximum, &columns->maximum, row, &out->maximum))
		return fault_of(fault, columns->maximum.name, pstrdup("the maximum is not a number"));
	/* where no account can have a minimum, every row has its balance */
	out->stored = columns->written || !columns->has_minimum || out->minimum != NULL || out->maximum != NULL;
	out->currency = NULL;
	if (columns->has_currency)
	{
		(void) slot_getattr(row, columns->currency.attnum, &isnull);
		if (isnull)
			return fault_of(fault, columns->currency.name, pstrdup("the currency is missing"));
		out->currency = paysafe_money_code(paysafe_status_value_text(&columns->currency, row));
	}
	out->sign = 1;
	if (columns->has_side)
	{
		(void) slot_getattr(row, columns->side.attnum, &isnull);
		out->sign = isnull ? 0 : paysafe_entry_side(paysafe_status_value_text(&columns->side, row));
		if (out->sign == 0)
			return fault_of(fault, columns->side.name, pstrdup("it is neither on the debit nor on the credit side"));
	}
	out->balance = read_balance(columns, row, out->sign);
	return true;
}

static const Rule *
rule_of(Relation leaf, Oid accounts)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_balance_kind &&
			rules->rules[i].declared_on == accounts)
			return &rules->rules[i];
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no balance rule", RelationGetRelationName(leaf))));
	return NULL;
}

bool
paysafe_account_visible(Oid accounts)
{
	return pg_class_aclcheck(accounts, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		paysafe_shown_is_all(accounts);
}

typedef struct FindState
{
	Oid			accounts;
	bool		all;			/* those that the transaction may not know of, too */
	int			count;
	Account    *account;
} FindState;

void
paysafe_account_read_row(const Rule *rule, TupleTableSlot *row, Account *out)
{
	EntryFault	fault;

	out->rule = rule;
	if (!paysafe_account_read(&((const BalanceState *) rule->compiled)->account, row, out, &fault))
		paysafe_rule_refuse(rule, fault.sqlstate, fault.column,
						  psprintf("a row in table \"%s\" is not an account", rule->table_name),
						  psprintf("Column \"%s\": %s.", fault.column, fault.reason), NULL);
}

static TransactionId
row_xmin(TupleTableSlot *row)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	if (should_free)
		heap_freetuple(tuple);
	return xmin;
}

bool
paysafe_account_is_own(TupleTableSlot *row)
{
	return TransactionIdIsCurrentTransactionId(row_xmin(row));
}

static bool
visit_account(Relation leaf, TupleTableSlot *row, void *arg)
{
	FindState  *find = arg;
	const Rule *rule = rule_of(leaf, find->accounts);
	EntryFault	fault;

	if (!find->all && !paysafe_shown_row(leaf, row))
		return true;
	find->count++;
	/* where one only looks, what is no account is another finding, of the row itself */
	if (!rule->observed)
		paysafe_account_read_row(rule, row, find->account);
	else if (!paysafe_account_read(&((const BalanceState *) rule->compiled)->account, row,
								   find->account, &fault))
	{
		find->account->currency = NULL;
		find->account->sign = 1;
	}
	find->account->rule = rule;
	find->account->relid = RelationGetRelid(leaf);
	find->account->own = paysafe_account_is_own(row);
	return find->count < 2;
}

int
paysafe_account_find(Oid accounts, List *key_names, const KeyValues *key, Snapshot snapshot,
					 bool all, Account *out)
{
	Snapshot	newest = snapshot == NULL ? paysafe_scan_snapshot() : NULL;
	FindState	find = {.accounts = accounts, .all = all, .account = out};
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(accounts))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);

		paysafe_key_columns_scan(leaf, key_names, key, newest ? newest : snapshot, visit_account, &find);
		table_close(leaf, NoLock);
	}
	if (newest != NULL)
		UnregisterSnapshot(newest);
	return find.count;
}

/* Was the row written by somebody whom the transaction's snapshot does not see? */
static bool
is_newer_than_snapshot(TupleTableSlot *row)
{
	return !paysafe_account_is_own(row) && XidInMVCCSnapshot(row_xmin(row), GetTransactionSnapshot());
}

bool
paysafe_account_lock(Relation leaf, Account *account, Snapshot snapshot, TupleTableSlot *slot)
{
	char	   *key = account->key;
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_lock(leaf, &account->tid, snapshot, slot, snapshot->curcid,
							  LockTupleNoKeyExclusive, LockWaitBlock,
							  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	if (result == TM_Deleted)
		return false;
	if (result != TM_Ok || (IsolationUsesXactSnapshot() && is_newer_than_snapshot(slot)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to account \"%s\" due to concurrent update",
						paysafe_redact_string(key)),
				 errhint("The transaction may succeed when it is tried again.")));
	paysafe_account_read_row(account->rule, slot, account);
	return strcmp(account->key, key) == 0;
}

/* Looking accounts up by name */

void
paysafe_account_rule(Oid accounts, RuleSource *out)
{
	bool		removed;

	if (!paysafe_rule_newest(accounts, "balance", out, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no balance rule",
						get_rel_name(accounts) ? get_rel_name(accounts) : psprintf("%u", accounts)),
				 errhint("%s", paysafe_account_is_ledger(accounts) ?
						 "It is a ledger: name the table of its accounts, which paysafe.protect_balance declares.  Where there is none, paysafe.trial_balance_on says what the entries of each account come to, by posting date." :
						 "Declare it with paysafe.protect_balance.")));
	if (out->observed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the balances of table \"%s\" are only observed", get_rel_name(accounts)),
				 errdetail("No entry moves them, so that nothing is known of them but what the rows say."),
				 errhint("Enforce the rule with paysafe.protect_balance.")));
}

int
paysafe_account_count(const RuleSource *rule, char *key, Snapshot snapshot, bool all, Account *out)
{
	Relation	rel = table_open(rule->relation, AccessShareLock);
	List	   *names = paysafe_spec_columns(rule->spec, "key_column");
	KeyColumns	columns;
	KeyValues	values;
	int			count;

	paysafe_key_columns_find(rel, names, &columns);
	paysafe_key_columns_written(rel, &columns, key, &values);
	count = paysafe_account_find(rule->relation, names, &values, snapshot, all, out);
	table_close(rel, NoLock);
	return count;
}

void
paysafe_account_named(const RuleSource *rule, char *key, Snapshot snapshot, bool all, Account *out)
{
	int			count = paysafe_account_count(rule, key, snapshot, all, out);
	RuleSource	tenants;
	bool		removed;

	if (count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has %s account \"%s\"", get_rel_name(rule->relation),
						count == 0 ? "no" : "more than one", paysafe_redact_string(key)),
				 count == 0 && !all && paysafe_rule_newest(rule->relation, "tenant", &tenants, &removed) && !removed ?
				 errhint("A tenant's accounts are known to transactions that work for it: paysafe.act_for_tenant.") : 0));
}

bool
paysafe_account_ledger(Oid ledger, Jsonb **spec)
{
	RuleSource	rule;
	bool		removed;

	if (get_rel_relkind(ledger) == '\0')
		return false;
	if (!paysafe_rule_newest(ledger, "ledger", &rule, &removed) || removed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is no ledger", get_rel_name(ledger)),
				 errhint("Declare it with paysafe.protect_ledger first.")));
	*spec = rule.spec;
	return true;
}

bool
paysafe_account_is_ledger(Oid relid)
{
	RuleSource	rule;
	bool		removed;

	return paysafe_rule_newest(relid, "ledger", &rule, &removed) && !removed;
}

typedef struct TableSearch
{
	Oid			ledger;			/* or InvalidOid: of any */
	Oid			except;
	Oid			found;
	int			count;
} TableSearch;

/* Columns of paysafe.rule that matter here. */
enum
{
	RULE_RELATION, RULE_NAME
};

static bool
visit_rule(Relation rel, HeapTuple tuple, void *arg)
{
	TableSearch *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Oid			relation = DatumGetObjectId(heap_getattr(tuple, RULE_RELATION + 1, desc, &isnull));
	RuleSource	rule;
	bool		removed;

	if (strcmp(paysafe_store_text(tuple, desc, RULE_NAME), "balance") != 0 ||
		relation == search->except || relation == search->found ||
		get_rel_relkind(relation) == '\0' ||
		!paysafe_rule_newest(relation, "balance", &rule, &removed) || removed ||
		(OidIsValid(search->ledger) && rule.reference != search->ledger))
		return true;
	search->found = relation;
	search->count++;
	return true;
}

int
paysafe_account_tables(Oid ledger, Oid except, Oid *found)
{
	TableSearch search = {.ledger = ledger, .except = except};

	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, visit_rule, &search);
	*found = search.found;
	return search.count;
}

/*
 * Accounts that are known
 *
 * An account without a balance in its row stays, with its key, currency and side, for as long
 * as the rule is in force: it need not be found again, and what everybody pays
 * into is not read by everybody.  Those that were found committed are remembered
 * beside the compiled rule, which any change of the rule, the table or its triggers
 * drops.  Only where no other row can have the key: a table without children, with
 * the key as its primary key.
 */

#define MAX_UNSTORED	1024	/* per table */

typedef struct UnstoredAccount
{
	char		key[NAMEDATALEN];	/* hash key */
	char	   *currency;
	int			sign;
} UnstoredAccount;

/* Are these the columns of the primary key? */
static bool
is_row_key(const RowKey *row_key, const RowKey *columns)
{
	if (row_key->n != columns->n)
		return false;
	for (int i = 0; i < columns->n; i++)
	{
		int			j = 0;

		while (j < row_key->n && row_key->attnums[j] != columns->attnums[i])
			j++;
		if (j == row_key->n)
			return false;
	}
	return true;
}

/* The rule that may remember accounts of this table, or NULL. */
static const Rule *
remembering_rule(Oid accounts)
{
	Relation	rel = table_open(accounts, AccessShareLock);
	const Rule *result = NULL;

	if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relhassubclass)
	{
		const RelationRules *rules = paysafe_rules_of(rel);
		const Rule *rule = rule_of(rel, accounts);
		const BalanceState *state = rule->compiled;

		if (rules->valid && is_row_key(&rules->key, &state->account.key.key) && !paysafe_shown_depends(rel))
			result = rule;
	}
	table_close(rel, NoLock);
	return result;
}

bool
paysafe_account_is_known(Oid accounts, const char *key, Account *out)
{
	const Rule *rule = strlen(key) < NAMEDATALEN ? remembering_rule(accounts) : NULL;
	BalanceState *state = rule ? rule->compiled : NULL;
	UnstoredAccount *known = state && state->unstored ?
		hash_search(state->unstored, key, HASH_FIND, NULL) : NULL;

	if (known == NULL)
		return false;
	/* open: a status is not remembered */
	*out = (Account)
	{
		.relid = accounts, .rule = rule, .columns = &state->account, .key = known->key,
		.currency = known->currency, .sign = known->sign
	};
	return true;
}

void
paysafe_account_remember(Oid accounts, const Account *account)
{
	const Rule *rule = !account->own && strlen(account->key) < NAMEDATALEN ?
		remembering_rule(accounts) : NULL;
	BalanceState *state = rule ? rule->compiled : NULL;
	MemoryContext context = state ? GetMemoryChunkContext(state) : NULL;
	UnstoredAccount *known;
	char	   *currency;

	if (state == NULL || state->account.has_status)
		return;
	if (state->unstored == NULL)
	{
		HASHCTL		ctl = {
			.keysize = NAMEDATALEN, .entrysize = sizeof(UnstoredAccount), .hcxt = context
		};

		state->unstored = hash_create("paysafe accounts", 16, &ctl,
									  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	if (hash_get_num_entries(state->unstored) >= MAX_UNSTORED)
		return;
	currency = account->currency ? MemoryContextStrdup(context, account->currency) : NULL;
	known = hash_search(state->unstored, account->key, HASH_ENTER, NULL);
	known->sign = account->sign;
	known->currency = currency;
}

