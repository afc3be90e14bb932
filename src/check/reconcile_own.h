/*-------------------------------------------------------------------------
 *
 * reconcile_own.h
 *	  Are the rows of paysafe's own tables what the audit log says they are?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RECONCILE_OWN_H
#define PAYSAFE_RECONCILE_OWN_H

#include "nodes/execnodes.h"

#include "check/own_rows.h"

/*
 * Findings of one own table as rows (key text, finding text); raises 22023 if the log
 * has none of its rows.
 */
extern void paysafe_reconcile_own(Oid relation, ReturnSetInfo *result);

/*
 * All of them; whole: old rows of large tables, too.  The visitor is called for each
 * table, with what was found in words, or NULL.
 */
typedef void (*OwnTableVisitor) (const OwnTable *table, const char *words, void *arg);
extern void paysafe_reconcile_own_all(bool whole, OwnTableVisitor visitor, void *arg);

#endif							/* PAYSAFE_RECONCILE_OWN_H */
