/*-------------------------------------------------------------------------
 *
 * note.c
 *	  Signed notes: a text, an empty line, signatures (C2SP signed-note).
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "tlog/note.h"

#define DASH	"\xe2\x80\x94 "		/* U+2014 and a blank */
#define LONGEST	8192				/* bytes of any signature, of whatever key */

static bool
parse_signature(TlogText line, TlogSignature *out)
{
	uint8_t		bytes[LONGEST];

	out->line.at = line.at;
	out->line.len = line.len + 1;
	if (!tlog_text_begins(line, DASH))
		return false;
	line.at += strlen(DASH);
	line.len -= strlen(DASH);
	if (!tlog_text_word(&line, &out->name) || !tlog_key_name_good(out->name))
		return false;
	out->base64 = line;
	if (tlog_base64_read(line, bytes, sizeof(bytes)) < 5)
		return false;
	out->id = (uint32_t) bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
	return true;
}

bool
tlog_note_parse(TlogText message, TlogNote *out)
{
	size_t		end = message.len;
	TlogText	rest;
	TlogText	line;

	if (message.len < 4 || message.len > TLOG_NOTE_MAX || !tlog_text_clean(message))
		return false;
	/* the last empty line parts the text from the signatures */
	while (end >= 2 && memcmp(message.at + end - 2, "\n\n", 2) != 0)
		end--;
	if (end < 2)
		return false;
	out->text.at = message.at;
	out->text.len = end - 1;
	rest.at = message.at + end;
	rest.len = message.len - end;
	for (out->n = 0; tlog_text_line(&rest, &line); out->n++)
		if (out->n == TLOG_SIGNATURES_MAX || !parse_signature(line, &out->signatures[out->n]))
			return false;
	return rest.len == 0 && out->n > 0;
}

long
tlog_signature_bytes(const TlogSignature *signature, const TlogKey *key, uint8_t *out, size_t room)
{
	uint8_t		bytes[4 + TLOG_SIGNATURE_MAX];
	long		n;

	if (signature->id != key->id || !tlog_text_is(signature->name, key->name))
		return -1;
	n = tlog_base64_read(signature->base64, bytes, sizeof(bytes));
	if (n < 5 || (size_t) n - 4 > room)
		return -1;
	memcpy(out, bytes + 4, n - 4);
	return n - 4;
}

TlogVerdict
tlog_note_verdict(const TlogNote *note, const TlogKey *key)
{
	TlogVerdict verdict = TLOG_NO_SIGNATURE;

	if (key->type != TLOG_KEY_ED25519)
		return TLOG_NO_SIGNATURE;
	for (int i = 0; i < note->n; i++)
	{
		const TlogSignature *signature = &note->signatures[i];
		uint8_t		bytes[TLOG_SIGNATURE_MAX];
		long		len;

		if (signature->id != key->id || !tlog_text_is(signature->name, key->name))
			continue;
		len = tlog_signature_bytes(signature, key, bytes, sizeof(bytes));
		if (len != (long) tlog_key_signature_len(key->type) ||
			!tlog_key_verify(key, note->text.at, note->text.len, bytes))
			return TLOG_BAD_SIGNATURE;
		verdict = TLOG_GOOD_SIGNATURE;
	}
	return verdict;
}

long
tlog_signature_line(const TlogKey *key, const uint8_t *signature, size_t len, char *out, size_t room)
{
	uint8_t		bytes[4 + TLOG_SIGNATURE_MAX];
	TlogWriter	w;

	if (len > TLOG_SIGNATURE_MAX)
		return -1;
	for (int i = 0; i < 4; i++)
		bytes[i] = key->id >> (24 - 8 * i);
	memcpy(bytes + 4, signature, len);
	tlog_write_begin(&w, out, room);
	tlog_write_word(&w, DASH);
	tlog_write_word(&w, key->name);
	tlog_write(&w, " ", 1);
	tlog_write_base64(&w, bytes, 4 + len);
	tlog_write(&w, "\n", 1);
	return tlog_write_end(&w);
}

static bool
text_good(TlogText text)
{
	return text.len > 0 && text.at[text.len - 1] == '\n' && tlog_text_clean(text);
}

long
tlog_note_sign(TlogText text, const TlogSigner *signer, char *out, size_t room)
{
	uint8_t		signature[TLOG_SIGNATURE_MAX];

	if (!text_good(text) || signer->key.type != TLOG_KEY_ED25519 ||
		!tlog_signer_sign(signer, text.at, text.len, signature))
		return -1;
	return tlog_signature_line(&signer->key, signature, tlog_key_signature_len(signer->key.type), out, room);
}

long
tlog_note_write(TlogText text, TlogText lines, char *out, size_t room)
{
	TlogWriter	w;

	if (!text_good(text))
		return -1;
	tlog_write_begin(&w, out, room);
	tlog_write(&w, text.at, text.len);
	tlog_write(&w, "\n", 1);
	tlog_write(&w, lines.at, lines.len);
	return tlog_write_end(&w);
}
