/*-------------------------------------------------------------------------
 *
 * validate_part.c
 *	  Which parts of a table have been looked at by a rule, and which are left.
 *
 * A large table is looked at in ranges of blocks, each in a transaction of its own, and
 * goes on from there after an error, a cancel or a crash.  What makes that exact:
 *
 *	  - Whatever is written after the declaration meets the rule.  But a change that leaves what is
 *		wrong with a row as it was is none that the rule refuses, and puts the row somewhere else:
 *		perhaps into a part that was looked at before it came.  So while a rule waits to be
 *		looked at, the row trigger asks of each changed row what would be asked there, and
 *		notes the block of one that is wrong still.  These blocks are looked at once more at the end.
 *	  - The end reads with one snapshot, taken before the notes are read: a change whose note is
 *		not there yet has not happened for it either, so the row is found where it was, in a block that
 *		was noted by the change before, or is looked at for the first time.
 *	  - A part holds as long as its table, its triggers and those of the reference are what they
 *		were (table_stamp.h), and the rule has the same version.
 *
 * Rows of dumps are left out: their blocks would be others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "engine/table_stamp.h"
#include "engine/validate_part.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* Columns of paysafe.validation_part. */
enum
{
	PART_RELATION, PART_RULE, PART_VERSION, PART_LEAF, PART_AGAIN, PART_STAMP, PART_UNTIL,
	PART_ACCEPTED, PART_AT,
	PART_NCOLUMNS
};

/* How far one table has been looked at. */
typedef struct LeafDone
{
	Oid			leaf;
	uint64		stamp;
	BlockNumber until;			/* InvalidBlockNumber: to the end */
} LeafDone;

typedef struct Parts
{
	List	   *done;			/* of LeafDone */
	List	   *again;			/* of ExistingPart */
	List	   *accepted;		/* bytea * */
} Parts;

static const Rule *
find_rule(const RelationRules *rules, const RuleSource *source)
{
	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].declared_on == source->relation && strcmp(rules->rules[i].name, source->name) == 0)
			return &rules->rules[i];
	return NULL;
}

static bool
is_in_parts(const Rule *rule)
{
	return rule->trouble == NULL && rule->kind->check_existing != NULL &&
		rule->kind->in_parts != NULL && rule->kind->in_parts(rule);
}

bool
paysafe_validate_part_is_possible(const RuleSource *source)
{
	bool		possible = source->unvalidated;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(source->relation, NoLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		const Rule *rule = find_rule(paysafe_rules_of(rel), source);

		if (rule != NULL)
			possible = possible && is_in_parts(rule);
		table_close(rel, NoLock);
	}
	return possible;
}

/*
 * Reading
 */

static void
collect_accepted(Datum array, List **accepted)
{
	Datum	   *digests;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), BYTEAOID, -1, false, TYPALIGN_INT, &digests, NULL, &n);
	for (int i = 0; i < n; i++)
		*accepted = lappend(*accepted, DatumGetByteaPCopy(digests[i]));
}

static bool
collect_part(Relation rel, HeapTuple tuple, void *arg)
{
	Parts	   *parts = arg;
	Datum		values[PART_NCOLUMNS];
	bool		nulls[PART_NCOLUMNS];
	LeafDone   *done;
	ExistingPart *again;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (!nulls[PART_AGAIN])
	{
		again = palloc(sizeof(ExistingPart));
		again->leaf = DatumGetObjectId(values[PART_LEAF]);
		again->from = (BlockNumber) DatumGetInt64(values[PART_AGAIN]);
		again->until = again->from + 1;
		parts->again = lappend(parts->again, again);
		return true;
	}
	done = palloc(sizeof(LeafDone));
	done->leaf = DatumGetObjectId(values[PART_LEAF]);
	done->stamp = (uint64) DatumGetInt64(values[PART_STAMP]);
	done->until = nulls[PART_UNTIL] ? InvalidBlockNumber : (BlockNumber) DatumGetInt64(values[PART_UNTIL]);
	parts->done = lappend(parts->done, done);
	if (!nulls[PART_ACCEPTED])
		collect_accepted(values[PART_ACCEPTED], &parts->accepted);
	return true;
}

/* What the rows of the leaf, looked at now, would hold by. */
static uint64
stamp_of(const RuleSource *rule, Oid leaf)
{
	uint64		stamp = paysafe_table_stamp_number(0, GetSystemIdentifier());
	ListCell   *lc;

	stamp = paysafe_table_stamp_number(stamp, MyDatabaseId);
	stamp = paysafe_table_stamp(stamp, leaf);
	foreach(lc, OidIsValid(rule->reference) ? find_all_inheritors(rule->reference, NoLock, NULL) : NIL)
		stamp = paysafe_table_stamp(stamp, lfirst_oid(lc));
	return stamp;
}

/* How far the table has been looked at: InvalidBlockNumber is to the end. */
static BlockNumber
done_until(const Parts *parts, Oid leaf, uint64 stamp)
{
	BlockNumber until = 0;
	ListCell   *lc;

	foreach(lc, parts->done)
	{
		const LeafDone *done = lfirst(lc);

		/* to the end is the largest number */
		if (done->leaf == leaf && done->stamp == stamp)
			until = Max(until, done->until);
	}
	return until;
}

/* What is left of one table, at most so many blocks (0: all); NULL: nothing. */
static ExistingPart *
left_of(const RuleSource *rule, const Parts *parts, Oid leaf, int64 blocks)
{
	Relation	rel = table_open(leaf, NoLock);
	ExistingPart *part = NULL;
	BlockNumber from;

	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		from = done_until(parts, leaf, stamp_of(rule, leaf));
		if (from != InvalidBlockNumber)
		{
			part = palloc(sizeof(ExistingPart));
			part->leaf = leaf;
			part->from = from;
			part->until = blocks == 0 || rel->rd_tableam->scan_set_tidrange == NULL ||
				from + blocks >= RelationGetNumberOfBlocks(rel) ? InvalidBlockNumber : from + blocks;
		}
	}
	table_close(rel, NoLock);
	return part;
}

