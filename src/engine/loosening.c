/*-------------------------------------------------------------------------
 *
 * loosening.c
 *	  Changes of rules that take a second person.
 *
 * An approval binds the digest of the whole change: table, rule, version, the
 * table it refers to, what is in force and what would be.  Words are for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_inherits.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/refusal.h"
#include "compat.h"
#include "engine/approver_level.h"
#include "engine/loosening.h"
#include "engine/rule.h"
#include "engine/spec_field.h"
#include "engine/unused.h"
#include "errors.h"
#include "people/approval.h"
#include "people/rejection.h"
#include "people/person.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

#define MAX_WORDS			600 /* bytes of an error's detail */
#define RULE_APPROVAL_VALID (INT64CONST(3600) * USECS_PER_SEC)

/* The first rule of this name, or NULL. */
static const RuleSource *
find_source(List *sources, const char *name)
{
	ListCell   *lc;

	foreach(lc, sources)
		if (strcmp(((RuleSource *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

/* The rules of a table as they will be. */
static List *
sources_with(List *sources, const RuleSource *new_rule, Oid relid)
{
	List	   *result = list_make1(unconstify(RuleSource *, new_rule));
	ListCell   *lc;

	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);

		if (source->relation != new_rule->relation || strcmp(source->name, new_rule->name) != 0)
			result = lappend(result, source);
	}
	return paysafe_rule_nearest_first(result, relid);
}

/* Add what the change loosens in rules that read it. */
static List *
add_loosened(List *words, List *readers, const RuleSource *before, const RuleSource *after)
{
	ListCell   *lc;

	/* nobody was asked about what was only observed */
	if (before != NULL && before->observed)
		before = NULL;
	foreach(lc, readers)
	{
		const RuleSource *reader = lfirst(lc);
		char	   *loosened;

		/* nobody has relied on what this transaction declares itself */
		if (reader->kind->loosened_by == NULL || reader->is_new || reader->observed ||
			paysafe_unused_frees(reader->relation))
			continue;
		loosened = reader->kind->loosened_by(reader, before, after);
		if (loosened != NULL && !paysafe_strings_contain(words, loosened))
			words = lappend(words, loosened);
	}
	return words;
}

/*
 * What the change loosens in rules that read this one, of the table and below, and of the
 * table that it refers to: several may say something of that.
 */
static List *
loosened_readers(const RuleSource *old_rule, const RuleSource *new_rule)
{
	List	   *words = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(new_rule->relation, NoLock, NULL))
	{
		List	   *sources = paysafe_rule_sources(lfirst_oid(lc));
		const RuleSource *before = find_source(sources, new_rule->name);
		const RuleSource *after = find_source(sources_with(sources, new_rule, lfirst_oid(lc)),
											  new_rule->name);

		/* otherwise a nearer one counts */
		if (after == new_rule)
			words = add_loosened(words, sources, before, after);
	}
	if (OidIsValid(new_rule->reference) && new_rule->reference != new_rule->relation)
		words = add_loosened(words, paysafe_rule_sources(new_rule->reference), old_rule, new_rule);
	return words;
}

/* Have the tables that the rule is about never had a row? */
static bool
nobody_depends(const RuleSource *old_rule, const RuleSource *new_rule)
{
	return paysafe_unused_frees(new_rule->relation) &&
		(!OidIsValid(old_rule->reference) || paysafe_unused_frees(old_rule->reference)) &&
		(!OidIsValid(new_rule->reference) || paysafe_unused_frees(new_rule->reference));
}

bool
paysafe_loosening_of_rule(const RuleSource *old_rule, const RuleSource *new_rule,
						  ProposedChange *change)
{
	/* what refuses nothing, or concerns no row that ever was, cannot be loosened */
	List	   *loosened = old_rule == NULL || old_rule->observed || nobody_depends(old_rule, new_rule) ? NIL :
		paysafe_spec_field_loosens(old_rule, new_rule);
	List	   *readers = loosened_readers(old_rule, new_rule);
	StringInfoData lines;
	ListCell   *lc;

	loosened = list_concat(loosened, readers);
	if (loosened == NIL)
		return false;
	initStringInfo(&lines);
	foreach(lc, list_concat_copy(paysafe_spec_field_differences(old_rule, new_rule), readers))
		appendStringInfo(&lines, "%s%s", lines.len > 0 ? "\n" : "", (char *) lfirst(lc));
	change->relation = new_rule->relation;
	change->name = new_rule->name;
	change->version = new_rule->version;
	change->old_reference = old_rule ? old_rule->reference : InvalidOid;
	change->new_reference = new_rule->reference;
	change->before = old_rule ? paysafe_spec_field_shown(old_rule->kind, old_rule->spec) : NULL;
	change->after = paysafe_spec_field_shown(new_rule->kind, new_rule->spec);
	change->difference = lines.data;
	change->loosens = paysafe_spec_field_words(loosened);
	change->comes_to = paysafe_spec_field_comes_to(new_rule);
	change->content = NULL;
	return true;
}

/* The table, by its number if it is gone. */
static char *
table_words(Oid relid)
{
	return get_rel_name(relid) ? paysafe_catalog_table_name(relid) : psprintf("%u", relid);
}

/* A specification with the table that it refers to, as part of the content. */
static char *
spec_text(const Jsonb *spec, Oid reference)
{
	return psprintf("%s%s%s",
					JsonbToCString(NULL, &unconstify(Jsonb *, spec)->root, VARSIZE(spec)),
					OidIsValid(reference) ? " referring to " : "",
					!OidIsValid(reference) ? "" : table_words(reference));
}

/*
 * Without backslashes a text is one and the same in every kind of quotes: they and the
 * percent sign are encoded as in URLs, and so are JSON's line ends and tabs.
 */
static char *
without_backslashes(const char *text)
{
	StringInfoData content;

	initStringInfo(&content);
	for (const char *c = text; *c; c++)
	{
		if (*c == '%')
			appendStringInfoString(&content, "%25");
		else if (*c != '\\')
			appendStringInfoChar(&content, *c);
		else if (c[1] != 'n' && c[1] != 't')
			appendStringInfoString(&content, "%5C");
		else
			appendStringInfoString(&content, *++c == 'n' ? "%0A" : "%09");
	}
	return content.data;
}

/* What a content begins with; the version follows. */
static char *
beginning_of(const char *name, Oid relation)
{
	return without_backslashes(psprintf("%s of %s, version ", name, table_words(relation)));
}

/* All of the change: what one reads here and nothing else is approved. */
static char *
content_of(const ProposedChange *change)
{
	return psprintf("%s%d: %s", beginning_of(change->name, change->relation), change->version,
					without_backslashes(psprintf("%s%s%s", spec_text(change->after, change->new_reference),
												 change->before ? " instead of " : "",
												 change->before ? spec_text(change->before, change->old_reference) : "")));
}

/* Is the key a change that is its own, and says all of it? */
static bool
is_whole(Oid approved_as, const char *key)
{
	const char *of = strstr(key, " of ");
	const char *version = strstr(key, ", version ");

	if (!paysafe_proposal_is_content(key))
		return false;
	if (approved_as == paysafe_catalog_table(PAYSAFE_MAINTENANCE_RECORD))
		return strncmp(key, "maintenance of ", strlen("maintenance of ")) == 0;
	if (approved_as == paysafe_catalog_table(PAYSAFE_RETENTION_RECORD))
		return strncmp(key, "retention: ", strlen("retention: ")) == 0;
	if (approved_as == paysafe_catalog_table(PAYSAFE_PERSON_RECORD))
		return strncmp(key, "people: ", strlen("people: ")) == 0;
	if (approved_as == paysafe_catalog_table(PAYSAFE_PASSKEY_RECORD))
		return strncmp(key, "passkey of ", strlen("passkey of ")) == 0;
	if (approved_as == paysafe_catalog_table(PAYSAFE_REJECTION_RECORD))
		return false;			/* a number says too little */
	if (approved_as == paysafe_catalog_table(PAYSAFE_APPROVER_SETTING))
		return strncmp(key, "approvers: ", strlen("approvers: ")) == 0;
	return of != NULL && version != NULL && of < version && strstr(version, ": {") != NULL;
}

/* Names of changes are as many as there are people and keys, and name them: metrics do without. */
static const char *
counted_as(const ProposedChange *change)
{
	return change->approved_as == PAYSAFE_RULE || strcmp(change->name, "maintenance") == 0 ? NULL : "proposal";
}

static PAYSAFE_NORETURN void
refuse(const ProposedChange *change, const Person *person, const char *key, bool stored)
{
	bool		is_rule = change->approved_as == PAYSAFE_RULE;
	bool		named = is_rule && get_rel_name(change->relation) != NULL;
	bool		anonymous = paysafe_person_is_unknown(person);
	bool		usable = stored || is_whole(paysafe_catalog_table(change->approved_as), key);
	const char *words = change->loosens;

	if (strlen(words) > MAX_WORDS)
		words = psprintf("%.*s ... (all of it will stand in paysafe.pending_change)",
						 pg_mbcliplen(words, strlen(words), MAX_WORDS), words);
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = change->name,
					   .counted_as = counted_as(change),
					   .schema_name = named ? get_namespace_name(get_rel_namespace(change->relation)) : NULL,
					   .table_name = named ? get_rel_name(change->relation) : NULL,
					   .message = change->message ? change->message : is_rule ?
					   psprintf("loosening rule \"%s\" of table \"%s\" needs the approval of a second person",
								change->name, named ? get_rel_name(change->relation) : table_words(change->relation)) :
					   "a maintenance window needs the approval of a second person",
					   .detail = is_rule ? psprintf("The change %s.", words) :
					   psprintf("Asked for: %s.", words),
					   .hint = psprintf("%s%s  then%s repeat this command within the hour.",
										usable ? "" : psprintf("Propose it first: run it again in a transaction after%s SELECT paysafe.propose('why').  ",
															   anonymous ? " paysafe.act_as and" : ""),
										paysafe_proposal_how(change, key),
										anonymous ? ", after paysafe.act_as too," : "")
				   });
}

