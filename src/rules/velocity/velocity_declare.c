/*-------------------------------------------------------------------------
 *
 * velocity_declare.c
 *	  Declaring rules of velocity: their arguments, their words, and what loosens them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "abuse/recent.h"
#include "base/argument.h"
#include "engine/declare.h"
#include "redact/redact.h"
#include "rules/kinds.h"
#include "rules/velocity/velocity.h"
#include "values/spec.h"

#define MAX_ROWS	1000000

static const char *const counts_words[VELOCITY_NCOUNTS] = {"rows", "amount", "values"};

static const struct
{
	const char *name;
	int64		microseconds;
}			units[] = {
	{"day", USECS_PER_DAY}, {"hour", USECS_PER_HOUR}, {"minute", USECS_PER_MINUTE}, {"second", USECS_PER_SEC}
};

VelocityCounts
paysafe_velocity_counts(const char *word)
{
	for (int i = 0; i < VELOCITY_NCOUNTS; i++)
		if (strcmp(word, counts_words[i]) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be rows, amount or values", "counts")));
	return 0;
}

/* The largest unit of which it is a whole number. */
static char *
within_words(int64 microseconds)
{
	for (int i = 0; i < lengthof(units); i++)
		if (microseconds % units[i].microseconds == 0)
			return psprintf(INT64_FORMAT " %s%s", microseconds / units[i].microseconds, units[i].name,
							microseconds == units[i].microseconds ? "" : "s");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be whole seconds", "within")));
	return NULL;
}

int64
paysafe_velocity_within(const char *words)
{
	char	   *unit;
	int64		n = strtoll(words, &unit, 10);

	for (int i = 0; i < lengthof(units); i++)
		if (n > 0 && *unit == ' ' && strncmp(unit + 1, units[i].name, strlen(units[i].name)) == 0 &&
			n <= PG_INT64_MAX / units[i].microseconds)
			return n * units[i].microseconds;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no time of a rule of velocity", paysafe_redact_string(words))));
	return 0;
}

static Numeric
number_of(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* What has counted is the same: less of it is let through, or it is added up over longer. */
static List *
compare_maximum(const char *before, const char *after)
{
	if (before == NULL)
		return list_make1(psprintf("at most %s", after));
	return paysafe_money_compare(number_of(after), number_of(before)) <= 0 ? NIL :
		list_make1(psprintf("raises maximum from %s to %s", before, after));
}

static List *
compare_within(const char *before, const char *after)
{
	if (before == NULL)
		return list_make1(psprintf("within %s", after));
	return paysafe_velocity_within(after) >= paysafe_velocity_within(before) ? NIL :
		list_make1(psprintf("shortens within from %s to %s", before, after));
}

const SpecField paysafe_velocity_fields[] = {
	{"key_columns", SPEC_COLUMN, .unseen = true, .shared = true},
	{"counts", SPEC_TEXT},
	{"counted_column", SPEC_COLUMN, .unseen = true, .shared = true},
	{.key = "maximum", .type = SPEC_TEXT, .compare = compare_maximum},
	{.key = "within", .type = SPEC_TEXT, .compare = compare_within},
	{"amount_from", SPEC_TEXT},
	{"amount_below", SPEC_TEXT},
	ROW_FILTER_FIELDS,
	{NULL}
};

const char *
paysafe_velocity_words(const Jsonb *spec)
{
	const char *column = paysafe_spec_optional_text(spec, "counted_column");

	switch (paysafe_velocity_counts(paysafe_spec_text(spec, "counts")))
	{
		case VELOCITY_AMOUNT:
			return column;
		case VELOCITY_VALUES:
			return psprintf("different values of %s", column);
		default:
			return "rows";
	}
}

char *
paysafe_velocity_describe(const char *name, Oid reference, Jsonb *spec)
{
	const char *from = paysafe_spec_optional_text(spec, "amount_from");
	const char *below = paysafe_spec_optional_text(spec, "amount_below");
	const char *column = paysafe_spec_optional_text(spec, "counted_column");
	const char *rows = paysafe_row_filter_words(spec);

	return psprintf("at most %s %s of one %s within %s%s%s%s%s%s%s%s%s",
					paysafe_spec_text(spec, "maximum"), paysafe_velocity_words(spec),
					paysafe_key_columns_words(paysafe_spec_columns(spec, "key_columns")), paysafe_spec_text(spec, "within"),
					from || below ? "; " : "", from || below ? column : "",
					from ? " from " : "", from ? from : "", below ? " below " : "", below ? below : "",
					rows ? "; rows with " : "", rows ? rows : "");
}

/* SQL-callable functions */

/* The arguments of protect_velocity. */
enum
{
	ARG_RELATION, ARG_KEY_COLUMNS, ARG_MAXIMUM, ARG_WITHIN, ARG_COUNTS, ARG_COUNTED_COLUMN, ARG_AMOUNT_FROM, ARG_AMOUNT_BELOW,
	ARG_ROWS, ARG_RULE, ARG_MODE
};

static char *
name_argument(FunctionCallInfo fcinfo)
{
	size_t		len = strlen(paysafe_velocity_kind.name);
	char	   *name;

	if (PG_ARGISNULL(ARG_RULE))
		return pstrdup(paysafe_velocity_kind.name);
	name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_RULE));
	if (strcmp(name, paysafe_velocity_kind.name) != 0 &&
		(strncmp(name, "velocity_", len + 1) != 0 || name[len + 1] == '\0' || !paysafe_argument_is_word(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"velocity\", or begin with \"velocity_\"", "rule"),
				 errdetail("\"%s\" is no such name of small letters, digits and underscores, of at most %d bytes.",
						   paysafe_redact_string(name), NAMEDATALEN - 1),
				 errhint("For instance: rule => 'velocity_cards'.")));
	return name;
}

