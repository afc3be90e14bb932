/*-------------------------------------------------------------------------
 *
 * payloads.c
 *	  Payloads beside a log, as lines of JSON.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/verify/payloads.h"
#include "bin/verify/report.h"

typedef struct Line
{
	uint64_t	index;
	TlogText	leaf;			/* in base64 */
	bool		has_payload;
	TlogText	payload;
	bool		has_proof;
	int			n;
	TlogHash	path[TLOG_PATH_MAX];
} Line;

static bool
skip(TlogText *rest, const char *word)
{
	if (!tlog_text_begins(*rest, word))
		return false;
	rest->at += strlen(word);
	rest->len -= strlen(word);
	return true;
}

/* Up to the character, which is left off */
static bool
until(TlogText *rest, char end, TlogText *out)
{
	const char *found = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;

	if (found == NULL)
		return false;
	out->at = rest->at;
	out->len = found - rest->at;
	rest->at = found + 1;
	rest->len -= out->len + 1;
	return true;
}

static bool
parse_proof(TlogText *rest, Line *out)
{
	TlogText	hash;

	out->has_proof = true;
	if (skip(rest, "]"))
		return true;
	do
	{
		if (out->n == TLOG_PATH_MAX || !skip(rest, "\"") || !until(rest, '"', &hash) ||
			!tlog_base64_hash(hash, &out->path[out->n++]))
			return false;
	} while (skip(rest, ","));
	return skip(rest, "]");
}

static bool
parse_line(TlogText text, Line *out)
{
	TlogText	index;

	memset(out, 0, sizeof(*out));
	if (!skip(&text, "{\"index\":") || !until(&text, ',', &index) || !tlog_text_number(index, &out->index) ||
		!skip(&text, "\"leaf\":\"") || !until(&text, '"', &out->leaf))
		return false;
	if (skip(&text, ",\"payload\":\""))
	{
		out->has_payload = true;
		if (!until(&text, '"', &out->payload))
			return false;
	}
	if (skip(&text, ",\"proof\":[") && !parse_proof(&text, out))
		return false;
	return tlog_text_is(text, "}");
}

/* The leaf is the one of the log; false: a finding says why it is not known to be. */
static bool
leaf_proven(const Line *line, const uint8_t *leaf, size_t len, Folder *folder, const TlogCheckpoint *checkpoint,
			Payloads *out)
{
	TlogHash	hash;
	const uint8_t *other;
	size_t		other_len;

	if (line->has_proof && checkpoint != NULL)
	{
		tlog_hash_leaf(leaf, len, &hash);
		if (!tlog_verify_inclusion(line->index, checkpoint->size, &hash, line->path, line->n, &checkpoint->root))
		{
			finding_at(line->index, "the proof beside its payload does not lead to the checkpoint");
			return false;
		}
		out->proven++;
	}
	else if (folder == NULL)
	{
		finding_at(line->index, "nothing proves it");
		return false;
	}
	if (folder == NULL)
		return true;
	if (line->index >= folder->size || !folder_leaf(folder, line->index, &other, &other_len) || len != other_len ||
		memcmp(leaf, other, len) != 0)
	{
		finding_at(line->index, "it is another one beside the payloads");
		return false;
	}
	return true;
}

static void
verify_line(TlogText text, uint64_t number, Folder *folder, const TlogCheckpoint *checkpoint, Payloads *out)
{
	static FileBuffer payload;
	static uint8_t leaf[TLOG_LEAF_MAX];
	Line		line;
	long		len;
	long		payload_len = 0;
	char		what[LEAF_TEXT_MAX];

	if (!parse_line(text, &line) || (len = tlog_base64_read(line.leaf, leaf, sizeof(leaf))) < 1)
	{
		finding("line %" PRIu64 " of the payloads is none", number);
		return;
	}
	if (line.has_payload)
	{
		if (payload.room < line.payload.len)
			payload.data = need(realloc(payload.data, payload.room = line.payload.len));
		payload_len = tlog_base64_read(line.payload, payload.data, payload.room);
		if (payload_len < 0)
		{
			finding("line %" PRIu64 " of the payloads is none", number);
			return;
		}
	}
	if (!leaf_proven(&line, leaf, len, folder, checkpoint, out))
		return;
	leaf_text(leaf, len, what);
	if (!line.has_payload)
		out->removed += leaf[0] == LEAF_ROW;
	else if (!leaf_has_payload(leaf, len, (const uint8_t *) payload.data, payload_len))
		finding_at(line.index, "the payload of %s is not the one that was sealed", what);
	else
		out->rows++;
}

void
payloads_verify(const char *path, Folder *folder, const TlogCheckpoint *checkpoint, Payloads *out)
{
	FILE	   *file = fopen(path, "re");
	char	   *line = NULL;
	size_t		room = 0;
	ssize_t		len;
	uint64_t	number = 0;

	if (file == NULL)
		unknown("could not read \"%s\": %s", path, strerror(errno));
	while ((len = getline(&line, &room, file)) > 0)
	{
		TlogText	text = {line, len - 1};

		number++;
		if (line[len - 1] != '\n')
			finding("line %" PRIu64 " of the payloads does not end", number);
		else
			verify_line(text, number, folder, checkpoint, out);
	}
	if (ferror(file))
		unknown("could not read \"%s\": %s", path, strerror(errno));
	free(line);
	(void) fclose(file);
}
