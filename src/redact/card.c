/*-------------------------------------------------------------------------
 *
 * card.c
 *	  Card numbers in text: found, and truncated.
 *
 * The text is read as groups of digits.  Groups are joined if nothing but up to
 * three separators is between them.  A card number is a group, or joined groups
 * that are divided as cards are (4-4-4-4, 4-6-5, ...), or all of the groups that
 * are joined, however they are divided, if the same blank or dash is between any
 * two; in each case with a known issuer's prefix, a length of that issuer, and
 * a right check digit.  So a number within a longer run of digits is none.
 *
 * What a number is depends on the reader: is an Arabic digit one, is %34, is an
 * invisible character there?  The text is read in each of these ways.
 *
 * All candidates are looked at, also those that overlap, and a digit is hidden
 * if one of them wants it hidden.  A group is the start of at most NSHAPES + 2
 * candidates of 19 digits, so the work is in proportion to the text.  Nothing is
 * remembered but the next groups, in a ring.
 *
 * Pure: also compiled outside the server by the fuzzer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "redact/card.h"

#define SHORTEST	12
#define LONGEST		19
#define MAX_SEPARATORS 3		/* between two groups */
#define RING		32			/* groups: more than LONGEST + 1 */
#define HEX_ID		20			/* hexadecimal digits that make an id */
#define UUID_LEN	36
#define MAX_BACKSLASHES 8		/* before the letter of an escape */
#define MAX_TAG		64			/* bytes of a tag of HTML */

typedef enum ElementKind
{
	OTHER,
	DIGIT,
	SPACER,						/* a blank or a dash, of whatever kind */
	DIVIDER,					/* other separators */
	INVISIBLE					/* counts for nothing, wherever it is */
} ElementKind;

typedef struct Element
{
	ElementKind kind;
	int			len;			/* bytes */
	uint32		value;			/* of a digit; or the character */
} Element;

typedef struct Group
{
	size_t		start;			/* bytes in the text */
	size_t		end;
	int			ndigits;		/* LONGEST + 1: too many */
	uint8		digits[LONGEST];
	bool		hidden[LONGEST];
	bool		covered;		/* part of a card number */
	bool		glued;			/* so is what is between it and the next one */
	bool		id;				/* part of a hexadecimal id */
	bool		phone;			/* directly after a plus */
	bool		joined;			/* to the group before */
	uint32		separator;		/* if by just one blank or dash: which */
	bool		dotted;			/* if by just one dot */
} Group;

typedef struct Reader
{
	const unsigned char *data;
	size_t		len;
	RedactEncoding encoding;
	int			fold;			/* REDACT_FOLD_* */
	size_t		pos;			/* after the last group read */
	bool		at_end;			/* there are no more groups */
	bool		any;			/* there was a group */
	size_t		hex_start;		/* the last run of hexadecimal digits */
	size_t		hex_end;
	size_t		uuid_end;		/* of the last UUID */
	Group		ring[RING];
	size_t		first;			/* number of the current group */
	size_t		next;			/* number of the next group to be read */
} Reader;

/* Prefixes of issuers, as the first six digits, and the lengths of their numbers. */
#define LEN(n)	(1u << (n))
#define FROM(n) (~0u << (n))	/* this length and more */

