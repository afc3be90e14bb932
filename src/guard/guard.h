/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  What protects the protection: from what hooks see to what is refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_GUARD_H
#define PAYSAFE_GUARD_H

#include "guard/event.h"

/*
 * Refuse the event with 42501 if a class of the policy says so.  Called by the
 * hooks for every event in a database with the extension.  Takes
 * AccessShareLock on catalogs and own tables for the moment.
 */
extern void paysafe_guard(GuardEvent *event);

/* The same by another list of classes, NULL-terminated by name. */
extern void paysafe_guard_by(const GuardClass *classes, const GuardEvent *event);

/* LOCK TABLE has been executed: no own table may be closed by it. */
extern void paysafe_guard_locked(GuardFrame *frame);

/* The statement has been executed: protect what joined. */
extern void paysafe_guard_after(GuardFrame *frame);

#endif							/* PAYSAFE_GUARD_H */
