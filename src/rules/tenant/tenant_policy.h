/*-------------------------------------------------------------------------
 *
 * tenant_policy.h
 *	  Row security of tables that belong to tenants.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TENANT_POLICY_H
#define PAYSAFE_TENANT_POLICY_H

#include "access/htup.h"

/* The policy that shows a tenant its own rows; and the one that shows rows at all. */
#define TENANT_POLICY		"paysafe_tenant"
#define TENANT_ROWS_POLICY	"paysafe_tenant_rows"

/*
 * Make the table's row security what its rules say: made where a tenant rule is enforced,
 * taken away where there is none.  The caller has a lock that keeps declarations
 * away; takes AccessExclusiveLock where something is to be done.  Raises 55000.
 */
extern void paysafe_tenant_policy_furnish(Oid relid);

/*
 * Take AccessExclusiveLock on the tree if furnishing it will, before weaker locks that two
 * sessions could hold.  Raises 42501 unless the caller owns the table.
 */
extern void paysafe_tenant_policy_lock(Oid relid);

/* Does nothing but the tenant's policy hide rows of the table?  False where none is enforced. */
extern bool paysafe_tenant_policy_is_alone(Oid relid);

/* Does a tenant rule that is enforced hold for the table? */
extern bool paysafe_tenant_policy_needed(Oid relid);

#endif							/* PAYSAFE_TENANT_POLICY_H */