static const struct
{
	uint32		low;
	uint32		high;
	uint32		lengths;
}			issuers[] = {
	{100000, 199999, LEN(15)},	/* UATP, AirPlus; JCB of old */
	{213100, 213199, LEN(15)},	/* JCB of old */
	{220000, 220499, FROM(16)}, /* Mir */
	{220500, 220599, LEN(16)},	/* Borica, PayPak */
	{222100, 272099, LEN(16)},	/* Mastercard */
	{286900, 286999, LEN(16)},	/* Carnet */
	{300000, 305999, FROM(14)}, /* Diners Club */
	{309500, 309599, FROM(14)},
	{360000, 369999, FROM(14)},
	{380000, 399999, FROM(14)}, /* also Hipercard */
	{310000, 319999, LEN(19)},	/* China T-Union */
	{340000, 349999, LEN(15)},	/* American Express */
	{370000, 379999, LEN(15)},
	{352800, 358999, FROM(16)}, /* JCB, LankaPay, RuPay */
	{400000, 499999, LEN(13) | LEN(16) | LEN(18) | LEN(19)},	/* Visa, Switch, Mada, Elo */
	{500000, 509999, LEN(16) | LEN(18) | LEN(19)},	/* Maestro, Dankort, Verve, Elo, Aura, RuPay */
	{501800, 501899, FROM(12)}, /* Maestro proper */
	{502000, 502099, FROM(12)},
	{503800, 503899, FROM(12)},
	{510000, 559999, LEN(16)},	/* Mastercard */
	{560000, 589999, LEN(16) | LEN(18) | LEN(19)},	/* Maestro, eftpos, UzCard, Cabal */
	{561200, 561299, FROM(12)},
	{589300, 589399, FROM(12)},
	{600000, 699999, LEN(16) | LEN(19)},	/* Discover, RuPay, Troy, Hipercard, Elo, Naranja */
	{601100, 601199, FROM(16)}, /* Discover */
	{604001, 604200, FROM(16)}, /* UkrCard */
	{620000, 629999, FROM(16)}, /* UnionPay */
	{630400, 630499, FROM(12)}, /* Maestro, Laser */
	{633110, 633110, FROM(16)}, /* Switch, Solo */
	{633300, 633499, FROM(16)},
	{636000, 636999, FROM(16)}, /* InterPayment, Elo */
	{637000, 639999, FROM(16)}, /* InstaPayment, Maestro */
	{639000, 639099, FROM(12)},
	{644000, 659999, FROM(16)}, /* Discover, RuPay, Troy, Verve, Elo */
	{670000, 679999, FROM(12)}, /* Maestro, Bancontact, Girocard, Laser, Solo */
	{810000, 829999, FROM(16)}, /* UnionPay, RuPay */
	{860000, 860099, LEN(16)},	/* UzCard */
	{905100, 905199, LEN(16)},	/* ArCa */
	{911200, 911299, LEN(16)},	/* Belkart */
	{968200, 968299, LEN(16)},	/* Mada */
	{979200, 979299, LEN(16)},	/* Troy */
	{980400, 980499, LEN(16)},	/* Prostir */
	{986000, 986099, LEN(16)},	/* Humo */
};

/* How card numbers are divided into groups, the longest first. */
#define MAX_PARTS	5
static const uint8 shapes[][MAX_PARTS] = {
	{4, 4, 4, 4, 3}, {6, 13}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 1}, {4, 4, 4, 4}, {4, 6, 5},
	{4, 5, 6}, {4, 4, 4, 3}, {4, 6, 4}, {4, 4, 4, 2}, {4, 4, 4, 1}, {4, 4, 5}, {4, 3, 3, 3},
	{4, 4, 4}
};

#define NSHAPES		lengthof(shapes)

bool
paysafe_card_is_number(const uint8 *digits, int n)
{
	uint32		prefix = 0;
	uint32		lengths = 0;
	int			sum = 0;

	if (n < SHORTEST || n > LONGEST)
		return false;
	for (int i = 0; i < n; i++)
	{
		int			d = digits[n - 1 - i];

		if (i % 2 == 1)
			d = d < 5 ? 2 * d : 2 * d - 9;
		sum += d;
	}
	if (sum % 10 != 0)
		return false;
	for (int i = 0; i < 6; i++)
		prefix = prefix * 10 + digits[i];
	for (int i = 0; i < lengthof(issuers); i++)
		if (prefix >= issuers[i].low && prefix <= issuers[i].high)
			lengths |= issuers[i].lengths;
	return (lengths & LEN(n)) != 0;
}

/* Characters */

/* The zeros of Unicode's decimal digits; the other nine follow each. */
static const uint32 zeros[] = {
	0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
	0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
	0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
	0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
	0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0,
	0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950,
	0x1FBF0
};

