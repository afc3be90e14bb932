/*-------------------------------------------------------------------------
 *
 * refusal_log.c
 *	  Refusals on record although their transaction rolls back.
 *
 * A refusal becomes one line of JSON in the server's log and, when the library
 * is preloaded, an entry of a queue in shared memory (refusal_queue.c), from which
 * a background worker (refusal_writer.c) writes it to paysafe.refusal_record in a
 * transaction of its own.
 *
 * What a refusal is about is found out field by field.  A field that cannot be had
 * (a row too large to hash, no memory, a catalog that is damaged) is named in
 * "incomplete", and the refusal is on record without it.  Interrupts wait for that
 * long: neither a cancel nor the end of the session comes between a refusal and
 * its record.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "abuse/meter.h"
#include "abuse/outcome.h"
#include "base/refusal.h"
#include "commands/dbcommands.h"
#include "engine/rule.h"
#include "evidence/audit_shape.h"
#include "evidence/refusal_log.h"
#include "evidence/refusal_observed.h"
#include "evidence/refusal_queue.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

#define MAX_WITNESSES	64
#define MAX_HASHED		(64 * 1024 * 1024)	/* bytes of a row; more would take seconds */

/* A refusal that is being described. */
typedef struct Describing
{
	const Refusal *refusal;
	const RefusalScope *scope;	/* or NULL */
	const RowChange *change;	/* or NULL */
	RefusalEntry *entry;
	int			ndatabases;		/* where it goes on record */
	Oid			databases[MAX_WITNESSES];
} Describing;

static RefusalWitnesses witnesses = NULL;

#define SET(field, value) paysafe_refusal_entry_text(d->entry->field, sizeof(d->entry->field), value)

static void
describe_rule(Describing *d)
{
	SET(rule, d->refusal->rule);
}

static void
describe_statement(Describing *d)
{
	SET(statement, d->refusal->statement ? d->refusal->statement :
		d->scope ? d->scope->statement : NULL);
}

static void
describe_table(Describing *d)
{
	SET(schema_name, d->refusal->schema_name);
	SET(table_name, d->refusal->table_name);
	SET(column_name, d->refusal->column);
}

static void
describe_message(Describing *d)
{
	SET(message, d->refusal->recorded ? d->refusal->recorded : d->refusal->message);
}

static void
describe_actor(Describing *d)
{
	SET(actor, paysafe_actor_name());
}

static void
describe_session(Describing *d)
{
	SET(session_user_name, paysafe_actor_session_user());
	SET(login, paysafe_actor_login());
}

static void
describe_identity(Describing *d)
{
	const ActorClaim *actor = paysafe_actor_current();

	SET(identity, paysafe_identity_name(paysafe_actor_identity()));
	SET(client_cert_sha256, paysafe_actor_certificate_sha256());
	/* half of it would be read as less than there was */
	if (actor != NULL && actor->proof_text != NULL && strlen(actor->proof_text) < sizeof(d->entry->proof))
		SET(proof, actor->proof_text);
}

static void
describe_client(Describing *d)
{
	SET(client_addr, paysafe_actor_client());
}

static void
describe_request(Describing *d)
{
	const ActorClaim *actor = paysafe_actor_current();

	SET(request_id, actor ? actor->request_id : NULL);
	SET(business_id, actor ? actor->business_id : NULL);
}

/* Of the record of another database if this one has none. */
static void
describe_database(Describing *d)
{
	ListCell   *lc;

	if (paysafe_catalog_present())
	{
		d->databases[d->ndatabases++] = MyDatabaseId;
		return;
	}
	if (witnesses == NULL)
		return;
	foreach(lc, witnesses())
		if (d->ndatabases < MAX_WITNESSES)
			d->databases[d->ndatabases++] = lfirst_oid(lc);
	SET(database_name, get_database_name(MyDatabaseId));
}

static TupleTableSlot *
row_of(const RowChange *change)
{
	return change->after ? change->after : change->before;
}

static void
describe_key(Describing *d)
{
	if (d->refusal->key != NULL)
		SET(key, d->refusal->key);
	else if (d->change != NULL)
		SET(key, paysafe_row_key_text(&d->change->rules->key, RelationGetDescr(d->change->rel),
									  row_of(d->change)));
}

