/*-------------------------------------------------------------------------
 *
 * check.h
 *	  What the programs of this folder check.
 *
 *-------------------------------------------------------------------------
 */
#include "../lib/check.h"

extern void test_tree(void);
extern void test_tiles(void);
extern void test_texts(void);
extern void test_notes(void);
extern void test_policies(void);
extern void test_proofs(void);
extern void test_mutations(unsigned seed, long rounds);
