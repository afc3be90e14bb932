/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  What protects the protection: from what hooks see to what is refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GUARD_H
#define PAYSAFE_GUARD_H

#include "nodes/plannodes.h"

#include "guard/event.h"

/*
 * Refuse the event with 42501 if a class of the policy says so.  Called by the
 * hooks for every event in a database with the extension.  Takes
 * AccessShareLock on catalogs and own tables for the moment.
 */
extern void paysafe_guard(GuardEvent *event);

/*
 * A statement has been executed whose effect only then can be told: LOCK TABLE must
 * not close an own table, a subscription not write to a catalog.
 */
extern void paysafe_guard_executed(GuardFrame *frame);

/* A statement begins: is it part of paysafe's own work? */
extern void paysafe_guard_enter(GuardFrame *frame);

/*
 * The statement, or a copy of it in which ENABLE TRIGGER USER and ALL name the
 * triggers of a protected table one by one: those of paysafe are nobody's to
 * switch, also not from ALWAYS to ordinary.
 */
extern PlannedStmt *paysafe_guard_spare_own_triggers(PlannedStmt *planned);

/* The statement has been executed: protect what joined. */
extern void paysafe_guard_after(GuardFrame *frame);

#endif							/* PAYSAFE_GUARD_H */
