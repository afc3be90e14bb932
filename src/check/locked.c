/*-------------------------------------------------------------------------
 *
 * locked.c
 *	  Which row it is that somebody waits for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/refusal.h"
#include "values/row_key.h"

/* The key of the row version at the place, if the snapshot sees it; NULL if it does not. */
static char *
key_at(Relation rel, ItemPointer tid)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	char	   *key = NULL;

	if (ItemPointerIsValid(tid) &&
		ItemPointerGetBlockNumberNoCheck(tid) < RelationGetNumberOfBlocks(rel) &&
		table_tuple_fetch_row_version(rel, tid, GetActiveSnapshot(), slot))
	{
		RowKey		row_key;

		row_key.n = paysafe_row_key_columns(rel, &row_key.attnums);
		if (row_key.n > 0)
			key = paysafe_refusal_value(paysafe_row_key_text(&row_key, RelationGetDescr(rel), slot));
	}
	ExecDropSingleTupleTableSlot(slot);
	return key;
}

PG_FUNCTION_INFO_V1(paysafe_row_key_at);

/*
 * row_key_at(relation regclass, place tid) returns text
 *
 * NULL if there is none, or the caller may not read it.  Takes AccessShareLock, which is
 * given back; a table that somebody has locked is not waited for.
 */
Datum
paysafe_row_key_at(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ItemPointer tid = (ItemPointer) PG_GETARG_POINTER(1);
	Relation	rel;
	char	   *key = NULL;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		PG_RETURN_NULL();
	rel = try_relation_open(relid, NoLock);
	if (rel != NULL)
	{
		if (rel->rd_rel->relkind == RELKIND_RELATION &&
			pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
			check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED)
			key = key_at(rel, tid);
		relation_close(rel, NoLock);
	}
	UnlockRelationOid(relid, AccessShareLock);
	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}
