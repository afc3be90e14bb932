/*-------------------------------------------------------------------------
 *
 * signature.c
 *	  Signatures by keys that are kept: of tokens, of passkeys and of requests.
 *
 * However a key is given, it is made anew from its numbers: so there is one place where
 * each sort of key is judged, and a curve with parameters of somebody's own never gets in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/crypto.h"
#include "base/ensure.h"
#include "base/signature.h"

#define MAX_FIELD_LEN	66		/* P-521 */
#define MAX_RSA_LEN		1024	/* 8192 bits */
#define MAX_SECRET_LEN	512
#define MAX_GIVEN_LEN	4096	/* of a key as PEM, with what stands around it */

struct SignatureKey
{
	SignatureAlgorithm algorithm;
	EVP_PKEY   *pkey;
	EVP_MD	   *md;				/* NULL: the algorithm has its own */
	EVP_PKEY_CTX *ctx;			/* ready to verify hashes; with md only */
	EVP_MD_CTX *mdctx;			/* of EdDSA */
	size_t		len;			/* of a signature: the whole, or DER's upper bound */
	size_t		secretlen;
	uint8		secret[MAX_SECRET_LEN]; /* of HS256 */
};

/* What there is to know of each algorithm. */
static const struct
{
	const char *type;			/* OpenSSL's name; NULL: HS256 */
	const char *group;			/* of curves with ECDSA */
	const char *md;
	size_t		len;			/* of a coordinate, or of a raw key */
}			algorithms[] = {
	[SIGNATURE_ES256] = {"EC", "prime256v1", "SHA256", 32},
	[SIGNATURE_ES384] = {"EC", "secp384r1", "SHA384", 48},
	[SIGNATURE_ES512] = {"EC", "secp521r1", "SHA512", 66},
	[SIGNATURE_ED25519] = {"ED25519", NULL, NULL, 32},
	[SIGNATURE_ED448] = {"ED448", NULL, NULL, 57},
	[SIGNATURE_RS256] = {"RSA", NULL, "SHA256", 0},
	[SIGNATURE_PS256] = {"RSA", NULL, "SHA256", 0},
	[SIGNATURE_PS512] = {"RSA", NULL, "SHA512", 0},
	[SIGNATURE_HS256] = {NULL, NULL, NULL, 0},
};

static inline bool
is_ecdsa(SignatureAlgorithm algorithm)
{
	return algorithms[algorithm].group != NULL;
}

static inline bool
is_rsa(SignatureAlgorithm algorithm)
{
	return algorithm == SIGNATURE_RS256 || algorithm == SIGNATURE_PS256 || algorithm == SIGNATURE_PS512;
}

static inline bool
is_pss(SignatureAlgorithm algorithm)
{
	return algorithm == SIGNATURE_PS256 || algorithm == SIGNATURE_PS512;
}

static inline bool
is_eddsa(SignatureAlgorithm algorithm)
{
	return algorithm == SIGNATURE_ED25519 || algorithm == SIGNATURE_ED448;
}

void
paysafe_signature_key_free(SignatureKey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_CTX_free(key->ctx);
	EVP_MD_CTX_free(key->mdctx);
	EVP_PKEY_free(key->pkey);
	EVP_MD_free(key->md);
	OPENSSL_clear_free(key, sizeof(*key));
}

