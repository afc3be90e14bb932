/*-------------------------------------------------------------------------
 *
 * statements.c
 *	  What the parse trees of utility statements say, for the guard.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "guard/setting.h"
#include "guard/statements.h"
#include "store/catalog.h"

bool
paysafe_guard_frame_is_upkeep(const GuardFrame *frame)
{
	return frame != NULL &&
		(IsA(frame->statement, VacuumStmt) || IsA(frame->statement, ClusterStmt) ||
		 IsA(frame->statement, ReindexStmt));
}

/*
 * What scripts are made of are their own statements, and those of DO.  What an event
 * trigger or a trigger does meanwhile is not the extension's.
 */
bool
paysafe_guard_frame_is_script(const GuardFrame *frame)
{
	if (!creating_extension)
		return false;
	while (frame != NULL && !IsA(frame->statement, CreateExtensionStmt) &&
		   !IsA(frame->statement, AlterExtensionStmt))
	{
		bool		made = frame->subcommand;

		frame = frame->outer;
		if (!made && frame != NULL && !IsA(frame->statement, DoStmt) &&
			!IsA(frame->statement, CreateExtensionStmt) && !IsA(frame->statement, AlterExtensionStmt))
			return false;
	}
	return frame != NULL && DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) == 0;
}

bool
paysafe_guard_is_plain(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ExecuteStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
			return true;
		case T_TransactionStmt:
			return ((const TransactionStmt *) statement)->kind != TRANS_STMT_PREPARE;
		default:
			return false;
	}
}

/* Is the expression column::type and nothing else? */
static bool
is_plain_cast(Node *expression, const char *column)
{
	ColumnRef  *ref;

	if (!IsA(expression, TypeCast) || !IsA(((TypeCast *) expression)->arg, ColumnRef))
		return false;
	ref = (ColumnRef *) ((TypeCast *) expression)->arg;
	return list_length(ref->fields) == 1 && IsA(linitial(ref->fields), String) &&
		strcmp(strVal(linitial(ref->fields)), column) == 0;
}

static Retyping
retyping_by(AlterTableCmd *cmd, const char *column)
{
	ColumnDef  *def;

	if (cmd->name == NULL || strcmp(cmd->name, column) != 0)
		return RETYPED_NOT;
	if (sets_expression_compat(cmd))
		return RETYPED_COMPUTED;
	if (cmd->subtype != AT_AlterColumnType)
		return RETYPED_NOT;
	def = (ColumnDef *) cmd->def;
	if (def->raw_default == NULL)
		return RETYPED_ASSIGNED;
	return is_plain_cast(def->raw_default, column) ? RETYPED_CAST : RETYPED_COMPUTED;
}

/*
 * The statement that this one was made of, or NULL.  A statement that a function,
 * trigger or event trigger runs within another one is its own.
 */
static const GuardFrame *
made_of(const GuardFrame *frame)
{
	return frame->subcommand ? frame->outer : NULL;
}

Retyping
paysafe_guard_frame_retypes(const GuardFrame *frame, const char *column)
{
	Retyping	result = RETYPED_NOT;

	for (; frame != NULL; frame = made_of(frame))
	{
		ListCell   *lc;

		if (!IsA(frame->statement, AlterTableStmt))
			continue;
		foreach(lc, ((AlterTableStmt *) frame->statement)->cmds)
			result = Max(result, retyping_by(lfirst(lc), column));
	}
	return result;
}

bool
paysafe_guard_retypes(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
		if (((AlterTableCmd *) lfirst(lc))->subtype == AT_AlterColumnType ||
			sets_expression_compat(lfirst(lc)))
			return true;
	return false;
}

int
paysafe_guard_shortens(const AlterTableCmd *cmd)
{
	ColumnDef  *def = (ColumnDef *) cmd->def;
	Type		type;
	int32		typmod;
	Oid			base;

	if (cmd->subtype != AT_AlterColumnType || def->raw_default != NULL)
		return -1;
	type = LookupTypeName(NULL, def->typeName, &typmod, true);
	if (type == NULL)
		return -1;
	base = getBaseTypeAndTypmod(typeTypeId(type), &typmod);
	ReleaseSysCache(type);
	return base == VARCHAROID && typmod >= 0 ? typmod - VARHDRSZ : -1;
}

