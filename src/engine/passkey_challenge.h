/*-------------------------------------------------------------------------
 *
 * passkey_challenge.h
 *	  Approvals that are signed by a passkey.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PASSKEY_CHALLENGE_H
#define PAYSAFE_PASSKEY_CHALLENGE_H

/* End the approvals that were given by a passkey and not used yet: it is revoked. */
extern void paysafe_passkey_void_approvals(int64 passkey);

/* Remove challenges that have expired; how many. */
extern int64 paysafe_passkey_expire_challenges(void);

#endif							/* PAYSAFE_PASSKEY_CHALLENGE_H */
