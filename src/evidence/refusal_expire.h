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

/*
 * Remove all before that time; 42501 if a hold holds one of them, unless what is held is
 * to stay.
 */
extern int64 paysafe_refusal_purge(TimestampTz before, bool except_held);

#endif							/* PAYSAFE_REFUSAL_EXPIRE_H */
