/*-------------------------------------------------------------------------
 *
 * tenant.c
 *	  Rows belong to a tenant, and a transaction works for one.
 *
 * Rows of another tenant are neither written, which this file sees to, nor read: that
 * is done by row security (tenant_policy.c).  Both hold for the table's owner; this
 * one for superusers too.
 *
 * A limit on rows counts those that one statement of the client's changes, as the
 * client has sent it: with all triggers, cascades and functions that it runs.  So no loop in
 * a function gets around it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "engine/shown.h"
#include "errors.h"
#include "people/tenant.h"
#include "rules/kinds.h"
#include "rules/tenant/tenant_policy.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

typedef struct TenantState
{
	AttrNumber	attnum;
	char	   *name;
	Oid			type;			/* int2, int4, int8, uuid or text */
	int64		max_rows;		/* 0: any */
} TenantState;

/* Rows that the client's statement has changed in a table and its parts. */
typedef struct Changed
{
	Oid			relation;		/* the rule's */
	int64		rows;
	struct Changed *next;
} Changed;

static Changed *changed = NULL; /* TopTransactionContext */
static TimestampTz counted_since = 0;	/* start of that statement */

/* The type that the column's values are compared as, or none. */
static Oid
tenant_type(Form_pg_attribute att)
{
	Oid			type = getBaseType(att->atttypid);

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
			return type;
		case TEXTOID:
		case VARCHAROID:
			return get_collation_isdeterministic(att->attcollation) ? TEXTOID : InvalidOid;
	}
	return InvalidOid;
}

static void *
compile(const CompileInput *input)
{
	TenantState *state = palloc0(sizeof(TenantState));
	const Jsonb *spec = input->source->spec;
	char	   *max_rows = paysafe_spec_optional_text(spec, "max_rows");

	state->name = paysafe_spec_text(spec, "tenant_column");
	state->attnum = paysafe_catalog_column(input->leaf, state->name);
	state->type = tenant_type(TupleDescAttr(RelationGetDescr(input->leaf), state->attnum - 1));
	if (!OidIsValid(state->type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" cannot say whose a row is",
						state->name, RelationGetRelationName(input->leaf)),
				 errdetail("Its type must be smallint, integer, bigint, uuid, text or varchar, with a deterministic collation, or a domain over one of them.")));
	state->max_rows = max_rows ? pg_strtoint32(max_rows) : 0;
	return state;
}

/* Is the row's value the context's tenant? */
static inline bool
is_tenant(const TenantState *state, const TenantContext *context, Datum value)
{
	switch (state->type)
	{
		case INT2OID:
			return context->is_integer && DatumGetInt16(value) == context->integer;
		case INT4OID:
			return context->is_integer && DatumGetInt32(value) == context->integer;
		case INT8OID:
			return context->is_integer && DatumGetInt64(value) == context->integer;
		case UUIDOID:
			return context->is_uuid && memcmp(DatumGetUUIDP(value), &context->uuid, UUID_LEN) == 0;
		default:
			{
				text	   *name = DatumGetTextPP(value);

				return VARSIZE_ANY_EXHDR(name) == context->len &&
					memcmp(VARDATA_ANY(name), context->tenant, context->len) == 0;
			}
	}
}

static char *
row_name(const RowChange *change)
{
	return paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
													  change->before ? change->before : change->after));
}

static const char *
operation(const RowChange *change)
{
	return change->op == 'I' ? "INSERT" : change->op == 'U' ? "UPDATE" : "DELETE";
}

static PAYSAFE_NORETURN void
refuse_no_context(const Rule *rule, const RowChange *change)
{
	paysafe_rule_refuse(rule, ERRCODE_23N02_NO_TENANT, NULL,
						psprintf("table \"%s\" belongs to tenants, and the transaction works for none: %s refused",
								 rule->table_name, operation(change)),
						psprintf("Row \"%s\".", row_name(change)),
						NO_TENANT_HINT);
}

static PAYSAFE_NORETURN void
refuse_no_tenant(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23N01_TENANT, state->name,
						psprintf("a row of table \"%s\" belongs to no tenant: %s refused",
								 rule->table_name, operation(change)),
						psprintf("Column \"%s\" of row \"%s\" is NULL.", state->name, row_name(change)),
						change->after && slot_attisnull(change->after, state->attnum) ?
						"Give the row the transaction's tenant." :
						"Give the row its tenant first, across tenants: paysafe.across_tenants.");
}

static PAYSAFE_NORETURN void
refuse_other(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;
	const TenantContext *context = paysafe_tenant_current();

	paysafe_rule_refuse(rule, ERRCODE_23N01_TENANT, state->name,
						psprintf("a row of table \"%s\" is another tenant's: %s refused",
								 rule->table_name, operation(change)),
						psprintf("Row \"%s\"; the transaction works for tenant \"%s\".",
								 row_name(change), context->tenant),
						"Work for the row's tenant, in a transaction of its own.");
}

static PAYSAFE_NORETURN void
refuse_move(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23N01_TENANT, state->name,
						psprintf("a row of table \"%s\" cannot move to another tenant", rule->table_name),
						psprintf("Row \"%s\".", row_name(change)),
						"Add a row for the other tenant.");
}

