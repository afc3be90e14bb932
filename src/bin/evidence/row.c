/*-------------------------------------------------------------------------
 *
 * row.c
 *	  What a row of the audit log says, from its leaf, its payload and its shape.
 *
 *	leaf	= 01 || xid (8) || command (4) || seq (4) || at (8) || op (1) ||
 *			  digest of the shape (32) || SHA-256(payload) (32)
 *	payload = nonce (16) || for key, context, after, before: length (4; FFFFFFFF: absent) ||
 *			  bytes || zero bytes up to a multiple of four
 *	shape	= subject, schema, table, encoding || number of key columns || their names ||
 *			  columns, a JSON array of objects with "name" and "code"
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bin/evidence/row.h"
#include "bin/evidence/value.h"

#define NONCE_LEN		16
#define ABSENT			UINT32_C(0xFFFFFFFF)
#define MAX_COLUMNS		1664
#define CONTEXT_FIELDS	15	/* of version 1 the first 11 */

typedef struct Column
{
	TlogText	name;
	char		code;
	char		of;				/* of an array: the code of its elements */
} Column;

/* A value of an image */
typedef struct Value
{
	bool		there;			/* in this image; a difference has only what differs */
	bool		null;
	TlogText	bytes;
} Value;

enum
{
	PART_KEY, PART_CONTEXT, PART_AFTER, PART_BEFORE,
	NPARTS
};

/* Parts of a context: see src/evidence/audit_context.c */
enum
{
	WHO_ACTOR, WHO_LOGIN, WHO_SESSION_USER, WHO_CURRENT_USER, WHO_CLIENT, WHO_CERTIFICATE,
	WHO_APPLICATION, WHO_REASON, WHO_TICKET, WHO_REQUEST, WHO_BUSINESS, WHO_IDENTITY,
	WHO_CERTIFICATE_SHA256, WHO_PROOF, WHO_TENANT
};

uint64_t
row_transaction(const uint8_t *leaf)
{
	Bytes		bytes = {leaf + 1, leaf + ROW_LEAF_LEN, false};

	return bytes_number(&bytes, 8);
}

const uint8_t *
row_shape_digest(const uint8_t *leaf)
{
	return leaf + 26;
}

/*
 * Shapes
 */

/* A string of JSON, from its opening quote on: what is between the quotes; at: after it */
static bool
json_string(TlogText json, size_t *at, TlogText *out)
{
	size_t		start = ++*at;

	for (; *at < json.len && json.at[*at] != '"'; ++*at)
		if (json.at[*at] == '\\')
			++*at;
	if (*at >= json.len)
		return false;
	*out = (TlogText) {json.at + start, *at - start};
	++*at;
	return true;
}

/* "name" and "code" of the objects in the outer array; the number of columns, or -1 */
static int
read_columns(TlogText json, Column *columns)
{
	int			n = 0;
	int			depth = 0;
	TlogText	key = {NULL, 0};
	bool		after_colon = false;

	for (size_t at = 0; at < json.len;)
	{
		TlogText	string;
		char		c = json.at[at];

		if (c == '"')
		{
			if (!json_string(json, &at, &string))
				return -1;
			if (!after_colon)
				key = string;
			else if (depth == 2 && n > 0 && tlog_text_is(key, "name"))
				columns[n - 1].name = string;
			else if (depth == 2 && n > 0 && tlog_text_is(key, "code") && string.len == 1)
				columns[n - 1].code = string.at[0];
			else if (depth == 3 && n > 0 && tlog_text_is(key, "code") && string.len == 1)
				columns[n - 1].of = string.at[0];
			continue;
		}
		if (c == '[' || c == '{')
			depth++;
		else if (c == ']' || c == '}')
			depth--;
		if (c == '{' && depth == 2)
		{
			if (n == MAX_COLUMNS)
				return -1;
			columns[n++] = (Column) {{"?", 1}, '?', '?'};
		}
		after_colon = c == ':' || (after_colon && c == ' ');
		at++;
	}
	return depth == 0 ? n : -1;
}

