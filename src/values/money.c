/*-------------------------------------------------------------------------
 *
 * money.c
 *	  Amounts and currencies.
 *
 * All arithmetic is PostgreSQL's numeric, called as C functions, so that no
 * operator or aggregate found through search_path takes part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/argument.h"
#include "base/ensure.h"
#include "base/invalidation.h"
#include "compat.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

#define CURRENCY_LEN 32
#define MAX_CODE	12			/* of one that is declared: a card number has more */
#define MAX_DIGITS	1000		/* of an amount that is a text */

typedef struct CurrencyEntry
{
	char		code[CURRENCY_LEN]; /* lower case; hash key */
	char		spelling[CURRENCY_LEN]; /* as it was declared */
	int			scale;
} CurrencyEntry;

static HTAB *currencies = NULL; /* NULL: not loaded; lives with the backend */
static CurrencyEntry *last_currency = NULL;	/* that was found; in currencies */
static Oid	currency_relid = InvalidOid;

void
paysafe_money_column(Relation rel, const char *column, AmountColumn *out)
{
	paysafe_place_find(rel, column, &out->place);
	out->attnum = out->place.attnum;
	out->typid = out->place.field > 0 ? out->place.field_type : out->place.typid;
	out->minor = out->typid == INT2OID || out->typid == INT4OID || out->typid == INT8OID;
	out->negative = false;
	out->decimals = -1;
	strlcpy(out->name, paysafe_place_column(RelationGetRelid(rel), column), NAMEDATALEN);
	if (out->typid != NUMERICOID && !out->minor && out->place.nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has type %s, which cannot hold exact money",
						column, format_type_be(out->typid)),
				 out->typid == JSONBOID || get_typtype(out->typid) == TYPTYPE_COMPOSITE ? errhint("Say where in it the amount stands: \"%s->amount\".", column) :
				 errhint("Use numeric for major units, or smallint, integer or bigint for minor units.")));
}

void
paysafe_money_whole_column(Relation rel, const char *column, AmountColumn *out)
{
	paysafe_money_column(rel, column, out);
	if (paysafe_place_is_within(&out->place))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" stands within column \"%s\", where it cannot be written", column, out->name),
				 errhint("Use a column of its own.")));
}

bool
paysafe_money_same_column(const AmountColumn *a, const AmountColumn *b)
{
	return paysafe_place_same(&a->place, &b->place);
}

bool
paysafe_money_is_minor(const AmountColumn *column)
{
	return column->minor;
}

void
paysafe_money_declared(AmountColumn *column, const char *units, const char *amounts)
{
	if (units != NULL && strcmp(units, "major") != 0 && strcmp(units, "minor") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"major\" or \"minor\"", "units")));
	if (amounts != NULL && strcmp(amounts, "positive") != 0 && strcmp(amounts, "negative") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"positive\" or \"negative\"", "amounts")));
	if (units != NULL)
		column->minor = strcmp(units, "minor") == 0;
	if (amounts != NULL)
		column->negative = strcmp(amounts, "negative") == 0;
}

void
paysafe_money_decimals(AmountColumn *column, const char *decimals)
{
	if (decimals == NULL)
		return;
	if (paysafe_money_is_minor(column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" has amounts in minor units, which are whole", column->name),
				 errhint("Leave out \"decimals\".")));
	column->decimals = pg_strtoint32(decimals);
}

