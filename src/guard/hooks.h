/*-------------------------------------------------------------------------
 *
 * hooks.h
 *	  Where paysafe hooks into PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HOOKS_H
#define PAYSAFE_HOOKS_H

/* Set the hooks; those that were there are called too. */
extern void paysafe_hooks_init(void);

#endif							/* PAYSAFE_HOOKS_H */
