/*-------------------------------------------------------------------------
 *
 * text.h
 *	  Parts of a text: lines, numbers, base64.
 *
 * What is read here is written in one way only: decimal numbers without leading
 * zeros, base64 with its padding and without stray bits, lines that end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_TEXT_H
#define TLOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlog/merkle.h"

/* A part of somebody else's text, which must outlive it; no byte of zero ends it. */
typedef struct TlogText
{
	const char *at;
	size_t		len;
} TlogText;

extern bool tlog_text_is(TlogText text, const char *word);
extern bool tlog_text_begins(TlogText text, const char *word);

/* Take the next line off the text, without its newline; false: there is none that ends. */
extern bool tlog_text_line(TlogText *rest, TlogText *line);

/* Take a word and the blank after it off the line; the last word is the rest of it. */
extern bool tlog_text_word(TlogText *line, TlogText *word);

/* Valid UTF-8, and of the control characters below U+0020 only the newline */
extern bool tlog_text_clean(TlogText text);

/* At most 2^63 - 1: what implementations elsewhere can hold */
extern bool tlog_text_number(TlogText text, uint64_t *number);

/* Bytes in base64 */

#define TLOG_BASE64_LEN(n)	(((n) + 2) / 3 * 4)

/* As many characters as TLOG_BASE64_LEN says, and a byte of zero after them */
extern size_t tlog_base64_write(const void *data, size_t len, char *out);

/* The number of bytes, or -1: no base64, or no room for it */
extern long tlog_base64_read(TlogText text, void *out, size_t room);
extern bool tlog_base64_hash(TlogText text, TlogHash *out);

/*
 * A text that grows in the room that there is.  What does not fit is lost, and
 * said by failed; there is always a byte of zero at the end.
 */
typedef struct TlogWriter
{
	char	   *out;
	size_t		room;
	size_t		len;
	bool		failed;
} TlogWriter;

extern void tlog_write_begin(TlogWriter *w, char *out, size_t room);
extern void tlog_write(TlogWriter *w, const char *text, size_t len);
extern void tlog_write_word(TlogWriter *w, const char *word);
extern void tlog_write_number(TlogWriter *w, uint64_t number);
extern void tlog_write_base64(TlogWriter *w, const void *data, size_t len);
extern long tlog_write_end(TlogWriter *w);	/* the length, or -1 */

#endif							/* TLOG_TEXT_H */
