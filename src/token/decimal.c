/*-------------------------------------------------------------------------
 *
 * decimal.c
 *	  Numbers of JSON, compared as they are written: no binary fractions.
 *
 *-------------------------------------------------------------------------
 */
#include "token/decimal.h"

/* The exponent that stands here, after its e; false: it is too large */
static bool
read_exponent(const uint8_t *at, const uint8_t *end, int64_t *out)
{
	bool		minus = at < end && *at == '-';
	int64_t		n = 0;

	for (at += at < end && (*at == '-' || *at == '+'); at < end; at++)
	{
		n = n * 10 + (*at - '0');
		if (n > TOKEN_DECIMAL_EXPONENT)
			return false;
	}
	*out = minus ? -n : n;
	return true;
}

bool
token_decimal_read(TokenText text, TokenDecimal *out)
{
	const uint8_t *at = text.at;
	const uint8_t *end = text.at + text.len;
	const uint8_t *digits_end;
	const uint8_t *point;
	int64_t		exponent = 0;

	out->sign = at < end && *at == '-' ? -1 : 1;
	at += out->sign < 0;
	for (digits_end = at; digits_end < end && *digits_end != 'e' && *digits_end != 'E'; digits_end++)
		;
	if (digits_end < end && !read_exponent(digits_end + 1, end, &exponent))
		return false;
	for (point = at; point < digits_end && *point != '.'; point++)
		;
	while (at < digits_end && (*at == '0' || *at == '.'))
		at++;
	while (digits_end > at && (digits_end[-1] == '0' || digits_end[-1] == '.'))
		digits_end--;
	out->at = at;
	out->end = digits_end;
	out->first = out->last = 0;
	if (at == digits_end)
		out->sign = 0;
	else
	{
		out->first = exponent + (at < point ? point - at - 1 : point - at);
		out->last = exponent + (digits_end <= point ? point - digits_end : point - digits_end + 1);
	}
	return true;
}

int
token_decimal_compare(const TokenDecimal *a, const TokenDecimal *b)
{
	const uint8_t *x = a->at;
	const uint8_t *y = b->at;

	if (a->sign != b->sign)
		return a->sign - b->sign;
	if (a->first != b->first)
		return a->first < b->first ? -a->sign : a->sign;
	while (x < a->end && y < b->end)
	{
		x += *x == '.';
		y += *y == '.';
		if (*x != *y)
			return *x < *y ? -a->sign : a->sign;
		x++;
		y++;
	}
	return x < a->end ? a->sign : y < b->end ? -a->sign : 0;
}

bool
token_decimal_is_whole(const TokenDecimal *number)
{
	return number->last >= 0;
}

/* Its digits as a number, less than 10^19 */
static uint64_t
digits_of(const TokenDecimal *number)
{
	uint64_t	n = 0;

	for (const uint8_t *at = number->at; at < number->end; at++)
		if (*at != '.')
			n = n * 10 + (*at - '0');
	return n;
}

bool
token_decimal_count(const TokenDecimal *number, uint32_t max, uint32_t *out)
{
	uint64_t	n;

	if (number->sign < 0 || number->last < 0)
		return false;
	if (number->first > 9)
		n = max;
	else
	{
		n = digits_of(number);
		for (int64_t i = 0; i < number->last; i++)
			n *= 10;
	}
	*out = n > max ? max : (uint32_t) n;
	return true;
}

bool
token_decimal_is_divisor(const TokenDecimal *number)
{
	return number->sign > 0 && number->first - number->last < TOKEN_DECIMAL_DIVISOR;
}

bool
token_decimal_is_multiple(const TokenDecimal *number, const TokenDecimal *of)
{
	uint64_t	divisor = digits_of(of);
	uint64_t	rest = 0;
	uint64_t	base;

	if (number->sign == 0)
		return true;
	/* its last digit is no zero, so it is no multiple of ten times anything */
	if (number->last < of->last)
		return false;
	/* less than 10^18 each, so that ten times a rest fits */
	for (const uint8_t *at = number->at; at < number->end; at++)
		if (*at != '.')
			rest = (rest * 10 + (*at - '0')) % divisor;
	/* times a power of ten, by squaring */
	base = 10 % divisor;
	for (uint64_t power = (uint64_t) (number->last - of->last); power > 0 && rest != 0; power >>= 1)
	{
		if (power & 1)
			rest = (uint64_t) ((unsigned __int128) rest * base % divisor);
		base = (uint64_t) ((unsigned __int128) base * base % divisor);
	}
	return rest == 0;
}
