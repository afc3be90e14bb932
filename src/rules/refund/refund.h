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
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "base/crypto.h"
#include "engine/currency.h"
#include "engine/existing.h"
#include "engine/rule.h"
#include "people/approval.h"
#include "people/rejection.h"
#include "people/person.h"
#include "values/captured.h"
#include "values/key_columns.h"
#include "values/machine.h"
#include "values/money.h"
#include "values/row_filter.h"
#include "values/status_value.h"

/* The status column of another rule of the same table, which judges it for its own rows. */
typedef struct OtherStatus
{
	AttrNumber	attnum;
	RowFilter	rows;
} OtherStatus;

/* The rule for a leaf of the refund table. */
typedef struct RefundSide
{
	KeyColumns	payment;		/* they refer to it; of payouts: to whom, or of what */
	bool		payout;			/* there are no payments */
	KeyColumns	beneficiary;	/* whom the money goes to; none: nothing says that */
	AmountColumn amount;
	bool		other_units;	/* it may not count in those of the payments */
	bool		own_currency;	/* otherwise it is the constant, or the payment's */
	StatusColumn currency;
	char	   *constant;		/* all have this currency, or NULL */
	bool		shares_place;	/* it has it where its payment has it, in one table */
	Currency	place;
	bool		running;		/* no row is a refund: the amount is what has been paid back so far, */
	bool		limited;		/* ... and there is a payment rule, which says */
	Captured	captured;		/* ... what that is at most */
	RowFilter	rows;			/* which rows are refunds */
	StatusSet	gated;			/* also has the status column */
	StatusSet	voided;
	StatusSet	recorded;		/* say what has happened; some of gated */
	bool		deletable;		/* what is deleted counts no longer */
	StatusSet	chargeback;		/* types of rows that nobody was asked for; may be none */
	StatusSet	always_gated;	/* gated in every version of this declaration */
	RowKey		whole;			/* names rows for their events */
	int			napproved;		/* columns that an approval is of, in the order of names */
	AttrNumber *approved;
	Bitmapset **inputs;			/* of each: what it is computed from, or NULL */
	int			nothers;		/* of these not in rows that other rules hold for: their status, */
	OtherStatus *others;		/* ... and what is computed from it */
	List	   *thresholds;		/* of Threshold, newest versions */
	Machine    *machine;		/* of the status column, or NULL */
} RefundSide;

/* The rule for a leaf of the payment table. */
typedef struct PaymentSide
{
	KeyColumns	key;			/* refunds refer to it */
	Captured	captured;
	bool		summed;			/* captured is what its captures come to (captures.h) */
	Currency	currency;
	bool		twins;			/* no index sees that the key is there once */
	bool		net;			/* the captured column falls with refunds (refund_net.c) */
	Oid			declared_on;	/* net: the payment rule's table, */
	TimestampTz net_since;		/* ... since when it says so, */
	RowKey		whole;			/* ... and what names its rows */
	bool		shared;			/* refunds are rows of the leaf, too (refund_shared.c) */
	bool		ruled;			/* shared: a rule says which rows are payments */
	RowFilter	payments;		/* ... these, */
	RowFilter	refunds;		/* ... and these are not */
} PaymentSide;

typedef struct RefundState
{
	bool		is_payment;		/* which of the two sides is filled in */
	RefundSide	refund;
	PaymentSide payment;
	Oid			leaf;
	Oid			refund_root;
	const char *rule;			/* its name: a table may have several */
	bool		payout;			/* there are no payments: nothing limits them */
	Oid			payment_root;	/* InvalidOid: the payment is the group of rows of one reference */
	List	   *payment_key;	/* names of the payment's columns that refunds refer to */
	char	   *payment_amount; /* its captured amount; NULL: as its payment rule says */
	char	   *payment_currency;	/* the same */
	int			declaration;	/* the first version since the rule was declared anew */
	TimestampTz since;			/* of that version */
	TimestampTz changed;		/* of the newest one */
	bool		observed;		/* refuses nothing */
	uint64		kept_stamp;		/* of totals of the leaf's refunds (refund_kept.h) */
	bool		indexed;		/* while rows wait to be looked at: a payment's refunds are found by an index */
} RefundState;

/*
 * A refund's life, as its events tell it (refund_event.c).
 */
