/*-------------------------------------------------------------------------
 *
 * http.h
 *	  One request to a witness.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SHIP_HTTP_H
#define SHIP_HTTP_H

#include "tlog/text.h"

#define ANSWER_MAX	(256 * 1024)	/* bytes */

typedef struct Answer
{
	int			status;			/* of HTTP; 0: there was no answer, and body says why */
	TlogText	body;			/* within the text */
	char		text[ANSWER_MAX + 1];
} Answer;

/*
 * POST the body to the URL.  http:// is spoken here, without TLS and for what is near;
 * for https:// a program is run, which is given the URL, has the body on its standard
 * input and prints the answer as it came, headers and all: command, or curl.
 */
extern void http_post(const char *url, TlogText body, const char *command, int seconds, Answer *out);

/* What came: its status, and its body by its headers; for tests, too */
extern void http_parse(Answer *answer, size_t len);

#endif							/* SHIP_HTTP_H */
