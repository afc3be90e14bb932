/*-------------------------------------------------------------------------
 *
 * existing.c
 *	  The rows that are there when a rule is declared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "base/scan.h"
#include "compat.h"
#include "engine/accepted.h"
#include "engine/existing.h"
#include "engine/progress.h"
#include "engine/rule.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/row_twin.h"

#define MAX_FAULTS_SHOWN	5

/* A row that looked wrong while others wrote. */
typedef struct DoubtfulRow
{
	Oid			leaf;
	ItemPointerData tid;
	char	   *key;
} DoubtfulRow;

char *
paysafe_existing_words(const char *what, const char *key, const char *reason)
{
	return paysafe_redact_string(psprintf("%s \"%s\": %s.", what, key, reason));
}

bool
paysafe_existing_binds(const ExistingReport *report)
{
	return report->collect || !paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW);
}

bool
paysafe_existing_fault(ExistingReport *report, const char *what, const char *key,
					  const char *reason)
{
	AcceptedFault *fault;
	MemoryContext old;
	const char *bound = report->bound;
	bool		accepted;

	if (report->faults >= MAX_FAULTS_SHOWN && !paysafe_existing_binds(report))
	{
		report->faults++;
		return false;
	}
	if (report->row != NULL)
		bound = paysafe_accepted_content(report->source, &report->rules->key, report->row);
	old = MemoryContextSwitchTo(report->context);
	fault = palloc(sizeof(AcceptedFault));
	fault->words = paysafe_existing_words(what, key, reason);
	fault->subject = paysafe_accepted_subject(what, key);
	fault->digest = paysafe_accepted_digest(fault->words, bound);
	accepted = paysafe_accepted_has(report->relation, report->rule, fault->digest);
	if (accepted)
		report->accepted = lappend(report->accepted, fault->digest);
	else if (report->faults++ < MAX_FAULTS_SHOWN)
		appendStringInfo(&report->detail, "%s%s", report->detail.len > 0 ? "\n" : "", fault->words);
	if (!accepted && report->collect)
		report->found = lappend(report->found, fault);
	MemoryContextSwitchTo(old);
	/* a row that is looked at again shows the rest then */
	return accepted || (report->collect && !report->doubting);
}

/* The rule of this name among the leaf's compiled rules, or NULL. */
static Rule *
find_rule(RelationRules *rules, const char *name, Oid declared_on)
{
	for (int i = 0; i < rules->nrules; i++)
		if (rules->rules[i].declared_on == declared_on &&
			strcmp(rules->rules[i].name, name) == 0)
			return &rules->rules[i];
	return NULL;
}

/* Rows of several tables, each of which sees to its own keys; nobody else can write. */
static void
check_twin(Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const RelationRules *rules = report->rules;

	if (OidIsValid(rules->twin_root) &&
		paysafe_row_twin_exists(rules->twin_root, rel, row, &rules->key, true))
		paysafe_existing_fault(report, "Row", paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row),
							   psprintf("another table of the tree of \"%s\" has this key too",
										get_rel_name(rules->twin_root)));
}

static void
tell_observed(const ExistingReport *report)
{
	ereport(WARNING,
			(errmsg_plural("%lld existing row of \"%s\" breaks rule \"%s\", which is only observed",
						   "%lld existing rows of \"%s\" break rule \"%s\", which is only observed",
						   (unsigned long) report->faults,
						   (long long) report->faults, get_rel_name(report->relation), report->rule),
			 errdetail("%s%s", report->detail.data,
					   report->faults > MAX_FAULTS_SHOWN ? "\n..." : ""),
			 errhint("Correct these rows before the rule is enforced.")));
}

/* In force since before, but for a while without its trigger. */
static void
tell_enforced(const ExistingReport *report)
{
	const char *table = get_rel_name(report->relation);

	ereport(WARNING,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg_plural("rule \"%s\" is in force, but %lld row of \"%s\" breaks it",
						   "rule \"%s\" is in force, but %lld rows of \"%s\" break it",
						   (unsigned long) report->faults,
						   report->rule, (long long) report->faults, table),
			 errdetail("%s%s", report->detail.data,
					   report->faults > MAX_FAULTS_SHOWN ? "\n..." : ""),
			 errhint("They were written while the trigger was missing. Correct them."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(report->relation))),
			 err_generic_string(PG_DIAG_TABLE_NAME, table),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								psprintf("paysafe_%s_%s", table, report->rule))));
}

