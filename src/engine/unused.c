/*-------------------------------------------------------------------------
 *
 * unused.c
 *	  Tables that never had a row: nobody depends on their rules.
 *
 * That a table is empty says little: its rows may have been deleted.  So the first row
 * that is checked leaves a mark of the table (engine/row_mark.h), in its own transaction,
 * and so does a declaration on a table that has any.  Without a mark, and with no page in
 * any of its files, there never was one that counted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"

#include "engine/proposal.h"
#include "engine/row_mark.h"
#include "engine/unused.h"
#include "people/actor.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Is there a page in any table of the tree? */
static bool
has_pages(Oid relid)
{
	ListCell   *lc;

	foreach(lc, paysafe_catalog_leaves(relid))
	{
		Relation	leaf = table_open(lfirst_oid(lc), AccessShareLock);
		bool		result = leaf->rd_rel->relkind != RELKIND_RELATION || RelationGetNumberOfBlocks(leaf) > 0;

		table_close(leaf, NoLock);
		if (result)
			return true;
	}
	return false;
}

bool
paysafe_unused_frees(Oid relid)
{
	bool		committed;

	if (get_rel_relkind(relid) == '\0' || paysafe_proposal_is_open())
		return false;
	if (paysafe_store_is_test_database())
		return true;
	if (paysafe_actor_is_named())
		return false;
	return !paysafe_row_mark_is_used(relid, &committed) && !has_pages(relid);
}

void
paysafe_unused_end(RelationRules *rules)
{
	TransactionId xid = GetCurrentTransactionId();
	bool		all = true;

	if (rules->used_in == xid)
		return;					/* marked by this subtransaction, or seen there */
	for (int i = 0; i < rules->nrules; i++)
	{
		Oid			relid = rules->rules[i].declared_on;
		bool		committed = false;

		if (i > 0 && relid == rules->rules[i - 1].declared_on)
			continue;
		if (!paysafe_row_mark_is_used(relid, &committed))
			paysafe_row_mark_use(relid);
		all &= committed;
	}
	rules->used_in = xid;
	rules->used = all;
}

void
paysafe_unused_look(Oid relid)
{
	bool		committed;

	if (has_pages(relid) && !paysafe_row_mark_is_used(relid, &committed))
		paysafe_row_mark_use(relid);
}
