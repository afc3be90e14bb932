/*-------------------------------------------------------------------------
 *
 * tenant.h
 *	  What would show a tenant's rows to others: classes of the policy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GUARD_TENANT_H
#define PAYSAFE_GUARD_TENANT_H

#include "guard/event.h"

/* Row security of tables that belong to tenants, and the policy that it is for. */
extern GuardFinding paysafe_guard_refuses_row_security(const GuardEvent *event);

/* Roles that act for tenants, and would read past all policies. */
extern GuardFinding paysafe_guard_refuses_bypass(const GuardEvent *event);

#endif							/* PAYSAFE_GUARD_TENANT_H */
