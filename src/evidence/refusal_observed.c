/*-------------------------------------------------------------------------
 *
 * refusal_observed.c
 *	  What rules that are only observed would have refused, counted.
 *
 * A refusal ends its transaction, so a transaction has one.  What is only observed may
 * come with every row of a statement.  The first few of a kind are described like
 * refusals; of the others a number is kept, which goes into the queue when the
 * transaction ends, however it does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/transaction.h"
#include "evidence/refusal_observed.h"
#include "evidence/refusal_queue.h"

#define SHOWN		10			/* of a kind, in a transaction */

/* What a transaction has shown of one kind. */
typedef struct Kind
{
	int			shown;
	RefusalEntry more;			/* the others; count 0: none */
	struct Kind *next;
} Kind;

static Kind *kinds = NULL;		/* TopTransactionContext */

static bool
is_same(const char *kept, size_t size, const char *text)
{
	return strncmp(kept, text ? text : "", size - 1) == 0;
}

/* Names in an entry are cut where there is no more room. */
static Kind *
find_kind(const char *sqlstate, const char *rule, const char *schema_name, const char *table_name,
		  const char *column)
{
	for (Kind *kind = kinds; kind != NULL; kind = kind->next)
		if (strcmp(kind->more.sqlstate, sqlstate) == 0 &&
			is_same(kind->more.column_name, sizeof(kind->more.column_name), column) &&
			is_same(kind->more.rule, sizeof(kind->more.rule), rule) &&
			is_same(kind->more.table_name, sizeof(kind->more.table_name), table_name) &&
			is_same(kind->more.schema_name, sizeof(kind->more.schema_name), schema_name))
			return kind;
	return NULL;
}

bool
paysafe_refusal_observed_count(const Refusal *refusal)
{
	Kind	   *kind = find_kind(unpack_sql_state(refusal->sqlstate), refusal->rule,
								 refusal->schema_name, refusal->table_name, refusal->column);
	TimestampTz now;

	if (kind == NULL || kind->shown < SHOWN)
		return false;
	now = GetCurrentTimestamp();
	if (kind->more.count++ == 0)
		kind->more.at = now;
	kind->more.last_at = now;
	return true;
}

void
paysafe_refusal_observed_shown(const RefusalEntry *entry)
{
	Kind	   *kind = find_kind(entry->sqlstate, entry->rule, entry->schema_name,
								 entry->table_name, entry->column_name);

	if (kind == NULL)
	{
		paysafe_transaction_watch();
		kind = MemoryContextAllocZero(TopTransactionContext, sizeof(Kind));
		kind->next = kinds;
		kinds = kind;
	}
	kind->shown++;
	kind->more = *entry;
	/* it stands for many: what is different in each is left out */
	kind->more.count = 0;
	kind->more.key[0] = kind->more.message[0] = '\0';
}

static void
transaction_event(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	for (Kind *kind = kinds; kind != NULL; kind = kind->next)
		if (kind->more.count > 0)
			paysafe_refusal_queue_add(MyDatabaseId, &kind->more);
	kinds = NULL;
}

void
paysafe_refusal_observed_init(void)
{
	paysafe_transaction_register(transaction_event, NULL);
}
