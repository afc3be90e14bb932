/*-------------------------------------------------------------------------
 *
 * rule_history.c
 *	  The versions that a rule has had.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"

#include "engine/rule.h"
#include "engine/rule_history.h"
#include "store/own_table.h"

typedef struct Version
{
	RuleSource	source;
	bool		removed;
} Version;

typedef struct Versions
{
	const RuleSource *current;
	List	   *list;			/* of Version */
} Versions;

static bool
collect_version(Relation rel, HeapTuple tuple, void *arg)
{
	Versions   *versions = arg;
	Datum		values[16];
	bool		nulls[16];
	Version    *v;

	Assert(RelationGetDescr(rel)->natts <= 16);
	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (DatumGetInt32(values[2]) >= versions->current->version)
		return true;
	v = palloc0(sizeof(Version));
	v->source = *versions->current;
	v->source.version = DatumGetInt32(values[2]);
	v->source.reference = nulls[3] ? InvalidOid : DatumGetObjectId(values[3]);
	v->source.spec = (Jsonb *) PG_DETOAST_DATUM_COPY(values[4]);
	v->source.since = v->source.changed = DatumGetTimestampTz(values[6]);
	v->removed = DatumGetBool(values[5]);
	versions->list = lappend(versions->list, v);
	return true;
}

static int
compare_versions(const ListCell *a, const ListCell *b)
{
	return ((Version *) lfirst(a))->source.version - ((Version *) lfirst(b))->source.version;
}

List *
paysafe_rule_history(const RuleSource *current)
{
	Versions	versions = {.current = current};
	Datum		keys[2] = {ObjectIdGetDatum(current->relation), CStringGetTextDatum(current->name)};
	List	   *result = NIL;
	ListCell   *lc;

	paysafe_store_scan(PAYSAFE_RULE, "rule_pkey", 2, keys, collect_version, &versions);
	list_sort(versions.list, compare_versions);
	foreach(lc, versions.list)
	{
		Version    *v = lfirst(lc);

		result = v->removed ? NIL : lappend(result, &v->source);
	}
	return lappend(result, unconstify(RuleSource *, current));
}
