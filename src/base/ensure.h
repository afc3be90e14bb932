/*-------------------------------------------------------------------------
 *
 * ensure.h
 *	  What must be true, also in a build without assertions.
 *
 * For bounds of arrays and for what, if it were not so, would let a change pass
 * unjudged.  An Assert says that the code is right; an Ensure, that nothing goes on
 * if it is not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ENSURE_H
#define PAYSAFE_ENSURE_H

/* XX000, with the condition's text, if it does not hold. */
#define Ensure(condition) \
	do { \
		if (unlikely(!(condition))) \
			elog(ERROR, "paysafe: \"%s\" does not hold in %s", #condition, __func__); \
	} while (0)

#endif							/* PAYSAFE_ENSURE_H */
