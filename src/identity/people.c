/*-------------------------------------------------------------------------
 *
 * people.c
 *	  Registering people, their names and groups; disabling them.
 *
 * What gives somebody more takes two people, and the second one approves exactly the
 * words in which it is asked for: they name the person, every alias and, of a login,
 * the role and the state in which it is.  If the role changes between approval
 * and use, the words are others.  What takes something away is done at once, by one.
 *
 * Whoever changes an alias, a person's state or a group holds a lock on it until the
 * end of the transaction and looks with the newest snapshot, so that the last row,
 * by its number, is what was decided last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/name.h"
#include "people/person.h"
#include "people/registry.h"
#include "people/registry_table.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MAX_NAME		200		/* bytes */
#define MAX_VALUE		2000
#define SHOWN_STAMP		8		/* bytes of a login's state in words */
#define WHOLE_REGISTRY	0		/* hash of the lock on all of it; people have numbers from 1 on */

/* An alias that is asked for. */
typedef struct NewAlias
{
	const char *kind;
	char	   *value;
	uint8		lookup[PAYSAFE_SHA256_LEN];
	Oid			role;			/* of a login, or InvalidOid */
	uint8		stamp[PAYSAFE_SHA256_LEN];
} NewAlias;

static PAYSAFE_NORETURN void
malformed(const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 detail ? errdetail("%s", detail) : 0));
	pg_unreachable();
}

/* Arguments */

/* A name as act_as takes it, so that it can be claimed. */
static char *
check_name(char *name, const char *argument)
{
	size_t		len = strlen(name);

	if (len == 0 || len > MAX_NAME)
		malformed(psprintf("argument \"%s\" must have 1 to %d bytes", argument, MAX_NAME), NULL);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) name[i] < ' ' || name[i] == 0x7f)
			malformed(psprintf("argument \"%s\" must not contain control characters", argument), NULL);
	if (name[0] == ' ' || name[len - 1] == ' ')
		malformed(psprintf("argument \"%s\" must not begin or end with a blank", argument), NULL);
	if (strcmp(paysafe_redact_string(name), name) != 0)
		malformed(psprintf("argument \"%s\" contains what must not be on record", argument),
				  "It looks like a card number or a secret.");
	paysafe_name_check(name, argument);
	return name;
}

static char *
name_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	paysafe_argument_required(fcinfo, n, argument);
	return check_name(text_to_cstring(PG_GETARG_TEXT_PP(n)), argument);
}

static char *
reason_argument(FunctionCallInfo fcinfo, int n)
{
	return paysafe_redact_string(paysafe_argument_reason(fcinfo, n, "reason", "a change of the registry of people"));
}

static const char *
check_kind(const char *kind)
{
	static const char *const kinds[] = {
		PERSON_NAME, PERSON_LOGIN, PERSON_TOKEN, PERSON_CERTIFICATE, PERSON_PASSKEY
	};

	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return kinds[i];
	malformed(psprintf("there are no aliases of the kind \"%s\"", paysafe_refusal_value(kind)),
			  "Kinds are name, login, token, certificate and passkey.");
}

/* 64 hexadecimal digits, written in one way. */
static char *
fingerprint(const char *value)
{
	char	   *out = palloc0(2 * PAYSAFE_SHA256_LEN + 1);
	int			n = 0;

	for (const char *c = value; *c; c++)
	{
		if (*c == ':')
			continue;
		if (n == 2 * PAYSAFE_SHA256_LEN || !isxdigit((unsigned char) *c))
			n = -1;
		if (n < 0)
			break;
		out[n++] = pg_tolower((unsigned char) *c);
	}
	if (n != 2 * PAYSAFE_SHA256_LEN)
		malformed("a certificate is given by its SHA-256 fingerprint", "That is 64 hexadecimal digits; colons may stand between them.");
	return out;
}

/* Printable ASCII, and blanks as many as there must be. */
static char *
check_opaque(char *value, int blanks, const char *what)
{
	size_t		len = strlen(value);
	int			n = 0;

	for (const char *c = value; *c; c++)
	{
		n += *c == ' ';
		if (*c < ' ' || *c > '~')
			n = blanks + 1;
	}
	if (len == 0 || len > MAX_VALUE || n != blanks || value[0] == ' ' || value[len - 1] == ' ')
		malformed(what, NULL);
	return value;
}

