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
 *	- the statement computes it from the value that the row has, whichever branch
 *	  of an expression is taken;
 *	- the statement changes only rows that still have the value that was read, or the
 *	  version that was, which it advances (optimistic locks);
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

#include <ctype.h>

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "replication/logicalworker.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/declare.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/row_lock/row_lock_state.h"
#include "rules/row_lock/row_lock_statement.h"
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

/* The digits of a UUID that is kept as text, with its dashes or without */
static bool
uuid_digits(Datum value, char digits[32])
{
	text	   *kept = DatumGetTextPP(value);
	const char *at = VARDATA_ANY(kept);
	int			len = VARSIZE_ANY_EXHDR(kept);
	int			n = 0;

	if (len != 32 && len != 36)
		return false;
	for (int i = 0; i < len; i++)
	{
		if (len == 36 && (i == 8 || i == 13 || i == 18 || i == 23))
		{
			if (at[i] != '-')
				return false;
			continue;
		}
		if (!isxdigit((unsigned char) at[i]))
			return false;
		digits[n++] = pg_ascii_tolower((unsigned char) at[i]);
	}
	return true;
}

/*
 * Another UUID?  Of text nothing else is a version, and under a collation that
 * takes texts for equal which are not, nothing at all.
 */
static bool
is_another_uuid(Oid collation, Datum before, Datum after)
{
	char		was[32];
	char		is[32];

	return get_collation_isdeterministic(collation) && uuid_digits(before, was) &&
		uuid_digits(after, is) && memcmp(was, is, sizeof(is)) != 0;
}

/* Has the version been advanced, in the way of its type? */
static bool
has_advanced(Oid type, Oid collation, Datum before, Datum after)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(after) == DatumGetInt16(before) + 1;
		case INT4OID:
			return DatumGetInt32(after) == (int64) DatumGetInt32(before) + 1;
		case INT8OID:
			return DatumGetInt64(before) != PG_INT64_MAX &&
				DatumGetInt64(after) == DatumGetInt64(before) + 1;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return DatumGetInt64(after) > DatumGetInt64(before);
		case NUMERICOID:
			return DatumGetInt32(DirectFunctionCall2(numeric_cmp, after, before)) > 0;
		case UUIDOID:
		case BYTEAOID:
			return true;		/* in no order: another one will do */
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return is_another_uuid(collation, before, after);
		default:
			return false;		/* a status, for instance, says nothing of other columns */
	}
}

static bool
is_guarded(const RowLockState *state, AttrNumber attnum)
{
	for (int i = 0; i < state->n; i++)
		if (state->attnums[i] == attnum)
			return true;
	return false;
}

/* Does it identify the row, for foreign keys for instance? */
static bool
is_key(Relation rel, AttrNumber attnum)
{
	Bitmapset  *keys = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_KEY);
	bool		result = bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, keys);

	bms_free(keys);
	return result;
}

/* Is it a column of the rule of a status machine? */
static bool
is_status(const RowChange *change, const char *column)
{
	ListCell   *lc;

	foreach(lc, change->rules->sources)
	{
		const RuleSource *source = lfirst(lc);
		char	   *status = strcmp(source->name, "status") == 0 ?
			paysafe_spec_optional_text(source->spec, "status_column") : NULL;

		if (status != NULL && strcmp(status, column) == 0)
			return true;
	}
	return false;
}

/* Has the change advanced the version that the row was compared by? */
static bool
advances(const RowLockState *state, const RowChange *change, const char *version)
{
	TupleDesc	desc = RelationGetDescr(change->rel);
	AttrNumber	attnum = get_attnum(RelationGetRelid(change->rel), version);
	Form_pg_attribute attr;
	Datum		before;
	Datum		after;
	bool		isnull;
	bool		was_null;

	/* PostgreSQL's own version: any change is another xmin */
	if (attnum < 0)
		return strcmp(version, "xmin") == 0;
	if (attnum == 0 || is_guarded(state, attnum) || is_key(change->rel, attnum) || is_status(change, version) ||
		paysafe_row_key_same_column(desc, attnum, change->before, change->after))
		return false;
	before = slot_getattr(change->before, attnum, &was_null);
	after = slot_getattr(change->after, attnum, &isnull);
	attr = TupleDescAttr(desc, attnum - 1);
	return !isnull && !was_null &&
		has_advanced(getBaseType(attr->atttypid), attr->attcollation, before, after);
}

/* Was the row compared by the value itself, or by a version that the change advances? */
static bool
is_compared(const RowLockState *state, const RowChange *change, const char *column, List *compared)
{
	ListCell   *lc;

	foreach(lc, compared)
		if (strcmp(strVal(lfirst(lc)), column) == 0 || advances(state, change, strVal(lfirst(lc))))
			return true;
	return false;
}

/* Does the statement overwrite the changed column whatever it was? */
static bool
is_overwritten(const RowLockState *state, int n, const RowChange *change, bool *watched)
{
	PlanVerdict verdict = paysafe_row_lock_statement_verdict(change->rel, state->attnums[n],
															 state->names[n], watched);

	switch (verdict.assignment)
	{
		case ASSIGN_NONE:
			return false;
		case ASSIGN_COMPUTED:
			return verdict.null_branch && slot_attisnull(change->after, state->attnums[n]);
		case ASSIGN_ABSOLUTE:
			return !is_compared(state, change, state->names[n], verdict.compared);
		case ASSIGN_UNKNOWN:
			break;
	}
	/* another rule moves a balance, or no hook saw the statement */
	return !paysafe_row_update_is_running(RelationGetRelid(change->rel));
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
		if (!paysafe_row_key_same_column(desc, state->attnums[i], change->before, change->after) &&
			is_overwritten(state, i, change, &watched))
			column = state->names[i];
	if (column == NULL || was_ours(change) ||
		(!change->moved && paysafe_row_lock_statement_found_locked(RelationGetRelid(change->rel), &change->before->tts_tid)))
		return;
	paysafe_rule_refuse(rule, ERRCODE_23M04_LOST_UPDATE, column,
					  psprintf("column \"%s\" of table \"%s\" is overwritten without a lock on the row",
							   column, rule->table_name),
					  psprintf("Row \"%s\": %s.",
							   paysafe_row_key_text(&change->rules->key, desc, change->before),
							   watched ? "the new value does not depend on the present one, which another transaction may have changed since it was read" :
							   "this statement has loaded paysafe into the session, too late to see how the value came about or whether the row was locked FOR NO KEY UPDATE; preload it"),
					  psprintf("Lock the row before you read it (SELECT ... FOR UPDATE, in Django select_for_update()), let the UPDATE compute it (SET %s = %s + ..., in Django F('%s') + ...), or change it only if it is as you read it (WHERE %s = ..., or WHERE version = ... of a version that the UPDATE advances).",
							   column, column, column, column));
}

static char *
describe(const char *name, Oid reference, Jsonb *spec)
{
	return psprintf("%s only by who has locked the row, or computed from what it has",
					paysafe_strings_join(paysafe_spec_set(spec, "columns")));
}

const RuleKind paysafe_row_lock_kind = {
	.name = "row_lock",
	.fields = (const SpecField[])
	{
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

	paysafe_argument_required(fcinfo, 0, "relation");
	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "columns")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_set(&spec, "columns", columns);
	paysafe_declare_add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(0), "row_lock", InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
