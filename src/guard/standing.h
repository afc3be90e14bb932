/*-------------------------------------------------------------------------
 *
 * standing.h
 *	  What protected tables stand on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STANDING_H
#define PAYSAFE_STANDING_H

#include "catalog/objectaddress.h"

/*
 * A protected table that the object is part of, or could not be without: its
 * schema, types, functions, sequences, collations, operators, the tables that it
 * refers to; by whatever chain of dependencies.  None: InvalidOid.
 */
extern Oid	paysafe_standing_table(const ObjectAddress *object);

/* The own tables on which this transaction holds a lock that keeps rows out of them. */
extern List *paysafe_standing_locked_tables(void);

/* The same of the record of refusals, whose writer must never wait. */
extern Oid	paysafe_standing_locked_record(void);

#endif							/* PAYSAFE_STANDING_H */
