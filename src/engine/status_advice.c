/*-------------------------------------------------------------------------
 *
 * status_advice.c
 *	  What is suspicious about a status machine and its column.
 *
 * Nothing of it is wrong for certain, so that nothing is refused: a state may be there
 * for rows of long ago, a default for what nobody uses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_enum.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "engine/status_advice.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"
#include "values/status_value.h"

static char *
state_words(const char *value)
{
	return value ? psprintf("\"%s\"", value) : pstrdup("NULL");
}

/* The states that no way from the start leads to. */
static List *
unreachable(const Machine *machine)
{
	bool	   *reached = palloc0(sizeof(bool) * machine->nstates);
	bool		more = true;
	List	   *result = NIL;

	for (int i = 0; i < machine->nstates; i++)
		reached[i] = machine->states[i].initial;
	while (more)
	{
		more = false;
		for (int i = 0; i < machine->ntransitions; i++)
		{
			const MachineTransition *t = &machine->transitions[i];

			if (reached[t->from] && !reached[t->to])
				more = reached[t->to] = true;
		}
	}
	for (int i = 0; i < machine->nstates; i++)
		if (!reached[i])
			result = lappend(result, state_words(machine->states[i].value));
	return result;
}

static void
advise_on_states(const char *column, const Machine *machine)
{
	List	   *states = unreachable(machine);

	if (states != NIL)
		ereport(WARNING,
				(errmsg("nothing leads to %s of column \"%s\"", paysafe_redact_string(paysafe_strings_join(states)), column),
				 errdetail("No way from [*] through the machine ends there, so no row can get there."),
				 errhint("Say what leads there, or that rows begin there.")));
}

/* The constant that a column without a value gets; false if there is none, or it is computed. */
static bool
default_value(Relation rel, AttrNumber attnum, Const *out)
{
	Node	   *expression = build_column_default(rel, attnum);

	if (expression == NULL || TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attgenerated != '\0')
		return false;
	expression = eval_const_expressions(NULL, expression);
	while (IsA(expression, CoerceToDomain))
		expression = (Node *) ((CoerceToDomain *) expression)->arg;
	if (!IsA(expression, Const))
		return false;
	*out = *(Const *) expression;
	return !out->constisnull;
}

static void
advise_on_default(Relation rel, const char *column, const Machine *machine, const Jsonb *spec)
{
	Const		value;
	char	   *text;
	int			state;

	if (!default_value(rel, paysafe_catalog_column(rel, column), &value))
		return;
	text = paysafe_row_key_value_text(getBaseType(value.consttype), value.constvalue);
	text = paysafe_status_value_name_of(spec, text);
	state = paysafe_machine_find(machine, text);
	if (state < 0 || !machine->states[state].initial)
		ereport(WARNING,
				(errmsg("the default of column \"%s\" is no initial status", column),
				 errdetail("It is \"%s\": a row that is added without a status would be refused.", paysafe_redact_string(text)),
				 errhint("Change it, or say in the machine that rows begin there.")));
}

static void
advise_on_labels(Oid type, const char *column, const Machine *machine)
{
	CatCList   *labels;
	List	   *missing = NIL;

	if (!type_is_enum(type))
		return;
	labels = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	for (int i = 0; i < labels->n_members; i++)
	{
		const char *label = NameStr(((Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple))->enumlabel);

		if (paysafe_machine_find(machine, label) < 0)
			missing = lappend(missing, state_words(label));
	}
	ReleaseCatCacheList(labels);
	if (missing != NIL)
		ereport(NOTICE,
				(errmsg("the machine lacks %s, which the type of column \"%s\" has",
						paysafe_redact_string(paysafe_strings_join(paysafe_strings_sorted(missing))), column),
				 errdetail("No row can get there.")));
}

void
paysafe_status_advice(Oid relid, const char *column, const Machine *machine, const Jsonb *spec)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	attnum = paysafe_catalog_column(rel, column);

	advise_on_states(column, machine);
	advise_on_default(rel, column, machine, spec);
	advise_on_labels(getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid), column, machine);
	table_close(rel, AccessShareLock);
}
