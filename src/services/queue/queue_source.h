/*-------------------------------------------------------------------------
 *
 * queue_source.h
 *	  Where events of the inbox come from: endpoints, declared or not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_QUEUE_SOURCE_H
#define PAYSAFE_QUEUE_SOURCE_H

/*
 * Is there a queue of this endpoint?  If webhooks come in there, if it has a setting of
 * its own, or if an event was ever added for it.
 */
extern bool paysafe_queue_source_exists(const char *endpoint);

/* Are bodies of its events to be sealed?  False if it is not declared. */
extern bool paysafe_queue_source_encrypts(const char *endpoint);

#endif							/* PAYSAFE_QUEUE_SOURCE_H */
