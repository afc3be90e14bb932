/*-------------------------------------------------------------------------
 *
 * idempotency_endpoint.c
 *	  How an endpoint's requests are kept from being executed twice.
 *
 * One row for each version of each endpoint; the newest one is in force, and
 * remembered by every session until somebody adds one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/invalidation.h"
#include "people/actor.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "services/idempotency/idempotency_endpoint.h"
#include "services/idempotency/idempotency_response.h"
#include "store/own_table.h"
#include "vault/keyring.h"

/* Columns of paysafe.idempotency_endpoint. */
enum
{
	ENDPOINT_NAME, ENDPOINT_VERSION, ENDPOINT_FINAL, ENDPOINT_RETENTION, ENDPOINT_LEASE,
	ENDPOINT_ENCRYPT, ENDPOINT_AT, ENDPOINT_ACTOR,
	ENDPOINT_NCOLUMNS
};

static HTAB *endpoints = NULL;	/* CacheMemoryContext */
static Oid	endpoints_table = InvalidOid;

static void
forget_endpoints(Datum arg, Oid relid)
{
	if (endpoints != NULL && (!OidIsValid(relid) || relid == endpoints_table))
	{
		hash_destroy(endpoints);
		endpoints = NULL;
	}
}

/* One of "2xx" and "409"; false if it is neither. */
static bool
add_final(IdempotencyEndpoint *endpoint, const char *text)
{
	if (strlen(text) != 3 || text[0] < '1' || text[0] > '5')
		return false;
	if (strcmp(text + 1, "xx") == 0)
		endpoint->final_classes |= 1 << (text[0] - '0');
	else if (text[1] >= '0' && text[1] <= '9' && text[2] >= '0' && text[2] <= '9' &&
			 endpoint->nfinal < lengthof(endpoint->final))
		endpoint->final[endpoint->nfinal++] = atoi(text);
	else
		return false;
	return true;
}

typedef struct EndpointSearch
{
	IdempotencyEndpoint found;
	bool		cacheable;
} EndpointSearch;

static bool
visit_endpoint(Relation rel, HeapTuple tuple, void *arg)
{
	EndpointSearch *search = arg;
	IdempotencyEndpoint   *endpoint = &search->found;
	Datum		values[ENDPOINT_NCOLUMNS];
	bool		nulls[ENDPOINT_NCOLUMNS];
	Datum	   *finals;
	int			nfinals;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (DatumGetInt32(values[ENDPOINT_VERSION]) <= endpoint->version)
		return true;
	endpoint->version = DatumGetInt32(values[ENDPOINT_VERSION]);
	endpoint->retention = paysafe_argument_microseconds(DatumGetIntervalP(values[ENDPOINT_RETENTION]),
												  "retention");
	endpoint->lease = paysafe_argument_microseconds(DatumGetIntervalP(values[ENDPOINT_LEASE]), "lease");
	endpoint->encrypt = DatumGetBool(values[ENDPOINT_ENCRYPT]);
	endpoint->final_classes = 0;
	endpoint->nfinal = 0;
	deconstruct_array(DatumGetArrayTypeP(values[ENDPOINT_FINAL]), TEXTOID, -1, false, TYPALIGN_INT,
					  &finals, NULL, &nfinals);
	for (int i = 0; i < nfinals; i++)
		(void) add_final(endpoint, TextDatumGetCString(finals[i]));
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		search->cacheable = false;
	return true;
}

/* Read the newest version; its version is 0 if there is none. */
static void
read_endpoint(const char *name, EndpointSearch *search)
{
	Datum		key = CStringGetTextDatum(name);

	memset(search, 0, sizeof(*search));
	search->cacheable = true;
	strlcpy(search->found.name, name, sizeof(search->found.name));
	paysafe_store_scan(PAYSAFE_IDEMPOTENCY_ENDPOINT, "idempotency_endpoint_pkey", 1, &key,
					   visit_endpoint, search);
}

