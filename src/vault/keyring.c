/*-------------------------------------------------------------------------
 *
 * keyring.c
 *	  The keys behind everything that is stored encrypted or as a keyed hash.
 *
 * Data keys are unwrapped once per backend, and what is derived from the one for
 * hashes is kept with them.  Those of a transaction that has not committed are read
 * again each time, because it may not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "base/invalidation.h"
#include "errors.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "vault/keyring.h"
#include "vault/master_key.h"

#define KEY_LEN			PAYSAFE_AES256_KEY_LEN
#define MAX_KEYS		256		/* unwrapped ones that a backend remembers */
#define MAX_DERIVED		16		/* purposes of hashes that it remembers a key for */
#define SEAL_VERSION	1
#define SEAL_HEADER		(1 + 4 + PAYSAFE_GCM_NONCE_LEN)

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

/* The key for hashes of one purpose. */
typedef struct DerivedKey
{
	char		purpose[32];
	uint8		key[PAYSAFE_SHA256_LEN];
} DerivedKey;

typedef struct KeyMemory
{
	DataKey		known[MAX_KEYS];
	DerivedKey	derived[MAX_DERIVED];
} KeyMemory;

static DataKey *known = NULL;	/* MAX_KEYS of them */
static DerivedKey *derived_keys = NULL;	/* MAX_DERIVED of them */
static int	nderived = 0;
static int	newest_seal = 0;	/* highest number of one that seals, known or not */
static int	nknown = 0;
static bool known_is_good = false;
static bool table_changed = false;	/* since they were read */
static Oid	known_table = InvalidOid;	/* where they were read */

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
	if (strcmp(kind, KIND_SEAL) == 0)
		newest_seal = Max(newest_seal, id);
	for (int i = 0; i < nknown && key == NULL; i++)
		if (known[i].id == id)
			key = &known[i];
	if (key != NULL && key->version > version)
		return true;
	if (!paysafe_master_key_unwrap(TextDatumGetCString(values[KEY_MASTER]), id, kind,
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
	paysafe_master_key_require();
	if (known == NULL)
	{
		KeyMemory  *memory = mmap(NULL, sizeof(KeyMemory), PROT_READ | PROT_WRITE,
								  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
#ifdef MADV_DONTDUMP
		(void) madvise(memory, sizeof(KeyMemory), MADV_DONTDUMP);
#endif
		known = memory->known;
		derived_keys = memory->derived;
	}
	paysafe_crypto_cleanse(known, sizeof(DataKey) * nknown);
	paysafe_crypto_cleanse(derived_keys, sizeof(DerivedKey) * nderived);
	nknown = nderived = 0;
	newest_seal = 0;
	known_is_good = false;
	known_table = paysafe_catalog_table(PAYSAFE_DATA_KEY);
	table_changed = false;
	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, visit_key, NULL);
	known_is_good = !table_changed;
}

/*
 * The key for keyed hashes, or the newest one that seals; NULL if it is not known.  An
 * older one does not stand in for the newest: somebody had a reason to make that.
 */
static const DataKey *
find_key(bool seals)
{
	for (int i = 0; i < nknown; i++)
		if (known[i].seals == seals && (!seals || known[i].id == newest_seal))
			return &known[i];
	return NULL;
}

static void
add_version(int id, int version, const char *kind, const uint8 *key)
{
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS] = {0};

	values[KEY_ID] = Int32GetDatum(id);
	values[KEY_VERSION] = Int32GetDatum(version);
	values[KEY_KIND] = CStringGetTextDatum(kind);
	values[KEY_MASTER] = CStringGetTextDatum(paysafe_master_key_name());
	values[KEY_WRAPPED] = PointerGetDatum(paysafe_master_key_wrap(id, kind, key));
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

/* The key for hashes of this purpose: kept, or in spare. */
static const uint8 *
mac_key(const char *purpose, uint8 *spare)
{
	const DataKey *key = require_key(false);
	DerivedKey *kept;

	for (int i = 0; i < nderived; i++)
		if (strcmp(derived_keys[i].purpose, purpose) == 0)
			return derived_keys[i].key;
	derive(key, KIND_MAC, purpose, spare);
	if (nderived == MAX_DERIVED || strlen(purpose) >= sizeof(derived_keys->purpose))
		return spare;
	kept = &derived_keys[nderived++];
	strcpy(kept->purpose, purpose);
	memcpy(kept->key, spare, PAYSAFE_SHA256_LEN);
	return kept->key;
}

void
paysafe_keyring_mac(const char *purpose, const void *data, size_t len, uint8 *out)
{
	uint8		spare[PAYSAFE_SHA256_LEN];

	paysafe_crypto_hmac_sha256(mac_key(purpose, spare), PAYSAFE_SHA256_LEN, data, len, out);
	paysafe_crypto_cleanse(spare, sizeof(spare));
}

bool
paysafe_keyring_hashes(void)
{
	KindSearch	search = {.kind = KIND_MAC};

	if (!paysafe_master_key_ready())
		return false;
	if (!known_is_good)
		read_keys();
	if (find_key(false) != NULL)
		return true;
	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_kind, &search);
	return search.id == 0;
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

	paysafe_master_key_require();
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

	paysafe_master_key_require();
	if (id < 0)
		ereport(ERROR,
				(errcode(ERRCODE_23K01_SEALED),
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
				(errcode(ERRCODE_23K01_SEALED),
				 errmsg("the value was not sealed for this place, or has been changed"),
				 errdetail("A sealed value is bound to the table, column and row that it was made for.")));
	return plain;
}

int
paysafe_keyring_current(void)
{
	return require_key(true)->id;
}

typedef struct MissingSearch
{
	int			id;				/* the first one */
	char	   *master;
} MissingSearch;

static bool
note_missing(Relation rel, HeapTuple tuple, void *arg)
{
	MissingSearch *missing = arg;
	bool		isnull;
	int			id = DatumGetInt32(heap_getattr(tuple, KEY_ID + 1, RelationGetDescr(rel), &isnull));

	for (int i = 0; i < nknown; i++)
		if (known[i].id == id)
			return true;
	missing->id = id;
	missing->master = paysafe_store_text(tuple, RelationGetDescr(rel), KEY_MASTER);
	return false;
}

/*
 * Can every data key be unwrapped?  With the wrong file, or part of it, a new key
 * would go its own way from what the database has.
 */
static void
require_whole(const char *hint)
{
	MissingSearch missing = {0};

	paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_missing, &missing);
	if (missing.id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("data key %d of paysafe cannot be unwrapped", missing.id),
				 errdetail("It is wrapped by \"%s\", which paysafe.key_file does not have.", missing.master),
				 errhint("%s", hint)));
}

