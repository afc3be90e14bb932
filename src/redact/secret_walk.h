/*-------------------------------------------------------------------------
 *
 * secret_walk.h
 *	  The walk through a text that looks for secrets: what its parts share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SECRET_WALK_H
#define PAYSAFE_SECRET_WALK_H

#include "redact/text.h"

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

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
is_alnum(char c)
{
	return is_digit(c) || is_upper(c) || is_lower(c);
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool
is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static inline bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static inline bool
is_name_char(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static inline char
lower(char c)
{
	return is_upper(c) ? c - 'A' + 'a' : c;
}

static inline bool
starts_with(const Walk *w, size_t pos, const char *text)
{
	size_t		len = strlen(text);

	return w->len - pos >= len && memcmp(w->s + pos, text, len) == 0;
}

/* In any case, and not part of a longer word. */
static inline bool
is_word(const Walk *w, size_t pos, const char *word)
{
	size_t		len = strlen(word);

	return w->len - pos > len && pg_strncasecmp(w->s + pos, word, len) == 0 &&
		!is_name_char(w->s[pos + len]);
}

/* Replace the bytes from start to end, unless they are the mark or nothing. */
static inline void
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

/* Behind the blanks at pos, with lines also behind ends of lines. */
static inline size_t
skip_blanks(const Walk *w, size_t pos, bool lines)
{
	size_t		start = pos;

	while (pos < w->len && (lines ? is_space(w->s[pos]) : is_blank(w->s[pos])))
		pos++;
	REDACT_WORK(pos - start);
	return pos;
}

/* Quotes and separators */

#define MAX_ESCAPES		15		/* backslashes before a quote: JSON in JSON in JSON in JSON */

static inline bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* At a quote, plain or after backslashes: how many bytes it has, or 0. */
static inline int
quote_at(const Walk *w, size_t pos)
{
	int			n = 0;

	while (n < MAX_ESCAPES && pos + n < w->len && w->s[pos + n] == '\\')
		n++;
	REDACT_WORK(n);
	return pos + n < w->len && is_quote(w->s[pos + n]) ? n + 1 : 0;
}

/* Behind a quote as HTML or a URL writes it, or pos. */
static inline size_t
skip_encoded_quote(const Walk *w, size_t pos)
{
	static const char *const quotes[] = {"%22", "%27", "&quot;", "&apos;", "&#34;", "&#39;"};

	if (pos < w->len && (w->s[pos] == '%' || w->s[pos] == '&'))
		for (int i = 0; i < lengthof(quotes); i++)
			if (starts_with(w, pos, quotes[i]))
				return pos + strlen(quotes[i]);
	return pos;
}

/* At a colon or equals sign, plain, wide, or as a URL writes it: how many bytes it has, or 0. */
static inline int
separator_at(const Walk *w, size_t pos)
{
	static const char *const others[] = {"%3A", "%3a", "%3D", "%3d", "\xEF\xBC\x9A", "\xEF\xBC\x9D"};

	if (pos == w->len)
		return 0;
	if (w->s[pos] == ':' || w->s[pos] == '=')
		return 1;
	if (w->s[pos] == '%' || w->s[pos] == '\xEF')
		for (int i = 0; i < lengthof(others); i++)
			if (starts_with(w, pos, others[i]))
				return 3;
	return 0;
}

/*
 * A secret that is known by its form and begins at pos, taken out.  Returns where to go
 * on, or pos if there is none.
 */
extern size_t paysafe_secret_token_try(Walk *w, size_t pos);

#endif							/* PAYSAFE_SECRET_WALK_H */
