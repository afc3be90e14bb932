/*-------------------------------------------------------------------------
 *
 * audit.c
 *	  Before and after of every change, in the audit log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "errors.h"
#include "evidence/audit_log.h"
#include "people/actor.h"
#include "rules/audit.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "store/replica.h"
#include "values/row_key.h"
#include "values/spec.h"

#define SUBJECT_BYTES 8
#define SUBJECT_WHOLE '+'		/* behind it: the table was empty, so that the log has each of its rows */

typedef struct AuditState
{
	AuditShape *shape;
	bool		require_reason;
	bool		require_ticket;
} AuditState;

/*
 * Columns whose values errors or keys show cannot be redacted: the primary
 * key, and what other rules of the table name as status, amount and so on.
 */
static void
check_redacted(const CompileInput *input, List *redacted, const AttrNumber *key, int nkeys)
{
	List	   *columns = NIL;
	List	   *ancestors = paysafe_catalog_ancestors(RelationGetRelid(input->leaf));
	ListCell   *lc;

	for (int i = 0; i < nkeys; i++)
		columns = lappend(columns, NameStr(TupleDescAttr(RelationGetDescr(input->leaf), key[i] - 1)->attname));
	foreach(lc, input->sources)
	{
		RuleSource *source = lfirst(lc);

		if (list_member_oid(ancestors, source->relation))
			columns = list_concat(columns, paysafe_spec_field_columns(source, false, true));
		if (OidIsValid(source->reference) && list_member_oid(ancestors, source->reference))
			columns = list_concat(columns, paysafe_spec_field_columns(source, true, true));
	}
	foreach(lc, redacted)
	{
		(void) paysafe_catalog_column(input->leaf, lfirst(lc));
		if (paysafe_strings_contain(columns, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of table \"%s\" cannot be redacted",
							(char *) lfirst(lc), RelationGetRelationName(input->leaf)),
					 errdetail("It is part of the primary key or of another rule, so errors and keys show its value.")));
	}
}

static void *
compile(const CompileInput *input)
{
	const Jsonb *spec = input->source->spec;
	List	   *redacted = paysafe_spec_set(spec, "redact");
	AuditState *state;
	AttrNumber *key;
	int			nkeys;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(AuditState));
	nkeys = paysafe_row_key_columns(input->leaf, &key);
	check_redacted(input, redacted, key, nkeys);
	state->require_reason = paysafe_spec_bool(spec, "require_reason");
	state->require_ticket = paysafe_spec_bool(spec, "require_ticket");
	/* a partition's rows look like those of the table it is part of */
	state->shape = paysafe_audit_shape(input->leaf,
									   input->leaf->rd_rel->relispartition ?
									   input->source->relation : RelationGetRelid(input->leaf),
									   paysafe_spec_text(spec, "subject"), redacted, key, nkeys);
	return state;
}

void
paysafe_audit_record(const Rule *rule, const RowChange *change)
{
	AuditState *state = rule->compiled;
	TupleTableSlot *row = change->after ? change->after : change->before;

	paysafe_audit_log_append(state->shape, change->op, change->command,
						 paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), row),
						 change->before, change->after);
}

void
paysafe_audit_record_columns(const Rule *audit, TupleTableSlot *columns)
{
	AuditState *state = audit->compiled;

	paysafe_audit_log_append(state->shape, AUDIT_ADD_COLUMN, GetCurrentCommandId(true), NULL, NULL, columns);
}

/* Whether it says why or not. */
static void
observed(const Rule *rule, const RowChange *change)
{
	paysafe_audit_record(rule, change);
}

static bool
accepts(const Rule *rule, const RowChange *change)
{
	AuditState *state = rule->compiled;

	if (state->require_reason || state->require_ticket)
		return false;
	paysafe_audit_record(rule, change);
	return true;
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	AuditState *state = rule->compiled;
	const ActorClaim *actor;
	const char *missing = NULL;

	if (accepts(rule, change))
		return;
	actor = paysafe_actor_current();
	if (state->require_reason && (actor == NULL || actor->reason == NULL))
		missing = "reason";
	else if (state->require_ticket && (actor == NULL || actor->ticket == NULL))
		missing = "ticket";
	if (missing != NULL)
		paysafe_rule_refuse(rule, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL,
						  psprintf("a change of table \"%s\" needs a %s", rule->table_name, missing),
						  NULL,
						  psprintf("Call paysafe.act_as('name', %s => '...') in the same transaction first.", missing));
	paysafe_audit_record(rule, change);
}

