/*-------------------------------------------------------------------------
 *
 * name.c
 *	  When two names are one, however they are spelled.
 *
 * Names are compared as Unicode, whatever the database's encoding and locale: the
 * server's own conversions read them, its normalization and a table of ours make
 * spellings equal.  Neither ICU nor the C library takes part, so the answer is the same
 * on every machine.  A database without an encoding (SQL_ASCII) has names in UTF-8.
 *
 * Two names that differ by what a reader does not tell apart are one person's: a wrong
 * "the same" asks for one more approver, a wrong "another" lets somebody approve
 * what he requested.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"

#include "people/name.h"
#include "people/name_alike.h"
#include "people/name_fold.h"

#define BLANK			0x20
#define DOTLESS_I		0x131
#define DOTLESS_J		0x237
#define DOT_ABOVE		0x307
#define MARKS_FIRST		0x300	/* combining marks that stand with Latin letters */
#define MARKS_LAST		0x36F
#define MAX_ROUNDS		4		/* folding and normalizing change nothing any more */

static bool
is_ascii(const char *text)
{
	for (; *text; text++)
		if (IS_HIGHBIT_SET(*text))
			return false;
	return true;
}

/* The name in UTF-8, or NULL if it has none for sure. */
static const char *
in_utf8(const char *name)
{
	int			encoding = GetDatabaseEncoding();
	int			len = strlen(name);
	Oid			conversion;
	int			room = len * MAX_CONVERSION_GROWTH + 1;
	char	   *result;

	if (is_ascii(name))
		return name;
	if (encoding == PG_SQL_ASCII)
		encoding = PG_UTF8;
	if (pg_encoding_verifymbstr(encoding, name, len) != len)
		return NULL;
	if (encoding == PG_UTF8)
		return name;
	/* the one that came with PostgreSQL, not one of the search path's */
	conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return NULL;
	result = palloc(room);
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) name, len,
									  (unsigned char *) result, room, true) != len)
		return NULL;
	return result;
}

/* Its code points, or NULL. */
static pg_wchar *
code_points(const char *name)
{
	const char *utf8 = in_utf8(name);
	pg_wchar   *wide;

	if (utf8 == NULL)
		return NULL;
	wide = palloc((strlen(utf8) + 1) * sizeof(pg_wchar));
	pg_encoding_mb2wchar_with_len(PG_UTF8, utf8, wide, strlen(utf8));
	return wide;
}

static int
length(const pg_wchar *wide)
{
	int			n = 0;

	while (wide[n] != 0)
		n++;
	return n;
}

static bool
are_equal(const pg_wchar *a, const pg_wchar *b)
{
	int			n = length(a);

	return n == length(b) && memcmp(a, b, n * sizeof(pg_wchar)) == 0;
}

/* Each code point folded; normalized again. */
static pg_wchar *
fold_case(const pg_wchar *wide)
{
	pg_wchar   *result = palloc((length(wide) * NAME_MAX_FOLD + 1) * sizeof(pg_wchar));
	int			n = 0;

	for (; *wide; wide++)
		n += name_fold(*wide, &result[n]);
	result[n] = 0;
	return unicode_normalize(UNICODE_NFKD, result);
}

/*
 * Without what is not seen and not meant: alphabets, where letters are drawn alike; dots
 * of i and j, which languages see differently; blanks but one between words, tabs and line
 * ends among them.  In place.
 */
static void
simplify(pg_wchar *wide)
{
	pg_wchar   *out = wide;
	pg_wchar	base = 0;		/* the letter that marks stand with */

	for (pg_wchar *in = wide; *in; in++)
	{
		pg_wchar	c = name_alike(*in);

		if (c < BLANK)
			c = BLANK;
		if (c == DOTLESS_I)
			c = 'i';
		if (c == DOTLESS_J)
			c = 'j';
		if (!name_has(c) || (c == DOT_ABOVE && (base == 'i' || base == 'j')))
			continue;
		if (c < MARKS_FIRST || c > MARKS_LAST)
			base = c;
		if (c == BLANK && (out == wide || out[-1] == BLANK))
			continue;
		*out++ = c;
	}
	if (out > wide && out[-1] == BLANK)
		out--;
	*out = 0;
}

pg_wchar *
paysafe_name_fold(const char *name)
{
	pg_wchar   *wide = code_points(name);

	if (wide == NULL)
		return NULL;
	wide = unicode_normalize(UNICODE_NFKD, wide);
	for (int i = 0; i < MAX_ROUNDS; i++)
	{
		pg_wchar   *folded = fold_case(wide);
		bool		done = are_equal(wide, folded);

		wide = folded;
		if (done)
			break;
	}
	simplify(wide);
	return wide;
}

bool
paysafe_name_is_good(const char *name)
{
	pg_wchar   *wide = code_points(name);

	for (pg_wchar *c = wide; c != NULL && *c; c++)
		if (!name_has(*c))
			return false;
	return wide != NULL && paysafe_name_fold(name)[0] != 0;
}

void
paysafe_name_check(const char *name, const char *argument)
{
	pg_wchar   *wide = code_points(name);

	if (wide == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" cannot be compared with other names", argument),
				 errdetail("It is no valid text in the encoding %s.",
						   GetDatabaseEncoding() == PG_SQL_ASCII ? "UTF8" : GetDatabaseEncodingName()),
				 errhint("Use a name in ASCII, or another encoding of the database.")));
	for (pg_wchar *c = wide; *c; c++)
		if (!name_has(*c))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain invisible or unassigned characters", argument),
					 errdetail("It contains U+%04X.", (unsigned int) *c)));
	if (paysafe_name_fold(name)[0] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has no character that names anybody", argument)));
	pfree(wide);
}
