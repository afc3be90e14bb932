/*-------------------------------------------------------------------------
 *
 * status_machine.c
 *	  The machine that a table's rules declare for a status column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/rule.h"
#include "engine/status_machine.h"
#include "values/spec.h"
#include "values/status_value.h"

Machine *
paysafe_status_machine_of(List *sources, const char *column)
{
	ListCell   *lc;

	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);
		MachineError error;
		char	   *declared;

		if (strcmp(source->name, "status") != 0)
			continue;
		declared = paysafe_spec_text(source->spec, "status_column");
		if (declared == NULL || strcmp(declared, column) != 0)
			continue;
		return paysafe_machine_parse(paysafe_spec_text(source->spec, "machine"), &error);
	}
	return NULL;
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
							(char *) lfirst(lc), argument, column),
					 errdetail("The status machine knows: %s.",
							   paysafe_strings_join(paysafe_status_value_machine_values(machine)))));
}
