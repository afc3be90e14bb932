/*-------------------------------------------------------------------------
 *
 * secret_name.c
 *	  Names of secrets.
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

#include "redact/secret_name.h"
#include "redact/text.h"

#define MAX_NAME	48			/* letters and digits of a name that are looked at */

typedef struct SecretName
{
	const char *name;			/* lower case, letters and digits only */
	NameKind	kind;
	bool		suffix;			/* also at the end of a longer name */
} SecretName;

/* The first that fits decides: what is none comes first. */
static const SecretName names[] = {
	{"nexttoken", NOT_SECRET, true}, {"pagetoken", NOT_SECRET, true},
	{"prevtoken", NOT_SECRET, true}, {"previoustoken", NOT_SECRET, true},
	{"paginationtoken", NOT_SECRET, true}, {"continuationtoken", NOT_SECRET, true},
	{"synctoken", NOT_SECRET, true}, {"cursortoken", NOT_SECRET, true},
	{"starttoken", NOT_SECRET, true}, {"pertoken", NOT_SECRET, true},
	{"password", WORD, true}, {"passwd", WORD, true}, {"passphrase", WORD, true},
	{"passwort", WORD, true}, {"passcode", WORD, true}, {"pwd", WORD, true},
	{"pgpass", WORD, false}, {"pass", WORD, false}, {"dbpass", WORD, false},
	{"userpass", WORD, false}, {"passwordhash", WORD, true}, {"passwordconfirmation", WORD, true},
	{"secret", WORD, true}, {"secrets", WORD, false}, {"secretkey", WORD, true},
	{"secretvalue", WORD, true}, {"token", WORD, true}, {"tokenvalue", WORD, true},
	{"apikey", WORD, true}, {"privatekey", WORD, true}, {"accesskey", WORD, true},
	{"signingkey", WORD, true}, {"encryptionkey", WORD, true}, {"masterkey", WORD, true},
	{"sharedkey", WORD, true}, {"hmackey", WORD, true}, {"sessionkey", WORD, true},
	{"jwt", WORD, false}, {"bearer", WORD, false}, {"credential", WORD, true},
	{"credentials", WORD, true}, {"sessionid", WORD, true}, {"otp", WORD, false},
	{"totp", WORD, false}, {"onetimecode", WORD, true},
	{"authorization", HEADER, true}, {"cookie", HEADER, true},
	{"cvv", CODE, true}, {"cvc", CODE, true}, {"cvn", CODE, false}, {"csc", CODE, false},
	{"cav", CODE, false}, {"ccv", CODE, false}, {"cardcode", CODE, true}, {"securitycode", CODE, true},
	{"cardverificationvalue", CODE, true}, {"cardverificationcode", CODE, true},
	{"cardverificationnumber", CODE, true}, {"cardsecurityvalue", CODE, true},
	{"cardsecuritynumber", CODE, true}, {"verificationvalue", CODE, true},
	{"pin", CODE, false}, {"cardpin", CODE, false}, {"atmpin", CODE, false},
	{"userpin", CODE, false}, {"newpin", CODE, false}, {"oldpin", CODE, false},
	{"pinnumber", WORD, false}, {"pinblock", WORD, true}, {"encryptedpin", WORD, false},
	{"track", WORD, false}, {"trackdata", WORD, true}, {"track1data", WORD, true},
	{"track2data", WORD, true}, {"track3data", WORD, true}, {"track2equivalentdata", WORD, true},
	{"magstripe", WORD, true}, {"magstripedata", WORD, true}, {"magneticstripe", WORD, true},
	{"swipedata", WORD, true}, {"emvdata", WORD, false},
	/* passwords in other languages; words that mean other things, too, only as the whole name */
	{"kennwort", WORD, true}, {"contrasena", WORD, true}, {"contrasenya", WORD, true},
	{"senha", WORD, true}, {"motdepasse", WORD, true}, {"mdp", WORD, false},
	{"wachtwoord", WORD, true}, {"adgangskode", WORD, true}, {"passord", WORD, true},
	{"losenord", WORD, true}, {"salasana", WORD, true}, {"haslo", WORD, true},
	{"jelszo", WORD, true}, {"heslo", WORD, false}, {"parola", WORD, false},
	{"sifre", WORD, false}, {"matkhau", WORD, true}, {"katasandi", WORD, true},
};

/* What may stand behind the name of a security code: cvv_code, cvcNumber. */
static const char *const decorations[] = {"code", "number", "value", "val", "field", "input", "no", "num"};

/* With letters beyond ASCII: in UTF-8 and, where it has them, LATIN1. */
static const char *const foreign[] = {
	"contrase\xC3\xB1" "a", "contrase\xF1" "a", "CONTRASE\xC3\x91" "A", "Contrase\xC3\xB1" "a",
	"has\xC5\x82o", "Has\xC5\x82o", "l\xC3\xB6senord", "L\xC3\xB6senord", "l\xF6senord",
	"jelsz\xC3\xB3", "Jelsz\xC3\xB3", "jelsz\xF3", "\xC5\x9Fifre", "\xC5\x9Eifre",
	/* Russian, Ukrainian, Bulgarian */
	"\xD0\xBF\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD1\x8C", "\xD0\x9F\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD1\x8C",
	"\xD0\x9F\xD0\x90\xD0\xA0\xD0\x9E\xD0\x9B\xD0\xAC", "\xD0\xBF\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD0\xB0", "\xD0\x9F\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD0\xB0",
	/* Chinese, Japanese, Korean */
	"\xE5\xAF\x86\xE7\xA0\x81", "\xE5\xAF\x86\xE7\xA2\xBC", "\xE5\x8F\xA3\xE4\xBB\xA4",
	"\xE3\x83\x91\xE3\x82\xB9\xE3\x83\xAF\xE3\x83\xBC\xE3\x83\x89", "\xE6\x9A\x97\xE8\xA8\xBC\xE7\x95\xAA\xE5\x8F\xB7",
	"\xEB\xB9\x84\xEB\xB0\x80\xEB\xB2\x88\xED\x98\xB8"
};

