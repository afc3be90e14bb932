/*-------------------------------------------------------------------------
 *
 * crypto.c
 *	  The only file that sees OpenSSL.
 *
 * SHA-256 runs once or twice per audited row, so the digest and its context
 * are fetched once per backend and reused; looking an algorithm up costs
 * more than hashing a row does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "miscadmin.h"

#include "core/crypto.h"

static EVP_MD *sha256_md = NULL;	/* lives as long as the backend */
static EVP_MD_CTX *sha256_ctx = NULL;

static void
sha256_setup(void)
{
	if (sha256_md == NULL)
		sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_md != NULL && sha256_ctx == NULL)
		sha256_ctx = EVP_MD_CTX_new();
	if (sha256_md == NULL || sha256_ctx == NULL)
		elog(ERROR, "OpenSSL does not provide SHA-256");
}

void
paysafe_crypto_sha256(const void *data, size_t len, uint8 *out)
{
	if (unlikely(sha256_ctx == NULL))
		sha256_setup();
	if (EVP_DigestInit_ex2(sha256_ctx, sha256_md, NULL) != 1 ||
		EVP_DigestUpdate(sha256_ctx, data, len) != 1 ||
		EVP_DigestFinal_ex(sha256_ctx, out, NULL) != 1)
		elog(ERROR, "could not compute SHA-256 digest");
}

void
paysafe_crypto_hmac_sha256(const uint8 *key, size_t keylen,
						   const void *data, size_t len, uint8 *out)
{
	unsigned int outlen = 0;

	sha256_setup();
	if (HMAC(sha256_md, key, (int) keylen, data, len, out, &outlen) == NULL ||
		outlen != PAYSAFE_SHA256_LEN)
		elog(ERROR, "could not compute HMAC");
}

void
paysafe_crypto_random(uint8 *out, size_t len)
{
	static uint8 pool[4096];
	static size_t left = 0;

	Assert(len <= sizeof(pool));
	if (left < len)
	{
		left = 0;
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
