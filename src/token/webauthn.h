/*-------------------------------------------------------------------------
 *
 * webauthn.h
 *	  What a passkey's assertion is made of (Web Authentication, Level 3).
 *
 * Whether it is good is for whoever knows the key, the challenge and the origins:
 * these only read.  A result is NULL, or what is wrong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_WEBAUTHN_H
#define TOKEN_WEBAUTHN_H

#include "token/text.h"

#define TOKEN_CHALLENGE_MAX			256 /* bytes; ours have 32, and the specification wants 16 at least */
#define TOKEN_CHALLENGE_MIN			16
#define TOKEN_ORIGIN_MAX			300	/* bytes */
#define TOKEN_CREDENTIAL_ID_MAX		1023	/* bytes, as the specification has it */
#define TOKEN_USER_HANDLE_MAX		64
#define TOKEN_CLIENT_DATA_MAX		4096
#define TOKEN_AUTHENTICATOR_DATA_MAX	4096
#define TOKEN_SIGNATURE_MAX			1024	/* RSA of 8192 bits */

/* Flags of authenticator data. */
#define TOKEN_FLAG_UP	0x01	/* somebody was there */
#define TOKEN_FLAG_UV	0x04	/* and was recognised */
#define TOKEN_FLAG_BE	0x08	/* the key may have copies */
#define TOKEN_FLAG_BS	0x10	/* and has */
#define TOKEN_FLAG_AT	0x40	/* a new key is told of */
#define TOKEN_FLAG_ED	0x80	/* extensions are there */

typedef struct TokenAuthenticatorData
{
	const uint8_t *rp_id_hash;	/* SHA-256 of the relying party's id */
	uint8_t		flags;
	uint32_t	counter;
	TokenText	credential_id;	/* of a new key, and the key in COSE */
	TokenText	cose_key;
	TokenText	extensions;		/* a map in CBOR */
} TokenAuthenticatorData;

/* Of a new key or of an assertion, to its last byte. */
extern const char *token_webauthn_authenticator_data(TokenText data, TokenAuthenticatorData *out);

typedef struct TokenClientData
{
	size_t		challenge_len;
	uint8_t		challenge[TOKEN_CHALLENGE_MAX];
	char		origin[TOKEN_ORIGIN_MAX + 1];
	bool		cross_origin;	/* in a page of another origin */
	char		top_origin[TOKEN_ORIGIN_MAX + 1];	/* of that page; empty: it is not said */
} TokenClientData;

/*
 * Of an assertion ("webauthn.get").  Members that are not known here are ignored, as
 * the specification wants it.
 */
extern const char *token_webauthn_client_data(TokenText json, TokenClientData *out);

/* An assertion as browsers write it (AuthenticationResponseJSON). */
typedef struct TokenAssertion
{
	size_t		credential_id_len;
	size_t		client_data_len;
	size_t		authenticator_data_len;
	size_t		signature_len;
	size_t		user_handle_len;	/* 0: none */
	uint8_t		credential_id[TOKEN_CREDENTIAL_ID_MAX];
	uint8_t		client_data[TOKEN_CLIENT_DATA_MAX];
	uint8_t		authenticator_data[TOKEN_AUTHENTICATOR_DATA_MAX];
	uint8_t		signature[TOKEN_SIGNATURE_MAX];
	uint8_t		user_handle[TOKEN_USER_HANDLE_MAX];
} TokenAssertion;

extern const char *token_webauthn_assertion(TokenText json, TokenAssertion *out);

#endif							/* TOKEN_WEBAUTHN_H */