/* SHA-256 of the row's canonical bytes, redacted columns hashed by key. */
static void
describe_row(Describing *d)
{
	const RowChange *change = d->change;
	List	   *redacted = NIL;
	char	   *subject = "";
	AuditShape *shape;
	StringInfoData bytes;
	Size		size;
	ListCell   *lc;

	/* what is only observed is in the table */
	if (change == NULL || d->refusal->observed)
		return;
	size = paysafe_canon_row_size(row_of(change));
	if (size > MAX_HASHED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of %zu bytes is too large to hash here", size)));
	foreach(lc, change->rules->sources)
	{
		RuleSource *source = lfirst(lc);

		if (strcmp(source->name, "audit") == 0)
		{
			subject = paysafe_spec_text(source->spec, "subject");
			redacted = paysafe_spec_set(source->spec, "redact");
		}
	}
	/* with interrupts held nothing is waited for that somebody else may keep for long */
	if (redacted != NIL &&
		!ConditionalLockRelationOid(paysafe_catalog_table(PAYSAFE_REDACTION_KEY), AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the redaction key is locked")));
	shape = paysafe_audit_shape(change->rel, RelationGetRelid(change->rel), subject,
								redacted, change->rules->key.attnums, change->rules->key.n);
	initStringInfo(&bytes);
	paysafe_canon_row(&shape->shape, row_of(change), &bytes);
	paysafe_crypto_sha256(bytes.data, bytes.len, d->entry->row_hash);
	d->entry->has_row_hash = true;
}

/* In this order: what costs most, and may fail, last. */
static const struct
{
	const char *name;			/* as "incomplete" names it */
	void		(*describe) (Describing *d);
}			fields[] = {
	{"rule", describe_rule},
	{"database", describe_database},
	{"table", describe_table},
	{"statement", describe_statement},
	{"actor", describe_actor},
	{"session", describe_session},
	{"identity", describe_identity},
	{"client", describe_client},
	{"request", describe_request},
	{"message", describe_message},
	{"key", describe_key},
	{"row_hash", describe_row}
};

/* Note that a field could not be had: its name, and the error's code. */
static void
note_incomplete(RefusalEntry *entry, const char *name, int sqlerrcode)
{
	size_t		len = strlen(entry->incomplete);

	snprintf(entry->incomplete + len, sizeof(entry->incomplete) - len, "%s%s (%s)",
			 len > 0 ? ", " : "", name, unpack_sql_state(sqlerrcode));
}

/*
 * Do it, whatever error comes: the transaction ends anyway, and with it what the
 * error left open.  Returns the error's code, or 0.
 */
static int
attempt(void (*act) (Describing *), Describing *d)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	volatile int result = 0;

	PG_TRY();
	{
		act(d);
	}
	PG_CATCH();
	{
		/* where nothing is refused the transaction goes on: nothing may stay open in it */
		if (d->refusal->observed)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		result = geterrcode();
		FlushErrorState();
		/* an error lets interrupts come */
		InterruptHoldoffCount = holdoff;
	}
	PG_END_TRY();
	return result;
}

static void
describe(Describing *d)
{
	RefusalEntry *entry = d->entry;

	entry->at = entry->last_at = GetCurrentTimestamp();
	entry->pid = MyProcPid;
	entry->count = 1;
	entry->encoding = GetDatabaseEncoding();
	entry->outside = d->refusal->outside;
	entry->observed = d->refusal->observed;
	strlcpy(entry->sqlstate, unpack_sql_state(d->refusal->sqlstate), sizeof(entry->sqlstate));
	for (int i = 0; i < (int) lengthof(fields); i++)
	{
		int			code = attempt(fields[i].describe, d);

		if (code != 0)
			note_incomplete(entry, fields[i].name, code);
	}
	/* if it is not known that this database has no record, it may have one */
	if (d->ndatabases == 0 && strstr(entry->incomplete, "database") != NULL)
		d->databases[d->ndatabases++] = MyDatabaseId;
}

/* One line in the server's log; doc/reference.md names the fields. */
static void
log_line(Describing *d)
{
	RefusalEntry *entry = d->entry;
	StringInfoData json;
	char		hash[2 * PAYSAFE_SHA256_LEN + 1];

	initStringInfo(&json);
	appendStringInfo(&json, "{\"v\":1,\"event\":\"%s\"", entry->observed ? "observed" : "refusal");
	paysafe_refusal_entry_field(&json, "at", timestamptz_to_str(entry->at));
	paysafe_refusal_entry_field(&json, "database", get_database_name(MyDatabaseId));
	paysafe_refusal_entry_field(&json, "actor", entry->actor);
	paysafe_refusal_entry_field(&json, "session_user", entry->session_user_name);
	paysafe_refusal_entry_field(&json, "login", entry->login);
	paysafe_refusal_entry_field(&json, "identity", entry->identity);
	paysafe_refusal_entry_field(&json, "client_cert_sha256", entry->client_cert_sha256);
	paysafe_refusal_entry_field(&json, "proof", entry->proof);
	paysafe_refusal_entry_field(&json, "client", entry->client_addr);
	appendStringInfo(&json, ",\"pid\":%d", entry->pid);
	paysafe_refusal_entry_field(&json, "statement", entry->statement);
	paysafe_refusal_entry_field(&json, "rule", entry->rule);
	paysafe_refusal_entry_field(&json, "sqlstate", entry->sqlstate);
	paysafe_refusal_entry_field(&json, "schema", entry->schema_name);
	paysafe_refusal_entry_field(&json, "table", entry->table_name);
	paysafe_refusal_entry_field(&json, "column", entry->column_name);
	paysafe_refusal_entry_field(&json, "key", entry->key);
	hash[hex_encode((const char *) entry->row_hash, PAYSAFE_SHA256_LEN, hash)] = '\0';
	paysafe_refusal_entry_field(&json, "row_sha256", entry->has_row_hash ? hash : NULL);
	paysafe_refusal_entry_field(&json, "request_id", entry->request_id);
	paysafe_refusal_entry_field(&json, "business_id", entry->business_id);
	paysafe_refusal_entry_field(&json, "message", entry->message);
	if (entry->incomplete[0] != '\0')
		paysafe_refusal_entry_field(&json, "incomplete", entry->incomplete);
	appendStringInfoChar(&json, '}');
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("paysafe %s %s", entry->observed ? "observed" : "refusal", json.data),
			 errhidestmt(true), errhidecontext(true)));
}

