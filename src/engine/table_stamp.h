/*-------------------------------------------------------------------------
 *
 * table_stamp.h
 *	  By what a table is known to be as it was: nobody has changed rows of it unchecked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TABLE_STAMP_H
#define PAYSAFE_TABLE_STAMP_H

#include "postgres.h"

/* Mixed into a hash. */
extern uint64 paysafe_table_stamp_number(uint64 hash, uint64 number);

/*
 * The same of the table's storage, what was altered of it, and our triggers: where one was
 * off, the stamp is another one.
 */
extern uint64 paysafe_table_stamp(uint64 hash, Oid relid);

#endif							/* PAYSAFE_TABLE_STAMP_H */
