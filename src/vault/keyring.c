/*-------------------------------------------------------------------------
 *
 * keyring.c
 *	  The keys behind everything that is stored encrypted or as a keyed hash.
 *
 * The key-encryption keys stand in the memory of the postmaster, from where each
 * backend inherits them: neither SQL nor a setting can show them, and they are on
 * no disk but the one that the file or the command is on.  A superuser of the
 * operating system can read the memory; that is what the server is there for.
 *
 * Data keys are unwrapped once per backend.  Those of a transaction that has not
 * committed are read again each time, because it may not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "base/encode.h"
#include "base/invalidation.h"
#include "errors.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define KEY_LEN			PAYSAFE_AES256_KEY_LEN
#define MAX_MASTERS		16
#define MAX_NAME		32
#define MAX_TEXT_LEN		65536
#define MAX_KEYS		256		/* unwrapped ones that a backend remembers */
#define SEAL_VERSION	1
#define SEAL_HEADER		(1 + 4 + PAYSAFE_GCM_NONCE_LEN)

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

/* Columns of paysafe.data_key. */
enum
{
	KEY_ID, KEY_VERSION, KEY_KIND, KEY_MASTER, KEY_WRAPPED, KEY_AT,
	KEY_NCOLUMNS
};

#define KIND_MAC	"mac"		/* for keyed hashes: one, for ever */
#define KIND_SEAL	"seal"		/* the one with the highest number seals */

typedef struct DataKey
{
	int			id;
	int			version;
	bool		seals;
	bool		committed;
	uint8		key[KEY_LEN];
} DataKey;

static DataKey *known = NULL;	/* MAX_KEYS of them */
static int	nknown = 0;
static bool known_is_good = false;
static bool table_changed = false;	/* since they were read */
static Oid	known_table = InvalidOid;	/* where they were read */

/* Reading key-encryption keys */

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

/* As PostgreSQL asks of its TLS key: ours, or root's for our group. */
static void
check_file(FILE *file)
{
	struct stat status;

	if (fstat(fileno(file), &status) != 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", key_file)));
	if (!S_ISREG(status.st_mode) ||
		(status.st_uid == geteuid() ? (status.st_mode & (S_IRWXG | S_IRWXO)) != 0 :
		 status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0))
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("file \"%s\" of paysafe's keys can be read by others", key_file),
				 errhint("It must be a file of the server's user with permissions 0600 or less, or of root with 0640 or less.")));
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
paysafe_keyring_ready(void)
{
	return nmasters > 0;
}

bool
paysafe_keyring_fernet(const char *name, uint8 *key)
{
	for (int i = 0; i < nfernets; i++)
		if (strcmp(fernets[i].name, name) == 0)
		{
			memcpy(key, fernets[i].key, KEY_LEN);
			return true;
		}
	return false;
}

static void
require_master(void)
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

static bytea *
wrap(const MasterKey *master, int id, const char *kind, const uint8 *key)
{
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

/* Unwrap into key; false if no key-encryption key of that name is known. */
static bool
unwrap(const char *master, int id, const char *kind, const bytea *wrapped, uint8 *key)
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
				(errcode(ERRCODE_PAYSAFE_SEALED),
				 errmsg("data key %d was not wrapped by key \"%s\"", id, master),
				 errhint("Is it another key of the same name in paysafe.key_file?")));
	}
	return false;
}

/* Data keys */

/*
 * Remember the newest version of each key that can be unwrapped.  One that cannot
 * stays unknown: whoever asks for it gets the error.
 */
static bool
visit_key(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	int			id;
	int			version;
	char	   *kind;
	DataKey    *key = NULL;
	uint8		unwrapped[KEY_LEN];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	id = DatumGetInt32(values[KEY_ID]);
	version = DatumGetInt32(values[KEY_VERSION]);
	kind = TextDatumGetCString(values[KEY_KIND]);
	for (int i = 0; i < nknown && key == NULL; i++)
		if (known[i].id == id)
			key = &known[i];
	if (key != NULL && key->version > version)
		return true;
	if (!unwrap(TextDatumGetCString(values[KEY_MASTER]), id, kind,
				DatumGetByteaPP(values[KEY_WRAPPED]), unwrapped))
		return true;
	if (key == NULL)
	{
		if (nknown == MAX_KEYS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("there are more than %d data keys", MAX_KEYS)));
		key = &known[nknown++];
	}
	key->id = id;
	key->version = version;
	key->seals = strcmp(kind, KIND_SEAL) == 0;
	memcpy(key->key, unwrapped, KEY_LEN);
	paysafe_crypto_cleanse(unwrapped, KEY_LEN);
	/* it may roll back */
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		table_changed = true;
	return true;
}

