/*-------------------------------------------------------------------------
 *
 * currency.c
 *	  Where the currency of a row stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "engine/currency.h"
#include "engine/rule.h"
#include "errors.h"
#include "store/catalog.h"
#include "values/row_filter.h"
#include "values/row_key.h"

void
paysafe_currency_column(Relation leaf, const char *column, Currency *out)
{
	*out = (Currency) {.place = CURRENCY_COLUMN};
	paysafe_status_value_column(leaf, column, &out->column);
	out->name = paysafe_place_column(RelationGetRelid(leaf), column);
}

/* Not of a currency: of rows that are a test or none (engine/test_rows.h). */
static bool
is_of_any_state(const RuleSource *source)
{
	return strcmp(source->name, TEST_ROWS_RULE) == 0;
}

/* The column that says it. */
static void
find_column(Relation leaf, const char *column, bool any_state, Currency *out)
{
	if (!any_state)
	{
		paysafe_currency_column(leaf, column, out);
		return;
	}
	*out = (Currency) {.place = CURRENCY_COLUMN, .any_state = true};
	paysafe_status_value_state_column(leaf, column, &out->column);
	out->name = column;
}

void
paysafe_currency_compile(Relation leaf, const RuleSource *source, Currency *out)
{
	const Jsonb *spec = source->spec;
	char	   *column = paysafe_spec_optional_text(spec, "currency_column");
	char	   *constant = paysafe_spec_optional_text(spec, "currency");
	char	   *via;

	if (column != NULL)
	{
		find_column(leaf, column, is_of_any_state(source), out);
		return;
	}
	*out = (Currency) {.place = CURRENCY_CONSTANT, .constant = constant, .observed = source->observed,
		.any_state = is_of_any_state(source)};
	if (constant != NULL)
		return;
	via = paysafe_spec_text(spec, "currency_via");
	out->place = CURRENCY_PARENT;
	out->name = via;
	out->via = paysafe_catalog_column(leaf, via);
	out->via_type = getBaseType(TupleDescAttr(RelationGetDescr(leaf), out->via - 1)->atttypid);
	out->parent = source->reference;
	out->parent_key = paysafe_spec_text(spec, "currency_parent_key");
	out->parent_column = paysafe_spec_text(spec, "currency_parent_column");
	out->further = paysafe_spec_bool(spec, "currency_further");
}

/*
 * Finding the row that another refers to
 */

typedef struct FoundParent
{
	int			count;
	Oid			relid;
	ItemPointerData tid;
} FoundParent;

static bool
remember_parent(Relation rel, TupleTableSlot *row, void *arg)
{
	FoundParent *found = arg;

	found->relid = RelationGetRelid(rel);
	found->tid = row->tts_tid;
	return ++found->count < 2;
}

static void
find_parent(const Currency *currency, Datum key, Snapshot snapshot, FoundParent *found)
{
	ListCell   *lc;

	*found = (FoundParent) {0};
	foreach(lc, paysafe_catalog_leaves(currency->parent))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, currency->parent_key),
								 currency->via_type, &equality);
		paysafe_row_key_scan(leaf, &equality, key, snapshot, remember_parent, found);
		table_close(leaf, NoLock);
	}
}

/*
 * Lock the row as a foreign key does.  False if it is gone, or has another key by now;
 * then that of another one must be looked for.  What the row says is to be read after
 * this: who changes no key keeps nobody waiting who locks an older version, but for the
 * lock on the new one in wait_for_dependents.
 */
static bool
lock_parent(const Currency *currency, const FoundParent *found, Datum key, Snapshot snapshot)
{
	Relation	leaf = table_open(found->relid, RowShareLock);
	TupleTableSlot *slot = table_slot_create(leaf, NULL);
	ItemPointerData tid = found->tid;
	TM_FailureData failure;
	KeyEquality equality;
	bool		same = false;
	TM_Result	result = table_tuple_lock(leaf, &tid, snapshot, slot, snapshot->curcid,
										  LockTupleKeyShare, LockWaitBlock,
										  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	if (result != TM_Ok && result != TM_Deleted)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not lock a row of \"%s\" due to concurrent update",
						RelationGetRelationName(leaf))));
	if (result == TM_Ok)
	{
		bool		isnull;
		Datum		now;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, currency->parent_key),
								 currency->via_type, &equality);
		now = slot_getattr(slot, equality.attnum, &isnull);
		same = !isnull && DatumGetBool(FunctionCall2Coll(&equality.equal, equality.collation, now, key));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(leaf, NoLock);
	return same;
}

