/*-------------------------------------------------------------------------
 *
 * own_table_trigger.c
 *	  The trigger that keeps SQL from writing own tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "errors.h"
#include "store/catalog.h"
#include "store/dumped.h"
#include "store/own_table.h"
#include "store/replica.h"

static StoreReplay is_replayed = NULL;

void
paysafe_store_set_replay(StoreReplay replay)
{
	is_replayed = replay;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_own_table);

/* Does every database have this row of its own: one that a dump leaves out, too? */
static bool
is_local(Relation rel, HeapTuple tuple)
{
	static const char *const flags[] = {"iso", "builtin"};
	Oid			relid = RelationGetRelid(rel);
	Oid			root = llast_oid(paysafe_catalog_ancestors(relid));

	for (int i = 0; i < (int) lengthof(flags); i++)
	{
		AttrNumber	attnum = get_attnum(relid, flags[i]);
		bool		isnull;

		if (attnum != InvalidAttrNumber &&
			DatumGetBool(heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull)) && !isnull)
			return true;
	}
	/* the publisher's seal of its own log, unless the database comes as a whole */
	for (PaysafeTable table = PAYSAFE_SEAL_LOG; table <= PAYSAFE_SEAL_FINDING; table++)
		if (relid == paysafe_catalog_table(table) &&
			(table == PAYSAFE_SEAL_STATE || !paysafe_replica_is_filling()))
			return true;
	/* the same of its log: a database in use records what it is brought in its own */
	if (!paysafe_replica_is_filling() &&
		(root == paysafe_catalog_table(PAYSAFE_AUDIT_ROW) || root == paysafe_catalog_table(PAYSAFE_AUDIT_SHAPE) ||
		 root == paysafe_catalog_table(PAYSAFE_AUDIT_KEY)))
		return true;
	return relid == paysafe_catalog_table(PAYSAFE_ACTIVATION) ||
		relid == paysafe_catalog_table(PAYSAFE_REDACTION_KEY) ||
		relid == paysafe_catalog_table(PAYSAFE_TEST_DATABASE);
}

/* A change that replication brings into a database that paysafe has not worked in. */
static Datum
fill(TriggerData *trigdata)
{
	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		return PointerGetDatum(NULL);
	if (is_local(trigdata->tg_relation, trigdata->tg_trigtuple))
		return PointerGetDatum(NULL);
	paysafe_store_forget_rules(trigdata->tg_relation, trigdata->tg_trigtuple);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
						   trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/*
 * own_table() returns trigger: BEFORE each row and BEFORE TRUNCATE on
 * paysafe's own tables.  UPDATE, DELETE and TRUNCATE are refused for
 * everyone.  INSERT is how pg_restore brings the rows back: it is accepted
 * until paysafe works in this database for the first time.  That triggers are
 * there says nothing: pg_restore with several jobs creates them while other
 * tables are still being filled.
 */
Datum
paysafe_own_table(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const char *name;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by the trigger manager", "own_table")));
	if (paysafe_replica_is_filling() ||
		(OidIsValid(paysafe_replica_subscription()) && is_replayed != NULL &&
		 is_replayed(paysafe_replica_subscription())))
		return fill(trigdata);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && !paysafe_store_is_active())
	{
		if (RelationGetRelid(trigdata->tg_relation) == paysafe_catalog_table(PAYSAFE_DUMPED_ROW) &&
			paysafe_dumped_take(trigdata->tg_relation, trigdata->tg_trigtuple))
			return PointerGetDatum(NULL);
		paysafe_store_forget_rules(trigdata->tg_relation, trigdata->tg_trigtuple);
		return PointerGetDatum(trigdata->tg_trigtuple);
	}
	/* a partition of the audit log speaks for the whole */
	name = get_rel_name(llast_oid(paysafe_catalog_ancestors(RelationGetRelid(trigdata->tg_relation))));
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "own_table",
					   .schema_name = "paysafe",
					   .table_name = name,
					   .message = psprintf("rows of \"paysafe.%s\" cannot be written by SQL", name),
					   .detail = "The table is evidence or configuration of paysafe: only its functions add rows, and nothing changes or removes them.",
					   .hint = "Declare, change or drop a rule with the functions of schema paysafe."
				   });
	PG_RETURN_NULL();
}
