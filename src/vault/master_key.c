/*-------------------------------------------------------------------------
 *
 * master_key.c
 *	  The key-encryption keys, which come from a file or a command.
 *
 * They stand in the memory of the postmaster, from where each backend inherits them:
 * neither SQL nor a setting can show them, and they are on no disk but the one that
 * the file or the command is on.  A superuser of the operating system can read the
 * memory; that is what the server is there for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "base/key_file.h"
#include "errors.h"
#include "vault/master_key.h"

#define KEY_LEN			PAYSAFE_AES256_KEY_LEN
#define MAX_MASTERS		16
#define MAX_NAME		32
#define MAX_TEXT_LEN	65536

/* A key-encryption key. */
typedef struct MasterKey
{
	char		name[MAX_NAME + 1];
	uint8		key[KEY_LEN];
} MasterKey;

static char *key_file = NULL;	/* setting paysafe.key_file */
static char *key_command = NULL;	/* setting paysafe.key_command */

/* the first one wraps; pages of their own, which core dumps leave out */
static MasterKey *masters = NULL;
static int	nmasters = 0;

/* keys of Fernet tokens, on the same pages behind them */
static MasterKey *fernets = NULL;
static int	nfernets = 0;

static bool
is_name(const char *name)
{
	size_t		len = strlen(name);

	return len > 0 && len <= MAX_NAME &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/*
 * A line says NAME:KEY, or fernet NAME:KEY.  False with words for the log, which do
 * not show it.
 */
static bool
read_line(char *line, const char **trouble)
{
	static const char fernet[] = "fernet ";
	static const uint8 zeros[KEY_LEN] = {0};
	char	   *colon = strchr(line, ':');
	bool		is_fernet = strncmp(line, fernet, strlen(fernet)) == 0;
	MasterKey  *list = is_fernet ? fernets : masters;
	int		   *n = is_fernet ? &nfernets : &nmasters;
	uint8		key[KEY_LEN + 3];
	size_t		len;

	if (colon == NULL)
	{
		*trouble = "it has no colon between name and key";
		return false;
	}
	*colon++ = '\0';
	if (is_fernet)
		line += strlen(fernet);
	len = strlen(colon);
	if (!is_name(line))
		*trouble = "the name is not 1 to 32 lower-case letters, digits, \"_\" and \"-\"";
	else if (len != PAYSAFE_BASE64_LEN(KEY_LEN) ||
			 paysafe_decode_base64(colon, len, is_fernet ? PAYSAFE_BASE64_URL : PAYSAFE_BASE64,
								   key) != KEY_LEN)
		*trouble = is_fernet ? "the key is not 32 bytes in base64, URL-safe" :
			"the key is not 32 bytes in base64";
	else if (memcmp(key, zeros, KEY_LEN) == 0)
		*trouble = "the key is nothing but zeros";
	else if (*n == MAX_MASTERS)
		*trouble = "there are more than 16 keys";
	else
	{
		for (int i = 0; i < *n; i++)
			if (strcmp(list[i].name, line) == 0)
				*trouble = "the name is there twice";
		if (*trouble == NULL)
		{
			strlcpy(list[*n].name, line, sizeof(list[*n].name));
			memcpy(list[*n].key, key, KEY_LEN);
			(*n)++;
		}
	}
	paysafe_crypto_cleanse(key, sizeof(key));
	return *trouble == NULL;
}

static void
read_lines(char *text, const char *origin)
{
	int			number = 1;

	for (char *line = text, *next; line != NULL; line = next, number++)
	{
		const char *trouble = NULL;
		size_t		len;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		len = strlen(line);
		while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
			line[--len] = '\0';
		if (len > 0 && line[0] != '#' && !read_line(line, &trouble))
			ereport(FATAL,
					(errcode(ERRCODE_CONFIG_FILE_ERROR),
					 errmsg("line %d of paysafe's keys from %s is wrong", number, origin),
					 errdetail("In words: %s.", trouble),
					 errhint("Each line is NAME:KEY, the key being 32 random bytes in base64: openssl rand -base64 32.")));
	}
	if (nmasters == 0)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("there are no keys for paysafe in %s", origin)));
}

static void
check_file(FILE *file)
{
	bool		failed;
	bool		is_private = paysafe_key_file_is_private(file, &failed);

	if (failed)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", key_file)));
	if (!is_private)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("file \"%s\" of paysafe's keys can be read by others", key_file),
				 errhint(PAYSAFE_KEY_FILE_HINT)));
}

