/*-------------------------------------------------------------------------
 *
 * name.h
 *	  When two names are one, however they are spelled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_NAME_H
#define PAYSAFE_NAME_H

#include "mb/pg_wchar.h"

/*
 * A name in the form in which names are compared, palloc'd and ended by 0: Unicode
 * code points without what does not make another name.  That is: compatibility
 * forms and composition (NFKD), case (full folding), which alphabet a letter is of that
 * looks the same in several, dots of i and j, what nobody sees, blanks around it, and how many
 * there are between words.  NULL if it is no
 * valid text in the database's encoding.
 */
extern pg_wchar *paysafe_name_fold(const char *name);

/* Can the name be compared surely with others, and does it name anybody? */
extern bool paysafe_name_is_good(const char *name);

/* Raises 22023 if the name of an argument cannot be compared surely with others. */
extern void paysafe_name_check(const char *name, const char *argument);

#endif							/* PAYSAFE_NAME_H */