void
paysafe_idempotency_endpoint_get(const char *name, IdempotencyEndpoint *endpoint)
{
	EndpointSearch search;
	IdempotencyEndpoint *cached;

	if (endpoints != NULL)
	{
		char		key[sizeof(endpoint->name)];

		strlcpy(key, name, sizeof(key));
		cached = hash_search(endpoints, key, HASH_FIND, NULL);
		if (cached != NULL)
		{
			*endpoint = *cached;
			return;
		}
	}
	endpoints_table = paysafe_catalog_table(PAYSAFE_IDEMPOTENCY_ENDPOINT);
	read_endpoint(name, &search);
	if (search.found.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no idempotency endpoint \"%s\"", paysafe_redact_string(name)),
				 errhint("Set it up once, in a migration: SELECT paysafe.set_idempotency(%s);",
						 paysafe_redact_string(quote_literal_cstr(name)))));
	if (search.cacheable)
	{
		if (endpoints == NULL)
		{
			HASHCTL		ctl = {
				.keysize = sizeof(endpoint->name), .entrysize = sizeof(IdempotencyEndpoint),
				.hcxt = CacheMemoryContext
			};

			endpoints = hash_create("paysafe idempotency endpoints", 32, &ctl,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
		}
		cached = hash_search(endpoints, search.found.name, HASH_ENTER, NULL);
		*cached = search.found;
	}
	*endpoint = search.found;
}

static bool
visit_retention(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[ENDPOINT_NCOLUMNS];
	bool		nulls[ENDPOINT_NCOLUMNS];
	int64	   *longest = arg;
	int64		retention;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	retention = paysafe_argument_microseconds(DatumGetIntervalP(values[ENDPOINT_RETENTION]), "retention");
	*longest = Max(*longest, retention);
	return true;
}

int64
paysafe_idempotency_endpoint_longest(void)
{
	int64		longest = 0;

	paysafe_store_scan(PAYSAFE_IDEMPOTENCY_ENDPOINT, "idempotency_endpoint_pkey", 0, NULL,
					   visit_retention, &longest);
	return longest;
}

bool
paysafe_idempotency_endpoint_is_final(const IdempotencyEndpoint *endpoint, int status)
{
	if (endpoint->final_classes & (1 << (status / 100)))
		return true;
	for (int i = 0; i < endpoint->nfinal; i++)
		if (endpoint->final[i] == status)
			return true;
	return false;
}

void
paysafe_idempotency_endpoint_init(void)
{
	paysafe_invalidation_register(forget_endpoints);
}

PG_FUNCTION_INFO_V1(paysafe_set_idempotency);

/*
 * set_idempotency(endpoint text, final text[], retention interval, lease interval,
 *				   encrypt_body boolean) returns void
 */
Datum
paysafe_set_idempotency(PG_FUNCTION_ARGS)
{
	char	   *name = paysafe_argument_name(fcinfo, 0, "endpoint");
	EndpointSearch search;
	IdempotencyEndpoint given = {0};
	Datum	   *finals;
	bool	   *final_nulls;
	int			nfinals;
	Datum		values[ENDPOINT_NCOLUMNS];
	bool		nulls[ENDPOINT_NCOLUMNS] = {0};

	PreventCommandIfReadOnly("setting up an endpoint");
	for (int i = 1; i < 5; i++)
	{
		static const char *const names[] = {"final", "retention", "lease", "encrypt_body"};

		paysafe_argument_required(fcinfo, i, names[i - 1]);
	}
	given.retention = paysafe_argument_period(fcinfo, 2, "retention");
	given.lease = paysafe_argument_period(fcinfo, 3, "lease");
	given.encrypt = PG_GETARG_BOOL(4);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &finals, &final_nulls, &nfinals);
	for (int i = 0; i < nfinals; i++)
		if (final_nulls[i] || !add_final(&given, TextDatumGetCString(finals[i])))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" lists HTTP statuses", "final"),
					 errhint("For example: '{2xx,4xx}', '{2xx,409,422}'.")));
	/* one session at a time */
	(void) paysafe_store_lock_value(PAYSAFE_IDEMPOTENCY_ENDPOINT, 0, false);
	read_endpoint(name, &search);
	paysafe_store_complete();
	paysafe_keyring_prepare();
	paysafe_idempotency_response_extend(given.retention);
	values[ENDPOINT_NAME] = CStringGetTextDatum(name);
	values[ENDPOINT_VERSION] = Int32GetDatum(search.found.version + 1);
	values[ENDPOINT_FINAL] = PG_GETARG_DATUM(1);
	values[ENDPOINT_RETENTION] = PG_GETARG_DATUM(2);
	values[ENDPOINT_LEASE] = PG_GETARG_DATUM(3);
	values[ENDPOINT_ENCRYPT] = PG_GETARG_DATUM(4);
	values[ENDPOINT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[ENDPOINT_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	paysafe_store_insert(PAYSAFE_IDEMPOTENCY_ENDPOINT, values, nulls);
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_IDEMPOTENCY_ENDPOINT));
	PG_RETURN_VOID();
}