Numeric
paysafe_money_in_units(const AmountColumn *column, Numeric amount, bool minor, const char *currency)
{
	int			scale;
	Numeric		factor;

	if (column->minor == minor)
		return amount;
	scale = paysafe_money_scale(currency);
	/* exact both ways: a product has as many decimals as it needs */
	factor = DatumGetNumeric(DirectFunctionCall3(numeric_in,
												 CStringGetDatum(psprintf("1e%d", minor ? scale : -scale)),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	amount = paysafe_money_multiply(amount, factor);
	return minor ? paysafe_money_trim(amount) : amount;
}

/* Digits, with a sign and a point or without: nothing else that numeric would read. */
static bool
is_plain_number(const char *text, int len)
{
	int			i = len > 0 && text[0] == '-';
	int			whole = i;

	while (i < len && isdigit((unsigned char) text[i]))
		i++;
	if (i == whole || len > MAX_DIGITS)
		return false;
	if (i < len && text[i] == '.' && i + 1 < len)
		for (i++; i < len && isdigit((unsigned char) text[i]);)
			i++;
	return i == len;
}

/* What stands at a place; false if nothing does. */
static bool
value_within(const Place *place, Datum jsonb, Numeric *out)
{
	JsonbValue *value;
	char	   *text = "NaN";

	switch (paysafe_place_value(place, jsonb, &value))
	{
		case PLACE_NOTHING:
			return false;
		case PLACE_ELSEWHERE:
			break;
		case PLACE_VALUE:
			if (value->type == jbvNumeric)
			{
				*out = value->val.numeric;
				return true;
			}
			if (value->type == jbvString && is_plain_number(value->val.string.val, value->val.string.len))
				text = pnstrdup(value->val.string.val, value->val.string.len);
			break;
	}
	*out = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return true;
}

bool
paysafe_money_value(const AmountColumn *column, TupleTableSlot *slot, Numeric *out)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column->attnum, &isnull);

	if (!isnull && column->place.field > 0)
		value = paysafe_place_field(&column->place, value, &isnull);
	if (isnull)
		return false;
	switch (column->typid)
	{
		case INT2OID:
			*out = int64_to_numeric(DatumGetInt16(value));
			break;
		case INT4OID:
			*out = int64_to_numeric(DatumGetInt32(value));
			break;
		case INT8OID:
			*out = int64_to_numeric(DatumGetInt64(value));
			break;
		case JSONBOID:
			if (!value_within(&column->place, value, out))
				return false;
			break;
		default:
			*out = DatumGetNumeric(value);
	}
	if (column->negative)
		*out = paysafe_money_negate(*out);
	return true;
}

Datum
paysafe_money_datum(const AmountColumn *column, Form_pg_attribute att, Numeric amount)
{
	int32		typmod = att->atttypmod;
	Oid			base = getBaseTypeAndTypmod(att->atttypid, &typmod);
	Datum		value = NumericGetDatum(amount);
	Datum		result;

	Ensure(base == column->typid && !column->negative);
	switch (base)
	{
		case INT2OID:
			result = DirectFunctionCall1(numeric_int2, value);
			break;
		case INT4OID:
			result = DirectFunctionCall1(numeric_int4, value);
			break;
		case INT8OID:
			result = DirectFunctionCall1(numeric_int8, value);
			break;
		default:
			result = DirectFunctionCall2(numeric, value, Int32GetDatum(typmod));
			if (paysafe_money_compare(DatumGetNumeric(result), amount) != 0)
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("column \"%s\" cannot hold %s exactly",
								column->name, paysafe_money_text(amount))));
	}
	if (att->atttypid != base)
		domain_check(result, false, att->atttypid, NULL, NULL);
	return result;
}

bool
paysafe_money_same(const AmountColumn *column, TupleTableSlot *a, TupleTableSlot *b)
{
	Numeric		av;
	Numeric		bv;
	bool		ahas = paysafe_money_value(column, a, &av);
	bool		bhas = paysafe_money_value(column, b, &bv);

	if (!ahas || !bhas)
		return ahas == bhas;
	return paysafe_money_compare(av, bv) == 0;
}

/* Why major units have too many decimals, or NULL. */
static char *
scale_fault(const AmountColumn *column, Numeric amount, const char *currency)
{
	int			scale = column->decimals;
	int			used;

	if (scale < 0 && currency == NULL)
		return NULL;
	if (scale < 0 && (scale = paysafe_money_scale(currency)) < 0)
		return psprintf("the number of decimals of currency \"%s\" is not known; declare it with paysafe.set_currency", currency);
	used = DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount)));
	if (used <= scale)
		return NULL;
	return column->decimals >= 0 ? psprintf("amounts have %d decimals, this one %d", scale, used) :
		psprintf("%s has %d decimals, the amount %d", currency, scale, used);
}