/* The rows are the table's, whose rule has a version or trigger of now. */
static void
refuse(const ExistingReport *report)
{
	const char *table = get_rel_name(report->relation);
	const char *rows = report->faults == 1 ? "row" : "rows";
	const char *verb = report->faults == 1 ? "breaks" : "break";
	Refusal		refusal = {
		.sqlstate = ERRCODE_CHECK_VIOLATION,
		.rule = report->rule,
		.schema_name = get_namespace_name(get_rel_namespace(report->relation)),
		.table_name = table,
	};

	refusal.message = report->in_force ?
		psprintf("rule \"%s\" is in force, but %lld %s of \"%s\" %s it",
				 report->rule, (long long) report->faults, rows, table, verb) :
		psprintf("rule \"%s\" cannot be declared: %lld existing %s of \"%s\" %s it",
				 report->rule, (long long) report->faults, rows, table, verb);
	refusal.detail = psprintf("%s%s", report->detail.data, report->faults > MAX_FAULTS_SHOWN ? "\n..." : "");
	refusal.hint = report->beside_writers ?
		"Correct what the rule lets you correct. What it keeps as it is, two people accept: paysafe.accept_rows. A status that is none can be put right after that." :
		report->in_force ?
		"Correct what the rule lets you correct; for the rest, drop it in a maintenance window and declare it again." :
		report->source == NULL || report->source->kind->keeps_books ?
		"Correct these rows first, then declare the rule again." :
		"Correct these rows first, then declare the rule again. Where they say what has happened, declare it for what comes (paysafe.defer_validation), and have two people accept them: paysafe.accept_rows.";
	paysafe_refuse(&refusal);
}

void
paysafe_existing_tell(const ExistingReport *report, int elevel)
{
	if (report->faults == 0)
		return;
	if (report->observed)
		tell_observed(report);
	else if (elevel < ERROR)
		tell_enforced(report);
	else
		refuse(report);
}

static void
check_one(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	report->row = row;
	check_twin(rel, row, report);
	if (rule->kind->check_existing != NULL)
		rule->kind->check_existing(rule, rel, row, report);
	report->row = NULL;
}

/*
 * Beside writers, what the row was is compared with what is remembered of it now: so it
 * only looks wrong.  Its faults are taken back until it is looked at again.
 */
static void
check_doubtfully(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	int64		faults = report->faults;
	int			len = report->detail.len;
	int			found = list_length(report->found);
	DoubtfulRow *doubtful;
	MemoryContext old;

	report->doubting = true;
	check_one(rule, rel, row, report);
	report->doubting = false;
	if (report->faults == faults)
		return;
	report->faults = faults;
	report->detail.len = len;
	report->detail.data[len] = '\0';
	report->found = list_truncate(report->found, found);
	old = MemoryContextSwitchTo(report->context);
	doubtful = palloc(sizeof(DoubtfulRow));
	doubtful->leaf = RelationGetRelid(rel);
	doubtful->tid = row->tts_tid;
	doubtful->key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);
	report->doubtful = lappend(report->doubtful, doubtful);
	MemoryContextSwitchTo(old);
}

static void
read_rows(const Rule *rule, Relation rel, const ExistingPart *part, Snapshot snapshot, ExistingReport *report)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		whole = part->from == 0 && part->until == InvalidBlockNumber;
	ItemPointerData first;
	ItemPointerData last;
	TableScanDesc scan;
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "paysafe validation",
													  ALLOCSET_DEFAULT_SIZES);

	ItemPointerSet(&first, part->from, FirstOffsetNumber);
	ItemPointerSet(&last, part->until == InvalidBlockNumber ? MaxBlockNumber : part->until - 1, MaxOffsetNumber);
	scan = whole ? table_beginscan(rel, snapshot, 0, NULL) : table_beginscan_tidrange(rel, snapshot, &first, &last);
	while (whole ? table_scan_getnextslot(scan, ForwardScanDirection, slot) :
		   table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);

		CHECK_FOR_INTERRUPTS();
		paysafe_progress_row(&slot->tts_tid, report->faults + list_length(report->doubtful));
		report->rows++;
		if (report->beside_writers)
			check_doubtfully(rule, rel, slot, report);
		else
			check_one(rule, rel, slot, report);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row_context);
}

static void
read_leaf(const Rule *rule, Relation rel, Snapshot snapshot, ExistingReport *report)
{
	const ExistingPart whole = {.until = InvalidBlockNumber};
	ListCell   *lc;

	if (report->parts == NIL)
		read_rows(rule, rel, &whole, snapshot, report);
	foreach(lc, report->parts)
	{
		const ExistingPart *part = lfirst(lc);

		if (part->leaf != RelationGetRelid(rel))
			continue;
		paysafe_progress_skip(part->from);
		read_rows(rule, rel, part, snapshot, report);
	}
}

