/*-------------------------------------------------------------------------
 *
 * key.c
 *	  Keys of signed notes: their names, their texts, signing and verifying.
 *
 * Whether ML-DSA-44 can be had is asked of the libcrypto that runs, not of the
 * one that this was built with.
 *
 *-------------------------------------------------------------------------
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "tlog/key.h"

#define PRIVATE_WORD	"PRIVATE+KEY+"

static bool
known_type(int type)
{
	return type == TLOG_KEY_ED25519 || type == TLOG_KEY_COSIGNER || type == TLOG_KEY_COSIGNER_MLDSA44;
}

static const char *
algorithm(TlogKeyType type)
{
	return type == TLOG_KEY_COSIGNER_MLDSA44 ? "ML-DSA-44" : "ED25519";
}

static size_t
public_len(TlogKeyType type)
{
	return type == TLOG_KEY_COSIGNER_MLDSA44 ? 1312 : 32;
}

size_t
tlog_key_signature_len(TlogKeyType type)
{
	return type == TLOG_KEY_COSIGNER_MLDSA44 ? 2420 : 64;
}

bool
tlog_key_supported(TlogKeyType type)
{
	EVP_SIGNATURE *found = EVP_SIGNATURE_fetch(NULL, algorithm(type), NULL);

	ERR_clear_error();
	EVP_SIGNATURE_free(found);
	return found != NULL;
}

/* The blanks of Unicode, by the bytes of their UTF-8 */
static bool
has_blank(TlogText name)
{
	static const char *const blanks[] = {
		" ", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"
	};

	for (size_t at = 0; at < name.len; at++)
	{
		TlogText	rest = {name.at + at, name.len - at};

		for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
			if (tlog_text_begins(rest, blanks[i]))
				return true;
		/* U+2000 to U+200A */
		if (tlog_text_begins(rest, "\xe2\x80") && rest.len > 2 &&
			(uint8_t) rest.at[2] >= 0x80 && (uint8_t) rest.at[2] <= 0x8a)
			return true;
	}
	return false;
}

bool
tlog_key_name_good(TlogText name)
{
	return name.len > 0 && name.len <= TLOG_KEY_NAME_MAX && tlog_text_clean(name) &&
		memchr(name.at, '\n', name.len) == NULL && memchr(name.at, '+', name.len) == NULL && !has_blank(name);
}

static void
set_id(TlogKey *key)
{
	uint8_t		bytes[TLOG_KEY_NAME_MAX + 2 + TLOG_PUBLIC_MAX];
	size_t		len = strlen(key->name);
	TlogHash	hash;

	memcpy(bytes, key->name, len);
	bytes[len++] = '\n';
	bytes[len++] = key->type;
	memcpy(bytes + len, key->public_key, key->public_len);
	tlog_hash_bytes(bytes, len + key->public_len, &hash);
	key->id = (uint32_t) hash.bytes[0] << 24 | hash.bytes[1] << 16 | hash.bytes[2] << 8 | hash.bytes[3];
}

/* "name+id+base64" into its parts: the number of bytes, the first of which is the type; or 0 */
static size_t
take_apart(TlogText text, TlogKey *key, char id[9], uint8_t *bytes, size_t room)
{
	const char *plus = text.len > 0 ? memchr(text.at, '+', text.len) : NULL;
	TlogText	name = {text.at, plus == NULL ? 0 : (size_t) (plus - text.at)};
	TlogText	rest;
	long		n;

	if (plus == NULL || !tlog_key_name_good(name) || text.len < name.len + 10 || plus[9] != '+')
		return 0;
	memset(key, 0, sizeof(*key));
	memcpy(key->name, name.at, name.len);
	memcpy(id, plus + 1, 8);
	id[8] = '\0';
	rest.at = plus + 10;
	rest.len = text.len - name.len - 10;
	n = tlog_base64_read(rest, bytes, room);
	if (n < 1 || !known_type(bytes[0]))
		return 0;
	key->type = bytes[0];
	key->public_len = public_len(key->type);
	return n;
}

static bool
id_is(const TlogKey *key, const char *id)
{
	char		expected[9];

	snprintf(expected, sizeof(expected), "%08x", (unsigned) key->id);
	return strcmp(expected, id) == 0;
}

bool
tlog_key_parse(TlogText vkey, TlogKey *out)
{
	uint8_t		bytes[1 + TLOG_PUBLIC_MAX];
	char		id[9];
	size_t		n = take_apart(vkey, out, id, bytes, sizeof(bytes));

	if (n == 0 || n != 1 + out->public_len)
		return false;
	memcpy(out->public_key, bytes + 1, out->public_len);
	set_id(out);
	return id_is(out, id);
}

