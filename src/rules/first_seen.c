/*-------------------------------------------------------------------------
 *
 * first_seen.c
 *	  A value that a column has never had is a signal: a new country of a customer.
 *
 * Nothing is refused, and nobody waits. Where the key ring does not open nothing is seen, which check() says.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "evidence/first_seen.h"
#include "evidence/signal_argument.h"
#include "rules/kinds.h"
#include "store/catalog.h"
#include "values/spec.h"
#include "vault/keyring.h"

#define VALUE_MAX	1000		/* bytes that two values are told apart by */

/* A column whose values are told as text. */
typedef struct Told
{
	AttrNumber	attnum;			/* 0: none */
	FmgrInfo	out;
	bool		by_value;
	int16		len;
} Told;

typedef struct FirstSeenState
{
	char	   *kind;
	Told		value;
	Told		scope;
	int64		learning;		/* microseconds */
} FirstSeenState;

/* Types of PostgreSQL's own whose text is one for each value: no code of a user's runs here. */
static bool
is_told(Oid type)
{
	static const Oid types[] = {
		TEXTOID, VARCHAROID, BPCHAROID, INT2OID, INT4OID, INT8OID, UUIDOID, INETOID, CIDROID
	};

	for (int i = 0; i < (int) lengthof(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static void
compile_column(const CompileInput *input, const char *column, Told *told)
{
	Form_pg_attribute att;
	Oid			out;
	bool		is_varlena;

	told->attnum = paysafe_catalog_column(input->leaf, column);
	att = TupleDescAttr(RelationGetDescr(input->leaf), told->attnum - 1);
	if (!is_told(getBaseType(att->atttypid)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("values of column \"%s\" of table \"%s\" cannot be told apart",
						column, RelationGetRelationName(input->leaf)),
				 errdetail("Its type must be smallint, integer, bigint, uuid, inet, cidr, text, varchar or char, or a domain over one of them.")));
	getTypeOutputInfo(getBaseType(att->atttypid), &out, &is_varlena);
	fmgr_info_cxt(out, &told->out, CurrentMemoryContext);
	told->by_value = att->attbyval;
	told->len = att->attlen;
}

static void *
compile(const CompileInput *input)
{
	FirstSeenState *state = palloc0(sizeof(FirstSeenState));
	const Jsonb *spec = input->source->spec;
	char	   *scope = paysafe_spec_optional_text(spec, "scope_column");

	state->kind = paysafe_spec_text(spec, "kind");
	state->learning = pg_strtoint64(paysafe_spec_text(spec, "learning_seconds")) * USECS_PER_SEC;
	compile_column(input, paysafe_spec_text(spec, "column"), &state->value);
	if (scope != NULL)
		compile_column(input, scope, &state->scope);
	return state;
}

/* Of very long ones the beginning counts. */
static char *
text_of(const Told *told, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, told->attnum, &isnull);
	char	   *text;

	if (isnull)
		return NULL;
	text = OutputFunctionCall(unconstify(FmgrInfo *, &told->out), value);
	if (strlen(text) > VALUE_MAX)
		text[VALUE_MAX] = '\0';
	return text;
}

static bool
is_same(const Told *told, const RowChange *change)
{
	bool		was_null;
	bool		is_null;
	Datum		before;
	Datum		after;

	if (told->attnum == 0)
		return true;
	before = slot_getattr(change->before, told->attnum, &was_null);
	after = slot_getattr(change->after, told->attnum, &is_null);
	return was_null == is_null && (is_null || datum_image_eq(before, after, told->by_value, told->len));
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const FirstSeenState *state = rule->compiled;
	char	   *value;
	char	   *scope;

	if (change->after == NULL ||
		(change->before != NULL && is_same(&state->value, change) && is_same(&state->scope, change)))
		return;
	value = text_of(&state->value, change->after);
	scope = state->scope.attnum != 0 ? text_of(&state->scope, change->after) : "";
	if (value != NULL && scope != NULL && paysafe_first_seen_ready())
		(void) paysafe_first_seen_note(scope, state->kind, value, state->learning);
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	char	   *scope = paysafe_spec_optional_text(spec, "scope_column");

	return psprintf("a value of %s that is new%s%s is a signal: %s",
					paysafe_spec_text(spec, "column"), scope ? " to " : "", scope ? scope : "", paysafe_spec_text(spec, "kind"));
}

const RuleKind paysafe_first_seen_kind = {
	.name = "first_seen",
	.several = true,
	.fields = (const SpecField[])
	{
		{"column", SPEC_COLUMN},
		{"scope_column", SPEC_COLUMN},
		{"kind", SPEC_TEXT},
		{"learning_seconds", SPEC_TEXT},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_first_seen);

/*
 * protect_first_seen(relation regclass, column_name name, scope_column name, kind text,
 *					  learning interval, mode text) returns void
 */
Datum
paysafe_protect_first_seen(PG_FUNCTION_ARGS)
{
	char	   *column = paysafe_declare_name_argument(fcinfo, 1, "column_name");
	char	   *kind = PG_ARGISNULL(3) ? column : paysafe_signal_word(fcinfo, 3, "kind");
	SpecBuilder spec;
	uint8		none[PAYSAFE_SHA256_LEN];

	paysafe_argument_required(fcinfo, 0, "relation");
	if (!paysafe_argument_is_word(kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be given: the column's name is no word", "kind")));
	/* not when a row is changed: is there a key? */
	paysafe_keyring_mac("first seen", "", 0, none);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "column", column);
	if (!PG_ARGISNULL(2))
		paysafe_spec_add_text(&spec, "scope_column", paysafe_declare_name_argument(fcinfo, 2, "scope_column"));
	paysafe_spec_add_text(&spec, "kind", kind);
	paysafe_spec_add_text(&spec, "learning_seconds",
						  psprintf(INT64_FORMAT, PG_ARGISNULL(4) ? INT64CONST(0) : paysafe_argument_period(fcinfo, 4, "learning") / USECS_PER_SEC));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), psprintf("first_seen_%s", kind), InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