/* Across tenants: each row stays whose it is; one that was nobody's may get a tenant. */
static void
check_across(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;
	bool		isnull;
	bool		was_null;
	Datum		value;
	Datum		was;

	if (change->after == NULL)
		return;
	value = slot_getattr(change->after, state->attnum, &isnull);
	if (isnull)
		refuse_no_tenant(rule, change);
	if (change->before == NULL)
		return;
	was = slot_getattr(change->before, state->attnum, &was_null);
	if (was_null)
		return;
	if (state->type == TEXTOID ? !DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, was, value)) :
		state->type == UUIDOID ? memcmp(DatumGetUUIDP(was), DatumGetUUIDP(value), UUID_LEN) != 0 :
		was != value)
		refuse_move(rule, change);
}

static void
check_tenant(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;
	const TenantContext *context = paysafe_tenant_current();
	bool		is_own = true;
	bool		isnull;
	Datum		value;

	if (change->before != NULL)
	{
		value = slot_getattr(change->before, state->attnum, &isnull);
		if (isnull)
			refuse_no_tenant(rule, change);
		is_own = is_tenant(state, context, value);
	}
	if (!is_own)
		refuse_other(rule, change);
	if (change->after == NULL)
		return;
	value = slot_getattr(change->after, state->attnum, &isnull);
	if (isnull)
		refuse_no_tenant(rule, change);
	if (likely(is_tenant(state, context, value)))
		return;
	if (change->op == 'U')
		refuse_move(rule, change);
	refuse_other(rule, change);
}

/* One row more of the client's statement. */
static void
count_row(const Rule *rule)
{
	const TenantState *state = rule->compiled;
	Changed    *table;

	if (counted_since != GetCurrentStatementStartTimestamp())
	{
		for (table = changed; table != NULL; table = table->next)
			table->rows = 0;
		counted_since = GetCurrentStatementStartTimestamp();
	}
	for (table = changed; table != NULL && table->relation != rule->declared_on; table = table->next)
		;
	if (table == NULL)
	{
		table = MemoryContextAllocZero(TopTransactionContext, sizeof(Changed));
		table->relation = rule->declared_on;
		table->next = changed;
		changed = table;
	}
	if (++table->rows <= state->max_rows)
		return;
	paysafe_rule_refuse(rule, ERRCODE_23N03_MAX_ROWS, NULL,
						psprintf("a statement changes more than %lld rows of table \"%s\"",
								 (long long) state->max_rows, rule->table_name),
						"Counted are the rows that one statement of the client's changes, with its triggers, cascades and functions.",
						"Change them in smaller batches, each a statement of its own; what is one by nature is done with a larger max_rows, which takes a second person: paysafe.protect_tenant.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const TenantState *state = rule->compiled;
	const TenantContext *context = paysafe_tenant_use();

	if (context == NULL)
		refuse_no_context(rule, change);
	if (likely(context->tenant != NULL))
		check_tenant(rule, change);
	else
		check_across(rule, change);
	if (state->max_rows > 0)
		count_row(rule);
}

/* As the policy does for queries: none without a context, and from now on the transaction is its tenant's. */
static bool
shows(const Rule *rule, TupleTableSlot *row)
{
	const TenantState *state = rule->compiled;
	const TenantContext *context = paysafe_tenant_use();
	bool		isnull;
	Datum		value;

	if (context == NULL || context->tenant == NULL)
		return context != NULL;
	value = slot_getattr(row, state->attnum, &isnull);
	return !isnull && is_tenant(state, context, value);
}

/* In the one way in which a context can name it, so that a number and a text can be compared. */
static char *
belongs_to(const Rule *rule, TupleTableSlot *row)
{
	const TenantState *state = rule->compiled;
	bool		isnull;
	Datum		value = slot_getattr(row, state->attnum, &isnull);

	return isnull ? NULL : paysafe_row_key_value_text(state->type, value);
}

static void
end_transaction(bool aborted)
{
	changed = NULL;
}

const RuleModule paysafe_tenant_module = {
	.end_transaction = end_transaction
};

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const TenantState *state = rule->compiled;

	if (slot_attisnull(row, state->attnum))
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
									  psprintf("it belongs to no tenant: column \"%s\" is NULL", state->name));
}

static bool
in_parts(const Rule *rule)
{
	return true;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *max_rows = paysafe_spec_optional_text(spec, "max_rows");

	return psprintf("rows are read and written for the tenant in %s%s%s%s",
					paysafe_spec_text(spec, "tenant_column"),
					max_rows ? ", at most " : "", max_rows ? max_rows : "",
					max_rows ? " by a statement" : "");
}

const RuleKind paysafe_tenant_kind = {
	.name = "tenant",
	.fields = (const SpecField[])
	{
		{"tenant_column", SPEC_COLUMN},
		{"max_rows", SPEC_TEXT},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.furnish = paysafe_tenant_policy_furnish,
	.shows = shows,
	.belongs_to = belongs_to,
	.owns_row_security = paysafe_tenant_policy_is_alone,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_tenant);

/*
 * protect_tenant(relation regclass, tenant_column name, max_rows int, mode text) returns void
 */
Datum
paysafe_protect_tenant(PG_FUNCTION_ARGS)
{
	char	   *column = paysafe_declare_name_argument(fcinfo, 1, "tenant_column");
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "tenant_column", column);
	if (!PG_ARGISNULL(2))
		paysafe_spec_add_text(&spec, "max_rows",
							  psprintf("%d", paysafe_argument_int(fcinfo, 2, "max_rows", 1, PG_INT32_MAX)));
	/* reading is made to depend on the tenant: a lock for all of it, from the start */
	if (!paysafe_declare_add_mode(fcinfo, &spec))
		paysafe_tenant_policy_lock(PG_GETARG_OID(0));
	paysafe_declare(PG_GETARG_OID(0), "tenant", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
