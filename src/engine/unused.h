/*-------------------------------------------------------------------------
 *
 * unused.h
 *	  Tables that never had a row: nobody depends on their rules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_UNUSED_H
#define PAYSAFE_UNUSED_H

#include "engine/rule.h"

/*
 * Has the tree of this table never had a row, or is the database one for tests?  Then
 * its rules change without a second person.  Who asks has locked it against writers, or
 * does not mind the one who comes just now.
 */
extern bool paysafe_unused(Oid relid);

/* A row of a table with these rules is checked: it is used from now on. */
extern void paysafe_unused_end(RelationRules *rules);

/* A rule is declared on a table that has rows: it is used, also when they have gone. */
extern void paysafe_unused_look(Oid relid);

#endif							/* PAYSAFE_UNUSED_H */
