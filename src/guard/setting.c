/*-------------------------------------------------------------------------
 *
 * setting.c
 *	  Settings that take protection out of force, judged where they take effect.
 *
 * SET is one of many ways: set_config(), UPDATE of pg_settings, the SET clause of a
 * function, connection options, settings of roles and databases, made here or in
 * another database, by command or as rows of a catalog.  All of them end in the check
 * hook of the setting, so the library puts its own before it.  What the server's
 * configuration says, its command line and PostgreSQL's own code (the workers of
 * logical replication) is not asked: whoever has the host has the server.
 *
 * A value that a role or database brings along is ignored with a warning, as
 * PostgreSQL does with any that does not fit: the session goes on without it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"

#include "base/refusal.h"
#include "guard/nesting.h"
#include "guard/setting.h"
#include "store/catalog.h"

/* A setting, and the check hook that it had. */
typedef struct WatchedBool
{
	const char *name;
	GucBoolCheckHook previous;
	struct config_bool *setting;
} WatchedBool;

typedef struct WatchedString
{
	struct config_string *setting;
	GucStringCheckHook previous;
} WatchedString;

static WatchedBool bools[] = {
	{"allow_system_table_mods"},
	{"zero_damaged_pages"},
	{"ignore_checksum_failure"}
};

static const char replication_role[] = "session_replication_role";
static struct config_enum *role_setting = NULL;
static GucEnumCheckHook role_previous = NULL;

/* Who the session is; a function of somebody else's must not become its own caller. */
static WatchedString identities[2];
static const char *const identity_names[lengthof(identities)] = {"role", "session_authorization"};

#define NSTRINGS	12
static WatchedString strings[NSTRINGS];
static int	nstrings = 0;

bool
paysafe_setting_weakens(const char *name, const char *value)
{
	bool		on;

	if (pg_strcasecmp(name, replication_role) == 0)
		return pg_strcasecmp(value, "replica") == 0;
	for (int i = 0; i < lengthof(bools); i++)
		if (pg_strcasecmp(name, bools[i].name) == 0)
			return !parse_bool(value, &on) || on;
	return false;
}

/*
 * Does the value come from somebody who is held to it?  Settings of a role or a
 * database are PGC_S_GLOBAL and above, PGC_S_TEST is ALTER ROLE and its like.
 */
static bool
is_asked(GucSource source)
{
	return source >= PGC_S_GLOBAL && source != PGC_S_OVERRIDE && !InitializingParallelWorker;
}

/* Refuse it: with an error, or, where that would lock a role out, without effect. */
static bool
refuse(const char *class, const char *name, GucSource source)
{
	bool		lockdown = strcmp(class, "lockdown_setting") == 0;
	bool		identity = strcmp(class, "guard_privilege") == 0;
	Refusal		refusal = {
		.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
		.rule = class,
		.statement = source == PGC_S_CLIENT || source < PGC_S_CLIENT ? "connection" : "SET",
		.message = psprintf("setting \"%s\" (%s) is refused by paysafe", name, GucSource_Names[source]),
		.detail = lockdown ? "The server runs, loads or reads what the setting names." :
		identity ? "A function of a role that is no superuser would go on in the name of its own role, for whoever called it." :
		"The setting takes triggers out of force, opens the catalogs or makes rows disappear.",
		.hint = lockdown ? "It can be changed in the configuration files of the server." :
		"Leave it as it is."
	};

	if (source >= PGC_S_CLIENT)
		paysafe_refuse(&refusal);
	paysafe_refusal_record(&refusal);
	GUC_check_errcode(refusal.sqlstate);
	GUC_check_errmsg("%s", refusal.message);
	GUC_check_errdetail("%s", refusal.detail);
	GUC_check_errhint("%s", refusal.hint);
	return false;
}

static bool
check_bool(const WatchedBool *watched, bool *value, void **extra, GucSource source)
{
	if (*value && is_asked(source) && paysafe_catalog_present())
		return refuse("guard_setting", watched->name, source);
	return watched->previous == NULL || watched->previous(value, extra, source);
}

static bool
check_role(int *value, void **extra, GucSource source)
{
	if (*value == SESSION_REPLICATION_ROLE_REPLICA && is_asked(source) && paysafe_catalog_present())
		return refuse("guard_setting", replication_role, source);
	return role_previous == NULL || role_previous(value, extra, source);
}

/* As it is, it may stay: a function's SET clause, for instance, changes nothing. */
static bool
check_string(const WatchedString *watched, char **value, void **extra, GucSource source)
{
	const char *now = *watched->setting->variable;

	if (is_asked(source) && *value != NULL && strcmp(*value, now ? now : "") != 0)
		return refuse("lockdown_setting", watched->setting->gen.name, source);
	return watched->previous == NULL || watched->previous(value, extra, source);
}

