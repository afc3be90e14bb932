/*-------------------------------------------------------------------------
 *
 * same_value.h
 *	  Does a value in the audit log say what the column of today says?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SAME_VALUE_H
#define PAYSAFE_SAME_VALUE_H

#include "evidence/canon.h"

/* A value as bytes, and what they mean. */
typedef struct CanonValue
{
	const CanonType *type;
	const char *type_name;		/* of the column, or NULL: not known */
	int			encoding;
	CanonBytes	bytes;			/* data NULL: NULL */
} CanonValue;

/*
 * Is the one the other, also if the type has changed meanwhile in a way that keeps
 * each value: wider numbers, more digits, text of another length, dates as
 * timestamps, more attributes of a composite type?  Where it cannot be told, since
 * an object that the value names may have been renamed, the answer is yes.
 */
extern bool paysafe_same_value(const CanonValue *logged, const CanonValue *now);

#endif							/* PAYSAFE_SAME_VALUE_H */
