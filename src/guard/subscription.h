/*-------------------------------------------------------------------------
 *
 * subscription.h
 *	  Subscriptions to tables with rules: trusted, judged, or refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SUBSCRIPTION_H
#define PAYSAFE_SUBSCRIPTION_H

#include "nodes/nodes.h"

/*
 * A utility statement starts, and has been executed.  Refuse with 42501 one that
 * creates, changes or enables a subscription which would bring rows of protected
 * tables that can neither be judged here nor are trusted.  Takes AccessShareLock on
 * catalogs and own tables for the moment.
 */
extern void paysafe_subscription_before(const Node *statement);
extern void paysafe_subscription_after(const Node *statement);

extern void paysafe_subscription_init(void);

#endif							/* PAYSAFE_SUBSCRIPTION_H */
