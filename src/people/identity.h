/*-------------------------------------------------------------------------
 *
 * identity.h
 *	  How well it is known who acts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IDENTITY_H
#define PAYSAFE_IDENTITY_H

/* Weakest first: compared with < and >. */
typedef enum IdentityLevel
{
	IDENTITY_NONE,				/* nobody is named, and the login is a service's */
	IDENTITY_CLAIMED,			/* an application said so: act_as */
	IDENTITY_SESSION,			/* a person's own login */
	IDENTITY_PROVEN,			/* a token that the database has verified */
	IDENTITY_PASSKEY			/* of an approval: an assertion over exactly this one */
} IdentityLevel;

#define PAYSAFE_IDENTITY_NLEVELS	(IDENTITY_PASSKEY + 1)

static const char *const paysafe_identity_names[PAYSAFE_IDENTITY_NLEVELS] = {
	"none", "claimed", "session", "proven", "passkey"
};

static inline const char *
paysafe_identity_name(IdentityLevel level)
{
	return paysafe_identity_names[level];
}

/* The level of this name; the weakest, if it is no name of one. */
static inline IdentityLevel
paysafe_identity_parse(const char *name)
{
	for (int i = 0; name != NULL && i < PAYSAFE_IDENTITY_NLEVELS; i++)
		if (strcmp(paysafe_identity_names[i], name) == 0)
			return (IdentityLevel) i;
	return IDENTITY_NONE;
}

#endif							/* PAYSAFE_IDENTITY_H */
