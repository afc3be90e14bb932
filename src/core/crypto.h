/*-------------------------------------------------------------------------
 *
 * crypto.h
 *	  Hashes and random bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CRYPTO_H
#define PAYSAFE_CRYPTO_H

#define PAYSAFE_SHA256_LEN 32

/*
 * SHA-256 (FIPS 180-4) of len bytes at data; out has PAYSAFE_SHA256_LEN bytes.
 * Raises an internal error if OpenSSL fails.  Nothing is left allocated.
 */
extern void paysafe_crypto_sha256(const void *data, size_t len, uint8 *out);

/* HMAC-SHA-256 (RFC 2104); out has PAYSAFE_SHA256_LEN bytes. */
extern void paysafe_crypto_hmac_sha256(const uint8 *key, size_t keylen,
									   const void *data, size_t len,
									   uint8 *out);

/*
 * len cryptographically strong random bytes.  Drawn from the system in blocks,
 * because one system call per audit row would show; a byte is given out once.
 */
extern void paysafe_crypto_random(uint8 *out, size_t len);

#endif							/* PAYSAFE_CRYPTO_H */