bool
paysafe_guard_frame_removes_table(const GuardFrame *frame)
{
	for (; frame != NULL; frame = made_of(frame))
	{
		ListCell   *lc;

		if (IsA(frame->statement, DropStmt))
		{
			ObjectType	type = ((DropStmt *) frame->statement)->removeType;

			if (type == OBJECT_TABLE || type == OBJECT_SCHEMA)
				return true;
		}
		if (!IsA(frame->statement, AlterTableStmt))
			continue;
		foreach(lc, ((AlterTableStmt *) frame->statement)->cmds)
			switch (((AlterTableCmd *) lfirst(lc))->subtype)
			{
				case AT_DetachPartition:
				case AT_DetachPartitionFinalize:
					return true;
				default:
					break;
			}
	}
	return false;
}

/*
 * Such a list of commands drops constraints and adds others.  What else changes columns
 * would do so while no key is there that they are part of.
 */
static const Constraint *
key_added_by(const AlterTableStmt *statement)
{
	const Constraint *result = NULL;
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		const AlterTableCmd *cmd = lfirst(lc);
		const Constraint *constraint = (const Constraint *) cmd->def;

		if (cmd->subtype == AT_DropConstraint)
			continue;
		if (cmd->subtype != AT_AddConstraint || !IsA(constraint, Constraint))
			return NULL;
		if (constraint->contype == CONSTR_PRIMARY)
			result = constraint;
	}
	return result;
}

const Constraint *
paysafe_guard_frame_replaces_key(const GuardFrame *frame)
{
	const Constraint *result = NULL;

	for (; frame != NULL && result == NULL; frame = made_of(frame))
		if (IsA(frame->statement, AlterTableStmt))
			result = key_added_by((const AlterTableStmt *) frame->statement);
	return result;
}

bool
paysafe_guard_frame_renames_label(const GuardFrame *frame)
{
	return frame != NULL && IsA(frame->statement, AlterEnumStmt) &&
		((AlterEnumStmt *) frame->statement)->oldVal != NULL;
}

Oid
paysafe_guard_detached_concurrently(Node *statement)
{
	AlterTableStmt *alter = (AlterTableStmt *) statement;
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return InvalidOid;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_DetachPartitionFinalize ||
			(cmd->subtype == AT_DetachPartition && ((PartitionCmd *) cmd->def)->concurrent))
			return RangeVarGetRelidExtended(alter->relation, ShareUpdateExclusiveLock,
											RVR_MISSING_OK, RangeVarCallbackOwnsRelation, NULL);
	}
	return InvalidOid;
}

bool
paysafe_guard_membership(Node *statement, ObjectAddress *object)
{
	Relation	rel = NULL;

	if (IsA(statement, AlterExtensionContentsStmt))
	{
		AlterExtensionContentsStmt *alter = (AlterExtensionContentsStmt *) statement;

		if (strcmp(alter->extname, "paysafe") == 0)
			ObjectAddressSet(*object, ExtensionRelationId, paysafe_catalog_extension());
		else
			*object = get_object_address(alter->objtype, alter->object, &rel,
										 AccessShareLock, true);
	}
	else if (IsA(statement, AlterObjectDependsStmt))
	{
		AlterObjectDependsStmt *alter = (AlterObjectDependsStmt *) statement;

		*object = get_object_address_rv(alter->objectType, alter->relation,
										(List *) alter->object, &rel,
										AccessShareLock, true);
	}
	else
		return false;
	if (rel != NULL)
		table_close(rel, NoLock);
	return OidIsValid(object->objectId);
}

bool
paysafe_guard_joins_extension(Node *statement)
{
	return IsA(statement, AlterExtensionContentsStmt) &&
		((AlterExtensionContentsStmt *) statement)->action > 0;
}

Oid
paysafe_guard_altered_table(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return InvalidOid;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
		if (((AlterTableCmd *) lfirst(lc))->subtype != AT_AttachPartition)
			return RangeVarGetRelid(((AlterTableStmt *) statement)->relation, NoLock, true);
	return InvalidOid;
}

