/*-------------------------------------------------------------------------
 *
 * system_catalog.c
 *	  PostgreSQL's catalogs: who changes them by other means than commands.
 *
 * Nobody writes their rows by SQL, changes their shape, empties them, puts them above
 * or below another table; what a query writes is judged by the relations that it
 * stores to, not by those that it names: a catalog may be the child of an ordinary
 * table.  Catalogs that all databases share are kept in each of them.
 *
 * Two exceptions.  A script of an extension, which comes with the server, may write
 * rows that have nothing to do with protection: contrib's cube and seg mend pg_depend.
 * A maintenance window that names a catalog opens its rows, except paysafe's own.
 * In both cases the rows are looked at when the statement has written them: old and new
 * versions lie in the table and say which command made them, whatever that was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "guard/facts.h"
#include "guard/judge.h"
#include "guard/statements.h"
#include "guard/system_catalog.h"
#include "guard/types.h"
#include "guard/window.h"
#include "store/catalog.h"

/* What a statement has done to the rows of a catalog. */
typedef struct CatalogChange
{
	Relation	rel;
	bool		in_script;		/* or in a maintenance window */
	bool		concerns;		/* a row speaks of what must not change */
	StringInfoData before;		/* JSON arrays of rows */
	StringInfoData after;
} CatalogChange;

/* Rows */

Oid
paysafe_system_catalog_next(const QueryDesc *query, int *position)
{
	List	   *relations = query->plannedstmt->resultRelations;

	while (*position < list_length(relations))
	{
		Oid			relid = rt_fetch(list_nth_int(relations, (*position)++),
									 query->plannedstmt->rtable)->relid;

		if (OidIsValid(relid) && IsCatalogRelationOid(relid))
			return relid;
	}
	return InvalidOid;
}

/* Is it one of paysafe's own objects?  Its catalog is not known. */
static bool
is_own(Oid oid)
{
	return oid == paysafe_catalog_extension() || oid == paysafe_catalog_schema() ||
		paysafe_facts_is_own_relation(oid) ||
		paysafe_facts_in_own_schema(get_func_namespace(oid)) ||
		(OidIsValid(get_typ_typrelid(oid)) && paysafe_facts_is_own_relation(get_typ_typrelid(oid)));
}

/* Does the row of this OID come with PostgreSQL, or is it what a protected table is made of? */
static bool
is_protected(Oid catalog, Oid oid, bool of_row)
{
	if (of_row && oid < FirstNormalObjectId)
		return true;
	if ((catalog == TypeRelationId || catalog == EnumRelationId) && paysafe_types_tables(oid, true) != NIL)
		return true;
	return oid >= FirstNormalObjectId && paysafe_facts_is_protected(oid);
}

/*
 * Does the row, before or after, speak of paysafe's own objects; in a script, of
 * anything that protection stands on?
 */
static bool
concerns_protection(const CatalogChange *change, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		isnull;
		Oid			oid;

		if (att->atttypid != OIDOID && att->atttypid != REGPROCOID)
			continue;
		/* a window for pg_trigger is for the triggers of protected tables, too */
		if (!change->in_script && RelationGetRelid(change->rel) == TriggerRelationId &&
			att->attnum == Anum_pg_trigger_tgfoid)
			continue;
		oid = DatumGetObjectId(heap_getattr(tuple, att->attnum, desc, &isnull));
		if (isnull || !OidIsValid(oid))
			continue;
		if (is_own(oid) ||
			(change->in_script &&
			 is_protected(RelationGetRelid(change->rel), oid, strcmp(NameStr(att->attname), "oid") == 0)))
			return true;
	}
	return false;
}

static void
append_row(StringInfo rows, Relation rel, HeapTuple tuple)
{
	Datum		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(rel));
	char	   *json = TextDatumGetCString(DirectFunctionCall1(row_to_json, row));

	appendStringInfo(rows, "%s%s", rows->len > 1 ? ", " : "", json);
	pfree(json);
	pfree(DatumGetPointer(row));
}

/* Has this transaction made the row version, or ended it, since that command? */
static bool
was_born(HeapTupleHeader tuple, CommandId since)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple)) &&
		HeapTupleHeaderGetCmin(tuple) >= since;
}

static bool
has_died(HeapTupleHeader tuple, CommandId since)
{
	return (tuple->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(tuple)) &&
		HeapTupleHeaderGetCmax(tuple) >= since;
}

/* Look at each row of the catalog that the transaction has changed since that command. */
static void
collect(CatalogChange *change, CommandId since)
{
	TableScanDesc scan = table_beginscan(change->rel, SnapshotAny, 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		born = was_born(tuple->t_data, since);
		bool		died = has_died(tuple->t_data, since);

		if (born == died)
			continue;
		change->concerns |= concerns_protection(change, tuple);
		if (!change->in_script)
			append_row(born ? &change->after : &change->before, change->rel, tuple);
	}
	table_endscan(scan);
}

