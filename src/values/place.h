/*-------------------------------------------------------------------------
 *
 * place.h
 *	  Where a value stands: in a column, or within a column of jsonb or of a composite type.
 *
 * A declaration names a place within a jsonb column as PostgreSQL's operators would lead there:
 * "price->total", "data->units->0->amount"; and so an attribute of a composite type,
 * "price->amount".  A column whose own name is that comes first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PLACE_H
#define PAYSAFE_PLACE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

typedef struct Place
{
	AttrNumber	attnum;
	Oid			typid;			/* the column's base type */
	int			nkeys;			/* of objects, or of elements of lists, one within the other; 0: the column itself, or */
	char	  **keys;
	AttrNumber	field;			/* an attribute of it, if not 0 */
	Oid			field_type;		/* its base type */
} Place;

/*
 * The place that a name means.  Raises 42703 if there is no such column or attribute, 22023 if
 * nothing stands within the column.
 */
extern void paysafe_place_find(Relation rel, const char *name, Place *out);

/* Is it less than the column? */
extern bool paysafe_place_is_within(const Place *place);

/* The attribute, of a value of the column that is not NULL. */
extern Datum paysafe_place_field(const Place *place, Datum value, bool *isnull);

/* The same as find for these keys, in order, within a jsonb column. */
extern void paysafe_place_within(Relation rel, const char *column, List *keys, Place *out);

/* The column of a place of the relation; of a name that is none, the name. */
extern char *paysafe_place_column(Oid relid, const char *name);

/*
 * What stands at a place within a jsonb value: PLACE_VALUE, PLACE_NOTHING (the key is not there, or
 * has null), or PLACE_ELSEWHERE if what should have the key is no object (of a number: and no list).
 */
typedef enum PlaceFound
{
	PLACE_VALUE,
	PLACE_NOTHING,
	PLACE_ELSEWHERE
} PlaceFound;

extern PlaceFound paysafe_place_value(const Place *place, Datum jsonb, JsonbValue **value);

/* Are they the same place? */
extern bool paysafe_place_same(const Place *a, const Place *b);

#endif							/* PAYSAFE_PLACE_H */
