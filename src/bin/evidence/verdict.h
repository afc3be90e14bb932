/*-------------------------------------------------------------------------
 *
 * verdict.h
 *	  What the rows of an evidence file come to: approved, let pass alone, rejected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EVIDENCE_VERDICT_H
#define EVIDENCE_VERDICT_H

#include "bin/evidence/row.h"

/* Take what a proven row says, of this leaf; its texts are kept.  False: it is not of the form. */
extern bool verdict_take(const Row *row, uint64_t leaf);

/* One for each row that the file is about. */
extern void verdict_print(FILE *out);

#endif							/* EVIDENCE_VERDICT_H */
