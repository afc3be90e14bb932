/*-------------------------------------------------------------------------
 *
 * queue_payload.c
 *	  Headers and bodies of events, apart from the events.
 *
 * They lie in partitions by the time at which they came.  A body is sealed for its
 * event where the endpoint or the destination asks for it: it cannot be read in the
 * table, in dumps and copies, nor be put under another event.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "services/queue/queue_payload.h"
#include "store/own_table.h"
#include "vault/keyring.h"

#define PURPOSE			"queue payload"

/* Columns of paysafe.inbox_payload and paysafe.outbox_payload. */
enum
{
	PAYLOAD_AT, PAYLOAD_EVENT, PAYLOAD_HEADERS, PAYLOAD_BODY, PAYLOAD_SEALED,
	PAYLOAD_NCOLUMNS
};

typedef struct Search
{
	QueuePayload *payload;
	bool		sealed;
} Search;

static char *
place_of(const char *queue, int64 id)
{
	return psprintf("%s " INT64_FORMAT, queue, id);
}

void
paysafe_queue_payload_store(const OwnPartitions *payloads, const char *queue, int64 id,
							TimestampTz at, const QueueItem *item)
{
	Datum		values[PAYLOAD_NCOLUMNS];
	bool		nulls[PAYLOAD_NCOLUMNS] = {0};
	char	   *place = place_of(queue, id);
	bytea	   *body;

	if (item->encrypt)
		body = paysafe_keyring_seal(PURPOSE, place, strlen(place), item->body, item->bodylen);
	else
	{
		body = palloc(VARHDRSZ + item->bodylen);
		SET_VARSIZE(body, VARHDRSZ + item->bodylen);
		if (item->bodylen > 0)
			memcpy(VARDATA(body), item->body, item->bodylen);
	}
	values[PAYLOAD_AT] = TimestampTzGetDatum(at);
	values[PAYLOAD_EVENT] = Int64GetDatum(id);
	nulls[PAYLOAD_HEADERS] = item->headers == NULL;
	values[PAYLOAD_HEADERS] = PointerGetDatum(item->headers);
	values[PAYLOAD_BODY] = PointerGetDatum(body);
	values[PAYLOAD_SEALED] = BoolGetDatum(item->encrypt);
	paysafe_store_insert_into(paysafe_partition_for(payloads, at), values, nulls);
	pfree(body);
}

static bool
visit(Relation rel, HeapTuple tuple, void *arg)
{
	Search	   *search = arg;
	Datum		values[PAYLOAD_NCOLUMNS];
	bool		nulls[PAYLOAD_NCOLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	search->payload->headers = nulls[PAYLOAD_HEADERS] ? NULL : DatumGetJsonbPCopy(values[PAYLOAD_HEADERS]);
	search->payload->body = DatumGetByteaPCopy(values[PAYLOAD_BODY]);
	search->sealed = DatumGetBool(values[PAYLOAD_SEALED]);
	return false;
}

bool
paysafe_queue_payload_find(const OwnPartitions *payloads, const char *queue, int64 id,
						   TimestampTz at, QueuePayload *payload)
{
	Search		search = {.payload = payload};
	Datum		key = Int64GetDatum(id);
	char	   *place = place_of(queue, id);
	ListCell   *lc;

	memset(payload, 0, sizeof(*payload));
	if (paysafe_partition_all(payloads) == NIL)
		return false;
	paysafe_store_scan_in(paysafe_partition_for(payloads, at), "event", 1, &key, visit, &search);
	/* rows of a time without partition stay where they were put */
	if (payload->body == NULL)
		foreach(lc, paysafe_partition_all(payloads))
			if (payload->body == NULL)
				paysafe_store_scan_in(lfirst_oid(lc), "event", 1, &key, visit, &search);
	if (payload->body != NULL && search.sealed)
		payload->body = paysafe_keyring_open(PURPOSE, place, strlen(place), VARDATA_ANY(payload->body),
											 VARSIZE_ANY_EXHDR(payload->body));
	return payload->body != NULL;
}