typedef enum RefundStage
{
	REFUND_WAITING,				/* requested; has not passed the gate, or left again */
	REFUND_PASSED,				/* has passed the gate */
	REFUND_FACT,				/* paid out without having passed it, and a breach */
	REFUND_VOID,
	REFUND_GONE					/* no such row */
} RefundStage;

/* A refund of this key has passed the gate, and was void, or went back before it, later. */
typedef struct EndedPassing
{
	TimestampTz at;				/* when it passed */
	Numeric		amount;			/* as the table has it; NULL if it has none */
	char	   *currency;		/* that it had then; NULL: nobody knows */
} EndedPassing;

typedef struct RefundLife
{
	char	   *key;			/* whole primary key */
	int			steps;			/* events so far, of earlier rows too */
	bool		told;			/* the last event is of this declaration */
	RefundStage stage;
	TimestampTz passed;			/* the gate, or was paid all the same, for the last time; 0: never */
	EndedPassing passing;		/* ... what that was of, if an event tells of it */
	char	   *currency;		/* that it had then, or NULL */
	List	   *ended;			/* of EndedPassing: it passed, and was void or went back later */
	int			approvals;		/* that were used then */
	List	   *bands;			/* of char *: of thresholds that it was above then */
	List	   *columns;		/* names of those that had a value then; NIL: nobody approved */
	uint8		content[PAYSAFE_SHA256_LEN];	/* of these */
	bool		altered;		/* it passed, but with another content than it has: it waits */
	List	   *requesters;		/* of Person, each with the least that was known of them */
	List	   *writers;		/* the same: who has changed since what approvals are of */
	int			changes;		/* of the steps: such changes */
	TimestampTz requested;		/* for the last time; 0: before the rule */
	TimestampTz changed;		/* what approvals are of, for the last time; 0: never */
} RefundLife;

#define REFUND_REQUESTED "requested"	/* added, or taken back from a void status */
#define REFUND_CHANGED	 "changed"	/* what approvals are of says something else */
#define REFUND_GATED	 "gated"	/* has passed the gate */
#define REFUND_RECORDED	 "recorded"	/* was paid out without having passed it */
#define REFUND_LEFT		 "left" /* has gone back before the gate */
#define REFUND_VOIDED	 "voided"
#define REFUND_MOVED	 "moved"	/* another row of the same key may come here */
#define REFUND_DELETED	 "deleted"

/*
 * The refunds, or captures, of a payment by one of the rules that are declared for it: of refunds, one
 * table may have several, and each row is of at most one of those that have the same payments.
 */
typedef struct RefundTable
{
	Oid			root;
	const char *rule;			/* of refunds; otherwise NULL */
	Oid			payment_root;
	KeyValues	key;			/* what they refer to it by */
	char	   *key_text;
	bool		observed;		/* its rule refuses nothing */
	bool		group;			/* payments are no rows: captures stand in the same table */
	const char *currency;		/* of payouts: only those in it; or NULL */
} RefundTable;

/* A payment whose captured column is net of its refunds. */
typedef struct NetPayment
{
	Oid			declared_on;
	TimestampTz since;
	char	   *key;			/* whole */
	Numeric		ceiling;		/* of what is captured in all, or NULL */
} NetPayment;

typedef struct FoundPayment
{
	char	   *key;			/* as text; equal references have one */
	char	   *identity;		/* the same for all tables that refer to it */
	List	   *tables;			/* of RefundTable */
	List	   *captures;		/* the same: where its captures are, if those say what is captured */
	bool		minor;			/* units of its amounts, and of all sums of its refunds */
	/* exact only if locked, and if there are captures there only then: */
	Numeric		captured;		/* NULL if nothing is; what the column says, if it is net */
	NetPayment *net;			/* NULL if it is not */
	char	   *currency;		/* NULL if missing */
	bool		test;			/* engine/test_rows.h; if it was found without a lock */
	bool		hidden;			/* engine/shown.h: the transaction may not know of it */
	char	   *owner;			/* the same: whose it is, or NULL */
} FoundPayment;

