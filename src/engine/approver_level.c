/*-------------------------------------------------------------------------
 *
 * approver_level.c
 *	  How well who approves changes of rules must be known.
 *
 * A claim of an application is enough to open a window, or to loosen a rule, unless the
 * database demands more: a row of paysafe.approver_setting, of which the last one counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"

#include "engine/approver_level.h"
#include "store/catalog.h"
#include "store/own_table.h"

typedef struct Setting
{
	int64		id;
	IdentityLevel level;
} Setting;

static bool
note_setting(Relation rel, HeapTuple tuple, void *arg)
{
	Setting    *setting = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int64		id = DatumGetInt64(heap_getattr(tuple, APPROVER_SETTING_ID + 1, desc, &isnull));
	char	   *identity = paysafe_store_text(tuple, desc, APPROVER_SETTING_IDENTITY);

	if (id <= setting->id)
		return true;
	setting->id = id;
	setting->level = paysafe_identity_parse(identity);
	/* a level that only a later version knows is not less than any of ours */
	if (identity != NULL && setting->level == IDENTITY_NONE)
		setting->level = IDENTITY_PASSKEY;
	return true;
}

IdentityLevel
paysafe_approver_level(void)
{
	Setting		setting = {0};

	if (!paysafe_store_is_empty(PAYSAFE_APPROVER_SETTING))
		paysafe_store_scan(PAYSAFE_APPROVER_SETTING, NULL, 0, NULL, note_setting, &setting);
	return setting.level;
}
