/*-------------------------------------------------------------------------
 *
 * webhook_parse.c
 *	  What a webhook's headers say: signatures, times, sequence numbers.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "base/crypto.h"
#include "base/encode.h"
#include "services/webhook/webhook_parse.h"

static const char malformed[] = "signature_malformed";

/* How many bytes a signature has; 0: it varies. */
static int
length_of(WebhookAlgorithm algorithm)
{
	switch (algorithm)
	{
		case WEBHOOK_HMAC_SHA256:
		case WEBHOOK_JWT_HS256:
			return PAYSAFE_SHA256_LEN;
		case WEBHOOK_HMAC_SHA1:
			return 20;
		case WEBHOOK_HMAC_SHA512:
			return 64;
		case WEBHOOK_ED25519:
			return PAYSAFE_ED25519_SIGNATURE_LEN;
		case WEBHOOK_JWT_ES256:
			return PAYSAFE_P256_SIGNATURE_LEN;
		default:
			return 0;
	}
}

static PaysafeBase64
base64_of(const WebhookForm *form, const char *text, size_t len)
{
	if (form->encoding == WEBHOOK_BASE64)
		return PAYSAFE_BASE64;
	return len % 4 == 0 && len > 0 && text[len - 1] == '=' ? PAYSAFE_BASE64_URL :
		PAYSAFE_BASE64_URL_UNPADDED;
}

bool
paysafe_webhook_parse_signature(const WebhookForm *form, const char *text, size_t len,
								WebhookSignatures *all)
{
	WebhookSignature *signature = &all->list[all->n];
	size_t		prefix = form->prefix ? strlen(form->prefix) : 0;
	int			n;

	if (all->n == WEBHOOK_MAX_SIGNATURES || len < prefix ||
		(prefix > 0 && memcmp(text, form->prefix, prefix) != 0))
		return false;
	text += prefix;
	len -= prefix;
	if (form->encoding == WEBHOOK_HEX)
		n = len > 2 * WEBHOOK_MAX_SIGNATURE ? -1 : paysafe_decode_hex(text, len, signature->bytes);
	else
		n = len > WEBHOOK_MAX_SIGNATURE / 3 * 4 ? -1 :
			paysafe_decode_base64(text, len, base64_of(form, text, len), signature->bytes);
	if (n <= 0 || (length_of(form->algorithm) != 0 && n != length_of(form->algorithm)))
		return false;
	signature->len = n;
	all->n++;
	return true;
}

static bool
same_name(const char *name, size_t len, const char *wanted)
{
	return wanted != NULL && strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

/* "t=1,v1=ab,v1=cd,v0=..": the time and the signatures of our version. */
static const char *
parse_params(const WebhookForm *form, const char *value, WebhookSignatures *all, char *timestamp)
{
	const char	separator[] = {form->separator ? form->separator : ',', '\0'};
	int			times = 0;

	for (const char *part = value; part != NULL;)
	{
		size_t		len = strcspn(part, separator);
		const char *equals = memchr(part, form->equals ? form->equals : '=', len);
		size_t		name = equals ? equals - part : 0;

		if (name == 0)
			return malformed;
		if (same_name(part, name, form->timestamp_param))
		{
			if (len - name - 1 >= WEBHOOK_MAX_TIMESTAMP || times++ > 0)
				return "timestamp_malformed";
			memcpy(timestamp, equals + 1, len - name - 1);
			timestamp[len - name - 1] = '\0';
		}
		else if ((same_name(part, name, form->param) || strcmp(form->param, "*") == 0) &&
				 !paysafe_webhook_parse_signature(form, equals + 1, len - name - 1, all))
			return malformed;
		part = part[len] == separator[0] ? part + len + 1 : NULL;
	}
	return form->timestamp_param != NULL && times == 0 ? "timestamp_malformed" : NULL;
}

static const char *
parse_list(const WebhookForm *form, const char *value, WebhookSignatures *all)
{
	size_t		prefix = form->prefix ? strlen(form->prefix) : 0;

	for (const char *part = value; part != NULL;)
	{
		size_t		len = strcspn(part, " ");
		bool		ours = len >= prefix && (prefix == 0 || memcmp(part, form->prefix, prefix) == 0);

		if (len == 0 || (ours && !paysafe_webhook_parse_signature(form, part, len, all)))
			return malformed;
		part = part[len] == ' ' ? part + len + 1 : NULL;
	}
	return NULL;
}

const char *
paysafe_webhook_parse_signatures(const WebhookForm *form, const char *value,
								 WebhookSignatures *all, char *timestamp)
{
	const char *trouble = NULL;

	all->n = 0;
	if (form->param != NULL)
		trouble = parse_params(form, value, all, timestamp);
	else if (form->list)
		trouble = parse_list(form, value, all);
	else
		(void) paysafe_webhook_parse_signature(form, value, strlen(value), all);
	if (trouble == NULL && all->n == 0)
		trouble = malformed;
	return trouble;
}

/* Days since 1970-01-01 of a date after that, by the months of a year from March on. */
static int64
days_since_1970(int year, int month, int day)
{
	int			y = month <= 2 ? year - 1 : year;
	int			m = month <= 2 ? month + 9 : month - 3;

	return y * INT64CONST(365) + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* So many digits at text; false if they are none. */
static bool
digits(const char *text, int n, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (text[i] - '0');
	}
	return true;
}

/* YYYY-MM-DDTHH:MM:SS, years 1970 to 2199. */
static bool
parse_date(const char *text, int64 *seconds)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	bool		leap;

	if (strlen(text) < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
		text[13] != ':' || text[16] != ':' ||
		!digits(text, 4, &year) || !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day) ||
		!digits(text + 11, 2, &hour) || !digits(text + 14, 2, &minute) ||
		!digits(text + 17, 2, &second))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1 ||
		day > days[month - 1] + (month == 2 && leap) || hour > 23 || minute > 59 || second > 59)
		return false;
	*seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