typedef struct RefundSum
{
	bool		minor;			/* units that are wanted, as the payment has them, */
	const char *currency;		/* ... in its currency */
	bool		relied_on;		/* somebody does, though these are only observed */
	bool		lawful;			/* only what was accepted: not what is a breach */
	int			rows;			/* all, void ones too */
	Numeric		total;			/* not void */
	/*
	 * only if wanted: what passed the gate since gate_from, as often as it did, also if that
	 * is void or gone by now, of that only what was in this currency; this row only as often as it
	 * was void since
	 */
	bool		gate;
	TimestampTz gate_from;
	Oid			except_leaf;
	TupleTableSlot *except;
	Numeric		gate_total;
	/* only if wanted: what counts and was requested before */
	bool		old;
	TimestampTz old_before;
	Numeric		old_total;
} RefundSum;

/*
 * refund_rows.c
 */

/*
 * The columns of a payment's leaf table; raises 42703 or 22023.  sources: the leaf's
 * rules, of which the payment's may be followed.
 */
extern void paysafe_refund_compile_payment(PaymentSide *side, Relation leaf,
										   const RefundState *state, List *sources);

/* Is it what the rule's own refunds are? */
extern bool paysafe_refund_is_own(const RefundTable *table, const RefundState *state);

/* The refunds of this payment: of all tables declared for its table. */
extern List *paysafe_refund_tables(const RelationRules *payment_rules, TupleTableSlot *payment);

/*
 * The same if they are limited by what its captures come to, otherwise none; and what the
 * payment is called there.
 */
extern void paysafe_refund_describe_summed(const RelationRules *payment_rules, TupleTableSlot *payment,
										   FoundPayment *out);

/* What is captured of a locked payment, added up anew if that may be out of step. */
extern void paysafe_refund_look_again(FoundPayment *payment);

/* The same of a group of rows of the table itself, whose refunds are those of the rule "refund". */
extern void paysafe_refund_describe_group(Oid root, const KeyValues *key, bool observed, bool minor,
										  FoundPayment *out);

/* The payment's key that a text stands for; raises 22023 if it is none. */
extern void paysafe_refund_payment_argument(const RefundState *state, char *text, KeyValues *out);

/*
 * Find the payment.  Returns how many rows the key names (2: more than one); if
 * none, its key is the reference's.
 */
extern int	paysafe_refund_find_payment(const RefundState *state, const KeyValues *key,
										FoundPayment *out);

/*
 * The currency of a refund that counts, other than this row, where it says one: of one
 * payment all are in the same.  NULL if there is none.
 */
extern char *paysafe_refund_counted_currency(List *tables, Oid except_leaf, TupleTableSlot *except);

/* The same for what reads refunds: with the currency that only captures may say. */
extern int	paysafe_refund_read_payment(const RefundState *state, const KeyValues *key,
										FoundPayment *out);

/*
 * Lock the payment's row against other refunds and changes of the payment,
 * and read its newest version.  Locks only if the key names one row, and if some rule
 * of its refunds is more than observed.  One that is hidden from the transaction is neither
 * locked nor read without hidden_too: out has that it is hidden, and its key.
 */
extern int	paysafe_refund_lock_payment(const RefundState *state, const KeyValues *key, bool hidden_too,
										FoundPayment *out);

/*
 * Is the group, or what payouts are of, another tenant's?  It has the tenant in its name.  False where payments
 * are rows.
 */
extern bool paysafe_refund_is_hidden_group(const RefundState *state, const KeyValues *key);

/* Whose the refund is, or its payment, as text; NULL: nobody's. */
extern char *paysafe_refund_owner(Relation leaf, TupleTableSlot *row, const FoundPayment *payment);

/* The refund rule compiled for a leaf of the refund table; raises 55000. */
extern const Rule *paysafe_refund_rule_of(Relation leaf, Oid refund_root, const char *name,
										  const RelationRules **rules);

/* Does nobody rely on the sum over these tables? */
extern bool paysafe_refund_only_observed(List *tables);

/* Add up the refunds in these tables, as committed now and by this transaction. */
extern void paysafe_refund_sum(List *tables, RefundSum *sum);

/* The refund's currency: its own, or that of its payment; NULL if that has none. */
extern char *paysafe_refund_currency(const RefundSide *side, TupleTableSlot *row,
									 const FoundPayment *payment);

/* Is it one that nobody is asked for? */
extern bool paysafe_refund_is_chargeback(const RefundSide *side, TupleTableSlot *row);

/* A row of another type has become one of the rule's: 23R03 if it is a chargeback now. */
extern void paysafe_refund_check_type(const Rule *rule, const RowChange *change);

