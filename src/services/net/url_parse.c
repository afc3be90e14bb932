/*-------------------------------------------------------------------------
 *
 * url_parse.c
 *	  URLs that every parser reads the same way.
 *
 * What is accepted is a small part of what the standards (RFC 3986, WHATWG URL)
 * allow: https, a name of at least two labels, port 443, a path and a query of
 * plain characters.  Whatever a lenient parser repairs (backslashes, tabs, blanks,
 * full-width letters, numbers of every notation as addresses, several "@") is
 * refused, because the one who checks and the one who sends may repair it
 * differently: that is how requests get into internal networks.
 *
 * Names with xn-- labels (IDNA) are accepted if they decode (RFC 3492) to letters
 * of a few scripts in the one form that all versions of the tables agree on.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "services/net/url_parse.h"

#define HOST_MAX		253
#define LABEL_MAX		63

static inline bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static inline bool
is_hex(char c)
{
	return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

/*
 * Letters that stand for themselves in every version of IDNA, read from left to
 * right, without combining marks: lower case of Latin-1, Greek and Cyrillic, kana,
 * Han, Hangul.
 */
static bool
is_plain_letter(uint32 c)
{
	static const uint32 ranges[][2] = {
		{0x00E0, 0x00F6}, {0x00F8, 0x00FF}, {0x03B1, 0x03C1}, {0x03C3, 0x03C9},
		{0x0430, 0x045F}, {0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FA5},
		{0xAC00, 0xD7A3}
	};

	for (int i = 0; i < lengthof(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Does what follows "xn--" decode to plain letters, one of them not ASCII? */
static bool
is_plain_punycode(const char *text, int len)
{
	uint32		n = 128;
	uint32		i = 0;
	uint32		bias = 72;
	int			basic = 0;		/* characters before the last hyphen */
	int			out;
	int			in;

	for (int j = len - 1; j > 0 && basic == 0; j--)
		if (text[j] == '-')
			basic = j;
	out = basic;
	in = basic > 0 ? basic + 1 : 0;
	if (in == len)
		return false;
	while (in < len)
	{
		uint32		old = i;
		uint32		weight = 1;

		for (uint32 k = 36;; k += 36)
		{
			uint32		digit;
			uint32		limit = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;

			if (in == len)
				return false;
			digit = is_digit(text[in]) ? text[in] - '0' + 26 :
				is_lower(text[in]) ? text[in] - 'a' : 36;
			in++;
			if (digit == 36 || digit > (PG_UINT32_MAX / 2 - i) / weight)
				return false;
			i += digit * weight;
			if (digit < limit)
				break;
			if (weight > PG_UINT32_MAX / 2 / (36 - limit))
				return false;
			weight *= 36 - limit;
		}
		out++;
		/* the bias for the next one */
		{
			uint32		delta = old == 0 && n == 128 ? i / 700 : (i - old) / 2;

			delta += delta / out;
			for (bias = 0; delta > 35 * 26 / 2; bias += 36)
				delta /= 35;
			bias += 36 * delta / (delta + 38);
		}
		if (i / out > 0x10FFFF)
			return false;
		n += i / out;
		i %= out;
		i++;
		if (!is_plain_letter(n))
			return false;
	}
	return true;
}

/* Names that are no public names, or whose purpose is to mean any address. */
static bool
is_reserved(const char *host, int len)
{
	static const char *const names[] = {
		"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home",
		"lan", "arpa", "test", "example", "invalid", "onion", "alt",
		"nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com",
		"1u.ms", "nip.direct", "traefik.me", "localho.st", "yoogle.com", "readme.localtest.me"
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		int			n = (int) strlen(names[i]);

		if (len >= n && strncmp(host + len - n, names[i], n) == 0 &&
			(len == n || host[len - n - 1] == '.'))
			return true;
	}
	return false;
}

/* The host, in lower case. */
static const char *
check_host(const char *host, int len)
{
	int			labels = 0;
	int			start = 0;

	if (len == 0)
		return "no_host";
	if (len > HOST_MAX)
		return "host_too_long";
	for (int i = 0; i <= len; i++)
	{
		const char *label = host + start;
		int			n = i - start;

		if (i < len && host[i] != '.')
		{
			if (!is_lower(host[i]) && !is_digit(host[i]) && host[i] != '-')
				return "host_character";
			continue;
		}
		if (n == 0 || n > LABEL_MAX || label[0] == '-' || label[n - 1] == '-')
			return "host_label";
		if (n > 4 && strncmp(label, "xn--", 4) == 0)
		{
			if (!is_plain_punycode(label + 4, n - 4))
				return "host_international";
		}
		else if (n >= 4 && label[2] == '-' && label[3] == '-')
			return "host_label";	/* reserved for such prefixes */
		labels++;
		start = i + 1;
		/* a last label that begins with a digit is, or may be read as, a number */
		if (i == len && !is_lower(label[0]))
			return "ip_address";
		if (i == len && n < 2)
			return "host_label";
	}
	if (labels < 2)
		return is_reserved(host, len) ? "reserved_name" : "single_label";
	return is_reserved(host, len) ? "reserved_name" : NULL;
}

/* A character that stands for itself in a path or a query. */
static bool
is_plain(char c)
{
	return is_lower(to_lower(c)) || is_digit(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%", c) != NULL);
}

/* Is the path's segment "." or "..", however written? */
static bool
is_dots(const char *segment, size_t len)
{
	int			dots = 0;

	while (len > 0)
	{
		if (segment[0] == '.')
		{
			segment++;
			len--;
		}
		else if (len >= 3 && segment[0] == '%' && segment[1] == '2' && to_lower(segment[2]) == 'e')
		{
			segment += 3;
			len -= 3;
		}
		else
			return false;
		if (++dots > 2)
			return false;
	}
	return dots > 0;
}

/* Path and query, from the first "/". */
static const char *
check_rest(const char *rest, size_t len)
{
	size_t		start = 1;
	bool		query = false;

	for (size_t i = 0; i <= len; i++)
	{
		if (!query && i > 0 && (i == len || rest[i] == '/' || rest[i] == '?'))
		{
			if (is_dots(rest + start, i - start))
				return "dot_segment";
			start = i + 1;
		}
		if (i == len)
			break;
		if (rest[i] == '#')
			return "fragment";
		if (!is_plain(rest[i]) || (query && rest[i] == '\''))
			return "character";
		if (rest[i] == '?')
			query = true;
		if (rest[i] == '%' && (i + 2 >= len || !is_hex(rest[i + 1]) || !is_hex(rest[i + 2])))
			return "percent";
	}
	return NULL;
}

const char *
paysafe_url_parse(const char *url, size_t len, char *canonical)
{
	static const char scheme[] = "https://";
	size_t		prefix = strlen(scheme);
	size_t		end;			/* of the authority */
	size_t		host_end;
	char	   *host = canonical + prefix;
	const char *reason;

	if (len == 0)
		return "empty";
	if (len > PAYSAFE_URL_MAX)
		return "too_long";
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] >= 127 || url[i] == '\\')
			return "character";
	for (size_t i = 0; i < prefix; i++)
		if (i >= len || to_lower(url[i]) != scheme[i])
			return "scheme";
	for (end = prefix; end < len && url[end] != '/' && url[end] != '?' && url[end] != '#'; end++)
		if (url[end] == '@')
			return "user_info";
	if (end < len && url[end] != '/')
		return url[end] == '#' ? "fragment" : "no_path";
	if (end > prefix && url[prefix] == '[')
		return "ip_address";
	for (host_end = prefix; host_end < end && url[host_end] != ':'; host_end++)
		;
	if (host_end < end && (end - host_end != 4 || strncmp(url + host_end, ":443", 4) != 0))
		return "port";

	memcpy(canonical, scheme, prefix);
	for (size_t i = prefix; i < host_end; i++)
		canonical[i] = to_lower(url[i]);
	reason = check_host(host, (int) (host_end - prefix));
	if (reason == NULL && end < len)
		reason = check_rest(url + end, len - end);
	if (reason != NULL)
		return reason;
	if (end == len)
		strcpy(canonical + host_end, "/");
	else
	{
		memcpy(canonical + host_end, url + end, len - end);
		canonical[host_end + len - end] = '\0';
	}
	return NULL;
}

void
paysafe_url_parse_mask(const char *url, size_t len, char *out)
{
	size_t		scheme = 0;
	size_t		start;
	size_t		end;
	size_t		n = 0;
	bool		port = false;

	while (scheme < len && scheme < 32 &&
		   (is_lower(to_lower(url[scheme])) || (scheme > 0 && (is_digit(url[scheme]) || url[scheme] == '+'))))
		scheme++;
	start = scheme + 3;
	if (scheme == 0 || len < start || strncmp(url + scheme, "://", 3) != 0)
	{
		strcpy(out, "(not a URL)");
		return;
	}
	for (end = start; end < len && strchr("/?#\\", url[end]) == NULL && url[end] != '\0'; end++)
		if (url[end] == '@')
			start = end + 1;
	for (size_t i = start; i < end; i++)
	{
		bool		good = is_digit(url[i]) ||
			(!port && (is_lower(to_lower(url[i])) || url[i] == '.' || url[i] == '-'));

		if (url[i] == ':' && !port && i > start)
			good = port = true;
		if (!good || i - start > HOST_MAX)
		{
			strcpy(out, "(not a URL)");
			return;
		}
	}
	if (end == start)
	{
		strcpy(out, "(not a URL)");
		return;
	}
	memcpy(out, url, scheme);
	n = scheme;
	memcpy(out + n, "://", 3);
	n += 3;
	for (size_t i = start; i < end; i++)
		out[n++] = to_lower(url[i]);
	strcpy(out + n, end < len ? "/..." : "");
}
