/*-------------------------------------------------------------------------
 *
 * invalidation.h
 *	  Hearing that a relation has changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_INVALIDATION_H
#define PAYSAFE_INVALIDATION_H

#include "utils/inval.h"

/*
 * As CacheRegisterRelcacheCallback, of which a session has ten for all its
 * libraries and PostgreSQL itself: one more ends it.  paysafe takes one.
 */
extern void paysafe_invalidation_register(RelcacheCallbackFunction callback);

#endif							/* PAYSAFE_INVALIDATION_H */