/* Recorded with what is known here, unless the publisher's own record comes too. */
static void
replay(const Rule *rule, const RowChange *change)
{
	if (!paysafe_replica_brings(PAYSAFE_AUDIT_ROW))
		paysafe_audit_record(rule, change);
}

static void
pre_commit(bool prepare)
{
	paysafe_audit_log_flush();
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	List	   *redacted = paysafe_spec_set(spec, "redact");

	return psprintf("every change is recorded%s%s%s%s",
					redacted ? ", without " : "",
					redacted ? paysafe_strings_join(redacted) : "",
					paysafe_spec_bool(spec, "require_reason") ? "; a reason is required" : "",
					paysafe_spec_bool(spec, "require_ticket") ? "; a ticket is required" : "");
}

static void
end_statement(Relation rel)
{
	paysafe_audit_log_flush();
}

const RuleKind paysafe_audit_kind = {
	.name = "audit",
	.fields = (const SpecField[])
	{
		{"subject", SPEC_TEXT},
		{"redact", SPEC_COLUMNS, .unseen = true, .unjudged = true},	/* hides, or shows */
		{"require_reason", SPEC_FLAG, .loosens = SPEC_REMOVE},
		{"require_ticket", SPEC_FLAG, .loosens = SPEC_REMOVE},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.accepts = accepts,
	.observed = observed,
	.replay = replay,
	.describe = describe
};

const RuleModule paysafe_audit_module = {
	.end_statement = end_statement,
	.pre_commit = pre_commit,
	.end_transaction = paysafe_audit_log_end_transaction,
	.end_subtransaction = paysafe_audit_log_end_subtransaction
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_audit);

/* Is it a table of its own, in no tree, and without a row?  No writer is there any more. */
static bool
is_empty(Oid relation)
{
	Relation	rel;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		empty;

	if (get_rel_relkind(relation) != RELKIND_RELATION || list_length(paysafe_catalog_leaves(relation)) != 1 ||
		get_rel_relispartition(relation))
		return false;
	rel = table_open(relation, NoLock);
	snapshot = paysafe_scan_snapshot();
	scan = table_beginscan(rel, snapshot, 0, NULL);
	slot = table_slot_create(rel, NULL);
	empty = !table_scan_getnextslot(scan, ForwardScanDirection, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return empty;
}

bool
paysafe_audit_subject_is_whole(const char *subject)
{
	return *subject != '\0' && subject[strlen(subject) - 1] == SUBJECT_WHOLE;
}

/* The name under which the table is in the log: the one it had, or a new one. */
static char *
subject_of(Oid relation)
{
	RuleSource	rule;
	bool		removed;
	uint8		bytes[SUBJECT_BYTES];
	char	   *hex = palloc0(2 * SUBJECT_BYTES + 2);

	if (paysafe_rule_newest(relation, "audit", &rule, &removed))
		return paysafe_spec_text(rule.spec, "subject");
	paysafe_crypto_random(bytes, SUBJECT_BYTES);
	(void) hex_encode((char *) bytes, SUBJECT_BYTES, hex);
	if (is_empty(relation))
		hex[2 * SUBJECT_BYTES] = SUBJECT_WHOLE;
	return hex;
}

/*
 * audit(relation, redact name[], require_reason bool, require_ticket bool)
 * returns void
 */
Datum
paysafe_audit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"relation", "redact", "require_reason", "require_ticket"};
	Oid			relation = PG_GETARG_OID(0);
	SpecBuilder spec;

	for (int i = 0; i < (int) lengthof(names); i++)
		paysafe_argument_required(fcinfo, i, names[i]);
	paysafe_declare_lock(relation);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "subject", subject_of(relation));
	paysafe_spec_add_set(&spec, "redact", paysafe_declare_set_argument(fcinfo, 1, "redact"));
	paysafe_spec_add_bool(&spec, "require_reason", PG_GETARG_BOOL(2));
	paysafe_spec_add_bool(&spec, "require_ticket", PG_GETARG_BOOL(3));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(relation, "audit", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
