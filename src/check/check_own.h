/*-------------------------------------------------------------------------
 *
 * check_own.h
 *	  Own tables and the audit log: what check() and verify() say of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CHECK_OWN_H
#define PAYSAFE_CHECK_OWN_H

/* verify() compares own tables, too. */
extern void paysafe_check_own_init(void);

#endif							/* PAYSAFE_CHECK_OWN_H */
