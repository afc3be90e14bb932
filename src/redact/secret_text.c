/*-------------------------------------------------------------------------
 *
 * secret_text.c
 *	  Secrets in text: by the name before them, or by their own form.
 *
 * One walk from left to right.  What is found is replaced by REDACT_MARK and
 * stepped over, so each byte is looked at a bounded number of times; the ends of
 * long runs, which several beginnings share, are remembered.
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
#include "redact/secret_text.h"

#define MAX_NAME	48			/* letters and digits of a name that are looked at */
#define MAX_LABEL	64			/* bytes between -----BEGIN and PRIVATE KEY */
#define API_KEY_LEN 36			/* 30 characters and a checksum of 6 */

/* What a value may look like, depending on the name. */
typedef enum NameKind
{
	NOT_SECRET,
	WORD,						/* the value is a word, or quoted */
	CODE,						/* also digits after a mere blank: cvv 123 */
	HEADER						/* the rest of the line */
} NameKind;

typedef struct SecretName
{
	const char *name;			/* lower case, letters and digits only */
	NameKind	kind;
	bool		suffix;			/* also at the end of a longer name */
} SecretName;

static const SecretName names[] = {
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
	{"cav", CODE, false}, {"cardcode", CODE, true}, {"securitycode", CODE, true},
	{"cardverificationvalue", CODE, true}, {"cardverificationcode", CODE, true},
	{"verificationvalue", CODE, true},
	{"pin", CODE, false}, {"cardpin", CODE, false}, {"atmpin", CODE, false},
	{"userpin", CODE, false}, {"newpin", CODE, false}, {"oldpin", CODE, false},
	{"pinnumber", WORD, false}, {"pinblock", WORD, true}, {"encryptedpin", WORD, false},
	{"track", WORD, false}, {"trackdata", WORD, true}, {"track1data", WORD, true},
	{"track2data", WORD, true}, {"track3data", WORD, true}, {"track2equivalentdata", WORD, true},
	{"magstripe", WORD, true}, {"magstripedata", WORD, true}, {"magneticstripe", WORD, true},
	{"swipedata", WORD, true}, {"emvdata", WORD, false},
};

/* Tokens by their beginning; what of it stays visible is the prefix. */
typedef struct TokenPrefix
{
	const char *prefix;
	int			least;			/* characters behind it */
	const char *also;			/* characters beside letters and digits */
} TokenPrefix;

static const TokenPrefix prefixes[] = {
	{"whsec_", 8, "+/=_-"}, {"whsk_", 8, "+/=_-"},
	{"sk_live_", 8, "_"}, {"sk_test_", 8, "_"}, {"rk_live_", 8, "_"}, {"rk_test_", 8, "_"},
	{"psk_live_", 8, "_"}, {"psk_test_", 8, "_"},
	{"ghp_", 20, "_"}, {"gho_", 20, "_"}, {"ghu_", 20, "_"}, {"ghs_", 20, "_."}, {"ghr_", 20, "_"},
	{"github_pat_", 20, "_"}, {"glpat-", 16, "_-."},
	{"xoxa-", 10, "-"}, {"xoxb-", 10, "-"}, {"xoxp-", 10, "-"}, {"xoxr-", 10, "-"},
	{"xoxs-", 10, "-"}, {"xapp-", 10, "-"},
	{"shpat_", 20, ""}, {"shpss_", 20, ""}, {"shpca_", 20, ""}, {"shppa_", 20, ""},
	{"sq0csp-", 20, "_-"}, {"sq0atp-", 20, "_-"}, {"npm_", 30, ""}, {"pypi-", 30, "_-"},
	{"dop_v1_", 30, ""}, {"AIza", 30, "_-"}, {"SG.", 30, "_-."},
	{"access_token$production$", 8, "$"}, {"access_token$sandbox$", 8, "$"},
};

typedef struct Walk
{
	const char *s;
	size_t		len;
	size_t		copied;			/* bytes of s that are in out */
	RedactOutput *out;
	bool		found;
	size_t		run_start[2];	/* runs of base64url, remembered */
	size_t		run_end[2];
	int			run_next;
} Walk;

