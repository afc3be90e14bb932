/*-------------------------------------------------------------------------
 *
 * cosignature.c
 *	  Signatures under checkpoints, of logs and of witnesses.
 *
 * A cosignature is the time (8 bytes, big endian) and a signature over
 *	  Ed25519: "cosignature/v1\ntime SECONDS\n" and the checkpoint's text;
 *	  ML-DSA-44: "subtree/v1\n\0", the cosigner's name, the time, the origin, the
 *	  range of leaves from 0 on, the root; names with a byte of length.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "tlog/cosignature.h"

#define MESSAGE_MAX		(12 + 1 + TLOG_KEY_NAME_MAX + 8 + 1 + TLOG_ORIGIN_MAX + 16 + TLOG_HASH_LEN)

static void
put64(uint8_t **at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		*(*at)++ = value >> (56 - 8 * i);
}

static uint64_t
get64(const uint8_t *bytes)
{
	uint64_t	value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void
put_name(uint8_t **at, const char *name, size_t len)
{
	*(*at)++ = len;
	memcpy(*at, name, len);
	*at += len;
}

/* What is signed with ML-DSA-44 */
static size_t
subtree_message(const char *cosigner, uint64_t when, const TlogCheckpoint *checkpoint, uint8_t *out)
{
	uint8_t    *at = out;

	memcpy(at, "subtree/v1\n", 12);
	at += 12;
	put_name(&at, cosigner, strlen(cosigner));
	put64(&at, when);
	put_name(&at, checkpoint->origin.at, checkpoint->origin.len);
	put64(&at, 0);
	put64(&at, checkpoint->size);
	memcpy(at, checkpoint->root.bytes, TLOG_HASH_LEN);
	return at + TLOG_HASH_LEN - out;
}

/* What is signed with Ed25519; 0: there are more extensions than there is room */
static size_t
timed_text(uint64_t when, TlogText text, char *out, size_t room)
{
	TlogWriter	w;

	tlog_write_begin(&w, out, room);
	tlog_write_word(&w, "cosignature/v1\ntime ");
	tlog_write_number(&w, when);
	tlog_write(&w, "\n", 1);
	tlog_write(&w, text.at, text.len);
	return w.failed ? 0 : w.len;
}

typedef union Message
{
	uint8_t		subtree[MESSAGE_MAX];
	char		text[8192];
} Message;

static size_t
message_of(const TlogKey *key, uint64_t when, TlogText text, Message *out)
{
	TlogCheckpoint checkpoint;

	if (when == 0 || when > INT64_MAX || !tlog_checkpoint_parse(text, &checkpoint))
		return 0;
	return key->type == TLOG_KEY_COSIGNER_MLDSA44
		? subtree_message(key->name, when, &checkpoint, out->subtree)
		: timed_text(when, text, out->text, sizeof(out->text));
}

static bool
cosignature_good(const TlogSignature *signature, const TlogKey *key, TlogText text, uint64_t *when)
{
	uint8_t		bytes[TLOG_SIGNATURE_MAX];
	long		n = tlog_signature_bytes(signature, key, bytes, sizeof(bytes));
	Message		message;
	size_t		len;

	if (n < 0 || (size_t) n != 8 + tlog_key_signature_len(key->type))
		return false;
	*when = get64(bytes);
	len = message_of(key, *when, text, &message);
	return len > 0 && tlog_key_verify(key, &message, len, bytes + 8);
}

TlogVerdict
tlog_checkpoint_verdict(const TlogNote *note, const TlogKey *key, uint64_t *when)
{
	TlogVerdict verdict = TLOG_NO_SIGNATURE;
	TlogCheckpoint checkpoint;

	if (when != NULL)
		*when = 0;
	if (!tlog_checkpoint_parse(note->text, &checkpoint))
		return TLOG_BAD_SIGNATURE;
	if (key->type == TLOG_KEY_ED25519)
		return tlog_note_verdict(note, key);
	for (int i = 0; i < note->n; i++)
	{
		uint64_t	time = 0;

		if (note->signatures[i].id != key->id || !tlog_text_is(note->signatures[i].name, key->name))
			continue;
		if (!tlog_key_supported(key->type))
			return TLOG_UNSUPPORTED_KEY;
		if (!cosignature_good(&note->signatures[i], key, note->text, &time))
			return TLOG_BAD_SIGNATURE;
		verdict = TLOG_GOOD_SIGNATURE;
		if (when != NULL && time > *when)
			*when = time;
	}
	return verdict;
}

long
tlog_checkpoint_sign(TlogText text, const TlogSigner *signer, uint64_t when, char *out, size_t room)
{
	uint8_t		bytes[TLOG_SIGNATURE_MAX];
	uint8_t    *at = bytes;
	TlogCheckpoint checkpoint;
	Message		message;
	size_t		len;

	if (!tlog_checkpoint_parse(text, &checkpoint))
		return -1;
	if (signer->key.type == TLOG_KEY_ED25519)
		return tlog_note_sign(text, signer, out, room);
	len = message_of(&signer->key, when, text, &message);
	put64(&at, when);
	if (len == 0 || !tlog_signer_sign(signer, &message, len, at))
		return -1;
	return tlog_signature_line(&signer->key, bytes, 8 + tlog_key_signature_len(signer->key.type), out, room);
}
