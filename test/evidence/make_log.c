/*-------------------------------------------------------------------------
 *
 * make_log.c
 *	  A log in the form that paysafe publishes, as large as one likes.
 *
 *	make_log FOLDER TRANSACTIONS ROWS SIGNER ORIGIN [SIZE...]
 *
 * Transactions of 1 to 2 * ROWS - 1 rows, ROWS on average.  Checkpoints of SIZE
 * transactions go to FOLDER.SIZE, the last one into the folder; each row's payload
 * to FOLDER.json.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tlog/cosignature.h"
#include "tlog/tile.h"

static const char *folder;
static const char *origin;
static TlogSigner signer;
static FILE *payloads;
static TlogFrontier tree;
static TlogHash hashes[TLOG_TILE_LEVELS][TLOG_TILE_WIDTH];
static int	widths[TLOG_TILE_LEVELS];
static uint8_t bundle[TLOG_TILE_WIDTH * 400];
static size_t bundle_len = 0;

static void
put(uint8_t *out, uint64_t value, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = value >> (8 * (n - 1 - i));
}

static void
write_file(const char *name, const void *data, size_t len)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
	{
		*slash = '\0';
		(void) mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "wb");
	if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0)
	{
		perror(path);
		exit(1);
	}
}

static void
write_tile(int level, uint64_t index, int width)
{
	char		path[TLOG_TILE_PATH_MAX];

	tlog_tile_path(level, index, width, path);
	if (level == TLOG_ENTRIES)
		write_file(path, bundle, bundle_len);
	else
		write_file(path, hashes[level], width * sizeof(TlogHash));
}

static void
add(const uint8_t *leaf, size_t len)
{
	TlogHash	sum;
	uint64_t	index = tree.size / TLOG_TILE_WIDTH;

	tlog_hash_leaf(leaf, len, &sum);
	tlog_frontier_add(&tree, &sum);
	tlog_bundle_length(len, bundle + bundle_len);
	memcpy(bundle + bundle_len + 2, leaf, len);
	bundle_len += 2 + len;
	for (int level = 0; level < TLOG_TILE_LEVELS; level++, index /= TLOG_TILE_WIDTH)
	{
		hashes[level][widths[level]++] = sum;
		if (widths[level] < TLOG_TILE_WIDTH)
			return;
		if (level == 0)
		{
			write_tile(TLOG_ENTRIES, index, TLOG_TILE_WIDTH);
			bundle_len = 0;
		}
		write_tile(level, index, TLOG_TILE_WIDTH);
		tlog_hash_perfect(hashes[level], TLOG_TILE_WIDTH, &sum);
		widths[level] = 0;
	}
}

/* A leaf's fields, each with 4 bytes of length */
static void
opening(void)
{
	const char *fields[] = {origin, "7300000000000000001", "shop", "2026-11-30T00:00:00.000000Z", "ops-1, ops-2",
	"first log", ""};
	uint8_t		leaf[512];
	size_t		len = 0;

	leaf[len++] = 3;
	for (int i = 0; i < 7; i++)
	{
		put(leaf + len, strlen(fields[i]), 4);
		memcpy(leaf + len + 4, fields[i], strlen(fields[i]));
		len += 4 + strlen(fields[i]);
	}
	add(leaf, len);
}

static void
transaction(uint64_t xid, int rows)
{
	TlogFrontier own;
	TlogHash	hash;
	uint8_t		leaf[90];

	tlog_frontier_init(&own);
	for (int seq = 1; seq <= rows; seq++)
	{
		char		payload[64];
		char		text[128];

		memset(leaf, 0, sizeof(leaf));
		leaf[0] = 1;
		put(leaf + 1, xid, 8);
		put(leaf + 9, seq, 4);
		put(leaf + 13, seq, 4);
		put(leaf + 17, 800000000000000 + xid, 8);
		leaf[25] = 'I';
		snprintf(payload, sizeof(payload), "payload of row %d of transaction %llu", seq, (unsigned long long) xid);
		tlog_hash_bytes(payload, strlen(payload), &hash);
		memcpy(leaf + 58, hash.bytes, 32);
		if (payloads != NULL)
		{
			fprintf(payloads, "{\"index\":%llu,", (unsigned long long) tree.size);
			tlog_base64_write(leaf, sizeof(leaf), text);
			fprintf(payloads, "\"leaf\":\"%s\",", text);
			tlog_base64_write(payload, strlen(payload), text);
			fprintf(payloads, "\"payload\":\"%s\"}\n", text);
		}
		tlog_hash_leaf(leaf, sizeof(leaf), &hash);
		tlog_frontier_add(&own, &hash);
		add(leaf, sizeof(leaf));
	}
	tlog_frontier_root(&own, &hash);
	leaf[0] = 2;
	put(leaf + 1, xid, 8);
	put(leaf + 9, rows, 4);
	memcpy(leaf + 13, hash.bytes, 32);
	add(leaf, 45);
}

static void
checkpoint(const char *name)
{
	char		text[TLOG_CHECKPOINT_MAX];
	char		line[TLOG_SIGNATURE_LINE_MAX];
	char		note[TLOG_CHECKPOINT_MAX + TLOG_SIGNATURE_LINE_MAX];
	TlogText	body = {text, 0};
	TlogText	lines = {line, 0};
	TlogHash	root;
	long		len;

	tlog_frontier_root(&tree, &root);
	body.len = tlog_checkpoint_write(origin, tree.size, &root, text, sizeof(text));
	lines.len = tlog_checkpoint_sign(body, &signer, 0, line, sizeof(line));
	len = tlog_note_write(body, lines, note, sizeof(note));
	write_file(name, note, len);
}

int
main(int argc, char **argv)
{
	long		transactions;
	int			rows;
	char		name[4096];
	TlogText	skey;

	if (argc < 6)
		return 1;
	folder = argv[1];
	transactions = atol(argv[2]);
	rows = atoi(argv[3]);
	origin = argv[5];
	skey.at = argv[4];
	skey.len = strlen(argv[4]);
	if (!tlog_signer_parse(skey, &signer))
		return 1;
	snprintf(name, sizeof(name), "%s.json", folder);
	/* what is measured needs no payloads */
	payloads = transactions < 100000 ? fopen(name, "w") : NULL;
	opening();
	for (long i = 1; i <= transactions; i++)
	{
		transaction(700 + 3 * i, 1 + (i * 7919) % (2 * rows - 1));
		for (int arg = 6; arg < argc; arg++)
			if (atol(argv[arg]) == i)
			{
				snprintf(name, sizeof(name), "../%s.%s", strrchr(folder, '/') + 1, argv[arg]);
				checkpoint(name);
			}
	}
	if (bundle_len > 0)
		write_tile(TLOG_ENTRIES, tree.size / TLOG_TILE_WIDTH, tree.size % TLOG_TILE_WIDTH);
	for (int level = 0; level < TLOG_TILE_LEVELS; level++)
		if (widths[level] > 0)
			write_tile(level, (tree.size >> 8 * level) / TLOG_TILE_WIDTH, widths[level]);
	checkpoint("checkpoint");
	printf("%llu\n", (unsigned long long) tree.size);
	return payloads != NULL && fclose(payloads) != 0;
}
