/*-------------------------------------------------------------------------
 *
 * restate.h
 *	  Rows that a statement in a maintenance window has rewritten.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RESTATE_H
#define PAYSAFE_RESTATE_H

#include "guard/event.h"

/*
 * The statement has been executed.  Where it changed a type that columns of
 * protected tables are made of, their rules are compiled again; where a window let
 * it give values of audited tables another type, what the rows say now is recorded; so
 * is what an added column gave to rows that were there.
 */
extern void paysafe_restate(const GuardFrame *frame);

#endif							/* PAYSAFE_RESTATE_H */