static NewAlias *
read_alias(const char *kind, char *value)
{
	NewAlias   *alias = palloc0(sizeof(NewAlias));

	alias->kind = check_kind(kind);
	if (alias->kind == check_kind(PERSON_CERTIFICATE))
		alias->value = fingerprint(value);
	else if (strcmp(kind, PERSON_TOKEN) == 0)
		alias->value = check_opaque(value, 1, "a token is given by its issuer, a blank and its subject");
	else if (strcmp(kind, PERSON_PASSKEY) == 0)
		alias->value = check_opaque(value, 0, "a passkey is given by its credential id in base64url");
	else
		alias->value = check_name(value, "value");
	if (strcmp(kind, PERSON_LOGIN) == 0)
	{
		alias->role = get_role_oid(value, false);
		if (!paysafe_registry_stamp(alias->role, alias->stamp))
			elog(ERROR, "role \"%s\" is gone", value);
	}
	if (!paysafe_registry_lookup(kind, alias->value, alias->lookup))
		elog(ERROR, "a name that was checked cannot be compared");
	return alias;
}

/* Aliases written kind:value; the person's name is the first one. */
static List *
read_aliases(FunctionCallInfo fcinfo, int n, const char *argument, char *name)
{
	List	   *result = list_make1(read_alias(PERSON_NAME, name));
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	paysafe_argument_required(fcinfo, n, argument);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *kind = nulls[i] ? pstrdup("") : TextDatumGetCString(elements[i]);
		char	   *colon = strchr(kind, ':');

		if (colon == NULL)
			malformed(psprintf("argument \"%s\" must consist of kind:value", argument),
					  "For example '{name:user:17, login:ann}'.");
		*colon = '\0';
		result = lappend(result, read_alias(kind, colon + 1));
	}
	return result;
}

/* In words: all that matters of it. */
static char *
alias_words(const NewAlias *alias)
{
	char		hex[2 * SHOWN_STAMP + 1];

	if (!OidIsValid(alias->role))
		return psprintf("%s %s", alias->kind, quote_literal_cstr(alias->value));
	hex[hex_encode((const char *) alias->stamp, SHOWN_STAMP, hex)] = '\0';
	return psprintf("login %s (role %u, state %s)", quote_literal_cstr(alias->value), alias->role, hex);
}

static RegisteredPerson *
person_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *name = name_argument(fcinfo, n, "person");
	RegisteredPerson *person = paysafe_registry_find(PERSON_NAME, name);

	if (person == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not registered", paysafe_redact_string(name)),
				 errhint("The view paysafe.person has all people, paysafe.person_alias all their names.")));
	return person;
}

static char *
person_words(const RegisteredPerson *person)
{
	return psprintf("%s " INT64_FORMAT " %s", person->service ? "service" : "person", person->id,
					quote_literal_cstr(person->name));
}

/* Approval */

/* In whatever spelling the names are: what they are found by. */
static char *
aliases_come_to(const char *what, List *aliases)
{
	List	   *lookups = NIL;
	ListCell   *lc;

	foreach(lc, aliases)
	{
		char	   *hex = palloc0(2 * PAYSAFE_SHA256_LEN + 1);

		hex_encode((const char *) ((NewAlias *) lfirst(lc))->lookup, PAYSAFE_SHA256_LEN, hex);
		lookups = lappend(lookups, hex);
	}
	return psprintf("%s %s", what, paysafe_strings_join(paysafe_strings_sorted(lookups)));
}

/* May it be done, after the last row that said something else (0: none)?  False: it is proposed only. */
static bool
authorize(const char *what, const char *comes_to, int64 last, const char *reason)
{
	SpecBuilder spec;
	char	   *content = psprintf("people: %s: %s", paysafe_proposal_after(what, last), reason);
	ProposedChange change = {
		.approved_as = PAYSAFE_PERSON_RECORD,
		.name = "people",
		.version = 1,
		.difference = content,
		.loosens = content,
		.content = content,
		.comes_to = comes_to ? comes_to : what,
		.message = "a change of the registry of people needs the approval of a second person"
	};

	if (!paysafe_registry_is_used())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nobody is registered yet, so nobody can approve"),
				 errhint("A superuser registers the first two people: paysafe.bootstrap_people.")));
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "change", content);
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

/* Rows */

static int64
next_id(void)
{
	return nextval_internal(get_relname_relid("person_id_seq", paysafe_catalog_schema()), false);
}

