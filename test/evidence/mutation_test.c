/*-------------------------------------------------------------------------
 *
 * mutation_test.c
 *	  Mutated inputs to every parser: what is still accepted is written again as
 *	  it was read, and nothing that is signed is still good.
 *
 * Each input is a block of its own size, so that AddressSanitizer sees a step out
 * of it.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "tlog/cosignature.h"
#include "tlog/policy.h"
#include "tlog/proof_file.h"
#include "tlog/tile.h"

#define LONGEST	4096

static uint64_t state;

/* SplitMix64: the same inputs everywhere */
static uint64_t
draw(uint64_t below)
{
	uint64_t	z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

/* A copy of the text with some bytes changed, lost, doubled, moved */
static size_t
mutate(const char *text, size_t len, char *out)
{
	static const char often[] = "\n\n +=/-0A\xe2\x80\x94\t\r\xff";

	memcpy(out, text, len);
	for (int n = 1 + draw(3); n > 0 && len > 0; n--)
	{
		size_t		at = draw(len);
		size_t		part = 1 + draw(len - at < 20 ? len - at : 20);

		switch (draw(6))
		{
			case 0:
				out[at] = often[draw(sizeof(often) - 1)];
				break;
			case 1:
				out[at] ^= 1 << draw(8);
				break;
			case 2:
				memmove(out + at, out + at + part, len - at - part);
				len -= part;
				break;
			case 3:
				if (len + part > LONGEST)
					break;
				memmove(out + at + part, out + at, len - at);
				len += part;
				break;
			case 4:
				len = at;
				break;
			default:
				out[at] = out[draw(len)];
		}
	}
	return len;
}

static TlogSigner log_signer;
static TlogSigner witness;
static char note_text[LONGEST];
static size_t checkpoint_len;
static char proof_text[LONGEST];
static char policy_text[2 * LONGEST];
static char vkey_text[TLOG_KEY_TEXT_MAX];
static char skey_text[TLOG_KEY_TEXT_MAX];
static TlogPolicy *policy;

static void
make_inputs(void)
{
	char		lines[2048];
	char		body[TLOG_CHECKPOINT_MAX];
	TlogText	text = {body, 0};
	TlogText	note = {note_text, 0};
	TlogHash	hash;
	char		other[TLOG_KEY_TEXT_MAX];

	tlog_hash_leaf("x", 1, &hash);
	tlog_signer_generate("log.example/1", TLOG_KEY_ED25519, &log_signer);
	tlog_signer_generate("witness.example", TLOG_KEY_COSIGNER, &witness);
	text.len = checkpoint_len = tlog_checkpoint_write("log.example/1", 123456, &hash, body, sizeof(body));
	tlog_checkpoint_sign(text, &log_signer, 0, lines, sizeof(lines));
	tlog_checkpoint_sign(text, &witness, 1700000000, lines + strlen(lines), sizeof(lines) - strlen(lines));
	note.len = tlog_note_write(text, (TlogText) {lines, strlen(lines)}, note_text, sizeof(note_text));
	tlog_proof_write("extra", 5, 77, &hash, 1, note, proof_text, sizeof(proof_text));
	tlog_key_text(&log_signer.key, vkey_text, sizeof(vkey_text));
	tlog_signer_text(&witness, skey_text, sizeof(skey_text));
	tlog_key_text(&witness.key, other, sizeof(other));
	snprintf(policy_text, sizeof(policy_text), "log %s\nwitness w %s http://localhost/\ngroup g 1 w\nquorum g\n", vkey_text, other);
	policy = malloc(sizeof(TlogPolicy));
}

static void
try_note(TlogText text)
{
	TlogNote	note;
	TlogKey		keys[2] = {log_signer.key, witness.key};
	char		again[2 * LONGEST];
	TlogText	lines;

	if (!tlog_note_parse(text, &note))
		return;
	lines.at = note.signatures[0].line.at;
	lines.len = text.at + text.len - lines.at;
	CHECK(tlog_note_write(note.text, lines, again, sizeof(again)) == (long) text.len &&
		  memcmp(again, text.at, text.len) == 0, "a note in another form: %.*s", (int) text.len, text.at);
	for (int i = 0; i < 2; i++)
	{
		uint64_t	when;

		if (note.text.len == checkpoint_len && memcmp(note.text.at, note_text, checkpoint_len) == 0)
			continue;
		CHECK(tlog_checkpoint_verdict(&note, &keys[i], &when) != TLOG_GOOD_SIGNATURE,
			  "a note that nobody signed: %.*s", (int) text.len, text.at);
	}
}

static void
try_checkpoint(TlogText text)
{
	TlogCheckpoint checkpoint;
	char		origin[TLOG_ORIGIN_MAX + 1];
	char		again[LONGEST + 8];
	long		n;

	if (!tlog_checkpoint_parse(text, &checkpoint))
		return;
	memcpy(origin, checkpoint.origin.at, checkpoint.origin.len);
	origin[checkpoint.origin.len] = '\0';
	n = tlog_checkpoint_write(origin, checkpoint.size, &checkpoint.root, again, sizeof(again));
	if (n > 0)
		memcpy(again + n, checkpoint.extension.at, checkpoint.extension.len);
	CHECK(n > 0 && n + checkpoint.extension.len == text.len && memcmp(again, text.at, text.len) == 0,
		  "a checkpoint in another form: %.*s", (int) text.len, text.at);
}

static void
try_proof(TlogText text)
{
	TlogProof	proof;
	uint8_t		extra[LONGEST];
	long		n = 0;
	char		again[2 * LONGEST];

	if (!tlog_proof_parse(text, &proof))
		return;
	if (proof.has_extra)
		n = tlog_base64_read(proof.extra, extra, sizeof(extra));
	n = tlog_proof_write(extra, n, proof.index, proof.path, proof.n, proof.note, again, sizeof(again));
	CHECK(n == (long) text.len && memcmp(again, text.at, text.len) == 0,
		  "a proof in another form: %.*s", (int) text.len, text.at);
}

static void
try_keys(TlogText text)
{
	TlogKey		key;
	TlogSigner	signer;
	char		again[TLOG_KEY_TEXT_MAX];

	if (tlog_key_parse(text, &key))
		CHECK(tlog_key_text(&key, again, sizeof(again)) == (long) text.len && memcmp(again, text.at, text.len) == 0,
			  "a key in another form: %.*s", (int) text.len, text.at);
	if (tlog_signer_parse(text, &signer))
		CHECK(tlog_signer_text(&signer, again, sizeof(again)) == (long) text.len && memcmp(again, text.at, text.len) == 0,
			  "a signer in another form: %.*s", (int) text.len, text.at);
}

static void
try_bundle(TlogText text)
{
	const uint8_t *leaf;
	size_t		len;
	size_t		at = 0;
	size_t		sum = 0;
	TlogHash	hash;

	while (tlog_bundle_next((const uint8_t *) text.at, text.len, &at, &leaf, &len))
	{
		tlog_hash_leaf(leaf, len, &hash);
		sum += 2 + len;
	}
	CHECK(sum == at && at <= text.len, "a bundle that is read over its end");
}

void
test_mutations(unsigned seed, long rounds)
{
	state = seed;
	make_inputs();
	for (long i = 0; i < rounds; i++)
	{
		static const char bundle[] = "\0\3abc\0\0\0\5defgh\1\0";
		const char *inputs[] = {note_text, note_text, proof_text, policy_text, vkey_text, skey_text, bundle};
		int			which = draw(7);
		size_t		len = which == 6 ? sizeof(bundle) - 1 : which == 1 ? checkpoint_len : strlen(inputs[which]);
		char		mutated[2 * LONGEST];
		TlogText	text = {NULL, mutate(inputs[which], len, mutated)};
		char	   *exact = malloc(text.len);
		int			line;

		if (text.len > 0)
			memcpy(exact, mutated, text.len);
		text.at = exact;
		switch (which)
		{
			case 0:
				try_note(text);
				break;
			case 1:
				try_checkpoint(text);
				break;
			case 2:
				try_proof(text);
				break;
			case 3:
				(void) tlog_policy_parse(text, policy, &line);
				break;
			case 6:
				try_bundle(text);
				break;
			default:
				try_keys(text);
		}
		free(exact);
	}
	free(policy);
}
