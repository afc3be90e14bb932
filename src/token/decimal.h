/*-------------------------------------------------------------------------
 *
 * decimal.h
 *	  Numbers of JSON, compared as they are written: no binary fractions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_DECIMAL_H
#define TOKEN_DECIMAL_H

#include "token/text.h"

#define TOKEN_DECIMAL_EXPONENT	999999999	/* no power of ten that is written is larger */
#define TOKEN_DECIMAL_DIVISOR	18	/* digits of what another one is a multiple of */

/* Its digits without zeros at either end; a point may stand among them. */
typedef struct TokenDecimal
{
	int			sign;			/* 0: it is zero, and has no digits */
	const uint8_t *at;
	const uint8_t *end;
	int64_t		first;			/* the power of ten of its first digit */
	int64_t		last;			/* and that of its last one */
} TokenDecimal;

/* Read a number, whose text is that of a number of JSON.  false: its exponent is too large. */
extern bool token_decimal_read(TokenText text, TokenDecimal *out);

/* Negative, zero or positive */
extern int	token_decimal_compare(const TokenDecimal *a, const TokenDecimal *b);

/* 1.0 and 1e2 are whole numbers. */
extern bool token_decimal_is_whole(const TokenDecimal *number);

/* A whole number that is not negative; what is larger than max is max.  false: it is none. */
extern bool token_decimal_count(const TokenDecimal *number, uint32_t max, uint32_t *out);

/* Can others be said to be a multiple of it? */
extern bool token_decimal_is_divisor(const TokenDecimal *number);
extern bool token_decimal_is_multiple(const TokenDecimal *number, const TokenDecimal *of);

#endif							/* TOKEN_DECIMAL_H */
