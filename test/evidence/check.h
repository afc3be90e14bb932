/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Counting what holds, for the programs of this folder.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern long checks;
extern long failures;

#define CHECK(condition, ...) \
	do { \
		checks++; \
		if (!(condition)) \
		{ \
			failures++; \
			if (failures < 50) \
			{ \
				fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
				fprintf(stderr, __VA_ARGS__); \
				fputc('\n', stderr); \
			} \
		} \
	} while (0)

extern void test_tree(void);
extern void test_tiles(void);
extern void test_texts(void);
extern void test_notes(void);
extern void test_policies(void);
extern void test_proofs(void);
extern void test_mutations(unsigned seed, long rounds);
