/*-------------------------------------------------------------------------
 *
 * system_catalog.h
 *	  PostgreSQL's catalogs: who changes them by other means than commands.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SYSTEM_CATALOG_H
#define PAYSAFE_SYSTEM_CATALOG_H

#include "executor/execdesc.h"

#include "guard/event.h"

/*
 * The classes about catalogs, NULL-terminated by name: in a database with the
 * extension; of catalogs that all databases share, without it; of the others, without
 * it, under the lockdown.
 */
extern const GuardClass paysafe_system_catalog[];
extern const GuardClass paysafe_system_catalog_shared[];
extern const GuardClass paysafe_system_catalog_locked[];

/* In any database, for a statement that has made or changed a subscription. */
extern const GuardClass paysafe_system_catalog_subscribed[];

/* The next catalog whose rows the query writes, from that result relation on; or none. */
extern Oid	paysafe_system_catalog_next(const QueryDesc *query, int *position);

/*
 * The query has written to catalogs, in a maintenance window or as part of an
 * extension's script: refuse what touches protection, record what the window allows.
 */
extern void paysafe_system_catalog_written(const QueryDesc *query, GuardFrame *frame);

#endif							/* PAYSAFE_SYSTEM_CATALOG_H */
