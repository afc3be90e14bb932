/*-------------------------------------------------------------------------
 *
 * purge.c
 *	  Payloads of whole months leave the audit log.
 *
 * First every row is looked at: nothing leaves that is held, not sealed or not what
 * its leaf says.  Then the months are copied without the payloads, beside readers; at
 * the end all copies are swapped in, and what was done is put on record: in one
 * transaction, so that an error or a crash leaves everything as it was.  The old files
 * go, and their space, when it commits.  The month's key goes with them, from which the
 * nonces of what was removed could be derived: rows that stay get theirs stored.
 *
 * Rows that fell into the default partition are judged by the month of their time.  It is
 * copied whole, if any of them may leave; their nonces are stored anyway.  It comes last, since
 * sessions may be writing into it, and in a subtransaction: if they, or snapshots that are older
 * than what they wrote, do not let us have it, its rows stay, and the months leave all the same.
 *
 * Rules, approvals, windows and what else paysafe says of itself stay: they are few,
 * and tell what was allowed when.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/attempt.h"
#include "base/refusal.h"
#include "evidence/audit_leaf.h"
#include "evidence/audit_partition.h"
#include "evidence/refusal_expire.h"
#include "evidence/retention/payload.h"
#include "evidence/retention/retention.h"
#include "evidence/retention/rewrite.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/partition.h"

/* What is removed of one table. */
typedef struct Removed
{
	const char *subject;
	const char *table;
	int64		id;				/* of its record */
	int64		rows;
	TimestampTz lower;
	TimestampTz upper;
} Removed;

/* A purge, and the month that it is at. */
typedef struct Purge
{
	PayloadJudge *judge;
	RetentionPeriods *periods;
	const char *subject;		/* of this table only, or NULL */
	bool		except_held;
	MemoryContext context;		/* for what stays */
	TimestampTz until;			/* months that end by then */
	const OwnPartition *month;	/* or the default partition */
	List	   *removed;		/* of Removed */
	int64		rows;			/* to be removed of this month */
	bool		judged;			/* all rows of this month */
	TimestampTz astray;			/* end of the last of the months that the default partition has rows of and the log's period leaves free */
	ErrorData  *missed;			/* why the default partition could not be had, or NULL */
	int64		missed_rows;	/* that stay in it for this */
	int64		young;			/* kept by retention, of all months */
	int64		held;
} Purge;

/* The end of the row's month. */
static TimestampTz
end_of_month(const Purge *purge, const Datum *values)
{
	return purge->month->is_default ? paysafe_audit_partition_month_end(DatumGetTimestampTz(values[ROW_AT])) :
		purge->month->upper;
}

/* Is the row one of those that are asked for, and may it leave? */
static bool
leaves(Purge *purge, LoggedTable *table, const Datum *values, const bool *nulls, bool count)
{
	TimestampTz upper = end_of_month(purge, values);
	const Hold *hold;

	if (paysafe_payload_is_gone(nulls) || table->own || upper > purge->until ||
		(purge->subject != NULL && strcmp(purge->subject, table->subject) != 0))
		return false;
	if (table->upper != upper)
	{
		table->upper = upper;
		table->over = paysafe_retention_is_over(paysafe_retention_period_of(purge->periods, table->subject), upper);
	}
	if (!table->over)
	{
		purge->young += count;
		return false;
	}
	hold = paysafe_payload_hold(purge->judge, table, values, nulls);
	if (hold == NULL)
		return true;
	if (!purge->except_held)
		paysafe_hold_refuse(hold);
	purge->held += count;
	return false;
}

/*
 * Without a lock that anybody waits for: may this row of the default partition leave, and
 * do refusals of its month?
 */
static void
look_at_astray(Datum *values, bool *nulls, void *arg)
{
	Purge	   *purge = arg;
	LoggedTable *table = paysafe_payload_table(purge->judge, values);
	TimestampTz upper = end_of_month(purge, values);

	purge->rows += leaves(purge, table, values, nulls, true);
	if (upper > purge->astray && upper <= purge->until && !paysafe_payload_is_gone(nulls) && !table->own &&
		paysafe_retention_is_over(paysafe_retention_period_of(purge->periods, NULL), upper))
		purge->astray = upper;
}

static void
judge_row(Datum *values, bool *nulls, void *arg)
{
	Purge	   *purge = arg;
	LoggedTable *table = paysafe_payload_table(purge->judge, values);

	if (!leaves(purge, table, values, nulls, true))
		return;
	paysafe_payload_check(purge->judge, table, values, nulls);
	purge->rows++;
}