/* Are these objects of a GRANT functions of paysafe, or settings of the server? */
static bool
grants_power(const GrantStmt *grant)
{
	ListCell   *lc;

	if (grant->objtype == OBJECT_PARAMETER_ACL)
		return true;
	foreach(lc, grant->objects)
	{
		Node	   *object = lfirst(lc);

		if (IsA(object, ObjectWithArgs))
		{
			List	   *name = ((ObjectWithArgs *) object)->objname;
			char	   *schema;
			char	   *function;

			DeconstructQualifiedName(name, &schema, &function);
			if (schema == NULL || strcmp(schema, "paysafe") == 0)
				return true;
		}
		else if (IsA(object, String) && strcmp(strVal(object), "paysafe") == 0)
			return true;
	}
	return false;
}

bool
paysafe_guard_gives_power(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
		case T_AlterSystemStmt:
		case T_AlterDatabaseSetStmt:
		case T_ReassignOwnedStmt:
			/* code that would run in the name of who runs this now */
		case T_CreateFunctionStmt:
		case T_AlterFunctionStmt:
		case T_CreateEventTrigStmt:
		case T_CreateExtensionStmt:
		case T_CreatePLangStmt:
		case T_LoadStmt:
			/* what the client runs by its name, or COMMIT does, when the function has ended */
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
			return true;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) statement)->objectType == OBJECT_FUNCTION ||
				((AlterOwnerStmt *) statement)->objectType == OBJECT_PROCEDURE ||
				((AlterOwnerStmt *) statement)->objectType == OBJECT_ROUTINE;
		case T_CopyStmt:
			return ((CopyStmt *) statement)->is_program;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_ROLE;
		case T_GrantStmt:
			return grants_power((GrantStmt *) statement);
		default:
			return false;
	}
}

bool
paysafe_guard_drops_extension(Node *statement, const char *name)
{
	ListCell   *lc;

	if (!IsA(statement, DropStmt) || ((DropStmt *) statement)->removeType != OBJECT_EXTENSION)
		return false;
	foreach(lc, ((DropStmt *) statement)->objects)
		if (strcmp(strVal(lfirst(lc)), name) == 0)
			return true;
	return false;
}

bool
paysafe_guard_any_setting(Node *statement, SettingVisitor visitor)
{
	VariableSetStmt *set = NULL;
	List	   *options = NIL;
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_VariableSetStmt:
			set = (VariableSetStmt *) statement;
			break;
		case T_AlterRoleSetStmt:
			set = ((AlterRoleSetStmt *) statement)->setstmt;
			break;
		case T_AlterDatabaseSetStmt:
			set = ((AlterDatabaseSetStmt *) statement)->setstmt;
			break;
		case T_AlterSystemStmt:
			set = ((AlterSystemStmt *) statement)->setstmt;
			break;
		case T_CreateFunctionStmt:
			options = ((CreateFunctionStmt *) statement)->options;
			break;
		case T_AlterFunctionStmt:
			options = ((AlterFunctionStmt *) statement)->actions;
			break;
		case T_GrantStmt:
			if (((GrantStmt *) statement)->objtype == OBJECT_PARAMETER_ACL &&
				((GrantStmt *) statement)->is_grant)
				foreach(lc, ((GrantStmt *) statement)->objects)
					if (visitor(strVal(lfirst(lc)), NULL))
						return true;
			return false;
		default:
			return false;
	}
	foreach(lc, options)
	{
		DefElem    *option = lfirst(lc);

		if (strcmp(option->defname, "set") == 0 &&
			((VariableSetStmt *) option->arg)->name != NULL &&
			visitor(((VariableSetStmt *) option->arg)->name, (VariableSetStmt *) option->arg))
			return true;
	}
	return set != NULL && visitor(set->name ? set->name : "all", set);
}

char *
paysafe_guard_setting_value(VariableSetStmt *set)
{
	switch (set->kind)
	{
		case VAR_SET_VALUE:
			return ExtractSetVariableArgs(set);
		case VAR_SET_CURRENT:
			return GetConfigOptionByName(set->name, NULL, true);
		default:
			return NULL;
	}
}

static bool
weakens(const char *name, VariableSetStmt *set)
{
	char	   *value;

	/* granted: whatever the value will be, and "on" and "replica" are among them */
	if (set == NULL)
		return paysafe_setting_weakens(name, "on") || paysafe_setting_weakens(name, "replica");
	value = paysafe_guard_setting_value(set);
	return value != NULL && paysafe_setting_weakens(name, value);
}

bool
paysafe_guard_weakens_setting(Node *statement)
{
	return paysafe_guard_any_setting(statement, weakens);
}
