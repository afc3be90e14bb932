/*-------------------------------------------------------------------------
 *
 * crypto.c
 *	  Hashes, ciphers, signatures, random bytes.
 *
 * Beside signature.c the only file of the library that sees OpenSSL; tlog/ does, too.
 *
 * SHA-256 runs once or twice per audited row, so the digest and its context
 * are fetched once per backend and reused; looking an algorithm up costs
 * more than hashing a row does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "miscadmin.h"

#include "base/crypto.h"
#include "base/ensure.h"
#include "compat.h"

#define SHA256_BLOCK_LEN	64

static EVP_MD *sha256_md = NULL;	/* lives as long as the backend */
static EVP_MD_CTX *sha256_ctx = NULL;

/*
 * Nobody else's errors may be left in OpenSSL's queue, nor ours: libpq and the
 * server's TLS would take them for theirs.
 */
static PAYSAFE_NORETURN void
failed(const char *what)
{
	ERR_clear_error();
	elog(ERROR, "could not %s", what);
	pg_unreachable();
}

static void
sha256_setup(void)
{
	if (sha256_md == NULL)
		sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_md != NULL && sha256_ctx == NULL)
		sha256_ctx = EVP_MD_CTX_new();
	if (sha256_md == NULL || sha256_ctx == NULL)
		failed("find SHA-256 in OpenSSL");
}

void
paysafe_crypto_sha256(const void *data, size_t len, uint8 *out)
{
	if (unlikely(sha256_ctx == NULL))
		sha256_setup();
	if (EVP_DigestInit_ex2(sha256_ctx, sha256_md, NULL) != 1 ||
		EVP_DigestUpdate(sha256_ctx, data, len) != 1 ||
		EVP_DigestFinal_ex(sha256_ctx, out, NULL) != 1)
		failed("compute a SHA-256 digest");
}

/* One of the two hashes of an HMAC: of the key with a pad, and the data. */
static bool
hmac_half(const uint8 *block, uint8 pad, const void *data, size_t len, uint8 *out)
{
	uint8		padded[SHA256_BLOCK_LEN];
	bool		good;

	for (int i = 0; i < SHA256_BLOCK_LEN; i++)
		padded[i] = block[i] ^ pad;
	good = EVP_DigestInit_ex2(sha256_ctx, sha256_md, NULL) == 1 &&
		EVP_DigestUpdate(sha256_ctx, padded, sizeof(padded)) == 1 &&
		EVP_DigestUpdate(sha256_ctx, data, len) == 1 &&
		EVP_DigestFinal_ex(sha256_ctx, out, NULL) == 1;
	OPENSSL_cleanse(padded, sizeof(padded));
	return good;
}

/*
 * From two hashes in the context that is there: HMAC() of OpenSSL 3 takes longer to
 * set itself up than to hash a kilobyte.
 */
void
paysafe_crypto_hmac_sha256(const uint8 *key, size_t keylen,
						   const void *data, size_t len, uint8 *out)
{
	uint8		block[SHA256_BLOCK_LEN] = {0};
	uint8		inner[PAYSAFE_SHA256_LEN];
	bool		good;

	if (unlikely(sha256_ctx == NULL))
		sha256_setup();
	if (keylen > sizeof(block))
		paysafe_crypto_sha256(key, keylen, block);
	else if (keylen > 0)
		memcpy(block, key, keylen);
	good = hmac_half(block, 0x36, data, len, inner) &&
		hmac_half(block, 0x5c, inner, sizeof(inner), out);
	OPENSSL_cleanse(block, sizeof(block));
	if (!good)
		failed("compute an HMAC");
}

/* Other hashes */

static const EVP_MD *
md_of(PaysafeHash hash)
{
	return hash == PAYSAFE_SHA1 ? EVP_sha1() : hash == PAYSAFE_SHA256 ? EVP_sha256() : EVP_sha512();
}

size_t
paysafe_crypto_hash_len(PaysafeHash hash)
{
	return hash == PAYSAFE_SHA1 ? 20 : hash == PAYSAFE_SHA256 ? PAYSAFE_SHA256_LEN : PAYSAFE_HASH_MAX;
}

void
paysafe_crypto_hash(PaysafeHash hash, const void *data, size_t len, uint8 *out)
{
	if (EVP_Digest(data, len, out, NULL, md_of(hash), NULL) != 1)
		failed("compute a digest");
}

