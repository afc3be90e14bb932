/*-------------------------------------------------------------------------
 *
 * row.h
 *	  What a row of the audit log says, from its leaf, its payload and its shape.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EVIDENCE_ROW_H
#define EVIDENCE_ROW_H

#include <stdio.h>

#include "tlog/merkle.h"
#include "tlog/text.h"

#define ROW_LEAF_LEN	90

/* How the rows of a table look: what a leaf's digest is of */
typedef struct Shape
{
	TlogText	bytes;
	TlogHash	digest;
} Shape;

/* Of a leaf of a row */
extern uint64_t row_transaction(const uint8_t *leaf);
extern const uint8_t *row_shape_digest(const uint8_t *leaf);

/* A row that is taken apart, until the next one is. */
typedef struct Row
{
	char		op;				/* I, U, D, A */
	int64_t		at;				/* microseconds since 2000 */
	TlogText	schema;
	TlogText	table;
	TlogText	key;
	TlogText	context;
	int			ncolumns;
} Row;

/* Take it apart; false: its payload or shape is not of the form. */
extern bool row_read(const uint8_t *leaf, TlogText payload, const Shape *shape, Row *row);

/* Print the one that was taken apart last. */
extern void row_print(FILE *out, const Row *row);

/*
 * Of the one that was taken apart last, what a column says after the change: its bytes, as
 * they are stored.  False: NULL, or no such column.
 */
extern bool row_column(const Row *row, const char *name, TlogText *value);
extern bool row_has_column(const Row *row, const char *name);

#endif							/* EVIDENCE_ROW_H */
