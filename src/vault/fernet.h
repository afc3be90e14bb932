/*-------------------------------------------------------------------------
 *
 * fernet.h
 *	  Tokens as Python's cryptography makes them (Fernet), read only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FERNET_H
#define PAYSAFE_FERNET_H

#define FERNET_KEY_LEN	32

/* What a token is made of; pointers into its bytes. */
typedef struct FernetToken
{
	uint64		time;			/* seconds since 1970 */
	const uint8 *iv;			/* 16 bytes */
	const uint8 *cipher;
	size_t		cipherlen;		/* a multiple of 16, not 0 */
	const uint8 *hmac;			/* 32 bytes, of what stands before it */
} FernetToken;

/*
 * Take a token apart: base64 (URL-safe, padded) of version 0x80, time, IV, ciphertext
 * and HMAC.  bytes has room for the text's length.  Allocates nothing; false if it
 * is none.
 */
extern bool paysafe_fernet_parse(const char *text, size_t len, uint8 *bytes, FernetToken *token);

#endif							/* PAYSAFE_FERNET_H */
