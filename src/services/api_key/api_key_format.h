/*-------------------------------------------------------------------------
 *
 * api_key_format.h
 *	  What an API key looks like: prefix_<30 random characters><6 of checksum>.
 *
 * The characters are the 62 letters and digits; the checksum is the CRC-32 (IEEE
 * 802.3) of the 30, as six digits to the base 62.  That is GitHub's form: a
 * scanner of sources tells a key from a text that looks like one, and a client a
 * key that was cut, without asking anybody.  It proves nothing else.
 *
 * Reads nothing but its arguments, allocates nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_API_KEY_FORMAT_H
#define PAYSAFE_API_KEY_FORMAT_H

#define PAYSAFE_API_KEY_RANDOM_LEN		30	/* 178 bits */
#define PAYSAFE_API_KEY_CHECKSUM_LEN	6
#define PAYSAFE_API_KEY_PREFIX_MAX		32
#define PAYSAFE_API_KEY_MAX \
	(PAYSAFE_API_KEY_PREFIX_MAX + 1 + PAYSAFE_API_KEY_RANDOM_LEN + PAYSAFE_API_KEY_CHECKSUM_LEN)

/*
 * 1 to 32 lower-case letters, digits and underscores: a letter first, and no
 * underscore last or beside another one.
 */
extern bool paysafe_api_key_format_is_prefix(const char *prefix, size_t len);

/*
 * Random bytes to characters, each of the 62 as likely as the others: bytes that
 * would favour some (248 and more) are passed over.  Writes at most max of them and
 * returns how many.
 */
extern size_t paysafe_api_key_format_characters(const uint8 *bytes, size_t nbytes,
												char *out, size_t max);

/*
 * Write the key for a prefix and PAYSAFE_API_KEY_RANDOM_LEN characters; out has
 * room for PAYSAFE_API_KEY_MAX bytes.  Returns its length; no zero is appended.
 */
extern size_t paysafe_api_key_format_key(const char *prefix, size_t prefixlen,
										 const char *characters, char *out);

/*
 * Is it a key, with the right checksum?  Then the length of its prefix, otherwise
 * 0.  Any bytes will do.
 */
extern size_t paysafe_api_key_format_parse(const char *text, size_t len);

#endif							/* PAYSAFE_API_KEY_FORMAT_H */
