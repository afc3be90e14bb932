/*-------------------------------------------------------------------------
 *
 * proof_file.c
 *	  A proof in a file of its own (C2SP tlog-proof).
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "tlog/proof_file.h"

#define FIRST_LINE	"c2sp.org/tlog-proof@v1"

static bool
base64_good(TlogText text)
{
	uint8_t    *bytes = malloc(text.len + 1);
	bool		good = bytes != NULL && tlog_base64_read(text, bytes, text.len) >= 0;

	free(bytes);
	return good;
}

static bool
value_of(TlogText *line, const char *word)
{
	if (!tlog_text_begins(*line, word))
		return false;
	line->at += strlen(word);
	line->len -= strlen(word);
	return true;
}

bool
tlog_proof_parse(TlogText text, TlogProof *out)
{
	TlogText	line;

	if (text.len > TLOG_PROOF_MAX || !tlog_text_line(&text, &line) || !tlog_text_is(line, FIRST_LINE) ||
		!tlog_text_line(&text, &line))
		return false;
	memset(out, 0, sizeof(*out));
	if (value_of(&line, "extra "))
	{
		out->has_extra = true;
		out->extra = line;
		/* nothing to say is said by no line */
		if (line.len == 0 || !base64_good(line) || !tlog_text_line(&text, &line))
			return false;
	}
	if (!value_of(&line, "index ") || !tlog_text_number(line, &out->index))
		return false;
	for (;;)
	{
		if (!tlog_text_line(&text, &line))
			return false;
		if (line.len == 0)
			break;
		if (out->n == TLOG_PATH_MAX || !tlog_base64_hash(line, &out->path[out->n++]))
			return false;
	}
	out->note = text;
	return text.len > 0;
}

long
tlog_proof_write(const void *extra, size_t extra_len, uint64_t index, const TlogHash *path, int n,
				 TlogText note, char *out, size_t room)
{
	TlogWriter	w;

	if (index > INT64_MAX || n < 0 || n > TLOG_PATH_MAX || note.len == 0)
		return -1;
	tlog_write_begin(&w, out, room);
	tlog_write_word(&w, FIRST_LINE "\n");
	if (extra != NULL && extra_len > 0)
	{
		tlog_write_word(&w, "extra ");
		tlog_write_base64(&w, extra, extra_len);
		tlog_write(&w, "\n", 1);
	}
	tlog_write_word(&w, "index ");
	tlog_write_number(&w, index);
	tlog_write(&w, "\n", 1);
	for (int i = 0; i < n; i++)
	{
		tlog_write_base64(&w, path[i].bytes, TLOG_HASH_LEN);
		tlog_write(&w, "\n", 1);
	}
	tlog_write(&w, "\n", 1);
	tlog_write(&w, note.at, note.len);
	return w.len > TLOG_PROOF_MAX ? -1 : tlog_write_end(&w);
}

size_t
tlog_extra_write(const void *leaf, size_t leaf_len, const void *payload, size_t payload_len, uint8_t *out)
{
	out[0] = leaf_len >> 8;
	out[1] = leaf_len & 0xFF;
	memcpy(out + 2, leaf, leaf_len);
	if (payload_len > 0)
		memcpy(out + 2 + leaf_len, payload, payload_len);
	return 2 + leaf_len + payload_len;
}

bool
tlog_extra_parse(const uint8_t *extra, size_t len, const uint8_t **leaf, size_t *leaf_len,
				 const uint8_t **payload, size_t *payload_len)
{
	if (len < 3)
		return false;
	*leaf_len = (size_t) extra[0] << 8 | extra[1];
	if (*leaf_len == 0 || *leaf_len > len - 2)
		return false;
	*leaf = extra + 2;
	*payload = extra + 2 + *leaf_len;
	*payload_len = len - 2 - *leaf_len;
	return true;
}