static void
read_masters(void)
{
	bool		from_file = key_file[0] != '\0';
	const char *origin = from_file ? "paysafe.key_file" : "paysafe.key_command";
	FILE	   *stream;
	char	   *text;
	size_t		len;
	bool		whole;

	stream = from_file ? AllocateFile(key_file, "r") : OpenPipeStream(key_command, "r");
	if (stream == NULL)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not read paysafe's keys from %s: %m", origin)));
	if (from_file)
		check_file(stream);
	masters = mmap(NULL, sizeof(MasterKey) * 2 * MAX_MASTERS, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (masters == MAP_FAILED)
		ereport(FATAL, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
#ifdef MADV_DONTDUMP
	(void) madvise(masters, sizeof(MasterKey) * 2 * MAX_MASTERS, MADV_DONTDUMP);
#endif
	fernets = masters + MAX_MASTERS;
	/* no buffer of the stream's may keep what went through it */
	setvbuf(stream, NULL, _IONBF, 0);
	text = palloc(MAX_TEXT_LEN + 1);
	len = fread(text, 1, MAX_TEXT_LEN, stream);
	whole = len < MAX_TEXT_LEN && !ferror(stream) && memchr(text, '\0', len) == NULL;
	text[len] = '\0';
	if (from_file)
		FreeFile(stream);
	else if (ClosePipeStream(stream) != 0)
		whole = false;
	if (!whole)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not read paysafe's keys from %s", origin),
				 errdetail("The file could not be read to its end, or the command failed.")));
	read_lines(text, origin);
	paysafe_crypto_cleanse(text, len);
	pfree(text);
}

bool
paysafe_master_key_ready(void)
{
	return nmasters > 0;
}

bool
paysafe_master_key_fernet(const char *name, uint8 *key)
{
	for (int i = 0; i < nfernets; i++)
		if (strcmp(fernets[i].name, name) == 0)
		{
			memcpy(key, fernets[i].key, KEY_LEN);
			return true;
		}
	return false;
}

void
paysafe_master_key_require(void)
{
	if (nmasters == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("paysafe has no key to protect secrets with"),
				 errhint("Add paysafe to shared_preload_libraries, let paysafe.key_file name a file with a line NAME:KEY, the key being 32 random bytes in base64, and restart the server.")));
}

/* Wrapping data keys */

/* What a wrapped key is bound to. */
static char *
wrapping_place(int id, const char *kind, const char *master)
{
	return psprintf("paysafe data key %d %s %s", id, kind, master);
}

bytea *
paysafe_master_key_wrap(int id, const char *kind, const uint8 *key)
{
	const MasterKey *master = &masters[0];
	int			len = PAYSAFE_GCM_NONCE_LEN + KEY_LEN + PAYSAFE_GCM_TAG_LEN;
	bytea	   *wrapped = palloc(VARHDRSZ + len);
	uint8	   *nonce = (uint8 *) VARDATA(wrapped);
	uint8	   *cipher = nonce + PAYSAFE_GCM_NONCE_LEN;
	char	   *place = wrapping_place(id, kind, master->name);

	SET_VARSIZE(wrapped, VARHDRSZ + len);
	paysafe_crypto_random(nonce, PAYSAFE_GCM_NONCE_LEN);
	paysafe_crypto_gcm_seal(master->key, nonce, place, strlen(place), key, KEY_LEN,
							cipher, cipher + KEY_LEN);
	return wrapped;
}

bool
paysafe_master_key_unwrap(const char *master, int id, const char *kind, const bytea *wrapped,
						  uint8 *key)
{
	for (int i = 0; i < nmasters; i++)
	{
		const uint8 *nonce = (const uint8 *) VARDATA_ANY(wrapped);
		const uint8 *cipher = nonce + PAYSAFE_GCM_NONCE_LEN;
		char	   *place;

		if (strcmp(masters[i].name, master) != 0)
			continue;
		place = wrapping_place(id, kind, master);
		if (VARSIZE_ANY_EXHDR(wrapped) == PAYSAFE_GCM_NONCE_LEN + KEY_LEN + PAYSAFE_GCM_TAG_LEN &&
			paysafe_crypto_gcm_open(masters[i].key, nonce, place, strlen(place),
									cipher, KEY_LEN, cipher + KEY_LEN, key))
			return true;
		ereport(ERROR,
				(errcode(ERRCODE_23K01_SEALED),
				 errmsg("data key %d was not wrapped by key \"%s\"", id, master),
				 errhint("Is it another key of the same name in paysafe.key_file?")));
	}
	return false;
}

const char *
paysafe_master_key_name(void)
{
	return masters[0].name;
}

void
paysafe_master_key_preload(void)
{
	DefineCustomStringVariable("paysafe.key_file",
							   "File with the keys that protect the keys of this server's secrets.",
							   "Lines NAME:KEY, the key being 32 bytes in base64; the first one is for new data keys.",
							   &key_file, "", PGC_POSTMASTER, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.key_command",
							   "Command that prints what paysafe.key_file would contain.",
							   NULL, &key_command, "", PGC_POSTMASTER, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	if (IsBinaryUpgrade || (key_file[0] == '\0' && key_command[0] == '\0'))
		return;
	if (key_file[0] != '\0' && key_command[0] != '\0')
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("paysafe.key_file and paysafe.key_command are both set")));
	read_masters();
}