void
paysafe_validate_part_left(const RuleSource *rule, int64 blocks, PartsLeft *out)
{
	Parts		parts = {0};
	Datum		keys[3] = {ObjectIdGetDatum(rule->relation), CStringGetTextDatum(rule->name), Int32GetDatum(rule->version)};
	ListCell   *lc;

	*out = (PartsLeft) {.last = true};
	paysafe_store_scan(PAYSAFE_VALIDATION_PART, "validation_part_leaf", 3, keys, collect_part, &parts);
	out->accepted = parts.accepted;
	foreach(lc, find_all_inheritors(rule->relation, NoLock, NULL))
	{
		ExistingPart *part = left_of(rule, &parts, lfirst_oid(lc), blocks);

		if (part == NULL)
			continue;
		out->parts = lappend(out->parts, part);
		if (blocks > 0)
		{
			out->last = false;
			return;
		}
	}
	out->parts = list_concat(out->parts, parts.again);
}

/*
 * Writing
 */

static void
add_row(const RuleSource *rule, Oid leaf, int64 again, uint64 stamp, BlockNumber until, List *accepted)
{
	Datum		values[PART_NCOLUMNS];
	bool		nulls[PART_NCOLUMNS] = {0};
	Datum	   *digests = palloc(sizeof(Datum) * Max(list_length(accepted), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, accepted)
		digests[n++] = PointerGetDatum(lfirst(lc));
	values[PART_RELATION] = ObjectIdGetDatum(rule->relation);
	values[PART_RULE] = CStringGetTextDatum(rule->name);
	values[PART_VERSION] = Int32GetDatum(rule->version);
	values[PART_LEAF] = ObjectIdGetDatum(leaf);
	nulls[PART_AGAIN] = again < 0;
	values[PART_AGAIN] = Int64GetDatum(again);
	nulls[PART_STAMP] = again >= 0;
	values[PART_STAMP] = Int64GetDatum((int64) stamp);
	nulls[PART_UNTIL] = again >= 0 || until == InvalidBlockNumber;
	values[PART_UNTIL] = Int64GetDatum(until);
	nulls[PART_ACCEPTED] = n == 0;
	values[PART_ACCEPTED] = PointerGetDatum(construct_array(digests, n, BYTEAOID, -1, false, TYPALIGN_INT));
	values[PART_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_VALIDATION_PART, values, nulls);
}

void
paysafe_validate_part_done(const RuleSource *rule, const ExistingPart *part, List *accepted)
{
	add_row(rule, part->leaf, -1, stamp_of(rule, part->leaf), part->until, accepted);
}

typedef struct Forgotten
{
	Oid			relation;
	const char *rule;
} Forgotten;

static bool
is_forgotten(Relation rel, HeapTuple tuple, void *arg)
{
	const Forgotten *forgotten = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	return DatumGetObjectId(heap_getattr(tuple, PART_RELATION + 1, desc, &isnull)) == forgotten->relation &&
		strcmp(paysafe_store_text(tuple, desc, PART_RULE), forgotten->rule) == 0;
}

void
paysafe_validate_part_forget(Oid relation, const char *rule)
{
	Forgotten	forgotten = {relation, rule};

	if (!paysafe_store_is_empty(PAYSAFE_VALIDATION_PART))
		(void) paysafe_store_expire(PAYSAFE_VALIDATION_PART, is_forgotten, &forgotten);
}

/*
 * Following
 */

static bool
note_found(Relation rel, HeapTuple tuple, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* The block is looked at again; once is enough for many rows. */
static void
note_block(const RuleSource *source, Oid leaf, BlockNumber block)
{
	Datum		keys[5] = {
		ObjectIdGetDatum(source->relation), CStringGetTextDatum(source->name), Int32GetDatum(source->version),
		ObjectIdGetDatum(leaf), Int64GetDatum(block)
	};
	bool		found = false;

	paysafe_store_scan_to_add(PAYSAFE_VALIDATION_PART, "validation_part_leaf", 5, keys, note_found, &found);
	if (!found)
		add_row(source, leaf, block, 0, InvalidBlockNumber, NIL);
}

static void
follow_rule(const Rule *rule, const RuleSource *source, const RowChange *change)
{
	ExistingReport report = {
		.rules = change->rules, .context = CurrentMemoryContext, .relation = source->relation,
		.rule = source->name, .source = source, .row = change->after, .beside_writers = true, .doubting = true,
		.single = true
	};

	initStringInfo(&report.detail);
	rule->kind->check_existing(rule, change->rel, change->after, &report);
	report.row = NULL;
	if (report.private != NULL && rule->kind->check_existing_end != NULL)
		rule->kind->check_existing_end(rule, &report);
	/* one that was accepted is met again there, so that it stays accepted */
	if (report.faults > 0 || report.accepted != NIL)
		note_block(source, RelationGetRelid(change->rel), ItemPointerGetBlockNumber(&change->after->tts_tid));
}

void
paysafe_validate_part_follow(const RowChange *change)
{
	const RelationRules *rules = change->rules;

	if (likely(!rules->unvalidated) || change->op != 'U')
		return;
	for (int i = 0; i < rules->nrules; i++)
	{
		const Rule *rule = &rules->rules[i];
		const RuleSource *source = rule->unvalidated && is_in_parts(rule) ? paysafe_rule_source_of(rules, rule) : NULL;

		if (source != NULL)
			follow_rule(rule, source, change);
	}
}
