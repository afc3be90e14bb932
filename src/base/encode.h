/*-------------------------------------------------------------------------
 *
 * encode.h
 *	  Strict text forms of bytes and numbers.
 *
 * A value has exactly one text: what a lenient reader would also take (blanks,
 * line breaks, other letters of the alphabet, bits left over, leading zeros) is
 * no value here.  Reads nothing but its arguments, allocates nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ENCODE_H
#define PAYSAFE_ENCODE_H

/* Room for len bytes in each form, without a terminating zero. */
#define PAYSAFE_HEX_LEN(len)		(2 * (size_t) (len))
#define PAYSAFE_BASE64_LEN(len)		(((size_t) (len) + 2) / 3 * 4)

typedef enum PaysafeBase64
{
	PAYSAFE_BASE64,				/* RFC 4648 section 4, padded */
	PAYSAFE_BASE64_UNPADDED,	/* the same, without padding */
	PAYSAFE_BASE64_URL,			/* section 5, padded */
	PAYSAFE_BASE64_URL_UNPADDED /* section 5, without padding */
} PaysafeBase64;

/*
 * Read inlen characters; out has room for 3/4 of them.  Returns the number of
 * bytes, or -1 if it is not exactly the form.
 */
extern int	paysafe_decode_base64(const char *in, size_t inlen, PaysafeBase64 form, uint8 *out);

/* The same for pairs of hexadecimal digits, of either case; room for half of them. */
extern int	paysafe_decode_hex(const char *in, size_t inlen, uint8 *out);

/* Write; returns the number of characters. */
extern size_t paysafe_encode_base64(const uint8 *in, size_t inlen, PaysafeBase64 form, char *out);
extern size_t paysafe_encode_hex(const uint8 *in, size_t inlen, char *out);

/*
 * A decimal number without sign and leading zeros, at most 18 digits; false if
 * it is none.
 */
extern bool paysafe_decode_decimal(const char *in, size_t inlen, int64 *out);

#endif							/* PAYSAFE_ENCODE_H */
