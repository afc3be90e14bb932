/*-------------------------------------------------------------------------
 *
 * json_fuzz.c
 *	  libFuzzer's view of the JSON checker: what it accepts, a simple parser that
 *	  knows nothing of it accepts too, with no member twice; and what that parser
 *	  accepts and is not too deep, it accepts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "base/json_check.h"

#include "fuzz.h"

#define DEPTH 24

/* A recursive parser, quadratic in members. */
typedef struct P
{
	const unsigned char *s;
	size_t		n;
	size_t		i;
} P;

static bool value(P *p, int depth);

static void
blanks(P *p)
{
	while (p->i < p->n && (p->s[p->i] == ' ' || p->s[p->i] == '\t' || p->s[p->i] == '\n' || p->s[p->i] == '\r'))
		p->i++;
}

static int
peek(P *p)
{
	return p->i < p->n ? p->s[p->i] : -1;
}

/* A string as code points, or -1. */
static long
string(P *p, uint32 *out, long room)
{
	long		n = 0;

	if (peek(p) != '"')
		return -1;
	p->i++;
	for (;;)
	{
		int			c = peek(p);
		uint32		code;

		if (c < ' ')
			return -1;
		p->i++;
		if (c == '"')
			return n;
		code = c;
		if (c == '\\')
		{
			static const char from[] = "\"\\/bfnrt";
			static const char to[] = "\"\\/\b\f\n\r\t";
			int			e = peek(p);
			const char *f;

			if (e <= 0)
				return -1;
			p->i++;
			if (e == 'u')
			{
				code = 0;
				for (int k = 0; k < 4; k++)
				{
					int			h = peek(p);

					if (h < 0 || !isxdigit(h))
						return -1;
					code = code * 16 + (h <= '9' ? h - '0' : (h | 32) - 'a' + 10);
					p->i++;
				}
				if (code == 0)
					return -1;
			}
			else if ((f = strchr(from, e)) != NULL)
				code = to[f - from];
			else
				return -1;
			/* surrogates: put together below */
			if (code >= 0xdc00 && code <= 0xdfff)
			{
				if (n == 0 || out[n - 1] < 0x80000000)
					return -1;
				out[n - 1] = 0x10000 + ((out[n - 1] & 0x3ff) << 10) + (code - 0xdc00);
				continue;
			}
			if (n > 0 && out[n - 1] >= 0x80000000)
				return -1;
			if (code >= 0xd800 && code <= 0xdbff)
				code = 0x80000000 | (code - 0xd800);
		}
		else
		{
			if (n > 0 && out[n - 1] >= 0x80000000)
				return -1;
			if (c >= 0x80)
			{
				int			more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
				static const uint32 least[] = {0, 0x80, 0x800, 0x10000};

				if (c < 0xc0 || c > 0xf7)
					return -1;
				code = c & (0x3f >> more);
				for (int k = 0; k < more; k++)
				{
					int			d = peek(p);

					if (d < 0x80 || d > 0xbf)
						return -1;
					code = code << 6 | (d & 0x3f);
					p->i++;
				}
				if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
					return -1;
			}
		}
		if (n == room)
			abort();
		out[n++] = code;
	}
}

static bool
complete(const uint32 *s, long n)
{
	return n >= 0 && (n == 0 || s[n - 1] < 0x80000000);
}

static bool
object(P *p, int depth)
{
	uint32	  **names = NULL;
	long	   *lens = NULL;
	int			count = 0;
	bool		good = false;

	p->i++;
	blanks(p);
	if (peek(p) == '}')
	{
		p->i++;
		return true;
	}
	for (;;)
	{
		uint32	   *name = malloc((p->n + 1) * sizeof(uint32));
		long		n;

		blanks(p);
		n = string(p, name, p->n + 1);
		names = realloc(names, (count + 1) * sizeof(*names));
		lens = realloc(lens, (count + 1) * sizeof(*lens));
		names[count] = name;
		lens[count++] = n;
		if (!complete(name, n))
			break;
		for (int k = 0; k < count - 1; k++)
			if (lens[k] == n && memcmp(names[k], name, n * sizeof(uint32)) == 0)
				goto done;
		blanks(p);
		if (peek(p) != ':')
			break;
		p->i++;
		if (!value(p, depth))
			break;
		blanks(p);
		if (peek(p) == ',')
		{
			p->i++;
			continue;
		}
		good = peek(p) == '}';
		p->i++;
		break;
	}
done:
	for (int k = 0; k < count; k++)
		free(names[k]);
	free(names);
	free(lens);
	return good;
}

static bool
value(P *p, int depth)
{
	int			c;

	blanks(p);
	c = peek(p);
	if (c == '{' || c == '[')
	{
		if (depth == 0)
			return false;
		if (c == '{')
			return object(p, depth - 1);
		p->i++;
		blanks(p);
		if (peek(p) == ']')
		{
			p->i++;
			return true;
		}
		for (;;)
		{
			if (!value(p, depth - 1))
				return false;
			blanks(p);
			c = peek(p);
			p->i++;
			if (c == ']')
				return true;
			if (c != ',')
				return false;
		}
	}
	if (c == '"')
	{
		uint32	   *s = malloc((p->n + 1) * sizeof(uint32));
		long		n = string(p, s, p->n + 1);
		bool		good = complete(s, n);

		free(s);
		return good;
	}
	for (int k = 0; k < 3; k++)
	{
		static const char *const words[] = {"true", "false", "null"};
		size_t		n = strlen(words[k]);

		if (p->n - p->i >= n && memcmp(p->s + p->i, words[k], n) == 0)
		{
			p->i += n;
			return true;
		}
	}
	/* a number */
	if (c == '-')
		p->i++;
	if (peek(p) == '0')
		p->i++;
	else if (peek(p) >= '1' && peek(p) <= '9')
		while (peek(p) >= '0' && peek(p) <= '9')
			p->i++;
	else
		return false;
	if (peek(p) == '.')
	{
		p->i++;
		if (peek(p) < '0' || peek(p) > '9')
			return false;
		while (peek(p) >= '0' && peek(p) <= '9')
			p->i++;
	}
	if (peek(p) == 'e' || peek(p) == 'E')
	{
		p->i++;
		if (peek(p) == '+' || peek(p) == '-')
			p->i++;
		if (peek(p) < '0' || peek(p) > '9')
			return false;
		while (peek(p) >= '0' && peek(p) <= '9')
			p->i++;
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *copy = malloc(size + 1);	/* red zones around it */
	P			p = {data, size, 0};
	bool		simple = value(&p, DEPTH);
	const char *reason;
	char		out[64];
	bool		number;

	blanks(&p);
	simple = simple && p.i == size;
	memcpy(copy, data, size);
	reason = paysafe_json_check(copy, size, DEPTH, false, size * 0x9e3779b97f4a7c15 + 12345);
	require((reason == NULL) == simple);
	if (reason == NULL)
	{
		static const char *const paths[] = {"", "/a", "/a/b", "/0", "/a/0", "/1/a", "/"};

		for (int i = 0; i < lengthof(paths); i++)
		{
			int			n = paysafe_json_find(copy, size, paths[i], out, sizeof(out), &number);

			require(n >= -1 && n < (int) sizeof(out) && (n < 0 || out[n] == '\0'));
		}
	}
	free(copy);
	fuzz_free();
	return 0;
}
