/*-------------------------------------------------------------------------
 *
 * spec_field.c
 *	  What the keys of a kind's specifications mean.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/formatting.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "engine/rule.h"
#include "engine/spec_field.h"
#include "store/catalog.h"
#include "values/place.h"
#include "values/spec.h"

/* How to read a key that no kind has declared: every way. */
static const SpecField undeclared = {.key = "", .type = SPEC_TEXT};

/* What every kind can have. */
static const SpecField observe = {
	.key = SPEC_OBSERVE, .type = SPEC_FLAG, .loosens = SPEC_ADD,
	.set_words = "observes from now on, and refuses nothing",
	.unset_words = "enforces from now on"
};

/* Each change of a row is judged all the same. */
static const SpecField unvalidated = {
	.key = SPEC_UNVALIDATED, .type = SPEC_FLAG, .loosens = SPEC_NONE,
	.set_words = "leaves the rows that are there for later",
	.unset_words = "has looked at the rows that are there"
};

static const SpecField *
find_field(const RuleKind *kind, const char *key)
{
	for (const SpecField *field = kind->fields; field != NULL && field->key != NULL; field++)
		if (strcmp(field->key, key) == 0)
			return field;
	if (strcmp(key, SPEC_UNVALIDATED) == 0)
		return &unvalidated;
	return strcmp(key, SPEC_OBSERVE) == 0 ? &observe : &undeclared;
}

static const char *
shown_name(const SpecField *field, const char *key)
{
	return field->shown ? field->shown : key;
}

Jsonb *
paysafe_spec_field_shown(const RuleKind *kind, const Jsonb *spec)
{
	JsonbIterator *it = JsonbIteratorInit(&unconstify(Jsonb *, spec)->root);
	JsonbParseState *state = NULL;
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *result = NULL;

	/* what is in it has no keys */
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *key = pnstrdup(value.val.string.val, value.val.string.len);

			value.val.string.val = unconstify(char *, shown_name(find_field(kind, key), key));
			value.val.string.len = strlen(value.val.string.val);
		}
		result = pushJsonbValue(&state, token, token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM ? &value : NULL);
	}
	return JsonbValueToJsonb(result);
}

static bool
is_of_columns(const SpecField *field, bool of_reference)
{
	if (field == &undeclared)
		return true;
	return of_reference ? field->type == SPEC_REFERENCE_COLUMN :
		field->type == SPEC_COLUMN || field->type == SPEC_COLUMNS;
}

static List *
columns_of(const RuleSource *rule, bool of_reference, bool only_seen, bool only_judged)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_spec_keys(rule->spec))
	{
		const SpecField *field = find_field(rule->kind, lfirst(lc));

		if (is_of_columns(field, of_reference) && !(only_seen && field->unseen) &&
			!(only_judged && field->unjudged))
		{
			ListCell   *name;

			foreach(name, paysafe_spec_strings(rule->spec, lfirst(lc)))
				columns = lappend(columns, paysafe_place_column(of_reference ? rule->reference : rule->relation, lfirst(name)));
		}
	}
	return columns;
}

List *
paysafe_spec_field_columns(const RuleSource *rule, bool of_reference, bool only_seen)
{
	return columns_of(rule, of_reference, only_seen, false);
}

List *
paysafe_spec_field_searched(const RuleSource *rule, bool of_reference)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_spec_keys(rule->spec))
	{
		const SpecField *field = find_field(rule->kind, lfirst(lc));

		if (field->searched && is_of_columns(field, of_reference))
			result = lappend(result, paysafe_spec_columns(rule->spec, lfirst(lc)));
	}
	return result;
}

char *
paysafe_spec_field_quote(const char *name)
{
	StringInfoData buf;
	bool		plain = name[0] != '\0';

	for (const unsigned char *c = (const unsigned char *) name; *c; c++)
		plain = plain && (isalnum(*c) || strchr("_.-:", *c) != NULL);
	if (plain && strcmp(name, "NULL") != 0)
		return pstrdup(name);
	initStringInfo(&buf);
	escape_json(&buf, name);
	return buf.data;
}