/* Add a row whose last columns say why, by whom and when; tail: the first of them. */
static void
add_row(PaysafeTable table, Datum *values, bool *nulls, int tail, const char *reason)
{
	Person	   *person = paysafe_person_current();

	paysafe_store_complete();
	values[tail] = CStringGetTextDatum(reason);
	values[tail + 1] = CStringGetTextDatum(person->actor ? person->actor : paysafe_actor_name());
	values[tail + 2] = CStringGetTextDatum(person->login);
	values[tail + 3] = CStringGetTextDatum(person->session_user_name);
	values[tail + 4] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(table, values, nulls);
	paysafe_registry_changed();
}

static void
add_alias_row(int64 person, const NewAlias *alias, const char *reason)
{
	Datum		values[ALIAS_NCOLUMNS];
	bool		nulls[ALIAS_NCOLUMNS] = {0};

	values[ALIAS_ID] = Int64GetDatum(next_id());
	values[ALIAS_PERSON] = Int64GetDatum(person);
	values[ALIAS_KIND] = CStringGetTextDatum(alias->kind);
	values[ALIAS_VALUE] = CStringGetTextDatum(alias->value);
	values[ALIAS_LOOKUP] = paysafe_argument_bytea(alias->lookup, PAYSAFE_SHA256_LEN);
	nulls[ALIAS_ROLE] = nulls[ALIAS_STAMP] = !OidIsValid(alias->role);
	values[ALIAS_ROLE] = ObjectIdGetDatum(alias->role);
	values[ALIAS_STAMP] = paysafe_argument_bytea(alias->stamp, PAYSAFE_SHA256_LEN);
	add_row(PAYSAFE_PERSON_ALIAS_RECORD, values, nulls, ALIAS_REASON, reason);
}

static int64
add_person_row(const char *name, List *aliases, bool service, bool bootstrap, const char *reason)
{
	Datum		values[PERSON_NCOLUMNS];
	bool		nulls[PERSON_NCOLUMNS] = {0};
	int64		id = next_id();
	ListCell   *lc;

	values[PERSON_ID] = Int64GetDatum(id);
	values[PERSON_PERSON_NAME] = CStringGetTextDatum(name);
	values[PERSON_SERVICE] = BoolGetDatum(service);
	values[PERSON_BOOTSTRAP] = BoolGetDatum(bootstrap);
	add_row(PAYSAFE_PERSON_RECORD, values, nulls, PERSON_REASON, reason);
	foreach(lc, aliases)
		add_alias_row(id, lfirst(lc), reason);
	return id;
}

/* Nobody else gives the alias to anybody until the end of the transaction; its rows. */
static List *
lock_alias(const NewAlias *alias)
{
	uint64		hash;

	memcpy(&hash, alias->lookup, sizeof(hash));
	(void) paysafe_store_lock_value(PAYSAFE_PERSON_ALIAS_RECORD, hash, false);
	return paysafe_registry_aliases(alias->lookup);
}

static int
compare_new_aliases(const ListCell *a, const ListCell *b)
{
	return memcmp(((NewAlias *) lfirst(a))->lookup, ((NewAlias *) lfirst(b))->lookup, PAYSAFE_SHA256_LEN);
}

/* They are to be a new person's: nobody's so far. */
static void
check_free(List *aliases)
{
	List	   *sorted = list_copy(aliases);
	ListCell   *lc;

	/* in one order, whoever else wants some of them */
	list_sort(sorted, compare_new_aliases);
	foreach(lc, sorted)
	{
		const NewAlias *alias = lfirst(lc);
		List	   *rows = lock_alias(alias);

		if (rows != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("%s %s is registered already", alias->kind, paysafe_redact_string(quote_literal_cstr(alias->value))),
					 errdetail("It belongs to \"%s\".",
							   paysafe_registry_person(((PersonAlias *) llast(rows))->person)->name),
					 errhint("paysafe.add_alias moves an alias from one person to another.")));
	}
}

/* As of now, whatever this session has heard. */
static bool
is_anybody_registered(void)
{
	return paysafe_store_has(PAYSAFE_PERSON_RECORD, NULL, 0, NULL);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_bootstrap_people);

/*
 * bootstrap_people(first, first_aliases, second, second_aliases, reason) returns void
 */
