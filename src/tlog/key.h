/*-------------------------------------------------------------------------
 *
 * key.h
 *	  Keys of signed notes: their names, their texts, signing and verifying.
 *
 * A verifier key is "name+id+base64(type || public key)", a signer key
 * "PRIVATE+KEY+name+id+base64(type || seed)", as C2SP's signed-note and Go's
 * sumdb/note have them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_KEY_H
#define TLOG_KEY_H

#include "tlog/text.h"

#define TLOG_KEY_NAME_MAX	255
#define TLOG_PUBLIC_MAX		1312	/* bytes of a public key */
#define TLOG_SIGNATURE_MAX	(8 + 2420)	/* bytes of a signature, with its time */
#define TLOG_SEED_LEN		32
#define TLOG_KEY_TEXT_MAX	2100	/* characters of either text, with the end */

typedef enum TlogKeyType
{
	TLOG_KEY_ED25519 = 0x01,	/* signs the text of a note */
	TLOG_KEY_COSIGNER = 0x04,	/* Ed25519, signs a checkpoint and the time */
	TLOG_KEY_COSIGNER_MLDSA44 = 0x06	/* ML-DSA-44, likewise: OpenSSL 3.5 or later */
} TlogKeyType;

typedef struct TlogKey
{
	char		name[TLOG_KEY_NAME_MAX + 1];
	uint32_t	id;
	TlogKeyType type;
	size_t		public_len;
	uint8_t		public_key[TLOG_PUBLIC_MAX];
} TlogKey;

typedef struct TlogSigner
{
	TlogKey		key;
	uint8_t		seed[TLOG_SEED_LEN];	/* secret: see tlog_signer_forget */
} TlogSigner;

/* Neither empty nor with a blank of Unicode's or a plus sign; at most TLOG_KEY_NAME_MAX bytes */
extern bool tlog_key_name_good(TlogText name);

/* Can this libcrypto verify and sign with such keys? */
extern bool tlog_key_supported(TlogKeyType type);

/* False: no verifier key, one of an unknown type, or its id is not that of its key. */
extern bool tlog_key_parse(TlogText vkey, TlogKey *out);
extern long tlog_key_text(const TlogKey *key, char *out, size_t room);

extern bool tlog_signer_parse(TlogText skey, TlogSigner *out);
extern bool tlog_signer_generate(const char *name, TlogKeyType type, TlogSigner *out);
extern bool tlog_signer_of_seed(const char *name, TlogKeyType type, const uint8_t *seed, TlogSigner *out);
extern long tlog_signer_text(const TlogSigner *signer, char *out, size_t room);
extern void tlog_signer_forget(TlogSigner *signer);

/* Bytes, as the type's algorithm signs them: 64 of a signature, or 2420 */
extern size_t tlog_key_signature_len(TlogKeyType type);
extern bool tlog_key_verify(const TlogKey *key, const void *message, size_t len, const uint8_t *signature);
extern bool tlog_signer_sign(const TlogSigner *signer, const void *message, size_t len, uint8_t *signature);

#endif							/* TLOG_KEY_H */
