/*-------------------------------------------------------------------------
 *
 * log_key.c
 *	  The keys that sign checkpoints of sealed logs.
 *
 * They stand in a file outside the data folder, which only the process that signs reads;
 * it keeps them on pages of their own, which core dumps leave out and children do not
 * inherit.  A key has the name of the log that it is for: the file may have those of
 * several databases, and several of one log, which all sign while one follows another.
 * Instead of a file, a command signs: then no key is in this machine's memory at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "storage/fd.h"
#include "utils/guc.h"

#include "base/command.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/key_file.h"
#include "vault/log_key.h"

#define MAX_KEYS		64
#define MAX_NAME		255
#define MAX_TEXT_LEN	65536
#define ALGORITHM		1		/* Ed25519 of signed notes */
#define ID_LEN			4

#define PREFIX			"PRIVATE KEY+"
#define DASH			"\xE2\x80\x94 "	/* what a signature line begins with */

typedef struct LogKey
{
	char		name[MAX_NAME + 1];
	uint8		id[ID_LEN];
	uint8		seed[PAYSAFE_ED25519_KEY_LEN];
} LogKey;

static char *key_file = NULL;	/* setting paysafe.seal_key_file */
static char *sign_command = NULL;	/* setting paysafe.seal_sign_command */

static LogKey *keys = NULL;
static int	nkeys = 0;

bool
paysafe_log_key_configured(void)
{
	return key_file != NULL && (key_file[0] != '\0' || sign_command[0] != '\0');
}

/* The first bytes of SHA-256(name || newline || algorithm || public key). */
static void
compute_id(const char *name, const uint8 *seed, uint8 *id)
{
	uint8		public_key[PAYSAFE_ED25519_KEY_LEN];
	uint8		hash[PAYSAFE_SHA256_LEN];
	StringInfoData bytes;

	paysafe_crypto_ed25519_public(seed, public_key);
	initStringInfo(&bytes);
	appendStringInfo(&bytes, "%s\n%c", name, ALGORITHM);
	appendBinaryStringInfo(&bytes, (char *) public_key, sizeof(public_key));
	paysafe_crypto_sha256(bytes.data, bytes.len, hash);
	memcpy(id, hash, ID_LEN);
	pfree(bytes.data);
}

/* One key, as PRIVATE KEY+NAME+ID+BASE64.  NULL, or what is wrong with it. */
static const char *
read_key(char *line, LogKey *key)
{
	char	   *name = line + strlen(PREFIX);
	char	   *id = strncmp(line, PREFIX, strlen(PREFIX)) == 0 ? strchr(name, '+') : NULL;
	char	   *data = id == NULL ? NULL : strchr(id + 1, '+');
	uint8		bytes[3 * (MAX_NAME / 4)];
	uint8		claimed[ID_LEN];
	const char *trouble = NULL;

	if (data == NULL)
		return "it does not have the form PRIVATE KEY+NAME+ID+KEY";
	*id++ = '\0';
	*data++ = '\0';
	if (name[0] == '\0' || strlen(name) > MAX_NAME || strpbrk(name, " \t") != NULL)
		return "the name is empty, too long or has blanks";
	if (strlen(id) != PAYSAFE_HEX_LEN(ID_LEN) || paysafe_decode_hex(id, strlen(id), claimed) != ID_LEN)
		return "the ID is not eight hexadecimal digits";
	if (strlen(data) != PAYSAFE_BASE64_LEN(1 + sizeof(key->seed)) ||
		paysafe_decode_base64(data, strlen(data), PAYSAFE_BASE64, bytes) != 1 + sizeof(key->seed) ||
		bytes[0] != ALGORITHM)
		trouble = "the key is no Ed25519 key in base64";
	else
	{
		strlcpy(key->name, name, sizeof(key->name));
		memcpy(key->seed, bytes + 1, sizeof(key->seed));
		compute_id(key->name, key->seed, key->id);
		if (memcmp(key->id, claimed, ID_LEN) != 0)
			trouble = "the ID is not that of this name and key";
	}
	paysafe_crypto_cleanse(bytes, sizeof(bytes));
	return trouble;
}

/* All of them; NULL, or what is wrong. */
static char *
read_keys(char *text)
{
	int			number = 1;

	for (char *line = text, *next; line != NULL; line = next, number++)
	{
		const char *trouble;
		size_t		len;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		len = strlen(line);
		while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
			line[--len] = '\0';
		if (len == 0 || line[0] == '#')
			continue;
		trouble = nkeys == MAX_KEYS ? "there are more than 64 keys" : read_key(line, &keys[nkeys]);
		if (trouble != NULL)
			return psprintf("line %d of the file that paysafe.seal_key_file names: %s", number, trouble);
		nkeys++;
	}
	return nkeys > 0 ? NULL : pstrdup("the file that paysafe.seal_key_file names has no key");
}

