/*-------------------------------------------------------------------------
 *
 * replica.h
 *	  Subscriptions that two people trust.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RULES_REPLICA_H
#define PAYSAFE_RULES_REPLICA_H

#include "postgres.h"

/*
 * Why a subscription that is enabled must not be: it brings rows of protected tables
 * for which it is not trusted, and which cannot be judged here.  NULL if it may.
 * *relation: such a table.
 */
extern char *paysafe_replica_fault(Oid subscription, Oid *relation);

/* The subscription of this name in this database, or InvalidOid. */
extern Oid	paysafe_replica_find(const char *name);

extern void paysafe_replica_init(void);

#endif							/* PAYSAFE_RULES_REPLICA_H */
