/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Values of audit rows as text, from their canonical bytes alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EVIDENCE_VALUE_H
#define EVIDENCE_VALUE_H

#include <stdio.h>

#include "tlog/text.h"

/* Bytes that are read; failed once something does not fit in, and nothing is read then. */
typedef struct Bytes
{
	const uint8_t *at;
	const uint8_t *end;
	bool		failed;
} Bytes;

extern uint64_t bytes_number(Bytes *bytes, int n);	/* big endian */
extern uint64_t bytes_length(Bytes *bytes); /* base 128, least significant group first */

/* A field: its length plus one, and its bytes; false: NULL. */
extern bool bytes_field(Bytes *bytes, TlogText *field);

/* The value of a type with that code, for people.  What has no short text is shown in hexadecimal. */
extern void value_print(FILE *out, char code, TlogText value);

/* The elements of an array of one dimension, or none, one by one; *bytes is behind it.  False: that is no such array. */
extern bool array_begin(TlogText value, Bytes *bytes, uint64_t *n);

/* An array of elements with that code */
extern void array_print(FILE *out, char of, TlogText value);

/* Microseconds since 2000, UTC */
extern void time_print(FILE *out, int64_t microseconds);

/*
 * Text of somebody else's: in HTML, or for a terminal.  It cannot look like what this program
 * says: names and keys are one line, what stands in a sentence cannot end its quotes, and a
 * line more of a value begins with a bar.  A key is quoted if it is more than a word.
 */
extern bool value_html;
extern void text_print(FILE *out, TlogText text);
extern void text_print_quoted(FILE *out, TlogText text);
extern void text_print_key(FILE *out, TlogText text);
extern void text_print_lines(FILE *out, TlogText text);

#endif							/* EVIDENCE_VALUE_H */