static char *
read_file(FILE *file)
{
	bool		failed;
	char	   *text;
	size_t		len;
	char	   *trouble;

	if (!paysafe_key_file_is_private(file, &failed))
		return failed ? psprintf("file \"%s\": %m", key_file) :
			psprintf("file \"%s\" can be read by others", key_file);
	if (paysafe_key_file_is_in_data(key_file))
		return psprintf("file \"%s\" is in the data folder, and so in each copy of it", key_file);
	/* no buffer of the stream's may keep what went through it */
	setvbuf(file, NULL, _IONBF, 0);
	text = palloc(MAX_TEXT_LEN + 1);
	len = fread(text, 1, MAX_TEXT_LEN, file);
	text[len] = '\0';
	if (len == MAX_TEXT_LEN || ferror(file) || memchr(text, '\0', len) != NULL)
		trouble = psprintf("file \"%s\" could not be read to its end", key_file);
	else
		trouble = read_keys(text);
	paysafe_crypto_cleanse(text, MAX_TEXT_LEN);
	pfree(text);
	return trouble;
}

static void
forget_keys(void)
{
	if (keys != NULL)
		paysafe_crypto_cleanse(keys, sizeof(LogKey) * MAX_KEYS);
	nkeys = 0;
}

/* Pages for the keys; false without memory. */
static bool
prepare_pages(void)
{
	Size		size = sizeof(LogKey) * MAX_KEYS;

	if (keys != NULL)
		return true;
	keys = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (keys == MAP_FAILED)
	{
		keys = NULL;
		return false;
	}
#ifdef MADV_DONTDUMP
	(void) madvise(keys, size, MADV_DONTDUMP);
#endif
#ifdef MADV_DONTFORK
	(void) madvise(keys, size, MADV_DONTFORK);
#endif
	return true;
}

char *
paysafe_log_key_load(void)
{
	FILE	   *file;
	char	   *trouble;

	forget_keys();
	if (!paysafe_log_key_configured())
		return pstrdup("neither paysafe.seal_key_file nor paysafe.seal_sign_command is set");
	if (key_file[0] != '\0' && sign_command[0] != '\0')
		return pstrdup("paysafe.seal_key_file and paysafe.seal_sign_command are both set");
	if (key_file[0] == '\0')
		return NULL;
	if (!prepare_pages())
		return pstrdup("out of memory");
	file = AllocateFile(key_file, "r");
	if (file == NULL)
		return psprintf("file \"%s\": %m", key_file);
	trouble = read_file(file);
	FreeFile(file);
	if (trouble != NULL)
		forget_keys();
	return trouble;
}

static void
sign_with(const LogKey *key, const char *text, StringInfo lines)
{
	uint8		bytes[ID_LEN + PAYSAFE_ED25519_SIGNATURE_LEN];
	char		encoded[PAYSAFE_BASE64_LEN(sizeof(bytes)) + 1];

	memcpy(bytes, key->id, ID_LEN);
	paysafe_crypto_ed25519_sign(key->seed, text, strlen(text), bytes + ID_LEN);
	encoded[paysafe_encode_base64(bytes, sizeof(bytes), PAYSAFE_BASE64, encoded)] = '\0';
	appendStringInfo(lines, DASH "%s %s\n", key->name, encoded);
}

/* Is it a signature line in the name of the log?  It may be of any algorithm. */
static bool
is_line_of(const char *line, size_t len, const char *origin)
{
	char	   *start = psprintf(DASH "%s ", origin);
	size_t		before = strlen(start);
	uint8	   *bytes;

	if (len <= before || strncmp(line, start, before) != 0)
		return false;
	bytes = palloc(len);
	return paysafe_decode_base64(line + before, len - before, PAYSAFE_BASE64, bytes) > ID_LEN;
}

/* What the command prints is one signature line or several, and nothing else. */
static char *
sign_by_command(const char *origin, const char *text, int timeout, StringInfo lines)
{
	CommandVariable variable = {"PAYSAFE_ORIGIN", origin};
	StringInfoData answer;
	char	   *trouble;

	initStringInfo(&answer);
	trouble = paysafe_command_run(sign_command, text, strlen(text), &variable, 1, timeout, &answer);
	if (trouble != NULL)
		return psprintf("paysafe.seal_sign_command: %s", trouble);
	for (const char *line = answer.data, *end; *line != '\0'; line = end + 1)
	{
		end = strchr(line, '\n');
		if (end == NULL || !is_line_of(line, end - line, origin))
			return psprintf("paysafe.seal_sign_command answered with something else than signature lines of \"%s\"",
							origin);
	}
	if (answer.len == 0)
		return pstrdup("paysafe.seal_sign_command answered nothing");
	appendBinaryStringInfo(lines, answer.data, answer.len);
	return NULL;
}

char *
paysafe_log_key_sign(const char *origin, const char *text, int timeout, StringInfo lines)
{
	int			before = lines->len;

	if (key_file[0] == '\0')
		return sign_by_command(origin, text, timeout, lines);
	for (int i = 0; i < nkeys; i++)
		if (strcmp(keys[i].name, origin) == 0)
			sign_with(&keys[i], text, lines);
	return lines->len > before ? NULL :
		psprintf("the file that paysafe.seal_key_file names has no key of the name \"%s\"", origin);
}

void
paysafe_log_key_preload(void)
{
	DefineCustomStringVariable("paysafe.seal_key_file",
							   "File with the keys that sign the checkpoints of sealed logs.",
							   "Lines as paysafe-key prints them, each with the name of its log. Not in the data folder.",
							   &key_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.seal_sign_command",
							   "Command that signs the checkpoint that it reads, instead of paysafe.seal_key_file.",
							   "It prints the signature line of the note.",
							   &sign_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
}