/* Take the key and make it ready; NULL, and nothing left, if that fails. */
static SignatureKey *
finish_key(SignatureAlgorithm algorithm, EVP_PKEY *pkey, const char **why)
{
	SignatureKey *key = pkey != NULL ? OPENSSL_zalloc(sizeof(*key)) : NULL;
	bool		good;

	*why = "it is no key of this algorithm";
	if (key == NULL)
	{
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return NULL;
	}
	key->algorithm = algorithm;
	key->pkey = pkey;
	key->len = EVP_PKEY_get_size(pkey);
	if (algorithms[algorithm].md == NULL)
		good = (key->mdctx = EVP_MD_CTX_new()) != NULL;
	else
	{
		key->md = EVP_MD_fetch(NULL, algorithms[algorithm].md, NULL);
		key->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
		good = key->md != NULL && key->ctx != NULL && EVP_PKEY_verify_init(key->ctx) == 1 &&
			EVP_PKEY_CTX_set_signature_md(key->ctx, key->md) == 1;
		if (is_rsa(algorithm))
			good = good && EVP_PKEY_CTX_set_rsa_padding(key->ctx, is_pss(algorithm) ?
														RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;
		if (is_pss(algorithm))
			good = good && EVP_PKEY_CTX_set_rsa_mgf1_md(key->ctx, key->md) == 1 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(key->ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	}
	ERR_clear_error();
	if (good)
		return key;
	paysafe_signature_key_free(key);
	return NULL;
}

/* A public key from OpenSSL's parameters, which are freed with what made them; or NULL. */
static EVP_PKEY *
make_pkey(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY   *pkey = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

SignatureKey *
paysafe_signature_key_point(SignatureAlgorithm algorithm, const uint8 *x, size_t xlen,
							const uint8 *y, size_t ylen, const char **why)
{
	uint8		point[1 + 2 * MAX_FIELD_LEN] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t		field = algorithms[algorithm].len;
	OSSL_PARAM_BLD *builder;
	SignatureKey *key = NULL;

	if (!is_ecdsa(algorithm) || xlen != field || ylen != field)
	{
		*why = "its coordinates are not as long as the curve's";
		return NULL;
	}
	memcpy(point + 1, x, field);
	memcpy(point + 1 + field, y, field);
	builder = OSSL_PARAM_BLD_new();
	/* it is read as a point of the curve: others fail, and infinity is written otherwise */
	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
										algorithms[algorithm].group, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * field) == 1)
		key = finish_key(algorithm, make_pkey("EC", builder), why);
	else
		OSSL_PARAM_BLD_free(builder);
	if (key == NULL)
		*why = "it is no point of the curve";
	ERR_clear_error();
	return key;
}

SignatureKey *
paysafe_signature_key_rsa(SignatureAlgorithm algorithm, const uint8 *n, size_t nlen,
						  const uint8 *e, size_t elen, const char **why)
{
	OSSL_PARAM_BLD *builder;
	BIGNUM	   *modulus;
	BIGNUM	   *exponent;
	SignatureKey *key = NULL;

	/* 65537 has 3 bytes: whatever has 4 is more, and of 3 the first one must not be zero */
	if (!is_rsa(algorithm) || elen < 3 || elen > 4 || e[0] == 0 || e[elen - 1] % 2 == 0)
		*why = "its exponent is not odd, below 65537, or too large";
	else if (nlen < 256 || nlen > MAX_RSA_LEN || n[0] == 0 || (nlen == 256 && n[0] < 0x80) || n[nlen - 1] % 2 == 0)
		*why = "its modulus has fewer than 2048 bits or more than 8192, or is even";
	else
	{
		builder = OSSL_PARAM_BLD_new();
		modulus = BN_bin2bn(n, (int) nlen, NULL);
		exponent = BN_bin2bn(e, (int) elen, NULL);
		if (builder != NULL && modulus != NULL && exponent != NULL &&
			OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
			OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
			key = finish_key(algorithm, make_pkey("RSA", builder), why);
		else
		{
			OSSL_PARAM_BLD_free(builder);
			*why = "it is no key of this algorithm";
		}
		BN_free(modulus);
		BN_free(exponent);
		ERR_clear_error();
	}
	return key;
}

/*
 * Is the point of small order?  Everybody can sign for such a key.  Its y is 0, 1 or -1,
 * or on Ed25519 one of two more, in either way that these can be written.
 */
static bool
is_small_order(SignatureAlgorithm algorithm, const uint8 *bytes, size_t len)
{
	static const uint8 order8[2][32] = {
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}
	};
	uint8		y[57];
	uint8		other[57] = {0};

	memcpy(y, bytes, len);
	y[len - 1] &= 0x7f;			/* the sign of x */
	/* 0 and 1 */
	if (memcmp(y + 1, other + 1, len - 1) == 0 && y[0] <= 1)
		return true;
	if (algorithm == SIGNATURE_ED25519)
	{
		/* p - 1, p, p + 1; p is 2^255 - 19 */
		memset(other, 0xff, len);
		other[len - 1] = 0x7f;
		return (memcmp(y + 1, other + 1, len - 1) == 0 && y[0] >= 0xec && y[0] <= 0xee) ||
			memcmp(y, order8[0], len) == 0 || memcmp(y, order8[1], len) == 0;
	}
	/* p - 1, p, then p + 1; p is 2^448 - 2^224 - 1 */
	memset(other, 0xff, len - 1);
	other[28] = 0xfe;
	if (memcmp(y + 1, other + 1, len - 1) == 0 && y[0] >= 0xfe)
		return true;
	memset(other, 0, 28);
	other[28] = 0xff;
	return memcmp(y, other, len) == 0;
}

static SignatureKey *
secret_key(const uint8 *bytes, size_t len, const char **why)
{
	SignatureKey *key = len >= PAYSAFE_SHA256_LEN && len <= MAX_SECRET_LEN ? OPENSSL_zalloc(sizeof(*key)) : NULL;

	*why = "a secret has 32 to 512 bytes";
	if (key == NULL)
		return NULL;
	key->algorithm = SIGNATURE_HS256;
	key->len = PAYSAFE_SHA256_LEN;
	key->secretlen = len;
	memcpy(key->secret, bytes, len);
	return key;
}

SignatureKey *
paysafe_signature_key_raw(SignatureAlgorithm algorithm, const uint8 *bytes, size_t len, const char **why)
{
	if (algorithm == SIGNATURE_HS256)
		return secret_key(bytes, len, why);
	if (!is_eddsa(algorithm) || len != algorithms[algorithm].len)
		*why = "its length is not the algorithm's";
	else if (is_small_order(algorithm, bytes, len))
		*why = "everybody can sign for it";
	else
		return finish_key(algorithm,
						  EVP_PKEY_new_raw_public_key_ex(NULL, algorithms[algorithm].type, NULL, bytes, len),
						  why);
	return NULL;
}

/* A pass phrase would be asked for on the server's terminal. */
static int
no_pass_phrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

/* The key that the text or bytes are, or NULL */
static EVP_PKEY *
read_spki(const void *data, size_t len)
{
	static const char dashes[] = "-----BEGIN ";
	const unsigned char *at = data;
	EVP_PKEY   *pkey;
	BIO		   *bio;
	int			n = 0;

	if (len == 0 || len > MAX_GIVEN_LEN)
		return NULL;
	for (size_t i = 0; i + strlen(dashes) <= len; i++)
		n += memcmp(at + i, dashes, strlen(dashes)) == 0;
	if (n > 0)
	{
		bio = n == 1 ? BIO_new_mem_buf(data, (int) len) : NULL;
		pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL) : NULL;
		BIO_free(bio);
		return pkey;
	}
	pkey = d2i_PUBKEY(NULL, &at, (long) len);
	if (pkey != NULL && at == (const unsigned char *) data + len)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

/* A number of a key, in room for len bytes, from its first byte that is not zero or padded */
static int
number_of(const EVP_PKEY *pkey, const char *param, uint8 *out, int len, bool padded)
{
	BIGNUM	   *number = NULL;
	int			n = -1;

	if (EVP_PKEY_get_bn_param(pkey, param, &number) == 1 && BN_num_bytes(number) <= len)
		n = padded ? BN_bn2binpad(number, out, len) : BN_bn2bin(number, out);
	BN_free(number);
	return n;
}

static SignatureKey *
key_of_pkey(SignatureAlgorithm algorithm, const EVP_PKEY *pkey, const char **why)
{
	uint8		a[MAX_RSA_LEN];
	uint8		b[MAX_FIELD_LEN];
	char		group[32];
	size_t		len = sizeof(a);
	int			field = (int) algorithms[algorithm].len;

	if (is_rsa(algorithm))
	{
		int			alen = number_of(pkey, OSSL_PKEY_PARAM_RSA_N, a, sizeof(a), false);
		int			blen = number_of(pkey, OSSL_PKEY_PARAM_RSA_E, b, sizeof(b), false);

		return paysafe_signature_key_rsa(algorithm, a, Max(alen, 0), b, Max(blen, 0), why);
	}
	if (is_ecdsa(algorithm) && EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
		strcmp(group, algorithms[algorithm].group) == 0 &&
		number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_X, a, field, true) == field &&
		number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, b, field, true) == field)
		return paysafe_signature_key_point(algorithm, a, field, b, field, why);
	if (is_eddsa(algorithm) && EVP_PKEY_get_raw_public_key(pkey, a, &len) == 1)
		return paysafe_signature_key_raw(algorithm, a, len, why);
	return NULL;
}