/* The amount, of payouts without its sign; false for NULL. */
extern bool paysafe_refund_value(const RefundSide *side, TupleTableSlot *row, Numeric *out);

/* The amount of a row whose amount is known to be there, in the units of its payment. */
extern Numeric paysafe_refund_amount(const RefundSide *side, TupleTableSlot *row,
									 const FoundPayment *payment);

/* An amount of the refund's column in other units; as it is, if nobody knows their decimals. */
extern Numeric paysafe_refund_in_units(const RefundSide *side, Numeric amount, bool minor,
									   const char *currency);

/*
 * refund_net.c: payments whose captured column falls with their refunds
 */
extern void paysafe_refund_net_compile(PaymentSide *side, Relation leaf, const RuleSource *payment);
extern void paysafe_refund_net_describe(const PaymentSide *side, TupleTableSlot *row, FoundPayment *out);

/*
 * What a locked payment has captured in all, whatever its column says.  keep: this may
 * be stored, so that it need not be added up again.
 */
extern Numeric paysafe_refund_net_captured(const FoundPayment *payment, bool keep);

/* A refund of a locked payment has become void. */
extern void paysafe_refund_net_voided(const FoundPayment *payment, const RowChange *change);

/* Check a change of the column of a payment that has this key. */
extern void paysafe_refund_net_check(const Rule *rule, const RowChange *change, List *tables,
									 const char *key);

/*
 * refund_compile.c
 */

/* Both sides of the rule; see rule.h. */
extern void *paysafe_refund_compile(const CompileInput *input);

/*
 * refund_shared.c: payments and refunds that are rows of one table
 */

/* What tells them apart on a leaf of both; raises 22023 if nothing does. */
extern void paysafe_refund_shared_compile(PaymentSide *side, Relation leaf, const Jsonb *refund_spec,
										  const RuleSource *payment);

/* Is the row a payment?  Where refunds have a table of their own, all are. */
extern bool paysafe_refund_shared_is_payment(const PaymentSide *side, TupleTableSlot *row);

/* Refuse that a payment becomes something else, whatever its own rule says. */
extern void paysafe_refund_shared_check(const Rule *rule, const RowChange *change, bool has_refunds);

/*
 * refund_running.c: refunds without rows, in a column of the payment that rises
 */
extern void paysafe_refund_running_compile(RefundSide *side, const CompileInput *input);
extern void paysafe_refund_running_check(const Rule *rule, const RowChange *change);

/*
 * The payment that an approval in advance is for, locked FOR NO KEY UPDATE unless the rule only observes: its currency, and
 * what is captured (NULL: nothing limits it).  Returns how many rows have the key.
 */
extern int	paysafe_refund_running_payment(const RefundState *state, const KeyValues *key, FoundPayment *out);

extern void paysafe_refund_running_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
											ExistingReport *report);

/*
 * refund_payout.c: money that leaves without a payment.  What it is of has the place of
 * the payment's key.
 */

/* What the key names, as if it were a payment; locked if that is said. */
extern void paysafe_refund_payout(const RefundState *state, const KeyValues *key, bool lock,
								  FoundPayment *out);

/* Of payouts only those in this currency count; nothing of refunds. */
extern void paysafe_refund_payout_in(const RefundState *state, FoundPayment *payment,
									 const char *currency);

/*
 * refund_total.c: sums of the payments that this transaction has locked.  They are
 * at least the exact ones, since others can only void refunds meanwhile: what fits
 * need not be added up again.
 */

/*
 * The refunds of a locked payment with this change, which is that of a refund of
 * the rule that begins to count (NULL: of something else); exact if fresh.
 */
extern Numeric paysafe_refund_total(const FoundPayment *payment, const RefundState *state,
									const RowChange *change, Numeric amount, bool fresh);

/* One that counted does no longer. */
extern void paysafe_refund_total_less(const FoundPayment *payment, const RefundState *state,
									  const RowChange *change, Numeric amount);

/* What passed the gate within the period, without this change's row. */
extern Numeric paysafe_refund_passed_within(const RefundState *state, const FoundPayment *payment,
											const RowChange *change, int64 within, bool fresh);

/* This change's row passes it, too. */
extern void paysafe_refund_has_passed(const RefundState *state, const FoundPayment *payment,
									  const RowChange *change);