Datum
paysafe_bootstrap_people(PG_FUNCTION_ARGS)
{
	char	   *names[2];
	List	   *aliases[2];
	char	   *reason = reason_argument(fcinfo, 4);
	ListCell   *lc;
	ListCell   *lc2;

	paysafe_approval_check_own_code("paysafe.bootstrap_people");
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers register the first two people")));
	for (int i = 0; i < 2; i++)
	{
		names[i] = name_argument(fcinfo, 2 * i, i == 0 ? "first" : "second");
		aliases[i] = read_aliases(fcinfo, 2 * i + 1, i == 0 ? "first_aliases" : "second_aliases", names[i]);
	}
	(void) paysafe_store_lock_value(PAYSAFE_PERSON_RECORD, WHOLE_REGISTRY, false);
	if (is_anybody_registered())
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = "person",
						   .schema_name = "paysafe",
						   .table_name = "person_record",
						   .message = "the first two people are registered already",
						   .hint = "Two of those who are registered register others: paysafe.add_person."
					   });
	foreach(lc, aliases[0])
		foreach(lc2, aliases[1])
			if (compare_new_aliases(lc, lc2) == 0)
				malformed("the first two people are two", "Both have an alias, or spellings of one.");
	for (int i = 0; i < 2; i++)
		(void) add_person_row(names[i], aliases[i], false, true, reason);
	ereport(LOG,
			(errmsg("the first two people are registered: \"%s\" and \"%s\"", names[0], names[1])));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_add_person);

/*
 * add_person(name, reason, aliases, service) returns bigint: NULL if it is proposed only
 */
Datum
paysafe_add_person(PG_FUNCTION_ARGS)
{
	char	   *name = name_argument(fcinfo, 0, "name");
	char	   *reason = reason_argument(fcinfo, 1);
	List	   *aliases = read_aliases(fcinfo, 2, "aliases", name);
	bool		service;
	StringInfoData words;

	paysafe_argument_required(fcinfo, 3, "service");
	service = PG_GETARG_BOOL(3);
	check_free(aliases);
	initStringInfo(&words);
	appendStringInfo(&words, "add %s %s", service ? "service" : "person", quote_literal_cstr(name));
	for (int i = 1; i < list_length(aliases); i++)
		appendStringInfo(&words, "%s%s", i == 1 ? " with " : ", ", alias_words(list_nth(aliases, i)));
	if (!authorize(words.data, aliases_come_to(service ? "add service" : "add person", aliases), 0, reason))
		PG_RETURN_NULL();
	PG_RETURN_INT64(add_person_row(name, aliases, service, false, reason));
}

/* What giving the person the alias would be, in words. */
static char *
change_of_alias(const RegisteredPerson *person, const NewAlias *alias, List *rows)
{
	const PersonAlias *last = rows == NIL ? NULL : llast(rows);
	bool		is_there = false;
	ListCell   *lc;

	if (last == NULL)
		return psprintf("add %s to %s", alias_words(alias), person_words(person));
	if (last->person != person->id)
	{
		RegisteredPerson *other = paysafe_registry_person(last->person);

		if (strcmp(other->name, ((PersonAlias *) linitial(rows))->value) == 0 &&
			((PersonAlias *) linitial(rows))->person == other->id)
			malformed(psprintf("\"%s\" is the name of a person and stays theirs", other->name), NULL);
		return psprintf("move %s from %s to %s", alias_words(alias), person_words(other), person_words(person));
	}
	foreach(lc, rows)
		is_there |= strcmp(((PersonAlias *) lfirst(lc))->kind, alias->kind) == 0;
	if (is_there && !OidIsValid(alias->role))
		malformed(psprintf("\"%s\" has this alias already", person->name), NULL);
	return psprintf("%s %s %s %s", is_there ? "confirm" : "add", alias_words(alias), is_there ? "of" : "to",
					person_words(person));
}

PG_FUNCTION_INFO_V1(paysafe_add_alias);

/*
 * add_alias(person, kind, value, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_add_alias(PG_FUNCTION_ARGS)
{
	RegisteredPerson *person = person_argument(fcinfo, 0);
	NewAlias   *alias;
	char	   *reason;
	List	   *rows;

	paysafe_argument_required(fcinfo, 1, "kind");
	paysafe_argument_required(fcinfo, 2, "value");
	alias = read_alias(text_to_cstring(PG_GETARG_TEXT_PP(1)), text_to_cstring(PG_GETARG_TEXT_PP(2)));
	reason = reason_argument(fcinfo, 3);
	rows = lock_alias(alias);
	if (!authorize(change_of_alias(person, alias, rows),
				   aliases_come_to(psprintf("alias of " INT64_FORMAT, person->id), list_make1(alias)),
				   rows == NIL ? 0 : ((PersonAlias *) llast(rows))->id, reason))
		PG_RETURN_BOOL(false);
	/* what was approved under it was approved by whom it belonged to */
	if (rows != NIL && ((PersonAlias *) llast(rows))->person != person->id)
		(void) paysafe_approval_end_of_person(((PersonAlias *) llast(rows))->person);
	add_alias_row(person->id, alias, reason);
	PG_RETURN_BOOL(true);
}