static Jsonb *
rows_of(StringInfo rows)
{
	if (rows->len == 1)
		return NULL;
	appendStringInfoChar(rows, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(rows->data)));
}

static GuardFinding
refuses_all(const GuardEvent *event)
{
	return refuse_if(true);
}

static const char by_command[] = "Use the command for it, or name the catalog in a maintenance window: paysafe.open_maintenance.";

/* What the rows that were written are found to be. */
static const GuardClass touching[] = {
	{"guard_catalog", refuses_all, false,
	"A row that was written belongs to paysafe, or says what is protected.", "Leave it as it is."},
	{NULL}
};
static const GuardClass not_open[] = {
	{"guard_catalog", refuses_all, false,
	"Rows of system catalogs say what is protected; commands change them, not UPDATE.", by_command},
	{NULL}
};

static const char *
write_name(const QueryDesc *query)
{
	switch (query->operation)
	{
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		case CMD_MERGE:
			return "MERGE";
		default:				/* a WITH clause of a SELECT */
			return "SELECT";
	}
}

void
paysafe_system_catalog_written(const QueryDesc *query, GuardFrame *frame)
{
	int			position = 0;
	Oid			relid;

	if (!paysafe_catalog_present() || paysafe_catalog_in_script())
		return;
	while (OidIsValid(relid = paysafe_system_catalog_next(query, &position)))
	{
		CatalogChange change = {.in_script = paysafe_guard_frame_is_script(frame)};
		GuardEvent	event = {
			.action = GUARD_WRITE, .class_id = RelationRelationId, .object_id = relid,
			.relation = relid, .frame = frame, .write = write_name(query)
		};

		initStringInfo(&change.before);
		initStringInfo(&change.after);
		appendStringInfoChar(&change.before, '[');
		appendStringInfoChar(&change.after, '[');
		change.rel = table_open(relid, AccessShareLock);
		collect(&change, query->estate->es_output_cid);
		table_close(change.rel, NoLock);
		if (change.concerns)
			paysafe_judge(touching, &event);
		if (!change.in_script && (change.before.len > 1 || change.after.len > 1) &&
			!paysafe_window_record_rows(relid, event.write, rows_of(&change.before),
											 rows_of(&change.after)))
			paysafe_judge(not_open, &event);
	}
}

/* Shapes */

/* Does the range variable name what came with PostgreSQL? */
static bool
names_builtin(const RangeVar *name, Oid *found)
{
	Oid			relid = name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	if (!OidIsValid(relid) || relid >= FirstNormalObjectId)
		return false;
	*found = relid;
	return true;
}

static bool
any_builtin(List *names, Oid *found)
{
	ListCell   *lc;

	foreach(lc, names)
		if (names_builtin(lfirst(lc), found))
			return true;
	return false;
}

static bool
alters_builtin(AlterTableStmt *statement, Oid *found)
{
	ListCell   *lc;

	if (names_builtin(statement->relation, found))
		return true;
	foreach(lc, statement->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if ((cmd->subtype == AT_AddInherit && names_builtin((RangeVar *) cmd->def, found)) ||
			(cmd->subtype == AT_AttachPartition && names_builtin(((PartitionCmd *) cmd->def)->name, found)))
			return true;
	}
	return false;
}

/* Tables and indexes by their names, and what hangs on a table by its table's. */
static bool
drops_builtin(DropStmt *statement, Oid *found)
{
	ListCell   *lc;
	bool		part = statement->removeType == OBJECT_TRIGGER || statement->removeType == OBJECT_RULE ||
		statement->removeType == OBJECT_POLICY;

	if (!part && statement->removeType != OBJECT_TABLE && statement->removeType != OBJECT_INDEX &&
		statement->removeType != OBJECT_VIEW)
		return false;
	foreach(lc, statement->objects)
	{
		List	   *names = list_copy(lfirst_node(List, lc));

		if (part)
			names = list_truncate(names, list_length(names) - 1);
		if (names != NIL && names_builtin(makeRangeVarFromNameList(names), found))
			return true;
	}
	return false;
}

