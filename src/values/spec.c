/*-------------------------------------------------------------------------
 *
 * spec.c
 *	  Reading and writing rule specifications.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "values/spec.h"

static void
push_string(SpecBuilder *builder, JsonbIteratorToken token, const char *string)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, string);
	v.val.string.len = strlen(string);
	(void) pushJsonbValue(&builder->state, token, &v);
}

void
paysafe_spec_begin(SpecBuilder *builder)
{
	builder->state = NULL;
	(void) pushJsonbValue(&builder->state, WJB_BEGIN_OBJECT, NULL);
}

void
paysafe_spec_add_text(SpecBuilder *builder, const char *key, const char *value)
{
	if (value == NULL)
		return;
	push_string(builder, WJB_KEY, key);
	push_string(builder, WJB_VALUE, value);
}

void
paysafe_spec_add_bool(SpecBuilder *builder, const char *key, bool value)
{
	JsonbValue	v;

	if (!value)
		return;
	push_string(builder, WJB_KEY, key);
	v.type = jbvBool;
	v.val.boolean = true;
	(void) pushJsonbValue(&builder->state, WJB_VALUE, &v);
}

void
paysafe_spec_add_set(SpecBuilder *builder, const char *key, List *values)
{
	ListCell   *lc;

	push_string(builder, WJB_KEY, key);
	(void) pushJsonbValue(&builder->state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, paysafe_strings_sorted(values))
		push_string(builder, WJB_ELEM, (char *) lfirst(lc));
	(void) pushJsonbValue(&builder->state, WJB_END_ARRAY, NULL);
}

void
paysafe_spec_add_columns(SpecBuilder *builder, const char *key, List *names)
{
	ListCell   *lc;

	if (list_length(names) <= 1)
	{
		paysafe_spec_add_text(builder, key, names == NIL ? NULL : linitial(names));
		return;
	}
	push_string(builder, WJB_KEY, key);
	(void) pushJsonbValue(&builder->state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, names)
		push_string(builder, WJB_ELEM, (char *) lfirst(lc));
	(void) pushJsonbValue(&builder->state, WJB_END_ARRAY, NULL);
}

bool
paysafe_spec_has(const SpecBuilder *builder, const char *key)
{
	const JsonbValue *object = &builder->state->contVal;

	for (int i = 0; i < object->val.object.nPairs; i++)
	{
		const JsonbValue *found = &object->val.object.pairs[i].key;

		if (found->val.string.len == (int) strlen(key) &&
			memcmp(found->val.string.val, key, found->val.string.len) == 0)
			return true;
	}
	return false;
}

Jsonb *
paysafe_spec_end(SpecBuilder *builder)
{
	return JsonbValueToJsonb(pushJsonbValue(&builder->state, WJB_END_OBJECT, NULL));
}

static JsonbValue *
find_key(const Jsonb *spec, const char *key)
{
	/* an array would be searched as if it were an object, beyond its end */
	if (!JB_ROOT_IS_OBJECT(spec))
		return NULL;
	return getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &spec->root),
										key, strlen(key), NULL);
}

char *
paysafe_spec_text(const Jsonb *spec, const char *key)
{
	char	   *text = paysafe_spec_optional_text(spec, key);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule specification has no \"%s\"", key)));
	return text;
}

char *
paysafe_spec_optional_text(const Jsonb *spec, const char *key)
{
	JsonbValue *v = find_key(spec, key);

	if (v == NULL || v->type != jbvString)
		return NULL;
	return pnstrdup(v->val.string.val, v->val.string.len);
}

bool
paysafe_spec_bool(const Jsonb *spec, const char *key)
{
	JsonbValue *v = find_key(spec, key);

	return v != NULL && v->type == jbvBool && v->val.boolean;
}

List *
paysafe_spec_set(const Jsonb *spec, const char *key)
{
	JsonbValue *v = find_key(spec, key);
	List	   *result = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	elem;

	if (v == NULL || v->type != jbvBinary)
		return NIL;
	it = JsonbIteratorInit(v->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &elem, true)) != WJB_DONE)
		if (token == WJB_ELEM && elem.type == jbvString)
			result = lappend(result, pnstrdup(elem.val.string.val, elem.val.string.len));
	return result;
}

