/*-------------------------------------------------------------------------
 *
 * token_use.c
 *	  Tokens and signed requests that may be used once.
 *
 * One row for each use, with a hash of who made it and its id, by which its primary key finds it.
 * Of two sessions that present one of them, the second one waits for the first one's
 * transaction and is told what became of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "identity/token_use.h"
#include "store/own_table.h"

/* Columns of paysafe.token_use. */
enum
{
	USE_DIGEST, USE_UNTIL,
	USE_NCOLUMNS
};

bool
paysafe_token_use_once(TokenUseOf what, const char *owner, const char *id, TimestampTz until,
					   const char *command)
{
	StringInfoData all;
	uint8		sha256[PAYSAFE_SHA256_LEN];
	uint64		hash;
	Datum		values[USE_NCOLUMNS];
	bool		nulls[USE_NCOLUMNS] = {0};
	bool		found;

	PreventCommandIfReadOnly(command);
	initStringInfo(&all);
	/* no issuer has a control character in its name: the two never meet */
	if (what == TOKEN_USE_REQUEST)
		paysafe_argument_append(&all, "\001request");
	paysafe_argument_append(&all, owner);
	paysafe_argument_append(&all, id);
	paysafe_crypto_sha256(all.data, all.len, sha256);
	memcpy(&hash, sha256, sizeof(hash));
	values[USE_DIGEST] = paysafe_argument_bytea(sha256, sizeof(sha256));
	values[USE_UNTIL] = TimestampTzGetDatum(until);
	(void) paysafe_store_lock_key(PAYSAFE_TOKEN_USE, "token_use_pkey", 1, values, hash, false, false, &found);
	if (!found)
		paysafe_store_insert(PAYSAFE_TOKEN_USE, values, nulls);
	paysafe_store_unlock_value(PAYSAFE_TOKEN_USE, hash);
	return !found;
}

static bool
is_over(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	return DatumGetTimestampTz(heap_getattr(tuple, USE_UNTIL + 1, RelationGetDescr(rel), &isnull)) <
		*(TimestampTz *) arg;
}

int64
paysafe_token_use_expire(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return paysafe_store_expire(PAYSAFE_TOKEN_USE, is_over, &now);
}
