/*-------------------------------------------------------------------------
 *
 * signing_key.c
 *	  Keys that sign or verify, of a destination, an endpoint or a client.
 *
 * Secrets are sealed for owner, number and kind: nobody reads one in a table, a
 * dump or the audit log, nor can move it to another owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "compat.h"
#include "people/actor.h"
#include "store/own_table.h"
#include "vault/keyring.h"
#include "vault/signing_key.h"

static const char *
index_of(PaysafeTable table)
{
	return table == PAYSAFE_DESTINATION_KEY ? "destination_key_pkey" :
		table == PAYSAFE_WEBHOOK_KEY ? "webhook_key_pkey" : "request_key_pkey";
}

static const char *
purpose_of(PaysafeTable table)
{
	return table == PAYSAFE_DESTINATION_KEY ? "webhook destination key" :
		table == PAYSAFE_WEBHOOK_KEY ? "webhook key" : "request key";
}

void
paysafe_signing_key_lock(PaysafeTable table, const char *owner)
{
	uint8		sha256[PAYSAFE_SHA256_LEN];
	uint64		hash;

	paysafe_crypto_sha256(owner, strlen(owner), sha256);
	memcpy(&hash, sha256, sizeof(hash));
	(void) paysafe_store_lock_value(table, hash, false);
}

static bool
visit_key(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **keys = arg;
	SigningKey *key = palloc(sizeof(SigningKey));
	SigningKey *last = *keys != NIL ? llast(*keys) : NULL;
	HeapTuple	copy = heap_copytuple(tuple);

	heap_deform_tuple(copy, RelationGetDescr(rel), key->values, key->nulls);
	key->number = DatumGetInt32(key->values[SIGNING_KEY_NUMBER]);
	key->version = DatumGetInt32(key->values[SIGNING_KEY_VERSION]);
	key->kind = TextDatumGetCString(key->values[SIGNING_KEY_KIND]);
	key->shown = key->nulls[SIGNING_KEY_SHOWN] ? NULL : TextDatumGetCString(key->values[SIGNING_KEY_SHOWN]);
	key->not_after = key->nulls[SIGNING_KEY_NOT_AFTER] ? DT_NOEND :
		DatumGetTimestampTz(key->values[SIGNING_KEY_NOT_AFTER]);
	/* in the order of the index: the newest version of each number comes first */
	if (last == NULL || last->number != key->number)
		*keys = lappend(*keys, key);
	return true;
}

List *
paysafe_signing_key_read(PaysafeTable table, const char *owner)
{
	Datum		key = CStringGetTextDatum(owner);
	List	   *keys = NIL;

	paysafe_store_seek(table, index_of(table), 1, &key, InvalidStrategy, (Datum) 0, true, NULL,
					   visit_key, &keys);
	return keys;
}

/* What a key is sealed for: owner, number, kind. */
static void
key_place(StringInfo place, const char *owner, int number, const char *kind)
{
	initStringInfo(place);
	paysafe_argument_append(place, owner);
	pq_sendint32(place, (uint32) number);
	paysafe_argument_append(place, kind);
}

bytea *
paysafe_signing_key_open(PaysafeTable table, const char *owner, const SigningKey *key)
{
	bytea	   *sealed = DatumGetByteaPP(key->values[SIGNING_KEY_SECRET]);
	StringInfoData place;

	key_place(&place, owner, key->number, key->kind);
	return paysafe_keyring_open(purpose_of(table), place.data, place.len,
								VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));
}

static void
write_version(PaysafeTable table, SigningKey *key)
{
	key->values[SIGNING_KEY_VERSION] = Int32GetDatum(key->version);
	key->nulls[SIGNING_KEY_NOT_AFTER] = key->not_after == DT_NOEND;
	key->values[SIGNING_KEY_NOT_AFTER] = TimestampTzGetDatum(key->not_after);
	key->values[SIGNING_KEY_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	key->values[SIGNING_KEY_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(table, key->values, key->nulls);
}

int
paysafe_signing_key_add(PaysafeTable table, const char *owner, List *keys, const char *kind,
						const uint8 *secret, size_t len, const char *shown,
						TimestampTz overlap_end)
{
	SigningKey	key = {.number = 1, .version = 1, .kind = kind, .not_after = DT_NOEND};
	StringInfoData place;
	ListCell   *lc;

	if (keys != NIL)
		key.number = ((SigningKey *) linitial(keys))->number + 1;
	/* those before it stay as long as the other side needs to learn the new one */
	foreach(lc, keys)
	{
		SigningKey *old = lfirst(lc);

		if (old->not_after <= overlap_end)
			continue;
		old->version++;
		old->not_after = overlap_end;
		write_version(table, old);
	}
	key_place(&place, owner, key.number, kind);
	key.values[SIGNING_KEY_OWNER] = CStringGetTextDatum(owner);
	key.values[SIGNING_KEY_NUMBER] = Int32GetDatum(key.number);
	key.values[SIGNING_KEY_KIND] = CStringGetTextDatum(kind);
	key.values[SIGNING_KEY_SECRET] =
		PointerGetDatum(paysafe_keyring_seal(purpose_of(table), place.data, place.len, secret, len));
	key.nulls[SIGNING_KEY_SHOWN] = shown == NULL;
	if (shown != NULL)
		key.values[SIGNING_KEY_SHOWN] = CStringGetTextDatum(shown);
	key.values[SIGNING_KEY_CREATED] = TimestampTzGetDatum(GetCurrentTimestamp());
	write_version(table, &key);
	return key.number;
}

void
paysafe_signing_key_retire(PaysafeTable table, SigningKey *key, TimestampTz not_after)
{
	if (TIMESTAMP_NOT_FINITE(not_after))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a time", "not_after")));
	key->version++;
	key->not_after = Min(Max(not_after, GetCurrentTimestamp()), key->not_after);
	write_version(table, key);
}

SigningKey *
paysafe_signing_key_live(List *keys, int number, const char *what, const char *owner)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		SigningKey *key = lfirst(lc);

		if (key->number == number && key->not_after > GetCurrentTimestamp())
			return key;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s \"%s\" has no live key %d", what, owner, number)));
	return NULL;
}

int
paysafe_signing_key_decode(const char *text, uint8 *out)
{
	size_t		len = strlen(text);
	char	   *whole;
	int			missing;
	int			n;

	if (len % 4 == 0)
		for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
			len--;
	missing = (int) ((4 - len % 4) % 4);
	if (missing == 3)
		return -1;
	whole = palloc(len + missing + 1);
	memcpy(whole, text, len);
	memset(whole + len, 'A', missing);
	n = paysafe_decode_base64(whole, len + missing, PAYSAFE_BASE64_UNPADDED, out);
	paysafe_crypto_cleanse(whole, len + missing);
	pfree(whole);
	return n < 0 ? -1 : n - missing;
}
