/*-------------------------------------------------------------------------
 *
 * types.c
 *	  Types under columns, and what a change of type does to values.
 *
 * Which changes keep every value is a list, not a question to the catalog of
 * casts: an implicit cast may round (numeric to real), depend on settings
 * (timestamp to timestamptz) or cut (text to name).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/scan.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "guard/facts.h"
#include "guard/types.h"

static bool is_made_of(Oid whole, Oid part, List **seen);

/* The type, maybe a domain, that a domain is directly over. */
static Oid
domain_over(Oid domain)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
	return result;
}

static bool
has_attribute_of(Oid composite, Oid part, List **seen)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_noerror(composite, -1, true);
	bool		found = false;

	for (int i = 0; desc != NULL && i < desc->natts && !found; i++)
		found = !TupleDescAttr(desc, i)->attisdropped &&
			is_made_of(TupleDescAttr(desc, i)->atttypid, part, seen);
	if (desc != NULL)
		ReleaseTupleDesc(desc);
	return found;
}

/* Is the type part, or made of it?  Each type is looked at once. */
static bool
is_made_of(Oid whole, Oid part, List **seen)
{
	Oid			element;

	if (whole == part)
		return true;
	/* what comes with PostgreSQL is made of nobody's types */
	if (whole < FirstNormalObjectId || list_member_oid(*seen, whole) ||
		get_typtype(whole) == '\0')
		return false;
	*seen = lappend_oid(*seen, whole);
	switch (get_typtype(whole))
	{
		case TYPTYPE_DOMAIN:
			return is_made_of(domain_over(whole), part, seen);
		case TYPTYPE_RANGE:
			return is_made_of(get_range_subtype(whole), part, seen);
		case TYPTYPE_MULTIRANGE:
			return is_made_of(get_multirange_range(whole), part, seen);
		case TYPTYPE_COMPOSITE:
			return has_attribute_of(whole, part, seen);
	}
	element = get_element_type(whole);
	return OidIsValid(element) && is_made_of(element, part, seen);
}

/*
 * From the catalog's cache, without a lock on the table: any ALTER TABLE asks about all
 * protected tables, and two of them at a time would wait for each other.
 */
static bool
has_column_of(Oid relid, Oid type, bool ruled)
{
	List	   *sources = ruled ? paysafe_rule_sources(relid) : NIL;
	HeapTuple	relation = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			natts = 0;
	bool		found = false;

	if (HeapTupleIsValid(relation))
	{
		natts = ((Form_pg_class) GETSTRUCT(relation))->relnatts;
		ReleaseSysCache(relation);
	}
	for (int i = 1; i <= natts && !found; i++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(i));
		Form_pg_attribute att;
		List	   *seen = NIL;

		if (!HeapTupleIsValid(tuple))
			continue;
		att = (Form_pg_attribute) GETSTRUCT(tuple);
		found = !att->attisdropped && is_made_of(att->atttypid, type, &seen) &&
			(!ruled || paysafe_spec_field_uses_column(sources, relid, NameStr(att->attname)));
		ReleaseSysCache(tuple);
	}
	return found;
}

/* Partitions have the columns of their table; children may have others, too. */
static bool
tree_has_column_of(Oid relid, Oid type, bool ruled)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_RELATION)
		return has_column_of(relid, type, ruled);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (has_column_of(lfirst_oid(lc), type, ruled))
			return true;
	return false;
}

List *
paysafe_types_tables(Oid type, bool ruled)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (type < FirstNormalObjectId)
		return NIL;
	foreach(lc, paysafe_rule_relations())
		if (get_rel_relkind(lfirst_oid(lc)) != '\0' && tree_has_column_of(lfirst_oid(lc), type, ruled) &&
			paysafe_facts_is_protected(lfirst_oid(lc)))
			result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

/* Retyping columns */

static int
numeric_precision(int32 typmod)
{
	return ((typmod - VARHDRSZ) >> 16) & 0xffff;
}

static int
numeric_scale(int32 typmod)
{
	return (typmod - VARHDRSZ) & 0x7ff;
}

/* Does the later type modifier of the same type take each value as it is? */
static bool
typmod_keeps(Oid type, int32 before, int32 after)
{
	if (after < 0 || before == after)
		return true;
	if (before < 0)
		return false;
	switch (type)
	{
		case VARCHAROID:
		case VARBITOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return before <= after;
		case NUMERICOID:
			return numeric_scale(before) == numeric_scale(after) &&
				numeric_precision(before) <= numeric_precision(after);
	}
	return false;
}

/* The types below domains, which change nothing about a value. */
static void
base_types(Form_pg_attribute before, Form_pg_attribute after, Oid *from, int32 *from_typmod,
		   Oid *to, int32 *to_typmod)
{
	*from_typmod = before->atttypmod;
	*to_typmod = after->atttypmod;
	*from = getBaseTypeAndTypmod(before->atttypid, from_typmod);
	*to = getBaseTypeAndTypmod(after->atttypid, to_typmod);
}

