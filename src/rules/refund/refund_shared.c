/*-------------------------------------------------------------------------
 *
 * refund_shared.c
 *	  Payments and refunds that are rows of one table.
 *
 * A refund refers to another row of its own table: odoo's transactions, woocommerce's
 * orders.  Both sides of the rule are compiled for the same leaf then, and each row is
 * shown to both; "rows" of the two rules say which is which.  They exclude each other, so
 * that no row is both, and a row does not go from one to the other: what refunds were
 * allowed for would be none any more, or a refund would be refunded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "base/refusal.h"
#include "errors.h"
#include "rules/refund/refund.h"
#include "values/row_key.h"

void
paysafe_refund_shared_compile(PaymentSide *side, Relation leaf, const Jsonb *refund_spec,
							  const RuleSource *payment)
{
	side->shared = true;
	side->ruled = payment != NULL;
	paysafe_row_filter_compile(leaf, refund_spec, &side->refunds);
	if (side->refunds.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refunds and payments are rows of one table, \"%s\", and nothing tells them apart",
						RelationGetRelationName(leaf)),
				 errhint("Say which rows are refunds: rows => '{\"kind\": [\"refund\"]}'.")));
	if (payment == NULL)
		return;
	paysafe_row_filter_compile(leaf, payment->spec, &side->payments);
	if (!paysafe_row_filter_excludes(&side->payments, &side->refunds))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of table \"%s\" can be both payments and refunds", RelationGetRelationName(leaf)),
				 errdetail("A refund must not count as a payment."),
				 errhint("Let \"rows\" of protect_payment and of protect_refund name different values of one column.")));
}

bool
paysafe_refund_shared_is_payment(const PaymentSide *side, TupleTableSlot *row)
{
	return !side->shared ||
		(side->ruled ? paysafe_row_filter_has(&side->payments, row, NULL) :
		 !paysafe_row_filter_has(&side->refunds, row, NULL));
}

void
paysafe_refund_shared_check(const Rule *rule, const RowChange *change, bool has_refunds)
{
	const PaymentSide *side = &((RefundState *) rule->compiled)->payment;
	bool		becomes_refund = paysafe_row_filter_has(&side->refunds, change->after, NULL);
	const char *column = NULL;
	char	   *key;

	if (!becomes_refund && !has_refunds)
		return;
	/* the first column that tells of it */
	if (becomes_refund)
		(void) paysafe_row_filter_has(&side->refunds, change->before, &column);
	else
		(void) paysafe_row_filter_has(&side->payments, change->after, &column);
	key = paysafe_refusal_value(paysafe_row_key_text(&change->rules->key, RelationGetDescr(change->rel),
													 change->before));
	paysafe_rule_refuse(rule, ERRCODE_23R03_FROZEN, column,
						psprintf("payment \"%s\" in table \"%s\" cannot become something else",
								 key, rule->table_name),
						psprintf(becomes_refund ? "Row \"%s\" would be a refund." : "Payment \"%s\" has refunds.", key),
						"Add another row instead.");
}
