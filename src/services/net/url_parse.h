/*-------------------------------------------------------------------------
 *
 * url_parse.h
 *	  URLs that every parser reads the same way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_URL_PARSE_H
#define PAYSAFE_URL_PARSE_H

#define PAYSAFE_URL_MAX		2048

/*
 * Is it a URL that a webhook may be sent to?  Returns NULL and fills canonical
 * (room for PAYSAFE_URL_MAX + 2 bytes), or the reason why not, a word of a fixed
 * list.  Reads nothing but its arguments; in time linear in the length.
 */
extern const char *paysafe_url_parse(const char *url, size_t len, char *canonical);

/*
 * What of a URL may be shown: scheme, host and port; "..." for the rest, "(not a
 * URL)" where the host cannot be told.  out has room for
 * PAYSAFE_URL_MASKED_MAX bytes.
 */
#define PAYSAFE_URL_MASKED_MAX	320
extern void paysafe_url_parse_mask(const char *url, size_t len, char *out);

#endif							/* PAYSAFE_URL_PARSE_H */