/* Nobody else changes the person's state until the end of the transaction; as it is now. */
static RegisteredPerson *
lock_person(const RegisteredPerson *person)
{
	(void) paysafe_store_lock_value(PAYSAFE_PERSON_STATE, person->id, false);
	return paysafe_registry_person(person->id);
}

static void
set_state(const RegisteredPerson *person, bool disabled, const char *reason)
{
	Datum		values[STANDING_NCOLUMNS];
	bool		nulls[STANDING_NCOLUMNS] = {0};

	values[STANDING_ID] = Int64GetDatum(next_id());
	values[STANDING_PERSON] = Int64GetDatum(person->id);
	values[STANDING_DISABLED] = BoolGetDatum(disabled);
	add_row(PAYSAFE_PERSON_STATE, values, nulls, STANDING_REASON, reason);
}

static bool
count_person(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;
	RegisteredPerson *person = paysafe_registry_person(DatumGetInt64(heap_getattr(tuple, PERSON_ID + 1, RelationGetDescr(rel), &isnull)));

	*(int *) arg += !person->service && !person->disabled;
	return true;
}

/* How many people can approve? */
static int
count_people(void)
{
	int			n = 0;

	paysafe_store_scan(PAYSAFE_PERSON_RECORD, NULL, 0, NULL, count_person, &n);
	return n;
}

PG_FUNCTION_INFO_V1(paysafe_disable_person);

/*
 * disable_person(person, reason) returns integer: how many open approvals that ended
 */
Datum
paysafe_disable_person(PG_FUNCTION_ARGS)
{
	RegisteredPerson *person = lock_person(person_argument(fcinfo, 0));
	char	   *reason = reason_argument(fcinfo, 1);
	int			ended;

	paysafe_approval_check_own_code("paysafe.disable_person");
	if (person->disabled)
		malformed(psprintf("\"%s\" is disabled already", person->name), NULL);
	ended = paysafe_approval_end_of_person(person->id);
	set_state(person, true, reason);
	if (count_people() < 2)
		ereport(WARNING,
				(errmsg("fewer than two people are left who can approve changes of the registry"),
				 errdetail("Nobody can be enabled or registered any more.")));
	PG_RETURN_INT32(ended);
}

PG_FUNCTION_INFO_V1(paysafe_enable_person);

/*
 * enable_person(person, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_enable_person(PG_FUNCTION_ARGS)
{
	RegisteredPerson *person = lock_person(person_argument(fcinfo, 0));
	char	   *reason = reason_argument(fcinfo, 1);

	if (!person->disabled)
		malformed(psprintf("\"%s\" is not disabled", person->name), NULL);
	if (!authorize(psprintf("enable %s", person_words(person)), NULL,
				   paysafe_store_last(PAYSAFE_PERSON_STATE, "person_state_person", 1, &(Datum) {Int64GetDatum(person->id)}),
				   reason))
		PG_RETURN_BOOL(false);
	set_state(person, false, reason);
	PG_RETURN_BOOL(true);
}

/* Is everybody let through as long as nobody is in it, here or in an application? */
static bool
is_open_when_empty(const char *group)
{
	static const char *const groups[] = {"requester", GROUP_APPROVER, "auditor", GROUP_RULE_ADMINISTRATOR};

	for (int i = 0; i < (int) lengthof(groups); i++)
		if (strcmp(groups[i], group) == 0)
			return true;
	return false;
}

static char *
group_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *group;

	paysafe_argument_required(fcinfo, n, "group");
	group = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (!paysafe_argument_is_word(group))
		malformed(psprintf("\"%s\" is no name of a group", paysafe_refusal_value(group)),
				  "Groups are requester, approver, auditor, rule_administrator, and what thresholds ask for: small letters, digits and underscores, a letter first.");
	return group;
}

static void
set_member(const RegisteredPerson *person, const char *group, bool member, const char *reason)
{
	Datum		values[GROUP_NCOLUMNS];
	bool		nulls[GROUP_NCOLUMNS] = {0};

	values[GROUP_ID] = Int64GetDatum(next_id());
	values[GROUP_NAME] = CStringGetTextDatum(group);
	values[GROUP_PERSON] = Int64GetDatum(person->id);
	values[GROUP_MEMBER] = BoolGetDatum(member);
	add_row(PAYSAFE_PERSON_GROUP, values, nulls, GROUP_REASON, reason);
}

