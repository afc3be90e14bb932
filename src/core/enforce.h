/*-------------------------------------------------------------------------
 *
 * enforce.h
 *	  The trigger functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ENFORCE_H
#define PAYSAFE_ENFORCE_H

extern void paysafe_enforce_init(void);

#endif							/* PAYSAFE_ENFORCE_H */
