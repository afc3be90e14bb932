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

/*
 * Findings of one own table as rows (key text, finding text); raises 22023 if the log
 * has none of its rows.
 */
extern void paysafe_reconcile_own(Oid relation, ReturnSetInfo *result);

#endif							/* PAYSAFE_RECONCILE_OWN_H */