/* Is the person in the group?  Nobody else changes groups until the end of the transaction. */
static bool
lock_member(const char *group, int64 person, int *count)
{
	List	   *members;
	bool		found = false;
	ListCell   *lc;

	(void) paysafe_store_lock_value(PAYSAFE_PERSON_GROUP, WHOLE_REGISTRY, false);
	members = paysafe_registry_members(group);
	foreach(lc, members)
		found |= *(int64 *) lfirst(lc) == person;
	*count = list_length(members);
	return found;
}

PG_FUNCTION_INFO_V1(paysafe_add_to_group);

/*
 * add_to_group(person, group, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_add_to_group(PG_FUNCTION_ARGS)
{
	RegisteredPerson *person = person_argument(fcinfo, 0);
	char	   *group = group_argument(fcinfo, 1);
	char	   *reason = reason_argument(fcinfo, 2);
	int			count;

	if (lock_member(group, person->id, &count))
		malformed(psprintf("\"%s\" is in this group already", person->name), NULL);
	if (!authorize(psprintf("put %s into the group %s", person_words(person), group), NULL,
				   paysafe_registry_membership(group, person->id), reason))
		PG_RETURN_BOOL(false);
	set_member(person, group, true, reason);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(paysafe_remove_from_group);

/*
 * remove_from_group(person, group, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_remove_from_group(PG_FUNCTION_ARGS)
{
	RegisteredPerson *person = person_argument(fcinfo, 0);
	char	   *group = group_argument(fcinfo, 1);
	char	   *reason = reason_argument(fcinfo, 2);
	int			count;

	paysafe_approval_check_own_code("paysafe.remove_from_group");
	if (!lock_member(group, person->id, &count))
		malformed(psprintf("\"%s\" is not in this group", person->name), NULL);
	/* without members nobody is asked for the group: that gives everybody more */
	if (count == 1 && is_open_when_empty(group) &&
		!authorize(psprintf("take %s, the last one, out of the group %s", person_words(person), group), NULL,
				   paysafe_registry_membership(group, person->id), reason))
		PG_RETURN_BOOL(false);
	set_member(person, group, false, reason);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(paysafe_require_registered);

/*
 * require_registered(required, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_require_registered(PG_FUNCTION_ARGS)
{
	Datum		values[SETTING_NCOLUMNS];
	bool		nulls[SETTING_NCOLUMNS] = {0};
	bool		required;
	char	   *reason;

	paysafe_argument_required(fcinfo, 0, "required");
	required = PG_GETARG_BOOL(0);
	reason = reason_argument(fcinfo, 1);
	paysafe_approval_check_own_code("paysafe.require_registered");
	(void) paysafe_store_lock_value(PAYSAFE_PERSON_SETTING, WHOLE_REGISTRY, false);
	if (required == paysafe_registry_is_required())
		malformed(required ? "only registered people act already" : "people who are not registered act already", NULL);
	if (!required && !authorize("let act who is not registered", NULL, paysafe_store_last(PAYSAFE_PERSON_SETTING, NULL, 0, NULL), reason))
		PG_RETURN_BOOL(false);
	if (required && count_people() < 2)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("fewer than two people are registered"),
				 errhint("paysafe.bootstrap_people registers the first two, paysafe.add_person others.")));
	values[SETTING_ID] = Int64GetDatum(next_id());
	values[SETTING_REGISTERED_ONLY] = BoolGetDatum(required);
	add_row(PAYSAFE_PERSON_SETTING, values, nulls, SETTING_REASON, reason);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(paysafe_login_state);

/*
 * login_state(role oid, name text, stamp bytea) returns text
 */
Datum
paysafe_login_state(PG_FUNCTION_ARGS)
{
	uint8		stamp[PAYSAFE_SHA256_LEN];
	const char *state = "in force";
	char	   *name = GetUserNameFromId(PG_GETARG_OID(0), true);

	if (name == NULL)
		state = "gone";
	else if (strcmp(name, text_to_cstring(PG_GETARG_TEXT_PP(1))) != 0)
		state = "renamed";
	else if (!paysafe_registry_stamp(PG_GETARG_OID(0), stamp) ||
			 VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(2)) != PAYSAFE_SHA256_LEN ||
			 memcmp(VARDATA_ANY(PG_GETARG_BYTEA_PP(2)), stamp, sizeof(stamp)) != 0)
		state = "changed";
	PG_RETURN_TEXT_P(cstring_to_text(state));
}
