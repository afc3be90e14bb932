/*-------------------------------------------------------------------------
 *
 * name_fold.h
 *	  Lookups in the tables of name_table.h; known to the tests, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_NAME_FOLD_H
#define PAYSAFE_NAME_FOLD_H

#include "people/name_table.h"

#define NAME_MAX_FOLD	3		/* codes that one folds to */

/* May a name have the code: is it assigned, and can it be seen? */
static inline bool
name_has(uint32 code)
{
	int			low = 0;
	int			high = (int) lengthof(visible) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (code > visible[middle][1])
			low = middle + 1;
		else if (code < visible[middle][0])
			high = middle - 1;
		else
			return true;
	}
	return false;
}

/* Is it a letter, a digit, or another number? */
static inline bool
name_is_letter(uint32 code)
{
	int			low = 0;
	int			high = (int) lengthof(letters) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (code > letters[middle][1])
			low = middle + 1;
		else if (code < letters[middle][0])
			high = middle - 1;
		else
			return true;
	}
	return false;
}

/* Full case folding of a code; returns how many codes it became. */
static inline int
name_fold(uint32 code, uint32 *to)
{
	int			low = 0;
	int			high = (int) lengthof(fold_one) - 1;

	to[0] = code;
	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (code > fold_one[middle].last)
			low = middle + 1;
		else if (code < fold_one[middle].first)
			high = middle - 1;
		else
		{
			if ((code - fold_one[middle].first) % fold_one[middle].step == 0)
				to[0] = code + fold_one[middle].distance;
			break;
		}
	}
	if (to[0] != code)
		return 1;
	for (low = 0; low < (int) lengthof(fold_many); low++)
		if (fold_many[low].code == code)
		{
			memcpy(to, fold_many[low].to, sizeof(fold_many[low].to));
			return to[2] == 0 ? 2 : 3;
		}
	return 1;
}

#endif							/* PAYSAFE_NAME_FOLD_H */