static long
key_text(const TlogKey *key, const char *before, const uint8_t *bytes, size_t len, char *out, size_t room)
{
	uint8_t		typed[1 + TLOG_PUBLIC_MAX];
	char		id[11];
	TlogWriter	w;

	typed[0] = key->type;
	memcpy(typed + 1, bytes, len);
	snprintf(id, sizeof(id), "+%08x+", (unsigned) key->id);
	tlog_write_begin(&w, out, room);
	tlog_write_word(&w, before);
	tlog_write_word(&w, key->name);
	tlog_write_word(&w, id);
	tlog_write_base64(&w, typed, 1 + len);
	OPENSSL_cleanse(typed, sizeof(typed));
	return tlog_write_end(&w);
}

long
tlog_key_text(const TlogKey *key, char *out, size_t room)
{
	return key_text(key, "", key->public_key, key->public_len, out, room);
}

/* Signers */

static EVP_PKEY *
private_key(TlogKeyType type, const uint8_t *seed)
{
	EVP_PKEY   *pkey = NULL;
	EVP_PKEY_CTX *ctx;
	OSSL_PARAM	params[2];

	if (type != TLOG_KEY_COSIGNER_MLDSA44)
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, TLOG_SEED_LEN);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm(type), NULL);
	params[0] = OSSL_PARAM_construct_octet_string("seed", (void *) seed, TLOG_SEED_LEN);
	params[1] = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

bool
tlog_signer_of_seed(const char *name, TlogKeyType type, const uint8_t *seed, TlogSigner *out)
{
	TlogText	text = {name, strlen(name)};
	EVP_PKEY   *pkey;
	size_t		len;
	bool		good;

	if (!known_type(type) || !tlog_key_name_good(text))
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out->key.name, name, text.len);
	out->key.type = type;
	out->key.public_len = len = public_len(type);
	memcpy(out->seed, seed, TLOG_SEED_LEN);
	pkey = private_key(type, seed);
	good = pkey != NULL && EVP_PKEY_get_raw_public_key(pkey, out->key.public_key, &len) == 1 &&
		len == out->key.public_len;
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	if (!good)
		tlog_signer_forget(out);
	else
		set_id(&out->key);
	return good;
}

bool
tlog_signer_generate(const char *name, TlogKeyType type, TlogSigner *out)
{
	uint8_t		seed[TLOG_SEED_LEN];
	bool		good = RAND_priv_bytes(seed, sizeof(seed)) == 1 && tlog_signer_of_seed(name, type, seed, out);

	OPENSSL_cleanse(seed, sizeof(seed));
	ERR_clear_error();
	return good;
}

bool
tlog_signer_parse(TlogText skey, TlogSigner *out)
{
	uint8_t		bytes[1 + TLOG_SEED_LEN];
	char		id[9];
	TlogKey		key;
	size_t		n = 0;
	bool		good;

	if (tlog_text_begins(skey, PRIVATE_WORD))
	{
		skey.at += strlen(PRIVATE_WORD);
		skey.len -= strlen(PRIVATE_WORD);
		n = take_apart(skey, &key, id, bytes, sizeof(bytes));
	}
	good = n == sizeof(bytes) && tlog_signer_of_seed(key.name, key.type, bytes + 1, out);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (good && !id_is(&out->key, id))
	{
		tlog_signer_forget(out);
		good = false;
	}
	return good;
}

long
tlog_signer_text(const TlogSigner *signer, char *out, size_t room)
{
	return key_text(&signer->key, PRIVATE_WORD, signer->seed, TLOG_SEED_LEN, out, room);
}

void
tlog_signer_forget(TlogSigner *signer)
{
	OPENSSL_cleanse(signer, sizeof(*signer));
}

bool
tlog_key_verify(const TlogKey *key, const void *message, size_t len, const uint8_t *signature)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, algorithm(key->type), NULL, key->public_key,
													  key->public_len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		good = pkey != NULL && ctx != NULL &&
		EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
		EVP_DigestVerify(ctx, signature, tlog_key_signature_len(key->type), message, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

bool
tlog_signer_sign(const TlogSigner *signer, const void *message, size_t len, uint8_t *signature)
{
	EVP_PKEY   *pkey = private_key(signer->key.type, signer->seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t		n = tlog_key_signature_len(signer->key.type);
	bool		good = pkey != NULL && ctx != NULL &&
		EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
		EVP_DigestSign(ctx, signature, &n, message, len) == 1 &&
		n == tlog_key_signature_len(signer->key.type);

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}
