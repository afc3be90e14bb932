/*-------------------------------------------------------------------------
 *
 * captures.h
 *	  What is captured of a payment as a sum of rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CAPTURES_H
#define PAYSAFE_CAPTURES_H

#include "engine/currency.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "rules/refund/refund.h"
#include "values/key_columns.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/status_value.h"

/* The rule for a leaf of the table of captures. */
typedef struct CaptureSide
{
	KeyColumns	payment;		/* they refer to it */
	AmountColumn amount;
	bool		own_currency;	/* in a column; otherwise one for all, or the payment's */
	Currency	currency;
	RowFilter	rows;			/* which rows are captures */
	StatusSet	counted;		/* also has the status column */
	StatusSet	recorded;		/* say what has happened; some of counted */
	bool		deletable;		/* what is deleted counts no longer */
	bool		typed;			/* a column says what a row is: */
	StatusColumn type;
	StatusSet	authorize;
	StatusSet	capture;		/* a sale is in both */
	StatusSet	cancel;			/* takes from what is authorized; without an amount all that is left */
} CaptureSide;

/* The rule for a leaf of the payment table. */
typedef struct CapturedSide
{
	KeyColumns	key;			/* captures refer to it */
	AmountColumn limit;			/* attnum 0: none */
	bool		guarded;		/* a payment rule says when that may rise */
	bool		has_currency;	/* otherwise its captures say it */
	Currency	currency;
	bool		is_parent;		/* captures have their currency from it */
	CurrencyParent parent;
	bool		twins;			/* no index sees that the key is there once */
} CapturedSide;

typedef struct CaptureState
{
	bool		is_payment;		/* which of the two sides is filled in */
	CaptureSide capture;
	CapturedSide payment;
	Oid			capture_root;
	Oid			payment_root;	/* InvalidOid: the payment is the group of rows of one reference */
	List	   *payment_key;	/* names of the payment's columns that captures refer to */
	Numeric		over;			/* per cent above the limit, or NULL */
	bool		refunded;		/* a group has its refunds in the same table */
	bool		observed;		/* refuses nothing */
	uint64		kept_stamp;		/* of sums of the leaf's captures (captures_kept.h) */
	bool		indexed;		/* while rows wait to be looked at: a payment's captures are found by an index */
} CaptureState;

/* What the captures of a payment come to, in all tables that are declared for it. */
typedef struct CaptureSum
{
	int			read;			/* all, also what does not count; only if just added up */
	int			rows;			/* that count */
	Numeric		captured;
	Numeric		authorized;		/* less what was cancelled */
	int			cancels;		/* of all that is left */
	char	   *currency;		/* of one that counts; NULL: none does, or they have none of their own */
	bool		mixed;			/* they have several */
	bool		settled;		/* refunds are known to be in it, too, or none counts */
} CaptureSum;

/* What a row comes to; in the current context. */
typedef struct CaptureShare
{
	bool		counts;
	bool		captures;		/* authorizes, cancels: what the row is */
	bool		authorizes;
	bool		cancels;
	Numeric		captured;		/* zero where it has none */
	Numeric		authorized;
	bool		cancels_rest;
} CaptureShare;

/* A payment, found and locked. */
typedef struct CapturedPayment
{
	char	   *key;			/* as text */
	List	   *tables;			/* of RefundTable: where its captures are */
	FoundPayment refunds;		/* its tables of refunds, and their identity */
	Numeric		limit;			/* NULL: none */
	bool		has_currency;
	char	   *currency;		/* NULL if missing */
	bool		test;			/* engine/test_rows.h */
} CapturedPayment;

/*
 * captures_rows.c
 */

/* What they say of the payment's currency, for a leaf of it; false: it is that of its captures. */
extern bool paysafe_captures_currency(Relation leaf, List *sources, Currency *out);

/*
 * Where the captures of this payment are: RefundTable, of all tables declared for its table.
 * Those that are only observed count where all are, and for rules that are observed themselves.
 */
extern List *paysafe_captures_tables(const RelationRules *payment_rules, TupleTableSlot *payment,
									 bool observed);

/* The rule compiled for a leaf of the table of captures, or NULL. */
extern const CaptureState *paysafe_captures_rule_of(Relation leaf, Oid capture_root);