bool
paysafe_types_keep_bytes(Form_pg_attribute before, Form_pg_attribute after, Retyping how)
{
	Oid			from,
				to;
	int32		from_typmod,
				to_typmod;

	if (how == RETYPED_COMPUTED || before->attcollation != after->attcollation)
		return false;
	base_types(before, after, &from, &from_typmod, &to, &to_typmod);
	if (from == to)
		return typmod_keeps(from, from_typmod, to_typmod);
	if (from == TEXTOID && to == VARCHAROID)
		return to_typmod < 0;
	return from == VARCHAROID && to == TEXTOID;
}

/* Would varchar of so many characters take blanks from the end of the value? */
static bool
would_be_cut(Datum value, int length)
{
	text	   *given = DatumGetTextPP(value);
	const char *data = VARDATA_ANY(given);
	int			len = VARSIZE_ANY_EXHDR(given);
	int			kept = pg_mbcharcliplen(data, len, length);

	if (kept == len)
		return false;
	/* others are an error */
	while (len > kept && data[len - 1] == ' ')
		len--;
	return len == kept;
}

/* Is the column a text of which varchar of that length may take something? */
static AttrNumber
column_to_cut(Relation rel, const char *column, int length)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);
	Form_pg_attribute att;
	int32		typmod;
	Oid			type;

	if (attnum <= 0 || rel->rd_rel->relkind != RELKIND_RELATION)
		return InvalidAttrNumber;
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	typmod = att->atttypmod;
	type = getBaseTypeAndTypmod(att->atttypid, &typmod);
	return (type == TEXTOID || type == VARCHAROID) && (typmod < 0 || typmod - VARHDRSZ > length) ?
		attnum : InvalidAttrNumber;
}

bool
paysafe_types_cut_values(Oid relid, const char *column, int length)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AttrNumber	attnum = column_to_cut(rel, column, length);
	MemoryContext context;
	Snapshot	snapshot;
	TupleTableSlot *slot;
	TableScanDesc scan;
	bool		found = false;

	if (attnum == InvalidAttrNumber)
	{
		table_close(rel, NoLock);
		return false;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe values", ALLOCSET_DEFAULT_SIZES);
	snapshot = paysafe_scan_snapshot();
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		found = !isnull && would_be_cut(value, length);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(context);
	table_close(rel, NoLock);
	return found;
}

bool
paysafe_types_keep_values(Form_pg_attribute before, Form_pg_attribute after, Retyping how)
{
	static const struct
	{
		Oid			from;
		Oid			to;
	}			pairs[] = {
		{INT2OID, INT4OID}, {INT2OID, INT8OID}, {INT4OID, INT8OID},
		{INT2OID, NUMERICOID}, {INT4OID, NUMERICOID}, {INT8OID, NUMERICOID},
		{DATEOID, TIMESTAMPOID}
	};
	Oid			from,
				to;
	int32		from_typmod,
				to_typmod;

	if (how == RETYPED_COMPUTED)
		return false;
	base_types(before, after, &from, &from_typmod, &to, &to_typmod);
	for (int i = 0; i < lengthof(pairs); i++)
		if (pairs[i].from == from && pairs[i].to == to)
			return to_typmod < 0 || to == TIMESTAMPOID;
	/* as INSERT would: what is too long is an error; blanks at its end were looked for before */
	if (how == RETYPED_ASSIGNED && to == VARCHAROID && (from == TEXTOID || from == VARCHAROID))
		return true;
	/* another collation compares values differently, and leaves them what they are */
	if (from == to)
		return typmod_keeps(from, from_typmod, to_typmod);
	return paysafe_types_keep_bytes(before, after, how);
}

static bool
is_text(Oid type, int32 typmod, Retyping how)
{
	/* by a cast, what is too long would be cut */
	return type == TEXTOID || (type == VARCHAROID && (typmod < 0 || how == RETYPED_ASSIGNED));
}

bool
paysafe_types_keep_meaning(Form_pg_attribute before, Form_pg_attribute after, Retyping how)
{
	Oid			from,
				to;
	int32		from_typmod,
				to_typmod;

	if (how == RETYPED_COMPUTED)
		return false;
	if (paysafe_types_keep_values(before, after, how))
		return true;
	base_types(before, after, &from, &from_typmod, &to, &to_typmod);
	if (from == BPCHAROID)
		return is_text(to, to_typmod, how) || (to == BPCHAROID && from_typmod <= to_typmod);
	if (from == NUMERICOID && to == NUMERICOID && from_typmod >= 0 && to_typmod >= 0)
		return numeric_scale(from_typmod) <= numeric_scale(to_typmod) &&
			numeric_precision(from_typmod) - numeric_scale(from_typmod) <=
			numeric_precision(to_typmod) - numeric_scale(to_typmod);
	/* by input and output, unless somebody has made a cast of their own */
	if (SearchSysCacheExists2(CASTSOURCETARGET, ObjectIdGetDatum(from), ObjectIdGetDatum(to)))
		return false;
	return (get_typtype(from) == TYPTYPE_ENUM && is_text(to, to_typmod, how)) ||
		(get_typtype(to) == TYPTYPE_ENUM && (from == TEXTOID || from == VARCHAROID));
}
