/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  Columns that hold nothing but sealed values.
 *
 * A sealed value opens for the table, the column and the row that it was made for
 * and nowhere else.  The rule opens each value that is stored: one that is clear
 * text, that belongs to another row or that was changed does not get in, by any
 * path.
 *
 * Sealed values know the table by its name when the rule was first declared, which
 * the rule keeps: it may be renamed, dumped and restored.  Two tables have two
 * names, even if one was called before as the other is now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/declare.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/secret.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/row_twin.h"
#include "values/spec.h"
#include "vault/keyring.h"

#define PURPOSE		"secret column"

typedef struct SecretState
{
	char	   *label;
	int			n;
	AttrNumber *attnums;
	char	  **names;
	bool		twins;			/* no index sees that a row's key is there once */
} SecretState;

static void
append_part(StringInfo place, const char *part)
{
	appendStringInfo(place, "%zu:%s", strlen(part), part);
}

/* What a value is bound to, in a form that two places cannot share. */
static void
make_place(StringInfo place, const char *label, const char *column, const char *key)
{
	initStringInfo(place);
	append_part(place, label);
	append_part(place, column);
	append_part(place, key);
}

bytea *
paysafe_secret_seal(const char *label, const char *column, const char *key,
					const void *data, size_t len)
{
	StringInfoData place;

	make_place(&place, label, column, key);
	return paysafe_keyring_seal(PURPOSE, place.data, place.len, data, len);
}

bytea *
paysafe_secret_open(const char *label, const char *column, const char *key,
					const void *sealed, size_t len)
{
	StringInfoData place;

	make_place(&place, label, column, key);
	return paysafe_keyring_open(PURPOSE, place.data, place.len, sealed, len);
}

/* The rule */

static void *
compile(const CompileInput *input)
{
	TupleDesc	desc = RelationGetDescr(input->leaf);
	SecretState *state;
	RowKey		key;
	List	   *columns;
	ListCell   *lc;

	if (input->as_reference)
		return NULL;
	paysafe_row_key_require(input->leaf, "A sealed value is bound to its row.");
	state = palloc0(sizeof(SecretState));
	key.n = paysafe_row_key_columns(input->leaf, &key.attnums);
	state->twins = !paysafe_row_twin_is_excluded(input->source->relation, input->leaf, &key);
	columns = paysafe_spec_set(input->source->spec, "columns");
	state->label = paysafe_spec_text(input->source->spec, "label");
	state->attnums = palloc(sizeof(AttrNumber) * list_length(columns));
	state->names = palloc(sizeof(char *) * list_length(columns));
	foreach(lc, columns)
	{
		AttrNumber	attnum = paysafe_catalog_column(input->leaf, lfirst(lc));

		if (TupleDescAttr(desc, attnum - 1)->atttypid != BYTEAOID)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of table \"%s\" must be of type bytea",
							(char *) lfirst(lc), RelationGetRelationName(input->leaf)),
					 errhint("Add a column for the sealed values, fill it from the old one, and drop that.")));
		state->attnums[state->n] = attnum;
		state->names[state->n++] = lfirst(lc);
	}
	return state;
}

/* Does it open here?  NULL does. */
static bool
is_sealed(const SecretState *state, int i, const char *key, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, state->attnums[i], &isnull);
	StringInfoData place;
	bytea	   *sealed;

	if (isnull)
		return true;
	sealed = DatumGetByteaPP(value);
	make_place(&place, state->label, state->names[i], key);
	return paysafe_keyring_is_sealed(PURPOSE, place.data, place.len,
									 VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));
}

/* Where two partitions could have one key, what is sealed for one row would open in the other. */
static void
check_twin(const Rule *rule, const RowChange *change)
{
	const RelationRules *rules = change->rules;
	TupleDesc	desc = RelationGetDescr(change->rel);

	if ((change->op == 'U' && !paysafe_row_key_changed(&rules->key, desc, change->before, change->after)) ||
		!paysafe_row_twin_exists(rule->declared_on, change->rel, change->after, &rules->key, rule->observed))
		return;
	paysafe_rule_refuse(rule, ERRCODE_UNIQUE_VIOLATION, NULL,
					  psprintf("table \"%s\" has a row of this key in another partition", rule->table_name),
					  psprintf("Key (%s)=(%s) already exists.", paysafe_row_key_names(&rules->key, desc),
							   paysafe_refusal_value(paysafe_row_key_text(&rules->key, desc, change->after))),
					  "Values are sealed for a row, by its key without the partition key: give this one another.");
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const SecretState *state = rule->compiled;
	TupleDesc	desc = RelationGetDescr(change->rel);
	char	   *key = NULL;

	if (change->op == 'D')
		return;
	if (state->twins)
		check_twin(rule, change);
	for (int i = 0; i < state->n; i++)
	{
		if (slot_attisnull(change->after, state->attnums[i]) ||
			(change->op == 'U' &&
			 !paysafe_row_key_changed(&change->rules->key, desc, change->before, change->after) &&
			 paysafe_row_key_same_column(desc, state->attnums[i], change->before, change->after)))
			continue;
		if (key == NULL)
			key = paysafe_row_key_text(&change->rules->key, desc, change->after);
		if (!is_sealed(state, i, key, change->after))
			paysafe_rule_refuse(rule, ERRCODE_23K01_SEALED, state->names[i],
							  psprintf("column \"%s\" of table \"%s\" holds nothing but values sealed for their row",
									   state->names[i], rule->table_name),
							  psprintf("Row \"%s\": the value is not sealed, is another row's, or has been changed.", key),
							  psprintf("Seal it: paysafe.encrypt(%s, %s, KEY, VALUE), KEY being the primary key as text.",
									   quote_literal_cstr(quote_qualified_identifier(rule->schema_name, rule->table_name)),
									   quote_literal_cstr(state->names[i])));
	}
}

