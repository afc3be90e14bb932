/*-------------------------------------------------------------------------
 *
 * proof_file.h
 *	  A proof in a file of its own: index, path and checkpoint (C2SP tlog-proof).
 *
 * What stands in a log of paysafe's and is to be shown goes along as the proof's
 * extra data, which is not authenticated by itself:
 *
 *	extra = length of the leaf (2 bytes, big endian) || leaf ||
 *			payload (all the rest), or nothing
 *
 * The path proves the leaf, and the last 32 bytes of the leaf the payload.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_PROOF_FILE_H
#define TLOG_PROOF_FILE_H

#include "tlog/text.h"

#define TLOG_PROOF_MAX	(64 * 1024 * 1024)	/* bytes of a file */

/* Parts of the text that it was read from, which must outlive it */
typedef struct TlogProof
{
	bool		has_extra;
	TlogText	extra;			/* in base64 */
	uint64_t	index;
	int			n;
	TlogHash	path[TLOG_PATH_MAX];
	TlogText	note;			/* the checkpoint with its signatures */
} TlogProof;

/* The note is not looked into: parse it, and ask tlog_checkpoint_verdict or a policy. */
extern bool tlog_proof_parse(TlogText text, TlogProof *out);

/* extra may be NULL; the length, or -1 */
extern long tlog_proof_write(const void *extra, size_t extra_len, uint64_t index, const TlogHash *path, int n,
							 TlogText note, char *out, size_t room);

/* Room enough for tlog_proof_write, with the end */
#define TLOG_PROOF_ROOM(extra_len, note_len) \
	(128 + TLOG_BASE64_LEN(extra_len) + TLOG_PATH_MAX * 45 + (note_len))

/* Extra data of ours, where there is room for 2 bytes and both */
extern size_t tlog_extra_write(const void *leaf, size_t leaf_len, const void *payload, size_t payload_len,
							   uint8_t *out);
extern bool tlog_extra_parse(const uint8_t *extra, size_t len, const uint8_t **leaf, size_t *leaf_len,
							 const uint8_t **payload, size_t *payload_len);

#endif							/* TLOG_PROOF_FILE_H */
