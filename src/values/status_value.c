/*-------------------------------------------------------------------------
 *
 * status_value.c
 *	  Status columns: their types, exact comparison with named states.
 *
 * Values are compared by their bytes, by number or by enum label; never
 * through an operator, a cast or a collation that somebody could redefine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "base/ensure.h"
#include "compat.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/spec.h"
#include "values/status_value.h"

static PAYSAFE_NORETURN void
refuse_type(const char *column, Oid typid, bool is_state)
{
	/* what has two values has no words of its own */
	bool		named = typid == BOOLOID || typid == DATEOID || typid == TIMESTAMPOID || typid == TIMESTAMPTZOID;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" has type %s, which cannot hold a status",
					column, format_type_be(typid)),
			 errhint("Use text, varchar, char(n), smallint, integer, bigint, %san enum, or a domain over one of them.%s",
					 is_state ? "uuid, bytea, boolean, date, timestamp, timestamptz, " : "",
					 named ? " A column that has two values can be a status, and a direction whose values are named in \"debits\" and \"credits\"." : "")));
	pg_unreachable();
}

/* How values of a type are compared. */
static StatusType
type_of(const char *column, Oid typid, bool is_state)
{
	switch (typid)
	{
		case TEXTOID:
		case VARCHAROID:
			return STATUS_TEXT;
		case BPCHAROID:
			return STATUS_BPCHAR;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return STATUS_INTEGER;
		default:
			if (get_typtype(typid) != TYPTYPE_ENUM)
				refuse_type(column, typid, is_state);
			return STATUS_ENUM;
	}
}

static void
find_column(Relation rel, const char *column, bool is_state, StatusColumn *out)
{
	AttrNumber	attnum = paysafe_catalog_column(rel, column);
	Oid			typid = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);

	*out = (StatusColumn) {.attnum = attnum, .typid = typid};
	strlcpy(out->name, column, NAMEDATALEN);
	out->type = type_of(column, typid, is_state);
}

/* A place within a column: of jsonb, what stands there, as text. */
static void
set_place(const Place *place, const char *name, StatusColumn *out)
{
	*out = (StatusColumn) {.attnum = place->attnum, .type = STATUS_TEXT, .typid = place->typid, .place = *place};
	strlcpy(out->name, name, NAMEDATALEN);
	if (place->field > 0)
	{
		out->typid = place->field_type;
		out->type = type_of(name, place->field_type, false);
	}
}

void
paysafe_status_value_column(Relation rel, const char *column, StatusColumn *out)
{
	Place		place;

	paysafe_place_find(rel, column, &place);
	if (paysafe_place_is_within(&place))
		set_place(&place, paysafe_place_column(RelationGetRelid(rel), column), out);
	else
		find_column(rel, column, false, out);
}

void
paysafe_status_value_state_column(Relation rel, const char *column, StatusColumn *out)
{
	AttrNumber	attnum;
	Oid			typid;

	if (column == NULL)
	{
		*out = (StatusColumn) {.type = STATUS_NONE};
		return;
	}
	attnum = paysafe_catalog_column(rel, column);
	typid = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	*out = (StatusColumn) {.attnum = attnum, .typid = typid};
	switch (typid)
	{
		case BOOLOID:
			out->type = STATUS_BOOLEAN;
			break;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			out->type = STATUS_PRESENCE;
			break;
		case UUIDOID:
		case BYTEAOID:
			out->type = STATUS_BYTES;
			break;
		default:
			find_column(rel, column, true, out);
			return;
	}
	strlcpy(out->name, column, NAMEDATALEN);
}

/* The keys and names of a specification, "key=name" each; a key has no "=". */
static void
read_names(const StatusColumn *raw, List *pairs, StatusNames *out)
{
	List	   *keys = NIL;
	ListCell   *lc;
	int			n = 0;

	out->names = palloc(sizeof(char *) * list_length(pairs));
	foreach(lc, pairs)
	{
		char	   *name = strchr(lfirst(lc), '=');

		Ensure(name != NULL);
		keys = lappend(keys, pnstrdup(lfirst(lc), name - (char *) lfirst(lc)));
		out->names[n++] = name + 1;
	}
	paysafe_status_value_set(raw, keys, &out->keys);
}