char *
paysafe_spec_field_words(List *differences)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, differences)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "; " : "", (char *) lfirst(lc));
	return buf.data;
}

/* One key in both versions, and what its difference amounts to. */
typedef struct Difference
{
	const char *key;
	const SpecField *field;
	const Jsonb *before;		/* NULL: there was nothing */
	const Jsonb *after;
	List	   *words;			/* NIL: no difference */
	List	   *loosens;		/* those of them that loosen */
} Difference;

/* Some words more, which loosen unless only the opposite does. */
static void
add_words(Difference *difference, char *words, SpecLoosening harmless)
{
	difference->words = lappend(difference->words, words);
	if (difference->field->loosens != harmless && difference->field->loosens != SPEC_NONE)
		difference->loosens = lappend(difference->loosens, words);
}

static void
compare_sets(Difference *difference)
{
	const char *key = difference->key;
	const char *name = shown_name(difference->field, key);
	List	   *before = difference->before ? paysafe_spec_set(difference->before, key) : NIL;
	List	   *after = paysafe_spec_set(difference->after, key);
	ListCell   *lc;

	foreach(lc, paysafe_strings_minus(after, before))
		add_words(difference, psprintf("adds %s to %s", paysafe_spec_field_quote(lfirst(lc)), name),
				  SPEC_REMOVE);
	foreach(lc, paysafe_strings_minus(before, after))
		add_words(difference, psprintf("removes %s from %s", paysafe_spec_field_quote(lfirst(lc)), name),
				  SPEC_ADD);
}

static void
compare_flags(Difference *difference)
{
	bool		before = difference->before && paysafe_spec_bool(difference->before, difference->key);
	bool		after = paysafe_spec_bool(difference->after, difference->key);

	const char *words = after ? difference->field->set_words : difference->field->unset_words;

	if (before != after)
		add_words(difference, words ? pstrdup(words) :
				  psprintf("%s %s", after ? "sets" : "unsets", shown_name(difference->field, difference->key)),
				  after ? SPEC_REMOVE : SPEC_ADD);
}

/* Texts, columns, and whatever nobody has declared: any change loosens. */
static void
compare_values(Difference *difference)
{
	const char *key = difference->key;
	const char *name = shown_name(difference->field, key);
	char	   *before = difference->before ? paysafe_spec_value(difference->before, key) : NULL;
	char	   *after = paysafe_spec_value(difference->after, key);

	if (before == NULL && after == NULL)
		return;
	if (before != NULL && after != NULL && strcmp(before, after) == 0)
		return;
	if (after != NULL && difference->field->compare != NULL)
	{
		difference->words = difference->field->compare(difference->before ?
													   paysafe_spec_optional_text(difference->before, key) : NULL,
													   paysafe_spec_text(difference->after, key));
		difference->loosens = difference->words;
		if (difference->words == NIL)
			difference->words = list_make1(psprintf("says %s in other words", name));
		return;
	}
	difference->words = list_make1(before == NULL ? psprintf("sets %s to %s", name, after) :
								   after == NULL ? psprintf("unsets %s, which was %s", name, before) :
								   psprintf("changes %s from %s to %s", name, before, after));
	difference->loosens = difference->words;
}

static char *
table_words(Oid relid)
{
	return get_rel_name(relid) ? paysafe_catalog_table_name(relid) : psprintf("%u", relid);
}

