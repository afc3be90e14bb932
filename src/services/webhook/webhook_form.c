/*-------------------------------------------------------------------------
 *
 * webhook_form.c
 *	  Bodies that are forms (application/x-www-form-urlencoded).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/encode.h"
#include "services/webhook/webhook_form.h"

#define MAX_FIELDS		1000

typedef struct Text
{
	const char *data;
	size_t		len;
} Text;

typedef struct Field
{
	Text		name;
	Text		value;
} Field;

/* The same without escapes, palloc'd; false if one is malformed. */
static bool
unescape(const char *in, size_t len, Text *out)
{
	char	   *data = palloc(len + 1);
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (in[i] == '%')
		{
			if (len - i < 3 || paysafe_decode_hex(in + i + 1, 2, (uint8 *) data + n) != 1)
				return false;
			i += 2;
			n++;
		}
		else
			data[n++] = in[i] == '+' ? ' ' : in[i];
	}
	*out = (Text) {data, n};
	return true;
}

/* How many fields; -1 if it is no form. */
static int
read_fields(const char *body, size_t len, Field **fields)
{
	int			n = 0;
	size_t		start = 0;

	*fields = palloc(sizeof(Field) * MAX_FIELDS);
	while (start < len)
	{
		const char *field = body + start;
		const char *amp = memchr(field, '&', len - start);
		size_t		fieldlen = amp ? (size_t) (amp - field) : len - start;
		const char *equals = memchr(field, '=', fieldlen);

		if (n == MAX_FIELDS || equals == NULL || equals == field ||
			!unescape(field, equals - field, &(*fields)[n].name) ||
			!unescape(equals + 1, fieldlen - (equals + 1 - field), &(*fields)[n].value))
			return -1;
		n++;
		start += fieldlen + 1;
		/* nothing behind the last ampersand */
		if (amp != NULL && start == len)
			return -1;
	}
	return n;
}

static int
compare_texts(const Text *a, const Text *b)
{
	int			order = memcmp(a->data, b->data, Min(a->len, b->len));

	if (order != 0)
		return order;
	return a->len < b->len ? -1 : a->len > b->len;
}

static int
compare_fields(const void *a, const void *b)
{
	const Field *fa = a;
	const Field *fb = b;
	int			order = compare_texts(&fa->name, &fb->name);

	return order != 0 ? order : compare_texts(&fa->value, &fb->value);
}

bool
paysafe_webhook_form_field(StringInfo out, const char *body, size_t len, const char *name)
{
	Field	   *fields;
	int			n = read_fields(body, len, &fields);
	Text		wanted = {name, strlen(name)};
	int			found = -1;

	for (int i = 0; i < n; i++)
		if (compare_texts(&fields[i].name, &wanted) == 0)
		{
			if (found >= 0)
				return false;
			found = i;
		}
	if (found < 0)
		return false;
	appendBinaryStringInfo(out, fields[found].value.data, (int) fields[found].value.len);
	return true;
}

bool
paysafe_webhook_form_sorted(StringInfo out, const char *body, size_t len)
{
	Field	   *fields;
	int			n = read_fields(body, len, &fields);

	if (n < 0)
		return false;
	qsort(fields, n, sizeof(Field), compare_fields);
	for (int i = 0; i < n; i++)
	{
		bool		again = i > 0 && compare_texts(&fields[i - 1].name, &fields[i].name) == 0;

		if (again && compare_texts(&fields[i - 1].value, &fields[i].value) == 0)
			continue;
		appendBinaryStringInfo(out, fields[i].name.data, (int) fields[i].name.len);
		appendBinaryStringInfo(out, fields[i].value.data, (int) fields[i].value.len);
	}
	return true;
}
