/*-------------------------------------------------------------------------
 *
 * status_machine.c
 *	  The machine that a table's rules declare for a status column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/rule.h"
#include "engine/rule_history.h"
#include "engine/status_machine.h"
#include "redact/redact.h"
#include "values/spec.h"
#include "values/status_value.h"

const RuleSource *
paysafe_status_machine_source(List *sources, const char *column)
{
	ListCell   *lc;

	if (column == NULL)
		return NULL;
	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "status") == 0 &&
			strcmp(paysafe_spec_text(source->spec, "status_column"), column) == 0)
			return source;
	}
	return NULL;
}

static Machine *
machine_in(const RuleSource *source)
{
	MachineError error;

	return paysafe_machine_parse(paysafe_spec_text(source->spec, "machine"), &error);
}

Machine *
paysafe_status_machine_of(List *sources, const char *column)
{
	const RuleSource *source = paysafe_status_machine_source(sources, column);

	return source ? machine_in(source) : NULL;
}

List *
paysafe_status_machine_history(List *sources, const char *column)
{
	const RuleSource *source = paysafe_status_machine_source(sources, column);
	List	   *machines = NIL;
	ListCell   *lc;

	if (source == NULL)
		return NIL;
	foreach(lc, paysafe_rule_history(source))
	{
		RuleSource *version = lfirst(lc);

		if (strcmp(paysafe_spec_text(version->spec, "status_column"), column) == 0)
			machines = lappend(machines, machine_in(version));
		else
			machines = lappend(machines, NULL);
	}
	return machines;
}

List *
paysafe_status_machine_initial(List *sources, const char *column)
{
	List	   *machines = paysafe_status_machine_history(sources, column);
	List	   *initial = NIL;
	const Machine *now;

	if (machines == NIL)
		return NIL;
	now = llast(machines);
	for (int i = 0; i < now->nstates; i++)
	{
		bool		always = true;
		ListCell   *lc;

		foreach(lc, machines)
		{
			const Machine *then = lfirst(lc);
			int			state = then ? paysafe_machine_find(then, now->states[i].value) : -1;

			always &= then != NULL && (state < 0 || then->states[state].initial);
		}
		if (always)
			initial = lappend(initial, now->states[i].value);
	}
	return initial;
}

void
paysafe_status_machine_check_names(List *sources, const char *column, List *names,
									const char *argument)
{
	Machine    *machine = paysafe_status_machine_of(sources, column);
	ListCell   *lc;

	if (machine == NULL)
		return;
	foreach(lc, names)
		if (paysafe_machine_find(machine, lfirst(lc)) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" in argument \"%s\" is not a status of column \"%s\"",
							paysafe_redact_string((char *) lfirst(lc)), argument, column),
					 errdetail("The status machine knows: %s.",
							   paysafe_redact_string(paysafe_strings_join(paysafe_status_value_machine_values(machine))))));
}
