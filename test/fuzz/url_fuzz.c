/*-------------------------------------------------------------------------
 *
 * url_fuzz.c
 *	  libFuzzer: URLs and addresses.  What is accepted is its own canonical form, or comes to
 *	  one; what is shown of any text has nothing of it but scheme, host and port.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "fuzz.h"
#include "services/net/ip_range.h"
#include "services/net/url_parse.h"

/* A copy that ends where the text ends. */
static const char *
parse(const char *text, size_t len, char *canonical)
{
	char	   *copy = palloc(len);
	const char *reason;

	memcpy(copy, text, len);
	reason = paysafe_url_parse(copy, len, canonical);
	fuzz_free();
	return reason;
}

/* Scheme, lower-case host, port: what stands before the path. */
static void
check_canonical(const char *canonical)
{
	size_t		len = strlen(canonical);
	const char *rest = canonical + strlen("https://");
	char		again[PAYSAFE_URL_MAX + 2];
	char		masked[PAYSAFE_URL_MASKED_MAX];

	require(len <= PAYSAFE_URL_MAX + 1);
	require(strncmp(canonical, "https://", 8) == 0);
	require(strchr(rest, '/') != NULL);
	for (const char *c = rest; *c != '/'; c++)
		require((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("-.:", *c) != NULL);
	for (const char *c = rest; *c != '\0'; c++)
		require(*c > ' ' && *c < 127 && strchr("\\#\"<>", *c) == NULL);
	if (len <= PAYSAFE_URL_MAX)
	{
		require(parse(canonical, len, again) == NULL);
		require(strcmp(canonical, again) == 0);
		paysafe_url_parse_mask(canonical, len, masked);
		require(strncmp(masked, canonical, strcspn(rest, "/") + 8) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *text = (const char *) data;
	char		canonical[PAYSAFE_URL_MAX + 2];
	char		masked[PAYSAFE_URL_MASKED_MAX];
	char	   *mark;
	const char *reason;

	reason = parse(text, size, canonical);
	if (reason == NULL)
		check_canonical(canonical);
	else
		require(strspn(reason, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(reason));

	memset(masked, 0x7f, sizeof(masked));
	paysafe_url_parse_mask(text, size, masked);
	require(memchr(masked, '\0', sizeof(masked)) != NULL);
	/* user info, path and query are none of it */
	mark = strstr(masked, "://");
	require(strchr(masked, '@') == NULL && strchr(masked, '?') == NULL);
	require(mark == NULL || strchr(mark + 3, '/') == NULL || strcmp(strchr(mark + 3, '/'), "/...") == 0);

	if (size >= 16)
	{
		static const uint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
		uint8		v6[16];

		/* what is in no range of global unicast is not public */
		require((data[0] & 0xe0) == 0x20 || !paysafe_ip_range_is_public(data, 16));
		memcpy(v6, mapped, sizeof(mapped));
		memcpy(v6 + 12, data, 4);
		require(!paysafe_ip_range_is_public(v6, 16));
		if (data[0] == 10 || data[0] == 127 || data[0] == 0 || data[0] >= 224)
			require(!paysafe_ip_range_is_public(data, 4));
	}
	return 0;
}