char *
paysafe_loosening_scope(Oid approved_as, const char *key)
{
	return paysafe_proposal_stored_comes_to(approved_as, key);
}

/* Somebody has said no to it: then nobody's yes counts. */
static void
check_rejected(const ProposedChange *change, Oid approved_as, const char *key, Person *person)
{
	const Rejection *rejection = paysafe_rejection_standing(&(RejectionSubject)
															{
																.relation = approved_as,
																.scope = paysafe_proposal_comes_to(change),
																.about = change->relation,
																.key = key,
																.requesters = list_make1(person)
															}, true, NULL);

	if (rejection != NULL)
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = change->name,
						   .counted_as = counted_as(change),
						   .schema_name = "paysafe",
						   .table_name = get_rel_name(approved_as),
						   .message = "the change is rejected",
						   .detail = paysafe_rejection_words(rejection),
						   .hint = paysafe_rejection_hint(rejection)
					   });
}

bool
paysafe_loosening_authorize(ProposedChange *change)
{
	Oid			approved_as = paysafe_catalog_table(change->approved_as);
	ApprovalSubject subject = {.valid_for = RULE_APPROVAL_VALID};
	Person	   *person = paysafe_person_current();
	uint8		stored_digest[PAYSAFE_SHA256_LEN];
	List	   *proposers;
	bool		stored;
	char	   *key;

	paysafe_approval_check_own_code(change->approved_as == PAYSAFE_RULE ? "loosening a rule" :
									change->approved_as == PAYSAFE_RETENTION_RECORD ? "what removes payloads of the audit log" :
									change->approved_as == PAYSAFE_PERSON_RECORD ? "a change of the registry of people" :
									change->approved_as == PAYSAFE_PASSKEY_RECORD ? "enrolling a passkey" :
									change->approved_as == PAYSAFE_REJECTION_RECORD ? "taking back a rejection" :
									change->approved_as == PAYSAFE_APPROVER_SETTING ? "asking less of approvers" :
									"a maintenance window");
	if (change->content == NULL)
		change->content = content_of(change);
	if (!change->recovers)
		change->identity = Max(change->identity, paysafe_approver_level());
	subject.identity = change->identity;
	if (paysafe_proposal_is_open())
	{
		paysafe_proposal_store(change);
		return false;
	}
	if (paysafe_store_is_test_database())
		return true;
	key = paysafe_proposal_key(change->content);
	stored = paysafe_proposal_find(approved_as, key, stored_digest, &proposers);
	paysafe_proposal_digest(change->content, subject.digest);
	if (change->approved_as != PAYSAFE_REJECTION_RECORD)
		check_rejected(change, approved_as, key, person);
	subject.requesters = list_concat(lappend(proposers, person), change->involved);
	if (change->beneficiary != NULL)
	{
		Person	   *beneficiary = palloc0(sizeof(Person));

		beneficiary->actor = pstrdup(change->beneficiary);
		beneficiary->login = beneficiary->session_user_name = pstrdup("");
		subject.requesters = lappend(subject.requesters, beneficiary);
	}
	if (paysafe_approval_use(approved_as, key, &subject, Max(change->approvers, 1)) == Max(change->approvers, 1))
		return true;
	refuse(change, person, key, stored);
}