static void
forget_keys(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == known_table)
	{
		known_is_good = false;
		table_changed = true;
	}
}

static void
read_keys(void)
{
	require_master();
	if (known == NULL)
	{
		known = mmap(NULL, sizeof(DataKey) * MAX_KEYS, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (known == MAP_FAILED)
		{
			known = NULL;
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		}
#ifdef MADV_DONTDUMP
		(void) madvise(known, sizeof(DataKey) * MAX_KEYS, MADV_DONTDUMP);
#endif
	}
	paysafe_crypto_cleanse(known, sizeof(DataKey) * nknown);
	nknown = 0;
	known_is_good = false;
	known_table = paysafe_catalog_table(PAYSAFE_DATA_KEY);
	table_changed = false;
	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, visit_key, NULL);
	known_is_good = !table_changed;
}

/* The key for keyed hashes, or the newest one that seals, or NULL. */
static const DataKey *
find_key(bool seals)
{
	const DataKey *found = NULL;

	for (int i = 0; i < nknown; i++)
		if (known[i].seals == seals && (found == NULL || known[i].id > found->id))
			found = &known[i];
	return found;
}

static void
add_version(int id, int version, const char *kind, const uint8 *key)
{
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS] = {0};

	values[KEY_ID] = Int32GetDatum(id);
	values[KEY_VERSION] = Int32GetDatum(version);
	values[KEY_KIND] = CStringGetTextDatum(kind);
	values[KEY_MASTER] = CStringGetTextDatum(masters[0].name);
	values[KEY_WRAPPED] = PointerGetDatum(wrap(&masters[0], id, kind, key));
	values[KEY_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_DATA_KEY, values, nulls);
	CommandCounterIncrement();
	/* other sessions look again */
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_DATA_KEY));
	known_is_good = false;
}

/* Any row of the table, whether its key can be unwrapped or not? */
static bool
note_row(Relation rel, HeapTuple tuple, void *arg)
{
	int		   *highest = arg;
	bool		isnull;

	*highest = Max(*highest, DatumGetInt32(heap_getattr(tuple, KEY_ID + 1, RelationGetDescr(rel), &isnull)));
	return true;
}

static int
make_key(const char *kind)
{
	uint8		key[KEY_LEN];
	int			id = 0;

	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_row, &id);
	if (++id > MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are %d data keys already, as many as there can be", MAX_KEYS)));
	paysafe_crypto_random(key, KEY_LEN);
	add_version(id, 1, kind, key);
	paysafe_crypto_cleanse(key, KEY_LEN);
	return id;
}

/* One session at a time makes or wraps keys. */
static void
lock_keys(void)
{
	(void) paysafe_store_lock_value(PAYSAFE_DATA_KEY, 0, false);
	read_keys();
}

typedef struct KindSearch
{
	const char *kind;
	int			id;
} KindSearch;

static bool
note_kind(Relation rel, HeapTuple tuple, void *arg)
{
	KindSearch *search = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	if (strcmp(paysafe_store_text(tuple, desc, KEY_KIND), search->kind) == 0)
		search->id = Max(search->id, DatumGetInt32(heap_getattr(tuple, KEY_ID + 1, desc, &isnull)));
	return true;
}

/*
 * The key for this use; made if the database never had one.  One that is there
 * and cannot be unwrapped is an error: a second one would hash the same values
 * differently, and what was seen before would look new.
 */
static const DataKey *
require_key(bool seals)
{
	KindSearch	search = {.kind = seals ? KIND_SEAL : KIND_MAC};
	const DataKey *key;

	if (!known_is_good)
		read_keys();
	key = find_key(seals);
	if (key == NULL)
	{
		lock_keys();
		paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_kind, &search);
		if (search.id == 0)
		{
			(void) make_key(search.kind);
			read_keys();
		}
		key = find_key(seals);
		if (key == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("data key %d of paysafe cannot be unwrapped", search.id),
					 errhint("paysafe.key_file must have the key that wrapped it: see paysafe.data_keys.")));
	}
	return key;
}