SignatureKey *
paysafe_signature_key_spki(SignatureAlgorithm algorithm, const void *data, size_t len, const char **why)
{
	EVP_PKEY   *pkey = read_spki(data, len);
	SignatureKey *key = NULL;

	if (pkey == NULL)
		*why = "it is no public key";
	else
	{
		*why = "it is a key of another algorithm";
		if (algorithms[algorithm].type != NULL && EVP_PKEY_is_a(pkey, algorithms[algorithm].type))
			key = key_of_pkey(algorithm, pkey, why);
	}
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return key;
}

SignatureAlgorithm
paysafe_signature_key_algorithm(const SignatureKey *key)
{
	return key->algorithm;
}

/* Verifying */

/* A number of DER from one that is len bytes long; returns where it ends. */
static uint8 *
put_integer(uint8 *out, const uint8 *number, size_t len)
{
	bool		zero;

	while (len > 1 && number[0] == 0)
	{
		number++;
		len--;
	}
	zero = (number[0] & 0x80) != 0;
	*out++ = 0x02;
	*out++ = (uint8) (len + zero);
	if (zero)
		*out++ = 0;
	memcpy(out, number, len);
	return out + len;
}

/* r and s as OpenSSL wants them; the length.  out has room for two of the longest. */
static size_t
der_of_raw(const uint8 *raw, size_t len, uint8 *out)
{
	uint8		body[2 * (MAX_FIELD_LEN + 3)];
	size_t		n = put_integer(put_integer(body, raw, len), raw + len, len) - body;
	size_t		head = 0;

	out[head++] = 0x30;
	if (n >= 0x80)
		out[head++] = 0x81;
	out[head++] = (uint8) n;
	memcpy(out + head, body, n);
	return head + n;
}

