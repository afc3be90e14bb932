/*-------------------------------------------------------------------------
 *
 * canon.c
 *	  Canonical bytes of a row: what is stored, hashed and read back.
 *
 * The bytes depend on the values and on the shape alone: not on DateStyle,
 * TimeZone, extra_float_digits, locale, byte order, type OIDs or the version
 * of PostgreSQL.  Casts are never asked; an enum is its label, a domain its
 * base type, arrays and composites are written element by element, so that no
 * cast to json of a user's making speaks for a value inside them.
 *
 * Types without a code of their own are written as their output function
 * shows them under fixed settings (see paysafe_row_key_value_text).
 *
 * Source of the numeric format: numeric_send() and the struct NumericData of
 * PostgreSQL's numeric.c, whose on-disk form has been fixed since 9.1 because
 * pg_upgrade depends on it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/cash.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "base/crypto.h"
#include "compat.h"
#include "evidence/canon.h"
#include "values/row_key.h"

/*
 * Writing numbers
 */

static inline void
put_bytes(StringInfo out, const void *data, int len)
{
	if (unlikely(out->len + len >= out->maxlen))
		enlargeStringInfo(out, len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static inline void
put_byte(StringInfo out, uint8 byte)
{
	put_bytes(out, &byte, 1);
}

static inline void
put_int16(StringInfo out, uint16 value)
{
	value = pg_hton16(value);
	put_bytes(out, &value, sizeof(value));
}

static inline void
put_int32(StringInfo out, uint32 value)
{
	value = pg_hton32(value);
	put_bytes(out, &value, sizeof(value));
}

static inline void
put_int64(StringInfo out, uint64 value)
{
	value = pg_hton64(value);
	put_bytes(out, &value, sizeof(value));
}

void
paysafe_canon_put_length(StringInfo out, uint32 length)
{
	while (length >= 0x80)
	{
		put_byte(out, 0x80 | (length & 0x7f));
		length >>= 7;
	}
	put_byte(out, length);
}

void
paysafe_canon_put_field(StringInfo out, const char *data, int len)
{
	if (data == NULL)
	{
		put_byte(out, 0);
		return;
	}
	paysafe_canon_put_length(out, (uint32) len + 1);
	put_bytes(out, data, len);
}

void
paysafe_canon_put_string(StringInfo out, const char *string)
{
	paysafe_canon_put_field(out, string, string ? strlen(string) : 0);
}

/*
 * Types
 */

/* The code of a type that has one of its own, or 0. */
static CanonCode
scalar_code(Oid typid)
{
	static const struct
	{
		Oid			typid;
		CanonCode	code;
	}			scalars[] = {
		{BOOLOID, CANON_BOOL}, {INT2OID, CANON_INT2}, {INT4OID, CANON_INT4}, {INT8OID, CANON_INT8},
		{FLOAT4OID, CANON_FLOAT4}, {FLOAT8OID, CANON_FLOAT8}, {NUMERICOID, CANON_NUMERIC},
		{TEXTOID, CANON_TEXT}, {VARCHAROID, CANON_TEXT}, {BPCHAROID, CANON_TEXT},
		{BYTEAOID, CANON_BYTEA}, {DATEOID, CANON_DATE}, {TIMEOID, CANON_TIME},
		{TIMETZOID, CANON_TIMETZ}, {TIMESTAMPOID, CANON_TIMESTAMP},
		{TIMESTAMPTZOID, CANON_TIMESTAMPTZ}, {INTERVALOID, CANON_INTERVAL},
		{UUIDOID, CANON_UUID}, {CASHOID, CANON_MONEY}, {JSONOID, CANON_JSON}, {JSONBOID, CANON_JSON}
	};

	for (int i = 0; i < (int) lengthof(scalars); i++)
		if (scalars[i].typid == typid)
			return scalars[i].code;
	return 0;
}

static void
describe_record(CanonType *type)
{
	type->code = CANON_RECORD;
	type->tupdesc = lookup_rowtype_tupdesc_copy(type->typid, -1);
	type->nfields = type->tupdesc->natts;
	type->fields = palloc0(sizeof(CanonType *) * type->nfields);
	type->field_names = palloc0(sizeof(char *) * type->nfields);
	for (int i = 0; i < type->nfields; i++)
	{
		Form_pg_attribute att = TupleDescAttr(type->tupdesc, i);

		if (att->attisdropped)
			continue;
		type->fields[i] = paysafe_canon_type(att->atttypid);
		type->field_names[i] = pstrdup(NameStr(att->attname));
	}
}

CanonType *
paysafe_canon_type(Oid typid)
{
	CanonType  *type = palloc0(sizeof(CanonType));
	Oid			element;

	type->typid = typid = getBaseType(typid);
	type->code = scalar_code(typid);
	if (type->code != 0)
		return type;
	check_stack_depth();
	element = get_element_type(typid);
	if (OidIsValid(element))
	{
		type->code = CANON_ARRAY;
		type->element = paysafe_canon_type(element);
		get_typlenbyvalalign(element, &type->elmlen, &type->elmbyval, &type->elmalign);
		return type;
	}
	switch (get_typtype(typid))
	{
		case TYPTYPE_ENUM:
			type->code = CANON_LABEL;
			break;
		case TYPTYPE_COMPOSITE:
			describe_record(type);
			break;
		default:
			type->code = CANON_OUTPUT;
	}
	return type;
}

/*
 * Writing values
 */

/* numeric_send()'s format, read off the stored form without a copy. */
static void
put_numeric(StringInfo out, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(packed);
	int			len = VARSIZE_ANY_EXHDR(packed);
	uint16		header;
	int16		weight;
	uint16		sign;
	uint16		dscale;
	int			ndigits;

	memcpy(&header, data, sizeof(header));
	if ((header & 0xC000) == 0xC000)	/* NaN or infinite */
	{
		sign = header & 0xF000;
		weight = 0;
		/* bits of the header, without a meaning here */
		dscale = (header & 0x1F80) >> 7;
		data += sizeof(header);
		len = 0;
	}
	else if ((header & 0x8000) != 0)	/* short form */
	{
		sign = (header & 0x2000) ? 0x4000 : 0;
		dscale = (header & 0x1F80) >> 7;
		weight = (header & 0x0040) ? (int16) (~0x003F | (header & 0x003F)) :
			(int16) (header & 0x003F);
		data += sizeof(header);
		len -= sizeof(header);
	}
	else
	{
		sign = header & 0xC000;
		dscale = header & 0x3FFF;
		memcpy(&weight, data + sizeof(header), sizeof(weight));
		data += sizeof(header) + sizeof(weight);
		len -= sizeof(header) + sizeof(weight);
	}
	ndigits = len / sizeof(int16);
	put_int16(out, ndigits);
	put_int16(out, weight);
	put_int16(out, sign);
	put_int16(out, dscale);
	for (int i = 0; i < ndigits; i++)
	{
		uint16		digit;

		memcpy(&digit, data + i * sizeof(digit), sizeof(digit));
		put_int16(out, digit);
	}
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
}

static void
put_varlena(StringInfo out, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

	put_bytes(out, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
}

static void
put_label(StringInfo out, Oid label)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
	const char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "enum value %u does not exist", label);
	name = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	put_bytes(out, name, strlen(name));
	ReleaseSysCache(tuple);
}

/* A value with its length in front, or a zero byte for NULL. */
static void
put_nested(const CanonType *type, Datum value, bool isnull, StringInfo out)
{
	StringInfoData bytes;

	if (isnull)
	{
		put_byte(out, 0);
		return;
	}
	initStringInfo(&bytes);
	paysafe_canon_value(type, value, &bytes);
	paysafe_canon_put_field(out, bytes.data, bytes.len);
	pfree(bytes.data);
}

static void
put_array(const CanonType *type, Datum value, StringInfo out)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elems;
	bool	   *nulls;
	int			nelems;

	put_byte(out, ARR_NDIM(array));
	for (int i = 0; i < ARR_NDIM(array); i++)
	{
		put_int32(out, ARR_DIMS(array)[i]);
		put_int32(out, ARR_LBOUND(array)[i]);
	}
	deconstruct_array(array, ARR_ELEMTYPE(array), type->elmlen, type->elmbyval,
					  type->elmalign, &elems, &nulls, &nelems);
	for (int i = 0; i < nelems; i++)
		put_nested(type->element, elems[i], nulls[i], out);
	pfree(elems);
	pfree(nulls);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

static void
put_record(const CanonType *type, Datum value, StringInfo out)
{
	HeapTupleHeader record = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(record), .t_data = record};
	Datum	   *values = palloc(sizeof(Datum) * type->nfields);
	bool	   *nulls = palloc(sizeof(bool) * type->nfields);

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, type->tupdesc, values, nulls);
	for (int i = 0; i < type->nfields; i++)
		if (type->fields[i] != NULL)
			put_nested(type->fields[i], values[i], nulls[i], out);
	pfree(values);
	pfree(nulls);
}

