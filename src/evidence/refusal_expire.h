/*-------------------------------------------------------------------------
 *
 * refusal_expire.h
 *	  What came from outside, and was refused, does not stay for ever.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_EXPIRE_H
#define PAYSAFE_REFUSAL_EXPIRE_H

#include "datatype/timestamp.h"

/* For so long they are kept, unless somebody says otherwise. */
#define PAYSAFE_REFUSAL_DAYS	90

/*
 * Remove the refusals that came from outside before that time; returns how many rows.
 * All others stay.
 */
extern int64 paysafe_refusal_expire_before(TimestampTz before);

#endif							/* PAYSAFE_REFUSAL_EXPIRE_H */
