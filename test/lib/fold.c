/*
 * fold.c: prints for every code point of Unicode whether a name may have it, whether it is a
 * letter or digit, and what it folds to, for "src/people/name_table.py --check".
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint32_t uint32;
typedef int32_t int32;

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

#include "people/name_fold.h"

int
main(void)
{
	for (uint32 code = 0; code <= 0x10FFFF; code++)
	{
		uint32		to[NAME_MAX_FOLD];
		int			n = name_fold(code, to);

		printf("%X %d %d", code, name_has(code), name_is_letter(code));
		for (int i = 0; i < n; i++)
			printf(" %X", to[i]);
		printf("\n");
	}
	return 0;
}
