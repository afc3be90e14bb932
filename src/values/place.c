/*-------------------------------------------------------------------------
 *
 * place.c
 *	  Where a value stands: in a column, or within a column of jsonb or of a composite type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "redact/redact.h"
#include "store/catalog.h"
#include "values/place.h"
#include "values/spec.h"

#define ARROW	"->"

void
paysafe_place_within(Relation rel, const char *column, List *keys, Place *out)
{
	AttrNumber	attnum = paysafe_catalog_column(rel, column);
	ListCell   *lc;

	*out = (Place) {.attnum = attnum};
	out->typid = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	if (keys == NIL)
		return;
	if (out->typid != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has type %s, within which nothing stands under a key",
						column, format_type_be(out->typid)),
				 errhint("A path leads into a column of type jsonb.")));
	out->keys = palloc(sizeof(char *) * list_length(keys));
	foreach(lc, keys)
		out->keys[out->nkeys++] = pstrdup(lfirst(lc));
}

bool
paysafe_place_is_within(const Place *place)
{
	return place->nkeys > 0 || place->field > 0;
}

/* An attribute of a column of a composite type. */
static void
find_field(Relation rel, AttrNumber attnum, Oid typid, List *keys, Place *out)
{
	*out = (Place) {.attnum = attnum, .typid = typid};
	out->field = list_length(keys) == 1 ? get_attnum(get_typ_typrelid(typid), linitial(keys)) : InvalidAttrNumber;
	if (out->field <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("type %s has no attribute \"%s\"", format_type_be(typid), paysafe_redact_string(paysafe_strings_join(keys)))));
	out->field_type = getBaseType(get_atttype(get_typ_typrelid(typid), out->field));
}

Datum
paysafe_place_field(const Place *place, Datum value, bool *isnull)
{
	return GetAttributeByNum(DatumGetHeapTupleHeader(value), place->field, isnull);
}

/* The column of a name with arrows, and what follows it; NULL: it has none. */
static char *
split(Oid relid, const char *name, const char **rest)
{
	const char *arrow = strstr(name, ARROW);

	if (arrow == NULL || arrow == name || get_attnum(relid, name) != InvalidAttrNumber)
		return NULL;
	*rest = arrow;
	return pnstrdup(name, arrow - name);
}

void
paysafe_place_find(Relation rel, const char *name, Place *out)
{
	const char *rest;
	char	   *column = split(RelationGetRelid(rel), name, &rest);
	List	   *keys = NIL;

	while (column != NULL && rest != NULL)
	{
		const char *key = rest + strlen(ARROW);

		rest = strstr(key, ARROW);
		keys = lappend(keys, rest ? pnstrdup(key, rest - key) : pstrdup(key));
		if (*(char *) llast(keys) == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" leads to no key", paysafe_redact_string(name))));
	}
	if (column != NULL)
	{
		AttrNumber	attnum = paysafe_catalog_column(rel, column);
		Oid			typid = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);

		if (get_typtype(typid) == TYPTYPE_COMPOSITE)
		{
			find_field(rel, attnum, typid, keys, out);
			return;
		}
	}
	paysafe_place_within(rel, column ? column : name, keys, out);
}

char *
paysafe_place_column(Oid relid, const char *name)
{
	const char *rest;
	char	   *column = split(relid, name, &rest);

	return column ? column : pstrdup(name);
}

/* The number of a list's element, from 0. */
static bool
element(const char *key, uint32 *out)
{
	size_t		len = strlen(key);

	if (len == 0 || len > 6 || strspn(key, "0123456789") != len)
		return false;
	*out = (uint32) atoi(key);
	return true;
}

PlaceFound
paysafe_place_value(const Place *place, Datum jsonb, JsonbValue **value)
{
	JsonbContainer *container = &DatumGetJsonbP(jsonb)->root;
	uint32		n;

	*value = NULL;
	for (int i = 0; i < place->nkeys; i++)
	{
		if (i > 0)
		{
			if ((*value)->type != jbvBinary)
			{
				bool		nothing = (*value)->type == jbvNull;

				*value = NULL;
				return nothing ? PLACE_NOTHING : PLACE_ELSEWHERE;
			}
			container = (*value)->val.binary.data;
		}
		if (JsonContainerIsObject(container))
			*value = getKeyJsonValueFromContainer(container, place->keys[i], strlen(place->keys[i]), NULL);
		else if (JsonContainerIsArray(container) && !JsonContainerIsScalar(container) && element(place->keys[i], &n))
			*value = getIthJsonbValueFromContainer(container, n);
		else
		{
			*value = NULL;
			return PLACE_ELSEWHERE;
		}
		if (*value == NULL)
			return PLACE_NOTHING;
	}
	return (*value)->type == jbvNull ? PLACE_NOTHING : PLACE_VALUE;
}

bool
paysafe_place_same(const Place *a, const Place *b)
{
	if (a->attnum != b->attnum || a->nkeys != b->nkeys || a->field != b->field)
		return false;
	for (int i = 0; i < a->nkeys; i++)
		if (strcmp(a->keys[i], b->keys[i]) != 0)
			return false;
	return true;
}
