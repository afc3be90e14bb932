/*-------------------------------------------------------------------------
 *
 * main.c
 *	  paysafe-evidence: verifies an evidence file, and says what it proves.
 *
 *	  paysafe-evidence [--key VKEY]... [--policy FILE] [--html] FILE
 *
 * The file, which paysafe.evidence() makes, is lines:
 *
 *	paysafe-evidence@v1
 *	about TEXT						what it is about; nobody vouches for it
 *	shape BASE64					how the rows of a table look; its SHA-256 is in their leaves
 *	proof LENGTH					a file of c2sp.org/tlog-proof follows, of so many bytes
 *
 * Everything that is shown comes from the bytes that are proven.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/evidence/row.h"
#include "bin/evidence/verdict.h"
#include "bin/evidence/value.h"
#include "bin/file.h"
#include "tlog/policy.h"
#include "tlog/proof_file.h"

#define FIRST_LINE		"paysafe-evidence@v1"
#define MAX_SHAPES		256
#define MAX_PROOFS		100000
#define MAX_KEYS		16
#define TRANSACTION_LEN	45

/* A leaf that is proven */
typedef struct Proven
{
	uint64_t	index;
	TlogText	leaf;
	TlogText	payload;
	TlogText	origin;
	uint64_t	size;
} Proven;

static Shape shapes[MAX_SHAPES];
static int	nshapes = 0;
static Proven *proven;
static int	nproven = 0;
static TlogText about = {NULL, 0};

static TlogKey keys[MAX_KEYS];
static int	nkeys = 0;
static TlogPolicy *policy = NULL;

static int
wrong(const char *what)
{
	fprintf(stderr, "paysafe-evidence: %s\n", what);
	return 2;
}

/*
 * Has it a signature of the log, by a key that was given, or what the policy asks for?  A
 * witness alone says only that the log has not lost anything.
 */
static bool
is_trusted(const TlogNote *note, const TlogCheckpoint *checkpoint)
{
	if (policy != NULL && tlog_policy_verdict(policy, note, NULL) == TLOG_POLICY_MET)
		return true;
	for (int i = 0; i < nkeys; i++)
		if (tlog_text_is(checkpoint->origin, keys[i].name) &&
			tlog_checkpoint_verdict(note, &keys[i], NULL) == TLOG_GOOD_SIGNATURE)
			return true;
	return false;
}

/* What is wrong with the proof, or NULL; the leaf is taken then. */
static const char *
take_proof(TlogText text)
{
	static TlogNote note;
	TlogProof	proof;
	TlogCheckpoint checkpoint;
	TlogHash	hash;
	uint8_t    *extra;
	const uint8_t *leaf;
	const uint8_t *payload;
	size_t		leaf_len;
	size_t		payload_len;
	long		n;

	if (!tlog_proof_parse(text, &proof) || !proof.has_extra || !tlog_note_parse(proof.note, &note) ||
		!tlog_checkpoint_parse(note.text, &checkpoint))
		return "one of its proofs is none";
	extra = need(malloc(proof.extra.len + 1));
	n = tlog_base64_read(proof.extra, extra, proof.extra.len + 1);
	if (n < 0 || !tlog_extra_parse(extra, n, &leaf, &leaf_len, &payload, &payload_len))
		return "one of its proofs does not carry its leaf";
	if (!is_trusted(&note, &checkpoint))
		return "a checkpoint in it is not signed by whom you trust";
	tlog_hash_leaf(leaf, leaf_len, &hash);
	if (!tlog_verify_inclusion(proof.index, checkpoint.size, &hash, proof.path, proof.n, &checkpoint.root))
		return "a leaf in it is not in the log";
	tlog_hash_bytes(payload, payload_len, &hash);
	if (payload_len > 0 && (leaf_len != ROW_LEAF_LEN || memcmp(hash.bytes, leaf + ROW_LEAF_LEN - TLOG_HASH_LEN, TLOG_HASH_LEN) != 0))
		return "what a row says is not what was sealed";
	proven[nproven++] = (Proven) {proof.index, {(const char *) leaf, leaf_len}, {(const char *) payload, payload_len},
		checkpoint.origin, checkpoint.size};
	return NULL;
}