/* Rules were compiled: which tables there are may have changed. */
extern void paysafe_refund_total_forget(void);
extern void paysafe_refund_total_end(bool aborted);
extern void paysafe_refund_total_end_subtransaction(bool committed, int level);

/*
 * refund_hint.c
 */

/* What to do about a refund that may not pass; before: its life, as an approval saw it. */
extern char *paysafe_refund_gate_hint(const RefundState *state, const RowChange *change,
									  const ApprovalMoney *money, const RefundLife *before);

/* What to do instead of changing what stays of it. */
extern char *paysafe_refund_again_hint(const RefundSide *side);

/*
 * refund_event.c
 */

/*
 * The life of a row; one that no event tells of is derived from its status.  A row
 * that passed the gate with the content that was approved, and has another one by now,
 * waits like one that never did: no UPDATE could do that, so its columns are others.
 * to_add: an event is likely to follow.
 */
extern RefundLife *paysafe_refund_life(const RefundState *state, const char *payment,
									   Relation leaf, TupleTableSlot *row, bool to_add);

/*
 * The lives of a payment's refunds in a table, by whole key; to be asked for one row.
 * What they contained when they passed the gate is not looked at.
 */
typedef struct RefundLives RefundLives;
extern RefundLives *paysafe_refund_lives(const RefundState *state, const char *payment);
extern void paysafe_refund_lives_of(RefundLives *lives, const RefundState *state,
									Relation leaf, TupleTableSlot *row, RefundLife *out);

/* By how much the column of a payment has risen since then in the currency (NULL: any), and how many events it has. */
extern Numeric paysafe_refund_risen_within(const RefundState *state, const char *payment, const char *currency,
										   int64 within, bool to_add, int *steps);

/* It has risen; is_fact: without the approvals that it needed. */
extern void paysafe_refund_add_rise(const RefundState *state, const char *payment, const char *refund,
									const char *whole_key, int step, Numeric amount,
									const char *currency, bool is_fact, int approvals, List *bands);

/* Add an event to a life; amount and currency of the row, which may be missing. */
extern void paysafe_refund_add_event(const RefundState *state, RefundLife *life,
									 const FoundPayment *payment, const char *refund,
									 TupleTableSlot *row, const char *kind, int approvals);

/* Somebody has changed what approvals are of: that and no more happens to the life. */
extern void paysafe_refund_add_change(const RefundState *state, RefundLife *life, const FoundPayment *payment,
									  const char *refund, TupleTableSlot *row);

/* The row has another whole key: its life goes on under that one, and is returned. */
extern RefundLife *paysafe_refund_move(const RefundState *state, RefundLife *life,
									   const FoundPayment *payment, const char *refund,
									   Relation leaf, TupleTableSlot *row);

/*
 * refund_approval.c
 */

/* Which columns an approval is of. */
extern void paysafe_refund_compile_approved(RefundSide *side, const CompileInput *input);

/*
 * What an approval binds: this life of this row up to now, its payment, the status
 * it leaves, and the row, but for columns that may change.
 */
extern void paysafe_refund_digest(const RefundState *state, const RefundLife *life,
								  const char *payment, TupleTableSlot *row,
								  TupleTableSlot *status_row, uint8 *digest);

/* Has any refund of the payment in this table been void, or gone back before the gate, since then? */
extern bool paysafe_refund_any_ended(const RefundTable *table, TimestampTz from);

/*
 * What has passed the gate since then and was void, or went back before it, later, in the
 * units and the currency of a sum; with only, of the refunds in that currency.
 */
extern Numeric paysafe_refund_lives_ended(const RefundLives *lives, const RefundSum *sum, const char *only);

/*
 * What has passed the gate since then (gate_total), as often as it did, without this change's
 * row's present passing, by the events of that time.  At least that, unless it is fresh.  False: they may not tell
 * all of it.  The rules have changed since, and what rows are without events follows from what
 * they were before.
 */
extern bool paysafe_refund_passed_by_events(const RefundState *state, const FoundPayment *payment,
											const RowChange *change, RefundSum *sum, bool fresh);

/* Who has requested, or changed, rows of this payment by a rule: of Person. */
extern List *paysafe_refund_event_persons(Oid refund, const char *rule, const char *payment);

/* Is the row's status one of those in which a refund can be approved as it stands? */
extern bool paysafe_refund_is_waiting(const RefundLife *life);

