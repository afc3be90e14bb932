/*-------------------------------------------------------------------------
 *
 * kinds.c
 *	  The list of rule kinds, in the order in which they check a row.
 *
 * What costs least and explains most comes first; the audit record is written
 * when all others have accepted the change.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/row_mark.h"
#include "rules/kinds.h"

const RuleKind *const paysafe_rule_kinds[] = {
	&paysafe_tenant_kind,
	&paysafe_owner_kind,
	&paysafe_schedule_kind,
	&paysafe_append_only_kind,
	&paysafe_status_kind,
	&paysafe_columns_kind,
	&paysafe_row_lock_kind,
	&paysafe_test_rows_kind,
	&paysafe_currency_kind,
	&paysafe_payment_kind,
	&paysafe_captures_kind,
	&paysafe_refund_kind,
	&paysafe_ledger_kind,
	&paysafe_balance_kind,
	&paysafe_velocity_kind,
	&paysafe_secret_kind,
	&paysafe_payload_kind,
	&paysafe_audit_kind,
	&paysafe_replica_kind,
	NULL
};

/* What has been seen of a statement is recorded when all else is done with it. */
const RuleModule *const paysafe_rule_modules[] = {
	&paysafe_row_mark_module,
	&paysafe_tenant_module,
	&paysafe_refund_module,
	&paysafe_ledger_module,
	&paysafe_balance_module,
	&paysafe_audit_module,
	NULL
};
