/*-------------------------------------------------------------------------
 *
 * row_lock.c
 *	  The lost-update guard: who writes a value that was read earlier must have
 *	  locked the row.
 *
 * At READ COMMITTED, "read 100, write 150" overwrites what others committed in
 * between.  A changed value of a guarded column is accepted if
 *
 *	- the transaction sees one snapshot: PostgreSQL itself raises 40001;
 *	- the transaction wrote the row before, so that nobody else can have;
 *	- it locked the row before, FOR UPDATE or FOR NO KEY UPDATE;
 *	- the statement computes it from the value that the row has;
 *	- the statement does not set it: a trigger of the table does.
 *
 * FOR UPDATE is read off the old version: an UPDATE of a row that its transaction
 * has locked more strongly than it needs keeps the stronger lock's mark
 * (HEAP_KEYS_UPDATED; compute_new_xmax_infomask in heapam.c), and only a change
 * of a key takes a lock as strong by itself.  For the rest see row_lock_plan.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/xact.h"
#include "fmgr.h"
#include "replication/logicalworker.h"
#include "utils/relcache.h"

#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/row_lock/row_lock.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/row_update.h"
#include "values/spec.h"

static void *
compile(const CompileInput *input)
{
	RowLockState *state;
	List	   *columns;
	ListCell   *lc;

	if (input->as_reference)
		return NULL;
	state = palloc0(sizeof(RowLockState));
	columns = paysafe_spec_set(input->source->spec, "columns");
	state->attnums = palloc(sizeof(AttrNumber) * list_length(columns));
	state->names = palloc(sizeof(char *) * list_length(columns));
	foreach(lc, columns)
	{
		state->attnums[state->n] = paysafe_catalog_column(input->leaf, lfirst(lc));
		state->names[state->n++] = lfirst(lc);
	}
	return state;
}

/* Does the UPDATE assign a column that makes it take the strongest lock? */
static bool
assigns_key(const RowChange *change)
{
	Bitmapset  *keys = RelationGetIndexAttrBitmap(change->rel, INDEX_ATTR_BITMAP_KEY);
	bool		result = change->assigned == NULL || bms_overlap(keys, change->assigned);
	int			bit = -1;

	while (!result && (bit = bms_next_member(keys, bit)) >= 0)
	{
		AttrNumber	attnum = bit + FirstLowInvalidHeapAttributeNumber;

		/* a BEFORE trigger may have changed it */
		result = attnum > 0 &&
			!paysafe_row_key_same_column(RelationGetDescr(change->rel), attnum, change->before, change->after);
	}
	bms_free(keys);
	return result;
}

/* Was the old version written or locked FOR UPDATE by this transaction before? */
static bool
was_ours(const RowChange *change)
{
	bool		should_free;
	HeapTuple	tuple;
	HeapTupleHeaderData header;

	if (change->moved)
		return false;			/* a copy, and its DELETE took the strongest lock */
	tuple = ExecFetchSlotHeapTuple(change->before, false, &should_free);
	memcpy(&header, tuple->t_data, SizeofHeapTupleHeader);
	if (should_free)
		heap_freetuple(tuple);
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(&header)))
		return true;
	if (assigns_key(change))
		return false;
	if ((header.t_infomask & HEAP_XMAX_IS_MULTI) != 0)
	{
		/* locked outside a savepoint, changed inside */
		MultiXactMember *members;
		int			n = GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(&header), &members, false, false);

		for (int i = 0; i < n; i++)
			if (members[i].status == MultiXactStatusForUpdate &&
				TransactionIdIsCurrentTransactionId(members[i].xid))
				return true;
		return false;
	}
	return (header.t_infomask2 & HEAP_KEYS_UPDATED) != 0;
}

static void
check_row(const Rule *rule, const RowChange *change)
{
	const RowLockState *state = rule->compiled;
	TupleDesc	desc = RelationGetDescr(change->rel);
	const char *column = NULL;
	bool		watched = true;

	if (change->op != 'U' || IsolationUsesXactSnapshot() || IsLogicalWorker())
		return;
	for (int i = 0; i < state->n && column == NULL; i++)
	{
		if (paysafe_row_key_same_column(desc, state->attnums[i], change->before, change->after))
			continue;
		switch (paysafe_row_lock_assignment(change->rel, state->names[i], &watched))
		{
			case ASSIGN_NONE:
			case ASSIGN_COMPUTED:
				break;
			case ASSIGN_ABSOLUTE:
				column = state->names[i];
				break;
			case ASSIGN_UNKNOWN:
				/* another rule moves a balance, or no hook saw the statement */
				if (!paysafe_row_update_is_running(RelationGetRelid(change->rel)))
					column = state->names[i];
				break;
		}
	}
	if (column == NULL || was_ours(change) ||
		(!change->moved && paysafe_row_lock_was_locked(RelationGetRelid(change->rel), &change->before->tts_tid)))
		return;
	paysafe_rule_refuse(rule, ERRCODE_23M04_LOST_UPDATE, column,
					  psprintf("column \"%s\" of table \"%s\" is overwritten without a lock on the row",
							   column, rule->table_name),
					  psprintf("Row \"%s\": %s.",
							   paysafe_row_key_text(&change->rules->key, desc, change->before),
							   watched ? "the new value does not depend on the present one, which another transaction may have changed since it was read" :
							   "this statement has loaded paysafe into the session, too late to see how the value came about or whether the row was locked FOR NO KEY UPDATE; preload it"),
					  psprintf("Lock the row before you read it (SELECT ... FOR UPDATE, in Django select_for_update()), or let the UPDATE compute it (SET %s = %s + ..., in Django F('%s') + ...).",
							   column, column, column));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("%s only by who has locked the row, or computed from what it has",
					paysafe_strings_join(paysafe_spec_set(spec, "columns")));
}

const RuleKind paysafe_row_lock_kind = {
	.name = "row_lock",
	.fields = (const SpecField[]) {
		{"columns", SPEC_COLUMNS, .loosens = SPEC_REMOVE, .unseen = true},
		{NULL}
	},
	.compile = compile,
	.check_row = check_row,
	.describe = describe
};

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_protect_row_lock);

/*
 * protect_row_lock(relation, columns name[]) returns void
 */
Datum
paysafe_protect_row_lock(PG_FUNCTION_ARGS)
{
	List	   *columns = paysafe_declare_set_argument(fcinfo, 1, "columns");
	SpecBuilder spec;

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "columns")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "columns", columns);
	paysafe_declare(PG_GETARG_OID(0), "row_lock", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
