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
#include "base/key_file.h"
#include "tlog/note.h"
#include "vault/log_key.h"

#define MAX_KEYS		64
#define MAX_TEXT_LEN	65536

static char *key_file = NULL;	/* setting paysafe.seal_key_file */
static char *sign_command = NULL;	/* setting paysafe.seal_sign_command */

static TlogSigner *keys = NULL;
static int	nkeys = 0;

bool
paysafe_log_key_configured(void)
{
	return key_file != NULL && (key_file[0] != '\0' || sign_command[0] != '\0');
}

bool
paysafe_log_key_is_command(void)
{
	return key_file[0] == '\0';
}

/* All of them; NULL, or what is wrong. */
static char *
read_keys(char *text)
{
	int			number = 1;

	for (char *line = text, *next; line != NULL; line = next, number++)
	{
		size_t		len;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		len = strlen(line);
		while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
			line[--len] = '\0';
		if (len == 0 || line[0] == '#')
			continue;
		if (nkeys == MAX_KEYS)
			return psprintf("the file that paysafe.seal_key_file names has more than %d keys", MAX_KEYS);
		if (!tlog_signer_parse((TlogText) {line, len}, &keys[nkeys]) ||
			keys[nkeys].key.type != TLOG_KEY_ED25519)
			return psprintf("line %d of the file that paysafe.seal_key_file names is no Ed25519 key as paysafe-key makes them",
							number);
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
		paysafe_crypto_cleanse(keys, sizeof(TlogSigner) * MAX_KEYS);
	nkeys = 0;
}

/* Pages for the keys; false without memory. */
static bool
prepare_pages(void)
{
	Size		size = sizeof(TlogSigner) * MAX_KEYS;

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

/* Is the note's signature one of this log?  It may be of any algorithm. */
static bool
are_of(const TlogNote *note, const char *origin)
{
	for (int i = 0; i < note->n; i++)
		if (!tlog_text_is(note->signatures[i].name, origin))
			return false;
	return note->n > 0;
}

/* What the command prints is one signature line or several, and nothing else. */
static char *
sign_by_command(const char *origin, const char *text, int timeout, StringInfo lines)
{
	CommandVariable variable = {"PAYSAFE_ORIGIN", origin};
	StringInfoData answer;
	TlogNote   *note;
	char	   *signed_text;
	char	   *trouble;

	initStringInfo(&answer);
	trouble = paysafe_command_run(sign_command, text, strlen(text), &variable, 1, timeout, &answer);
	if (trouble != NULL)
		return psprintf("paysafe.seal_sign_command: %s", trouble);
	note = palloc(sizeof(TlogNote));
	signed_text = psprintf("%s\n%s", text, answer.data);
	if (answer.len == 0 || strlen(answer.data) != answer.len ||
		!tlog_note_parse((TlogText) {signed_text, strlen(signed_text)}, note) ||
		note->text.len != strlen(text) || !are_of(note, origin))
		return psprintf("paysafe.seal_sign_command answered with something else than signature lines of \"%s\"",
						origin);
	appendBinaryStringInfo(lines, answer.data, answer.len);
	return NULL;
}

char *
paysafe_log_key_sign(const char *origin, const char *text, int timeout, StringInfo lines)
{
	int			before = lines->len;
	char		line[TLOG_SIGNATURE_LINE_MAX];

	if (key_file[0] == '\0')
		return sign_by_command(origin, text, timeout, lines);
	for (int i = 0; i < nkeys; i++)
	{
		if (strcmp(keys[i].key.name, origin) != 0)
			continue;
		if (tlog_note_sign((TlogText) {text, strlen(text)}, &keys[i], line, sizeof(line)) < 0)
			return pstrdup("OpenSSL does not sign");
		appendStringInfoString(lines, line);
	}
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
