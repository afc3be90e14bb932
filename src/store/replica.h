/*-------------------------------------------------------------------------
 *
 * replica.h
 *	  Rows that logical replication brings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REPLICA_H
#define PAYSAFE_REPLICA_H

#include "executor/execdesc.h"

#include "store/catalog.h"

/*
 * The subscription whose worker (apply, its parallel helpers, table synchronization)
 * this process is, if the trigger that asks sees that worker's own change; InvalidOid
 * for every other session, whatever its settings and its replication origin are, and
 * for statements that functions and triggers in a worker run.
 */
extern Oid	paysafe_replica_subscription(void);

/*
 * Is it such a change, in a database that paysafe has never worked in?  Then
 * replication fills the database, as pg_restore would, and what it brings has been
 * judged where it comes from.
 */
extern bool paysafe_replica_is_filling(void);

/*
 * Does the subscription of this worker bring rows of the own table, or of its
 * partitions, too?
 */
extern bool paysafe_replica_brings(PaysafeTable table);

/* A statement starts in this process. */
extern void paysafe_replica_statement_started(QueryDesc *query);

#endif							/* PAYSAFE_REPLICA_H */
