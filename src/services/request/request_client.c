/*-------------------------------------------------------------------------
 *
 * request_client.c
 *	  Whose signed requests are taken, and the keys that they are signed with.
 *
 * Versions in insert-only tables, the newest one in force.  A session keeps clients with
 * their keys parsed, and forgets them as soon as one of the tables changes, in the middle
 * of a transaction too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/invalidation.h"
#include "compat.h"
#include "services/request/request.h"
#include "store/own_table.h"
#include "values/spec.h"
#include "vault/signing_key.h"

/* What is kept for the session; keys are freed with it. */
typedef struct Kept
{
	char		name[PAYSAFE_ARGUMENT_NAME_MAX + 1];	/* key of the hash table */
	RequestClient *client;
	MemoryContext context;
} Kept;

static HTAB *kept = NULL;
static bool stale = false;
static Oid	tables[2];			/* whose changes make it so */

static const struct
{
	const char *name;
	SignatureAlgorithm algorithm;
}			algorithms[] = {
	{"ed25519", SIGNATURE_ED25519}, {"ecdsa-p256-sha256", SIGNATURE_ES256},
	{"rsa-pss-sha512", SIGNATURE_PS512}, {"hmac-sha256", SIGNATURE_HS256}
};

bool
paysafe_request_algorithm(const char *name, SignatureAlgorithm *algorithm)
{
	for (int i = 0; i < lengthof(algorithms); i++)
		if (strcmp(algorithms[i].name, name) == 0)
		{
			*algorithm = algorithms[i].algorithm;
			return true;
		}
	return false;
}

/* Reading */

static char *
text_or_null(const Datum *values, const bool *nulls, int column)
{
	return nulls[column] ? NULL : TextDatumGetCString(values[column]);
}

static bool
visit_terms(Relation rel, HeapTuple tuple, void *arg)
{
	RequestTerms *terms = arg;
	Datum		values[CLIENT_NCOLUMNS];
	bool		nulls[CLIENT_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	terms->version = DatumGetInt32(values[CLIENT_VERSION]);
	terms->is_message = strcmp(TextDatumGetCString(values[CLIENT_PROFILE]), "rfc9421") == 0;
	terms->components = paysafe_strings_of_array(DatumGetArrayTypePCopy(values[CLIENT_COMPONENTS]), "components");
	terms->nonce = DatumGetBool(values[CLIENT_NONCE]);
	terms->label = text_or_null(values, nulls, CLIENT_LABEL);
	terms->tag = text_or_null(values, nulls, CLIENT_TAG);
	terms->base_url = text_or_null(values, nulls, CLIENT_BASE_URL);
	terms->tolerance = DatumGetInt64(values[CLIENT_TOLERANCE]);
	terms->earlier_tolerance = DatumGetInt64(values[CLIENT_EARLIER_TOLERANCE]);
	terms->wider_from = DatumGetTimestampTz(values[CLIENT_WIDER_FROM]);
	terms->max_bytes = DatumGetInt32(values[CLIENT_MAX_BYTES]);
	terms->revoked = DatumGetBool(values[CLIENT_REVOKED]);
	return false;
}

RequestTerms
paysafe_request_terms(const char *client)
{
	RequestTerms terms = {0};
	Datum		key = CStringGetTextDatum(client);

	paysafe_store_seek(PAYSAFE_REQUEST_CLIENT_RECORD, "request_client_record_pkey", 1, &key, InvalidStrategy,
					   (Datum) 0, true, NULL, visit_terms, &terms);
	return terms;
}

static bool
visit_owner(Relation rel, HeapTuple tuple, void *arg)
{
	char	  **owner = arg;

	*owner = paysafe_store_text(tuple, RelationGetDescr(rel), SIGNING_KEY_OWNER);
	return false;
}

char *
paysafe_request_client_of_key(const char *keyid)
{
	Datum		key = CStringGetTextDatum(keyid);
	char	   *owner = NULL;

	paysafe_store_scan(PAYSAFE_REQUEST_KEY, "request_key_keyid", 1, &key, visit_owner, &owner);
	return owner;
}

/* A key that cannot be parsed is none: it verifies nothing. */
static SignatureKey *
parse_key(const char *client, const SigningKey *row)
{
	bytea	   *bytes = paysafe_signing_key_open(PAYSAFE_REQUEST_KEY, client, row);
	size_t		len = VARSIZE_ANY_EXHDR(bytes);
	SignatureAlgorithm algorithm;
	SignatureKey *key = NULL;
	const char *why;

	if (paysafe_request_algorithm(row->kind, &algorithm))
		key = algorithm == SIGNATURE_HS256 ?
			paysafe_signature_key_raw(algorithm, (uint8 *) VARDATA_ANY(bytes), len, &why) :
			paysafe_signature_key_spki(algorithm, VARDATA_ANY(bytes), len, &why);
	paysafe_crypto_cleanse(VARDATA_ANY(bytes), len);
	return key;
}

/* The live ones, the newest first. */
static void
read_keys(RequestClient *client)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, paysafe_signing_key_read(PAYSAFE_REQUEST_KEY, client->name))
	{
		SigningKey *row = lfirst(lc);
		RequestKey *key = &client->keys[client->nkeys];

		if (row->not_after <= now || client->nkeys == REQUEST_MAX_KEYS)
			continue;
		key->keyid = pstrdup(row->shown);
		key->algorithm = pstrdup(row->kind);
		key->not_after = row->not_after;
		key->key = parse_key(client->name, row);
		if (key->key != NULL)
			client->nkeys++;
	}
}

