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

/* Columns of paysafe.approver_setting. */
enum
{
	APPROVER_SETTING_ID, APPROVER_SETTING_IDENTITY, APPROVER_SETTING_REASON, APPROVER_SETTING_ACTOR, APPROVER_SETTING_LOGIN, APPROVER_SETTING_SESSION_USER,
	APPROVER_SETTING_AT,
	APPROVER_SETTING_NCOLUMNS
};

/* What the database demands of all changes that take a second person; IDENTITY_NONE: nothing. */
extern IdentityLevel paysafe_approver_level(void);

#endif							/* PAYSAFE_APPROVER_LEVEL_H */
