/*-------------------------------------------------------------------------
 *
 * signature.h
 *	  Signatures by keys that are kept: of tokens, of passkeys and of requests.
 *
 * A key is bound to its algorithm when it is made; a signature says nothing about how it
 * is to be verified.  Keys are not palloc'd: they live until they are freed, and nothing
 * here raises an error after a key was made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SIGNATURE_H
#define PAYSAFE_SIGNATURE_H

typedef enum SignatureAlgorithm
{
	SIGNATURE_ES256,			/* ECDSA, P-256, SHA-256 */
	SIGNATURE_ES384,			/* P-384, SHA-384 */
	SIGNATURE_ES512,			/* P-521, SHA-512 */
	SIGNATURE_ED25519,			/* RFC 8032; "EdDSA" of JWS is one of these two */
	SIGNATURE_ED448,
	SIGNATURE_RS256,			/* RSASSA-PKCS1-v1_5, SHA-256 */
	SIGNATURE_PS256,			/* RSASSA-PSS, SHA-256, MGF1 of it, 32 bytes of salt */
	SIGNATURE_PS512,			/* the same with SHA-512, 64 bytes of salt */
	SIGNATURE_HS256				/* HMAC, SHA-256: who verifies can sign, too */
} SignatureAlgorithm;

typedef struct SignatureKey SignatureKey;

/*
 * Each of these makes a key, for the caller to free, or returns NULL and says why in
 * words that have none of the input in them.
 *
 * RSA keys have 2048 to 8192 bits and an odd exponent from 65537 below 2^32; points are
 * on the algorithm's own curve, not at infinity, and not of small order.
 */

/* SubjectPublicKeyInfo, in DER or PEM; nothing after it. */
extern SignatureKey *paysafe_signature_key_spki(SignatureAlgorithm algorithm,
												const void *data, size_t len, const char **why);

/* A point of ES256, ES384 or ES512: both coordinates as long as the curve's field. */
extern SignatureKey *paysafe_signature_key_point(SignatureAlgorithm algorithm,
												 const uint8 *x, size_t xlen,
												 const uint8 *y, size_t ylen, const char **why);

/* Modulus and exponent, big endian, without zeros in front: RS256, PS256, PS512. */
extern SignatureKey *paysafe_signature_key_rsa(SignatureAlgorithm algorithm,
											   const uint8 *n, size_t nlen,
											   const uint8 *e, size_t elen, const char **why);

/* Bytes as they are: Ed25519 (32), Ed448 (57), the secret of HS256 (32 to 512). */
extern SignatureKey *paysafe_signature_key_raw(SignatureAlgorithm algorithm,
											   const uint8 *bytes, size_t len, const char **why);

/* NULL is none. */
extern void paysafe_signature_key_free(SignatureKey *key);

extern SignatureAlgorithm paysafe_signature_key_algorithm(const SignatureKey *key);

/* How signatures of ECDSA are written; others have one form. */
typedef enum SignatureForm
{
	SIGNATURE_RAW,				/* r and s, each as long as the curve's order: JWS */
	SIGNATURE_DER				/* WebAuthn */
} SignatureForm;

/* Is it this key's signature of the data?  Wrong bytes are an answer, not an error. */
extern bool paysafe_signature_verify(SignatureKey *key, const void *data, size_t len,
									 const uint8 *signature, size_t signaturelen,
									 SignatureForm form);

/*
 * The public key as SubjectPublicKeyInfo in DER, the same bytes however it was given:
 * named curve, uncompressed point.  out has PAYSAFE_SPKI_MAX bytes; returns how many
 * there are.  Not of HS256.
 */
#define PAYSAFE_SPKI_MAX	1200
extern size_t paysafe_signature_key_write(const SignatureKey *key, uint8 *out);

#endif							/* PAYSAFE_SIGNATURE_H */
