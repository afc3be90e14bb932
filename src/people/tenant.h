/*-------------------------------------------------------------------------
 *
 * tenant.h
 *	  For whom a transaction works: one tenant, or all of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TENANT_H
#define PAYSAFE_TENANT_H

#include "utils/uuid.h"

/* A tenant, as whatever column may name it; or all tenants. */
typedef struct TenantContext
{
	const char *tenant;			/* NULL: across tenants */
	const char *reason;			/* or NULL */
	int			len;			/* of tenant, in bytes */
	bool		is_integer;		/* it is written as one, in the only way */
	int64		integer;
	bool		is_uuid;
	pg_uuid_t	uuid;
} TenantContext;

/*
 * What was declared in this transaction, or NULL.  Valid until a savepoint is rolled
 * back, or the transaction ends.
 */
extern const TenantContext *paysafe_tenant_current(void);

/*
 * The same, where rows are read or written by it: from now on the transaction is
 * theirs.  Raises 42501 if it has been another's.
 */
extern const TenantContext *paysafe_tenant_use(void);

/* Changes whenever paysafe_tenant_current may answer differently. */
extern uint64 paysafe_tenant_generation(void);

/*
 * The transaction works for this tenant.  Raises 42501 if it has used another one's
 * rows, 22023 for what is no name of a tenant.  reason may be NULL.
 */
extern void paysafe_tenant_set(const char *tenant, const char *reason);

/* What goes on record: the tenant, or "*: " and why for all of them; NULL: none.  Redacted. */
extern const char *paysafe_tenant_recorded(void);

extern void paysafe_tenant_init(void);

#endif							/* PAYSAFE_TENANT_H */