/* In the name of the owner such a function would be nobody else's any more. */
static bool
check_identity(const WatchedString *watched, char **value, void **extra, GucSource source)
{
	if (source >= PGC_S_CLIENT && source != PGC_S_OVERRIDE && !InitializingParallelWorker &&
		IsTransactionState() && paysafe_catalog_present() && OidIsValid(paysafe_nesting_foreign_owner()))
		return refuse("guard_privilege", watched->setting->gen.name, source);
	return watched->previous == NULL || watched->previous(value, extra, source);
}

/* A check hook is not told which setting it is for: one function for each. */
#define BOOL_HOOK(n) \
static bool \
check_bool_##n(bool *value, void **extra, GucSource source) \
{ \
	return check_bool(&bools[n], value, extra, source); \
}
#define STRING_HOOK(n) \
static bool \
check_string_##n(char **value, void **extra, GucSource source) \
{ \
	return check_string(&strings[n], value, extra, source); \
}

#define IDENTITY_HOOK(n) \
static bool \
check_identity_##n(char **value, void **extra, GucSource source) \
{ \
	return check_identity(&identities[n], value, extra, source); \
}

BOOL_HOOK(0)
BOOL_HOOK(1)
BOOL_HOOK(2)
STRING_HOOK(0)
STRING_HOOK(1)
STRING_HOOK(2)
STRING_HOOK(3)
STRING_HOOK(4)
STRING_HOOK(5)
STRING_HOOK(6)
STRING_HOOK(7)
STRING_HOOK(8)
STRING_HOOK(9)
STRING_HOOK(10)
STRING_HOOK(11)

IDENTITY_HOOK(0)
IDENTITY_HOOK(1)

static const GucStringCheckHook identity_hooks[lengthof(identities)] = {
	check_identity_0, check_identity_1
};
static const GucBoolCheckHook bool_hooks[lengthof(bools)] = {
	check_bool_0, check_bool_1, check_bool_2
};
static const GucStringCheckHook string_hooks[NSTRINGS] = {
	check_string_0, check_string_1, check_string_2, check_string_3, check_string_4, check_string_5,
	check_string_6, check_string_7, check_string_8, check_string_9, check_string_10, check_string_11
};

static void
watch_bool(struct config_bool *setting)
{
	for (int i = 0; i < lengthof(bools); i++)
		if (strcmp(setting->gen.name, bools[i].name) == 0)
		{
			bools[i].setting = setting;
			bools[i].previous = setting->check_hook;
			setting->check_hook = bool_hooks[i];
		}
}

static void
watch_identity(struct config_string *setting)
{
	for (int i = 0; i < lengthof(identities); i++)
		if (strcmp(setting->gen.name, identity_names[i]) == 0)
		{
			identities[i].setting = setting;
			identities[i].previous = setting->check_hook;
			setting->check_hook = identity_hooks[i];
		}
}

/* What only the server's configuration sets needs no watching. */
static void
watch_string(struct config_string *setting, SettingJudge leads_out)
{
	GucContext	context = setting->gen.context;

	if (leads_out == NULL || context == PGC_INTERNAL || context == PGC_POSTMASTER ||
		context == PGC_SIGHUP || !leads_out(setting->gen.name))
		return;
	if (nstrings == NSTRINGS)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("paysafe.superuser_lockdown cannot watch more than %d settings", NSTRINGS),
				 errdetail("The next one is \"%s\".", setting->gen.name)));
	strings[nstrings].setting = setting;
	strings[nstrings].previous = setting->check_hook;
	setting->check_hook = string_hooks[nstrings];
	nstrings++;
}

void
paysafe_setting_watch(SettingJudge leads_out)
{
	int			n;
	struct config_generic **settings = guc_variables_compat(&n);

	if (role_setting != NULL)
		return;
	for (int i = 0; i < n; i++)
		switch (settings[i]->vartype)
		{
			case PGC_BOOL:
				watch_bool((struct config_bool *) settings[i]);
				break;
			case PGC_STRING:
				watch_identity((struct config_string *) settings[i]);
				watch_string((struct config_string *) settings[i], leads_out);
				break;
			case PGC_ENUM:
				if (strcmp(settings[i]->name, replication_role) == 0)
				{
					role_setting = (struct config_enum *) settings[i];
					role_previous = role_setting->check_hook;
					role_setting->check_hook = check_role;
				}
				break;
			default:
				break;
		}
}

bool
paysafe_setting_watched(void)
{
	for (int i = 0; i < lengthof(bools); i++)
		if (bools[i].setting == NULL || bools[i].setting->check_hook != bool_hooks[i])
			return false;
	for (int i = 0; i < lengthof(identities); i++)
		if (identities[i].setting == NULL || identities[i].setting->check_hook != identity_hooks[i])
			return false;
	for (int i = 0; i < nstrings; i++)
		if (strings[i].setting->check_hook != string_hooks[i])
			return false;
	return role_setting != NULL && role_setting->check_hook == check_role;
}