/* Values that take longer than a call. */
static void
put_other(const CanonType *type, Datum value, StringInfo out)
{
	switch (type->code)
	{
		case CANON_JSON:
			if (type->typid == JSONBOID)
			{
				Jsonb	   *jsonb = DatumGetJsonbP(value);

				(void) JsonbToCString(out, &jsonb->root, VARSIZE(jsonb));
			}
			else
				put_varlena(out, value);
			break;
		case CANON_LABEL:
			put_label(out, DatumGetObjectId(value));
			break;
		case CANON_ARRAY:
			put_array(type, value, out);
			break;
		case CANON_RECORD:
			put_record(type, value, out);
			break;
		case CANON_OUTPUT:
			{
				char	   *text = paysafe_row_key_value_text(type->typid, value);

				put_bytes(out, text, strlen(text));
				pfree(text);
				break;
			}
		default:
			elog(ERROR, "a value of code %c has no bytes", type->code);
	}
}

void
paysafe_canon_value(const CanonType *type, Datum value, StringInfo out)
{
	switch (type->code)
	{
		case CANON_BOOL:
			put_byte(out, DatumGetBool(value) ? 1 : 0);
			break;
		case CANON_INT2:
			put_int16(out, DatumGetInt16(value));
			break;
		case CANON_INT4:
			put_int32(out, DatumGetInt32(value));
			break;
		case CANON_INT8:
			put_int64(out, DatumGetInt64(value));
			break;
		case CANON_FLOAT4:
			{
				float4		f = DatumGetFloat4(value);
				uint32		bits;

				memcpy(&bits, &f, sizeof(bits));
				put_int32(out, bits);
				break;
			}
		case CANON_FLOAT8:
			{
				float8		f = DatumGetFloat8(value);
				uint64		bits;

				memcpy(&bits, &f, sizeof(bits));
				put_int64(out, bits);
				break;
			}
		case CANON_NUMERIC:
			put_numeric(out, value);
			break;
		case CANON_TEXT:
		case CANON_BYTEA:
			put_varlena(out, value);
			break;
		case CANON_DATE:
			put_int32(out, DatumGetDateADT(value));
			break;
		case CANON_TIME:
			put_int64(out, DatumGetTimeADT(value));
			break;
		case CANON_TIMETZ:
			put_int64(out, DatumGetTimeTzADTP(value)->time);
			put_int32(out, DatumGetTimeTzADTP(value)->zone);
			break;
		case CANON_TIMESTAMP:
		case CANON_TIMESTAMPTZ:
			put_int64(out, DatumGetTimestamp(value));
			break;
		case CANON_INTERVAL:
			put_int64(out, DatumGetIntervalP(value)->time);
			put_int32(out, DatumGetIntervalP(value)->day);
			put_int32(out, DatumGetIntervalP(value)->month);
			break;
		case CANON_UUID:
			put_bytes(out, DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case CANON_MONEY:
			put_int64(out, DatumGetCash(value));
			break;
		default:
			put_other(type, value, out);
	}
}

/* Length of the bytes of a value where it is known beforehand, or -1. */
static inline int
known_length(CanonCode code)
{
	switch (code)
	{
		case CANON_BOOL:
			return 1;
		case CANON_INT2:
			return 2;
		case CANON_INT4:
		case CANON_FLOAT4:
		case CANON_DATE:
			return 4;
		case CANON_INT8:
		case CANON_FLOAT8:
		case CANON_TIME:
		case CANON_TIMESTAMP:
		case CANON_TIMESTAMPTZ:
		case CANON_MONEY:
			return 8;
		case CANON_TIMETZ:
			return 12;
		case CANON_INTERVAL:
		case CANON_UUID:
			return 16;
		default:
			return -1;
	}
}

/*
 * A column of more than one length byte is rare: leave one byte for it and
 * move the value only if it turns out longer.
 */
static void
put_column(const CanonColumn *column, Datum value, StringInfo out)
{
	int			start = out->len;
	int			len = known_length(column->type->code);

	if (column->redacted)
	{
		StringInfoData bytes;
		uint8		digest[PAYSAFE_SHA256_LEN];

		initStringInfo(&bytes);
		paysafe_canon_value(column->type, value, &bytes);
		paysafe_crypto_hmac_sha256(column->redaction_key, sizeof(column->redaction_key),
								   bytes.data, bytes.len, digest);
		explicit_bzero(bytes.data, bytes.len);
		pfree(bytes.data);
		paysafe_canon_put_field(out, (char *) digest, sizeof(digest));
		return;
	}
	if (len >= 0)
	{
		put_byte(out, len + 1);
		paysafe_canon_value(column->type, value, out);
		return;
	}
	put_byte(out, 0);
	paysafe_canon_value(column->type, value, out);
	len = out->len - start - 1;
	if (len + 1 < 0x80)
		out->data[start] = len + 1;
	else
	{
		int			extra = 0;

		for (uint32 rest = ((uint32) len + 1) >> 7; rest > 0; rest >>= 7)
			extra++;
		enlargeStringInfo(out, extra);
		memmove(out->data + start + 1 + extra, out->data + start + 1, len);
		out->len = start;
		paysafe_canon_put_length(out, (uint32) len + 1);
		out->len += len;
	}
}

Size
paysafe_canon_row_size(TupleTableSlot *row)
{
	TupleDesc	desc = row->tts_tupleDescriptor;
	Size		bytes = 0;

	slot_getallattrs(row);
	for (int i = 0; i < desc->natts; i++)
	{
		int16		len = TupleDescAttr(desc, i)->attlen;

		if (!row->tts_isnull[i])
			bytes += len == -1 ? toast_raw_datum_size(row->tts_values[i]) : Max(len, 0);
	}
	return bytes;
}

void
paysafe_canon_row(const CanonShape *shape, TupleTableSlot *row, StringInfo out)
{
	slot_getallattrs(row);
	put_byte(out, CANON_IMAGE_FULL);
	for (int i = 0; i < shape->ncolumns; i++)
	{
		const CanonColumn *column = &shape->columns[i];
		int			pos = column->attnum - 1;

		if (row->tts_isnull[pos])
			put_byte(out, 0);
		else
			put_column(column, row->tts_values[pos], out);
	}
}

/*
 * Are the values certainly the same?  Looks at the stored bytes only; values
 * that are equal but stored differently count as different, which costs room
 * and nothing else.
 */
static inline bool
same_datum(const CanonColumn *column, Datum a, Datum b)
{
	if (column->attbyval)
		return a == b;
	if (column->attlen > 0)
		return memcmp(DatumGetPointer(a), DatumGetPointer(b), column->attlen) == 0;
	if (column->attlen == -1)
	{
		Size		len = VARSIZE_ANY(DatumGetPointer(a));

		/* also right for values out of line: the same pointer, the same value */
		return len == VARSIZE_ANY(DatumGetPointer(b)) &&
			memcmp(DatumGetPointer(a), DatumGetPointer(b), len) == 0;
	}
	return strcmp(DatumGetCString(a), DatumGetCString(b)) == 0;
}

void
paysafe_canon_difference(const CanonShape *shape, TupleTableSlot *row,
						 TupleTableSlot *other, StringInfo out)
{
	int			bitmap = out->len + 1;
	int			bitmap_len = (shape->ncolumns + 7) / 8;

	slot_getallattrs(row);
	slot_getallattrs(other);
	enlargeStringInfo(out, 1 + bitmap_len);
	put_byte(out, CANON_IMAGE_DIFFERENCE);
	memset(out->data + bitmap, 0, bitmap_len);
	out->len += bitmap_len;
	for (int i = 0; i < shape->ncolumns; i++)
	{
		const CanonColumn *column = &shape->columns[i];
		int			pos = column->attnum - 1;

		if (row->tts_isnull[pos] ? other->tts_isnull[pos] :
			!other->tts_isnull[pos] &&
			same_datum(column, row->tts_values[pos], other->tts_values[pos]))
			out->data[bitmap + i / 8] |= 1 << (i % 8);
		else if (row->tts_isnull[pos])
			put_byte(out, 0);
		else
			put_column(column, row->tts_values[pos], out);
	}
}
