/*-------------------------------------------------------------------------
 *
 * currency.h
 *	  Where the currency of a row stands.
 *
 * In a column of the row; nowhere, because all rows have one and the same; or in a
 * row that it refers to, in the same three ways: the order's event, say.
 *
 * Each step of such a path is a rule by itself.  The row's own rule names its column,
 * the table that it refers to, as its reference, and the column there; where that one
 * leads on, the table has a rule "currency" that says the same of its rows.  So the
 * rules of a table know which of its rows others depend on: what leads to their
 * currency stays while they are there.
 *
 * Exact under concurrency: whoever begins to depend on a row locks it as a foreign key
 * does (FOR KEY SHARE) and reads its newest version; whoever changes what others may
 * depend on waits for those (FOR UPDATE on the row just changed) and then looks for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CURRENCY_H
#define PAYSAFE_CURRENCY_H

#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "engine/rule.h"
#include "values/entry.h"
#include "values/spec.h"
#include "values/status_value.h"

/* The rule of which rows are tests finds what says it like a currency (engine/test_rows.h). */
#define TEST_ROWS_RULE	"test_rows"

typedef enum CurrencyPlace
{
	CURRENCY_COLUMN,
	CURRENCY_CONSTANT,
	CURRENCY_PARENT
} CurrencyPlace;

typedef struct Currency
{
	CurrencyPlace place;
	const char *name;			/* the row's column that says it; NULL: none does */
	StatusColumn column;		/* CURRENCY_COLUMN */
	char	   *constant;		/* CURRENCY_CONSTANT */
	AttrNumber	via;			/* CURRENCY_PARENT: the column that refers to a row ... */
	Oid			via_type;		/* ... its base type */
	Oid			parent;			/* ... of this table */
	char	   *parent_key;
	char	   *parent_column;	/* what is the currency there, */
	bool		further;		/* ... or leads to it */
	bool		observed;		/* nobody waits, or is stopped, for want of it */
	bool		any_state;		/* no currency: what says it is of any type of a status */
} Currency;

/* The rows of a table that a rule's rows depend on. */
typedef struct CurrencyParent
{
	AttrNumber	key;			/* by which they are referred to */
	AttrNumber	column;			/* that says their currency, or leads on to it */
	const RuleSource *child;	/* the rule */
} CurrencyParent;

/* What rules of the kind "currency" compile to; for a reference, only the parent. */
typedef struct CurrencyState
{
	bool		is_parent;
	Currency	currency;
	CurrencyParent parent;
} CurrencyState;

typedef enum CurrencyFound
{
	CURRENCY_KNOWN,
	CURRENCY_OPEN,				/* the row refers to no other yet */
	CURRENCY_MISSING,			/* there is none */
	CURRENCY_NOWHERE			/* any_state: the row refers to what is not there, or to several */
} CurrencyFound;

/* Where the rows of a leaf have it, by a rule's specification; raises 42703 or 22023. */
extern void paysafe_currency_compile(Relation leaf, const RuleSource *source, Currency *out);

/* A column of which somebody else says that it is the currency. */
extern void paysafe_currency_column(Relation leaf, const char *column, Currency *out);

/*
 * The row's currency.  depend: the row begins to depend on what says it.  *code is
 * NULL unless it is known.
 */
extern CurrencyFound paysafe_currency_of(const Currency *currency, TupleTableSlot *row,
										 bool depend, char **code);

/* Does the change leave it as it was?  One that was open may be filled in. */
extern bool paysafe_currency_stays(const Currency *currency, const RowChange *change);

/* Do both rows refer to it in the same way? */
extern bool paysafe_currency_same(const Currency *currency, TupleDesc desc,
								  TupleTableSlot *a, TupleTableSlot *b);

/*
 * The part of a rule that is compiled for the leaves of its reference; raises 55000 if
 * what leads on from there is gone.
 */
extern void paysafe_currency_compile_parent(const CompileInput *input, CurrencyParent *out);

/*
 * Refuse a change of a row that others depend on; if the rule is enforced, by rules that
 * are, too.
 */
extern void paysafe_currency_check_parent(const Rule *rule, const CurrencyParent *parent,
										  const RowChange *change);

/*
 * Entries of a ledger that have their currency from other rows: tell how, for a leaf.
 * The rule of the ledger, or the one that is in force.  Does nothing of others.
 */
extern void paysafe_currency_of_entries(Relation leaf, const RuleSource *rule, EntryColumns *out);
extern void paysafe_currency_of_ledger(Relation leaf, Oid ledger, EntryColumns *out);

/* The tables whose rows say the currency of such entries, or lead there; NIL: none. */
extern List *paysafe_currency_tables_of_entries(const EntryColumns *columns);

/* Begin to depend on what says the currency of a new entry. */
extern void paysafe_currency_hold_entry(const EntryColumns *columns, TupleTableSlot *row);

/*
 * Arguments of a declaration of this rule: one of the three is not NULL, otherwise raises 22023.
 * What a path needs of other tables is declared, in the mode of the rule, unless a rule that
 * is enforced needs it; the first of them is returned, which is the reference of the rule, or
 * InvalidOid.
 */
extern Oid	paysafe_currency_declare(SpecBuilder *spec, Oid relation, const char *column,
									 const char *constant, List *path, List *tables, bool observed);

/* The tables that the columns of a path but the last refer to: OIDs, or NIL; raises 22023. */
extern List *paysafe_currency_tables_argument(FunctionCallInfo fcinfo, int n);

/*
 * The same for a rule of this name that knows already where the first column of a path
 * leads: to this key of this table.
 */
typedef struct CurrencyStep
{
	char	   *column;
	Oid			parent;
	char	   *parent_key;
} CurrencyStep;

extern Oid	paysafe_currency_declare_from(SpecBuilder *spec, Oid relation, const char *rule,
										  const CurrencyStep *first, const char *column,
										  const char *constant, List *path, List *tables,
										  bool observed);

/* "currency", "USD", "order_id.event_id.currency": what a specification says. */
extern char *paysafe_currency_words(const Jsonb *spec);

/* What the keys mean, in a kind's list of fields. */
#define CURRENCY_FIELDS \
	{"currency_column", SPEC_COLUMN}, \
	{"currency", SPEC_TEXT}, \
	{"currency_path", SPEC_TEXT}, \
	{"currency_via", SPEC_COLUMN, .shared = true}, \
	{"currency_parent_key", SPEC_REFERENCE_COLUMN}, \
	{"currency_parent_column", SPEC_REFERENCE_COLUMN}, \
	{"currency_further", SPEC_FLAG}

#endif							/* PAYSAFE_CURRENCY_H */