/* What is removed of the table, so far. */
static Removed *
removed_of(Purge *purge, const LoggedTable *table)
{
	MemoryContext old;
	Removed    *removed;
	ListCell   *lc;

	foreach(lc, purge->removed)
		if (strcmp(((Removed *) lfirst(lc))->subject, table->subject) == 0)
			return lfirst(lc);
	old = MemoryContextSwitchTo(purge->context);
	removed = palloc0(sizeof(Removed));
	removed->subject = table->subject;
	removed->table = table->table;
	removed->id = paysafe_retention_next_id();
	removed->lower = DT_NOEND;
	removed->upper = DT_NOBEGIN;
	purge->removed = lappend(purge->removed, removed);
	MemoryContextSwitchTo(old);
	return removed;
}

static void
remove_row(Datum *values, bool *nulls, void *arg)
{
	Purge	   *purge = arg;
	LoggedTable *table = paysafe_payload_table(purge->judge, values);
	Removed    *removed;

	if (!leaves(purge, table, values, nulls, false))
	{
		paysafe_payload_keep_nonce(purge->judge, values, nulls);
		return;
	}
	removed = removed_of(purge, table);
	removed->rows++;
	removed->lower = Min(removed->lower, purge->month->is_default ? DatumGetTimestampTz(values[ROW_AT]) : purge->month->lower);
	removed->upper = Max(removed->upper, end_of_month(purge, values));
	paysafe_payload_remove(purge->judge, values, nulls, removed->id);
}

/* Who placed a hold while this was looking at rows has to be asked. */
static void
check_holds(const Purge *purge)
{
	ListCell   *lc;

	paysafe_hold_lock();
	foreach(lc, paysafe_hold_all())
	{
		const Hold *hold = lfirst(lc);
		ListCell   *other;
		bool		known = false;

		foreach(other, purge->judge->holds)
			known |= ((Hold *) lfirst(other))->id == hold->id;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("legal hold " INT64_FORMAT " was placed while payloads were being removed", hold->id),
					 errhint("Nothing has been removed. Try again.")));
	}
}

static void
record(const Purge *purge, const char *reason)
{
	ListCell   *lc;

	foreach(lc, purge->removed)
	{
		const Removed *removed = lfirst(lc);

		paysafe_retention_add(&(RetentionRecord)
							  {
								  .id = removed->id, .action = "purge", .subject = removed->subject,
								  .table = removed->table, .lower = removed->lower,
								  .upper = removed->upper, .rows = removed->rows, .reason = reason
							  });
	}
}

/* The month's copy, without what may leave; InvalidOid if nothing of it may. */
static Oid
copy_month(Purge *purge)
{
	purge->judged = false;
	paysafe_rewrite_lock(purge->month->relid);
	purge->rows = 0;
	paysafe_rewrite_visit(purge->month->relid, judge_row, purge);
	purge->judged = true;
	return purge->rows == 0 ? InvalidOid :
		paysafe_rewrite_copy(purge->month->relid, InvalidOid, remove_row, purge);
}

static void
replace_default(void *arg)
{
	Purge	   *purge = arg;
	Oid			copy = copy_month(purge);

	if (OidIsValid(copy))
		paysafe_rewrite_swap(purge->month->relid, copy);
}

/* Is it others' locks or snapshots that the default partition could not be had for?  What its rows are is judged before. */
static bool
is_in_use(const Purge *purge, const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		(purge->judged && error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
}

/* Remove what may leave of the default partition, if it can be had; returns of how many rows. */
static int64
purge_default(Purge *purge)
{
	Purge		before = *purge;
	Purge		looked;
	ErrorData  *error;
	ListCell   *lc;

	purge->rows = 0;
	LockRelationOid(purge->month->relid, AccessShareLock);
	paysafe_rewrite_visit(purge->month->relid, look_at_astray, purge);
	if (purge->rows == 0)
		return 0;
	looked = *purge;
	looked.removed = NIL;
	foreach(lc, before.removed)
	{
		Removed    *removed = palloc(sizeof(Removed));

		*removed = *(Removed *) lfirst(lc);
		looked.removed = lappend(looked.removed, removed);
	}
	/* counted again, under the lock */
	purge->young = before.young;
	purge->held = before.held;
	error = paysafe_attempt_error(replace_default, purge);
	if (error == NULL)
		return purge->rows;
	if (!is_in_use(purge, error))
		ReThrowError(error);
	*purge = looked;
	purge->missed = error;
	purge->missed_rows = looked.rows;
	purge->astray = DT_NOBEGIN;
	return 0;
}

/* Remove what may leave of the months that end by then; returns of how many rows. */
static int64
purge_months(Purge *purge, const char *reason)
{
	const OwnPartition *rest = NULL;
	List	   *swaps = NIL;	/* partition, copy, ... */
	int64		rows = 0;
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_list())
	{
		Oid			copy;

		purge->month = lfirst(lc);
		if (purge->month->is_default)
			rest = purge->month;
		if (purge->month->is_default || purge->month->upper > purge->until)
			continue;
		copy = copy_month(purge);
		if (!OidIsValid(copy))
			continue;
		rows += purge->rows;
		swaps = lappend_oid(lappend_oid(swaps, purge->month->relid), copy);
		paysafe_audit_key_forget_month(purge->month->lower);
	}
	/* from here on nobody places a hold: who does so and writes into the default partition is not waited for with its lock */
	check_holds(purge);
	purge->month = rest;
	if (rest != NULL)
		rows += purge_default(purge);
	for (int i = 0; i < list_length(swaps); i += 2)
		paysafe_rewrite_swap(list_nth_oid(swaps, i), list_nth_oid(swaps, i + 1));
	record(purge, reason);
	return rows;
}