static void
check_existing(const Rule *rule, Relation rel, TupleTableSlot *row, ExistingReport *report)
{
	const SecretState *state = rule->compiled;
	char	   *key = paysafe_row_key_text(&report->rules->key, RelationGetDescr(rel), row);

	if (state->twins && paysafe_row_twin_exists(rule->declared_on, rel, row, &report->rules->key, true))
		paysafe_existing_fault(report, "Row", key, "another partition has this key too");
	for (int i = 0; i < state->n; i++)
		if (!is_sealed(state, i, key, row))
			paysafe_existing_fault(report, "Row", key,
								  psprintf("the value of column \"%s\" is not sealed for it",
										   state->names[i]));
}

static bool
in_parts(const Rule *rule)
{
	return true;
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("%s: values sealed for their row",
					paysafe_strings_join(paysafe_spec_set(spec, "columns")));
}

const RuleKind paysafe_secret_kind = {
	.name = "secret",
	.fields = (const SpecField[])
	{
		{"columns", SPEC_COLUMNS, .loosens = SPEC_REMOVE, .unseen = true},
		{"label", SPEC_TEXT},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.check_existing = check_existing,
	.in_parts = in_parts,
	.describe = describe
};

char *
paysafe_secret_label(Oid relation, const char *column)
{
	ListCell   *lc;

	foreach(lc, paysafe_rule_sources(relation))
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "secret") == 0 &&
			paysafe_strings_contain(paysafe_spec_set(source->spec, "columns"), column))
			return paysafe_spec_text(source->spec, "label");
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no secret column of table %s", column,
					paysafe_catalog_table_name(relation)),
			 errhint("Declare it with paysafe.protect_secret.")));
	return NULL;
}

/* Is it another table's? */
static bool
label_is_taken(const char *label, Oid relation)
{
	ListCell   *lc;
	RuleSource	source;
	bool		removed;

	foreach(lc, paysafe_rule_relations())
		if (lfirst_oid(lc) != relation &&
			paysafe_rule_newest(lfirst_oid(lc), "secret", &source, &removed) &&
			strcmp(paysafe_spec_text(source.spec, "label"), label) == 0)
			return true;
	return false;
}

/* The table's name for its sealed values: as before, or as it is called now. */
static char *
choose_label(Oid relation)
{
	RuleSource	source;
	bool		removed;
	char	   *name = paysafe_catalog_table_name(relation);
	char	   *label = name;

	if (paysafe_rule_newest(relation, "secret", &source, &removed))
		return paysafe_spec_text(source.spec, "label");
	for (int i = 2; label_is_taken(label, relation); i++)
		label = psprintf("%s #%d", name, i);
	return label;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_secret);

/*
 * protect_secret(relation regclass, columns name[]) returns void
 */
Datum
paysafe_protect_secret(PG_FUNCTION_ARGS)
{
	List	   *columns = paysafe_declare_set_argument(fcinfo, 1, "columns");
	SpecBuilder spec;
	uint8		digest[PAYSAFE_SHA256_LEN];

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "relation")));
	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "columns")));
	paysafe_declare_check_owner(PG_GETARG_OID(0));
	paysafe_declare_lock(PG_GETARG_OID(0));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "columns", columns);
	paysafe_spec_add_text(&spec, "label", choose_label(PG_GETARG_OID(0)));
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "secret", InvalidOid, paysafe_spec_end(&spec));
	/* the keys are there before a query, which makes none, needs them */
	(void) paysafe_keyring_current();
	paysafe_keyring_mac(PURPOSE, "", 0, digest);
	PG_RETURN_VOID();
}
