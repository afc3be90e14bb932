/*-------------------------------------------------------------------------
 *
 * master_key.h
 *	  The key-encryption keys, which come from a file or a command.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_MASTER_KEY_H
#define PAYSAFE_MASTER_KEY_H

/* Is there one? */
extern bool paysafe_master_key_ready(void);

/* Raise 55000 if there is none. */
extern void paysafe_master_key_require(void);

/* The name of the one that wraps: the first in the file.  There must be one. */
extern const char *paysafe_master_key_name(void);

/* Wrap a data key of 32 bytes, bound to its number and kind; palloc'd. */
extern bytea *paysafe_master_key_wrap(int id, const char *kind, const uint8 *key);

/*
 * Unwrap into key; false if no key-encryption key of that name is known.  23K01 if the
 * one of that name did not wrap it.
 */
extern bool paysafe_master_key_unwrap(const char *master, int id, const char *kind,
									  const bytea *wrapped, uint8 *key);

/*
 * The key of Fernet tokens of this name, 32 bytes, for the caller to cleanse; false
 * if there is none.  They come with the key-encryption keys.
 */
extern bool paysafe_master_key_fernet(const char *name, uint8 *key);

/* Read them; by the postmaster, when it loads the library. */
extern void paysafe_master_key_preload(void);

#endif							/* PAYSAFE_MASTER_KEY_H */