static bool
verify_hash(SignatureKey *key, const void *data, size_t len, const uint8 *signature, size_t signaturelen)
{
	uint8		hash[EVP_MAX_MD_SIZE];
	unsigned int hashlen = 0;

	return EVP_Digest(data, len, hash, &hashlen, key->md, NULL) == 1 &&
		EVP_PKEY_verify(key->ctx, signature, signaturelen, hash, hashlen) == 1;
}

static bool
verify_eddsa(SignatureKey *key, const void *data, size_t len, const uint8 *signature)
{
	return EVP_DigestVerifyInit_ex(key->mdctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
		EVP_DigestVerify(key->mdctx, signature, key->len, data, len) == 1;
}

static bool
verify_hmac(SignatureKey *key, const void *data, size_t len, const uint8 *signature)
{
	uint8		mac[PAYSAFE_SHA256_LEN];
	bool		genuine;

	paysafe_crypto_hmac_sha256(key->secret, key->secretlen, data, len, mac);
	genuine = paysafe_crypto_equal(mac, signature, sizeof(mac));
	OPENSSL_cleanse(mac, sizeof(mac));
	return genuine;
}

bool
paysafe_signature_verify(SignatureKey *key, const void *data, size_t len,
						 const uint8 *signature, size_t signaturelen, SignatureForm form)
{
	uint8		der[3 + 2 * (MAX_FIELD_LEN + 3)];
	size_t		half = algorithms[key->algorithm].len;
	bool		genuine;

	if (is_ecdsa(key->algorithm))
	{
		if (form == SIGNATURE_RAW)
		{
			if (signaturelen != 2 * half)
				return false;
			signaturelen = der_of_raw(signature, half, der);
			signature = der;
		}
		genuine = signaturelen <= key->len && verify_hash(key, data, len, signature, signaturelen);
	}
	else if (signaturelen != key->len)
		genuine = false;
	else if (is_rsa(key->algorithm))
		genuine = verify_hash(key, data, len, signature, signaturelen);
	else if (is_eddsa(key->algorithm))
		genuine = verify_eddsa(key, data, len, signature);
	else
		genuine = verify_hmac(key, data, len, signature);
	ERR_clear_error();
	return genuine;
}

size_t
paysafe_signature_key_write(const SignatureKey *key, uint8 *out)
{
	unsigned char *at = out;
	int			len;

	Ensure(key->pkey != NULL);
	len = i2d_PUBKEY(key->pkey, NULL);
	Ensure(len > 0 && len <= PAYSAFE_SPKI_MAX);
	len = i2d_PUBKEY(key->pkey, &at);
	ERR_clear_error();
	return (size_t) len;
}
