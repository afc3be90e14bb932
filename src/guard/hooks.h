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

/* Was the library loaded by the postmaster, so that the guard is set? */
extern bool paysafe_hooks_guarding(void);

/*
 * Why the guard is not in force in this session, or NULL if it is: runs two
 * harmless statements and looks whether each hook was called.
 */
extern char *paysafe_hooks_missing(void);

#endif							/* PAYSAFE_HOOKS_H */
