/*-------------------------------------------------------------------------
 *
 * proof.c
 *	  Proof files, and leaves at random.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bin/verify/proof.h"
#include "bin/verify/report.h"
#include "tlog/proof_file.h"

/* A checkpoint from outside that is the same one */
static bool
held_outside(const Trust *trust, const TlogCheckpoint *checkpoint)
{
	for (int i = 0; i < trust->nheld; i++)
	{
		const TlogCheckpoint *held = &trust->held[i]->checkpoint;

		if (trust->held[i]->good && held->size == checkpoint->size && held->origin.len == checkpoint->origin.len &&
			memcmp(held->origin.at, checkpoint->origin.at, held->origin.len) == 0 &&
			tlog_hash_equal(&held->root, &checkpoint->root))
			return true;
	}
	return false;
}

static void
verify_leaf(const char *path, const TlogProof *proof, const TlogCheckpoint *checkpoint)
{
	size_t		room = proof->extra.len + 1;
	uint8_t    *extra = need(malloc(room));
	long		n = proof->has_extra ? tlog_base64_read(proof->extra, extra, room) : -1;
	const uint8_t *leaf;
	const uint8_t *payload;
	size_t		len;
	size_t		payload_len;
	TlogHash	hash;
	char		what[LEAF_TEXT_MAX];

	if (n < 0 || !tlog_extra_parse(extra, n, &leaf, &len, &payload, &payload_len))
	{
		finding("%s: it does not carry the leaf that it proves", path);
		free(extra);
		return;
	}
	leaf_text(leaf, len, what);
	tlog_hash_leaf(leaf, len, &hash);
	if (!tlog_verify_inclusion(proof->index, checkpoint->size, &hash, proof->path, proof->n, &checkpoint->root))
		finding("%s: %s is not leaf %" PRIu64 " of the %" PRIu64 " of its checkpoint", path, what, proof->index,
				checkpoint->size);
	else if (payload_len > 0 && !leaf_has_payload(leaf, len, payload, payload_len))
		finding("%s: the payload of %s is not the one that was sealed", path, what);
	else
		printf("%s: %s is leaf %" PRIu64 " of %" PRIu64 " in \"%.*s\"%s\n", path, what, proof->index, checkpoint->size,
			   (int) checkpoint->origin.len, checkpoint->origin.at,
			   payload_len > 0 ? ", with its payload" : "");
	free(extra);
}

bool
proof_verify(const char *path, const Trust *trust)
{
	FileBuffer	buffer = {0};
	TlogProof	proof;
	TlogNote   *note = need(malloc(sizeof(TlogNote)));
	TlogCheckpoint checkpoint;
	bool		vouched = false;

	if (file_read(path, TLOG_PROOF_MAX, &buffer) != FILE_READ)
		unknown("could not read \"%s\": %s", path, strerror(errno));
	if (!tlog_proof_parse(file_note(&buffer), &proof))
		finding("%s: no proof file", path);
	else if (!tlog_note_parse(proof.note, note) || !tlog_checkpoint_parse(note->text, &checkpoint))
		finding("%s: it ends in no checkpoint", path);
	else
	{
		vouched = trust_signed(trust, path, note, &checkpoint);
		vouched = held_outside(trust, &checkpoint) || vouched;
		verify_leaf(path, &proof, &checkpoint);
	}
	free(note);
	file_free(&buffer);
	return vouched;
}

uint64_t
random_below(uint64_t below)
{
	uint64_t	number;
	uint64_t	most = UINT64_MAX - UINT64_MAX % below;

	do
	{
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			unknown("no random numbers: %s", strerror(errno));
	} while (number >= most);
	return number % below;
}

void
sample_verify(Folder *folder, const TlogCheckpoint *checkpoint, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
	{
		uint64_t	index = random_below(folder->size);
		TlogHash	path[TLOG_PATH_MAX];
		const uint8_t *leaf;
		size_t		len;
		TlogHash	hash;
		char		what[LEAF_TEXT_MAX];
		int			hashes;

		if (!folder_leaf(folder, index, &leaf, &len))
		{
			finding_at(index, "it is not in its bundle");
			continue;
		}
		leaf_text(leaf, len, what);
		tlog_hash_leaf(leaf, len, &hash);
		hashes = tlog_inclusion_path(index, folder->size, folder_subtree, folder, path);
		if (hashes < 0)
			finding_at(index, "the tiles do not have its proof");
		else if (!tlog_verify_inclusion(index, folder->size, &hash, path, hashes, &checkpoint->root))
			finding_at(index, "%s is not what the checkpoint has there", what);
	}
}