int
paysafe_card_digit_of(uint32 c)
{
	int			low = 0;
	int			high = lengthof(zeros);

	while (low < high)			/* the last zero that is not above it */
	{
		int			mid = (low + high) / 2;

		if (zeros[mid] <= c)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && c - zeros[low - 1] <= 9 ? (int) (c - zeros[low - 1]) : -1;
}

static ElementKind
kind_of(uint32 c)
{
	if ((c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
		(c >= 0x2060 && c <= 0x2064) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || c == 0xAD ||
		c == 0x34F || c == 0x61C || c == 0x180E)
		return INVISIBLE;
	if (c == ' ' || c == '-' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
		(c >= 0x2010 && c <= 0x2015) || c == 0x202F || c == 0x205F || c == 0x2212 || c == 0x3000 ||
		c == 0xFE58 || c == 0xFE63 || c == 0xFF0D)
		return SPACER;
	if ((c >= '\t' && c <= '\r') || c == '.' || c == '_' || c == '/' || c == '+' || c == 0x85 ||
		c == 0xB7 || c == 0x2022 || c == 0x2024 || c == 0x2027 || c == 0x2028 || c == 0x2029 ||
		c == 0x2044 || c == 0x30FB || c == 0xFF0B || c == 0xFF0E || c == 0xFF0F || c == 0xFF3F)
		return DIVIDER;
	return OTHER;
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* A character of UTF-8 of two bytes or more; its length, or 1 if it is none. */
static int
utf8_char(const unsigned char *s, size_t len, uint32 *c)
{
	int			n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;

	*c = 0xFFFD;
	if (s[0] < 0xC2 || s[0] > 0xF4 || (size_t) n > len)
		return 1;
	for (int i = 1; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 1;
	*c = s[0] & (0xFF >> (n + 1));
	for (int i = 1; i < n; i++)
		*c = *c << 6 | (s[i] & 0x3F);
	return n;
}

/* %34, %C2%A0: bytes that together are a character of UTF-8 are one, of others each is. */
static bool
decode_percent(const unsigned char *s, size_t len, Element *element)
{
	unsigned char bytes[4];
	int			n = 0;
	uint32		c;

	while (n < lengthof(bytes) && (size_t) (3 * n + 2) < len && s[3 * n] == '%' &&
		   hex_value(s[3 * n + 1]) >= 0 && hex_value(s[3 * n + 2]) >= 0)
	{
		bytes[n] = (unsigned char) (hex_value(s[3 * n + 1]) << 4 | hex_value(s[3 * n + 2]));
		n++;
	}
	if (n == 0)
		return false;
	element->len = 3;
	c = bytes[0];
	if (c >= 0x80)
		element->len = 3 * utf8_char(bytes, n, &c);
	element->value = c;
	return true;
}

/* \u0034, \n; with more backslashes, as JSON in JSON has them. */
static bool
decode_backslash(const unsigned char *s, size_t len, Element *element)
{
	static const char letters[] = "nrtfbv/";
	static const char stand_for[] = "\n\r\t\f\b\v/";
	int			n = 1;
	const char *letter;
	uint32		c = 0;

	while (n < MAX_BACKSLASHES && n < len && s[n] == '\\')
		n++;
	if (n < len && s[n] == 'u' && len - n >= 5)
	{
		for (int i = 1; i <= 4; i++)
		{
			if (hex_value(s[n + i]) < 0)
				return false;
			c = c << 4 | (uint32) hex_value(s[n + i]);
		}
		element->len = n + 5;
		element->value = c;
		return true;
	}
	letter = n < len && s[n] != '\0' ? strchr(letters, s[n]) : NULL;
	if (letter == NULL)
		return false;
	element->len = n + 1;
	element->value = (unsigned char) stand_for[letter - letters];
	return true;
}

/* Characters of HTML that may stand between groups of digits. */
static const struct
{
	const char *name;
	uint32		value;
}			entities[] = {
	{"nbsp;", 0xA0}, {"ensp;", 0x2002}, {"emsp;", 0x2003}, {"thinsp;", 0x2009}, {"shy;", 0xAD},
	{"zwnj;", 0x200C}, {"zwj;", 0x200D}, {"ndash;", 0x2013}, {"mdash;", 0x2014},
	{"hyphen;", 0x2010}, {"dash;", 0x2010}, {"middot;", 0xB7}, {"bull;", 0x2022},
	{"Tab;", '\t'}, {"NewLine;", '\n'}, {"period;", '.'}, {"sol;", '/'}, {"lowbar;", '_'},
	{"plus;", '+'}
};

/* &nbsp; &#52; &#x34; */
static bool
decode_entity(const unsigned char *s, size_t len, Element *element)
{
	bool		hex = len > 3 && s[1] == '#' && (s[2] | 0x20) == 'x';
	size_t		at = hex ? 3 : 2;
	uint32		c = 0;

	if (len < 4)
		return false;
	if (s[1] != '#')
	{
		for (int i = 0; i < lengthof(entities); i++)
		{
			size_t		n = strlen(entities[i].name);

			if (len > n && memcmp(s + 1, entities[i].name, n) == 0)
			{
				element->len = (int) n + 1;
				element->value = entities[i].value;
				return true;
			}
		}
		return false;
	}
	for (; at < len && at < 10; at++)
	{
		int			digit = hex_value(s[at]);

		if (digit < 0 || (!hex && digit > 9))
			break;
		c = c * (hex ? 16 : 10) + (uint32) digit;
	}
	if (at == len || s[at] != ';' || at == (hex ? 3 : 2) || c > 0x10FFFF)
		return false;
	element->len = (int) at + 1;
	element->value = c;
	return true;
}

/* <br>, </span> and the like: they divide lines and cells. */
static bool
decode_tag(const unsigned char *s, size_t len, Element *element)
{
	static const char *const tags[] = {
		"br", "wbr", "span", "b", "i", "em", "strong", "font", "div", "p", "td"
	};
	size_t		at = len > 1 && s[1] == '/' ? 2 : 1;
	size_t		end = at;

	while (end < len && end - at < 7 && is_alnum(s[end]))
		end++;
	for (int i = 0; i < lengthof(tags); i++)
		if (strlen(tags[i]) == end - at && pg_strncasecmp((const char *) s + at, tags[i], end - at) == 0)
		{
			while (end < len && end < MAX_TAG && s[end] != '>' && s[end] != '<')
				end++;
			if (end == len || s[end] != '>')
				return false;
			element->len = (int) end + 1;
			element->value = '\n';
			return true;
		}
	return false;
}

static bool
decode_escape(const unsigned char *s, size_t len, Element *element)
{
	switch (s[0])
	{
		case '%':
			return decode_percent(s, len, element);
		case '\\':
			return decode_backslash(s, len, element);
		case '&':
			return decode_entity(s, len, element);
		case '<':
			return decode_tag(s, len, element);
		default:
			return false;
	}
}

static Element
read_element(const Reader *r, size_t pos)
{
	const unsigned char *s = r->data + pos;
	size_t		len = r->len - pos;
	Element		e = {.kind = OTHER, .len = 1, .value = s[0]};
	int			digit;

	REDACT_WORK(1);
	if (s[0] >= '0' && s[0] <= '9')
		return (Element) {.kind = DIGIT, .len = 1, .value = s[0] - '0'};
	if (s[0] >= 0x80)
	{
		switch (r->encoding)
		{
			case REDACT_UTF8:
				e.len = utf8_char(s, len, &e.value);
				break;
			case REDACT_LATIN:
				e.value = s[0] == 0xA0 ? 0xA0 : 0xFFFD;
				break;
			case REDACT_EUC:
				/* 0x8F begins three bytes, the others two; no ASCII among them */
				while (e.len < (s[0] == 0x8F ? 3 : 2) && (size_t) e.len < len && s[e.len] >= 0x80)
					e.len++;
				if (e.len == 2 && s[0] == 0xA3 && s[1] >= 0xB0 && s[1] <= 0xB9)
					e.value = 0xFF10 + (s[1] - 0xB0);
				else if (e.len == 2 && s[0] == 0xA1 && s[1] == 0xA1)
					e.value = 0x3000;
				else
					e.value = 0xFFFD;
				break;
			case REDACT_OTHER:
				e.value = 0xFFFD;
				break;
		}
	}
	else if ((r->fold & REDACT_FOLD_ESCAPES) && decode_escape(s, len, &e) && e.value >= '0' && e.value <= '9')
	{
		e.kind = DIGIT;
		e.value -= '0';
		return e;
	}
	if ((r->fold & REDACT_FOLD_DIGITS) && e.value >= 0x80 && (digit = paysafe_card_digit_of(e.value)) >= 0)
	{
		e.kind = DIGIT;
		e.value = (uint32) digit;
		return e;
	}
	e.kind = kind_of(e.value);
	if (e.kind == INVISIBLE && !(r->fold & REDACT_FOLD_INVISIBLE))
		e.kind = OTHER;
	return e;
}

/* Groups */

static bool
is_hex(const Reader *r, size_t pos)
{
	return pos < r->len && hex_value(r->data[pos]) >= 0;
}

static bool
is_uuid(const Reader *r, size_t pos)
{
	size_t		end = pos + UUID_LEN;

	if (end > r->len ||
		(pos > 0 && (is_alnum(r->data[pos - 1]) || r->data[pos - 1] == '-')) ||
		(end < r->len && (is_alnum(r->data[end]) || r->data[end] == '-')))
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (r->data[pos + i] != '-')
				return false;
		}
		else if (!is_hex(r, pos + i))
			return false;
	}
	return true;
}

/* Before the byte at pos is read: does a run of hexadecimal digits begin here? */
static void
note_hex(Reader *r, size_t pos)
{
	if (pos < r->hex_end || !is_hex(r, pos))
		return;
	r->hex_start = r->hex_end = pos;
	while (is_hex(r, r->hex_end))
		r->hex_end++;
	REDACT_WORK(r->hex_end - pos);
	if (r->hex_end - pos == 8 && is_uuid(r, pos))
		r->uuid_end = pos + UUID_LEN;
}

/* A card number with D and the rest of a magnetic stripe: 4242...4242D2512... */
static bool
is_track(const Reader *r, const Group *g)
{
	size_t		pos = g->end;

	if (g->start != r->hex_start || g->ndigits > LONGEST || (r->data[pos] | 0x20) != 'd')
		return false;
	pos++;
	while (pos < r->hex_end && r->data[pos] >= '0' && r->data[pos] <= '9')
		pos++;
	while (pos < r->hex_end && (r->data[pos] | 0x20) == 'f')
		pos++;
	REDACT_WORK(pos - g->end);
	return pos == r->hex_end;
}

/* Read the next group into the ring; false if there is none. */
static bool
read_group(Reader *r)
{
	Group	   *g = &r->ring[r->next % RING];
	Element		e = {.kind = OTHER};
	int			separators = 0;
	bool		broken = !r->any;
	size_t		pos = r->pos;

	if (r->at_end)
		return false;
	memset(g, 0, sizeof(Group));
	for (; pos < r->len; pos += e.len)
	{
		note_hex(r, pos);
		e = read_element(r, pos);
		if (e.kind == DIGIT)
			break;
		if (e.kind == OTHER)
			broken = true;
		else if (e.kind != INVISIBLE)
		{
			separators++;
			g->separator = e.kind == SPACER && separators == 1 ? e.value : 0;
			g->dotted = e.value == '.' && separators == 1;
		}
		g->phone = e.value == '+' || (g->phone && e.kind == INVISIBLE);
	}
	if (pos >= r->len)
	{
		r->at_end = true;
		return false;
	}
	g->joined = !broken && separators <= MAX_SEPARATORS;
	g->start = pos;
	for (; pos < r->len; pos += e.len)
	{
		note_hex(r, pos);
		e = read_element(r, pos);
		if (e.kind == DIGIT)
		{
			if (g->ndigits < LONGEST)
				g->digits[g->ndigits] = (uint8) e.value;
			if (g->ndigits <= LONGEST)
				g->ndigits++;
			g->end = pos + e.len;
		}
		else if (e.kind != INVISIBLE)
			break;
	}
	g->id = g->start < r->uuid_end ||
		(g->start >= r->hex_start && g->start < r->hex_end && r->hex_end - r->hex_start >= HEX_ID &&
		 (g->start > r->hex_start || g->end < r->hex_end) && !is_track(r, g));
	r->pos = g->end;
	r->any = true;
	r->next++;
	return true;
}

/* The group so many after the current one, or NULL if there is none. */
static Group *
peek(Reader *r, int ahead)
{
	while (r->next <= r->first + ahead)
		if (!read_group(r))
			return NULL;
	return &r->ring[(r->first + ahead) % RING];
}

/* Candidates */

/* Take the digits of n groups together, up to LONGEST; how many. */
static int
collect(Reader *r, int n, uint8 *digits)
{
	int			total = 0;

	for (int i = 0; i < n; i++)
	{
		Group	   *g = peek(r, i);

		if (total + g->ndigits > LONGEST)
			return LONGEST + 1;
		memcpy(digits + total, g->digits, g->ndigits);
		total += g->ndigits;
	}
	return total;
}

/*
 * Truncation: the first six and the last four digits stay, but of numbers below
 * 14 digits fewer of the first ones: four at least are hidden.
 */
static bool
stays(int i, int n)
{
	return i >= n - 4 || i < Min(6, n - 8);
}

/* Are n groups, from the current one, a card number?  Then hide its digits. */
static bool
judge(Reader *r, int n, bool wipe)
{
	uint8		digits[LONGEST] = {0};
	int			total = collect(r, n, digits);
	int			at = 0;

	REDACT_WORK(LONGEST);
	if (!paysafe_card_is_number(digits, total))
		return false;
	for (int i = 0; i < n; i++)
	{
		Group	   *g = peek(r, i);

		g->covered = true;
		g->glued |= i < n - 1;
		for (int j = 0; j < g->ndigits; j++, at++)
			g->hidden[j] |= wipe || !stays(at, total);
	}
	return true;
}

/* The current group alone. */
static bool
judge_group(Reader *r, const Group *before, bool wipe)
{
	Group	   *g = peek(r, 0);

	if (g->ndigits < SHORTEST || g->ndigits > LONGEST || (g->phone && g->ndigits <= 13))
		return false;
	/* what is behind a decimal point: as many digits as floating point prints */
	if (before != NULL && g->joined && g->dotted &&
		(before->ndigits + g->ndigits <= 17 || (before->ndigits == 1 && before->digits[0] == 0)))
		return false;
	return judge(r, 1, wipe);
}

/* The current group and those after it, divided like this. */
static bool
judge_shape(Reader *r, const uint8 *shape, bool wipe)
{
	int			n = 0;

	for (; n < MAX_PARTS && shape[n] != 0; n++)
	{
		Group	   *g = peek(r, n);

		REDACT_WORK(1);
		if (g == NULL || g->id || g->ndigits != shape[n] || (n > 0 && !g->joined))
			return false;
	}
	return judge(r, n, wipe);
}

/* All groups that are joined, if the current one is the first of them. */
static bool
judge_whole(Reader *r, const Group *before, bool wipe)
{
	Group	   *first = peek(r, 0);
	Group	   *g;
	uint32		separator = 0;
	int			total = first->ndigits;
	int			n = 1;

	if (first->joined && before != NULL && !before->id)
		return false;
	while ((g = peek(r, n)) != NULL && g->joined && !g->id)
	{
		REDACT_WORK(1);
		total += g->ndigits;
		if (n == 1)
			separator = g->separator;
		if (total > LONGEST || separator == 0 || g->separator != separator)
			return false;
		n++;
	}
	return n > 1 && total >= SHORTEST && !(first->phone && total <= 13) && judge(r, n, wipe);
}

bool
paysafe_card_redact(const RedactText *text, int fold, bool wipe, RedactOutput *out)
{
	Reader		r = {
		.data = (const unsigned char *) text->data, .len = text->len,
		.encoding = text->encoding, .fold = fold
	};
	Group		before;			/* the group before the current one */
	size_t		copied = 0;		/* bytes of the text that are in out */
	bool		found = false;
	Group	   *g;

	before.glued = false;
	for (; (g = peek(&r, 0)) != NULL; before = *g, r.first++)
	{
		const Group *previous = r.first > 0 ? &before : NULL;

		if (!g->id)
		{
			bool		is_card = judge_group(&r, previous, wipe);

			for (int i = 0; i < NSHAPES; i++)
				if (shapes[i][0] == g->ndigits)
					is_card |= judge_shape(&r, shapes[i], wipe);
			is_card |= judge_whole(&r, previous, wipe);
			found |= is_card;
			if (is_card && out == NULL)
				return true;
		}
		/* no later candidate contains this group: its digits are final */
		if (out == NULL || !g->covered)
			continue;
		if (!before.glued)
			paysafe_text_put(out, text->data + copied, g->start - copied);
		for (int i = 0; i < g->ndigits; i++)
		{
			char		c = g->hidden[i] ? '*' : (char) ('0' + g->digits[i]);

			paysafe_text_put(out, &c, 1);
		}
		copied = g->end;
	}
	if (out != NULL)
		paysafe_text_put(out, text->data + copied, text->len - copied);
	return found;
}
