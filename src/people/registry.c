/*-------------------------------------------------------------------------
 *
 * registry.c
 *	  Registered people, and under which names they are known.
 *
 * An alias is found by a digest of what all its spellings have in common: a name
 * as it is folded for comparing, anything else as it is.  Rows are only added; the
 * last one of an alias counts, and all of them when it is asked whether two names
 * could be one person's.
 *
 * A login is a role, not its name: another role of that name is another login, and a
 * role of another name has to be confirmed.  Who may log in as it is known by the
 * version of its row in the catalog, not by what the row says: a password that was
 * changed and put back leaves another version.  What it may is known by its memberships.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/invalidation.h"
#include "people/name.h"
#include "people/registry.h"
#include "people/registry_table.h"
#include "store/catalog.h"
#include "store/own_table.h"

/* The table of which a change tells of all of them. */
#define TOLD_BY		PAYSAFE_PERSON_RECORD

static uint64 generation = 0;
static Oid	told_by = InvalidOid;	/* its OID, once known */

/* What is known as long as generation stays. */
static struct
{
	uint64		generation;
	bool		known;
	bool		used;
	bool		required;
}			registry;

static void
relation_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == told_by)
		generation++;
}

static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

void
paysafe_registry_init(void)
{
	paysafe_invalidation_register(relation_changed);
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
}

uint64
paysafe_registry_generation(void)
{
	return generation;
}

void
paysafe_registry_changed(void)
{
	told_by = paysafe_catalog_table(TOLD_BY);
	generation++;
	CacheInvalidateRelcacheByRelid(told_by);
}

typedef struct Newest
{
	int64		id;
	bool		value;
} Newest;

static void
keep_newest(Newest *newest, HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	int64		id = DatumGetInt64(heap_getattr(tuple, 1, desc, &isnull));

	if (id <= newest->id)
		return;
	newest->id = id;
	newest->value = DatumGetBool(heap_getattr(tuple, column + 1, desc, &isnull));
}

static bool
visit_setting(Relation rel, HeapTuple tuple, void *arg)
{
	keep_newest(arg, tuple, RelationGetDescr(rel), SETTING_REGISTERED_ONLY);
	return true;
}

static void
look(void)
{
	Newest		required = {0};

	if (likely(registry.known && registry.generation == generation))
		return;
	told_by = paysafe_catalog_table(TOLD_BY);
	registry.generation = generation;
	/* an error below leaves nothing known, and so nobody unregistered */
	registry.known = false;
	registry.used = paysafe_store_has(PAYSAFE_PERSON_RECORD, NULL, 0, NULL);
	paysafe_store_scan(PAYSAFE_PERSON_SETTING, NULL, 0, NULL, visit_setting, &required);
	registry.required = required.value;
	/* what changed meanwhile may have been missed: asked again the next time */
	registry.known = registry.generation == generation;
}

bool
paysafe_registry_is_used(void)
{
	look();
	return registry.used;
}

bool
paysafe_registry_is_required(void)
{
	look();
	return registry.required;
}

static bool
is_name(const char *kind)
{
	return strcmp(kind, PERSON_NAME) == 0 || strcmp(kind, PERSON_LOGIN) == 0;
}

bool
paysafe_registry_lookup(const char *kind, const char *value, uint8 *lookup)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, "paysafe alias", sizeof("paysafe alias"));
	if (is_name(kind))
	{
		const pg_wchar *folded = paysafe_name_fold(value);

		if (folded == NULL)
			return false;
		for (; *folded; folded++)
		{
			uint32		code = pg_hton32((uint32) *folded);

			appendBinaryStringInfo(&bytes, (char *) &code, sizeof(code));
		}
	}
	else
	{
		appendBinaryStringInfo(&bytes, kind, strlen(kind) + 1);
		appendStringInfoString(&bytes, value);
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, lookup);
	return true;
}

static bool
collect_alias(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **list = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	PersonAlias *alias = palloc0(sizeof(PersonAlias));
	bool		isnull;
	Datum		value;

	alias->id = DatumGetInt64(heap_getattr(tuple, ALIAS_ID + 1, desc, &isnull));
	alias->person = DatumGetInt64(heap_getattr(tuple, ALIAS_PERSON + 1, desc, &isnull));
	alias->kind = paysafe_store_text(tuple, desc, ALIAS_KIND);
	alias->value = paysafe_store_text(tuple, desc, ALIAS_VALUE);
	alias->at = DatumGetTimestampTz(heap_getattr(tuple, ALIAS_AT + 1, desc, &isnull));
	value = heap_getattr(tuple, ALIAS_ROLE + 1, desc, &isnull);
	alias->role = isnull ? InvalidOid : DatumGetObjectId(value);
	value = heap_getattr(tuple, ALIAS_STAMP + 1, desc, &isnull);
	if (!isnull && VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)) == PAYSAFE_SHA256_LEN)
	{
		alias->has_stamp = true;
		memcpy(alias->stamp, VARDATA_ANY(DatumGetByteaPP(value)), PAYSAFE_SHA256_LEN);
	}
	*list = lappend(*list, alias);
	return true;
}