static const char *
take_shape(TlogText base64)
{
	uint8_t    *bytes = need(malloc(base64.len + 1));
	long		n = tlog_base64_read(base64, bytes, base64.len + 1);

	if (n < 0 || nshapes == MAX_SHAPES)
		return "one of its shapes is none";
	shapes[nshapes].bytes = (TlogText) {(const char *) bytes, n};
	tlog_hash_bytes(bytes, n, &shapes[nshapes].digest);
	nshapes++;
	return NULL;
}

static const char *
read_bundle(TlogText text)
{
	TlogText	line;
	TlogText	word;
	const char *trouble = NULL;

	if (!tlog_text_line(&text, &line) || !tlog_text_is(line, FIRST_LINE))
		return "it is no evidence file";
	proven = need(calloc(MAX_PROOFS, sizeof(Proven)));
	while (trouble == NULL && text.len > 0)
	{
		uint64_t	len;

		if (!tlog_text_line(&text, &line))
			return "its last line does not end";
		if (line.len == 0)
			continue;
		if (!tlog_text_word(&line, &word))
			return "it has a line that is none";
		if (tlog_text_is(word, "about"))
			about = line;
		else if (tlog_text_is(word, "shape"))
			trouble = take_shape(line);
		else if (!tlog_text_is(word, "proof") || !tlog_text_number(line, &len) || len > text.len || nproven == MAX_PROOFS)
			return "it has a line that is none";
		else
		{
			trouble = take_proof((TlogText) {text.at, len});
			text.at += len;
			text.len -= len;
		}
	}
	return trouble != NULL ? trouble : nproven == 0 ? "it proves nothing" : NULL;
}

static int
compare(const void *a, const void *b)
{
	const Proven *x = a;
	const Proven *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static const Shape *
shape_of(const Proven *row)
{
	for (int i = 0; i < nshapes; i++)
		if (memcmp(shapes[i].digest.bytes, row_shape_digest((const uint8_t *) row->leaf.at), TLOG_HASH_LEN) == 0)
			return &shapes[i];
	return NULL;
}

/* The leaf of the transaction that the row is in; NULL: it is not among what is proven. */
static const Proven *
transaction_of(const Proven *row)
{
	for (const Proven *p = row + 1; p < proven + nproven; p++)
	{
		Bytes		bytes = {(const uint8_t *) p->leaf.at + 9, (const uint8_t *) p->leaf.at + 13, false};

		if (p->leaf.len == TRANSACTION_LEN && p->leaf.at[0] == 2 &&
			row_transaction((const uint8_t *) p->leaf.at) == row_transaction((const uint8_t *) row->leaf.at) &&
			p->index - row->index <= bytes_number(&bytes, 4))
			return p;
	}
	return NULL;
}

/* Each row, in the order of the log; what is wrong, or NULL */
static const char *
print_rows(FILE *out)
{
	for (int i = 0; i < nproven; i++)
	{
		const Proven *p = &proven[i];
		const uint8_t *leaf = (const uint8_t *) p->leaf.at;
		const Proven *end;
		Row			row;
		Bytes		seq = {leaf + 13, leaf + 17, false};

		if (p->leaf.len != ROW_LEAF_LEN || leaf[0] != 1)
			continue;
		end = transaction_of(p);
		fprintf(out, value_html ? "<p class=\"leaf\">Leaf %" PRIu64 " of the log: row %" PRIu64 " of transaction %" PRIu64 "%s</p>\n" :
				"leaf %" PRIu64 ": row %" PRIu64 " of transaction %" PRIu64 "%s\n", p->index, bytes_number(&seq, 4),
				row_transaction(leaf), end == NULL ? "" : ", whose number of rows is proven");
		if (p->payload.len == 0)
			fputs(value_html ? "<p>What it says has been removed.</p>\n" : "  what it says has been removed\n", out);
		else if (shape_of(p) == NULL)
			return "it lacks the shape of a row";
		else if (!row_read(leaf, p->payload, shape_of(p), &row))
			return "a row in it is not of the form";
		else
			row_print(out, &row);
	}
	return NULL;
}

/* What the rows together come to; what is wrong, or NULL */
static const char *
print_verdicts(FILE *out)
{
	for (int i = 0; i < nproven; i++)
	{
		const Proven *p = &proven[i];
		const uint8_t *leaf = (const uint8_t *) p->leaf.at;
		Row			row;

		if (p->leaf.len != ROW_LEAF_LEN || leaf[0] != 1 || p->payload.len == 0)
			continue;
		if (shape_of(p) == NULL)
			return "it lacks the shape of a row";
		if (!row_read(leaf, p->payload, shape_of(p), &row) || !verdict_take(&row, p->index))
			return "a row in it is not of the form";
	}
	verdict_print(out);
	return NULL;
}

static void
print_head(FILE *out)
{
	if (value_html)
		fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
			  "<title>Evidence</title><style>body{font:16px/1.4 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
			  "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}"
			  ".leaf{margin:2em 0 0;color:#555}.verdict{border:2px solid #171;padding:.2em 1em;margin:1em 0}.alarm{border-color:#b00}.alarm strong{color:#b00}"
			  "h2{margin:.2em 0;font-size:1.1em}</style></head><body>\n<h1>Evidence</h1>\n<p>", out);
	if (about.len > 0)
	{
		fputs("As the file says, about ", out);
		text_print(out, about);
		fputs(value_html ? ".</p>\n<p>" : ".\n", out);
	}
	fprintf(out, "Verified: %d leaves of the log \"", nproven);
	text_print(out, proven[0].origin);
	fprintf(out, "\", which had %" PRIu64 " when its checkpoint was signed. What follows is what they come to, and what they say, in their order.%s\n",
			proven[0].size, value_html ? "</p>" : "");
}