/* The name without separators, in small letters, from the right. */
typedef struct Letters
{
	char		at[MAX_NAME];
	int			n;				/* the last n of them */
	bool		whole;			/* that is all of the name */
} Letters;

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The ASCII letter or digit that three bytes of UTF-8 are the wide form of, or '\0'. */
static char
wide_letter(const char *s)
{
	unsigned char last = (unsigned char) s[2];
	char		c;

	if (s[0] != '\xEF' || (s[1] != '\xBC' && s[1] != '\xBD') || last < 0x80 || last > 0xBF)
		return '\0';
	c = (char) (last - 0x80 + (s[1] == '\xBC' ? 0x20 : 0x60));
	return is_alnum(c) ? c : '\0';
}

static void
read_letters(const char *name, size_t len, Letters *letters)
{
	size_t		end = len;

	letters->n = 0;
	while (end > 0 && letters->n < MAX_NAME)
	{
		char		c = name[--end];

		REDACT_WORK(1);
		if (len - end > 2 * MAX_NAME)
			break;
		if ((unsigned char) c >= 0x80 && end >= 2 && (c = wide_letter(name + end - 2)) != '\0')
			end -= 2;
		/* a number at the end does not count */
		if (is_alnum(c) && !(letters->n == 0 && c >= '0' && c <= '9'))
			letters->at[MAX_NAME - ++letters->n] = c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
		else if ((unsigned char) c >= 0x80)
			break;
	}
	letters->whole = end == 0;
}

static bool
ends_with(const char *letters, int n, const char *end)
{
	int			len = strlen(end);

	return len <= n && memcmp(letters + n - len, end, len) == 0;
}

/* cvv or cvc at the end, behind what decorates them. */
static bool
is_decorated_code(const char *letters, int n)
{
	for (int i = 0; i < lengthof(decorations); i++)
		if (ends_with(letters, n, decorations[i]))
		{
			int			rest = n - strlen(decorations[i]);

			while (rest > 0 && letters[rest - 1] >= '0' && letters[rest - 1] <= '9')
				rest--;
			return ends_with(letters, rest, "cvv") || ends_with(letters, rest, "cvc") ||
				ends_with(letters, rest, "cvn");
		}
	return false;
}

NameKind
paysafe_secret_name_kind(const char *name, size_t len)
{
	Letters		letters;
	const char *start;

	read_letters(name, len, &letters);
	start = letters.at + MAX_NAME - letters.n;
	for (int i = 0; i < lengthof(names); i++)
		if (ends_with(start, letters.n, names[i].name) &&
			(names[i].suffix || (letters.whole && strlen(names[i].name) == letters.n)))
			return names[i].kind;
	if (is_decorated_code(start, letters.n))
		return CODE;
	for (int i = 0; i < lengthof(foreign); i++)
	{
		size_t		n = strlen(foreign[i]);

		if (n <= len && memcmp(name + len - n, foreign[i], n) == 0)
			return WORD;
	}
	return NOT_SECRET;
}

size_t
paysafe_secret_name_foreign(const char *s, size_t len)
{
	/* most text is none of these at a glance */
	if (len < 2 || ((unsigned char) s[0] < 0x80 &&
					(strchr("chljCHLJ", s[0]) == NULL || strchr("oaeO\xC3\xF6", s[1]) == NULL)))
		return 0;
	for (int i = 0; i < lengthof(foreign); i++)
	{
		size_t		n = strlen(foreign[i]);

		REDACT_WORK(1);
		if (foreign[i][0] == s[0] && n <= len && memcmp(s, foreign[i], n) == 0)
			return n;
	}
	return 0;
}

/* Is it one of the words, whole or as the end of a longer name? */
static bool
is_one_of(const char *name, size_t len, const char *const *words, int nwords, bool suffix)
{
	Letters		letters;
	const char *start;

	read_letters(name, len, &letters);
	start = letters.at + MAX_NAME - letters.n;
	for (int i = 0; i < nwords; i++)
		if (ends_with(start, letters.n, words[i]) &&
			(suffix || (letters.whole && strlen(words[i]) == letters.n)))
			return true;
	return false;
}

bool
paysafe_secret_name_ends_phrase(const char *word, size_t len)
{
	static const char *const words[] = {
		"code", "value", "number", "key", "phrase", "word", "block", "data", "stripe", "id",
		"passe", "sandi"
	};

	return len <= MAX_NAME && is_one_of(word, len, words, lengthof(words), false);
}

bool
paysafe_secret_name_is_label(const char *name, size_t len)
{
	static const char *const words[] = {"name", "key", "field", "label", "param", "parameter"};

	return (len == 2 && pg_strncasecmp(name, "id", 2) == 0) ||
		(len == 1 && strchr("kKnN", name[0]) != NULL) ||
		is_one_of(name, len, words, lengthof(words), true);
}

bool
paysafe_secret_name_is_value(const char *name, size_t len)
{
	static const char *const words[] = {"value", "val", "content"};

	return (len == 1 && (name[0] | 0x20) == 'v') || is_one_of(name, len, words, lengthof(words), true);
}
