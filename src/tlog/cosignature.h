/*-------------------------------------------------------------------------
 *
 * cosignature.h
 *	  Signatures under checkpoints, of logs and of witnesses (C2SP
 *	  tlog-cosignature): with Ed25519, and with ML-DSA-44.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_COSIGNATURE_H
#define TLOG_COSIGNATURE_H

#include "tlog/checkpoint.h"
#include "tlog/note.h"

/*
 * What a key of any type says of a note that is a checkpoint.  when: the time of
 * the latest cosignature, in seconds since 1970, or 0; may be NULL.
 */
extern TlogVerdict tlog_checkpoint_verdict(const TlogNote *note, const TlogKey *key, uint64_t *when);

/* The line of a signer of any type under a checkpoint's text; the length, or -1 */
extern long tlog_checkpoint_sign(TlogText text, const TlogSigner *signer, uint64_t when, char *out, size_t room);

#endif							/* TLOG_COSIGNATURE_H */