static int
evidence(const char *path)
{
	FileBuffer	file = {0};
	char	   *page = NULL;
	size_t		len = 0;
	FILE	   *out;
	const char *trouble;

	if (file_read(path, TLOG_PROOF_MAX, &file) != FILE_READ)
	{
		fprintf(stderr, "paysafe-evidence: could not read \"%s\": %s\n", path, strerror(errno));
		return 3;
	}
	trouble = read_bundle(file_text(&file));
	if (trouble != NULL)
		return wrong(trouble);
	for (int i = 1; i < nproven; i++)
		if (proven[i].origin.len != proven[0].origin.len || memcmp(proven[i].origin.at, proven[0].origin.at, proven[0].origin.len) != 0)
			return wrong("it is of several logs");
	qsort(proven, nproven, sizeof(Proven), compare);
	/* nothing is shown before all of it is known to be good */
	out = need(open_memstream(&page, &len));
	print_head(out);
	trouble = print_verdicts(out);
	if (trouble == NULL)
		trouble = print_rows(out);
	if (value_html)
		fputs("</body></html>\n", out);
	if (fclose(out) != 0)
		return 3;
	if (trouble != NULL)
		return wrong(trouble);
	return fwrite(page, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : 3;
}

static int
usage(FILE *out, int status)
{
	fputs("paysafe-evidence verifies an evidence file, and says what it proves.\n"
		  "\n"
		  "  paysafe-evidence [--key VKEY]... [--policy FILE] [--html] FILE\n"
		  "\n"
		  "  --key VKEY      verifier key of the log\n"
		  "  --policy FILE   logs, witnesses and how many of them (c2sp.org/tlog-policy)\n"
		  "  --html          a page, without scripts and without anything from elsewhere\n"
		  "\n"
		  "Exit status: 0 all of it is proven, 2 it is not, 3 it could not be found out.\n",
		  out);
	return status;
}

int
main(int argc, char **argv)
{
	static FileBuffer policy_text;
	const char *path = NULL;
	int			line;

	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout, 0);
		else if (strcmp(argv[i], "--html") == 0)
			value_html = true;
		else if (strcmp(argv[i], "--key") == 0 && i + 1 < argc && nkeys < MAX_KEYS)
		{
			if (!tlog_key_parse((TlogText) {argv[i + 1], strlen(argv[i + 1])}, &keys[nkeys++]))
				return wrong("what --key says is no verifier key");
			i++;
		}
		else if (strcmp(argv[i], "--policy") == 0 && i + 1 < argc && policy == NULL)
		{
			policy = need(malloc(sizeof(TlogPolicy)));
			if (file_read(argv[++i], TLOG_POLICY_MAX, &policy_text) != FILE_READ ||
				tlog_policy_parse(file_text(&policy_text), policy, &line) != NULL)
				return wrong("what --policy names is no policy");
		}
		else if (argv[i][0] == '-' || path != NULL)
			return usage(stderr, 3);
		else
			path = argv[i];
	}
	if (path == NULL || (nkeys == 0 && policy == NULL))
		return usage(stderr, 3);
	return evidence(path);
}
