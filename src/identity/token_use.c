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

/* What one is found by, and until when. */
typedef struct Use
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	TimestampTz until;
} Use;

static int
compare_uses(const ListCell *a, const ListCell *b)
{
	return memcmp(((Use *) lfirst(a))->digest, ((Use *) lfirst(b))->digest, PAYSAFE_SHA256_LEN);
}

static uint64
hash_of(const Use *use)
{
	uint64		hash;

	memcpy(&hash, use->digest, sizeof(hash));
	return hash;
}

/* In the order of their digests, each once; of Use *. */
static List *
sorted_uses(TokenUseOf what, List *uses)
{
	List	   *all = NIL;
	List	   *each = NIL;
	ListCell   *lc;

	foreach(lc, uses)
	{
		const TokenUse *said = lfirst(lc);
		Use		   *use = palloc(sizeof(Use));
		StringInfoData bytes;

		initStringInfo(&bytes);
		/* no issuer has a control character in its name: the two never meet */
		if (what == TOKEN_USE_REQUEST)
			paysafe_argument_append(&bytes, "\001request");
		paysafe_argument_append(&bytes, said->owner);
		paysafe_argument_append(&bytes, said->id);
		paysafe_crypto_sha256(bytes.data, bytes.len, use->digest);
		use->until = said->until;
		all = lappend(all, use);
	}
	list_sort(all, compare_uses);
	foreach(lc, all)
	{
		Use		   *use = lfirst(lc);
		Use		   *last = each == NIL ? NULL : llast(each);

		if (last == NULL || memcmp(last->digest, use->digest, PAYSAFE_SHA256_LEN) != 0)
			each = lappend(each, use);
		else
			last->until = Max(last->until, use->until);
	}
	return each;
}

bool
paysafe_token_use_all(TokenUseOf what, List *uses, const char *command)
{
	List	   *sorted = sorted_uses(what, uses);
	bool		known = false;
	ListCell   *lc;

	PreventCommandIfReadOnly(command);
	/* all are looked at before one is written: none is used up by what is refused */
	foreach(lc, sorted)
	{
		const Use  *use = lfirst(lc);
		Datum		key = paysafe_argument_bytea(use->digest, sizeof(use->digest));
		bool		found;

		(void) paysafe_store_lock_key(PAYSAFE_TOKEN_USE, "token_use_pkey", 1, &key, hash_of(use), false, false, &found);
		known = known || found;
	}
	foreach(lc, sorted)
	{
		const Use  *use = lfirst(lc);
		Datum		values[USE_NCOLUMNS];
		bool		nulls[USE_NCOLUMNS] = {0};

		values[USE_DIGEST] = paysafe_argument_bytea(use->digest, sizeof(use->digest));
		values[USE_UNTIL] = TimestampTzGetDatum(use->until);
		if (!known)
			paysafe_store_insert(PAYSAFE_TOKEN_USE, values, nulls);
		paysafe_store_unlock_value(PAYSAFE_TOKEN_USE, hash_of(use));
	}
	return !known;
}

bool
paysafe_token_use_once(TokenUseOf what, const char *owner, const char *id, TimestampTz until,
					   const char *command)
{
	TokenUse	use = {owner, id, until};

	return paysafe_token_use_all(what, list_make1(&use), command);
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
