/*-------------------------------------------------------------------------
 *
 * maintenance.h
 *	  Maintenance windows: the one way past the guard.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_MAINTENANCE_H
#define PAYSAFE_MAINTENANCE_H

/* Let unprotect ask for a window. */
extern void paysafe_maintenance_init(void);

#endif							/* PAYSAFE_MAINTENANCE_H */
