/*-------------------------------------------------------------------------
 *
 * canon_shape.c
 *	  Shapes of row images as jsonb.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "compat.h"
#include "evidence/canon.h"

/*
 * The shape as jsonb: an array of {"name", "type", "attnum", "code"} with "of" for
 * the element of an array, "fields" for those of a composite.  attnum is that of
 * the declared table; shapes of older versions lack it.
 */

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *string)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, string);
	v.val.string.len = strlen(string);
	(void) pushJsonbValue(state, token, &v);
}

static void
push_number(JsonbParseState **state, const char *key, int number)
{
	JsonbValue	v;

	push_string(state, WJB_KEY, key);
	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(number);
	(void) pushJsonbValue(state, WJB_VALUE, &v);
}

static void
push_type(JsonbParseState **state, const CanonType *type)
{
	char		code[2] = {type->code, '\0'};

	push_string(state, WJB_KEY, "code");
	push_string(state, WJB_VALUE, pstrdup(code));
	if (type->code == CANON_ARRAY)
	{
		push_string(state, WJB_KEY, "of");
		(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		push_type(state, type->element);
		(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	else if (type->code == CANON_RECORD)
	{
		push_string(state, WJB_KEY, "fields");
		(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (int i = 0; i < type->nfields; i++)
		{
			if (type->fields[i] == NULL)
				continue;
			(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			push_string(state, WJB_KEY, "name");
			push_string(state, WJB_VALUE, type->field_names[i]);
			push_type(state, type->fields[i]);
			(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
		}
		(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
}

Jsonb *
paysafe_canon_shape_jsonb(const CanonShape *shape)
{
	JsonbParseState *state = NULL;
	CanonType	redacted = {.code = CANON_REDACTED};

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < shape->ncolumns; i++)
	{
		const CanonColumn *column = &shape->columns[i];

		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_string(&state, WJB_KEY, "name");
		push_string(&state, WJB_VALUE, column->name);
		push_string(&state, WJB_KEY, "type");
		push_string(&state, WJB_VALUE, column->type_name);
		push_number(&state, "attnum", column->layout_attnum);
		push_type(&state, column->redacted ? &redacted : column->type);
		(void) pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* Reading */

static PAYSAFE_NORETURN void
malformed_shape(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed shape in the audit log")));
	pg_unreachable();
}

static JsonbValue *
object_key(JsonbContainer *object, const char *key)
{
	if (!JsonContainerIsObject(object))
		malformed_shape();
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

static char *
object_string(JsonbContainer *object, const char *key)
{
	JsonbValue *v = object_key(object, key);

	if (v == NULL || v->type != jbvString)
		malformed_shape();
	return pnstrdup(v->val.string.val, v->val.string.len);
}

/* The same, or NULL: for what older shapes, or none, have. */
static char *
object_text(JsonbContainer *object, const char *key)
{
	JsonbValue *v = object_key(object, key);

	return v == NULL || v->type != jbvString ? NULL :
		pnstrdup(v->val.string.val, v->val.string.len);
}

static AttrNumber
object_attnum(JsonbContainer *object)
{
	JsonbValue *v = object_key(object, "attnum");

	return v == NULL || v->type != jbvNumeric ? InvalidAttrNumber :
		DatumGetInt16(DirectFunctionCall1(numeric_int2, NumericGetDatum(v->val.numeric)));
}

static CanonType *
read_type(JsonbContainer *object)
{
	CanonType  *type = palloc0(sizeof(CanonType));
	char	   *code = object_string(object, "code");

	check_stack_depth();
	if (strlen(code) != 1)
		malformed_shape();
	type->code = code[0];
	if (type->code == CANON_ARRAY)
	{
		JsonbValue *of = object_key(object, "of");

		if (of == NULL || of->type != jbvBinary)
			malformed_shape();
		type->element = read_type(of->val.binary.data);
	}
	else if (type->code == CANON_RECORD)
	{
		JsonbValue *fields = object_key(object, "fields");

		if (fields == NULL || fields->type != jbvBinary ||
			!JsonContainerIsArray(fields->val.binary.data))
			malformed_shape();
		type->nfields = JsonContainerSize(fields->val.binary.data);
		type->fields = palloc(sizeof(CanonType *) * Max(type->nfields, 1));
		type->field_names = palloc(sizeof(char *) * Max(type->nfields, 1));
		for (int i = 0; i < type->nfields; i++)
		{
			JsonbValue *field = getIthJsonbValueFromContainer(fields->val.binary.data, i);

			if (field == NULL || field->type != jbvBinary)
				malformed_shape();
			type->field_names[i] = object_string(field->val.binary.data, "name");
			type->fields[i] = read_type(field->val.binary.data);
		}
	}
	return type;
}

CanonShape *
paysafe_canon_shape_read(const Jsonb *jsonb)
{
	JsonbContainer *array = unconstify(JsonbContainer *, &jsonb->root);
	CanonShape *shape = palloc0(sizeof(CanonShape));

	if (!JsonContainerIsArray(array))
		malformed_shape();
	shape->ncolumns = JsonContainerSize(array);
	shape->columns = palloc0(sizeof(CanonColumn) * Max(shape->ncolumns, 1));
	for (int i = 0; i < shape->ncolumns; i++)
	{
		JsonbValue *column = getIthJsonbValueFromContainer(array, i);

		if (column == NULL || column->type != jbvBinary)
			malformed_shape();
		shape->columns[i].name = object_string(column->val.binary.data, "name");
		shape->columns[i].type = read_type(column->val.binary.data);
		shape->columns[i].type_name = object_text(column->val.binary.data, "type");
		shape->columns[i].layout_attnum = object_attnum(column->val.binary.data);
		shape->columns[i].redacted = shape->columns[i].type->code == CANON_REDACTED;
	}
	return shape;
}