void
paysafe_status_value_spec_column(Relation rel, const Jsonb *spec, StatusColumn *out)
{
	const char *column = paysafe_spec_optional_text(spec, "status_column");
	List	   *path = paysafe_spec_optional_columns(spec, "status_path");
	List	   *pairs = paysafe_spec_set(spec, "status_names");
	StatusNames *names;

	if (pairs == NIL && path != NIL)
	{
		Place		place;

		paysafe_place_within(rel, column, path, &place);
		set_place(&place, column, out);
		return;
	}
	paysafe_status_value_state_column(rel, column, out);
	if (pairs == NIL)
		return;
	names = palloc(sizeof(StatusNames));
	read_names(out, pairs, names);
	out->names = names;
	out->type = STATUS_TEXT;
}

List *
paysafe_status_value_keys_of(const Jsonb *spec, char *name)
{
	List	   *pairs = paysafe_spec_set(spec, "status_names");
	List	   *keys = NIL;
	ListCell   *lc;

	if (pairs == NIL)
		return list_make1(name);
	foreach(lc, pairs)
	{
		char	   *equals = strchr(lfirst(lc), '=');

		if (strcmp(equals + 1, name) == 0)
			keys = lappend(keys, pnstrdup(lfirst(lc), equals - (char *) lfirst(lc)));
	}
	return keys;
}

Datum
paysafe_status_value_rest(const StatusColumn *column, Datum value)
{
	const Place *place = &column->place;
	Datum	   *keys;
	JsonbValue *found;

	/* where there is none, nothing is left out; the function for it raises errors for some of that */
	if (place->nkeys == 0 || paysafe_place_value(place, value, &found) == PLACE_ELSEWHERE || found == NULL)
		return value;
	keys = palloc(sizeof(Datum) * place->nkeys);
	for (int i = 0; i < place->nkeys; i++)
		keys[i] = CStringGetTextDatum(place->keys[i]);
	return DirectFunctionCall2(jsonb_delete_path, value,
							   PointerGetDatum(construct_array(keys, place->nkeys, TEXTOID, -1, false, TYPALIGN_INT)));
}

char *
paysafe_status_value_name_of(const Jsonb *spec, char *key)
{
	size_t		len = strlen(key);
	ListCell   *lc;

	foreach(lc, paysafe_spec_set(spec, "status_names"))
		if (strncmp(lfirst(lc), key, len) == 0 && ((char *) lfirst(lc))[len] == '=')
			return (char *) lfirst(lc) + len + 1;
	return key;
}

/* What stands in a jsonb value under the keys, as text; false if nothing does, or null. */
static bool
text_at_path(const StatusColumn *column, Datum jsonb, Datum *out)
{
	JsonbValue *value;

	if (paysafe_place_value(&column->place, jsonb, &value) != PLACE_VALUE)
		return false;
	switch (value->type)
	{
		case jbvString:
			*out = PointerGetDatum(cstring_to_text_with_len(value->val.string.val, value->val.string.len));
			return true;
		case jbvNumeric:
			*out = CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(numeric_out,
																			 NumericGetDatum(value->val.numeric))));
			return true;
		case jbvBool:
			*out = CStringGetTextDatum(value->val.boolean ? "true" : "false");
			return true;
		case jbvBinary:
			*out = CStringGetTextDatum(JsonbToCString(NULL, value->val.binary.data, value->val.binary.len));
			return true;
		default:
			return false;
	}
}

/* The row's value in the column, or within it. */
static Datum
value_of(const StatusColumn *column, TupleTableSlot *slot, bool *isnull)
{
	Datum		value = slot_getattr(slot, column->attnum, isnull);

	if (unlikely(column->place.nkeys > 0) && !*isnull)
		*isnull = !text_at_path(column, value, &value);
	if (unlikely(column->place.field > 0) && !*isnull)
		value = paysafe_place_field(&column->place, value, isnull);
	return value;
}

static PAYSAFE_NORETURN void
no_such_value(const StatusColumn *column, const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s \"%s\" is not a value of column \"%s\", which has type %s",
					column->plain ? "\"rows\":" : "status", paysafe_redact_string(text), column->name, format_type_be(column->typid)),
			 column->type == STATUS_BOOLEAN ? errhint(column->plain ? "Its values are \"true\" and \"false\"." : "Its statuses are \"true\" and \"false\".") :
			 column->type == STATUS_PRESENCE ? errhint("Its statuses are \"set\" and \"unset\".") : 0));
	pg_unreachable();
}