static CurrencyFound currency_in(const Currency *currency, Relation leaf, TupleTableSlot *row,
								 bool depend, char **code);

static CurrencyFound
currency_of_parent(const Currency *currency, Datum key, bool depend, char **code)
{
	bool		locked = !depend;
	CurrencyFound result = CURRENCY_MISSING;

	for (;;)
	{
		Snapshot	snapshot = paysafe_scan_snapshot();
		FoundParent found;
		bool		done = locked;

		CHECK_FOR_INTERRUPTS();
		find_parent(currency, key, snapshot, &found);
		if (found.count != 1)
		{
			result = currency->any_state ? CURRENCY_NOWHERE : CURRENCY_MISSING;
			done = true;
		}
		else if (!locked)
			locked = lock_parent(currency, &found, key, snapshot);
		else
		{
			Relation	leaf = table_open(found.relid, AccessShareLock);
			TupleTableSlot *slot = table_slot_create(leaf, NULL);

			if (table_tuple_fetch_row_version(leaf, &found.tid, snapshot, slot))
				result = currency_in(currency, leaf, slot, depend, code);
			ExecDropSingleTupleTableSlot(slot);
			table_close(leaf, NoLock);
		}
		UnregisterSnapshot(snapshot);
		if (done)
			return result;
	}
}

static PAYSAFE_NORETURN void
no_way_on(Relation leaf)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no rule that leads to the currency of its rows",
					RelationGetRelationName(leaf)),
			 errhint("Declare again the rule of the table that refers to it.")));
	pg_unreachable();
}

/* What the rule of a table says of how its rows lead on, or NULL. */
static const Currency *
currency_of_leaf(Relation leaf)
{
	const RelationRules *rules = paysafe_rules_of(leaf);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
	{
		const Rule *rule = &rules->rules[i];

		if (strcmp(rule->kind->name, "currency") == 0 && !((CurrencyState *) rule->compiled)->is_parent)
			return &((CurrencyState *) rule->compiled)->currency;
	}
	return NULL;
}

/* The currency that a row which another one refers to has. */
static CurrencyFound
currency_in(const Currency *currency, Relation leaf, TupleTableSlot *row, bool depend, char **code)
{
	const Currency *next;
	Currency	here;

	if (!currency->further)
		find_column(leaf, currency->parent_column, currency->any_state, &here);
	else
	{
		next = currency_of_leaf(leaf);
		if (next == NULL && currency->observed)
			return CURRENCY_MISSING;
		if (next == NULL)
			no_way_on(leaf);
		here = *next;
		here.observed = currency->observed;
	}
	/* only the first row may have to wait for its place: others would change under it */
	return paysafe_currency_of(&here, row, depend, code) == CURRENCY_KNOWN ?
		CURRENCY_KNOWN : CURRENCY_MISSING;
}

CurrencyFound
paysafe_currency_of(const Currency *currency, TupleTableSlot *row, bool depend, char **code)
{
	bool		isnull;
	Datum		value;

	*code = NULL;
	switch (currency->place)
	{
		case CURRENCY_CONSTANT:
			*code = currency->constant;
			return CURRENCY_KNOWN;
		case CURRENCY_COLUMN:
			if (paysafe_status_value_is_null(&currency->column, row))
				return CURRENCY_MISSING;
			*code = paysafe_status_value_text(&currency->column, row);
			return CURRENCY_KNOWN;
		case CURRENCY_PARENT:
			value = slot_getattr(row, currency->via, &isnull);
			return isnull ? CURRENCY_OPEN :
				currency_of_parent(currency, value, depend && !currency->observed, code);
	}
	return CURRENCY_MISSING;
}

bool
paysafe_currency_same(const Currency *currency, TupleDesc desc, TupleTableSlot *a, TupleTableSlot *b)
{
	switch (currency->place)
	{
		case CURRENCY_CONSTANT:
			return true;
		case CURRENCY_COLUMN:
			return paysafe_status_value_same(&currency->column, a, b);
		case CURRENCY_PARENT:
			return paysafe_row_key_same_column(desc, currency->via, a, b);
	}
	return false;
}

