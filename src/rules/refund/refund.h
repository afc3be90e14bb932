/*-------------------------------------------------------------------------
 *
 * refund.h
 *	  The refund rules parts: its state, payments and refunds as rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_H
#define PAYSAFE_REFUND_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "engine/existing.h"
#include "engine/rule.h"
#include "people/approval.h"
#include "people/person.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/status_value.h"

/* The rule for a leaf of the refund table. */
typedef struct RefundSide
{
	AttrNumber	payment_attnum;
	Oid			payment_type;	/* base type of the column */
	AmountColumn amount;
	StatusColumn currency;
	StatusSet	gated;			/* also has the status column */
	StatusSet	voided;
	List	   *thresholds;		/* of Threshold, newest versions */
	Machine    *machine;		/* of the status column, or NULL */
} RefundSide;

/* The rule for a leaf of the payment table. */
typedef struct PaymentSide
{
	AttrNumber	key_attnum;
	AmountColumn captured;
	StatusColumn currency;
} PaymentSide;

typedef struct RefundState
{
	bool		is_payment;		/* which of the two sides is filled in */
	RefundSide	refund;
	PaymentSide payment;
	Oid			leaf;
	Oid			refund_root;
	Oid			payment_root;
	char	   *payment_key;	/* column of the payment that refunds refer to */
	char	   *payment_amount; /* its captured amount */
	char	   *payment_currency;
	TimestampTz since;			/* the rule's declaration */
} RefundState;

#define REFUND_REQUESTED "requested"
#define REFUND_GATED	 "gated"

/* Something that paysafe remembers of a refund. */
typedef struct RefundEvent
{
	char	   *refund;
	char	   *kind;
	Person		person;
	TimestampTz at;
} RefundEvent;

typedef struct LockedPayment
{
	char	   *key;			/* as text; equal references have one */
	Numeric		captured;		/* NULL if nothing is */
	char	   *currency;		/* NULL if missing */
} LockedPayment;

typedef struct RefundSum
{
	const RefundState *state;
	const RefundSide *side;		/* of the leaf being read */
	const RelationRules *rules; /* of the leaf being read */
	int			rows;			/* all, void ones too */
	Numeric		total;			/* not void */
	/* only if events are given: what passed the gate since then, but this one */
	List	   *events;
	Relation	except_leaf;
	TupleTableSlot *except;
	TimestampTz gate_from;
	Numeric		gate_total;
} RefundSum;

/* The columns of a payment's leaf table; raises 42703 or 22023. */
extern void paysafe_refund_compile_payment(PaymentSide *side, Relation leaf,
										   const RefundState *state);

/*
 * Lock the payment's row against other refunds and changes of the payment,
 * and read its newest version.  Returns how many rows the key names (2: more
 * than one); locks only if it is one.
 */
extern int	paysafe_refund_lock_payment(const RefundState *state, Datum key, Oid keytype,
										LockedPayment *out);

/*
 * The key of the payment that refunds with this reference belong to, as text;
 * the reference itself if there is no such payment.
 */
extern char *paysafe_refund_payment_key(const RefundState *state, Datum key, Oid keytype);

/* What paysafe remembers of the refunds of a payment: list of RefundEvent. */
extern List *paysafe_refund_events(const RefundState *state, const char *payment);
extern void paysafe_refund_add_event(const RefundState *state, const char *payment,
									 const char *refund, const char *kind, Numeric amount,
									 const char *currency, int approvals);

/* Those who requested a refund; NIL if it was there before the rule. */
extern List *paysafe_refund_requesters(List *events, const char *refund);

/*
 * When the refund passed the gate; 0 if it never did.  One that was in a gated
 * status when the rule was declared counts as passed then.
 */
extern TimestampTz paysafe_refund_gate_passed(const RefundState *state, const RefundSide *side,
											  List *events, const char *refund,
											  TupleTableSlot *row);

/* The refund rule compiled for a leaf of the refund table; raises 55000. */
extern const Rule *paysafe_refund_rule_of(Relation leaf, Oid refund_root,
										  const RelationRules **rules);

/*
 * Add up the refunds of a payment, as committed now and by this transaction.
 * own_rules, if given, are those of state's leaf, which are in use and must
 * not be looked up again.
 */
extern void paysafe_refund_sum(const RefundState *state, const RelationRules *own_rules,
							   Datum payment, Oid payment_type, RefundSum *sum);

/* The amount of a row whose amount is known to be there. */
extern Numeric paysafe_refund_amount(const RefundSide *side, TupleTableSlot *row);

/*
 * What an approval of this refund binds: the row, the status it leaves, and
 * how often it passed the gate before: what is left over of one attempt is
 * worth nothing for the next.
 */
extern void paysafe_refund_digest(const RefundSide *side, const char *payment,
								  const char *refund, TupleTableSlot *row,
								  List *events, uint8 *digest);

/*
 * Why the refund's own columns are not possible, or NULL; then the column and
 * the SQLSTATE too.
 */
extern char *paysafe_refund_fault(const RefundSide *side, TupleTableSlot *row,
								  const char **column, int *sqlstate);

/* Parts of the RuleKind; see rule.h. */
extern void paysafe_refund_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
										  ExistingReport *report);
extern void paysafe_refund_check_existing_end(const Rule *rule, ExistingReport *report);
extern char *paysafe_refund_describe(const char *name, Oid reference, Jsonb *spec);

#endif							/* PAYSAFE_REFUND_H */
