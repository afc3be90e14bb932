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
};

/* What may stand behind the name of a security code: cvv_code, cvcNumber. */
static const char *const decorations[] = {"code", "number", "value", "val", "field", "input", "no", "num"};

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
	return is_decorated_code(start, letters.n) ? CODE : NOT_SECRET;
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
		"code", "value", "number", "key", "phrase", "word", "block", "data", "stripe", "id"
	};

	return len <= MAX_NAME && is_one_of(word, len, words, lengthof(words), false);
}

bool
paysafe_secret_name_is_label(const char *name, size_t len)
{
	static const char *const words[] = {"name", "key", "field", "label", "param", "parameter"};

	return (len == 2 && pg_strncasecmp(name, "id", 2) == 0) ||
		is_one_of(name, len, words, lengthof(words), true);
}

bool
paysafe_secret_name_is_value(const char *name, size_t len)
{
	static const char *const words[] = {"value", "val", "content"};

	return is_one_of(name, len, words, lengthof(words), true);
}