static int
compare_aliases(const ListCell *a, const ListCell *b)
{
	int64		x = ((PersonAlias *) lfirst(a))->id;
	int64		y = ((PersonAlias *) lfirst(b))->id;

	return x < y ? -1 : x > y;
}

static List *
aliases_by(const char *index, Datum key)
{
	List	   *result = NIL;

	paysafe_store_scan(PAYSAFE_PERSON_ALIAS_RECORD, index, 1, &key, collect_alias, &result);
	list_sort(result, compare_aliases);
	return result;
}

List *
paysafe_registry_aliases(const uint8 *lookup)
{
	bytea	   *key = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(key, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(key), lookup, PAYSAFE_SHA256_LEN);
	return aliases_by("person_alias_record_lookup", PointerGetDatum(key));
}

List *
paysafe_registry_aliases_of_role(Oid role)
{
	return aliases_by("person_alias_record_role", ObjectIdGetDatum(role));
}

static bool
read_person(Relation rel, HeapTuple tuple, void *arg)
{
	RegisteredPerson *person = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	person->name = paysafe_store_text(tuple, desc, PERSON_PERSON_NAME);
	person->service = DatumGetBool(heap_getattr(tuple, PERSON_SERVICE + 1, desc, &isnull));
	return false;
}

/* The newest state of a person, and since when. */
typedef struct State
{
	Newest		newest;
	TimestampTz at;
} State;

static bool
visit_state(Relation rel, HeapTuple tuple, void *arg)
{
	State	   *state = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	int64		before = state->newest.id;
	bool		isnull;

	keep_newest(&state->newest, tuple, desc, STANDING_DISABLED);
	if (state->newest.id != before)
		state->at = DatumGetTimestampTz(heap_getattr(tuple, STANDING_AT + 1, desc, &isnull));
	return true;
}

RegisteredPerson *
paysafe_registry_person(int64 id)
{
	RegisteredPerson *person = palloc0(sizeof(RegisteredPerson));
	State		state = {0};
	Datum		key = Int64GetDatum(id);

	person->id = id;
	paysafe_store_scan(PAYSAFE_PERSON_RECORD, "person_record_pkey", 1, &key, read_person, person);
	if (person->name == NULL)
		elog(ERROR, "person " INT64_FORMAT " is not registered", id);
	paysafe_store_scan(PAYSAFE_PERSON_STATE, "person_state_person", 1, &key, visit_state, &state);
	person->disabled = state.newest.value;
	person->changed = state.at;
	return person;
}

RegisteredPerson *
paysafe_registry_find(const char *kind, const char *value)
{
	uint8		lookup[PAYSAFE_SHA256_LEN];
	List	   *aliases;

	if (!paysafe_registry_is_used() || !paysafe_registry_lookup(kind, value, lookup))
		return NULL;
	aliases = paysafe_registry_aliases(lookup);
	return aliases == NIL ? NULL : paysafe_registry_person(((PersonAlias *) llast(aliases))->person);
}

bool
paysafe_registry_has_certificate(int64 person)
{
	List	   *aliases = aliases_by("person_alias_record_person", Int64GetDatum(person));
	ListCell   *lc;

	foreach(lc, aliases)
		if (strcmp(((PersonAlias *) lfirst(lc))->kind, PERSON_CERTIFICATE) == 0)
			return true;
	return false;
}

static List *
add_id(List *ids, int64 id)
{
	int64	   *copy;
	ListCell   *lc;

	foreach(lc, ids)
		if (*(int64 *) lfirst(lc) == id)
			return ids;
	copy = palloc(sizeof(int64));
	*copy = id;
	return lappend(ids, copy);
}

List *
paysafe_registry_add_persons(List *ids, const char *name)
{
	uint8		lookup[PAYSAFE_SHA256_LEN];
	ListCell   *lc;

	if (name == NULL || !paysafe_registry_is_used() ||
		!paysafe_registry_lookup(PERSON_NAME, name, lookup))
		return ids;
	foreach(lc, paysafe_registry_aliases(lookup))
		ids = add_id(ids, ((PersonAlias *) lfirst(lc))->person);
	return ids;
}

bool
paysafe_registry_was(const char *name, int64 person, TimestampTz at)
{
	uint8		lookup[PAYSAFE_SHA256_LEN];
	List	   *aliases;
	ListCell   *lc;

	if (!paysafe_registry_lookup(PERSON_NAME, name, lookup) || (aliases = paysafe_registry_aliases(lookup)) == NIL)
		return false;
	foreach(lc, aliases)
		if (((PersonAlias *) lfirst(lc))->person != person)
			return false;
	return ((PersonAlias *) linitial(aliases))->at < at;
}

int64
paysafe_registry_common(List *a, List *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, a)
		foreach(lc2, b)
			if (*(int64 *) lfirst(lc) == *(int64 *) lfirst(lc2))
				return *(int64 *) lfirst(lc);
	return 0;
}

/* Logins */

/* A membership: of which role, by whom, which version of the row. */
typedef struct Membership
{
	Oid			role;
	Oid			grantor;
	TransactionId xmin;
} Membership;

static int
compare_memberships(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(Membership));
}

