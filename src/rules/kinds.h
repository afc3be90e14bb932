/*-------------------------------------------------------------------------
 *
 * kinds.h
 *	  The rule kinds, one struct each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KINDS_H
#define PAYSAFE_KINDS_H

#include "engine/rule.h"

extern const RuleKind paysafe_status_kind;
extern const RuleKind paysafe_columns_kind;
extern const RuleKind paysafe_append_only_kind;
extern const RuleKind paysafe_test_rows_kind;
extern const RuleKind paysafe_currency_kind;
extern const RuleKind paysafe_payment_kind;
extern const RuleKind paysafe_captures_kind;
extern const RuleKind paysafe_refund_kind;
extern const RuleKind paysafe_ledger_kind;
extern const RuleKind paysafe_balance_kind;
extern const RuleKind paysafe_row_lock_kind;
extern const RuleKind paysafe_secret_kind;
extern const RuleKind paysafe_payload_kind;
extern const RuleKind paysafe_tenant_kind;
extern const RuleKind paysafe_owner_kind;
extern const RuleKind paysafe_schedule_kind;
extern const RuleKind paysafe_velocity_kind;
extern const RuleKind paysafe_audit_kind;
extern const RuleKind paysafe_replica_kind;

extern const RuleModule paysafe_tenant_module;
extern const RuleModule paysafe_refund_module;
extern const RuleModule paysafe_ledger_module;
extern const RuleModule paysafe_balance_module;
extern const RuleModule paysafe_audit_module;

#endif							/* PAYSAFE_KINDS_H */