/* A value of a column that has two of them. */
static void
set_flag(const StatusColumn *column, const char *text, StatusValue *value)
{
	const char *yes = column->type == STATUS_BOOLEAN ? "true" : "set";
	const char *no = column->type == STATUS_BOOLEAN ? "false" : "unset";

	value->number = strcmp(text, yes) == 0;
	if (value->number == 0 && strcmp(text, no) != 0)
		no_such_value(column, text);
	value->isnull = column->type == STATUS_PRESENCE && value->number == 0;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A uuid as PostgreSQL writes it, or a bytea in hex: only so, that one value has one name. */
static void
set_bytes(const StatusColumn *column, const char *text, StatusValue *value)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool		uuid = column->typid == UUIDOID;
	size_t		length = strlen(text);
	char	   *bytes = palloc(length / 2 + 1);
	int			digits = 0;

	if (uuid ? length != sizeof(shape) - 1 : length < 2 || length % 2 != 0 || strncmp(text, "\\x", 2) != 0)
		no_such_value(column, text);
	for (size_t i = uuid ? 0 : 2; i < length; i++)
	{
		int			digit = hex_digit(text[i]);

		if (uuid && shape[i] == '-' && text[i] == '-')
			continue;
		if (digit < 0 || (uuid && shape[i] == '-'))
			no_such_value(column, text);
		if (digits % 2 == 0)
			bytes[digits / 2] = (char) (digit << 4);
		else
			bytes[digits / 2] = (char) ((unsigned char) bytes[digits / 2] | digit);
		digits++;
	}
	value->bytes = bytes;
	value->len = digits / 2;
}

/* A number, which a condition has as one or as text. */
static void
set_numeric(const StatusColumn *column, char *text, StatusValue *value)
{
	static const char digits[] = "0123456789";
	const char *c = text + (*text == '-');
	size_t		whole = strspn(c, digits);

	/* nothing else is handed to what raises an error of its own */
	if (whole == 0 || (c[whole] == '.' && strspn(c + whole + 1, digits) != strlen(c + whole + 1)) ||
		(c[whole] != '.' && c[whole] != '\0'))
		no_such_value(column, text);
	value->numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
														 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void
paysafe_status_value_set(const StatusColumn *column, List *values, StatusSet *out)
{
	ListCell   *lc;

	out->column = *column;
	out->n = 0;
	out->values = palloc0(sizeof(StatusValue) * Max(list_length(values), 1));
	foreach(lc, values)
	{
		char	   *text = lfirst(lc);
		StatusValue *v = &out->values[out->n++];

		v->text = text;
		if (text == NULL)
		{
			v->isnull = true;
			continue;
		}
		switch (column->type)
		{
			case STATUS_TEXT:
			case STATUS_BPCHAR:
				v->bytes = text;
				v->len = strlen(text);
				if (column->type == STATUS_BPCHAR)
					while (v->len > 0 && v->bytes[v->len - 1] == ' ')
						v->len--;
				break;
			case STATUS_INTEGER:
				{
					char	   *end;

					errno = 0;
					v->number = strtoi64(text, &end, 10);
					/* only the canonical spelling, so that one value has one name */
					if (errno != 0 || *end != '\0' ||
						strcmp(psprintf(INT64_FORMAT, v->number), text) != 0)
						no_such_value(column, text);
					break;
				}
			case STATUS_ENUM:
				{
					HeapTuple	tuple = NULL;

					if (strlen(text) < NAMEDATALEN)
						tuple = SearchSysCache2(ENUMTYPOIDNAME,
												ObjectIdGetDatum(column->typid),
												CStringGetDatum(text));
					if (!HeapTupleIsValid(tuple))
						no_such_value(column, text);
					v->number = ((Form_pg_enum) GETSTRUCT(tuple))->oid;
					ReleaseSysCache(tuple);
					break;
				}
			case STATUS_BYTES:
				set_bytes(column, text, v);
				break;
			case STATUS_BOOLEAN:
			case STATUS_PRESENCE:
				set_flag(column, text, v);
				break;
			case STATUS_NUMERIC:
				set_numeric(column, text, v);
				break;
			case STATUS_NONE:
				if (strcmp(text, STATUS_OF_ALL) != 0)
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("without a status column, \"%s\" is no status", paysafe_redact_string(text))));
				break;
		}
	}
}

