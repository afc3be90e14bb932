/*-------------------------------------------------------------------------
 *
 * dumped.h
 *	  Rows of own tables as a dump has them: user's tables by name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_DUMPED_H
#define PAYSAFE_DUMPED_H

#include "access/htup.h"
#include "utils/rel.h"

#include "store/catalog.h"

/*
 * Put a row of paysafe.dumped_row where it belongs.  False: a table that it is about
 * is not here; the row stays where it is.  Uses SPI.
 */
extern bool paysafe_dumped_take(Relation rel, HeapTuple tuple);

/* Are rows of the table dumped that way, and left out if a table that they are about is gone? */
extern bool paysafe_dumped_by_name(PaysafeTable table);

#endif							/* PAYSAFE_DUMPED_H */