bool
paysafe_loosening_authorize_setting(ProposedChange *change, const char *reason)
{
	change->approved_as = PAYSAFE_MAINTENANCE_RECORD;
	change->loosens = change->difference;
	change->content = psprintf("maintenance of %s, version %d: %s%s%s", change->name, change->version, change->difference,
							   reason ? "; " : "", reason ? reason : "");
	return paysafe_loosening_authorize(change);
}

bool
paysafe_loosening_is_approved_as(Oid relation)
{
	return relation == paysafe_catalog_table(PAYSAFE_RULE) ||
		relation == paysafe_catalog_table(PAYSAFE_MAINTENANCE_RECORD) ||
		relation == paysafe_catalog_table(PAYSAFE_RETENTION_RECORD) ||
		relation == paysafe_catalog_table(PAYSAFE_PERSON_RECORD) ||
		relation == paysafe_catalog_table(PAYSAFE_PASSKEY_RECORD) ||
		relation == paysafe_catalog_table(PAYSAFE_REJECTION_RECORD) ||
		relation == paysafe_catalog_table(PAYSAFE_APPROVER_SETTING);
}

void
paysafe_loosening_subject(Oid approved_as, const char *key, ApprovalSubject *out)
{
	memset(out, 0, sizeof(*out));
	out->valid_for = RULE_APPROVAL_VALID;
	/* what nobody can give is not asked for in the first passkeys */
	if (approved_as != paysafe_catalog_table(PAYSAFE_PASSKEY_RECORD))
		out->identity = paysafe_approver_level();
	if (paysafe_proposal_find(approved_as, key, out->digest, &out->requesters))
	{
		out->words = paysafe_proposal_words(approved_as, key);
		return;
	}
	if (!is_whole(approved_as, key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no change with this key is stored"),
				 errdetail("The key is no whole change either, so nobody can have read what it stands for."),
				 errhint("The view paysafe.pending_change has those that wait. Who wants this one calls paysafe.propose first.")));
	paysafe_proposal_digest(key, out->digest);
	out->words = key;
}

