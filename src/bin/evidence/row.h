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

/* Print it; false: its payload or shape is not of the form. */
extern bool row_print(FILE *out, const uint8_t *leaf, TlogText payload, const Shape *shape);

#endif							/* EVIDENCE_ROW_H */