/* What the row contains of the columns that an approval is of, for its event. */
extern void paysafe_refund_read_content(const RefundSide *side, TupleTableSlot *row,
										RefundLife *life);

/* Does the row contain what the event says? */
extern bool paysafe_refund_has_content(const RefundSide *side, const RefundLife *life,
									   TupleTableSlot *row);

/*
 * The first column under approval that the change gives another value, or NULL.
 * filled: only columns that had one.
 */
extern const char *paysafe_refund_changed_column(const RefundSide *side, const RowChange *change,
												 bool filled);

/*
 * refund_others.c: other rules of the same table
 */

/*
 * The status columns of the table's other rules, where this one means nothing else by them: they judge
 * them for their rows, so no approval of this one is of them there.
 */
extern void paysafe_refund_others_statuses(const CompileInput *input, RefundSide *side);

/* What a declaration of another rule takes out of the approvals of this one, in words, or NULL. */
extern char *paysafe_refund_others_loosens(const RuleSource *rule, const RuleSource *before,
											const RuleSource *after);

/* How many tables the refunds of a payment stand in. */
extern int	paysafe_refund_others_count_tables(List *tables);

/*
 * refund_advance.c
 */

/* What an approval in advance of so much of this payment is of. */
extern ApprovalMoney *paysafe_refund_money(const RefundState *state, const char *payment,
										   const char *currency, Numeric amount);

/* Of so much as a row moves; one of a payout that is taken back is approved as a row only. */
extern ApprovalMoney *paysafe_refund_row_money(const RefundState *state, const FoundPayment *payment,
											   const char *currency, TupleTableSlot *row);

/*
 * The money that the first four arguments name (refund, payment, amount, currency), and the last, the
 * rule: of one payment, which is locked, and at most what is captured; raises 22023 otherwise.  In *subject:
 * the money, the rule, and what its threshold says of approvals.
 */
extern ApprovalMoney *paysafe_refund_money_argument(FunctionCallInfo fcinfo, ApprovalSubject *subject);

/* An approval in advance that such arguments ask for: of ApprovalSubject, one. */
extern List *paysafe_refund_advance_subjects(FunctionCallInfo fcinfo);

/*
 * refund_gate.c
 */

/* Does the row say what has happened?  Then it is stored, whatever the gate and the cap say. */
extern bool paysafe_refund_is_fact(const RefundSide *side, TupleTableSlot *row);

/*
 * The refund, of a locked payment, passes the gate, or may not.  life is its life now; before, as an
 * approval saw it.
 */
extern void paysafe_refund_pass_gate(const Rule *rule, const RowChange *change, const FoundPayment *payment,
									 RefundLife *life, const RefundLife *before);

/*
 * refund_flow.c
 */

/* Does the change say another beneficiary?  Not another spelling. */
extern bool paysafe_refund_flow_goes_elsewhere(const RefundSide *side, const RowChange *change);

/*
 * refund_writer.c
 */

/* The list (of Person) with this one, once, known as well as at the worst. */
extern List *paysafe_refund_with_person(const List *persons, const Person *person);

/* Does the change write what approvals are of?  Then it is noted. */
extern void paysafe_refund_note_change(const RefundState *state, const RowChange *change,
									   const FoundPayment *payment, RefundLife *life);

/* Of a row that is added: has one of this key been changed that went unnoted? */
extern bool paysafe_refund_has_old_writers(const RefundLife *life);

/* Why not all of them were known as well as that, in a sentence, or NULL. */
extern char *paysafe_refund_unknown_writer(const List *requesters, const List *writers, IdentityLevel level);

/*
 * refund_request.c
 */
typedef struct RefundRequest
{
	ApprovalMoney money;		/* without bound */
	Person		person;
	TimestampTz at;
} RefundRequest;

/* Who asked, each once: "alice", "bob". */
extern char *paysafe_refund_requesters_words(const List *requesters);

/* What persons are called, each once: of char *. */
extern List *paysafe_refund_person_names(const List *persons);

/* ", changed by ...", or nothing. */
extern char *paysafe_refund_writers_words(const List *writers);

/* Refunds that were asked for, of a payment or of all (NULL), and wait: of RefundRequest. */
extern List *paysafe_refund_requests(Oid refund, const char *rule, const char *payment);

/* Who asks for exactly this: of Person. */
extern List *paysafe_refund_requesters(Oid refund, const char *rule, const ApprovalMoney *money);

