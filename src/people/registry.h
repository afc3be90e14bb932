/*-------------------------------------------------------------------------
 *
 * registry.h
 *	  Registered people, and under which names they are known.
 *
 * Everything is read with the newest snapshot whenever it is asked: what was
 * disabled by somebody else a moment ago is disabled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REGISTRY_H
#define PAYSAFE_REGISTRY_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/crypto.h"

/* Kinds of aliases: an alias is kind and value. */
#define PERSON_NAME			"name"	/* claimed by act_as */
#define PERSON_LOGIN		"login" /* a database role */
#define PERSON_TOKEN		"token" /* issuer, a blank, subject */
#define PERSON_CERTIFICATE	"certificate"	/* SHA-256, 64 hexadecimal digits */
#define PERSON_PASSKEY		"passkey"	/* credential id in base64url */

/*
 * Groups that something here asks for; requester and auditor are for applications.  Groups of other names are
 * for thresholds (approver_group): where nobody is in one, nobody approves.
 */
#define GROUP_APPROVER			"approver"
#define GROUP_RULE_ADMINISTRATOR	"rule_administrator"

/* A registered person, or a service. */
typedef struct RegisteredPerson
{
	int64		id;
	char	   *name;
	bool		service;
	bool		disabled;
	TimestampTz changed;		/* when it was last disabled or enabled; 0: never */
} RegisteredPerson;

/* An alias, as it is stored. */
typedef struct PersonAlias
{
	int64		id;
	int64		person;
	char	   *kind;
	char	   *value;
	TimestampTz at;
	Oid			role;			/* of a login, or InvalidOid */
	bool		has_stamp;
	uint8		stamp[PAYSAFE_SHA256_LEN];
} PersonAlias;

/* Has anybody been registered?  Cheap. */
extern bool paysafe_registry_is_used(void);

/* Do only registered people act? */
extern bool paysafe_registry_is_required(void);

/* Changes whenever the registry may answer differently. */
extern uint64 paysafe_registry_generation(void);

/* Has changed: whoever relies on it looks again, here and elsewhere. */
extern void paysafe_registry_changed(void);

/*
 * What all spellings of an alias have in common.  Names and logins are one kind here:
 * whoever claims the name of a login is taken for its person.  False: a name
 * that cannot be read.
 */
extern bool paysafe_registry_lookup(const char *kind, const char *value, uint8 *lookup);

/* All rows of what is found so, oldest first: of PersonAlias; the last one counts. */
extern List *paysafe_registry_aliases(const uint8 *lookup);

/* The same for a role, whatever it was called. */
extern List *paysafe_registry_aliases_of_role(Oid role);

/* The person whom an alias belongs to, or NULL. */
extern RegisteredPerson *paysafe_registry_find(const char *kind, const char *value);

/* The person of this id. */
extern RegisteredPerson *paysafe_registry_person(int64 id);

/* Is a certificate registered as this person's? */
extern bool paysafe_registry_has_certificate(int64 person);

/* Add to a list of int64 * whom a name ever belonged to. */
extern List *paysafe_registry_add_persons(List *ids, const char *name);

/* Was the name this person's by then, and has it never been anybody else's, before or since? */
extern bool paysafe_registry_was(const char *name, int64 person, TimestampTz at);

/* Have the two lists a person in common?  Its id, or 0. */
extern int64 paysafe_registry_common(List *a, List *b);

/* Is the login of this name and role registered? */
typedef enum RegisteredLogin
{
	LOGIN_UNKNOWN,				/* it is nobody's */
	LOGIN_IN_FORCE,				/* the role and its state are those that two people have seen */
	LOGIN_CHANGED,				/* the role is, its password or memberships are not */
	LOGIN_ANOTHER				/* renamed, or another role of that name */
} RegisteredLogin;

/* *person: whose it is, or was; NULL if nobody's. */
extern RegisteredLogin paysafe_registry_login(Oid role, const char *name, RegisteredPerson **person);

/* The state of a role as far as it decides who may log in as it and what it may. */
extern bool paysafe_registry_stamp(Oid role, uint8 *stamp);

/* Members of a group: of int64 *.  NIL: nobody is asked for it. */
extern List *paysafe_registry_members(const char *group);

/* The number of the last row that put the person into the group, or took them out; 0: there is none. */
extern int64 paysafe_registry_membership(const char *group, int64 person);

/* Is the person in the group, or is nobody? */
extern bool paysafe_registry_is_member(const char *group, int64 person);

/* Is the person in the group, and since before then, without having left it? */
extern bool paysafe_registry_was_member(const char *group, int64 person, TimestampTz at);

extern void paysafe_registry_init(void);

#endif							/* PAYSAFE_REGISTRY_H */