/* The table's name, and its columns; -1: it is no shape */
static int
read_shape(const Shape *shape, TlogText *schema, TlogText *table, Column *columns)
{
	Bytes		bytes = {(const uint8_t *) shape->bytes.at, (const uint8_t *) shape->bytes.at + shape->bytes.len, false};
	TlogText	field;
	uint64_t	nkeys;

	(void) bytes_field(&bytes, &field);
	(void) bytes_field(&bytes, schema);
	(void) bytes_field(&bytes, table);
	(void) bytes_field(&bytes, &field);
	nkeys = bytes_length(&bytes);
	for (uint64_t i = 0; i < nkeys && !bytes.failed; i++)
		(void) bytes_field(&bytes, &field);
	return bytes_field(&bytes, &field) && !bytes.failed ? read_columns(field, columns) : -1;
}

/*
 * Payloads
 */

static bool
read_parts(TlogText payload, TlogText *parts)
{
	Bytes		bytes = {(const uint8_t *) payload.at, (const uint8_t *) payload.at + payload.len, false};

	if (payload.len < NONCE_LEN)
		return false;
	bytes.at += NONCE_LEN;
	for (int i = 0; i < NPARTS; i++)
	{
		uint64_t	len = bytes_number(&bytes, 4);
		uint64_t	padded = (len + 3) / 4 * 4;

		parts[i] = (TlogText) {NULL, 0};
		if (len == ABSENT)
			continue;
		if (bytes.failed || (uint64_t) (bytes.end - bytes.at) < padded)
			return false;
		parts[i] = (TlogText) {(const char *) bytes.at, len};
		bytes.at += padded;
	}
	return !bytes.failed && bytes.at == bytes.end;
}

/* A full image (1), or what differs from another one (2, with a bit for each column) */
static bool
read_image(TlogText image, int ncolumns, Value *values)
{
	Bytes		bytes = {(const uint8_t *) image.at, (const uint8_t *) image.at + image.len, false};
	uint64_t	version = bytes_number(&bytes, 1);
	const uint8_t *same = bytes.at;

	if (version == 2)
	{
		if (bytes.end - bytes.at < (ncolumns + 7) / 8)
			return false;
		bytes.at += (ncolumns + 7) / 8;
	}
	else if (version != 1)
		return false;
	for (int i = 0; i < ncolumns; i++)
	{
		values[i] = (Value) {false, false, {NULL, 0}};
		if (version == 2 && (same[i / 8] >> i % 8 & 1) != 0)
			continue;
		values[i].there = true;
		values[i].null = !bytes_field(&bytes, &values[i].bytes);
	}
	return !bytes.failed;
}

static void
print_value(FILE *out, const Column *column, const Value *value)
{
	if (value->null)
		fputs("NULL", out);
	else if (column->code == 'a')
		array_print(out, column->of, value->bytes);
	else
		value_print(out, column->code, value->bytes);
}

static void
print_line(FILE *out, const char *what, TlogText text)
{
	fprintf(out, value_html ? "<tr><th>%s</th><td>" : "    %s: ", what);
	text_print_lines(out, text);
	fputs(value_html ? "</td></tr>\n" : "\n", out);
}

/* How well it was known who acted: a digit, see people/identity.h */
static void
print_identity(FILE *out, TlogText level)
{
	static const char *const names[] = {"none", "claimed", "session", "proven", "passkey"};
	int			n = level.len == 1 ? level.at[0] - '0' : -1;

	if (n >= 0 && n < (int) (sizeof(names) / sizeof(names[0])))
		print_line(out, "identity", (TlogText) {names[n], strlen(names[n])});
	else
		print_line(out, "identity", level);
}