void
paysafe_crypto_hmac(PaysafeHash hash, const uint8 *key, size_t keylen, const void *data, size_t len,
					uint8 *out)
{
	if (hash == PAYSAFE_SHA256)
		paysafe_crypto_hmac_sha256(key, keylen, data, len, out);
	else if (HMAC(md_of(hash), key, (int) keylen, data, len, out, NULL) == NULL)
		failed("compute an HMAC");
}

void
paysafe_crypto_random(uint8 *out, size_t len)
{
	static uint8 pool[4096];
	static size_t left = 0;
	static int	owner = 0;		/* a child process must not draw what its parent has */

	if (len > sizeof(pool))
	{
		if (!pg_strong_random(out, len))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		return;
	}
	if (left < len || owner != MyProcPid)
	{
		left = 0;
		owner = MyProcPid;
		if (!pg_strong_random(pool, sizeof(pool)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
	explicit_bzero(pool + left, len);
}

bool
paysafe_crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
paysafe_crypto_cleanse(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}

/* AES-256-GCM */

/*
 * The cipher and its context are fetched once per backend, as for SHA-256.  The
 * context forgets the key after each use.
 */
static EVP_CIPHER *gcm_cipher = NULL;
static EVP_CIPHER_CTX *gcm_ctx = NULL;

static void
gcm_setup(void)
{
	if (gcm_cipher == NULL)
		gcm_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (gcm_cipher != NULL && gcm_ctx == NULL)
		gcm_ctx = EVP_CIPHER_CTX_new();
	if (gcm_cipher == NULL || gcm_ctx == NULL)
		failed("find AES-256-GCM in OpenSSL");
}

void
paysafe_crypto_gcm_seal(const uint8 *key, const uint8 *nonce, const void *aad, size_t aadlen,
						const uint8 *plain, size_t len, uint8 *cipher, uint8 *tag)
{
	int			n = 0;
	int			rest = 0;
	bool		good;

	Ensure(len <= MaxAllocSize && aadlen <= MaxAllocSize);
	gcm_setup();
	good = EVP_EncryptInit_ex2(gcm_ctx, gcm_cipher, key, nonce, NULL) == 1 &&
		(aadlen == 0 || EVP_EncryptUpdate(gcm_ctx, NULL, &n, aad, (int) aadlen) == 1) &&
		(len == 0 || EVP_EncryptUpdate(gcm_ctx, cipher, &n, plain, (int) len) == 1) &&
		EVP_EncryptFinal_ex(gcm_ctx, tag, &rest) == 1 && rest == 0 &&
		EVP_CIPHER_CTX_ctrl(gcm_ctx, EVP_CTRL_AEAD_GET_TAG, PAYSAFE_GCM_TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_reset(gcm_ctx);
	if (!good)
		failed("encrypt");
}

bool
paysafe_crypto_gcm_open(const uint8 *key, const uint8 *nonce, const void *aad, size_t aadlen,
						const uint8 *cipher, size_t len, const uint8 *tag, uint8 *plain)
{
	uint8		given[PAYSAFE_GCM_TAG_LEN];
	uint8		none[1];
	int			n = 0;
	int			rest = 0;
	bool		ready;
	bool		genuine = false;

	Ensure(len <= MaxAllocSize && aadlen <= MaxAllocSize);
	gcm_setup();
	memcpy(given, tag, sizeof(given));
	ready = EVP_DecryptInit_ex2(gcm_ctx, gcm_cipher, key, nonce, NULL) == 1 &&
		(aadlen == 0 || EVP_DecryptUpdate(gcm_ctx, NULL, &n, aad, (int) aadlen) == 1) &&
		(len == 0 || EVP_DecryptUpdate(gcm_ctx, plain, &n, cipher, (int) len) == 1) &&
		EVP_CIPHER_CTX_ctrl(gcm_ctx, EVP_CTRL_AEAD_SET_TAG, PAYSAFE_GCM_TAG_LEN, given) == 1;
	if (ready)
		genuine = EVP_DecryptFinal_ex(gcm_ctx, none, &rest) == 1;
	EVP_CIPHER_CTX_reset(gcm_ctx);
	ERR_clear_error();
	if (!genuine && len > 0)
		OPENSSL_cleanse(plain, len);
	if (!ready)
		failed("decrypt");
	return genuine;
}

bool
paysafe_crypto_cbc128_decrypt(const uint8 *key, const uint8 *iv, const uint8 *cipher, size_t len,
							  uint8 *plain, size_t *plainlen)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8		block[EVP_MAX_BLOCK_LENGTH];
	int			n = 0;
	int			rest = 0;
	bool		good;

	/* the last block is held back until its padding has been looked at */
	good = ctx != NULL && len > 0 && len % 16 == 0 && len <= MaxAllocSize &&
		EVP_DecryptInit_ex2(ctx, EVP_aes_128_cbc(), key, iv, NULL) == 1 &&
		EVP_DecryptUpdate(ctx, plain, &n, cipher, (int) len) == 1 &&
		EVP_DecryptFinal_ex(ctx, block, &rest) == 1 && (size_t) n + rest <= len;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	if (good)
	{
		memcpy(plain + n, block, rest);
		*plainlen = (size_t) n + rest;
	}
	else
		OPENSSL_cleanse(plain, len);
	OPENSSL_cleanse(block, sizeof(block));
	return good;
}

/* Ed25519 */

void
paysafe_crypto_ed25519_public(const uint8 *seed, uint8 *public_key)
{
	EVP_PKEY   *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
												   PAYSAFE_ED25519_KEY_LEN);
	size_t		len = PAYSAFE_ED25519_KEY_LEN;
	bool		good = key != NULL && EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1 &&
		len == PAYSAFE_ED25519_KEY_LEN;

	EVP_PKEY_free(key);
	if (!good)
		failed("derive an Ed25519 key");
}

void
paysafe_crypto_ed25519_sign(const uint8 *seed, const void *data, size_t len, uint8 *signature)
{
	EVP_PKEY   *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
												   PAYSAFE_ED25519_KEY_LEN);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t		signed_len = PAYSAFE_ED25519_SIGNATURE_LEN;
	bool		good = key != NULL && ctx != NULL &&
		EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestSign(ctx, signature, &signed_len, data, len) == 1 &&
		signed_len == PAYSAFE_ED25519_SIGNATURE_LEN;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!good)
		failed("sign with Ed25519");
}