void
paysafe_keyring_prepare(void)
{
	const char *kinds[] = {KIND_MAC, KIND_SEAL};

	if (!paysafe_master_key_ready())
		return;
	for (int i = 0; i < lengthof(kinds); i++)
	{
		KindSearch	search = {.kind = kinds[i]};

		/* one that is there is left alone, whether it can be unwrapped or not */
		paysafe_store_scan(PAYSAFE_DATA_KEY, NULL, 0, NULL, note_kind, &search);
		if (search.id == 0)
			(void) require_key(strcmp(kinds[i], KIND_SEAL) == 0);
	}
}

int
paysafe_keyring_rotate(bool despite_missing)
{
	paysafe_master_key_require();
	lock_keys();
	if (!despite_missing)
		require_whole("Add that key to the file and restart the server. If it is lost: "
					  "SELECT paysafe.rotate_data_key(despite_missing => true).");
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
	all->outdated[i] = strcmp(TextDatumGetCString(values[KEY_MASTER]), paysafe_master_key_name()) != 0;
	strlcpy(all->kinds[i], TextDatumGetCString(values[KEY_KIND]), sizeof(all->kinds[i]));
	return true;
}

int
paysafe_keyring_rewrap(void)
{
	Rewrapping *all = palloc0(sizeof(Rewrapping));
	int			count = 0;

	paysafe_master_key_require();
	lock_keys();
	require_whole("paysafe.key_file must have the key that wrapped it, too: see paysafe.data_keys.");
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
			elog(ERROR, "data key %d is gone", all->ids[i]);
		add_version(key->id, key->version + 1, all->kinds[i], key->key);
		count++;
	}
	return count;
}

void
paysafe_keyring_init(void)
{
	paysafe_invalidation_register(forget_keys);
}