static void
print_who(FILE *out, TlogText context)
{
	Bytes		bytes = {(const uint8_t *) context.at, (const uint8_t *) context.at + context.len, false};
	TlogText	who[CONTEXT_FIELDS];
	bool		there[CONTEXT_FIELDS] = {false};
	int			nfields = bytes_number(&bytes, 1) == 1 ? 11 : CONTEXT_FIELDS;

	for (int i = 0; i < nfields; i++)
		there[i] = bytes_field(&bytes, &who[i]);
	print_line(out, there[WHO_ACTOR] ? "by" : "by login", there[WHO_ACTOR] ? who[WHO_ACTOR] : who[WHO_LOGIN]);
	if (there[WHO_ACTOR])
		print_line(out, "logged in as", who[WHO_LOGIN]);
	if (there[WHO_IDENTITY])
		print_identity(out, who[WHO_IDENTITY]);
	if (there[WHO_CERTIFICATE_SHA256])
		print_line(out, "client's certificate", who[WHO_CERTIFICATE_SHA256]);
	if (there[WHO_PROOF])
		print_line(out, "shown by a token", who[WHO_PROOF]);
	if (there[WHO_REASON])
		print_line(out, "because", who[WHO_REASON]);
	if (there[WHO_TICKET])
		print_line(out, "ticket", who[WHO_TICKET]);
	if (there[WHO_REQUEST])
		print_line(out, "request", who[WHO_REQUEST]);
	if (there[WHO_TENANT])
		print_line(out, "for tenant", who[WHO_TENANT]);
}

/* Of the row that was taken apart last */
static Column columns[MAX_COLUMNS];
static Value after[MAX_COLUMNS];
static Value before[MAX_COLUMNS];

static void
print_columns(FILE *out, int n)
{
	for (int i = 0; i < n; i++)
	{
		fputs(value_html ? "<tr><td>" : "      ", out);
		text_print(out, columns[i].name);
		fputs(value_html ? "</td><td>" : " = ", out);
		if (before[i].there && after[i].there)
		{
			print_value(out, &columns[i], &before[i]);
			fputs(" \xE2\x86\x92 ", out);
		}
		print_value(out, &columns[i], after[i].there ? &after[i] : &before[i]);
		fputs(value_html ? "</td></tr>\n" : "\n", out);
	}
}

static const char *
word_of(char op)
{
	return op == 'I' ? "INSERT into" : op == 'U' ? "UPDATE of" : op == 'D' ? "DELETE from" : "ADD COLUMN to";
}

bool
row_read(const uint8_t *leaf, TlogText payload, const Shape *shape, Row *row)
{
	Bytes		at = {leaf + 17, leaf + 25, false};
	TlogText	parts[NPARTS];

	memset(after, 0, sizeof(after));
	memset(before, 0, sizeof(before));
	row->op = (char) leaf[25];
	row->at = (int64_t) bytes_number(&at, 8);
	row->ncolumns = read_shape(shape, &row->schema, &row->table, columns);
	if (row->ncolumns < 0 || !read_parts(payload, parts) ||
		(parts[PART_AFTER].at != NULL && !read_image(parts[PART_AFTER], row->ncolumns, after)) ||
		(parts[PART_BEFORE].at != NULL && !read_image(parts[PART_BEFORE], row->ncolumns, before)))
		return false;
	row->key = parts[PART_KEY];
	row->context = parts[PART_CONTEXT];
	return true;
}

void
row_print(FILE *out, const Row *row)
{
	fprintf(out, value_html ? "<h2>%s " : "  %s ", word_of(row->op));
	text_print(out, row->schema);
	putc('.', out);
	text_print(out, row->table);
	fputs(", key ", out);
	text_print(out, row->key);
	fputs(value_html ? "</h2>\n<table>\n<tr><th>at</th><td>" : "\n    at: ", out);
	time_print(out, row->at);
	fputs(value_html ? " UTC</td></tr>\n" : " UTC\n", out);
	print_who(out, row->context);
	print_columns(out, row->ncolumns);
	if (value_html)
		fputs("</table>\n", out);
}

static const Value *
value_of(const Row *row, const char *name)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (tlog_text_is(columns[i].name, name))
			return &after[i];
	return NULL;
}

bool
row_has_column(const Row *row, const char *name)
{
	return value_of(row, name) != NULL;
}

bool
row_column(const Row *row, const char *name, TlogText *value)
{
	const Value *found = value_of(row, name);

	*value = (TlogText) {NULL, 0};
	if (found == NULL || !found->there || found->null)
		return false;
	*value = found->bytes;
	return true;
}