/* The digits after a point, 1 to 9 of them, in nanoseconds; NULL if there are none. */
static const char *
parse_fraction(const char *text, int64 *nanoseconds)
{
	int64		unit = INT64CONST(100000000);
	int			n = 0;

	*nanoseconds = 0;
	for (; *text >= '0' && *text <= '9' && n < 9; text++, n++, unit /= 10)
		*nanoseconds += (*text - '0') * unit;
	return n > 0 ? text : NULL;
}

/* A time as in RFC 3339. */
static bool
parse_instant(const char *text, int64 *seconds, int64 *nanoseconds)
{
	const char *rest = text + 19;
	int			hours = 0;
	int			minutes = 0;

	*nanoseconds = 0;
	if (!parse_date(text, seconds))
		return false;
	if (*rest == '.' && (rest = parse_fraction(rest + 1, nanoseconds)) == NULL)
		return false;
	if (*rest == '+' || *rest == '-')
	{
		if (strlen(rest) != 6 || rest[3] != ':' || !digits(rest + 1, 2, &hours) ||
			!digits(rest + 4, 2, &minutes) || hours > 23 || minutes > 59)
			return false;
	}
	else if (strcmp(rest, "Z") != 0)
		return false;
	*seconds -= (*rest == '-' ? -1 : 1) * (hours * 60 + minutes) * 60;
	return true;
}

bool
paysafe_webhook_parse_time(const char *text, WebhookTimeForm form, int64 *microseconds)
{
	size_t		len = strlen(text);
	const char *point = form == WEBHOOK_FRACTIONAL ? strchr(text, '.') : NULL;
	int64		nanoseconds = 0;
	int64		seconds;

	if (form == WEBHOOK_RFC3339)
	{
		if (!parse_instant(text, &seconds, &nanoseconds))
			return false;
	}
	else if (form == WEBHOOK_MILLISECONDS || (form == WEBHOOK_UNIX && len == 13))
	{
		if (len != 13 || text[0] == '0' || !paysafe_decode_decimal(text, len, &seconds))
			return false;
		nanoseconds = seconds % 1000 * 1000000;
		seconds /= 1000;
	}
	else
	{
		const char *end = text + len;

		if (point != NULL)
		{
			if ((end = parse_fraction(point + 1, &nanoseconds)) == NULL || *end != '\0')
				return false;
			len = point - text;
		}
		if (len > 10 || text[0] == '0' || !paysafe_decode_decimal(text, len, &seconds))
			return false;
	}
	*microseconds = seconds * 1000000 + nanoseconds / 1000;
	return true;
}

bool
paysafe_webhook_parse_sequence(const char *text, int64 *sequence)
{
	int64		seconds;
	int64		nanoseconds;

	if (strlen(text) <= 18)
		return paysafe_decode_decimal(text, strlen(text), sequence);
	if (!parse_instant(text, &seconds, &nanoseconds))
		return false;
	*sequence = seconds * INT64CONST(1000000000) + nanoseconds;
	return true;
}