static List *
differences(const RuleSource *before, const RuleSource *after, bool only_loosening)
{
	List	   *result = NIL;
	List	   *keys = paysafe_spec_keys(after->spec);
	ListCell   *lc;

	if (before != NULL && before->reference != after->reference)
		result = lappend(result, psprintf("refers to %s instead of %s",
										  OidIsValid(after->reference) ? table_words(after->reference) : "nothing",
										  OidIsValid(before->reference) ? table_words(before->reference) : "nothing"));
	else if (before == NULL && OidIsValid(after->reference))
		result = lappend(result, psprintf("refers to %s", table_words(after->reference)));
	if (before != NULL)
		keys = list_concat(keys, paysafe_spec_keys(before->spec));
	foreach(lc, paysafe_strings_sorted(keys))
	{
		Difference	difference = {
			.key = lfirst(lc),
			.field = find_field(after->kind, lfirst(lc)),
			.before = before ? before->spec : NULL,
			.after = after->spec
		};

		switch (difference.field->type)
		{
			case SPEC_COLUMNS:
			case SPEC_STATUSES:
				compare_sets(&difference);
				break;
			case SPEC_FLAG:
				compare_flags(&difference);
				break;
			case SPEC_COLUMN:
			case SPEC_REFERENCE_COLUMN:
			case SPEC_TEXT:
				compare_values(&difference);
				break;
		}
		result = list_concat(result, only_loosening ? difference.loosens : difference.words);
	}
	return result;
}

List *
paysafe_spec_field_differences(const RuleSource *before, const RuleSource *after)
{
	return differences(before, after, false);
}

List *
paysafe_spec_field_loosens(const RuleSource *before, const RuleSource *after)
{
	return differences(before, after, true);
}

/* What a key says, the same however it is written: sets are stored sorted.  "" if nothing. */
static char *
meaning(const Jsonb *spec, const SpecField *field, const char *key)
{
	char	   *value = paysafe_spec_value(spec, key);
	List	   *words;

	if (field == &unvalidated || (field->type == SPEC_FLAG && !paysafe_spec_bool(spec, key)))
		return "";
	if (field->any_spelling)
		return asc_tolower(value, strlen(value));
	if (field->compare == NULL || (words = field->compare(NULL, paysafe_spec_text(spec, key))) == NIL)
		return value;
	return paysafe_spec_field_words(paysafe_strings_sorted(words));
}

/* With its length: no two lists of parts are the same. */
static void
append_part(StringInfo bytes, const char *part)
{
	appendStringInfo(bytes, "%zu:%s ", strlen(part), part);
}

char *
paysafe_spec_field_comes_to(const RuleSource *rule)
{
	StringInfoData bytes;
	ListCell   *lc;

	initStringInfo(&bytes);
	append_part(&bytes, rule->name);
	foreach(lc, paysafe_strings_sorted(paysafe_spec_keys(rule->spec)))
	{
		char	   *said = meaning(rule->spec, find_field(rule->kind, lfirst(lc)), lfirst(lc));

		if (said[0] == '\0')
			continue;
		append_part(&bytes, lfirst(lc));
		append_part(&bytes, said);
	}
	return bytes.data;
}

static bool
is_in_key(Oid relid, const char *column)
{
	AttrNumber *key;
	Relation	rel = table_open(relid, AccessShareLock);
	int			nkey = paysafe_row_key_primary(rel, &key);
	bool		result = false;

	for (int i = 0; i < nkey; i++)
		result |= key[i] == get_attnum(relid, column);
	table_close(rel, AccessShareLock);
	return result;
}

static bool
names_column(List *sources, Oid relid, const char *column, bool only_judged)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;

	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);

		if (list_member_oid(ancestors, source->relation) &&
			paysafe_strings_contain(columns_of(source, false, false, only_judged), column))
			return true;
		if (OidIsValid(source->reference) && list_member_oid(ancestors, source->reference) &&
			paysafe_strings_contain(columns_of(source, true, false, only_judged), column))
			return true;
	}
	return is_in_key(relid, column);
}

bool
paysafe_spec_field_names_column(List *sources, Oid relid, const char *column)
{
	return names_column(sources, relid, column, false);
}

bool
paysafe_spec_field_judges_column(List *sources, Oid relid, const char *column)
{
	return names_column(sources, relid, column, true);
}

bool
paysafe_spec_field_uses_column(List *sources, Oid relid, const char *column)
{
	List	   *ancestors = paysafe_catalog_ancestors(relid);
	ListCell   *lc;

	foreach(lc, sources)
	{
		RuleSource *source = lfirst(lc);

		if (source->kind->all_columns && list_member_oid(ancestors, source->relation))
			return true;
	}
	return paysafe_spec_field_names_column(sources, relid, column);
}
