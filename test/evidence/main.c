/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Tests of src/tlog: test/evidence/run builds and starts them.
 *
 *	tlog_test [SEED [MUTATIONS]]
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "tlog/key.h"

long		checks = 0;
long		failures = 0;

int
main(int argc, char **argv)
{
	unsigned	seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	long		rounds = argc > 2 ? atol(argv[2]) : 200000;

	test_tree();
	test_tiles();
	test_texts();
	test_notes();
	test_policies();
	test_proofs();
	test_mutations(seed, rounds);
	printf("%ld checks of src/tlog%s\n", checks,
		   tlog_key_supported(TLOG_KEY_COSIGNER_MLDSA44) ? "" : ", no ML-DSA-44 in this OpenSSL");
	if (failures > 0)
		printf("%ld of them failed\n", failures);
	return failures > 0;
}