static void
derive(const DataKey *key, const char *use, const char *purpose, uint8 *out)
{
	char	   *label = psprintf("paysafe %s %s", use, purpose);

	paysafe_crypto_hmac_sha256(key->key, KEY_LEN, label, strlen(label), out);
	pfree(label);
}

void
paysafe_keyring_mac(const char *purpose, const void *data, size_t len, uint8 *out)
{
	uint8		key[PAYSAFE_SHA256_LEN];

	derive(require_key(false), KIND_MAC, purpose, key);
	paysafe_crypto_hmac_sha256(key, sizeof(key), data, len, out);
	paysafe_crypto_cleanse(key, sizeof(key));
}

/* What is authenticated beside the ciphertext: the header, and the place. */
static void
authenticated(StringInfo aad, const uint8 *header, const void *place, size_t placelen)
{
	initStringInfo(aad);
	appendBinaryStringInfo(aad, (const char *) header, SEAL_HEADER);
	appendBinaryStringInfo(aad, place, placelen);
}

bytea *
paysafe_keyring_seal(const char *purpose, const void *place, size_t placelen,
					 const void *plain, size_t len)
{
	const DataKey *key = require_key(true);
	bytea	   *sealed = palloc(VARHDRSZ + PAYSAFE_SEAL_OVERHEAD + len);
	uint8	   *header = (uint8 *) VARDATA(sealed);
	uint8	   *cipher = header + SEAL_HEADER;
	uint32		id = pg_hton32((uint32) key->id);
	uint8		derived[PAYSAFE_SHA256_LEN];
	StringInfoData aad;

	SET_VARSIZE(sealed, VARHDRSZ + PAYSAFE_SEAL_OVERHEAD + len);
	header[0] = SEAL_VERSION;
	memcpy(header + 1, &id, sizeof(id));
	paysafe_crypto_random(header + 1 + sizeof(id), PAYSAFE_GCM_NONCE_LEN);
	authenticated(&aad, header, place, placelen);
	derive(key, KIND_SEAL, purpose, derived);
	paysafe_crypto_gcm_seal(derived, header + 1 + sizeof(id), aad.data, aad.len,
							plain, len, cipher, cipher + len);
	paysafe_crypto_cleanse(derived, sizeof(derived));
	pfree(aad.data);
	return sealed;
}

int
paysafe_keyring_sealed_by(const void *sealed, size_t len)
{
	const uint8 *header = sealed;
	uint32		id;

	if (len < PAYSAFE_SEAL_OVERHEAD || header[0] != SEAL_VERSION)
		return -1;
	memcpy(&id, header + 1, sizeof(id));
	id = pg_ntoh32(id);
	return id == 0 || id > PG_INT32_MAX ? -1 : (int) id;
}

bool
paysafe_keyring_knows(int id)
{
	read_keys();
	for (int i = 0; i < nknown; i++)
		if (known[i].id == id)
			return true;
	return false;
}

/* The key that sealed it, unwrapped; NULL if it is not known here. */
static const DataKey *
sealing_key(int id)
{
	for (int attempt = 0; attempt < 2; attempt++)
	{
		if (attempt > 0 || !known_is_good)
			read_keys();
		for (int i = 0; i < nknown; i++)
			if (known[i].id == id && known[i].seals)
				return &known[i];
	}
	return NULL;
}

/* Decrypt into plain, which has room; false if it is not genuine. */
static bool
open_into(const DataKey *key, const char *purpose, const void *place, size_t placelen,
		  const void *sealed, size_t len, uint8 *plain)
{
	const uint8 *header = sealed;
	const uint8 *cipher = header + SEAL_HEADER;
	uint8		derived[PAYSAFE_SHA256_LEN];
	StringInfoData aad;
	bool		genuine;

	len -= PAYSAFE_SEAL_OVERHEAD;
	authenticated(&aad, header, place, placelen);
	derive(key, KIND_SEAL, purpose, derived);
	genuine = paysafe_crypto_gcm_open(derived, header + 1 + sizeof(uint32), aad.data, aad.len,
									  cipher, len, cipher + len, plain);
	paysafe_crypto_cleanse(derived, sizeof(derived));
	pfree(aad.data);
	return genuine;
}