/*
 * Refusals as such, which are rows of the log, too: those of the months that the
 * log's own period leaves free.
 */
static int64
purge_refusals(const Purge *purge, const char *reason)
{
	const Interval *keep = paysafe_retention_period_of(purge->periods, NULL);
	TimestampTz before = purge->astray;
	int64		rows;
	ListCell   *lc;

	foreach(lc, paysafe_audit_partition_list())
	{
		const OwnPartition *month = lfirst(lc);

		if (!month->is_default && month->upper <= purge->until && paysafe_retention_is_over(keep, month->upper))
			before = Max(before, month->upper);
	}
	if (purge->subject != NULL || before == DT_NOBEGIN)
		return 0;
	rows = paysafe_refusal_purge(before, purge->except_held);
	if (rows > 0)
		paysafe_retention_add(&(RetentionRecord)
							  {
								  .id = paysafe_retention_next_id(), .action = "purge",
								  .table = "paysafe.refusal_record", .lower = DT_NOBEGIN, .upper = before,
								  .rows = rows, .reason = reason
							  });
	return rows;
}

/* The months have left without what is in the default partition. */
static void
tell_missed(const Purge *purge)
{
	ereport(NOTICE,
			(errmsg("payloads of " INT64_FORMAT " rows stay in the default partition, which could not be had: %s",
					purge->missed_rows, purge->missed->message),
			 purge->missed->hint ? errdetail("%s", purge->missed->hint) : 0,
			 errhint("All else has left. Propose the same purge again, and call it when nobody is in its way: for this it needs approvals of its own. paysafe.extend_audit() makes the months that are missing.")));
}

/* YYYY-MM-DD, whatever DateStyle is. */
static char *
day_words(DateADT day)
{
	int			year;
	int			month;
	int			mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return psprintf("%04d-%02d-%02d", year, month, mday);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_purge);

/*
 * purge(until date, reason text, relation regclass, except_held boolean) returns
 * bigint: of how many rows; NULL if it is proposed only
 */
Datum
paysafe_purge(PG_FUNCTION_ARGS)
{
	Purge		purge = {.context = CurrentMemoryContext};
	char	   *reason;
	DateADT		until;
	int64		rows;

	paysafe_argument_required(fcinfo, 0, "until");
	paysafe_argument_required(fcinfo, 3, "except_held");
	until = PG_GETARG_DATEADT(0);
	reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 1, "reason", "removing payloads"));
	if (DATE_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a day", "until")));
	purge.except_held = PG_GETARG_BOOL(3);
	if (!PG_ARGISNULL(2))
		purge.subject = paysafe_retention_subject(PG_GETARG_OID(2));
	if (!paysafe_retention_authorize(psprintf("purge payloads %s%sbefore %s%s",
											  purge.subject ? "of " : "",
											  purge.subject ? psprintf("%s ", paysafe_catalog_table_name(PG_GETARG_OID(2))) : "",
											  day_words(until),
											  purge.except_held ? " except held ones" : ""), reason,
									 "removing payloads of the audit log needs the approval of a second person"))
		PG_RETURN_NULL();
	paysafe_retention_lock();
	purge.judge = paysafe_payload_judge();
	purge.periods = paysafe_retention_periods();
	purge.until = (TimestampTz) until * USECS_PER_DAY;
	purge.astray = DT_NOBEGIN;
	rows = purge_months(&purge, reason);
	rows += purge_refusals(&purge, reason);
	/* then approvals are not used up, either */
	if (rows == 0 && purge.missed != NULL)
		ReThrowError(purge.missed);
	if (purge.missed != NULL)
		tell_missed(&purge);
	if (rows == 0 && purge.young > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("retention keeps all payloads of these months"),
				 errhint("The view paysafe.retention has the periods; two people shorten one with paysafe.set_retention.")));
	if (purge.young > 0 || purge.held > 0)
		ereport(NOTICE,
				(errmsg("payloads of " INT64_FORMAT " rows stay for their retention, of " INT64_FORMAT " for legal holds",
						purge.young, purge.held)));
	PG_RETURN_INT64(rows);
}