bool
paysafe_registry_stamp(Oid role, uint8 *stamp)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	CatCList   *list;
	StringInfoData bytes;
	Membership *memberships;
	TransactionId xmin;

	if (!HeapTupleIsValid(tuple))
		return false;
	xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, (char *) &role, sizeof(role));
	appendBinaryStringInfo(&bytes, (char *) &xmin, sizeof(xmin));
	ReleaseSysCache(tuple);
	list = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(role));
	memberships = palloc0(sizeof(Membership) * (list->n_members + 1));
	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	member = &list->members[i]->tuple;
		Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(member);

		memberships[i].role = form->roleid;
		memberships[i].grantor = form->grantor;
		memberships[i].xmin = HeapTupleHeaderGetRawXmin(member->t_data);
	}
	qsort(memberships, list->n_members, sizeof(Membership), compare_memberships);
	appendBinaryStringInfo(&bytes, (char *) memberships, sizeof(Membership) * list->n_members);
	ReleaseSysCacheList(list);
	paysafe_crypto_sha256(bytes.data, bytes.len, stamp);
	return true;
}

/* The last alias of this kind in the list, or NULL. */
static const PersonAlias *
last_login(List *aliases)
{
	const PersonAlias *result = NULL;
	ListCell   *lc;

	foreach(lc, aliases)
		if (strcmp(((PersonAlias *) lfirst(lc))->kind, PERSON_LOGIN) == 0)
			result = lfirst(lc);
	return result;
}

RegisteredLogin
paysafe_registry_login(Oid role, const char *name, RegisteredPerson **person)
{
	uint8		lookup[PAYSAFE_SHA256_LEN];
	uint8		stamp[PAYSAFE_SHA256_LEN];
	List	   *aliases = NIL;
	const PersonAlias *login;

	*person = NULL;
	if (!paysafe_registry_is_used())
		return LOGIN_UNKNOWN;
	if (paysafe_registry_lookup(PERSON_LOGIN, name, lookup))
		aliases = paysafe_registry_aliases(lookup);
	login = last_login(aliases);
	if (login == NULL)
	{
		/* by another name? */
		login = last_login(paysafe_registry_aliases_of_role(role));
		if (login != NULL)
			*person = paysafe_registry_person(login->person);
		return login != NULL ? LOGIN_ANOTHER : LOGIN_UNKNOWN;
	}
	*person = paysafe_registry_person(((PersonAlias *) llast(aliases))->person);
	if (login->role != role || strcmp(login->value, name) != 0 || login->person != (*person)->id)
		return LOGIN_ANOTHER;
	return login->has_stamp && paysafe_registry_stamp(role, stamp) &&
		memcmp(stamp, login->stamp, sizeof(stamp)) == 0 ? LOGIN_IN_FORCE : LOGIN_CHANGED;
}

/* Groups */

/* A person who came into the group, or left it, last. */
typedef struct Member
{
	int64		person;
	Newest		newest;
	TimestampTz at;
} Member;

static bool
visit_member(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **members = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	int64		person = DatumGetInt64(heap_getattr(tuple, GROUP_PERSON + 1, desc, &isnull));
	Member	   *member = NULL;
	int64		before;
	ListCell   *lc;

	foreach(lc, *members)
		if (((Member *) lfirst(lc))->person == person)
			member = lfirst(lc);
	if (member == NULL)
	{
		member = palloc0(sizeof(Member));
		member->person = person;
		*members = lappend(*members, member);
	}
	before = member->newest.id;
	keep_newest(&member->newest, tuple, desc, GROUP_MEMBER);
	if (member->newest.id != before)
		member->at = DatumGetTimestampTz(heap_getattr(tuple, GROUP_AT + 1, desc, &isnull));
	return true;
}

/* Whoever is in it, or ever was: of Member. */
static List *
read_members(const char *group)
{
	List	   *members = NIL;
	Datum		key = CStringGetTextDatum(group);

	if (paysafe_registry_is_used())
		paysafe_store_scan(PAYSAFE_PERSON_GROUP, "person_group_name", 1, &key, visit_member, &members);
	return members;
}

List *
paysafe_registry_members(const char *group)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, read_members(group))
		if (((Member *) lfirst(lc))->newest.value)
			result = add_id(result, ((Member *) lfirst(lc))->person);
	return result;
}

int64
paysafe_registry_membership(const char *group, int64 person)
{
	ListCell   *lc;

	foreach(lc, read_members(group))
		if (((Member *) lfirst(lc))->person == person)
			return ((Member *) lfirst(lc))->newest.id;
	return 0;
}

bool
paysafe_registry_is_member(const char *group, int64 person)
{
	List	   *members = paysafe_registry_members(group);
	ListCell   *lc;

	foreach(lc, members)
		if (*(int64 *) lfirst(lc) == person)
			return true;
	return members == NIL;
}

bool
paysafe_registry_was_member(const char *group, int64 person, TimestampTz at)
{
	ListCell   *lc;

	foreach(lc, read_members(group))
	{
		const Member *member = lfirst(lc);

		if (member->person == person)
			return member->newest.value && member->at < at;
	}
	return false;
}
