/*-------------------------------------------------------------------------
 *
 * queue_source.c
 *	  Where events of the inbox come from: endpoints, declared or not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "utils/builtins.h"

#include "services/queue/queue.h"
#include "services/queue/queue_setting.h"
#include "services/queue/queue_source.h"
#include "store/catalog.h"
#include "store/own_table.h"

typedef struct Endpoint
{
	bool		found;
	bool		encrypt;
} Endpoint;

static bool
visit_endpoint(Relation rel, HeapTuple tuple, void *arg)
{
	Endpoint   *endpoint = arg;
	bool		isnull;

	endpoint->found = true;
	endpoint->encrypt = DatumGetBool(heap_getattr(tuple, paysafe_catalog_column(rel, "encrypt"),
												  RelationGetDescr(rel), &isnull));
	return false;
}

/* The newest version of what set_webhook_endpoint declared. */
static Endpoint
read_endpoint(const char *name)
{
	Endpoint	endpoint = {0};
	Datum		key = CStringGetTextDatum(name);

	paysafe_store_seek(PAYSAFE_WEBHOOK_ENDPOINT, "webhook_endpoint_pkey", 1, &key,
					   InvalidStrategy, (Datum) 0, true, NULL, visit_endpoint, &endpoint);
	return endpoint;
}

bool
paysafe_queue_source_exists(const char *endpoint)
{
	QueueSetting setting;
	bool		found;

	if (read_endpoint(endpoint).found)
		return true;
	found = paysafe_queue_setting_own("inbox", endpoint, &setting);
	for (int i = 0; i < QUEUE_NSTATES && !found; i++)
	{
		Datum		keys[2] = {CStringGetTextDatum(paysafe_queue_state(i)), CStringGetTextDatum(endpoint)};

		found = paysafe_store_has(PAYSAFE_INBOX_EVENT, "inbox_event_due", 2, keys);
	}
	return found;
}

bool
paysafe_queue_source_encrypts(const char *endpoint)
{
	return read_endpoint(endpoint).encrypt;
}