/* Characters */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || is_upper(c) || is_lower(c);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_name_char(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static char
lower(char c)
{
	return is_upper(c) ? c - 'A' + 'a' : c;
}

static bool
starts_with(const Walk *w, size_t pos, const char *text)
{
	size_t		len = strlen(text);

	return w->len - pos >= len && memcmp(w->s + pos, text, len) == 0;
}

/* In any case, and not part of a longer word. */
static bool
is_word(const Walk *w, size_t pos, const char *word)
{
	size_t		len = strlen(word);

	return w->len - pos > len && pg_strncasecmp(w->s + pos, word, len) == 0 &&
		!is_name_char(w->s[pos + len]);
}

/* Names */

static NameKind
kind_of_name(const char *name, size_t len)
{
	char		letters[MAX_NAME];
	int			n = 0;
	size_t		end = len;

	/* the end of the name, from the right */
	while (end > 0 && n < MAX_NAME)
	{
		char		c = name[--end];

		REDACT_WORK(1);
		if (len - end > 2 * MAX_NAME)
			break;
		if (is_alnum(c) && !(n == 0 && is_digit(c)))
			letters[MAX_NAME - ++n] = lower(c);
		else if ((unsigned char) c >= 0x80)
			break;
	}
	for (int i = 0; i < lengthof(names); i++)
	{
		int			namelen = strlen(names[i].name);

		if (namelen <= n && memcmp(letters + MAX_NAME - namelen, names[i].name, namelen) == 0 &&
			(names[i].suffix || (namelen == n && end == 0)))
			return names[i].kind;
	}
	return NOT_SECRET;
}

bool
paysafe_secret_text_is_name(const char *name, size_t len)
{
	return kind_of_name(name, len) != NOT_SECRET;
}

/* Replacing */

/* Replace the bytes from start to end, unless they are the mark or nothing. */
static void
replace(Walk *w, size_t start, size_t end, const char *with)
{
	size_t		len = strlen(with);

	if (start == end || (end - start == len && memcmp(w->s + start, with, len) == 0))
		return;
	paysafe_text_put(w->out, w->s + w->copied, start - w->copied);
	paysafe_text_put(w->out, with, len);
	w->copied = end;
	w->found = true;
}

/* Values, each from pos to the result */

static size_t
skip_blanks(const Walk *w, size_t pos, bool lines)
{
	size_t		start = pos;

	while (pos < w->len && (lines ? is_space(w->s[pos]) : is_blank(w->s[pos])))
		pos++;
	REDACT_WORK(pos - start);
	return pos;
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* At a quote, plain or after a backslash: how many bytes it has, or 0. */
static int
quote_at(const Walk *w, size_t pos)
{
	if (pos < w->len && is_quote(w->s[pos]))
		return 1;
	if (pos + 1 < w->len && w->s[pos] == '\\' && is_quote(w->s[pos + 1]))
		return 2;
	return 0;
}

/* Where the text in quotes that begins at pos ends, before its quote. */
static size_t
end_of_quoted(const Walk *w, size_t pos, const char *quote, int quote_len)
{
	size_t		start = pos;

	for (; pos < w->len; pos++)
	{
		if (w->len - pos >= quote_len && memcmp(w->s + pos, quote, quote_len) == 0)
			break;
		if (w->s[pos] == '\\' && pos + 1 < w->len)
			pos++;
	}
	pos = Min(pos, w->len);
	REDACT_WORK(pos - start);
	return pos;
}

/* Behind the bracket that closes the one at pos, or the end of the text. */
static size_t
end_of_brackets(const Walk *w, size_t pos)
{
	size_t		depth = 0;
	size_t		start = pos;

	for (; pos < w->len; pos++)
	{
		char		c = w->s[pos];

		if (c == '"')
			pos = end_of_quoted(w, pos + 1, "\"", 1);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
		{
			pos++;
			break;
		}
	}
	pos = Min(pos, w->len);
	REDACT_WORK(pos - start);
	return pos;
}

static size_t
end_of_line(const Walk *w, size_t pos, char quote)
{
	size_t		start = pos;

	while (pos < w->len && w->s[pos] != '\n' && w->s[pos] != '\r' &&
		   !(quote != '\0' && w->s[pos] == quote))
		pos++;
	REDACT_WORK(pos - start);
	while (pos > start && is_blank(w->s[pos - 1]))
		pos--;
	return pos;
}

static size_t
end_of_word(const Walk *w, size_t pos)
{
	size_t		start = pos;

	while (pos < w->len && !is_space(w->s[pos]) && !is_one_of(w->s[pos], ",;&<>(){}[]\"'`"))
		pos++;
	REDACT_WORK(pos - start);
	return pos;
}

/*
 * The value at pos of a secret name.  In what quotes the name is written, and
 * whether it may be a header, says what may come.
 */
static size_t
replace_value(Walk *w, size_t pos, NameKind kind, int name_quote, char line_quote)
{
	int			quote_len = quote_at(w, pos);
	size_t		end;
	char		quoted[REDACT_MARK_LEN + 5];
	char		quote[] = {name_quote == 2 ? '\\' : line_quote, line_quote, '\0'};

	/* among quoted names, values are quoted too */
	if (name_quote == 1)
		quote[1] = '\0';
	if (name_quote == 0)
		quote[0] = '\0';
	snprintf(quoted, sizeof(quoted), "%s%s%s", quote, REDACT_MARK, quote);

	if (quote_len > 0)
	{
		end = end_of_quoted(w, pos + quote_len, w->s + pos, quote_len);
		replace(w, pos + quote_len, end, REDACT_MARK);
		return Min(end + quote_len, w->len);
	}
	if (starts_with(w, pos, REDACT_MARK))
	{
		/* of a header, nothing may be left behind it */
		end = pos + REDACT_MARK_LEN;
		if (kind == HEADER && name_quote == 0)
		{
			end = end_of_line(w, pos, line_quote);
			replace(w, pos, end, REDACT_MARK);
		}
		return end;
	}
	if (kind == HEADER && name_quote == 0)
	{
		end = end_of_line(w, pos, line_quote);
		replace(w, pos, end, REDACT_MARK);
		return end;
	}
	if (pos < w->len && (w->s[pos] == '{' || w->s[pos] == '['))
	{
		end = end_of_brackets(w, pos);
		replace(w, pos, end, quoted);
		return end;
	}
	end = end_of_word(w, pos);
	/* a scheme, and what it is the scheme of */
	if (end < w->len && is_blank(w->s[end]) &&
		(is_word(w, pos, "bearer") || is_word(w, pos, "basic") || is_word(w, pos, "token")))
		end = end_of_word(w, skip_blanks(w, end, false));
	replace(w, pos, end, quoted);
	return end;
}

/*
 * The name from start to end, and its value, if it is a secret's.  Returns where
 * to go on.
 */
static size_t
try_name(Walk *w, size_t start, size_t end)
{
	int			name_quote = 0;
	size_t		pos = end;
	NameKind	kind;
	char		line_quote = start > 0 && is_quote(w->s[start - 1]) ? w->s[start - 1] : '\0';
	size_t		blanks;

	/* in quotes: "name" or, in JSON within JSON, \"name\" */
	if (line_quote != '\0')
	{
		name_quote = quote_at(w, end);
		if (name_quote > 0 && w->s[end + name_quote - 1] == line_quote)
			pos = end + name_quote;
		else
			name_quote = 0;
	}
	blanks = skip_blanks(w, pos, name_quote > 0) - pos;
	pos += blanks;
	if (pos == w->len)
		return end;
	if (w->s[pos] == ':' || w->s[pos] == '=')
	{
		kind = kind_of_name(w->s + start, end - start);
		if (kind == NOT_SECRET)
			return end;
		if (w->s[pos] == '=' && kind == HEADER)
			kind = WORD;
		pos++;
		while (pos < w->len && (w->s[pos] == '=' || w->s[pos] == '>'))
			pos++;
		pos = skip_blanks(w, pos, name_quote > 0);
		return replace_value(w, pos, kind, name_quote, line_quote);
	}
	if (w->s[pos] == '>' && start > 0 && w->s[start - 1] == '<' && blanks == 0)
	{
		/* <password>...</password> */
		size_t		stop = pos;

		if (kind_of_name(w->s + start, end - start) == NOT_SECRET)
			return end;
		while (stop < w->len && w->s[stop] != '<')
			stop++;
		REDACT_WORK(stop - pos);
		replace(w, pos + 1, stop, REDACT_MARK);
		return stop;
	}
	if (blanks == 0 || name_quote > 0)
		return end;
	if (is_digit(w->s[pos]))
	{
		/* cvv 123 */
		size_t		digits = pos;

		while (digits < w->len && digits - pos <= 12 && is_digit(w->s[digits]))
			digits++;
		if (digits - pos < 3 || digits - pos > 12 ||
			kind_of_name(w->s + start, end - start) != CODE)
			return end;
		replace(w, pos, digits, REDACT_MARK);
		return digits;
	}
	/* PASSWORD 'abc', --password abc */
	if ((quote_at(w, pos) > 0 || (end - start > 2 && memcmp(w->s + start, "--", 2) == 0)) &&
		w->s[pos] != '-' && kind_of_name(w->s + start, end - start) == WORD)
		return replace_value(w, pos, WORD, 0, '\0');
	return end;
}

/* Tokens by their form: each returns where to go on, or pos if there is none */

static size_t
try_prefix(Walk *w, size_t pos)
{
	for (int i = 0; i < lengthof(prefixes); i++)
	{
		const TokenPrefix *p = &prefixes[i];
		size_t		start;
		size_t		end;

		if (p->prefix[0] != w->s[pos] || !starts_with(w, pos, p->prefix))
			continue;
		start = end = pos + strlen(p->prefix);
		while (end < w->len && (is_alnum(w->s[end]) || is_one_of(w->s[end], p->also)))
			end++;
		REDACT_WORK(end - start);
		if (end - start < p->least)
			continue;
		replace(w, start, end, REDACT_MARK);
		return end;
	}
	return pos;
}

/* An API key: any prefix, an underscore, 36 characters of all three kinds. */
static size_t
try_api_key(Walk *w, size_t underscore)
{
	size_t		start = underscore + 1;
	bool		digit = false;
	bool		upper = false;
	bool		small = false;

	if (underscore == 0 || !is_alnum(w->s[underscore - 1]) || w->len - start < API_KEY_LEN)
		return underscore;
	for (size_t i = start; i < start + API_KEY_LEN; i++)
	{
		REDACT_WORK(1);
		if (!is_alnum(w->s[i]))
			return underscore;
		digit |= is_digit(w->s[i]);
		upper |= is_upper(w->s[i]);
		small |= is_lower(w->s[i]);
	}
	if (!digit || !upper || !small ||
		(w->len - start > API_KEY_LEN && is_alnum(w->s[start + API_KEY_LEN])))
		return underscore;
	replace(w, start, start + API_KEY_LEN, REDACT_MARK);
	return start + API_KEY_LEN;
}

/* The end of the run of base64url characters that pos is in. */
static size_t
end_of_run(Walk *w, size_t pos)
{
	size_t		end = pos;

	for (int i = 0; i < 2; i++)
		if (pos >= w->run_start[i] && pos < w->run_end[i])
			return w->run_end[i];
	while (end < w->len && (is_alnum(w->s[end]) || w->s[end] == '_' || w->s[end] == '-'))
		end++;
	REDACT_WORK(end - pos);
	w->run_start[w->run_next] = pos;
	w->run_end[w->run_next] = end;
	w->run_next = 1 - w->run_next;
	return end;
}

/* A JSON web token: three or more parts, the first of them an object. */
static size_t
try_jwt(Walk *w, size_t pos)
{
	size_t		end = end_of_run(w, pos);
	size_t		start;

	if (end - pos < 8 || end + 1 >= w->len || w->s[end] != '.')
		return pos;
	start = end + 1;
	end = end_of_run(w, start);
	if (end - start < 4 || end >= w->len || w->s[end] != '.')
		return pos;
	while (end < w->len && w->s[end] == '.')
		end = end_of_run(w, end + 1);
	replace(w, pos, end, REDACT_MARK);
	return end;
}

/* Bearer and a token */
static size_t
try_bearer(Walk *w, size_t pos)
{
	size_t		start = skip_blanks(w, pos + strlen("bearer"), false);
	size_t		end = start;
	bool		digit = false;

	if (start == pos + strlen("bearer"))
		return pos;
	for (; end < w->len && (is_alnum(w->s[end]) || is_one_of(w->s[end], "._~+/=-")); end++)
		digit |= is_digit(w->s[end]);
	REDACT_WORK(end - start);
	if (end - start < 16 || !digit)
		return pos;
	replace(w, start, end, REDACT_MARK);
	return end;
}

/* -----BEGIN ... PRIVATE KEY----- and all up to its end, or the text's. */
static size_t
try_private_key(Walk *w, size_t pos)
{
	static const char closing[] = "-----END ";
	static const char label[] = "PRIVATE KEY";
	size_t		end = pos + strlen("-----BEGIN ");
	size_t		start = end;
	bool		private_key = false;

	while (end < w->len && end - start < MAX_LABEL &&
		   (is_upper(w->s[end]) || is_digit(w->s[end]) || w->s[end] == ' '))
	{
		private_key |= starts_with(w, end, label);
		end++;
	}
	REDACT_WORK(end - start);
	if (!private_key)
		return pos;
	start = end;
	while (end < w->len && !(w->s[end] == '-' && starts_with(w, end, closing)))
		end++;
	if (end < w->len)
	{
		end += strlen(closing);
		while (end < w->len && (is_upper(w->s[end]) || is_digit(w->s[end]) || w->s[end] == ' '))
			end++;
		while (end < w->len && w->s[end] == '-')
			end++;
	}
	REDACT_WORK(end - start);
	replace(w, pos, end, REDACT_MARK);
	return end;
}

/* At :// with a user and a password before the host */
static size_t
try_userinfo(Walk *w, size_t pos)
{
	size_t		start = pos + strlen("://");
	size_t		end = start;
	size_t		colon = 0;
	size_t		at = 0;

	for (; end < w->len && !is_space(w->s[end]) && !is_one_of(w->s[end], "/?#<>\"'`"); end++)
	{
		if (w->s[end] == ':' && colon == 0)
			colon = end;
		else if (w->s[end] == '@')
			at = end;
	}
	REDACT_WORK(end - start);
	if (colon == 0 || at <= colon + 1)
		return pos;
	replace(w, colon + 1, at, REDACT_MARK);
	return at;
}

/*
 * The magnetic stripe behind a card number: =YYMM..., DYYMM... or ^NAME^YYMM...
 * The number itself is not touched.
 */
static size_t
try_track(Walk *w, size_t pos)
{
	uint8		digits[20];
	int			n = 0;
	size_t		start;
	size_t		end;

	while (pos + n < w->len && n < lengthof(digits) && is_digit(w->s[pos + n]))
	{
		digits[n] = (uint8) (w->s[pos + n] - '0');
		n++;
	}
	REDACT_WORK(n);
	start = end = pos + n + 1;
	if (start >= w->len || !is_one_of(w->s[start - 1], "=Dd^") ||
		!paysafe_card_is_number(digits, n))
		return pos;
	if (w->s[start - 1] == '^')
	{
		/* a name holds no mark of an earlier round */
		while (end < w->len && end - start <= 40 && !is_one_of(w->s[end], "^[?\n"))
			end++;
		if (end == w->len || w->s[end] != '^')
			return pos;
		end++;
	}
	n = 0;
	while (end < w->len && (is_digit(w->s[end]) || (n >= 7 && (w->s[end] | 0x20) == 'f')))
		n++, end++;
	REDACT_WORK(end - start);
	if (n < 7)
		return pos;
	replace(w, start, end, REDACT_MARK);
	return end;
}

bool
paysafe_secret_text_redact(const RedactText *text, RedactOutput *out)
{
	Walk		w = {.s = text->data, .len = text->len, .out = out};
	size_t		pos = 0;
	size_t		name_end = 0;	/* of the last name looked at */

	while (pos < w.len)
	{
		size_t		before = pos;
		char		c = w.s[pos];
		bool		fresh = pos == 0 || !is_alnum(w.s[pos - 1]);

		REDACT_WORK(1);
		if (c == ':')
		{
			if (starts_with(&w, pos, "://"))
				pos = try_userinfo(&w, pos);
		}
		else if (c == '_')
			pos = try_api_key(&w, pos);
		else if (c == '-' && starts_with(&w, pos, "-----BEGIN "))
			pos = try_private_key(&w, pos);
		else if (is_digit(c) && (pos == 0 || !is_digit(w.s[pos - 1])))
			pos = try_track(&w, pos);
		else if (fresh && is_alnum(c))
		{
			pos = try_prefix(&w, pos);
			if (pos == before && c == 'e' && starts_with(&w, pos, "eyJ"))
				pos = try_jwt(&w, pos);
			if (pos == before && lower(c) == 'b' && is_word(&w, pos, "bearer"))
				pos = try_bearer(&w, pos);
		}
		if (pos == before && pos >= name_end && is_name_char(c))
		{
			/* names are looked at as a whole, once */
			name_end = pos;
			while (name_end < w.len && is_name_char(w.s[name_end]))
				name_end++;
			REDACT_WORK(name_end - pos);
			pos = try_name(&w, pos, name_end);
			/* what is within it is looked at for tokens */
			if (pos == name_end)
				pos = before;
		}
		if (pos == before)
			pos++;
	}
	if (w.found)
		paysafe_text_put(out, w.s + w.copied, w.len - w.copied);
	return w.found;
}