bool
paysafe_currency_stays(const Currency *currency, const RowChange *change)
{
	bool		isnull = false;

	if (currency->place == CURRENCY_PARENT)
		(void) slot_getattr(change->before, currency->via, &isnull);
	return isnull || paysafe_currency_same(currency, RelationGetDescr(change->rel),
										   change->before, change->after);
}

/*
 * Entries of a ledger
 */

static char *
entry_currency(const void *where, TupleTableSlot *row)
{
	char	   *code;

	return paysafe_currency_of(where, row, false, &code) == CURRENCY_KNOWN ? code : NULL;
}

void
paysafe_currency_of_entries(Relation leaf, const RuleSource *rule, EntryColumns *out)
{
	Currency   *currency;

	if (paysafe_spec_optional_text(rule->spec, "currency_via") == NULL)
		return;
	currency = palloc0(sizeof(Currency));
	paysafe_currency_compile(leaf, rule, currency);
	strlcpy(out->currency.name, currency->name, NAMEDATALEN);
	out->currency_of = entry_currency;
	out->currency_where = currency;
}

void
paysafe_currency_of_ledger(Relation leaf, Oid ledger, EntryColumns *out)
{
	RuleSource	rule;
	bool		removed;

	if (paysafe_rule_newest(ledger, "ledger", &rule, &removed) && !removed)
		paysafe_currency_of_entries(leaf, &rule, out);
}

List *
paysafe_currency_tables_of_entries(const EntryColumns *columns)
{
	const Currency *currency = columns->currency_where;
	List	   *tables = NIL;
	Oid			table = columns->currency_of != NULL ? currency->parent : InvalidOid;
	bool		further = columns->currency_of != NULL && currency->further;

	while (OidIsValid(table) && !list_member_oid(tables, table))
	{
		RuleSource	rule;
		bool		removed;

		tables = lappend_oid(tables, table);
		if (!further || !paysafe_rule_newest(table, "currency", &rule, &removed) || removed)
			break;
		table = rule.reference;
		further = paysafe_spec_bool(rule.spec, "currency_further");
	}
	return tables;
}

void
paysafe_currency_hold_entry(const EntryColumns *columns, TupleTableSlot *row)
{
	char	   *code;

	if (columns->currency_of != NULL)
		(void) paysafe_currency_of(columns->currency_where, row, true, &code);
}

/*
 * Rows that others depend on
 */

void
paysafe_currency_compile_parent(const CompileInput *input, CurrencyParent *out)
{
	const RuleSource *source = input->source;
	List	   *ancestors = paysafe_catalog_ancestors(RelationGetRelid(input->leaf));
	char	   *column = paysafe_spec_text(source->spec, "currency_parent_column");
	Currency	currency;
	bool		leads_on = false;
	ListCell   *lc;

	out->child = source;
	out->key = paysafe_catalog_column(input->leaf, paysafe_spec_text(source->spec, "currency_parent_key"));
	out->column = paysafe_catalog_column(input->leaf, column);
	if (!paysafe_spec_bool(source->spec, "currency_further"))
	{
		find_column(input->leaf, column, is_of_any_state(source), &currency);
		return;
	}
	foreach(lc, input->sources)
	{
		const RuleSource *other = lfirst(lc);

		leads_on |= strcmp(other->name, "currency") == 0 && list_member_oid(ancestors, other->relation);
	}
	if (!leads_on)
		no_way_on(input->leaf);
}

/* What is needed to look at the rows of a leaf of a child. */
typedef struct Dependents
{
	bool		enforced;		/* those that are only observed do not count */
	bool		at_end;			/* the child needs the currency; otherwise others through it */
	RowFilter	rows;			/* at_end: those that do */
	List	   *next;			/* otherwise: RuleSource, of those others */
	bool		found;
} Dependents;

static bool has_dependents(const RuleSource *child, bool enforced, TupleDesc desc, AttrNumber key,
						   TupleTableSlot *row);

