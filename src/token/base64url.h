/*-------------------------------------------------------------------------
 *
 * base64url.h
 *	  Bytes as URLs and signed tokens have them: RFC 4648, section 5; and section 4.
 *
 * One text for some bytes, and one only: no padding, no other alphabet, no blanks, and
 * the bits of the last digit that are left over are zero.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_BASE64URL_H
#define TOKEN_BASE64URL_H

#include "token/text.h"

/* How many digits so many bytes have, and how many bytes so many digits. */
#define TOKEN_BASE64URL_LEN(n)		(((n) * 4 + 2) / 3)
#define TOKEN_BASE64URL_BYTES(n)	((n) / 4 * 3 + ((n) % 4 * 3) / 4)

/* The number of bytes, or -1: no base64url, or no room for it. */
extern long token_base64url_read(TokenText text, void *out, size_t room);

/* The same of base64 as section 4 has it, with its padding: one text for some bytes, too. */
extern long token_base64_read(TokenText text, void *out, size_t room);

/* TOKEN_BASE64URL_LEN(len) digits, and a byte of zero after them; returns how many. */
extern size_t token_base64url_write(const void *data, size_t len, char *out);

#endif							/* TOKEN_BASE64URL_H */
