/*-------------------------------------------------------------------------
 *
 * refund_glass.h
 *	  Breaking the glass: one person lets one refund through its gate, and is looked at afterwards.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_GLASS_H
#define PAYSAFE_REFUND_GLASS_H

#include "engine/rule.h"
#include "people/approval.h"

/*
 * Has somebody broken the glass for exactly this row, and may the table still be passed so?  Then that is
 * used up.  The subject is what approvals would be of.
 */
extern bool paysafe_refund_breaks_glass(const Rule *rule, const char *key, const ApprovalSubject *subject);

#endif							/* PAYSAFE_REFUND_GLASS_H */