static int64
integer_value(const StatusColumn *column, Datum value)
{
	switch (column->typid)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

static bool
same_numeric(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(b)));
}

/* The bytes of a text, a uuid or a bytea. */
static const char *
bytes_of(const StatusColumn *column, Datum value, int *len)
{
	struct varlena *packed;

	if (column->typid == UUIDOID)
	{
		*len = UUID_LEN;
		return (const char *) DatumGetUUIDP(value)->data;
	}
	packed = PG_DETOAST_DATUM_PACKED(value);
	*len = VARSIZE_ANY_EXHDR(packed);
	if (column->type == STATUS_BPCHAR)
		while (*len > 0 && VARDATA_ANY(packed)[*len - 1] == ' ')
			(*len)--;
	return VARDATA_ANY(packed);
}

static int
find_bytes(const StatusSet *set, const char *bytes, int len)
{
	for (int i = 0; i < set->n; i++)
		if (set->values[i].len == len && !set->values[i].isnull &&
			memcmp(set->values[i].bytes, bytes, len) == 0)
			return i;
	return -1;
}

/* What the row's value is called; NULL: it is NULL, or nothing that was there at the declaration. */
static const char *
name_of(const StatusColumn *column, TupleTableSlot *slot)
{
	int			key = paysafe_status_value_find(&column->names->keys, slot);

	return key < 0 ? NULL : column->names->names[key];
}

int
paysafe_status_value_find(const StatusSet *set, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value;

	if (set->column.type == STATUS_NONE)
		return set->n > 0 ? 0 : -1;
	value = value_of(&set->column, slot, &isnull);
	if (isnull)
	{
		for (int i = 0; i < set->n; i++)
			if (set->values[i].isnull)
				return i;
		return -1;
	}
	if (set->column.names != NULL)
	{
		const char *name = name_of(&set->column, slot);

		return name == NULL ? -1 : find_bytes(set, name, strlen(name));
	}
	switch (set->column.type)
	{
		case STATUS_TEXT:
		case STATUS_BPCHAR:
		case STATUS_BYTES:
			{
				int			len;
				const char *bytes = bytes_of(&set->column, value, &len);

				return find_bytes(set, bytes, len);
			}
		case STATUS_INTEGER:
		case STATUS_ENUM:
			{
				int64		number = set->column.type == STATUS_ENUM ?
					(int64) DatumGetObjectId(value) :
					integer_value(&set->column, value);

				for (int i = 0; i < set->n; i++)
					if (!set->values[i].isnull && set->values[i].number == number)
						return i;
				return -1;
			}
		case STATUS_BOOLEAN:
		case STATUS_PRESENCE:
			{
				int64		number = set->column.type == STATUS_PRESENCE || DatumGetBool(value);

				for (int i = 0; i < set->n; i++)
					if (!set->values[i].isnull && set->values[i].number == number)
						return i;
				return -1;
			}
		case STATUS_NUMERIC:
			for (int i = 0; i < set->n; i++)
				if (!set->values[i].isnull && same_numeric(set->values[i].numeric, DatumGetNumeric(value)))
					return i;
			return -1;
		case STATUS_NONE:
			break;
	}
	return -1;
}

bool
paysafe_status_value_in(const StatusSet *set, const StatusValue *value)
{
	for (int i = 0; i < set->n; i++)
	{
		const StatusValue *other = &set->values[i];

		if (other->isnull || value->isnull)
		{
			if (other->isnull && value->isnull)
				return true;
		}
		else if (set->column.type == STATUS_NUMERIC ? same_numeric(other->numeric, value->numeric) :
				 set->column.type == STATUS_TEXT || set->column.type == STATUS_BPCHAR ||
				 set->column.type == STATUS_BYTES ?
				 other->len == value->len && memcmp(other->bytes, value->bytes, value->len) == 0 :
				 other->number == value->number)
			return true;
	}
	return false;
}

