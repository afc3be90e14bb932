/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  A column whose JSON fits a schema.
 *
 * As a CHECK constraint with paysafe.json_valid, but the schema is a rule: changing it
 * takes a second person, and so does dropping it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/payload.h"
#include "values/row_key.h"
#include "values/spec.h"

typedef struct PayloadState
{
	AttrNumber	attnum;
	char	   *name;
	Oid			type;
	PayloadSchema *schema;
} PayloadState;

static void *
compile(const CompileInput *input)
{
	PayloadState *state = palloc0(sizeof(PayloadState));
	const Jsonb *spec = input->source->spec;
	Form_pg_attribute att;

	state->name = paysafe_spec_text(spec, "payload_column");
	state->attnum = paysafe_catalog_column(input->leaf, state->name);
	att = TupleDescAttr(RelationGetDescr(input->leaf), state->attnum - 1);
	state->type = getBaseType(att->atttypid);
	if (state->type != JSONOID && state->type != JSONBOID && state->type != TEXTOID && state->type != VARCHAROID &&
		state->type != BYTEAOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" holds no JSON", state->name, RelationGetRelationName(input->leaf)),
				 errdetail("Its type must be json, jsonb, text, varchar or bytea, or a domain over one of them.")));
	state->schema = paysafe_payload_compile(paysafe_spec_text(spec, "schema"));
	return state;
}

/* What the value does not fit, or NULL */
static char *
fault_of(const PayloadState *state, Datum value)
{
	char	   *text;
	size_t		len;

	if (state->type == JSONBOID)
	{
		Jsonb	   *jsonb = DatumGetJsonbP(value);

		text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
		len = strlen(text);
	}
	else
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

		text = VARDATA_ANY(bytes);
		len = VARSIZE_ANY_EXHDR(bytes);
	}
	if (state->type != BYTEAOID)
	{
		char	   *utf8 = pg_server_to_any(text, (int) len, PG_UTF8);

		if (utf8 != text)
		{
			text = utf8;
			len = strlen(utf8);
		}
	}
	return paysafe_payload_fault(state->schema, text, len);
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const PayloadState *state = rule->compiled;
	TupleDesc	desc = RelationGetDescr(change->rel);
	bool		isnull;
	Datum		value;
	char	   *fault;

	if (change->op == 'D' ||
		(change->op == 'U' && paysafe_row_key_same_column(desc, state->attnum, change->before, change->after)))
		return;
	value = slot_getattr(change->after, state->attnum, &isnull);
	if (isnull || (fault = fault_of(state, value)) == NULL)
		return;
	paysafe_rule_refuse(rule, ERRCODE_23H01_PAYLOAD, state->name,
						psprintf("the JSON in column \"%s\" of table \"%s\" does not fit its schema", state->name, rule->table_name),
						psprintf("Row \"%s\": %s.", paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, desc, change->after)), fault),
						"Table paysafe.rule has the schema; paysafe.json_fault says what a value does not fit.");
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const PayloadState *state = rule->compiled;
	bool		isnull;
	Datum		value = slot_getattr(row, state->attnum, &isnull);
	char	   *fault = isnull ? NULL : fault_of(state, value);

	if (fault != NULL)
		(void) paysafe_existing_fault(report, "Row", paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row),
									  psprintf("column \"%s\", %s", state->name, fault));
}

static bool
in_parts(const Rule *rule)
{
	return true;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("%s fits a schema of %d bytes", paysafe_spec_text(spec, "payload_column"), (int) strlen(paysafe_spec_text(spec, "schema")));
}

const RuleKind paysafe_payload_kind = {
	.name = "payload",
	.several = true,
	.fields = (const SpecField[])
	{
		{"payload_column", SPEC_COLUMN},
		{"schema", SPEC_TEXT},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_payload);

/*
 * protect_payload(relation regclass, payload_column name, schema payload, mode text) returns void
 */
Datum
paysafe_protect_payload(PG_FUNCTION_ARGS)
{
	char	   *column = paysafe_declare_name_argument(fcinfo, 1, "payload_column");
	char	   *schema = paysafe_payload_argument(fcinfo, 2, "schema");
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, 0, "relation");
	(void) paysafe_payload_compile(schema);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "payload_column", column);
	paysafe_spec_add_text(&spec, "schema", schema);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), psprintf("payload_%s", column), InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
