/*-------------------------------------------------------------------------
 *
 * canon.h
 *	  Canonical bytes of a row: what is stored, hashed and read back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CANON_H
#define PAYSAFE_CANON_H

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/*
 * How the values of one type are written.  The code is part of the stored
 * shape and never changes its meaning.
 */
typedef enum CanonCode
{
	CANON_BOOL = 'b',			/* 1 byte */
	CANON_INT2 = '2',			/* integers: big endian, two's complement */
	CANON_INT4 = '4',
	CANON_INT8 = '8',
	CANON_FLOAT4 = 'f',			/* IEEE 754 bits, big endian */
	CANON_FLOAT8 = 'd',
	CANON_NUMERIC = 'n',		/* the wire format of numeric */
	CANON_TEXT = 't',			/* bytes in the encoding of the shape */
	CANON_BYTEA = 'y',			/* bytes */
	CANON_DATE = 'D',			/* int4 days since 2000-01-01 */
	CANON_TIME = 'T',			/* int8 microseconds */
	CANON_TIMETZ = 'Z',			/* int8 microseconds, int4 zone */
	CANON_TIMESTAMP = 'S',		/* int8 microseconds since 2000-01-01 */
	CANON_TIMESTAMPTZ = 'W',	/* the same, UTC */
	CANON_INTERVAL = 'i',		/* int8 microseconds, int4 days, int4 months */
	CANON_UUID = 'u',			/* 16 bytes */
	CANON_MONEY = 'm',			/* int8 */
	CANON_JSON = 'j',			/* text of the document */
	CANON_LABEL = 'e',			/* enum label, as text */
	CANON_ARRAY = 'a',			/* dimensions, bounds, elements */
	CANON_RECORD = 'c',			/* fields in order */
	CANON_OUTPUT = 'x',			/* text of the type's output function */
	CANON_REDACTED = 'r'		/* 32 bytes: keyed hash of the canonical bytes */
} CanonCode;

/* First byte of a row image. */
#define CANON_IMAGE_FULL		1
#define CANON_IMAGE_DIFFERENCE	2

typedef struct CanonType
{
	CanonCode	code;
	Oid			typid;			/* base type; for writing only */
	/* CANON_ARRAY */
	struct CanonType *element;
	int16		elmlen;
	bool		elmbyval;
	char		elmalign;
	/* CANON_RECORD */
	int			nfields;
	char	  **field_names;
	struct CanonType **fields;	/* NULL: dropped attribute */
	TupleDesc	tupdesc;		/* for writing only */
} CanonType;

typedef struct CanonColumn
{
	AttrNumber	attnum;			/* for writing only, like the next two */
	int16		attlen;
	bool		attbyval;
	AttrNumber	layout_attnum;	/* in the declared table; 0: not known */
	char	   *name;
	char	   *type_name;		/* as format_type gives it; for the reader, or NULL */
	CanonType  *type;
	bool		redacted;
	uint8		redaction_key[32];	/* of this column; only if redacted */
} CanonColumn;

typedef struct CanonShape
{
	int			ncolumns;
	CanonColumn *columns;
} CanonShape;

/* Describe how a type is written.  Raises nothing for any existing type. */
extern CanonType *paysafe_canon_type(Oid typid);

/*
 * Append the canonical bytes of a row: version byte 1, then each column as a
 * length plus one (base 128, least significant group first) and the bytes; a
 * single zero byte is NULL.  Independent of all settings and of the machine's
 * byte order.  Redacted columns give a keyed hash.
 */
extern void paysafe_canon_row(const CanonShape *shape, TupleTableSlot *row,
							  StringInfo out);

/*
 * Append what a row had in place of another one: version byte 2, a bitmap with
 * a bit for each column in order (least significant first, set: the same as in
 * the other row), then the columns that differ, as above.
 */
extern void paysafe_canon_difference(const CanonShape *shape, TupleTableSlot *row,
									 TupleTableSlot *other, StringInfo out);

/* One value of a column, as it appears after its length.  Not NULL. */
extern void paysafe_canon_value(const CanonType *type, Datum value, StringInfo out);

/* The shape as jsonb, and back.  Reading raises 22P03 for what is no shape. */
extern Jsonb *paysafe_canon_shape_jsonb(const CanonShape *shape);
extern CanonShape *paysafe_canon_shape_read(const Jsonb *jsonb);

/* About how many bytes the row's image will have; no value is read for it. */
extern Size paysafe_canon_row_size(TupleTableSlot *row);

/*
 * A row's bytes as a jsonb object: what to_jsonb gives for the row when the
 * time zone is UTC.  other is the image that a difference refers to, or NULL.
 * encoding is that of text in the images.  What jsonb has no room for is a string
 * "oversize:BYTES:SHA-256".  Raises 22P03 for bytes that do not fit the shape; never
 * reads outside them.
 */
extern Jsonb *paysafe_canon_read(const CanonShape *shape, int encoding,
								 const char *data, int len,
								 const char *other, int other_len);

/* A column's bytes in an image; data NULL: NULL. */
typedef struct CanonBytes
{
	const char *data;
	int			len;
} CanonBytes;

/*
 * Where the bytes of each column of an image are; columns has room for those of the
 * shape.  Otherwise as paysafe_canon_read.
 */
extern void paysafe_canon_split(const CanonShape *shape, const char *data, int len,
								const char *other, int other_len, CanonBytes *columns);

/* One column as jsonb, at most 256 MB. */
extern Jsonb *paysafe_canon_read_value(const CanonType *type, int encoding,
									   const CanonBytes *bytes);

/* Base-128 lengths, for other records of the audit log. */
extern void paysafe_canon_put_length(StringInfo out, uint32 length);
extern void paysafe_canon_put_field(StringInfo out, const char *data, int len);	/* NULL: absent */
extern void paysafe_canon_put_string(StringInfo out, const char *string);	/* the same */
/* Next field at *pos; false at the end or if malformed; *data NULL if absent. */
extern bool paysafe_canon_get_field(const char **pos, const char *end,
									const char **data, int *len);

#endif							/* PAYSAFE_CANON_H */
