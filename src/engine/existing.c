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
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/scan.h"
#include "compat.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "redact/redact.h"
#include "values/row_key.h"
#include "values/row_twin.h"

#define MAX_FAULTS_SHOWN	5

void
paysafe_existing_fault(ExistingReport *report, const char *what, const char *key,
					  const char *reason)
{
	if (report->faults++ < MAX_FAULTS_SHOWN)
		appendStringInfo(&report->detail, "%s%s",
						 report->detail.len > 0 ? "\n" : "",
						 paysafe_redact_string(psprintf("%s \"%s\": %s.", what, key, reason)));
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
tell_observed(Oid relid, const char *name, const ExistingReport *report)
{
	ereport(WARNING,
			(errmsg_plural("%lld existing row of \"%s\" breaks rule \"%s\", which is only observed",
						   "%lld existing rows of \"%s\" break rule \"%s\", which is only observed",
						   (unsigned long) report->faults,
						   (long long) report->faults, get_rel_name(relid), name),
			 errdetail("%s%s", report->detail.data,
					   report->faults > MAX_FAULTS_SHOWN ? "\n..." : ""),
			 errhint("Correct these rows before the rule is enforced.")));
}

/* The rows are the table's, whose rule has a version or trigger of now. */
static void
tell(Oid relid, const char *name, const ExistingReport *report, int elevel)
{
	ereport(elevel,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 elevel >= ERROR ?
			 errmsg_plural("rule \"%s\" cannot be declared: %lld existing row of \"%s\" breaks it",
						   "rule \"%s\" cannot be declared: %lld existing rows of \"%s\" break it",
						   (unsigned long) report->faults,
						   name, (long long) report->faults, get_rel_name(relid)) :
			 errmsg_plural("rule \"%s\" is in force, but %lld row of \"%s\" breaks it",
						   "rule \"%s\" is in force, but %lld rows of \"%s\" break it",
						   (unsigned long) report->faults,
						   name, (long long) report->faults, get_rel_name(relid)),
			 errdetail("%s%s", report->detail.data,
					   report->faults > MAX_FAULTS_SHOWN ? "\n..." : ""),
			 errhint(elevel >= ERROR ? "Correct these rows first, then declare the rule again." :
					 "They were written while the trigger was missing. Correct them."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(relid))),
			 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(relid)),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								psprintf("paysafe_%s_%s", get_rel_name(relid), name))));
}

static void
validate(Oid relid, const char *name, int elevel)
{
	ExistingReport report = {0};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "paysafe validation",
													  ALLOCSET_DEFAULT_SIZES);
	Snapshot	snapshot = paysafe_scan_snapshot();
	const Rule *last = NULL;
	ListCell   *lc;

	initStringInfo(&report.detail);
	report.context = CurrentMemoryContext;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		RelationRules *rules = paysafe_rules_of(rel);
		Rule	   *rule = rules && name ? find_rule(rules, name, relid) : NULL;

		if (rule != NULL && (rule->kind->check_existing != NULL || OidIsValid(rules->twin_root)) &&
			rel->rd_rel->relkind == RELKIND_RELATION)
		{
			TupleTableSlot *slot = table_slot_create(rel, NULL);
			TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

			report.rules = rules;
			while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			{
				MemoryContext old = MemoryContextSwitchTo(row_context);

				CHECK_FOR_INTERRUPTS();
				check_twin(rel, slot, &report);
				if (rule->kind->check_existing != NULL)
					rule->kind->check_existing(rule, rel, slot, &report);
				MemoryContextSwitchTo(old);
				MemoryContextReset(row_context);
			}
			table_endscan(scan);
			ExecDropSingleTupleTableSlot(slot);
			last = rule;
		}
		table_close(rel, NoLock);
	}
	UnregisterSnapshot(snapshot);
	if (last != NULL && last->kind->check_existing_end != NULL)
		last->kind->check_existing_end(last, &report);
	MemoryContextDelete(row_context);
	if (report.faults > 0 && last->observed)
		tell_observed(relid, name, &report);
	else if (report.faults > 0)
		tell(relid, name, &report, elevel);
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

		if (source->relation == relid)
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
