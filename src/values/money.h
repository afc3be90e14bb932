/*-------------------------------------------------------------------------
 *
 * money.h
 *	  Amounts and currencies.
 *
 * An amount column holds numeric (major units, at most the currency's scale, or what a
 * declaration says) or smallint, integer or bigint (minor units), unless a declaration says
 * that it counts in the others.  Inside paysafe an amount is a numeric, and positive also
 * where the column stores what is paid back as a negative one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_MONEY_H
#define PAYSAFE_MONEY_H

#include "executor/tuptable.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "values/status_value.h"

typedef struct AmountColumn
{
	AttrNumber	attnum;
	Oid			typid;			/* base type, of an attribute if it is one */
	Place		place;			/* where in the column the amount stands */
	bool		minor;			/* it counts in minor units */
	bool		negative;		/* it stores amounts with the sign turned */
	int			decimals;		/* at most, of major units in every currency; -1: as that has */
	char		name[NAMEDATALEN];
} AmountColumn;

/*
 * A column, or a place within a jsonb column (values/place.h), where a number stands, or a text
 * of its digits; what is anything else is read as NaN.  Raises 42703, or 22023 for a type that
 * cannot hold exact money.
 */
extern void paysafe_money_column(Relation rel, const char *column, AmountColumn *out);

/* The same for amounts that paysafe writes: no place within a column. */
extern void paysafe_money_whole_column(Relation rel, const char *column, AmountColumn *out);

/* Are both the same column, or the same place within it? */
extern bool paysafe_money_same_column(const AmountColumn *a, const AmountColumn *b);

/* Are the amounts in minor units: an integer type, or declared to be? */
extern bool paysafe_money_is_minor(const AmountColumn *column);

/*
 * What a declaration says of the column beyond its type; either may be NULL: units are
 * "major" or "minor", amounts "positive" or "negative".  Raises 22023 for another word.
 */
extern void paysafe_money_declared(AmountColumn *column, const char *units, const char *amounts);

/*
 * How many decimals a declaration lets its amounts have; NULL: it says nothing.  Raises 22023
 * if they count in minor units, which are whole.
 */
extern void paysafe_money_decimals(AmountColumn *column, const char *decimals);

/* The same amount in major or minor units of a currency whose decimals are known. */
extern Numeric paysafe_money_in_units(const AmountColumn *column, Numeric amount, bool minor,
									  const char *currency);

/* The row's amount, with the sign as it is meant; false for NULL.  It may be NaN or infinite. */
extern bool paysafe_money_value(const AmountColumn *column, TupleTableSlot *slot,
								Numeric *out);

/*
 * The amount as the column stores it.  Raises 22003 if it does not fit, and what
 * the column's domain raises.
 */
extern Datum paysafe_money_datum(const AmountColumn *column, Form_pg_attribute att,
								 Numeric amount);

/* Do both rows hold the same amount (1.0 = 1.00; NULL = NULL)? */
extern bool paysafe_money_same(const AmountColumn *column, TupleTableSlot *a,
							   TupleTableSlot *b);

/*
 * Why the amount is no amount of this currency, or NULL if it is one: it must
 * be finite, not negative (zero only if allowed) and have no more decimals
 * than was declared, or than the currency has.  currency is the code as stored; NULL: it is
 * not known yet, and nothing is said of its decimals.
 */
extern char *paysafe_money_fault(const AmountColumn *column, Numeric amount,
								 const char *currency, bool zero_allowed);

/* Exact arithmetic and comparison; results in the current context. */
extern Numeric paysafe_money_zero(void);
extern Numeric paysafe_money_add(Numeric a, Numeric b);
extern Numeric paysafe_money_negate(Numeric amount);
extern Numeric paysafe_money_multiply(Numeric a, Numeric b);
extern Numeric paysafe_money_trim(Numeric amount);	/* without trailing zeros */
extern int	paysafe_money_compare(Numeric a, Numeric b);
extern int	paysafe_money_sign(Numeric amount); /* -1, 0 or 1; of NaN 1 */
extern char *paysafe_money_text(Numeric amount);

/*
 * An amount of the column's as people say it.  Minor units are "9.50 EUR" in both; major
 * units "9.50 EUR" in words, and "9.50" as spoken beside the currency.  Without a currency,
 * or of one whose decimals are not known, the amount as it is stored.
 */
extern char *paysafe_money_words(const AmountColumn *column, Numeric amount, const char *currency);
extern char *paysafe_money_spoken(const AmountColumn *column, Numeric amount, const char *currency);

/*
 * Decimals of a currency from paysafe.currency (ISO 4217 and what the DBA
 * added; case does not matter), or -1 if the code is unknown.  Cached per
 * backend.
 */
extern int	paysafe_money_scale(const char *currency);

/*
 * A currency's code in the one spelling that paysafe.currency has, so that "eur" and
 * "EUR " are "EUR"; without trailing blanks, otherwise as it is, if it is unknown.
 */
extern char *paysafe_money_code(char *currency);

extern void paysafe_money_init(void);

#endif							/* PAYSAFE_MONEY_H */
