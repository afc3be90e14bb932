/*-------------------------------------------------------------------------
 *
 * checkpoint.c
 *	  Checkpoints (C2SP tlog-checkpoint).
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "tlog/checkpoint.h"

bool
tlog_checkpoint_parse(TlogText text, TlogCheckpoint *out)
{
	TlogText	rest = text;
	TlogText	line;

	if (!tlog_text_clean(text) ||
		!tlog_text_line(&rest, &out->origin) || out->origin.len == 0 || out->origin.len > TLOG_ORIGIN_MAX ||
		!tlog_text_line(&rest, &line) || !tlog_text_number(line, &out->size) || out->size == 0 ||
		!tlog_text_line(&rest, &line) || !tlog_base64_hash(line, &out->root))
		return false;
	out->extension = rest;
	while (tlog_text_line(&rest, &line))
		if (line.len == 0)
			return false;
	return rest.len == 0;
}

long
tlog_checkpoint_write(const char *origin, uint64_t size, const TlogHash *root, char *out, size_t room)
{
	TlogText	text = {origin, strlen(origin)};
	TlogWriter	w;

	if (text.len == 0 || text.len > TLOG_ORIGIN_MAX || !tlog_text_clean(text) ||
		memchr(origin, '\n', text.len) != NULL || size == 0 || size > INT64_MAX)
		return -1;
	tlog_write_begin(&w, out, room);
	tlog_write(&w, text.at, text.len);
	tlog_write(&w, "\n", 1);
	tlog_write_number(&w, size);
	tlog_write(&w, "\n", 1);
	tlog_write_base64(&w, root->bytes, TLOG_HASH_LEN);
	tlog_write(&w, "\n", 1);
	return tlog_write_end(&w);
}
