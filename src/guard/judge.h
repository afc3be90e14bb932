/*-------------------------------------------------------------------------
 *
 * judge.h
 *	  An event by a list of classes: what is found is refused, or noted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_JUDGE_H
#define PAYSAFE_JUDGE_H

#include "guard/event.h"

/*
 * Refuse the event with 42501 if one of the classes, NULL-terminated by name, says so
 * and no window permits it; note what joins a protected tree.
 */
extern void paysafe_judge(const GuardClass *classes, const GuardEvent *event);

#endif							/* PAYSAFE_JUDGE_H */
