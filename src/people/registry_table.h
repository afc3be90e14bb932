/*-------------------------------------------------------------------------
 *
 * registry_table.h
 *	  Columns of the tables of the registry of people.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REGISTRY_TABLE_H
#define PAYSAFE_REGISTRY_TABLE_H

/* What each of their rows ends with: why, by whom, when. */
#define REGISTRY_TAIL(PREFIX) \
	PREFIX##_REASON, PREFIX##_ACTOR, PREFIX##_BY_LOGIN, PREFIX##_SESSION_USER, PREFIX##_AT, \
	PREFIX##_NCOLUMNS

enum
{
	PERSON_ID, PERSON_PERSON_NAME, PERSON_SERVICE, PERSON_BOOTSTRAP,
	REGISTRY_TAIL(PERSON)
};
enum
{
	ALIAS_ID, ALIAS_PERSON, ALIAS_KIND, ALIAS_VALUE, ALIAS_LOOKUP, ALIAS_ROLE, ALIAS_STAMP,
	REGISTRY_TAIL(ALIAS)
};
enum
{
	STANDING_ID, STANDING_PERSON, STANDING_DISABLED,
	REGISTRY_TAIL(STANDING)
};
enum
{
	GROUP_ID, GROUP_NAME, GROUP_PERSON, GROUP_MEMBER,
	REGISTRY_TAIL(GROUP)
};
enum
{
	SETTING_ID, SETTING_REGISTERED_ONLY,
	REGISTRY_TAIL(SETTING)
};

#endif							/* PAYSAFE_REGISTRY_TABLE_H */