bool
paysafe_status_value_same(const StatusColumn *column, TupleTableSlot *a, TupleTableSlot *b)
{
	bool		anull;
	bool		bnull;
	Datum		av;
	Datum		bv;

	if (column->type == STATUS_NONE)
		return true;
	av = value_of(column, a, &anull);
	bv = value_of(column, b, &bnull);
	if (anull || bnull)
		return anull == bnull;
	if (column->names != NULL)
	{
		const char *aname = name_of(column, a);
		const char *bname = name_of(column, b);

		return aname == NULL || bname == NULL ?
			aname == bname && paysafe_status_value_same(&column->names->keys.column, a, b) :
			strcmp(aname, bname) == 0;
	}
	if (column->type == STATUS_PRESENCE)
		return true;
	if (column->type == STATUS_BOOLEAN)
		return DatumGetBool(av) == DatumGetBool(bv);
	if (column->type == STATUS_INTEGER)
		return integer_value(column, av) == integer_value(column, bv);
	if (column->type == STATUS_ENUM)
		return DatumGetObjectId(av) == DatumGetObjectId(bv);
	if (column->type == STATUS_NUMERIC)
		return same_numeric(DatumGetNumeric(av), DatumGetNumeric(bv));
	else
	{
		int			alen;
		int			blen;
		const char *abytes = bytes_of(column, av, &alen);
		const char *bbytes = bytes_of(column, bv, &blen);

		return alen == blen && memcmp(abytes, bbytes, alen) == 0;
	}
}

/* A uuid or a bytea, whatever bytea_output says. */
static char *
bytes_text(const StatusColumn *column, Datum value)
{
	int			len;
	const char *bytes = bytes_of(column, value, &len);
	char	   *text;

	if (column->typid == UUIDOID)
		return DatumGetCString(DirectFunctionCall1(uuid_out, value));
	text = palloc0(2 * len + 3);
	strcpy(text, "\\x");
	hex_encode(bytes, len, text + 2);
	return text;
}

char *
paysafe_status_value_text(const StatusColumn *column, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value;

	if (column->type == STATUS_NONE)
		return pstrdup(STATUS_OF_ALL);
	if (column->names != NULL)
	{
		const char *name = name_of(column, slot);

		return name != NULL ? pstrdup(name) : paysafe_status_value_text(&column->names->keys.column, slot);
	}
	value = value_of(column, slot, &isnull);
	if (column->type == STATUS_PRESENCE)
		return pstrdup(isnull ? "unset" : "set");
	if (isnull)
		return pstrdup("NULL");
	switch (column->type)
	{
		case STATUS_BOOLEAN:
			return pstrdup(DatumGetBool(value) ? "true" : "false");
		case STATUS_TEXT:
			return TextDatumGetCString(value);
		case STATUS_BYTES:
			return bytes_text(column, value);
		case STATUS_BPCHAR:
			{
				char	   *string = TextDatumGetCString(value);
				int			len = strlen(string);

				while (len > 0 && string[len - 1] == ' ')
					string[--len] = '\0';
				return string;
			}
		case STATUS_INTEGER:
			return psprintf(INT64_FORMAT, integer_value(column, value));
		case STATUS_ENUM:
			{
				HeapTuple	tuple = SearchSysCache1(ENUMOID, value);
				char	   *label;

				if (!HeapTupleIsValid(tuple))
					return psprintf("%u", DatumGetObjectId(value));
				label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
				ReleaseSysCache(tuple);
				return label;
			}
		case STATUS_NUMERIC:
			return DatumGetCString(DirectFunctionCall1(numeric_out, value));
		case STATUS_PRESENCE:
		case STATUS_NONE:
			break;
	}
	return pstrdup("");
}

bool
paysafe_status_value_is_null(const StatusColumn *column, TupleTableSlot *slot)
{
	bool		isnull;

	if (column->type == STATUS_NONE || column->type == STATUS_PRESENCE)
		return false;
	(void) value_of(column, slot, &isnull);
	return isnull;
}

char *
paysafe_status_value_quoted(const StatusColumn *column, TupleTableSlot *slot)
{
	return paysafe_status_value_is_null(column, slot) ? pstrdup("NULL") :
		psprintf("\"%s\"", paysafe_status_value_text(column, slot));
}

List *
paysafe_status_value_machine_values(const Machine *machine)
{
	List	   *result = NIL;

	for (int i = 0; i < machine->nstates; i++)
		result = lappend(result, machine->states[i].value);
	return result;
}
