/*-------------------------------------------------------------------------
 *
 * kept.h
 *	  By what a sum that is kept from one transaction to the next is known to hold still.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEPT_H
#define PAYSAFE_KEPT_H

#include "utils/numeric.h"
#include "utils/rel.h"

#include "engine/rule.h"
#include "store/own_table.h"
#include "values/key_columns.h"
#include "values/row_filter.h"
#include "values/status_value.h"

/* More rows than that are not added up each time. */
#define PAYSAFE_KEPT_FEW	100

/*
 * A stamp of a leaf: whatever changes its rows, or what they mean, without a check makes
 * another one.
 */
typedef struct KeptStamp
{
	uint64		hash;
	bool		loose;			/* what rows say may change without them: nothing is kept */
} KeptStamp;

/* What the sum reads of a row. */
extern void paysafe_kept_add_number(KeptStamp *stamp, uint64 number);
extern void paysafe_kept_add_column(KeptStamp *stamp, Relation leaf, AttrNumber attnum);
extern void paysafe_kept_add_statuses(KeptStamp *stamp, Relation leaf, const StatusSet *set);
extern void paysafe_kept_add_key(KeptStamp *stamp, Relation leaf, const KeyColumns *key);
extern void paysafe_kept_add_filter(KeptStamp *stamp, Relation leaf, const RowFilter *rows);

/* The stamp, with all that the leaf stands on; 0: nothing is kept of it. */
extern uint64 paysafe_kept_stamp(KeptStamp *stamp, const CompileInput *input);

/*
 * Of all leaves of a table, each as its rules say now; 0: nothing is kept.  To be asked
 * before the rows are read.  rule: of refunds, of which a table may have several; or NULL.
 */
typedef uint64 (*KeptLeafStamp) (Relation leaf, Oid root, const char *rule);
extern uint64 paysafe_kept_stamp_of(Oid root, const char *rule, KeptLeafStamp stamp_of_leaf);

/* Such a stamp, and of other tables whose rows say what these are. */
extern uint64 paysafe_kept_stamp_with(uint64 stamp, List *tables);

/*
 * The next number, above top, the largest one there is of the payment or account.  Whatever
 * has the larger number is the newer one.
 */
extern int64 paysafe_kept_number(int64 top, const char *what);

/* The tables begin with these columns; that of entries has an account. */
enum
{
	KEPT_RELATION, KEPT_PAYMENT
};

/* Payments (char *) of which sums of the root's rows are kept, by the rule unless that is NULL; each once. */
extern List *paysafe_kept_payments(PaysafeTable table, const char *index, Oid root, const char *rule);

/* What is told of a sum that is not what the rows come to. */
typedef void (*KeptFault) (const char *what, Numeric kept, Numeric exact, void *arg);

#endif							/* PAYSAFE_KEPT_H */