/* The relation of PostgreSQL's that the statement gives another shape, or none. */
static Oid
reshaped(Node *statement)
{
	Oid			found = InvalidOid;
	bool		any = false;

	switch (nodeTag(statement))
	{
		case T_TruncateStmt:
			any = any_builtin(((TruncateStmt *) statement)->relations, &found);
			break;
		case T_CreateStmt:
			any = any_builtin(((CreateStmt *) statement)->inhRelations, &found);
			break;
		case T_AlterTableStmt:
			any = alters_builtin((AlterTableStmt *) statement, &found);
			break;
		case T_DropStmt:
			any = drops_builtin((DropStmt *) statement, &found);
			break;
		case T_RenameStmt:
			any = names_builtin(((RenameStmt *) statement)->relation, &found);
			break;
		case T_AlterObjectSchemaStmt:
			any = names_builtin(((AlterObjectSchemaStmt *) statement)->relation, &found);
			break;
		case T_IndexStmt:
			any = names_builtin(((IndexStmt *) statement)->relation, &found);
			break;
		case T_CreateTrigStmt:
			any = names_builtin(((CreateTrigStmt *) statement)->relation, &found);
			break;
		case T_RuleStmt:
			any = names_builtin(((RuleStmt *) statement)->relation, &found);
			break;
		case T_CreatePolicyStmt:
			any = names_builtin(((CreatePolicyStmt *) statement)->table, &found);
			break;
		case T_AlterPolicyStmt:
			any = names_builtin(((AlterPolicyStmt *) statement)->table, &found);
			break;
		case T_ViewStmt:
			any = names_builtin(((ViewStmt *) statement)->view, &found);
			break;
		case T_CopyStmt:		/* a window does not see what COPY writes */
			any = ((CopyStmt *) statement)->is_from &&
				names_builtin(((CopyStmt *) statement)->relation, &found);
			break;
		default:
			break;
	}
	return any ? found : InvalidOid;
}

/* The relation of PostgreSQL's that the event shows to be changed, or none. */
static Oid
changed_builtin(const GuardEvent *event)
{
	if (event->action == GUARD_STATEMENT)
		return reshaped(event->statement);
	if (event->action == GUARD_TRUNCATE && event->object_id < FirstNormalObjectId)
		return event->object_id;
	if (event->action == GUARD_ALTER && event->class_id == InheritsRelationId)
		return event->object_id < FirstNormalObjectId ? event->object_id :
			event->auxiliary < FirstNormalObjectId ? event->auxiliary : InvalidOid;
	if ((event->action == GUARD_ALTER || event->action == GUARD_DROP) &&
		event->class_id == RelationRelationId && event->object_id < FirstNormalObjectId &&
		!paysafe_guard_frame_is_upkeep(event->frame))
		return event->object_id;
	return InvalidOid;
}

/* The classes */

static GuardFinding
refuses_write(const GuardEvent *event)
{
	return refuse_if(event->action == GUARD_WRITE && IsCatalogRelationOid(event->relation) &&
					 !paysafe_guard_frame_is_script(event->frame));
}

static GuardFinding
refuses_shape(const GuardEvent *event)
{
	Oid			relid = changed_builtin(event);

	return refuse_for(relid, OidIsValid(relid));
}

static GuardFinding
refuses_shared(const GuardEvent *event)
{
	Oid			relid;

	if (event->action == GUARD_EXECUTE || event->action == GUARD_CREATE || paysafe_catalog_present())
		return GUARD_PASS;
	relid = event->action == GUARD_WRITE ? event->relation : changed_builtin(event);
	return refuse_for(relid, OidIsValid(relid) && IsSharedRelation(relid));
}

static GuardFinding
refuses_locked(const GuardEvent *event)
{
	Oid			relid;

	if (event->action == GUARD_EXECUTE || event->action == GUARD_CREATE ||
		paysafe_catalog_present() || paysafe_guard_frame_is_script(event->frame))
		return GUARD_PASS;
	relid = event->action == GUARD_WRITE ? event->relation : changed_builtin(event);
	return refuse_for(relid, OidIsValid(relid) &&
					  (event->action == GUARD_WRITE ? IsCatalogRelationOid(relid) : relid < FirstNormalObjectId));
}

/*
 * The publisher names the tables, whatever it is; rows that it sends are applied where
 * no hook sees them.
 */
static GuardFinding
refuses_subscription(const GuardEvent *event)
{
	Relation	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			found = InvalidOid;

	CommandCounterIncrement();
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (!OidIsValid(found) && HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_subscription_rel) GETSTRUCT(tuple))->srrelid < FirstNormalObjectId)
			found = ((Form_pg_subscription_rel) GETSTRUCT(tuple))->srrelid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return refuse_for(found, OidIsValid(found));
}

const GuardClass paysafe_system_catalog[] = {
	{"guard_catalog", refuses_write, true,
	"Rows of system catalogs say what is protected; commands change them, not UPDATE.", by_command},
	{"guard_catalog", refuses_shape, false,
	"System catalogs say what is protected: their shape stays, and nothing stands above or below them.",
	"Leave it as it is."},
	{NULL}
};

const GuardClass paysafe_system_catalog_shared[] = {
	{"guard_catalog", refuses_shared, false,
	"All databases share this catalog, those that paysafe protects too.",
	"Use the command for it: ALTER DATABASE, ALTER ROLE, GRANT."},
	{NULL}
};

const GuardClass paysafe_system_catalog_locked[] = {
	{"lockdown_catalog", refuses_locked, false,
	"Rows of system catalogs say which code runs.",
	"Use the command for it. The setting paysafe.superuser_lockdown is on."},
	{NULL}
};

const GuardClass paysafe_system_catalog_subscribed[] = {
	{"guard_catalog", refuses_subscription, false,
	"The subscription would write rows of a system catalog, which say what is protected.",
	"Leave the catalog out of the publication."},
	{NULL}
};