/* What the row, of a leaf with this rule, comes to. */
extern void paysafe_captures_share(const CaptureSide *side, TupleTableSlot *row, CaptureShare *out);

/* Add up the captures in these tables, as committed now and by this transaction. */
extern void paysafe_captures_sum(List *tables, CaptureSum *sum);

/* Has more than the statement that made the change cancelled all that was left? */
extern bool paysafe_captures_are_cancelled(List *tables, const RowChange *change);

/* Add what other captures come to. */
extern void paysafe_captures_add(CaptureSum *sum, const CaptureSum *other);

/* What one row's change makes of its payment. */
typedef struct ShareChange
{
	Oid			root;			/* the table of the rule */
	const CaptureShare *before;
	const CaptureShare *after;
	bool		rises;			/* what is captured, against what is authorized */
	bool		falls;			/* what is captured */
	char	   *currency;		/* of what counts now, NULL if missing */
} ShareChange;

/* The sum with another share of one row instead. */
extern void paysafe_captures_apply(CaptureSum *sum, const ShareChange *share);

/*
 * The same of a payment that this transaction has locked: kept, or added up anew if
 * fresh.  share NULL: it is only read.  Otherwise the change makes the row's share another one.
 */
extern void paysafe_captures_total(List *tables, const RowChange *change, const ShareChange *share,
								   bool fresh, CaptureSum *sum);

/* From now on refunds of the payment are in the currency of what counts of it. */
extern void paysafe_captures_settle(List *tables);

/* The payment's key that a text of ours stands for; leaf: of the captures. */
extern void paysafe_captures_payment_argument(const CaptureState *state, Relation leaf, char *text,
											  KeyValues *out);

/*
 * Lock the payment's row against refunds, captures and changes of the payment, unless the
 * rule is only observed.  Returns how many rows the key names.  One that is hidden from the
 * transaction is locked only with hidden_too.
 */
extern int	paysafe_captures_lock_payment(const CaptureState *state, const KeyValues *key,
										  bool hidden_too, CapturedPayment *out);

/* The same without a lock. */
extern int	paysafe_captures_find_payment(const CaptureState *state, const KeyValues *key,
										  CapturedPayment *out);

/* Lock the group of rows of the table that a key names. */
extern void paysafe_captures_lock_group(Oid root, const char *key);

/* The payment as its rules see the row, which is locked. */
extern void paysafe_captures_describe(const CaptureState *state, const RelationRules *rules,
									  TupleTableSlot *row, CapturedPayment *out);

/* Why the sum is more than is authorized, or NULL. */
extern char *paysafe_captures_excess(const CaptureState *state, const CapturedPayment *payment,
									 const CaptureSum *sum);

/* Why it may not be as little that is captured, or NULL: more is refunded. */
extern char *paysafe_captures_shortfall(const CapturedPayment *payment, const RowChange *change,
										const CaptureSum *captures);

/*
 * captures_payment.c
 */

/* Check a change of the payment's row. */
extern void paysafe_captures_check_payment(const Rule *rule, const RowChange *change);

/*
 * captures_kept.c
 */

/* As paysafe_refund_kept_stamp. */
extern uint64 paysafe_captures_kept_stamp(const CaptureState *state, const CompileInput *input);

/*
 * captures_declare.c
 */

/* Why the row's own columns are not possible, or NULL; then the column and the SQLSTATE, too. */
extern char *paysafe_captures_fault(const CaptureSide *side, const CaptureShare *share,
									TupleTableSlot *row, const char *currency,
									const char **column, int *sqlstate);

/* Raises 22023 if the other rule (name) of the table is one of groups: both lock the same. */
extern void paysafe_captures_check_group(Oid relation, const char *name, const char *function);

/* Parts of the RuleKind; see rule.h. */
extern void paysafe_captures_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
											ExistingReport *report);
extern void paysafe_captures_check_existing_end(const Rule *rule, ExistingReport *report);
extern bool paysafe_captures_in_parts(const Rule *rule);
extern char *paysafe_captures_part_of(const Rule *rule, TupleTableSlot *row);
extern char *paysafe_captures_describe_rule(const char *name, Oid reference, Jsonb *spec);

#endif							/* PAYSAFE_CAPTURES_H */
