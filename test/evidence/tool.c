/*-------------------------------------------------------------------------
 *
 * tool.c
 *	  Keys and signatures for the tests.
 *
 *	tool newkey NAME TYPE			signer key and verifier key, a line each
 *	tool sign SKEY [SECONDS]		signature line of the checkpoint on standard input
 *	tool verify VKEY				what the key says of the note on standard input
 *	tool policy FILE				what the policy says of it
 *	tool proofs SIZE				every proof of trees of up to so many leaves, which are
 *									their numbers
 *	tool hash LEAVES				seconds of processor to hash so many leaves of 90 bytes and grow
 *									their tree
 *	tool proof INDEX				a proof file of such a leaf, with the checkpoint on standard
 *									input
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tlog/policy.h"
#include "tlog/proof_file.h"

static char input[TLOG_NOTE_MAX];

static TlogText
read_input(void)
{
	TlogText	text = {input, fread(input, 1, sizeof(input), stdin)};

	return text;
}

static int
newkey(const char *name, int type)
{
	TlogSigner	signer;
	char		text[TLOG_KEY_TEXT_MAX];

	if (!tlog_signer_generate(name, type, &signer) || tlog_signer_text(&signer, text, sizeof(text)) < 0)
		return 1;
	puts(text);
	tlog_key_text(&signer.key, text, sizeof(text));
	puts(text);
	return 0;
}

static int
sign(const char *skey, uint64_t when)
{
	TlogText	key = {skey, strlen(skey)};
	TlogSigner	signer;
	TlogText	text = read_input();
	char		line[TLOG_SIGNATURE_LINE_MAX];

	if (!tlog_signer_parse(key, &signer) || tlog_checkpoint_sign(text, &signer, when, line, sizeof(line)) < 0)
		return 1;
	fputs(line, stdout);
	return 0;
}

static int
verify(const char *vkey)
{
	static const char *const words[] = {"none", "bad", "good", "unsupported"};
	TlogText	text = {vkey, strlen(vkey)};
	TlogKey		key;
	TlogNote	note;
	TlogCheckpoint checkpoint;
	uint64_t	when = 0;

	if (!tlog_key_parse(text, &key) || !tlog_note_parse(read_input(), &note))
		return 1;
	puts(words[tlog_checkpoint_parse(note.text, &checkpoint) ? tlog_checkpoint_verdict(&note, &key, &when)
			   : tlog_note_verdict(&note, &key)]);
	printf("%llu\n", (unsigned long long) when);
	return 0;
}

static int
policy(const char *path)
{
	static const char *const words[] = {"met", "no checkpoint", "unknown log", "bad signature", "no quorum"};
	static char text[TLOG_POLICY_MAX];
	static TlogPolicy parsed;
	FILE	   *file = fopen(path, "rb");
	TlogText	all = {text, file == NULL ? 0 : fread(text, 1, sizeof(text), file)};
	TlogNote	note;
	int			line;

	if (tlog_policy_parse(all, &parsed, &line) != NULL || !tlog_note_parse(read_input(), &note))
		return 1;
	puts(words[tlog_policy_verdict(&parsed, &note, NULL)]);
	return 0;
}

static void
numbered(uint64_t index, TlogHash *out)
{
	char		leaf[24];

	tlog_hash_leaf(leaf, sprintf(leaf, "%llu", (unsigned long long) index), out);
}

static bool
read_numbered(void *arg, int level, uint64_t index, TlogHash *out)
{
	TlogFrontier f;

	(void) arg;
	tlog_frontier_init(&f);
	for (uint64_t i = index << level; i < (index + 1) << level; i++)
	{
		TlogHash	leaf;

		numbered(i, &leaf);
		tlog_frontier_add(&f, &leaf);
	}
	tlog_frontier_root(&f, out);
	return true;
}

static void
print_hashes(const TlogHash *path, int n)
{
	char		text[TLOG_BASE64_LEN(TLOG_HASH_LEN) + 1];

	for (int i = 0; i < n; i++)
	{
		tlog_base64_write(path[i].bytes, TLOG_HASH_LEN, text);
		printf(" %s", text);
	}
	putchar('\n');
}

static int
proofs(int sizes)
{
	TlogHash	path[TLOG_CONSISTENCY_MAX];

	for (int size = 1; size <= sizes; size++)
	{
		(void) tlog_root_at(size, read_numbered, NULL, path);
		printf("root %d %d", size, size);
		print_hashes(path, 1);
		for (int i = 0; i < size; i++)
		{
			printf("leaf %d %d", i, size);
			print_hashes(path, tlog_inclusion_path(i, size, read_numbered, NULL, path));
			printf("tree %d %d", i + 1, size);
			print_hashes(path, tlog_consistency_path(i + 1, size, read_numbered, NULL, path));
		}
	}
	return 0;
}

static int
hash(uint64_t leaves)
{
	uint8_t		leaf[90] = {0};
	TlogFrontier f;
	TlogHash	sum;
	clock_t		began = clock();

	tlog_frontier_init(&f);
	for (uint64_t i = 0; i < leaves; i++)
	{
		memcpy(leaf + 8, &i, sizeof(i));
		tlog_hash_leaf(leaf, sizeof(leaf), &sum);
		tlog_frontier_add(&f, &sum);
	}
	printf("%.3f\n", (double) (clock() - began) / CLOCKS_PER_SEC);
	return 0;
}

static int
proof(uint64_t index)
{
	static char text[TLOG_NOTE_MAX * 2];
	TlogText	message = read_input();
	TlogNote	note;
	TlogCheckpoint checkpoint;
	TlogHash	path[TLOG_PATH_MAX];
	int			n;

	if (!tlog_note_parse(message, &note) || !tlog_checkpoint_parse(note.text, &checkpoint))
		return 1;
	n = tlog_inclusion_path(index, checkpoint.size, read_numbered, NULL, path);
	if (tlog_proof_write("extra data", 10, index, path, n, message, text, sizeof(text)) < 0)
		return 1;
	fputs(text, stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "newkey") == 0 && argc == 4)
		return newkey(argv[2], atoi(argv[3]));
	if (strcmp(what, "sign") == 0 && argc <= 4)
		return sign(argv[2], argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
	if (strcmp(what, "verify") == 0)
		return verify(argv[2]);
	if (strcmp(what, "policy") == 0)
		return policy(argv[2]);
	if (strcmp(what, "proofs") == 0)
		return proofs(atoi(argv[2]));
	if (strcmp(what, "hash") == 0)
		return hash(strtoull(argv[2], NULL, 10));
	if (strcmp(what, "proof") == 0)
		return proof(strtoull(argv[2], NULL, 10));
	return 2;
}
