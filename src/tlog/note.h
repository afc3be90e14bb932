/*-------------------------------------------------------------------------
 *
 * note.h
 *	  Signed notes: a text, an empty line, signatures (C2SP signed-note).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "tlog/key.h"

#define TLOG_NOTE_MAX		(256 * 1024)	/* bytes */
#define TLOG_SIGNATURES_MAX	64
/* characters of a signature's line, with the end */
#define TLOG_SIGNATURE_LINE_MAX (4 + TLOG_KEY_NAME_MAX + 1 + TLOG_BASE64_LEN(4 + TLOG_SIGNATURE_MAX) + 2)

typedef struct TlogSignature
{
	TlogText	line;			/* all of it, with its newline */
	TlogText	name;
	uint32_t	id;
	TlogText	base64;			/* id and signature */
} TlogSignature;

/* Parts of the text that it was read from, which must outlive it */
typedef struct TlogNote
{
	TlogText	text;			/* what is signed, with its last newline */
	int			n;
	TlogSignature signatures[TLOG_SIGNATURES_MAX];
} TlogNote;

typedef enum TlogVerdict
{
	TLOG_NO_SIGNATURE,			/* none with the key's name and id */
	TLOG_BAD_SIGNATURE,			/* one of them does not verify: reject the whole note */
	TLOG_GOOD_SIGNATURE,
	TLOG_UNSUPPORTED_KEY		/* there is one, and this libcrypto cannot verify it */
} TlogVerdict;

extern bool tlog_note_parse(TlogText message, TlogNote *out);

/* By keys of type TLOG_KEY_ED25519; for all of them see cosignature.h. */
extern TlogVerdict tlog_note_verdict(const TlogNote *note, const TlogKey *key);

/* The bytes after the id, which the key's type says how to read; -1: not of this key, or too long */
extern long tlog_signature_bytes(const TlogSignature *signature, const TlogKey *key, uint8_t *out, size_t room);

/* "— name base64\n" for a signature made here or elsewhere; the length, or -1 */
extern long tlog_signature_line(const TlogKey *key, const uint8_t *signature, size_t len, char *out, size_t room);

/* The line of a signer of type TLOG_KEY_ED25519 under a text that ends in a newline */
extern long tlog_note_sign(TlogText text, const TlogSigner *signer, char *out, size_t room);

/* Text, empty line, and the lines of signatures that follow one another in lines */
extern long tlog_note_write(TlogText text, TlogText lines, char *out, size_t room);

#endif							/* TLOG_NOTE_H */
