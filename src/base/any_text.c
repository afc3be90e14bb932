/*-------------------------------------------------------------------------
 *
 * any_text.c
 *	  Bytes that call themselves text, as text of this database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/any_text.h"

#define CHUNK	65536			/* bytes that are converted at once */

/* A buffer that may pass 1 GB, which a StringInfo may not. */
typedef struct Buffer
{
	char	   *data;
	Size		len;
	Size		size;
} Buffer;

static void
append(Buffer *out, const char *bytes, size_t len)
{
	if (out->len + len + 1 > out->size)
	{
		out->size = Max(out->size * 2, out->len + len + 1);
		out->data = repalloc_huge(out->data, out->size);
	}
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
	out->data[out->len] = '\0';
}

/* What is valid in the encoding, and a question mark for each byte that is not. */
static void
append_valid(Buffer *out, const char *bytes, size_t len, int encoding)
{
	while (len > 0)
	{
		size_t		valid = pg_encoding_verifymbstr(encoding, bytes, len);

		append(out, bytes, valid);
		if (valid < len)
		{
			append(out, "?", 1);
			valid++;
		}
		bytes += valid;
		len -= valid;
	}
}

/* Without a conversion between the two, only ASCII is known. */
static void
append_ascii(Buffer *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		append(out, IS_HIGHBIT_SET(bytes[i]) || bytes[i] == '\0' ? "?" : &bytes[i], 1);
}

static void
append_converted(Buffer *out, const char *bytes, size_t len, int encoding)
{
	int			server = GetDatabaseEncoding();
	Oid			conversion = FindDefaultConversionProc(encoding, server);
	char	   *chunk;

	if (!OidIsValid(conversion))
	{
		append_ascii(out, bytes, len);
		return;
	}
	chunk = palloc(CHUNK * MAX_CONVERSION_GROWTH + 1);
	while (len > 0)
	{
		int			taken = pg_do_encoding_conversion_buf(conversion, encoding, server,
														  (unsigned char *) unconstify(char *, bytes),
														  Min(len, CHUNK), (unsigned char *) chunk,
														  CHUNK * MAX_CONVERSION_GROWTH + 1, true);

		append(out, chunk, strlen(chunk));
		if (taken == 0)
		{
			/* the character at the start, if it is one */
			int			mblen = pg_encoding_mblen(encoding, bytes);

			taken = mblen <= len && pg_encoding_verifymbchar(encoding, bytes, len) > 0 ? mblen : 1;
			append(out, "?", 1);
		}
		bytes += taken;
		len -= taken;
	}
	pfree(chunk);
}

char *
paysafe_any_text(const char *bytes, size_t len, int encoding)
{
	int			server = GetDatabaseEncoding();
	Buffer		out = {.size = len + 1};

	out.data = MemoryContextAllocHuge(CurrentMemoryContext, out.size);
	out.data[0] = '\0';
	if (encoding == server || encoding == PG_SQL_ASCII || server == PG_SQL_ASCII)
		append_valid(&out, bytes, len, server);
	else
		append_converted(&out, bytes, len, encoding);
	return out.data;
}