/* What an approval was of, and the newest version of that rule. */
typedef struct VersionSearch
{
	const char *content;		/* its beginning at least */
	int			asked;
	int			newest;
} VersionSearch;

/* Rules and thresholds have relation, name and version first; name: what it is called, in any spelling or exactly. */
static void
note_version(Relation rel, HeapTuple tuple, const char *name, bool any_spelling, VersionSearch *search)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Oid			relation = DatumGetObjectId(heap_getattr(tuple, 1, desc, &isnull));
	char	   *beginning = beginning_of(name, relation);
	size_t		len = strlen(beginning);

	if (!any_spelling ? strncmp(search->content, beginning, len) != 0 :
		pg_strncasecmp(search->content, beginning, len) != 0)
		return;
	search->asked = atoi(search->content + len);
	search->newest = Max(search->newest, DatumGetInt32(heap_getattr(tuple, 3, desc, &isnull)));
}

static bool
visit_rule(Relation rel, HeapTuple tuple, void *arg)
{
	note_version(rel, tuple, paysafe_store_text(tuple, RelationGetDescr(rel), 1), false, arg);
	return true;
}

/* The columns that say of which rule it is, and which of a currency's. */
#define THRESHOLD_RULE	12
#define THRESHOLD_BAND	16

static bool
visit_threshold(Relation rel, HeapTuple tuple, void *arg)
{
	char	   *rule = paysafe_store_text(tuple, RelationGetDescr(rel), THRESHOLD_RULE);
	char	   *band = paysafe_store_text(tuple, RelationGetDescr(rel), THRESHOLD_BAND);
	bool		is_sole = strcmp(rule, "refund") == 0;

	/* currencies are declared in any spelling */
	note_version(rel, tuple, psprintf("threshold for %s%s%s%s%s", paysafe_store_text(tuple, RelationGetDescr(rel), 1),
									  band[0] == '\0' ? "" : " band ", band,
									  is_sole ? "" : " of ", is_sole ? "" : rule), true, arg);
	return true;
}

