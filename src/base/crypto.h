/*-------------------------------------------------------------------------
 *
 * crypto.h
 *	  Hashes, ciphers, signatures, random bytes.
 *
 * Nothing here keeps a key: what is derived from one lives on the caller's
 * stack.  Raises an internal error (XX000) only if OpenSSL lacks an algorithm or
 * fails; wrong input is an answer, not an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CRYPTO_H
#define PAYSAFE_CRYPTO_H

#define PAYSAFE_SHA256_LEN 32
#define PAYSAFE_HASH_MAX	64		/* bytes of the longest hash, SHA-512 */

/* Hashes of webhooks' signatures, and of bodies. */
typedef enum PaysafeHash
{
	PAYSAFE_SHA1,				/* 20 bytes; in an HMAC it has no known weakness */
	PAYSAFE_SHA256,				/* 32 */
	PAYSAFE_SHA512				/* 64 */
} PaysafeHash;

/* How many bytes the hash has. */
extern size_t paysafe_crypto_hash_len(PaysafeHash hash);

/* Any of the hashes; out has paysafe_crypto_hash_len bytes. */
extern void paysafe_crypto_hash(PaysafeHash hash, const void *data, size_t len, uint8 *out);

/*
 * SHA-256 (FIPS 180-4) of len bytes at data; out has PAYSAFE_SHA256_LEN bytes.
 * Raises an internal error if OpenSSL fails.  Nothing is left allocated.
 */
extern void paysafe_crypto_sha256(const void *data, size_t len, uint8 *out);

/* HMAC-SHA-256 (RFC 2104); out has PAYSAFE_SHA256_LEN bytes. */
extern void paysafe_crypto_hmac_sha256(const uint8 *key, size_t keylen,
									   const void *data, size_t len,
									   uint8 *out);

/* HMAC with any of the hashes; out has paysafe_crypto_hash_len bytes. */
extern void paysafe_crypto_hmac(PaysafeHash hash, const uint8 *key, size_t keylen,
								const void *data, size_t len, uint8 *out);

/*
 * len cryptographically strong random bytes.  Drawn from the system in blocks,
 * because one system call per audit row would show; a byte is given out once.
 */
extern void paysafe_crypto_random(uint8 *out, size_t len);

/* Are the bytes equal?  Takes the same time whether and wherever they differ. */
extern bool paysafe_crypto_equal(const void *a, const void *b, size_t len);

/* Overwrite what was secret; not optimised away. */
extern void paysafe_crypto_cleanse(void *data, size_t len);

#define PAYSAFE_AES256_KEY_LEN	32
#define PAYSAFE_GCM_NONCE_LEN	12
#define PAYSAFE_GCM_TAG_LEN		16

/*
 * AES-256-GCM (NIST SP 800-38D).  cipher has room for len bytes and may be
 * plain.  A nonce must not be used twice with one key.  aad is authenticated,
 * not encrypted.
 */
extern void paysafe_crypto_gcm_seal(const uint8 *key, const uint8 *nonce,
									const void *aad, size_t aadlen,
									const uint8 *plain, size_t len,
									uint8 *cipher, uint8 *tag);

/* The reverse; false, and plain overwritten with zeros, if it is not genuine. */
extern bool paysafe_crypto_gcm_open(const uint8 *key, const uint8 *nonce,
									const void *aad, size_t aadlen,
									const uint8 *cipher, size_t len,
									const uint8 *tag, uint8 *plain);

/*
 * AES-128-CBC with PKCS #7 padding, as Fernet has it: decrypt what has been
 * authenticated.  plain has room for len bytes; *plainlen is what there is.
 */
extern bool paysafe_crypto_cbc128_decrypt(const uint8 *key, const uint8 *iv,
										  const uint8 *cipher, size_t len,
										  uint8 *plain, size_t *plainlen);

#define PAYSAFE_ED25519_KEY_LEN			32
#define PAYSAFE_ED25519_SIGNATURE_LEN	64

/* Ed25519 (RFC 8032).  seed is the private key, 32 bytes. */
extern void paysafe_crypto_ed25519_public(const uint8 *seed, uint8 *public_key);
extern void paysafe_crypto_ed25519_sign(const uint8 *seed, const void *data, size_t len,
										uint8 *signature);
extern bool paysafe_crypto_ed25519_verify(const uint8 *public_key, const void *data,
										  size_t len, const uint8 *signature);

/*
 * Is it one certificate or public key (PEM), with an RSA key of at least 2048 bits?
 * Then the time in seconds since 1970 from and until which a certificate is valid; of a
 * public key PG_INT64_MIN and PG_INT64_MAX.
 */
extern bool paysafe_crypto_rsa_read(const char *pem, size_t pemlen,
									int64 *not_before, int64 *not_after);

/* Is it the signature, RSASSA-PKCS1-v1_5 with SHA-256, of this key? */
extern bool paysafe_crypto_rsa_verify(const char *pem, size_t pemlen,
									  const void *data, size_t len,
									  const uint8 *signature, size_t signaturelen);

/* The SHA-256 of a certificate (an X509 of OpenSSL's); false if that fails. */
extern bool paysafe_crypto_certificate_sha256(const void *certificate, uint8 *out);

#define PAYSAFE_P256_KEY_LEN		65	/* a point, uncompressed: 4, x, y */
#define PAYSAFE_P256_SIGNATURE_LEN	64	/* r and s, as JWS has them */

/* The point of a public key of P-256, in PEM or DER; false if it is none. */
extern bool paysafe_crypto_p256_read(const char *key, size_t keylen, uint8 *point);

/* Is it a point of the curve? */
extern bool paysafe_crypto_p256_is_point(const uint8 *point);

/* ECDSA with SHA-256.  The signature is in DER, or r and s if it has 64 bytes and raw. */
extern bool paysafe_crypto_p256_verify(const uint8 *point, const void *data, size_t len,
									   const uint8 *signature, size_t signaturelen, bool raw);

#endif							/* PAYSAFE_CRYPTO_H */
