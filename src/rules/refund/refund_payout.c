/*-------------------------------------------------------------------------
 *
 * refund_payout.c
 *	  Money that leaves without a payment: payouts, credits, adjustments.
 *
 * There is no row that says how much may leave, and none to lock.  What has the place
 * of the payment's key says to whom it goes, or of which account or order it is: payouts of
 * one such key, in one currency, are added up for the threshold, by one transaction
 * after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "base/id_claim.h"
#include "rules/refund/refund.h"
#include "values/money.h"

void
paysafe_refund_payout(const RefundState *state, const KeyValues *key, bool lock, FoundPayment *out)
{
	RefundTable *table = palloc0(sizeof(RefundTable));

	table->root = state->refund_root;
	table->rule = state->rule;
	table->observed = state->observed;
	paysafe_key_columns_copy(key, &table->key);
	table->key_text = paysafe_key_columns_text(key);
	*out = (FoundPayment) {.key = table->key_text, .tables = list_make1(table)};
	if (lock && !state->observed)
		paysafe_id_claim_lock_group(state->refund_root,
								 hash_bytes_extended((const unsigned char *) table->key_text,
													 strlen(table->key_text), 0));
}

void
paysafe_refund_payout_in(const RefundState *state, FoundPayment *payment, const char *currency)
{
	RefundTable *table;

	if (!state->payout || payment->tables == NIL || currency == NULL)
		return;
	table = linitial(payment->tables);
	payment->currency = pstrdup(currency);
	table->currency = paysafe_money_code(pstrdup(currency));
	payment->identity = psprintf("%u:%s:%s:%s", state->refund_root, state->rule, table->currency, payment->key);
}
