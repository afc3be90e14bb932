/*-------------------------------------------------------------------------
 *
 * own_trigger.c
 *	  The two triggers that enforce: which trigger is one of them, to the last bit.
 *
 * Whoever owns a table can make a trigger of our name and our function on it
 * that never fires.  So whoever asks whether our trigger is there asks here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"

#include "store/catalog.h"
#include "store/own_trigger.h"

const char *
paysafe_own_trigger_name(OwnTrigger which)
{
	return which == OWN_ROW_TRIGGER ? PAYSAFE_ROW_TRIGGER : PAYSAFE_STATEMENT_TRIGGER;
}

Oid
paysafe_own_trigger_function(OwnTrigger which)
{
	return which == OWN_ROW_TRIGGER ? paysafe_catalog_enforce_function() :
		paysafe_catalog_statement_function();
}

static int16
expected_type(OwnTrigger which)
{
	int16		events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;

	return which == OWN_ROW_TRIGGER ? events | TRIGGER_TYPE_ROW : events | TRIGGER_TYPE_TRUNCATE;
}

bool
paysafe_own_trigger_calls(const Trigger *trigger)
{
	return trigger->tgfoid == paysafe_catalog_enforce_function() ||
		trigger->tgfoid == paysafe_catalog_statement_function();
}

bool
paysafe_own_trigger_claims(const Trigger *trigger)
{
	return strcmp(trigger->tgname, PAYSAFE_ROW_TRIGGER) == 0 ||
		strcmp(trigger->tgname, PAYSAFE_STATEMENT_TRIGGER) == 0 ||
		paysafe_own_trigger_calls(trigger);
}

bool
paysafe_own_trigger_has_shape(OwnTrigger which, const Trigger *trigger)
{
	return strcmp(trigger->tgname, paysafe_own_trigger_name(which)) == 0 &&
		trigger->tgfoid == paysafe_own_trigger_function(which) &&
		trigger->tgtype == expected_type(which) &&
		trigger->tgnattr == 0 && trigger->tgnargs == 0 && trigger->tgqual == NULL &&
		!trigger->tgisinternal &&
		!OidIsValid(trigger->tgconstraint) && !OidIsValid(trigger->tgconstrrelid) &&
		!OidIsValid(trigger->tgconstrindid) &&
		!trigger->tgdeferrable && !trigger->tginitdeferred &&
		trigger->tgoldtable == NULL && trigger->tgnewtable == NULL;
}

bool
paysafe_own_trigger_is(OwnTrigger which, const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
		paysafe_own_trigger_has_shape(which, trigger);
}

const Trigger *
paysafe_own_trigger_of(Relation rel, OwnTrigger which)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		if (paysafe_own_trigger_is(which, &rel->trigdesc->triggers[i]))
			return &rel->trigdesc->triggers[i];
	return NULL;
}

/* A string that is not NULL, for columns that only have to be NULL. */
static char *
some_if(HeapTuple tuple, AttrNumber attnum)
{
	return heap_attisnull(tuple, attnum, NULL) ? NULL : "";
}

void
paysafe_own_trigger_read(HeapTuple tuple, Trigger *trigger)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

	memset(trigger, 0, sizeof(Trigger));
	trigger->tgoid = form->oid;
	trigger->tgname = NameStr(form->tgname);
	trigger->tgfoid = form->tgfoid;
	trigger->tgtype = form->tgtype;
	trigger->tgenabled = form->tgenabled;
	trigger->tgisinternal = form->tgisinternal;
	trigger->tgisclone = OidIsValid(form->tgparentid);
	trigger->tgconstrrelid = form->tgconstrrelid;
	trigger->tgconstrindid = form->tgconstrindid;
	trigger->tgconstraint = form->tgconstraint;
	trigger->tgdeferrable = form->tgdeferrable;
	trigger->tginitdeferred = form->tginitdeferred;
	trigger->tgnargs = form->tgnargs;
	trigger->tgnattr = form->tgattr.dim1;
	trigger->tgqual = some_if(tuple, Anum_pg_trigger_tgqual);
	trigger->tgoldtable = some_if(tuple, Anum_pg_trigger_tgoldtable);
	trigger->tgnewtable = some_if(tuple, Anum_pg_trigger_tgnewtable);
}