List *
paysafe_spec_optional_columns(const Jsonb *spec, const char *key)
{
	char	   *name = paysafe_spec_optional_text(spec, key);

	return name != NULL ? list_make1(name) : paysafe_spec_set(spec, key);
}

List *
paysafe_spec_columns(const Jsonb *spec, const char *key)
{
	List	   *names = paysafe_spec_optional_columns(spec, key);

	if (names == NIL)
		(void) paysafe_spec_text(spec, key);	/* says that it is missing */
	return names;
}

List *
paysafe_spec_keys(const Jsonb *spec)
{
	JsonbIterator *it = JsonbIteratorInit(&unconstify(Jsonb *, spec)->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *keys = NIL;

	if (!JB_ROOT_IS_OBJECT(spec))
		return NIL;
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(value.val.string.val, value.val.string.len));
	return keys;
}

char *
paysafe_spec_value(const Jsonb *spec, const char *key)
{
	JsonbValue *v = find_key(spec, key);
	Jsonb	   *value;

	if (v == NULL)
		return NULL;
	value = JsonbValueToJsonb(v);
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

List *
paysafe_spec_strings(const Jsonb *spec, const char *key)
{
	JsonbValue *v = find_key(spec, key);
	List	   *result = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (v != NULL && v->type == jbvString)
		return list_make1(pnstrdup(v->val.string.val, v->val.string.len));
	if (v == NULL || v->type != jbvBinary)
		return NIL;
	it = JsonbIteratorInit(v->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
		if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvString)
			result = lappend(result, pnstrdup(value.val.string.val, value.val.string.len));
	return result;
}

bool
paysafe_spec_equal(const Jsonb *a, const Jsonb *b)
{
	return compareJsonbContainers(unconstify(JsonbContainer *, &a->root),
								  unconstify(JsonbContainer *, &b->root)) == 0;
}

Jsonb *
paysafe_spec_with_flag(const Jsonb *spec, const char *key, bool value)
{
	Datum		without = DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(spec), CStringGetTextDatum(key));
	SpecBuilder flag;

	if (!value)
		return DatumGetJsonbP(without);
	paysafe_spec_begin(&flag);
	paysafe_spec_add_bool(&flag, key, true);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, without, JsonbPGetDatum(paysafe_spec_end(&flag))));
}

List *
paysafe_strings_of_array(ArrayType *array, const char *argument)
{
	Oid			elemtype = ARR_ELEMTYPE(array);
	Datum	   *elems;
	bool	   *nulls;
	int			nelems;
	List	   *result = NIL;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a one-dimensional array", argument)));
	if (elemtype == NAMEOID)
		deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
						  &elems, &nulls, &nelems);
	else
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
						  &elems, &nulls, &nelems);
	for (int i = 0; i < nelems; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", argument)));
		result = lappend(result, elemtype == NAMEOID ?
						 pstrdup(NameStr(*DatumGetName(elems[i]))) :
						 TextDatumGetCString(elems[i]));
	}
	return result;
}

static int
compare_strings(const ListCell *a, const ListCell *b)
{
	return strcmp((char *) lfirst(a), (char *) lfirst(b));
}

List *
paysafe_strings_sorted(List *strings)
{
	List	   *sorted = list_copy(strings);
	List	   *result = NIL;
	ListCell   *lc;

	list_sort(sorted, compare_strings);
	foreach(lc, sorted)
		if (result == NIL || strcmp((char *) llast(result), (char *) lfirst(lc)) != 0)
			result = lappend(result, lfirst(lc));
	return result;
}

bool
paysafe_strings_contain(List *strings, const char *value)
{
	ListCell   *lc;

	foreach(lc, strings)
		if (strcmp((char *) lfirst(lc), value) == 0)
			return true;
	return false;
}

List *
paysafe_strings_minus(List *a, List *b)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, a)
		if (!paysafe_strings_contain(b, (char *) lfirst(lc)))
			result = lappend(result, lfirst(lc));
	return result;
}

char *
paysafe_strings_join(List *strings)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, strings)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 lfirst(lc) ? (char *) lfirst(lc) : "NULL");
	return buf.data;
}

ArrayType *
paysafe_strings_array(const List *strings)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, strings)
		elements[n++] = CStringGetTextDatum(lfirst(lc));
	return construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT);
}
