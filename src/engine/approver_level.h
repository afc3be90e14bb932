/*-------------------------------------------------------------------------
 *
 * approver_level.h
 *	  How well who approves changes of rules must be known.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_APPROVER_LEVEL_H
#define PAYSAFE_APPROVER_LEVEL_H

#include "people/identity.h"

/* What the database demands of all changes that take a second person; IDENTITY_NONE: nothing. */
extern IdentityLevel paysafe_approver_level(void);

#endif							/* PAYSAFE_APPROVER_LEVEL_H */
