/*-------------------------------------------------------------------------
 *
 * keyring.h
 *	  The keys behind everything that is stored encrypted or as a keyed hash.
 *
 * Three levels.  Key-encryption keys come from a file or a command when the
 * server starts and are in its memory only.  Data keys are random, wrapped by one
 * of them in paysafe.data_key, and so in dumps, where they are of no use without
 * it.  What encrypts or hashes is derived from a data key for each purpose.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEYRING_H
#define PAYSAFE_KEYRING_H

#include "base/crypto.h"

/* Would paysafe_keyring_mac find its key, or make it?  23K01 as below. */
extern bool paysafe_keyring_hashes(void);

/*
 * All of these raise 55000 where the server has no key-encryption key.
 *
 * A keyed hash (HMAC-SHA-256): the same bytes for the same purpose have the same
 * hash as long as the database exists, in every copy that knows a key-encryption
 * key.  out has PAYSAFE_SHA256_LEN bytes.  The first call in a database makes its
 * key.
 */
extern void paysafe_keyring_mac(const char *purpose, const void *data, size_t len, uint8 *out);

/*
 * Encrypt (AES-256-GCM) for a purpose and a place: the place is what must be the
 * same again to open it, in a form that two places cannot share.  Returns
 *
 *	  version (1 byte: 1) | number of the data key (4, big endian) | nonce (12)
 *	  | ciphertext | tag (16)
 *
 * palloc'd.  The first call in a database makes its key.
 */
extern bytea *paysafe_keyring_seal(const char *purpose, const void *place, size_t placelen,
								   const void *plain, size_t len);

/*
 * The reverse; palloc'd, for the caller to cleanse.  Raises 23K01 if the bytes were
 * not sealed for this purpose and place or are not what they were, 55000 if their
 * key is not to be had.
 */
extern bytea *paysafe_keyring_open(const char *purpose, const void *place, size_t placelen,
								   const void *sealed, size_t len);

/*
 * Would it open?  False also if its key is not known here.
 */
extern bool paysafe_keyring_is_sealed(const char *purpose, const void *place, size_t placelen,
									  const void *sealed, size_t len);

/* How many bytes sealing adds. */
#define PAYSAFE_SEAL_OVERHEAD	(1 + 4 + PAYSAFE_GCM_NONCE_LEN + PAYSAFE_GCM_TAG_LEN)

/* Number of the data key that sealed it, or -1 if it does not look sealed. */
extern int	paysafe_keyring_sealed_by(const void *sealed, size_t len);

/* Can this data key be unwrapped here?  Raises 23K01 if one of them is another's. */
extern bool paysafe_keyring_knows(int id);

/* Number of the data key that seals now. */
extern int	paysafe_keyring_current(void);

/*
 * Make the keys that a database begins with, if it has none and the server has a
 * key-encryption key: so that the first request that needs one does not make it, and
 * keep others waiting until it commits.
 */
extern void paysafe_keyring_prepare(void);

/*
 * Make a new data key, which seals from now on; returns its number.  Raises 55000 if a
 * data key cannot be unwrapped, unless that is known and meant.
 */
extern int	paysafe_keyring_rotate(bool despite_missing);

/*
 * Wrap each data key, that another key-encryption key still wraps, by the one that
 * is first in the file; returns how many.
 */
extern int	paysafe_keyring_rewrap(void);

extern void paysafe_keyring_init(void);

#endif							/* PAYSAFE_KEYRING_H */
