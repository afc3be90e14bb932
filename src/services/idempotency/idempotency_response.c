/*-------------------------------------------------------------------------
 *
 * idempotency_response.c
 *	  What was answered to a request, kept until it expires.
 *
 * Responses lie in partitions by the time at which they expire.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "services/idempotency/idempotency_response.h"
#include "store/own_table.h"
#include "store/partition.h"
#include "vault/keyring.h"

#define RESPONSE_DAYS	7		/* length of a partition */
#define PERIODS_AHEAD	26		/* beyond the retention */

/* Columns of paysafe.idempotency_response. */
enum
{
	RESPONSE_EXPIRES, RESPONSE_DIGEST, RESPONSE_STATUS, RESPONSE_HEADERS, RESPONSE_BODY,
	RESPONSE_SHA256, RESPONSE_SEALED,
	RESPONSE_NCOLUMNS
};

static const char *const statements[] = {
	"CREATE INDEX %s_digest ON paysafe.%s (digest)",
	NULL
};

static const OwnPartitions responses = {
	.parent = PAYSAFE_IDEMPOTENCY_RESPONSE,
	.prefix = "idempotency_response",
	.days = RESPONSE_DAYS,
	.statements = statements
};

static void
sealed_place(StringInfo place, const uint8 *digest, const char *part)
{
	initStringInfo(place);
	appendBinaryStringInfo(place, (const char *) digest, PAYSAFE_SHA256_LEN);
	appendStringInfoString(place, part);
}

Datum
paysafe_idempotency_response_seal(const uint8 *digest, const char *part, const void *data,
								  size_t len)
{
	StringInfoData place;

	sealed_place(&place, digest, part);
	return PointerGetDatum(paysafe_keyring_seal("idempotency response", place.data, place.len,
												data, len));
}

bytea *
paysafe_idempotency_response_open(const uint8 *digest, const char *part, const bytea *sealed)
{
	StringInfoData place;

	sealed_place(&place, digest, part);
	return paysafe_keyring_open("idempotency response", place.data, place.len,
								VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));
}

void
paysafe_idempotency_response_store(const uint8 *digest, TimestampTz expires, bool encrypt,
								   int status, const text *headers, const bytea *body)
{
	Datum		values[RESPONSE_NCOLUMNS];
	bool		nulls[RESPONSE_NCOLUMNS] = {0};
	uint8		sha256[PAYSAFE_SHA256_LEN];

	paysafe_crypto_sha256(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), sha256);
	values[RESPONSE_EXPIRES] = TimestampTzGetDatum(expires);
	values[RESPONSE_DIGEST] = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	values[RESPONSE_STATUS] = Int32GetDatum(status);
	values[RESPONSE_SHA256] = paysafe_argument_bytea(sha256, sizeof(sha256));
	values[RESPONSE_SEALED] = BoolGetDatum(encrypt);
	values[RESPONSE_HEADERS] = PointerGetDatum(headers);
	values[RESPONSE_BODY] = PointerGetDatum(body);
	if (encrypt)
	{
		values[RESPONSE_HEADERS] =
			paysafe_idempotency_response_seal(digest, "headers", VARDATA_ANY(headers),
											  VARSIZE_ANY_EXHDR(headers));
		values[RESPONSE_BODY] =
			paysafe_idempotency_response_seal(digest, "body", VARDATA_ANY(body),
											  VARSIZE_ANY_EXHDR(body));
	}
	paysafe_store_insert_into(paysafe_partition_for(&responses, expires), values, nulls);
}

typedef struct ResponseSearch
{
	const uint8 *digest;
	IdempotencyResponse *out;
	bool		found;
} ResponseSearch;

static bool
visit_response(Relation rel, HeapTuple tuple, void *arg)
{
	ResponseSearch *search = arg;
	IdempotencyResponse *out = search->out;
	Datum		values[RESPONSE_NCOLUMNS];
	bool		nulls[RESPONSE_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	out->status = DatumGetInt32(values[RESPONSE_STATUS]);
	out->headers = DatumGetByteaPCopy(values[RESPONSE_HEADERS]);
	out->body = DatumGetByteaPCopy(values[RESPONSE_BODY]);
	if (DatumGetBool(values[RESPONSE_SEALED]))
	{
		out->headers = paysafe_idempotency_response_open(search->digest, "headers", out->headers);
		out->body = paysafe_idempotency_response_open(search->digest, "body", out->body);
	}
	paysafe_crypto_sha256(VARDATA_ANY(out->body), VARSIZE_ANY_EXHDR(out->body), out->sha256);
	if (memcmp(out->sha256, VARDATA_ANY(DatumGetByteaPP(values[RESPONSE_SHA256])),
			   PAYSAFE_SHA256_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a stored response is not what was stored")));
	search->found = true;
	return false;
}

void
paysafe_idempotency_response_read(const uint8 *digest, TimestampTz expires,
								  IdempotencyResponse *out)
{
	Datum		key = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	ResponseSearch search = {digest, out, false};

	paysafe_store_scan_in(paysafe_partition_for(&responses, expires), "digest", 1, &key,
						  visit_response, &search);
	/* rows of a time without partition stay where they were put */
	if (!search.found)
	{
		ListCell   *lc;

		foreach(lc, paysafe_partition_all(&responses))
			if (!search.found)
				paysafe_store_scan_in(lfirst_oid(lc), "digest", 1, &key, visit_response, &search);
	}
	if (!search.found)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the response to a finished request is missing")));
}

void
paysafe_idempotency_response_extend(int64 retention)
{
	int			periods = (int) (retention / USECS_PER_DAY / RESPONSE_DAYS) + PERIODS_AHEAD;

	(void) paysafe_partition_extend(&responses, periods);
}

int
paysafe_idempotency_response_expire(void)
{
	return paysafe_partition_expire(&responses, GetCurrentTimestamp(), NULL, NULL);
}
