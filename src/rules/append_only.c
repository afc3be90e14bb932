/*-------------------------------------------------------------------------
 *
 * append_only.c
 *	  Rows are added and stay as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "values/row_key.h"
#include "values/spec.h"

static PAYSAFE_NORETURN void
refuse(const Rule *rule, const char *what, const char *key)
{
	paysafe_rule_refuse(rule, ERRCODE_23L01_APPEND_ONLY, NULL,
					  psprintf("table \"%s\" is append-only: %s refused", rule->table_name, what),
					  key ? psprintf("Row \"%s\" stays as it was added.", key) : NULL,
					  key ? "Correct a row by adding another one that reverses it." : TRUNCATE_HINT);
}

static void *
compile(const CompileInput *input)
{
	static int	nothing;

	return input->as_reference ? NULL : &nothing;
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	if (change->op != 'I')
		refuse(rule, change->op == 'U' ? "UPDATE" : "DELETE",
			   paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel), change->before));
}

static void
refuse_truncate(const Rule *rule)
{
	refuse(rule, "TRUNCATE", NULL);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return pstrdup("rows are never updated, deleted or truncated");
}

const RuleKind paysafe_append_only_kind = {
	.name = "append_only",
	.all_columns = true,
	.compile = compile,
	.check_row = check_row,
	.refuse_truncate = refuse_truncate,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_append_only);

/*
 * protect_append_only(relation) returns void
 */
Datum
paysafe_protect_append_only(PG_FUNCTION_ARGS)
{
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_spec_begin(&spec);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "append_only", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
