/*-------------------------------------------------------------------------
 *
 * forget.h
 *	  What is erased leaves the index of the audit log, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FORGET_H
#define PAYSAFE_FORGET_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/rel.h"

/* An erasure; in the current context, until the end of the transaction. */
typedef struct IndexForget IndexForget;

/* Waits for who fills the index, who then waits for the end of the transaction. */
extern IndexForget *paysafe_index_forget_begin(void);

/* This row of the partition, as it is stored, is to be deleted or replaced. */
extern void paysafe_index_forget_row(IndexForget *forget, Relation partition, ItemPointer tid,
									 const Datum *values, const bool *nulls);

/* It is done, by earlier commands: what no other row in their blocks says is forgotten. */
extern void paysafe_index_forget_end(IndexForget *forget);

#endif							/* PAYSAFE_FORGET_H */
