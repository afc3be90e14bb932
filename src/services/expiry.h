/*-------------------------------------------------------------------------
 *
 * expiry.h
 *	  What expires goes by itself, where the library is preloaded.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_EXPIRY_H
#define PAYSAFE_EXPIRY_H

/*
 * Define the settings and register the background worker; by the postmaster, when it
 * loads the library.
 */
extern void paysafe_expiry_preload(void);

#endif							/* PAYSAFE_EXPIRY_H */