/*
 * A row that looked wrong, as it is now that nobody writes.  One that has gone may have
 * gone to another partition, as it was.
 */
static void
look_again(Oid relid, const DoubtfulRow *doubtful, ExistingReport *report)
{
	Relation	rel = table_open(doubtful->leaf, NoLock);
	RelationRules *rules = paysafe_rules_of(rel);
	Rule	   *rule = find_rule(rules, report->rule, relid);
	Snapshot	snapshot = paysafe_scan_snapshot();
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan_tid(rel, snapshot);
	ItemPointerData tid = doubtful->tid;

	report->rules = rules;
	table_tuple_get_latest_tid(scan, &tid);
	if (table_tuple_fetch_row_version(rel, &tid, snapshot, slot))
		check_one(rule, rel, slot, report);
	else
		paysafe_existing_fault(report, "Row", doubtful->key,
							   "it broke the rule, and has been deleted or moved meanwhile: look again");
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
}

static const RuleSource *
source_named(Oid relid, const char *name)
{
	RuleSource *source = palloc(sizeof(RuleSource));
	bool		removed;

	return paysafe_rule_newest(relid, name, source, &removed) && !removed ? source : NULL;
}

void
paysafe_existing_look(Oid relid, const char *name, ExistingReport *report)
{
	List	   *leaves = find_all_inheritors(relid, NoLock, NULL);
	/* until the end: what looks wrong must not be vacuumed away */
	Snapshot	snapshot = report->snapshot ? RegisterSnapshot(report->snapshot) : paysafe_scan_snapshot();
	const Rule *last = NULL;
	ListCell   *lc;

	initStringInfo(&report->detail);
	report->context = CurrentMemoryContext;
	report->relation = relid;
	report->rule = name;
	report->source = name ? source_named(relid, name) : NULL;
	foreach(lc, leaves)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		RelationRules *rules = paysafe_rules_of(rel);
		Rule	   *rule = rules && name ? find_rule(rules, name, relid) : NULL;

		if (rule != NULL && (rule->kind->check_existing != NULL || OidIsValid(rules->twin_root)) &&
			rel->rd_rel->relkind == RELKIND_RELATION)
		{
			if (last == NULL)
				paysafe_progress_begin(relid, rule->kind->name, leaves);
			paysafe_progress_table();
			report->rules = rules;
			read_leaf(rule, rel, snapshot, report);
			last = rule;
		}
		report->misfit |= rule != NULL && rule->trouble != NULL;
		table_close(rel, NoLock);
	}
	if (report->doubtful != NIL)
	{
		paysafe_progress_phase(PROGRESS_LOOKING_AGAIN);
		LockRelationOid(relid, ShareRowExclusiveLock);
		(void) find_all_inheritors(relid, ShareRowExclusiveLock, NULL);
		foreach(lc, report->doubtful)
		{
			CHECK_FOR_INTERRUPTS();
			look_again(relid, lfirst(lc), report);
		}
	}
	if (last != NULL)
		paysafe_progress_phase(PROGRESS_ADDING_UP);
	if (last != NULL && last->kind->check_existing_end != NULL)
		last->kind->check_existing_end(last, report);
	UnregisterSnapshot(snapshot);
	if (last != NULL)
		paysafe_progress_end();
	report->observed = last != NULL && last->observed;
}

static void
validate(Oid relid, const char *name, int elevel)
{
	ExistingReport report = {0};

	paysafe_existing_look(relid, name, &report);
	paysafe_existing_tell(&report, elevel);
}

void
paysafe_existing_validate(Oid relid, const char *name)
{
	validate(relid, name, ERROR);
}

static void
validate_all(Oid relid, int elevel)
{
	ListCell   *lc;

	validate(relid, NULL, ERROR);
	foreach(lc, paysafe_rule_sources(relid))
	{
		RuleSource *source = lfirst(lc);

		/* whose rows have not been looked at yet is for another time */
		if (source->relation == relid && !source->unvalidated)
			validate(relid, source->name, elevel);
	}
}

void
paysafe_existing_validate_all(Oid relid)
{
	validate_all(relid, ERROR);
}

void
paysafe_existing_warn(Oid relid)
{
	validate_all(relid, WARNING);
}
