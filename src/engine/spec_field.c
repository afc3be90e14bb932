/*-------------------------------------------------------------------------
 *
 * spec_field.c
 *	  What the keys of a kind's specifications mean.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/json.h"
#include "utils/lsyscache.h"

#include "engine/rule.h"
#include "engine/spec_field.h"
#include "store/catalog.h"
#include "values/spec.h"

/* How to read a key that no kind has declared: every way. */
static const SpecField undeclared = {.key = "", .type = SPEC_TEXT};

static const SpecField *
find_field(const RuleKind *kind, const char *key)
{
	for (const SpecField *field = kind->fields; field != NULL && field->key != NULL; field++)
		if (strcmp(field->key, key) == 0)
			return field;
	return &undeclared;
}

static bool
is_of_columns(const SpecField *field, bool of_reference)
{
	if (field == &undeclared)
		return true;
	return of_reference ? field->type == SPEC_REFERENCE_COLUMN :
		field->type == SPEC_COLUMN || field->type == SPEC_COLUMNS;
}

List *
paysafe_spec_field_columns(const RuleSource *rule, bool of_reference, bool only_seen)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, paysafe_spec_keys(rule->spec))
	{
		const SpecField *field = find_field(rule->kind, lfirst(lc));

		if (is_of_columns(field, of_reference) && !(only_seen && field->unseen))
			columns = list_concat(columns, paysafe_spec_strings(rule->spec, lfirst(lc)));
	}
	return columns;
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

static char *
quoted_list(List *names)
{
	List	   *quoted = NIL;
	ListCell   *lc;

	foreach(lc, names)
		quoted = lappend(quoted, paysafe_spec_field_quote(lfirst(lc)));
	return paysafe_strings_join(quoted);
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
	char	   *words;			/* NULL: no difference */
	bool		loosens;
} Difference;

static void
compare_sets(Difference *difference)
{
	List	   *before = difference->before ? paysafe_spec_set(difference->before, difference->key) : NIL;
	List	   *after = paysafe_spec_set(difference->after, difference->key);
	List	   *added = paysafe_strings_minus(after, before);
	List	   *removed = paysafe_strings_minus(before, after);

	if (added == NIL && removed == NIL)
		return;
	difference->words = psprintf("%s%s%s%s%s%s%s",
								 added ? "adds " : "", added ? quoted_list(added) : "",
								 added ? psprintf(" to %s", difference->key) : "",
								 added && removed ? " and " : "",
								 removed ? "removes " : "", removed ? quoted_list(removed) : "",
								 removed ? psprintf(" from %s", difference->key) : "");
	difference->loosens = difference->field->loosens == SPEC_ANY_CHANGE ||
		(added != NIL && difference->field->loosens == SPEC_ADD) ||
		(removed != NIL && difference->field->loosens == SPEC_REMOVE);
}

static void
compare_flags(Difference *difference)
{
	bool		before = difference->before && paysafe_spec_bool(difference->before, difference->key);
	bool		after = paysafe_spec_bool(difference->after, difference->key);

	if (before == after)
		return;
	difference->words = psprintf("%s %s", after ? "sets" : "unsets", difference->key);
	difference->loosens = difference->field->loosens != (after ? SPEC_REMOVE : SPEC_ADD);
}

/* Texts, columns, and whatever nobody has declared. */
static void
compare_values(Difference *difference)
{
	const char *key = difference->key;
	char	   *before = difference->before ? paysafe_spec_value(difference->before, key) : NULL;
	char	   *after = paysafe_spec_value(difference->after, key);

	if (before == NULL && after == NULL)
		return;
	if (before != NULL && after != NULL && strcmp(before, after) == 0)
		return;
	difference->loosens = true;
	if (after != NULL && difference->field->compare != NULL)
	{
		difference->words = difference->field->compare(difference->before ?
													   paysafe_spec_optional_text(difference->before, key) : NULL,
													   paysafe_spec_text(difference->after, key));
		difference->loosens = difference->words != NULL;
		if (difference->words == NULL)
			difference->words = psprintf("says %s in other words", key);
	}
	else if (before == NULL)
		difference->words = psprintf("sets %s to %s", key, after);
	else if (after == NULL)
		difference->words = psprintf("unsets %s, which was %s", key, before);
	else
		difference->words = psprintf("changes %s from %s to %s", key, before, after);
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
		if (difference.words != NULL && (difference.loosens || !only_loosening))
			result = lappend(result, difference.words);
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