char *
paysafe_money_fault(const AmountColumn *column, Numeric amount,
					const char *currency, bool zero_allowed)
{
	int			sign;

	if (column->place.nkeys > 0 && numeric_is_nan(amount))
		return pstrdup("what stands there is neither a number nor a text of its digits");
	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		return pstrdup("it is not a finite number");
	sign = paysafe_money_sign(amount);
	if (sign < 0)
		return pstrdup(column->negative ? "it is stored as a positive number" : "it is negative");
	if (sign == 0 && !zero_allowed)
		return pstrdup("it is zero");
	if (column->minor && (column->typid == NUMERICOID || column->place.nkeys > 0) &&
		DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(amount))) > 0)
		return pstrdup("it is no whole number of minor units");
	return paysafe_money_is_minor(column) ? NULL : scale_fault(column, amount, currency);
}

Numeric
paysafe_money_zero(void)
{
	return int64_to_numeric(0);
}

Numeric
paysafe_money_add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

Numeric
paysafe_money_negate(Numeric amount)
{
	return DatumGetNumeric(DirectFunctionCall1(numeric_uminus, NumericGetDatum(amount)));
}

Numeric
paysafe_money_multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

Numeric
paysafe_money_trim(Numeric amount)
{
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(amount)));
}

int
paysafe_money_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a),
											 NumericGetDatum(b)));
}

int
paysafe_money_sign(Numeric amount)
{
	static Numeric zero = NULL; /* lives with the backend */
	int			order;

	if (unlikely(zero == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		zero = paysafe_money_zero();
		MemoryContextSwitchTo(old);
	}
	order = paysafe_money_compare(amount, zero);
	return (order > 0) - (order < 0);
}

char *
paysafe_money_text(Numeric amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount)));
}

/* "9.50 EUR" for 950, or NULL if it is not a whole number of known minor units. */
static char *
minor_words(const AmountColumn *column, Numeric value, const char *currency)
{
	int			scale = currency == NULL || !paysafe_money_is_minor(column) ? -1 : paysafe_money_scale(currency);
	const char *amount = paysafe_money_text(paysafe_money_trim(value));
	const char *digits = amount[0] == '-' ? amount + 1 : amount;
	int			whole = (int) strlen(digits) - scale;

	if (scale < 0 || strspn(digits, "0123456789") != strlen(digits))
		return NULL;
	return psprintf("%s%.*s%s%.*s%s %s", digits > amount ? "-" : "", Max(whole, 0), digits,
					whole <= 0 ? "0" : "", scale == 0 ? 0 : 1, ".",
					whole >= 0 ? digits + whole : psprintf("%0*d%s", -whole, 0, digits), currency);
}

char *
paysafe_money_spoken(const AmountColumn *column, Numeric amount, const char *currency)
{
	char	   *words = minor_words(column, amount, currency);

	return words ? words : paysafe_money_text(amount);
}

char *
paysafe_money_words(const AmountColumn *column, Numeric amount, const char *currency)
{
	char	   *words = minor_words(column, amount, currency);

	return words ? words : psprintf("%s %s", paysafe_money_text(amount), currency);
}

static void
forget_currencies(Datum arg, Oid relid)
{
	if (currencies != NULL && (!OidIsValid(relid) || relid == currency_relid))
	{
		hash_destroy(currencies);
		currencies = NULL;
		last_currency = NULL;
	}
}

/* ASCII lower case; codes of other alphabets are left as they are. */
static void
fold_code(const char *code, char *out)
{
	memset(out, 0, CURRENCY_LEN);
	for (int i = 0; i < CURRENCY_LEN - 1 && code[i] != '\0'; i++)
		out[i] = pg_ascii_tolower((unsigned char) code[i]);
}

