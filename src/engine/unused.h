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
 * May rules of this table change without a second person: has its tree never had a row,
 * or is the database one for tests?  Not while a change is proposed; and who acts under
 * a name (act_as) in a real database asks for the other person, as on any other table.
 * Who calls has locked the table against writers, or does not mind the one who comes
 * just now.
 */
extern bool paysafe_unused_frees(Oid relid);

/* A row of a table with these rules is checked: it is used from now on. */
extern void paysafe_unused_end(RelationRules *rules);

/* A rule is declared on a table that has rows: it is used, also when they have gone. */
extern void paysafe_unused_look(Oid relid);

#endif							/* PAYSAFE_UNUSED_H */