/* Closed periods have no versions: each is one more. */
static bool
visit_closed_period(Relation rel, HeapTuple tuple, void *arg)
{
	VersionSearch *search = arg;
	bool		isnull;
	Oid			relation = DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
	char	   *beginning = beginning_of(PAYSAFE_CLOSED_PERIOD_CHANGE, relation);

	if (strncmp(search->content, beginning, strlen(beginning)) == 0)
		search->newest++;
	return true;
}

/* Whether the glass may be broken has none either. */
static bool
visit_break_glass(Relation rel, HeapTuple tuple, void *arg)
{
	VersionSearch *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Oid			relation = DatumGetObjectId(heap_getattr(tuple, 2, desc, &isnull));
	char	   *rule = paysafe_store_text(tuple, desc, 2);
	char	   *sole = beginning_of(PAYSAFE_BREAK_GLASS_CHANGE, relation);
	char	   *of_rule = beginning_of(psprintf(PAYSAFE_BREAK_GLASS_CHANGE " for %s", rule), relation);

	if (strncmp(search->content, of_rule, strlen(of_rule)) == 0 ||
		(strcmp(rule, "refund") == 0 && strncmp(search->content, sole, strlen(sole)) == 0))
		search->newest++;
	return true;
}

bool
paysafe_loosening_is_outdated(Oid approved_as, const char *key)
{
	VersionSearch search = {.content = key};
	Oid			relation;
	char	   *name;
	int			version;
	const char *in_key = strstr(key, ", version ");

	if (approved_as != paysafe_catalog_table(PAYSAFE_RULE))
		return false;
	if (in_key != NULL)
		search.asked = atoi(in_key + strlen(", version "));
	/* the key may be a hash, of a change that is stored */
	if (paysafe_proposal_of(approved_as, key, &relation, &name, &version))
	{
		search.content = psprintf("%s%d", beginning_of(name, relation), version);
		search.asked = version;
	}
	paysafe_store_scan(PAYSAFE_RULE, NULL, 0, NULL, visit_rule, &search);
	paysafe_store_scan(PAYSAFE_THRESHOLD, NULL, 0, NULL, visit_threshold, &search);
	paysafe_store_scan(PAYSAFE_CLOSED_PERIOD, NULL, 0, NULL, visit_closed_period, &search);
	paysafe_store_scan(PAYSAFE_BREAK_GLASS_SETTING, NULL, 0, NULL, visit_break_glass, &search);
	return search.asked != search.newest + 1;
}