/* A finite number without zeros that say nothing; NULL if it is. */
static Numeric
number_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	Numeric		value;

	if (PG_ARGISNULL(n))
		return NULL;
	value = PG_GETARG_NUMERIC(n);
	if (numeric_is_nan(value) || numeric_is_inf(value) || paysafe_money_sign(value) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be finite, and not negative", argument)));
	return paysafe_money_trim(value);
}

static Numeric
maximum_argument(FunctionCallInfo fcinfo, VelocityCounts counts)
{
	Numeric		maximum;
	int64		most = counts == VELOCITY_VALUES ? RECENT_VALUES : MAX_ROWS;

	paysafe_argument_required(fcinfo, ARG_MAXIMUM, "maximum");
	maximum = number_argument(fcinfo, ARG_MAXIMUM, "maximum");
	if (paysafe_money_sign(maximum) == 0 ||
		(counts != VELOCITY_AMOUNT && (strchr(paysafe_money_text(maximum), '.') != NULL ||
									   paysafe_money_compare(maximum, int64_to_numeric(most)) > 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is out of range", "maximum"),
				 counts == VELOCITY_AMOUNT ? errdetail("It must be above zero.") :
				 errdetail("Of %s it must be a whole number between 1 and %lld.", counts_words[counts], (long long) most)));
	return maximum;
}

/* Which column is counted, and which rows by their amounts. */
static void
add_counted(FunctionCallInfo fcinfo, SpecBuilder *spec, VelocityCounts counts)
{
	char	   *column = paysafe_declare_optional_name(fcinfo, ARG_COUNTED_COLUMN);
	Numeric		from = number_argument(fcinfo, ARG_AMOUNT_FROM, "amount_from");
	Numeric		below = number_argument(fcinfo, ARG_AMOUNT_BELOW, "amount_below");
	bool		banded = from != NULL || below != NULL;

	if ((column != NULL) != (counts != VELOCITY_ROWS || banded))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 column == NULL ? errmsg("argument \"%s\" must say which column is counted", "counted_column") :
				 errmsg("rows are counted: argument \"%s\" says nothing", "counted_column"),
				 errhint("A column is counted by counts => 'amount' or 'values', and looked at by amount_from and amount_below.")));
	if (banded && counts == VELOCITY_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("different values have no amounts: arguments \"%s\" and \"%s\" say nothing", "amount_from", "amount_below")));
	if (from != NULL && below != NULL && paysafe_money_compare(from, below) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no amount is from \"%s\" on and below \"%s\"", "amount_from", "amount_below")));
	paysafe_spec_add_text(spec, "counted_column", column);
	paysafe_spec_add_text(spec, "amount_from", from ? paysafe_money_text(from) : NULL);
	paysafe_spec_add_text(spec, "amount_below", below ? paysafe_money_text(below) : NULL);
}

/* As other rules have it, under the word that says what it does, too. */
static void
add_mode(FunctionCallInfo fcinfo, SpecBuilder *spec)
{
	if (!PG_ARGISNULL(ARG_MODE) && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(ARG_MODE)), "refuse") == 0)
		paysafe_spec_add_bool(spec, SPEC_OBSERVE, false);
	else
		(void) paysafe_declare_add_mode(fcinfo, spec);
}

PG_FUNCTION_INFO_V1(paysafe_protect_velocity);

/*
 * protect_velocity(relation regclass, key_columns text or name[], maximum numeric, within interval, counts text,
 *				   counted_column name, amount_from numeric, amount_below numeric, rows jsonb, rule text, mode text)
 *	  returns void
 */
Datum
paysafe_protect_velocity(PG_FUNCTION_ARGS)
{
	VelocityCounts counts;
	List	   *key;
	char	   *name;
	SpecBuilder spec;

	paysafe_argument_required(fcinfo, ARG_RELATION, "relation");
	paysafe_argument_required(fcinfo, ARG_KEY_COLUMNS, "key_columns");
	paysafe_argument_required(fcinfo, ARG_WITHIN, "within");
	key = paysafe_declare_columns_argument(fcinfo, ARG_KEY_COLUMNS, "key_columns", PG_GETARG_OID(ARG_RELATION));
	counts = paysafe_velocity_counts(paysafe_argument_text(fcinfo, ARG_COUNTS, "counts", NAMEDATALEN - 1));
	name = name_argument(fcinfo);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_columns(&spec, "key_columns", key);
	paysafe_spec_add_text(&spec, "counts", counts_words[counts]);
	paysafe_spec_add_text(&spec, "maximum", paysafe_money_text(maximum_argument(fcinfo, counts)));
	paysafe_spec_add_text(&spec, "within", within_words(paysafe_argument_period(fcinfo, ARG_WITHIN, "within")));
	add_counted(fcinfo, &spec, counts);
	paysafe_row_filter_add(&spec, PG_ARGISNULL(ARG_ROWS) ? NULL : PG_GETARG_JSONB_P(ARG_ROWS));
	add_mode(fcinfo, &spec);
	paysafe_declare(PG_GETARG_OID(ARG_RELATION), name, InvalidOid, paysafe_spec_end(&spec));
	PG_RETURN_VOID();
}
