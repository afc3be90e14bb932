/*-------------------------------------------------------------------------
 *
 * webhook_fuzz.c
 *	  libFuzzer: webhooks' headers.  The first byte says in which form; what is taken for a
 *	  signature has the bytes that one has, and is the same when it is alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "fuzz.h"
#include "services/webhook/webhook_parse.h"

static const WebhookForm forms[] = {
	{WEBHOOK_HMAC_SHA256, WEBHOOK_BASE64, "v1,", NULL, NULL, true},
	{WEBHOOK_ED25519, WEBHOOK_BASE64, "v1a,", NULL, NULL, true},
	{WEBHOOK_HMAC_SHA256, WEBHOOK_HEX, NULL, "v1", "t", false},
	{WEBHOOK_HMAC_SHA256, WEBHOOK_HEX, "sha256=", NULL, NULL, false},
	{WEBHOOK_RSA_SHA256, WEBHOOK_BASE64, NULL, NULL, NULL, false},
	{WEBHOOK_HMAC_SHA256, WEBHOOK_BASE64, NULL, "s", NULL, false},
	{WEBHOOK_HMAC_SHA256, WEBHOOK_HEX, NULL, NULL, NULL, true},
	{WEBHOOK_HMAC_SHA256, WEBHOOK_HEX, NULL, "h1", "ts", false, ';'},
	{WEBHOOK_HMAC_SHA1, WEBHOOK_HEX, NULL, "*", NULL, false, '&', '|'},
	{WEBHOOK_HMAC_SHA512, WEBHOOK_HEX, NULL, NULL, NULL, false},
	{WEBHOOK_JWT_ES256, WEBHOOK_BASE64URL, NULL, NULL, NULL, false},
};

static void
check_signatures(const WebhookForm *form, const char *value)
{
	WebhookSignatures *all = palloc(sizeof(WebhookSignatures));
	char	   *timestamp = palloc(WEBHOOK_MAX_TIMESTAMP);
	const char *reason;

	reason = paysafe_webhook_parse_signatures(form, value, all, timestamp);
	require(all->n >= 0 && all->n <= WEBHOOK_MAX_SIGNATURES);
	require(reason != NULL || all->n > 0);
	require(reason == NULL || strcmp(reason, "signature_malformed") == 0 ||
			strcmp(reason, "timestamp_malformed") == 0);
	if (reason == NULL && form->timestamp_param != NULL)
		require(memchr(timestamp, '\0', WEBHOOK_MAX_TIMESTAMP) != NULL);
	for (int i = 0; reason == NULL && i < all->n; i++)
	{
		const WebhookSignature *signature = &all->list[i];
		WebhookSignatures *alone = palloc(sizeof(WebhookSignatures));
		char		text[3 * WEBHOOK_MAX_SIGNATURE];
		size_t		prefix = form->prefix ? strlen(form->prefix) : 0;
		size_t		len;

		require(signature->len > 0 && signature->len <= WEBHOOK_MAX_SIGNATURE);
		if (form->algorithm == WEBHOOK_HMAC_SHA256)
			require(signature->len == PAYSAFE_SHA256_LEN);
		if (form->algorithm == WEBHOOK_ED25519)
			require(signature->len == PAYSAFE_ED25519_SIGNATURE_LEN);
		memcpy(text, form->prefix ? form->prefix : "", prefix);
		len = form->encoding == WEBHOOK_HEX ?
			paysafe_encode_hex(signature->bytes, signature->len, text + prefix) :
			paysafe_encode_base64(signature->bytes, signature->len, PAYSAFE_BASE64, text + prefix);
		/* of base64url there are two, with padding and without */
		if (form->encoding == WEBHOOK_BASE64URL)
			len = paysafe_encode_base64(signature->bytes, signature->len, PAYSAFE_BASE64_URL_UNPADDED,
										text + prefix);
		/* one way to write it, but for the case of hexadecimal digits */
		text[prefix + len] = '\0';
		if (form->encoding == WEBHOOK_BASE64)
			require(strstr(value, text) != NULL);
		alone->n = 0;
		require(paysafe_webhook_parse_signature(form, text, prefix + len, alone));
		require(alone->n == 1 && alone->list[0].len == signature->len &&
				memcmp(alone->list[0].bytes, signature->bytes, signature->len) == 0);
	}
}

static void
check_times(const char *text)
{
	char		again[40];
	int64		us;
	int64		sequence;

	if (paysafe_webhook_parse_time(text, WEBHOOK_SECONDS, &us))
	{
		snprintf(again, sizeof(again), INT64_FORMAT, us / 1000000);
		require(strcmp(again, text) == 0 && us > 0 && us % 1000000 == 0);
		require(paysafe_webhook_parse_time(text, WEBHOOK_UNIX, &sequence) && sequence == us);
		require(paysafe_webhook_parse_time(text, WEBHOOK_FRACTIONAL, &sequence) && sequence == us);
	}
	if (paysafe_webhook_parse_time(text, WEBHOOK_MILLISECONDS, &us))
	{
		snprintf(again, sizeof(again), INT64_FORMAT, us / 1000);
		require(strcmp(again, text) == 0 && strlen(text) == 13);
		require(paysafe_webhook_parse_time(text, WEBHOOK_UNIX, &sequence) && sequence == us);
	}
	if (paysafe_webhook_parse_time(text, WEBHOOK_FRACTIONAL, &us))
	{
		require(strspn(text, "0123456789.") == strlen(text) && us > 0);
		require(strtod(text, NULL) - us / 1e6 < 1e-5 && strtod(text, NULL) - us / 1e6 > -1e-5);
	}
	if (paysafe_webhook_parse_time(text, WEBHOOK_RFC3339, &us))
	{
		time_t		t = (time_t) (us / 1000000);
		struct tm	tm;

		require(gmtime_r(&t, &tm) != NULL);
		require(strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
		/* one that has neither a fraction nor an offset */
		if (strlen(text) == 20)
			require(strcmp(again, text) == 0);
		require(paysafe_webhook_parse_sequence(text, &sequence) && (sequence - us * 1000) < 1000);
	}
	(void) paysafe_webhook_parse_sequence(text, &sequence);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *value;

	if (size == 0)
		return 0;
	/* a copy that ends where the text ends */
	value = palloc(size);
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	check_signatures(&forms[data[0] % lengthof(forms)], value);
	check_times(value);
	fuzz_free();
	return 0;
}
