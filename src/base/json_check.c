/*-------------------------------------------------------------------------
 *
 * json_check.c
 *	  JSON that every parser reads the same way.
 *
 * Two parsers that disagree on a duplicate member let somebody sign one amount and
 * pay another.  What parsers read differently is refused: members twice, lone
 * surrogates, invalid UTF-8, zero characters, anything after the value.
 *
 * One pass without recursion.  Names of members are compared as what they stand
 * for, escapes resolved, through one hash table for the whole text.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "base/json_check.h"

#define DEEPEST		1024

typedef struct Member
{
	uint64		hash;
	uint32		object;			/* number of the object; 0: the slot is free */
	uint32		len;
	size_t		name;			/* offset into the resolved names */
} Member;

typedef struct Scan
{
	const char *at;
	const char *end;
	const char *reason;
	bool		any_text;		/* lone surrogates and zero characters may be there */
	bool		odd;			/* one was, in the last string */
} Scan;

static bool
wrong(Scan *scan, const char *reason)
{
	if (scan->reason == NULL)
		scan->reason = reason;
	return false;
}

static void
skip_blanks(Scan *scan)
{
	while (scan->at < scan->end &&
		   (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
		scan->at++;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the UTF-8 sequence at the place, or 0 if it is none (RFC 3629). */
static int
utf8_length(const unsigned char *s, size_t left)
{
	int			n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (n == 0 || (size_t) n > left)
		return 0;
	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Four hexadecimal digits, or -1. */
static int
hex4(const char *s, size_t left)
{
	int			value = 0;

	if (left < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		c = s[i];

		value <<= 4;
		if (is_digit(c))
			value += c - '0';
		else if (c >= 'a' && c <= 'f')
			value += c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			value += c - 'A' + 10;
		else
			return -1;
	}
	return value;
}

static int
put_utf8(char *out, uint32 c)
{
	if (c < 0x80)
	{
		out[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000)
	{
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char) (0xf0 | c >> 18);
	out[1] = (char) (0x80 | (c >> 12 & 0x3f));
	out[2] = (char) (0x80 | (c >> 6 & 0x3f));
	out[3] = (char) (0x80 | (c & 0x3f));
	return 4;
}

/* Text that some programs cannot have in a string. */
static bool
note_odd(Scan *scan, const char *reason)
{
	scan->odd = true;
	return scan->any_text || wrong(scan, reason);
}

/* \u and four digits, and four more if it is the first half of a character. */
static bool
scan_unicode(Scan *scan, char *out, size_t *n)
{
	size_t		left = scan->end - scan->at;
	int			unit = hex4(scan->at + 2, left - 2);
	int			low;

	if (unit < 0)
		return wrong(scan, "json_syntax");
	scan->at += 6;
	if (unit >= 0xd800 && unit <= 0xdbff)
	{
		low = left >= 12 && scan->at[0] == '\\' && scan->at[1] == 'u' ? hex4(scan->at + 2, left - 8) : -1;
		if (low >= 0xdc00 && low <= 0xdfff)
		{
			*n += put_utf8(out + *n, 0x10000 + ((uint32) (unit - 0xd800) << 10) + (low - 0xdc00));
			scan->at += 6;
			return true;
		}
	}
	if (unit == 0 && !note_odd(scan, "json_zero"))
		return false;
	if (unit >= 0xd800 && unit <= 0xdfff && !note_odd(scan, "json_encoding"))
		return false;
	*n += put_utf8(out + *n, unit);
	return true;
}

/* A backslash and what follows. */
static bool
scan_escape(Scan *scan, char *out, size_t *n)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char stand_for[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (scan->end - scan->at < 2 || scan->at[1] == '\0')
		return wrong(scan, "json_syntax");
	if (scan->at[1] == 'u')
		return scan_unicode(scan, out, n);
	letter = strchr(letters, scan->at[1]);
	if (letter == NULL)
		return wrong(scan, "json_syntax");
	out[(*n)++] = stand_for[letter - letters];
	scan->at += 2;
	return true;
}

/*
 * A string, from its opening quote.  What it stands for goes to out, which has room
 * for as many bytes as the string has; *outlen are filled.  A lone surrogate is written
 * as UTF-8 would have it.
 */
static bool
scan_string(Scan *scan, char *out, size_t *outlen)
{
	size_t		n = 0;

	scan->odd = false;
	scan->at++;
	for (;;)
	{
		size_t		left = scan->end - scan->at;
		int			length;

		if (left == 0)
			return wrong(scan, "json_syntax");
		if (*scan->at == '"')
		{
			scan->at++;
			*outlen = n;
			return true;
		}
		if ((unsigned char) *scan->at < ' ')
			return wrong(scan, "json_syntax");
		if (*scan->at == '\\')
		{
			if (!scan_escape(scan, out, &n))
				return false;
			continue;
		}
		length = utf8_length((const unsigned char *) scan->at, left);
		if (length == 0)
			return wrong(scan, "json_encoding");
		memcpy(out + n, scan->at, length);
		n += length;
		scan->at += length;
	}
}

static bool
scan_digits(Scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && is_digit(*scan->at))
		scan->at++;
	return scan->at > start;
}

static bool
scan_number(Scan *scan)
{
	if (*scan->at == '-')
		scan->at++;
	if (scan->at < scan->end && *scan->at == '0')
		scan->at++;
	else if (!scan_digits(scan))
		return wrong(scan, "json_syntax");
	if (scan->at < scan->end && *scan->at == '.')
	{
		scan->at++;
		if (!scan_digits(scan))
			return wrong(scan, "json_syntax");
	}
	if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E'))
	{
		scan->at++;
		if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
			scan->at++;
		if (!scan_digits(scan))
			return wrong(scan, "json_syntax");
	}
	return true;
}

static bool
scan_word(Scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};

	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		n = strlen(words[i]);

		if ((size_t) (scan->end - scan->at) >= n && memcmp(scan->at, words[i], n) == 0)
		{
			scan->at += n;
			return true;
		}
	}
	return wrong(scan, "json_syntax");
}

/* The object's number and the name, mixed with the seed. */
static uint64
member_hash(uint64 seed, uint32 object, const char *name, size_t len)
{
	uint64		h = seed ^ ((uint64) object * UINT64CONST(0x9e3779b97f4a7c15));

	for (size_t i = 0; i < len; i++)
	{
		h = (h ^ (unsigned char) name[i]) * (seed | 1);
		h ^= h >> 29;
	}
	h *= UINT64CONST(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

typedef struct Names
{
	Member	   *slots;
	size_t		nslots;			/* a power of two; at most half of them are taken */
	size_t		n;				/* that are taken */
	char	   *text;			/* resolved names, one after the other */
	size_t		used;
	uint64		seed;
} Names;

/* Twice as many slots. */
static void
widen(Names *names)
{
	Member	   *old = names->slots;
	size_t		n = names->nslots;

	names->nslots *= 2;
	names->slots = palloc_extended(names->nslots * sizeof(Member), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (size_t j = 0; j < n; j++)
	{
		size_t		i = old[j].hash & (names->nslots - 1);

		if (old[j].object == 0)
			continue;
		while (names->slots[i].object != 0)
			i = (i + 1) & (names->nslots - 1);
		names->slots[i] = old[j];
	}
	pfree(old);
}

/* Note a member's name, which stands at text + used; false: it is there already. */
static bool
note_member(Names *names, uint32 object, size_t len)
{
	const char *name = names->text + names->used;
	uint64		hash = member_hash(names->seed, object, name, len);
	size_t		i = hash & (names->nslots - 1);

	for (;; i = (i + 1) & (names->nslots - 1))
	{
		Member	   *member = &names->slots[i];

		if (member->object == 0)
		{
			*member = (Member)
			{
				hash, object, (uint32) len, names->used
			};
			names->used += len;
			if (++names->n > names->nslots / 2)
				widen(names);
			return true;
		}
		if (member->hash == hash && member->object == object && member->len == len &&
			memcmp(names->text + member->name, name, len) == 0)
			return false;
	}
}

/* What has been opened around the place. */
typedef struct Nesting
{
	uint32		open[DEEPEST];	/* number of the object, or 0 for an array */
	int			depth;
	uint32		objects;
} Nesting;

static char
closing(const Nesting *nesting)
{
	return nesting->open[nesting->depth - 1] ? '}' : ']';
}

/* A scalar. */
static bool
scan_scalar(Scan *scan, char *scratch)
{
	size_t		len;

	switch (*scan->at)
	{
		case '"':
			return scan_string(scan, scratch, &len);
		case 't':
		case 'f':
		case 'n':
			return scan_word(scan);
		default:
			if (*scan->at != '-' && !is_digit(*scan->at))
				return wrong(scan, "json_syntax");
			return scan_number(scan);
	}
}

/* The beginning of an object or an array; *ended if that is also its end. */
static bool
scan_opening(Scan *scan, Nesting *nesting, int max_depth, bool *ended)
{
	if (nesting->depth == max_depth || nesting->depth == DEEPEST)
		return wrong(scan, "json_depth");
	nesting->open[nesting->depth++] = *scan->at == '{' ? ++nesting->objects : 0;
	scan->at++;
	skip_blanks(scan);
	*ended = scan->at < scan->end && *scan->at == closing(nesting);
	if (*ended)
	{
		scan->at++;
		nesting->depth--;
	}
	return true;
}

/* What may follow a value: ends of what it is in, until there is another one. */
static bool
scan_ends(Scan *scan, Nesting *nesting)
{
	while (nesting->depth > 0)
	{
		skip_blanks(scan);
		if (scan->at == scan->end)
			return wrong(scan, "json_syntax");
		if (*scan->at == ',')
		{
			scan->at++;
			return true;
		}
		if (*scan->at != closing(nesting))
			return wrong(scan, "json_syntax");
		scan->at++;
		nesting->depth--;
	}
	return true;
}

/* The name of a member of this object. */
static bool
scan_name(Scan *scan, uint32 object, Names *names, char *scratch)
{
	size_t		len;

	skip_blanks(scan);
	if (scan->at == scan->end || *scan->at != '"')
		return wrong(scan, "json_syntax");
	if (!scan_string(scan, names ? names->text + names->used : scratch, &len))
		return false;
	if (names != NULL && !note_member(names, object, len))
		return wrong(scan, "json_duplicate");
	skip_blanks(scan);
	if (scan->at == scan->end || *scan->at != ':')
		return wrong(scan, "json_syntax");
	scan->at++;
	return true;
}

/* One value and all that is in it; names NULL: the text has been checked. */
static bool
scan_value(Scan *scan, int max_depth, Names *names, char *scratch)
{
	Nesting		nesting;

	nesting.depth = 0;
	nesting.objects = 0;
	for (;;)
	{
		bool		ended = true;	/* a value has just ended */

		skip_blanks(scan);
		if (scan->at == scan->end)
			return wrong(scan, "json_syntax");
		if (*scan->at == '{' || *scan->at == '[')
		{
			if (!scan_opening(scan, &nesting, max_depth, &ended))
				return false;
		}
		else if (!scan_scalar(scan, scratch))
			return false;
		if (ended && !scan_ends(scan, &nesting))
			return false;
		if (nesting.depth == 0)
			return true;
		if (nesting.open[nesting.depth - 1] != 0 &&
			!scan_name(scan, nesting.open[nesting.depth - 1], names, scratch))
			return false;
	}
}

const char *
paysafe_json_check(const char *json, size_t len, int max_depth, bool any_text, uint64 seed)
{
	Scan		scan = {.at = json, .end = json + len, .any_text = any_text};
	Names		names = {.nslots = 16, .seed = seed};
	char	   *scratch;

	names.slots = palloc0(names.nslots * sizeof(Member));
	names.text = palloc(len + 1);
	scratch = palloc(len + 1);
	if (scan_value(&scan, max_depth, &names, scratch))
	{
		skip_blanks(&scan);
		if (scan.at < scan.end)
			scan.reason = "json_syntax";
	}
	pfree(names.slots);
	pfree(names.text);
	pfree(scratch);
	return scan.reason;
}

/*
 * Finding; the text has been checked
 */

/* The next part of a path, as long as *len; false at its end. */
static bool
next_part(const char **path, const char **part, size_t *len)
{
	if (**path != '/')
		return false;
	*part = *path + 1;
	*len = strcspn(*part, "/");
	*path = *part + *len;
	return true;
}

bool
paysafe_json_locate(const char *json, size_t len, const char *path,
					const char **value, size_t *valuelen)
{
	Scan		scan = {.at = json, .end = json + len, .any_text = true};
	char	   *scratch = palloc(len + 1);
	const char *part;
	size_t		partlen;
	bool		found = true;

	while (found && next_part(&path, &part, &partlen))
	{
		bool		object;
		long		position = 0;

		skip_blanks(&scan);
		found = false;
		if (scan.at == scan.end || (*scan.at != '{' && *scan.at != '['))
			break;
		object = *scan.at++ == '{';
		for (;; position++)
		{
			size_t		n = 0;

			skip_blanks(&scan);
			if (scan.at == scan.end || *scan.at == '}' || *scan.at == ']')
				break;
			if (object)
			{
				if (*scan.at != '"' || !scan_string(&scan, scratch, &n))
					break;
				skip_blanks(&scan);
				if (scan.at == scan.end || *scan.at++ != ':')
					break;
				found = n == partlen && memcmp(scratch, part, n) == 0;
			}
			else
				found = partlen > 0 && partlen < 9 && strspn(part, "0123456789") == partlen &&
					(part[0] != '0' || partlen == 1) && atol(part) == position;
			if (found)
				break;
			if (!scan_value(&scan, DEEPEST, NULL, scratch))
				break;
			skip_blanks(&scan);
			if (scan.at == scan.end || *scan.at != ',')
				break;
			scan.at++;
		}
	}
	if (found)
	{
		skip_blanks(&scan);
		*value = scan.at;
		found = scan_value(&scan, DEEPEST, NULL, scratch);
		*valuelen = scan.at - *value;
	}
	pfree(scratch);
	return found;
}

bool
paysafe_json_is_absent(const char *json, size_t len, const char *path)
{
	const char *value;
	size_t		valuelen;

	return !paysafe_json_locate(json, len, path, &value, &valuelen) ||
		(valuelen == 4 && memcmp(value, "null", 4) == 0);
}

int
paysafe_json_find(const char *json, size_t len, const char *path, char *out, size_t size,
				  bool *is_number)
{
	const char *value;
	size_t		valuelen;
	size_t		n;

	if (!paysafe_json_locate(json, len, path, &value, &valuelen) || valuelen == 0)
		return -1;
	if (is_number != NULL)
		*is_number = value[0] != '"';
	if (value[0] == '"')
	{
		Scan		scan = {.at = value, .end = value + valuelen, .any_text = true};
		char	   *text;

		text = palloc(valuelen);
		if (!scan_string(&scan, text, &n) || scan.odd || n >= size)
		{
			pfree(text);
			return -1;
		}
		memcpy(out, text, n);
		pfree(text);
	}
	else if (is_digit(value[0]) || value[0] == '-')
	{
		n = valuelen;
		if (n >= size)
			return -1;
		memcpy(out, value, n);
	}
	else
		return -1;
	out[n] = '\0';
	return (int) n;
}
