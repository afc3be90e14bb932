/*-------------------------------------------------------------------------
 *
 * proof.h
 *	  Proof files, and leaves at random.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_PROOF_H
#define VERIFY_PROOF_H

#include "bin/verify/folder.h"

/* One proof file.  True: a key, a policy or a checkpoint from outside vouches for it. */
extern bool proof_verify(const char *path, const Trust *trust);

/* n leaves of the folder, each proven up to the checkpoint */
extern void sample_verify(Folder *folder, const TlogCheckpoint *checkpoint, uint64_t n);

/* A number from 0 to below - 1 that nobody knows before */
extern uint64_t random_below(uint64_t below);

#endif							/* VERIFY_PROOF_H */