/* Verify with a key, which is freed. */
static bool
verify_and_free(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len,
				const uint8 *signature, size_t signaturelen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		genuine = key != NULL && ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		EVP_DigestVerify(ctx, signature, signaturelen, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return genuine;
}

bool
paysafe_crypto_ed25519_verify(const uint8 *public_key, const void *data, size_t len,
							  const uint8 *signature)
{
	return verify_and_free(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key,
													   PAYSAFE_ED25519_KEY_LEN),
						   NULL, data, len, signature, PAYSAFE_ED25519_SIGNATURE_LEN);
}

/* Certificates and public keys */

/* A pass phrase would be asked for on the server's terminal. */
static int
no_pass_phrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

/* A text as OpenSSL reads it, if it has nothing else in PEM than one thing. */
static BIO *
open_pem(const char *pem, size_t pemlen)
{
	static const char begin[] = "-----BEGIN ";
	int			n = 0;

	for (size_t i = 0; i + strlen(begin) <= pemlen; i++)
		n += memcmp(pem + i, begin, strlen(begin)) == 0;
	return n == 1 && pemlen <= MaxAllocSize ? BIO_new_mem_buf(pem, (int) pemlen) : NULL;
}

static X509 *
read_certificate(const char *pem, size_t pemlen)
{
	BIO		   *bio = open_pem(pem, pemlen);
	X509	   *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return certificate;
}

static EVP_PKEY *
read_public_key(const char *pem, size_t pemlen)
{
	BIO		   *bio = open_pem(pem, pemlen);
	EVP_PKEY   *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

/* The RSA key of a certificate or a public key, for the caller to free, or NULL. */
static EVP_PKEY *
read_rsa(X509 *certificate, const char *pem, size_t pemlen)
{
	EVP_PKEY   *key = certificate ? X509_get_pubkey(certificate) : read_public_key(pem, pemlen);

	if (key != NULL && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < 2048))
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
	return key;
}

static bool
seconds_of(const ASN1_TIME *time, int64 *seconds)
{
	ASN1_TIME  *epoch = ASN1_TIME_set(NULL, 0);
	int			days;
	int			rest;
	bool		good = epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	ERR_clear_error();
	if (good)
		*seconds = (int64) days * 86400 + rest;
	return good;
}