static void
count(Describing *d)
{
	const Refusal *refusal = d->refusal;

	paysafe_meter_count(MyDatabaseId, refusal->observed ? METER_OBSERVED : METER_REFUSALS,
						refusal->counted_as ? refusal->counted_as : refusal->rule, unpack_sql_state(refusal->sqlstate), 1);
	if (refusal->observed)
		return;
	paysafe_outcome_count(paysafe_outcome_name(OUTCOME_REFUSED), refusal->counted_as ? refusal->counted_as : refusal->rule, 0, 1);
	if (d->change != NULL && refusal->table_name != NULL)
		paysafe_outcome_count(paysafe_outcome_name(OUTCOME_WRITE), psprintf("%s.%s", refusal->schema_name, refusal->table_name), 0, 1);
}

/* The refusal stands whatever happens here. */
static void
record_refusal(const Refusal *refusal, const RefusalScope *scope)
{
	static RefusalEntry entry;	/* not allocated: memory may be what lacks */
	Describing	d = {
		.refusal = refusal, .scope = scope, .change = scope ? scope->change : NULL, .entry = &entry
	};
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context;

	(void) attempt(count, &d);
	if (refusal->observed && paysafe_refusal_observed_count(refusal))
		return;
	context = AllocSetContextCreate(old, "paysafe refusal", ALLOCSET_SMALL_SIZES);
	HOLD_INTERRUPTS();
	memset(&entry, 0, sizeof(entry));
	MemoryContextSwitchTo(context);
	describe(&d);
	for (int i = 0; i < d.ndatabases; i++)
		paysafe_refusal_queue_add(d.databases[i], &entry);
	(void) attempt(log_line, &d);
	if (refusal->observed)
		paysafe_refusal_observed_shown(&entry);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	RESUME_INTERRUPTS();
}

void
paysafe_refusal_log_set_witnesses(RefusalWitnesses new_witnesses)
{
	witnesses = new_witnesses;
}

void
paysafe_refusal_log_init(void)
{
	paysafe_refusal_set_recorder(record_refusal);
	paysafe_refusal_observed_init();
}
