/*-------------------------------------------------------------------------
 *
 * secret_token.c
 *	  Secrets in text by their own form: keys with a published prefix, tokens, private
 *	  keys, passwords in URLs, magnetic stripes, data of chips.
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
#include "redact/secret_walk.h"

#define MAX_LABEL	64			/* bytes between -----BEGIN and PRIVATE KEY */
#define API_KEY_LEN 36			/* 30 characters and a checksum of 6 */

/* Tokens by their beginning; what of it stays visible is the prefix. */
typedef struct TokenPrefix
{
	const char *prefix;
	int			least;			/* characters behind it */
	const char *also;			/* characters beside letters and digits */
} TokenPrefix;

static const TokenPrefix prefixes[] = {
	/* Standard Webhooks, Stripe and those who do like them; paysafe */
	{"whsec_", 8, "+/=_-"}, {"whsk_", 8, "+/=_-"},
	{"sk_live_", 8, "_"}, {"sk_test_", 8, "_"}, {"rk_live_", 8, "_"}, {"rk_test_", 8, "_"},
	{"psk_live_", 8, "_"}, {"psk_test_", 8, "_"},
	/* GitHub, GitLab, Slack */
	{"ghp_", 20, "_"}, {"gho_", 20, "_"}, {"ghu_", 20, "_"}, {"ghs_", 20, "_."}, {"ghr_", 20, "_"},
	{"github_pat_", 20, "_"}, {"glpat-", 16, "_-."},
	{"xoxa-", 10, "-"}, {"xoxb-", 10, "-"}, {"xoxc-", 10, "-"}, {"xoxe-", 10, "-"},
	{"xoxe.xoxp-", 10, "-"}, {"xoxp-", 10, "-"}, {"xoxr-", 10, "-"},
	{"xoxs-", 10, "-"}, {"xapp-", 10, "-"},
	/* payments: Shopify, Square, Braintree, Adyen, Razorpay, Plaid, Flutterwave, Mollie and
	   GoCardless, Xendit, Paddle, Klarna, Checkout.com */
	{"shpat_", 20, ""}, {"shpss_", 20, ""}, {"shpca_", 20, ""}, {"shppa_", 20, ""},
	{"sq0csp-", 20, "_-"}, {"sq0atp-", 20, "_-"}, {"EAAA", 56, "_-"},
	{"access_token$production$", 8, "$"}, {"access_token$sandbox$", 8, "$"},
	{"AQE", 60, "+/=-{}[]()<>^~!@#$%&*_.,:;|?"},
	{"rzp_live_", 14, ""}, {"rzp_test_", 14, ""},
	{"access-production-", 30, "-"}, {"access-sandbox-", 30, "-"}, {"access-development-", 30, "-"},
	{"FLWSECK_TEST-", 12, "-"}, {"FLWSECK-", 12, "-"},
	{"live_", 28, ""}, {"test_", 28, ""},
	{"xnd_production_", 20, "_"}, {"xnd_development_", 20, "_"},
	{"pdl_live_apikey_", 20, "_"}, {"pdl_sdbx_apikey_", 20, "_"}, {"pdl_ntfset_", 20, "_+/="},
	{"klarna_live_api_", 20, "_-"}, {"klarna_test_api_", 20, "_-"},
	{"sk_sbox_", 20, "*_"},
	/* clouds and others: AWS, Google, DigitalOcean, OpenAI, Anthropic, Hugging Face, npm, PyPI,
	   SendGrid, Mailgun, HubSpot, Databricks, Linear, Postman, Doppler, Terraform */
	{"AKIA", 16, ""}, {"ASIA", 16, ""}, {"AIza", 30, "_-"}, {"GOCSPX-", 20, "_-"},
	{"ya29.", 20, "_-."}, {"dop_v1_", 30, ""},
	{"sk-proj-", 20, "_-"}, {"sk-svcacct-", 20, "_-"}, {"sk-admin-", 20, "_-"},
	{"sk-ant-", 20, "_-"}, {"sk-", 40, ""}, {"hf_", 30, ""}, {"npm_", 30, ""}, {"pypi-", 30, "_-"},
	{"SG.", 30, "_-."}, {"key-", 32, ""}, {"pat-na1-", 30, "-"}, {"pat-eu1-", 30, "-"},
	{"dapi", 32, ""}, {"lin_api_", 30, ""}, {"PMAK-", 30, "-"}, {"dp.pt.", 30, ""},
	/* addresses that are secrets: whoever knows one may write there */
	{"hooks.slack.com/services/", 8, "/_-"}, {"hooks.slack.com/workflows/", 8, "/_-"},
	{"hooks.slack.com/triggers/", 8, "/_-"},
	{"discord.com/api/webhooks/", 16, "/_-"}, {"discordapp.com/api/webhooks/", 16, "/_-"},
	{"api.telegram.org/bot", 20, ":_-"}, {"outlook.office.com/webhook/", 16, "/@-"},
	{"hooks.zapier.com/hooks/catch/", 8, "/_-"}, {"hook.eu1.make.com/", 16, ""},
};

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