bool
paysafe_keyring_is_sealed(const char *purpose, const void *place, size_t placelen,
						  const void *sealed, size_t len)
{
	int			id = paysafe_keyring_sealed_by(sealed, len);
	const DataKey *key = NULL;
	uint8	   *plain;
	bool		genuine;

	require_master();
	if (id >= 0)
		key = sealing_key(id);
	if (key == NULL)
		return false;
	plain = palloc(len);
	genuine = open_into(key, purpose, place, placelen, sealed, len, plain);
	paysafe_crypto_cleanse(plain, len);
	pfree(plain);
	return genuine;
}

bytea *
paysafe_keyring_open(const char *purpose, const void *place, size_t placelen,
					 const void *sealed, size_t len)
{
	int			id = paysafe_keyring_sealed_by(sealed, len);
	const DataKey *key;
	bytea	   *plain;

	require_master();
	if (id < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PAYSAFE_SEALED),
				 errmsg("the value is not sealed by paysafe")));
	key = sealing_key(id);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the value is sealed by data key %d, which is not known here", id),
				 errhint("See paysafe.data_keys: it may be wrapped by a key that paysafe.key_file does not have, or belong to another database.")));
	plain = palloc(VARHDRSZ + len - PAYSAFE_SEAL_OVERHEAD);
	SET_VARSIZE(plain, VARHDRSZ + len - PAYSAFE_SEAL_OVERHEAD);
	if (!open_into(key, purpose, place, placelen, sealed, len, (uint8 *) VARDATA(plain)))
		ereport(ERROR,
				(errcode(ERRCODE_PAYSAFE_SEALED),
				 errmsg("the value was not sealed for this place, or has been changed"),
				 errdetail("A sealed value is bound to the table, column and row that it was made for.")));
	return plain;
}

int
paysafe_keyring_current(void)
{
	return require_key(true)->id;
}

int
paysafe_keyring_rotate(void)
{
	require_master();
	lock_keys();
	return make_key(KIND_SEAL);
}

typedef struct Rewrapping
{
	int			ids[MAX_KEYS];	/* whose newest version another key wraps */
	int			versions[MAX_KEYS];
	bool		outdated[MAX_KEYS];
	char		kinds[MAX_KEYS][8];
	int			n;
} Rewrapping;

static bool
note_wrapping(Relation rel, HeapTuple tuple, void *arg)
{
	Rewrapping *all = arg;
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	int			i;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	for (i = 0; i < all->n && all->ids[i] != DatumGetInt32(values[KEY_ID]); i++)
		;
	if (i == MAX_KEYS || (i < all->n && all->versions[i] > DatumGetInt32(values[KEY_VERSION])))
		return true;
	all->n = Max(all->n, i + 1);
	all->ids[i] = DatumGetInt32(values[KEY_ID]);
	all->versions[i] = DatumGetInt32(values[KEY_VERSION]);
	all->outdated[i] = strcmp(TextDatumGetCString(values[KEY_MASTER]), masters[0].name) != 0;
	strlcpy(all->kinds[i], TextDatumGetCString(values[KEY_KIND]), sizeof(all->kinds[i]));
	return true;
}

int
paysafe_keyring_rewrap(void)
{
	Rewrapping *all = palloc0(sizeof(Rewrapping));
	int			count = 0;

	require_master();
	lock_keys();
	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_wrapping, all);
	for (int i = 0; i < all->n; i++)
	{
		const DataKey *key = NULL;

		if (!all->outdated[i])
			continue;
		if (!known_is_good)
			read_keys();
		for (int j = 0; j < nknown; j++)
			if (known[j].id == all->ids[i])
				key = &known[j];
		if (key == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("data key %d of paysafe cannot be unwrapped", all->ids[i]),
					 errhint("paysafe.key_file must have the key that wrapped it, too: see paysafe.data_keys.")));
		add_version(key->id, key->version + 1, all->kinds[i], key->key);
		count++;
	}
	return count;
}

void
paysafe_keyring_preload(void)
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

void
paysafe_keyring_init(void)
{
	paysafe_invalidation_register(forget_keys);
}
