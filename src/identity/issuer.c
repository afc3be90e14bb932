/*-------------------------------------------------------------------------
 *
 * issuer.c
 *	  Who may say who acts: issuers of tokens, and their keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/invalidation.h"
#include "compat.h"
#include "identity/issuer.h"
#include "store/own_table.h"
#include "vault/keyring.h"

/* What is kept for the session; keys are freed with it. */
typedef struct Kept
{
	char		name[PAYSAFE_ISSUER_MAX + 1];	/* key of the hash table */
	Issuer	   *issuer;
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
	{"ES256", SIGNATURE_ES256}, {"ES384", SIGNATURE_ES384}, {"ES512", SIGNATURE_ES512},
	{"RS256", SIGNATURE_RS256}, {"PS256", SIGNATURE_PS256}, {"HS256", SIGNATURE_HS256}
};

int
paysafe_issuer_algorithm(const char *name, bool ed448)
{
	if (strcmp(name, "EdDSA") == 0)
		return ed448 ? SIGNATURE_ED448 : SIGNATURE_ED25519;
	for (int i = 0; i < lengthof(algorithms); i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return algorithms[i].algorithm;
	return -1;
}

/* Reading */

static bool
visit_issuer(Relation rel, HeapTuple tuple, void *arg)
{
	IssuerTerms *terms = arg;
	Datum		values[ISSUER_NCOLUMNS];
	bool		nulls[ISSUER_NCOLUMNS];
	Datum	   *audience;
	int			n;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (DatumGetInt32(values[ISSUER_VERSION]) <= terms->version)
		return true;
	terms->version = DatumGetInt32(values[ISSUER_VERSION]);
	terms->max_age = DatumGetInt32(values[ISSUER_MAX_AGE]);
	terms->leeway = DatumGetInt32(values[ISSUER_LEEWAY]);
	terms->single_use = DatumGetBool(values[ISSUER_SINGLE_USE]);
	terms->shared_secrets = DatumGetBool(values[ISSUER_SHARED_SECRETS]);
	terms->audience = NIL;
	deconstruct_array(DatumGetArrayTypeP(values[ISSUER_AUDIENCE]), TEXTOID, -1, false, TYPALIGN_INT,
					  &audience, NULL, &n);
	for (int i = 0; i < n; i++)
		terms->audience = lappend(terms->audience, TextDatumGetCString(audience[i]));
	return true;
}

IssuerTerms
paysafe_issuer_terms(const char *issuer)
{
	IssuerTerms terms = {0};
	Datum		key = CStringGetTextDatum(issuer);

	paysafe_store_scan(PAYSAFE_TOKEN_ISSUER_RECORD, "token_issuer_record_pkey", 1, &key, visit_issuer, &terms);
	return terms;
}

static bool
visit_key(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **keys = arg;		/* the newest version of each */
	TupleDesc	desc = RelationGetDescr(rel);
	TokenKey   *key = palloc0(sizeof(TokenKey));
	Datum		values[TOKEN_KEY_NCOLUMNS];
	bool		nulls[TOKEN_KEY_NCOLUMNS];
	ListCell   *lc;

	key->row = heap_copytuple(tuple);
	heap_deform_tuple(key->row, desc, values, nulls);
	key->kid = TextDatumGetCString(values[TOKEN_KEY_KID]);
	key->algorithm = TextDatumGetCString(values[TOKEN_KEY_ALGORITHM]);
	key->version = DatumGetInt32(values[TOKEN_KEY_VERSION]);
	key->not_before = DatumGetTimestampTz(values[TOKEN_KEY_NOT_BEFORE]);
	key->not_after = DatumGetTimestampTz(values[TOKEN_KEY_NOT_AFTER]);
	key->revoked = DatumGetBool(values[TOKEN_KEY_REVOKED]);
	foreach(lc, *keys)
	{
		TokenKey   *other = lfirst(lc);

		if (strcmp(other->kid, key->kid) != 0)
			continue;
		if (other->version < key->version)
			lfirst(lc) = key;
		return true;
	}
	*keys = lappend(*keys, key);
	return true;
}

TokenKey *
paysafe_issuer_key(const char *issuer, const char *kid)
{
	Datum		key[2] = {CStringGetTextDatum(issuer), CStringGetTextDatum(kid)};
	List	   *keys = NIL;

	paysafe_store_scan(PAYSAFE_TOKEN_KEY_RECORD, "token_key_record_pkey", 2, key, visit_key, &keys);
	return keys != NIL ? linitial(keys) : NULL;
}

char *
paysafe_issuer_secret_place(const char *issuer, const char *kid, int *len)
{
	StringInfoData place;

	initStringInfo(&place);
	paysafe_argument_append(&place, issuer);
	paysafe_argument_append(&place, kid);
	*len = place.len;
	return place.data;
}

/* Parse a key; one that cannot be is none: it verifies nothing. */
static void
parse_key(const char *issuer, TokenKey *key, TupleDesc desc)
{
	Datum		values[TOKEN_KEY_NCOLUMNS];
	bool		nulls[TOKEN_KEY_NCOLUMNS];
	const char *why;

	heap_deform_tuple(key->row, desc, values, nulls);
	if (!nulls[TOKEN_KEY_SECRET])
	{
		bytea	   *sealed = DatumGetByteaPP(values[TOKEN_KEY_SECRET]);
		int			len;
		char	   *place = paysafe_issuer_secret_place(issuer, key->kid, &len);
		bytea	   *secret = paysafe_keyring_open(PAYSAFE_TOKEN_SECRET, place, len,
												  VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));

		key->key = paysafe_signature_key_raw(SIGNATURE_HS256, (uint8 *) VARDATA_ANY(secret),
											 VARSIZE_ANY_EXHDR(secret), &why);
		paysafe_crypto_cleanse(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	}
	else if (!nulls[TOKEN_KEY_PUBLIC])
	{
		bytea	   *spki = DatumGetByteaPP(values[TOKEN_KEY_PUBLIC]);

		for (int ed448 = 0; ed448 < 2 && key->key == NULL; ed448++)
		{
			int			algorithm = paysafe_issuer_algorithm(key->algorithm, ed448);

			if (algorithm >= 0 && algorithm != SIGNATURE_HS256)
				key->key = paysafe_signature_key_spki(algorithm, VARDATA_ANY(spki),
													  VARSIZE_ANY_EXHDR(spki), &why);
		}
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
free_keys(Issuer *issuer)
{
	ListCell   *lc;

	foreach(lc, issuer->keys)
	{
		paysafe_signature_key_free(((TokenKey *) lfirst(lc))->key);
		((TokenKey *) lfirst(lc))->key = NULL;
	}
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
		free_keys(entry->issuer);
		MemoryContextDelete(entry->context);
	}
	hash_destroy(kept);
	kept = NULL;
}

static void
parse_keys(Issuer *issuer)
{
	Relation	rel = paysafe_store_open(PAYSAFE_TOKEN_KEY_RECORD);
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, issuer->keys)
	{
		TokenKey   *key = lfirst(lc);

		/* those that are over never come back */
		if (!key->revoked && key->not_after > now)
			parse_key(issuer->name, key, RelationGetDescr(rel));
	}
	paysafe_store_close(rel);
}

/* Parsed keys are not palloc'd: an error leaves none behind. */
static void
complete(Kept *entry)
{
	MemoryContext volatile old = MemoryContextSwitchTo(entry->context);

	PG_TRY();
	{
		parse_keys(entry->issuer);
		MemoryContextSwitchTo(old);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		free_keys(entry->issuer);
		MemoryContextDelete(entry->context);
		(void) hash_search(kept, entry->name, HASH_REMOVE, NULL);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* In the current memory context; NULL: there is none. */
static Issuer *
read_issuer(const char *name)
{
	Issuer	   *issuer = palloc0(sizeof(Issuer));
	Datum		key = CStringGetTextDatum(name);

	issuer->name = pstrdup(name);
	issuer->terms = paysafe_issuer_terms(name);
	if (issuer->terms.version == 0)
		return NULL;
	paysafe_store_scan(PAYSAFE_TOKEN_KEY_RECORD, "token_key_record_pkey", 1, &key, visit_key, &issuer->keys);
	return issuer;
}

const Issuer *
paysafe_issuer_find(const char *name)
{
	char		key[PAYSAFE_ISSUER_MAX + 1] = {0};
	MemoryContext context;
	MemoryContext old;
	Issuer	   *issuer;
	Kept	   *entry;

	if (strlen(name) > PAYSAFE_ISSUER_MAX)
		return NULL;
	strlcpy(key, name, sizeof(key));
	/* a key that was revoked fits no more, in transactions too that began before */
	AcceptInvalidationMessages();
	if (stale)
		forget_all();
	stale = false;
	if (kept != NULL && (entry = hash_search(kept, key, HASH_FIND, NULL)) != NULL)
		return entry->issuer;

	tables[0] = paysafe_catalog_table(PAYSAFE_TOKEN_ISSUER_RECORD);
	tables[1] = paysafe_catalog_table(PAYSAFE_TOKEN_KEY_RECORD);
	context = AllocSetContextCreate(CurrentMemoryContext, "paysafe token issuer", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	issuer = read_issuer(name);
	MemoryContextSwitchTo(old);
	if (issuer == NULL)
		return NULL;
	if (kept == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(key), .entrysize = sizeof(Kept), .hcxt = CacheMemoryContext};

		kept = hash_create("paysafe token issuers", 16, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	entry = hash_search(kept, key, HASH_ENTER, NULL);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->issuer = issuer;
	complete(entry);
	return issuer;
}

void
paysafe_issuer_changed(void)
{
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_TOKEN_KEY_RECORD));
	CommandCounterIncrement();
	stale = true;
}

void
paysafe_issuer_init(void)
{
	paysafe_invalidation_register(tables_changed);
}
