/*-------------------------------------------------------------------------
 *
 * fernet.c
 *	  Tokens as Python's cryptography makes them (Fernet), read only.
 *
 * https://github.com/fernet/spec
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "base/crypto.h"
#include "base/encode.h"
#include "vault/fernet.h"

#define VERSION		0x80
#define TIME_LEN	8
#define BLOCK_LEN	16
#define HEADER_LEN	(1 + TIME_LEN + BLOCK_LEN)

bool
paysafe_fernet_parse(const char *text, size_t len, uint8 *bytes, FernetToken *token)
{
	int			n = len > PG_INT32_MAX / 4 ? -1 :
		paysafe_decode_base64(text, len, PAYSAFE_BASE64_URL, bytes);

	if (n < HEADER_LEN + BLOCK_LEN + PAYSAFE_SHA256_LEN || bytes[0] != VERSION ||
		(n - HEADER_LEN - PAYSAFE_SHA256_LEN) % BLOCK_LEN != 0)
		return false;
	token->time = 0;
	for (int i = 1; i <= TIME_LEN; i++)
		token->time = token->time << 8 | bytes[i];
	token->iv = bytes + 1 + TIME_LEN;
	token->cipher = bytes + HEADER_LEN;
	token->cipherlen = n - HEADER_LEN - PAYSAFE_SHA256_LEN;
	token->hmac = token->cipher + token->cipherlen;
	return true;
}