/*
 * refund_declare.c
 */

/* Is the refund one that was stored although more was refunded than captured? */
extern bool paysafe_refund_is_breach(const RefundState *state, const RowKey *row_key, Relation leaf,
									 TupleTableSlot *row);

/*
 * Why the refund's own columns are not possible, or NULL; then the column and
 * the SQLSTATE too.  payment NULL: it is not known yet; what of the amount depends on
 * its currency is not looked at.
 */
extern char *paysafe_refund_fault(const RefundSide *side, TupleTableSlot *row,
								  const FoundPayment *payment, const char **column, int *sqlstate);

/* What a declaration of the rule says; lists of names or statuses. */
typedef struct RefundDeclaration
{
	Oid			refund;
	const char *rule;			/* its name, */
	bool		sole;			/* ... which the call did not say */
	Oid			payment;
	List	   *payment_column;
	List	   *payment_key;
	char	   *amount_column;
	char	   *currency_column;
	char	   *status_column;
	List	   *status_path;	/* keys within it, or NIL */
	List	   *gated;
	List	   *voided;
	List	   *recorded;
	char	   *payment_amount_column;
	char	   *payment_currency_column;
	bool		unapproved_named;
	List	   *unapproved;
	char	   *type_column;	/* of a table that has other movements, too */
	List	   *chargeback;		/* types of refunds that nobody was asked for */
	bool		deletable;
	Jsonb	   *rows;			/* or NULL */
	char	   *amounts;		/* or NULL: positive */
	char	   *units;			/* or NULL: the payment's */
	char	   *decimals;		/* or NULL: those of the currency */
	char	   *currency;		/* or NULL: that of a column, or the payment's */
	char	   *beneficiary_column; /* or NULL */
	bool		payout;			/* there are no payments */
} RefundDeclaration;

/* Declare it; the mode is the last argument of the call.  Both tables are locked. */
extern void paysafe_refund_declare(FunctionCallInfo fcinfo, const RefundDeclaration *declaration);

/* Parts of the RuleKind; see rule.h. */
extern void paysafe_refund_check_existing(const Rule *rule, Relation rel, TupleTableSlot *row,
										  ExistingReport *report);
extern void paysafe_refund_check_existing_end(const Rule *rule, ExistingReport *report);
extern bool paysafe_refund_in_parts(const Rule *rule);
extern char *paysafe_refund_part_of(const Rule *rule, TupleTableSlot *row);
extern bool paysafe_refund_approval_subject(const Rule *rule, const char *key, bool missing_ok, bool hidden_too,
											struct ApprovalSubject *out);
extern char *paysafe_refund_loosened_by(const RuleSource *rule, const RuleSource *before,
										const RuleSource *after);
extern char *paysafe_refund_describe(const char *name, Oid reference, Jsonb *spec);

/*
 * refund_reject.c
 */

/* A refund of a payment, as rejections meet it. */
typedef struct RefundAsked
{
	const FoundPayment *payment;	/* its rejections in all tables count; NULL: those of this rule */
	const char *key;			/* NULL: it has no row */
	TimestampTz requested;		/* 0: nobody knows */
	const List *requesters;		/* of Person */
	const struct ApprovalMoney *money;
} RefundAsked;

/*
 * Has somebody said no to it?  Then it is refused, or on record if it is a fact, and true.  In *other, if somebody
 * has said no to something else of the payment, the last of these: it takes an approval that was given after that.
 */
extern bool paysafe_refund_is_rejected(const Rule *rule, const RowChange *change, const RefundAsked *asked,
									   bool is_fact, struct Rejection **other);

/* Who has, or NULL; and *other. */
extern char *paysafe_refund_rejected_by(const RefundState *state, const RefundAsked *asked, struct Rejection **other);

/* An approval that was given after that; one more than none is needed.  Nothing if other is NULL. */
extern void paysafe_refund_after_rejection(const struct Rejection *other, struct ApprovalSubject *subject, int *needed);

/* Who has ever asked for a refund of this payment: see RuleKind. */
extern List *paysafe_refund_askers(const Rule *rule, const char *payment);

/*
 * refund_payment.c
 */

/* Check a change of the payment's row. */
extern void paysafe_refund_check_payment(const Rule *rule, const RowChange *change);

#endif							/* PAYSAFE_REFUND_H */