bool
paysafe_crypto_rsa_read(const char *pem, size_t pemlen, int64 *not_before, int64 *not_after)
{
	X509	   *certificate = read_certificate(pem, pemlen);
	EVP_PKEY   *key = read_rsa(certificate, pem, pemlen);
	bool		good = key != NULL;

	*not_before = PG_INT64_MIN;
	*not_after = PG_INT64_MAX;
	if (certificate != NULL)
		good = good && seconds_of(X509_get0_notBefore(certificate), not_before) &&
			seconds_of(X509_get0_notAfter(certificate), not_after);
	EVP_PKEY_free(key);
	X509_free(certificate);
	return good;
}

bool
paysafe_crypto_rsa_verify(const char *pem, size_t pemlen, const void *data, size_t len,
						  const uint8 *signature, size_t signaturelen)
{
	X509	   *certificate = read_certificate(pem, pemlen);
	EVP_PKEY   *key = read_rsa(certificate, pem, pemlen);

	X509_free(certificate);
	return verify_and_free(key, EVP_sha256(), data, len, signature, signaturelen);
}

bool
paysafe_crypto_certificate_sha256(const void *certificate, uint8 *out)
{
	unsigned int len = 0;
	bool		good = X509_digest(certificate, EVP_sha256(), out, &len) == 1 && len == PAYSAFE_SHA256_LEN;

	ERR_clear_error();
	return good;
}

/* ECDSA on P-256 */

static EVP_PKEY *
p256_of_point(const uint8 *point)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY   *key = NULL;
	char		group[] = "prime256v1";
	OSSL_PARAM	params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unconstify(uint8 *, point),
										  PAYSAFE_P256_KEY_LEN),
		OSSL_PARAM_construct_end()
	};

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return key;
}

bool
paysafe_crypto_p256_is_point(const uint8 *point)
{
	EVP_PKEY   *key = point[0] == 4 ? p256_of_point(point) : NULL;

	EVP_PKEY_free(key);
	return key != NULL;
}

bool
paysafe_crypto_p256_read(const char *text, size_t textlen, uint8 *point)
{
	const unsigned char *der = (const unsigned char *) text;
	EVP_PKEY   *key = read_public_key(text, textlen);
	char		group[32];
	size_t		len = 0;
	bool		good;

	if (key == NULL && textlen <= MaxAllocSize)
	{
		key = d2i_PUBKEY(NULL, &der, (long) textlen);
		if (key != NULL && der != (const unsigned char *) text + textlen)
		{
			EVP_PKEY_free(key);
			key = NULL;
		}
	}
	good = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
		EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
		strcmp(group, "prime256v1") == 0 &&
		EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, PAYSAFE_P256_KEY_LEN,
										&len) == 1 &&
		len == PAYSAFE_P256_KEY_LEN && point[0] == 4;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}

/* r and s as OpenSSL wants them; its length, 0 if it fails. */
static int
der_of_raw(const uint8 *raw, uint8 **der)
{
	ECDSA_SIG  *signature = ECDSA_SIG_new();
	BIGNUM	   *r = BN_bin2bn(raw, PAYSAFE_P256_SIGNATURE_LEN / 2, NULL);
	BIGNUM	   *s = BN_bin2bn(raw + PAYSAFE_P256_SIGNATURE_LEN / 2, PAYSAFE_P256_SIGNATURE_LEN / 2, NULL);
	int			len = 0;

	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1)
	{
		r = s = NULL;			/* the signature's now */
		len = i2d_ECDSA_SIG(signature, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return Max(len, 0);
}

bool
paysafe_crypto_p256_verify(const uint8 *point, const void *data, size_t len,
						   const uint8 *signature, size_t signaturelen, bool raw)
{
	uint8	   *der = NULL;
	bool		genuine;

	if (!raw)
		return verify_and_free(p256_of_point(point), EVP_sha256(), data, len, signature, signaturelen);
	if (signaturelen != PAYSAFE_P256_SIGNATURE_LEN)
		return false;
	signaturelen = der_of_raw(signature, &der);
	genuine = signaturelen > 0 &&
		verify_and_free(p256_of_point(point), EVP_sha256(), data, len, der, signaturelen);
	OPENSSL_free(der);
	ERR_clear_error();
	return genuine;
}
