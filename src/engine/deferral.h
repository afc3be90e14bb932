/*-------------------------------------------------------------------------
 *
 * deferral.h
 *	  Declarations that leave the rows that are there for later.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_DEFERRAL_H
#define PAYSAFE_DEFERRAL_H

/* Has this transaction called paysafe.defer_validation? */
extern bool paysafe_deferral_is_open(void);

extern void paysafe_deferral_init(void);

#endif							/* PAYSAFE_DEFERRAL_H */
