/*-------------------------------------------------------------------------
 *
 * refund_glass.h
 *	  Breaking the glass: one person lets one refund through its gate, and is looked at afterwards.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUND_GLASS_H
#define PAYSAFE_REFUND_GLASS_H

#include "compat.h"
#include "engine/rule.h"
#include "people/approval.h"

/* Columns of paysafe.break_glass_record. */
enum
{
	GLASS_APPROVAL, GLASS_RELATION, GLASS_RULE, GLASS_KEY, GLASS_ACTOR, GLASS_LOGIN, GLASS_SESSION_USER,
	GLASS_REQUESTED_BY, GLASS_REASON, GLASS_TICKET, GLASS_AT, GLASS_REVIEW_UNTIL, GLASS_NEEDS,
	GLASS_NCOLUMNS
};

extern PAYSAFE_NORETURN void paysafe_refund_glass_refuse(const char *message, const char *detail, const char *hint);

/*
 * Has somebody broken the glass for exactly this row, and may the table still be passed so?  Then that is
 * used up.  The subject is what approvals would be of.
 */
extern bool paysafe_refund_breaks_glass(const Rule *rule, const char *key, const ApprovalSubject *subject);

#endif							/* PAYSAFE_REFUND_GLASS_H */