/* What is kept */

static void
tables_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == tables[0] || relid == tables[1])
		stale = true;
}

static void
free_keys(RequestClient *client)
{
	for (int i = 0; i < client->nkeys; i++)
		paysafe_signature_key_free(client->keys[i].key);
	client->nkeys = 0;
}

static void
forget_all(void)
{
	HASH_SEQ_STATUS status;
	Kept	   *entry;

	if (kept == NULL)
		return;
	hash_seq_init(&status, kept);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		free_keys(entry->client);
		MemoryContextDelete(entry->context);
	}
	hash_destroy(kept);
	kept = NULL;
}

/* Parsed keys are not palloc'd: an error leaves none behind. */
static void
complete(Kept *entry)
{
	MemoryContext volatile old = MemoryContextSwitchTo(entry->context);

	PG_TRY();
	{
		read_keys(entry->client);
		MemoryContextSwitchTo(old);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		free_keys(entry->client);
		MemoryContextDelete(entry->context);
		(void) hash_search(kept, entry->name, HASH_REMOVE, NULL);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* In the current memory context, without keys; NULL: there is none. */
static RequestClient *
read_client(const char *name)
{
	RequestClient *client = palloc0(sizeof(RequestClient));

	client->name = pstrdup(name);
	client->terms = paysafe_request_terms(name);
	return client->terms.version > 0 ? client : NULL;
}

const RequestClient *
paysafe_request_client(const char *name)
{
	char		key[PAYSAFE_ARGUMENT_NAME_MAX + 1] = {0};
	MemoryContext context;
	MemoryContext old;
	RequestClient *client;
	Kept	   *entry;

	if (strlen(name) > PAYSAFE_ARGUMENT_NAME_MAX)
		return NULL;
	strlcpy(key, name, sizeof(key));
	/* a key that was retired fits no more, in transactions too that began before */
	AcceptInvalidationMessages();
	if (stale)
		forget_all();
	stale = false;
	if (kept != NULL && (entry = hash_search(kept, key, HASH_FIND, NULL)) != NULL)
		return entry->client;

	tables[0] = paysafe_catalog_table(PAYSAFE_REQUEST_CLIENT_RECORD);
	tables[1] = paysafe_catalog_table(PAYSAFE_REQUEST_KEY);
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe request client", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	client = read_client(name);
	MemoryContextSwitchTo(old);
	if (client == NULL)
		return NULL;
	if (kept == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(key), .entrysize = sizeof(Kept), .hcxt = CacheMemoryContext};

		kept = hash_create("paysafe request clients", 32, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	entry = hash_search(kept, key, HASH_ENTER, NULL);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->client = client;
	complete(entry);
	return client;
}

void
paysafe_request_changed(void)
{
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_REQUEST_KEY));
	CommandCounterIncrement();
	stale = true;
}

void
paysafe_request_init(void)
{
	paysafe_invalidation_register(tables_changed);
}