/* The rules of others that lead through a table, or one of its ancestors. */
static List *
rules_through(Oid relid, bool enforced)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relid))
	{
		const RuleSource *source = lfirst(lc);

		/* a test has its currency from elsewhere, if it has one */
		if (list_member_oid(ancestors, source->reference) && !is_of_any_state(source) &&
			paysafe_spec_optional_text(source->spec, "currency_via") != NULL &&
			!(enforced && source->observed))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* A row of a child refers to the one in question. */
static bool
look_at_child(Relation rel, TupleTableSlot *row, void *arg)
{
	Dependents *dependents = arg;
	ListCell   *lc;

	if (dependents->at_end)
		dependents->found = paysafe_row_filter_has(&dependents->rows, row, NULL);
	foreach(lc, dependents->next)
	{
		const RuleSource *next = lfirst(lc);

		dependents->found = has_dependents(next, dependents->enforced, RelationGetDescr(rel),
										   paysafe_catalog_column(rel, paysafe_spec_text(next->spec, "currency_parent_key")),
										   row);
		if (dependents->found)
			break;
	}
	return !dependents->found;
}

/* Does a row of this rule's refer to the row, which has this key? */
static bool
has_dependents(const RuleSource *child, bool enforced, TupleDesc desc, AttrNumber key,
			   TupleTableSlot *row)
{
	Dependents	dependents = {.enforced = enforced, .at_end = strcmp(child->name, "currency") != 0};
	Oid			keytype = getBaseType(TupleDescAttr(desc, key - 1)->atttypid);
	Snapshot	snapshot;
	bool		isnull;
	Datum		value = slot_getattr(row, key, &isnull);
	ListCell   *lc;

	check_stack_depth();		/* rows may refer to each other in a circle */
	if (isnull || get_rel_relkind(child->relation) == '\0')
		return false;
	snapshot = paysafe_scan_snapshot();
	foreach(lc, paysafe_catalog_leaves(child->relation))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		KeyEquality equality;

		paysafe_row_key_equality(leaf, paysafe_catalog_column(leaf, paysafe_spec_text(child->spec, "currency_via")),
								 keytype, &equality);
		if (dependents.at_end)
			paysafe_row_filter_compile(leaf, child->spec, &dependents.rows);
		else
			dependents.next = rules_through(lfirst_oid(lc), enforced);
		if (!dependents.found)
			paysafe_row_key_scan(leaf, &equality, value, snapshot, look_at_child, &dependents);
		table_close(leaf, NoLock);
	}
	UnregisterSnapshot(snapshot);
	return dependents.found;
}

/*
 * Wait for those who have begun to depend on the row as it was, and have others wait who
 * begin now: the lock is on the version just written, which inherits theirs.
 */
static void
wait_for_dependents(const RowChange *change)
{
	TupleTableSlot *slot = table_slot_create(change->rel, NULL);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_lock(change->rel, &change->after->tts_tid, snapshot, slot, snapshot->curcid,
							  LockTupleExclusive, LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
							  &failure);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	/* deleted: by this transaction, and judged as that */
	if (result != TM_Ok && result != TM_Deleted)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not lock a row of \"%s\" due to concurrent update",
						RelationGetRelationName(change->rel))));
}

void
paysafe_currency_check_parent(const Rule *rule, const CurrencyParent *parent, const RowChange *change)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	bool		tests = is_of_any_state(parent->child);
	const char *child = get_rel_name(parent->child->relation);
	const char *column = NULL;
	char	   *key;

	if (change->op == 'I')
		return;
	if (change->op == 'U')
	{
		if (!paysafe_row_key_same_column(desc, parent->column, change->before, change->after))
			column = NameStr(TupleDescAttr(desc, parent->column - 1)->attname);
		else if (!paysafe_row_key_same_column(desc, parent->key, change->before, change->after))
			column = NameStr(TupleDescAttr(desc, parent->key - 1)->attname);
		else
			return;
		if (!rule->observed)
			wait_for_dependents(change);
	}
	if (!has_dependents(parent->child, !rule->observed, desc, parent->key, change->before))
		return;
	key = paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, desc, change->before));
	if (change->op == 'D')
		paysafe_rule_refuse(rule, ERRCODE_23R07_MONEY_DELETE, NULL,
							psprintf("row \"%s\" of table \"%s\" cannot be deleted", key, rule->table_name),
							psprintf(tests ? "It says whether rows of \"%s\" are tests." :
									 "Rows of \"%s\" have their currency from it.", child),
							"It stays as long as they do.");
	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
						psprintf("column \"%s\" of table \"%s\" cannot change any more",
								 column, rule->table_name),
						psprintf(tests ? "Whether rows of \"%s\" are tests says row \"%s\"." :
								 "Rows of \"%s\" have their currency from row \"%s\".", child, key),
						tests ? "What is a test, or is none any more, hangs on a new row." :
						"What is in another currency hangs on a new row.");
}