/* Data of chips (EMV): tags in hexadecimal digits */

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_tag(const Walk *w, size_t pos, const char *tag)
{
	return lower(w->s[pos]) == lower(tag[0]) && lower(w->s[pos + 1]) == lower(tag[1]);
}

/*
 * A card number in the value of a tag, so many hexadecimal digits: alone and filled up
 * with F (5A), or with the rest of track 2 behind D (57, 9F6B)?
 */
static bool
is_number_of_tag(const Walk *w, size_t pos, size_t len, bool track)
{
	uint8		digits[20];
	int			n = 0;

	while (n < len && n < lengthof(digits) && is_digit(w->s[pos + n]))
	{
		digits[n] = (uint8) (w->s[pos + n] - '0');
		n++;
	}
	REDACT_WORK(n);
	if (!paysafe_card_is_number(digits, n))
		return false;
	if (track)
		return n < len && lower(w->s[pos + n]) == 'd';
	return n == len || (n + 1 == len && lower(w->s[pos + n]) == 'f');
}

/* A run of hexadecimal digits that begins at pos: all tags in it that have a number. */
static size_t
try_tags(Walk *w, size_t pos)
{
	size_t		end = pos;
	size_t		last = pos;		/* behind what was taken out last */

	while (end < w->len && hex_value(w->s[end]) >= 0)
		end++;
	REDACT_WORK(end - pos);
	for (size_t at = pos; at + 16 <= end; at += 2)
	{
		bool		track = is_tag(w, at, "57") || is_tag(w, at, "6B");
		size_t		len = 2 * (16 * hex_value(w->s[at + 2]) + hex_value(w->s[at + 3]));

		REDACT_WORK(1);
		if ((!track && !is_tag(w, at, "5A")) || len < 12 || len > 38 || len > end - at - 4 ||
			!is_number_of_tag(w, at + 4, len, track))
			continue;
		replace(w, at + 4, at + 4 + len, REDACT_MARK);
		last = at + 4 + len;
		at = last - 2;
	}
	return last;
}

/* A word, or what looks like one, begins here. */
static size_t
try_word(Walk *w, size_t pos)
{
	char		c = w->s[pos];
	size_t		end = try_prefix(w, pos);

	if (end == pos && c == 'e' && starts_with(w, pos, "eyJ"))
		end = try_jwt(w, pos);
	if (end == pos && lower(c) == 'b' && is_word(w, pos, "bearer"))
		end = try_bearer(w, pos);
	if (end == pos && hex_value(c) >= 0)
		end = try_tags(w, pos);
	return end;
}

size_t
paysafe_secret_token_try(Walk *w, size_t pos)
{
	char		c = w->s[pos];
	size_t		end = pos;

	if (c == ':')
		return starts_with(w, pos, "://") ? try_userinfo(w, pos) : pos;
	if (c == '_')
		return try_api_key(w, pos);
	if (c == '-')
		return starts_with(w, pos, "-----BEGIN ") ? try_private_key(w, pos) : pos;
	if (is_digit(c) && (pos == 0 || !is_digit(w->s[pos - 1])))
		end = try_track(w, pos);
	if (end == pos && is_alnum(c) && (pos == 0 || !is_alnum(w->s[pos - 1])))
		end = try_word(w, pos);
	return end;
}
