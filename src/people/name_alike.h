/*-------------------------------------------------------------------------
 *
 * name_alike.h
 *	  Characters that are drawn like one of ASCII.
 *
 * Letters of Greek, Cyrillic, Armenian and Cherokee, some of Latin in another hand, and
 * apostrophes, hyphens, colons and slashes, after folding: alike in the capital or in the small
 * form.  No two of one alphabet are the same, since names of other people would be, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_NAME_ALIKE_H
#define PAYSAFE_NAME_ALIKE_H

/* In the order of the codes. */
static const struct
{
	uint32		code;
	char		like;
}			alike[] = {
	{0x0251, 'a'}, {0x0261, 'g'}, {0x0269, 'i'}, {0x02B9, '\''}, {0x02BC, '\''},
	{0x02BD, '\''}, {0x02D0, ':'}, {0x03B1, 'a'}, {0x03B2, 'b'}, {0x03B5, 'e'},
	{0x03B6, 'z'}, {0x03B7, 'h'}, {0x03B9, 'i'}, {0x03BA, 'k'}, {0x03BC, 'm'},
	{0x03BD, 'n'}, {0x03BF, 'o'}, {0x03C1, 'p'}, {0x03C4, 't'}, {0x03C5, 'y'},
	{0x03C7, 'x'}, {0x03F3, 'j'}, {0x0430, 'a'}, {0x0432, 'b'}, {0x0435, 'e'},
	{0x043A, 'k'}, {0x043C, 'm'}, {0x043D, 'h'}, {0x043E, 'o'}, {0x0440, 'p'},
	{0x0441, 'c'}, {0x0442, 't'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'},
	{0x0456, 'i'}, {0x0458, 'j'}, {0x0475, 'v'}, {0x04CF, 'l'}, {0x0501, 'd'},
	{0x050D, 'g'}, {0x051B, 'q'}, {0x051D, 'w'}, {0x0566, 'q'}, {0x0570, 'h'},
	{0x0578, 'n'}, {0x057D, 'u'}, {0x0581, 'g'}, {0x0585, 'o'}, {0x13A0, 'd'},
	{0x13A1, 'r'}, {0x13A2, 't'}, {0x13A9, 'y'}, {0x13AA, 'a'}, {0x13AB, 'j'},
	{0x13AC, 'e'}, {0x13B3, 'w'}, {0x13B7, 'm'}, {0x13BB, 'h'}, {0x13C0, 'g'},
	{0x13C3, 'z'}, {0x13D9, 'v'}, {0x13DA, 's'}, {0x13DE, 'l'}, {0x13DF, 'c'},
	{0x13E2, 'p'}, {0x13E6, 'k'}, {0x13F4, 'b'}, {0x2010, '-'}, {0x2012, '-'},
	{0x2013, '-'}, {0x2014, '-'}, {0x2015, '-'}, {0x2018, '\''}, {0x2019, '\''},
	{0x201B, '\''}, {0x2032, '\''}, {0x2044, '/'}, {0x2212, '-'}, {0x2215, '/'},
	{0x2236, ':'}, {0xA789, ':'},
};

/* The character of ASCII that looks like the code, or the code. */
static inline uint32
name_alike(uint32 code)
{
	int			low = 0;
	int			high = (int) lengthof(alike) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (code > alike[middle].code)
			low = middle + 1;
		else if (code < alike[middle].code)
			high = middle - 1;
		else
			return alike[middle].like;
	}
	return code;
}

#endif							/* PAYSAFE_NAME_ALIKE_H */