static void
load_currencies(void)
{
	HASHCTL		ctl = {.keysize = CURRENCY_LEN, .entrysize = sizeof(CurrencyEntry)};
	HTAB	   *loaded;
	Relation	rel;

	currency_relid = paysafe_catalog_table(PAYSAFE_CURRENCY);
	rel = table_open(currency_relid, AccessShareLock);
	ctl.hcxt = TopMemoryContext;
	loaded = hash_create("paysafe currencies", 256, &ctl,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	PG_TRY();
	{
		SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
		HeapTuple	tuple;

		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			TupleDesc	desc = RelationGetDescr(rel);
			bool		isnull;
			char		code[CURRENCY_LEN];
			CurrencyEntry *entry;

			char	   *spelling = TextDatumGetCString(heap_getattr(tuple, 1, desc, &isnull));

			fold_code(spelling, code);
			entry = hash_search(loaded, code, HASH_ENTER, NULL);
			strlcpy(entry->spelling, spelling, CURRENCY_LEN);
			entry->scale = DatumGetInt16(heap_getattr(tuple, 2, desc, &isnull));
		}
		systable_endscan(scan);
	}
	PG_CATCH();
	{
		hash_destroy(loaded);
		PG_RE_THROW();
	}
	PG_END_TRY();
	table_close(rel, AccessShareLock);
	currencies = loaded;
}

static CurrencyEntry *
find_currency(const char *currency)
{
	char		code[CURRENCY_LEN];

	/* rows that come one after the other mostly have one currency */
	if (last_currency != NULL && strcmp(last_currency->spelling, currency) == 0)
		return last_currency;
	if (strlen(currency) >= CURRENCY_LEN)
		return NULL;
	if (currencies == NULL)
		load_currencies();
	fold_code(currency, code);
	last_currency = hash_search(currencies, code, HASH_FIND, NULL);
	return last_currency;
}

int
paysafe_money_scale(const char *currency)
{
	CurrencyEntry *entry = find_currency(currency);

	return entry ? entry->scale : -1;
}

char *
paysafe_money_code(char *currency)
{
	size_t		len = strlen(currency);
	CurrencyEntry *entry;

	while (len > 0 && currency[len - 1] == ' ')
		len--;
	if (currency[len] != '\0')
		currency = pnstrdup(currency, len);
	entry = find_currency(currency);
	return entry == NULL || strcmp(entry->spelling, currency) == 0 ? currency : pstrdup(entry->spelling);
}

void
paysafe_money_init(void)
{
	paysafe_invalidation_register(forget_currencies);
}

/* SQL-callable functions */

/* Two currencies must not look alike, and no code is a card number. */
static bool
is_code(const char *code)
{
	bool		letter = false;
	const char *c;

	for (c = code; isascii((unsigned char) *c) && isalnum((unsigned char) *c); c++)
		letter |= isalpha((unsigned char) *c) != 0;
	return *c == '\0' && letter && c - code <= MAX_CODE;
}

PG_FUNCTION_INFO_V1(paysafe_set_currency);

/*
 * set_currency(code text, decimals int) returns void
 */
Datum
paysafe_set_currency(PG_FUNCTION_ARGS)
{
	char	   *code = paysafe_argument_text(fcinfo, 0, "code", 64);
	int32		decimals;
	int			known;
	Datum		values[3];
	bool		nulls[3] = {0};

	if (!is_code(code))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be 1 to %d of the letters A-Z and digits, one letter at least", "code", MAX_CODE),
				 errdetail("Blanks, other alphabets and signs would make a second currency of one that looks the same.")));
	paysafe_argument_required(fcinfo, 1, "decimals");
	decimals = PG_GETARG_INT32(1);
	if (decimals < 0 || decimals > 30)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 0 and 30", "decimals")));
	/* one at a time */
	LockDatabaseObject(paysafe_catalog_table(PAYSAFE_CURRENCY), 0, 0, ExclusiveLock);
	known = paysafe_money_scale(code);
	if (known == decimals)
		PG_RETURN_VOID();
	if (known >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" has %d decimals, and that cannot be changed", paysafe_redact_string(code), known),
				 errdetail("Amounts already stored would change their meaning.")));
	paysafe_store_complete();
	values[0] = CStringGetTextDatum(code);
	values[1] = Int16GetDatum((int16) decimals);
	values[2] = BoolGetDatum(false);	/* not from ISO 4217 */
	paysafe_store_insert(PAYSAFE_CURRENCY, values, nulls);
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_CURRENCY));
	PG_RETURN_VOID();
}
