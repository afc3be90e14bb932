/*-------------------------------------------------------------------------
 *
 * proposal.c
 *	  Changes of rules that are put before a second person.
 *
 * A refused change leaves nothing behind: its transaction is rolled back.  So
 * who wants one approved says so first, by paysafe.propose; then a change that
 * would be refused for want of an approval is stored instead, whole and as a
 * difference to what is in force, and the view paysafe.pending_change shows it
 * to those who may approve.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "compat.h"
#include "engine/proposal.h"
#include "errors.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/own_table.h"

#define MAX_CONTENT_KEY		400 /* bytes; a longer content is not read to its end */

/* Columns of paysafe.proposal_record. */
enum
{
	PROPOSAL_ID, PROPOSAL_APPROVED_AS, PROPOSAL_KEY, PROPOSAL_DIGEST, PROPOSAL_RELATION,
	PROPOSAL_RULE, PROPOSAL_VERSION, PROPOSAL_OLD_REFERENCE, PROPOSAL_NEW_REFERENCE,
	PROPOSAL_BEFORE, PROPOSAL_AFTER, PROPOSAL_DIFFERENCE, PROPOSAL_LOOSENS, PROPOSAL_ACTOR,
	PROPOSAL_LOGIN, PROPOSAL_SESSION_USER, PROPOSAL_REASON, PROPOSAL_TICKET, PROPOSAL_AT, PROPOSAL_IDENTITY,
	PROPOSAL_APPROVERS, PROPOSAL_NEEDS, PROPOSAL_COMES_TO,
	PROPOSAL_NCOLUMNS
};

/* What paysafe.propose has said; texts live in TopTransactionContext. */
static struct
{
	int			level;			/* of the transaction that called it; 0: none has */
	char	   *reason;
	char	   *ticket;			/* or NULL */
}			proposing;

bool
paysafe_proposal_is_open(void)
{
	return proposing.level > 0;
}

void
paysafe_proposal_digest(const char *content, uint8 *digest)
{
	char	   *bytes = psprintf("paysafe change: %s", content);

	paysafe_crypto_sha256(bytes, strlen(bytes), digest);
}

bool
paysafe_proposal_is_content(const char *key)
{
	if (strlen(key) > MAX_CONTENT_KEY || strchr(key, ' ') == NULL)
		return false;
	for (const char *c = key; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '\\')
			return false;		/* may look like something else */
	return strcmp(paysafe_redact_string(key), key) == 0;
}

char *
paysafe_proposal_key(const char *content)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *hex = palloc(2 * PAYSAFE_SHA256_LEN + 1);

	if (paysafe_proposal_is_content(content))
		return pstrdup(content);
	paysafe_proposal_digest(content, digest);
	hex[hex_encode((char *) digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
	return hex;
}

char *
paysafe_proposal_after(const char *what, int64 last)
{
	return last == 0 ? pstrdup(what) : psprintf("%s, after change " INT64_FORMAT, what, last);
}

static Datum
digest_datum(const uint8 *digest)
{
	bytea	   *result = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);

	SET_VARSIZE(result, VARHDRSZ + PAYSAFE_SHA256_LEN);
	memcpy(VARDATA(result), digest, PAYSAFE_SHA256_LEN);
	return PointerGetDatum(result);
}

char *
paysafe_proposal_comes_to(const ProposedChange *change)
{
	StringInfoData bytes;
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *hex = palloc(2 * PAYSAFE_SHA256_LEN + 1);

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe change comes to");
	paysafe_argument_append(&bytes, get_rel_name(paysafe_catalog_table(change->approved_as)));
	/* no table by its name, which may be another one by the next proposal */
	if (change->comes_to != NULL)
		paysafe_argument_append(&bytes, change->comes_to);
	else
	{
		paysafe_argument_append(&bytes, change->name);
		paysafe_argument_append(&bytes, JsonbToCString(NULL, &change->after->root, VARSIZE(change->after)));
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
	hex[hex_encode((char *) digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
	return hex;
}

/* A text column, or NULL. */
static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
set_reference(Datum *values, bool *nulls, int column, Oid reference)
{
	set_text(values, nulls, column,
			 OidIsValid(reference) && get_rel_name(reference) ?
			 paysafe_catalog_table_name(reference) : NULL);
}

char *
paysafe_proposal_how(const ProposedChange *change, const char *key)
{
	const char *table = get_rel_name(paysafe_catalog_table(change->approved_as));

	if (change->identity >= IDENTITY_PASSKEY)
		return psprintf("Another person's passkey signs what paysafe.approval_challenge('paysafe.%s', %s) returns, for paysafe.approve_with_passkey;",
						table, quote_literal_cstr(key));
	return psprintf("After paysafe.%s, another person runs: SELECT paysafe.approve('paysafe.%s', %s, 'why it is right');",
					change->identity == IDENTITY_PROVEN ? "act_as_token" : "act_as", table, quote_literal_cstr(key));
}

void
paysafe_proposal_store(const ProposedChange *change)
{
	Person	   *person = paysafe_person_current();
	char	   *key = paysafe_proposal_key(change->content);
	uint8		digest[PAYSAFE_SHA256_LEN];
	Datum		values[PROPOSAL_NCOLUMNS];
	bool		nulls[PROPOSAL_NCOLUMNS] = {0};
	int64		id = nextval_internal(get_relname_relid("proposal_id_seq", paysafe_catalog_schema()), false);

	paysafe_store_complete();
	paysafe_proposal_digest(change->content, digest);
	values[PROPOSAL_ID] = Int64GetDatum(id);
	values[PROPOSAL_APPROVED_AS] = ObjectIdGetDatum(paysafe_catalog_table(change->approved_as));
	values[PROPOSAL_KEY] = CStringGetTextDatum(key);
	values[PROPOSAL_DIGEST] = digest_datum(digest);
	nulls[PROPOSAL_RELATION] = !OidIsValid(change->relation);
	values[PROPOSAL_RELATION] = ObjectIdGetDatum(change->relation);
	values[PROPOSAL_RULE] = CStringGetTextDatum(change->name);
	values[PROPOSAL_VERSION] = Int32GetDatum(change->version);
	set_reference(values, nulls, PROPOSAL_OLD_REFERENCE, change->old_reference);
	set_reference(values, nulls, PROPOSAL_NEW_REFERENCE, change->new_reference);
	nulls[PROPOSAL_BEFORE] = change->before == NULL;
	values[PROPOSAL_BEFORE] = change->before ? JsonbPGetDatum(change->before) : (Datum) 0;
	values[PROPOSAL_AFTER] = JsonbPGetDatum(change->after);
	set_text(values, nulls, PROPOSAL_DIFFERENCE, change->difference);
	set_text(values, nulls, PROPOSAL_LOOSENS, change->loosens);
	set_text(values, nulls, PROPOSAL_ACTOR, person->actor);
	set_text(values, nulls, PROPOSAL_LOGIN, person->login);
	set_text(values, nulls, PROPOSAL_SESSION_USER, person->session_user_name);
	set_text(values, nulls, PROPOSAL_REASON, proposing.reason);
	set_text(values, nulls, PROPOSAL_TICKET, proposing.ticket);
	values[PROPOSAL_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	set_text(values, nulls, PROPOSAL_IDENTITY, paysafe_identity_name(person->level));
	set_text(values, nulls, PROPOSAL_NEEDS, paysafe_identity_name(change->identity));
	values[PROPOSAL_APPROVERS] = Int32GetDatum(Max(change->approvers, 1));
	set_text(values, nulls, PROPOSAL_COMES_TO, paysafe_proposal_comes_to(change));
	paysafe_store_insert(PAYSAFE_PROPOSAL_RECORD, values, nulls);
	ereport(NOTICE,
			(errmsg("change " INT64_FORMAT " is proposed, and not made", id),
			 errdetail("It stands in paysafe.pending_change."),
			 errhint("%s  then repeat this command within the hour, without paysafe.propose.",
					 paysafe_proposal_how(change, key))));
}

typedef struct Found
{
	bool		any;
	uint8	   *digest;
	List	   *persons;
} Found;

static bool
collect_proposal(Relation rel, HeapTuple tuple, void *arg)
{
	Found	   *found = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	Person	   *person = palloc0(sizeof(Person));
	bool		isnull;
	bytea	   *digest = DatumGetByteaPP(heap_getattr(tuple, PROPOSAL_DIGEST + 1, desc, &isnull));

	person->actor = paysafe_store_text(tuple, desc, PROPOSAL_ACTOR);
	person->login = paysafe_store_text(tuple, desc, PROPOSAL_LOGIN);
	person->session_user_name = paysafe_store_text(tuple, desc, PROPOSAL_SESSION_USER);
	person->level = paysafe_identity_parse(paysafe_store_text(tuple, desc, PROPOSAL_IDENTITY));
	found->any = true;
	found->persons = lappend(found->persons, person);
	if (VARSIZE_ANY_EXHDR(digest) == PAYSAFE_SHA256_LEN)
		memcpy(found->digest, VARDATA_ANY(digest), PAYSAFE_SHA256_LEN);
	return true;
}

bool
paysafe_proposal_find(Oid approved_as, const char *key, uint8 *digest, List **persons)
{
	Found		found = {.digest = digest};
	Datum		keys[2] = {ObjectIdGetDatum(approved_as), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_PROPOSAL_RECORD, "proposal_record_key", 2, keys,
					   collect_proposal, &found);
	*persons = found.persons;
	return found.any;
}

static bool
note_words(Relation rel, HeapTuple tuple, void *arg)
{
	/* those of one key have the same */
	*(char **) arg = paysafe_store_text(tuple, RelationGetDescr(rel), PROPOSAL_DIFFERENCE);
	return false;
}

char *
paysafe_proposal_words(Oid approved_as, const char *key)
{
	char	   *words = NULL;
	Datum		keys[2] = {ObjectIdGetDatum(approved_as), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_PROPOSAL_RECORD, "proposal_record_key", 2, keys, note_words, &words);
	return words;
}

static bool
note_needs(Relation rel, HeapTuple tuple, void *arg)
{
	IdentityLevel *level = arg;

	*level = Max(*level, paysafe_identity_parse(paysafe_store_text(tuple, RelationGetDescr(rel), PROPOSAL_NEEDS)));
	return true;
}

IdentityLevel
paysafe_proposal_needs(Oid approved_as, const char *key)
{
	IdentityLevel level = IDENTITY_NONE;
	Datum		keys[2] = {ObjectIdGetDatum(approved_as), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_PROPOSAL_RECORD, "proposal_record_key", 2, keys, note_needs, &level);
	return level;
}

static bool
note_comes_to(Relation rel, HeapTuple tuple, void *arg)
{
	*(char **) arg = paysafe_store_text(tuple, RelationGetDescr(rel), PROPOSAL_COMES_TO);
	return false;
}

char *
paysafe_proposal_stored_comes_to(Oid approved_as, const char *key)
{
	char	   *comes_to = NULL;
	Datum		keys[2] = {ObjectIdGetDatum(approved_as), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_PROPOSAL_RECORD, "proposal_record_key", 2, keys, note_comes_to, &comes_to);
	return comes_to;
}

/* The rule that a stored change is of. */
typedef struct ProposedRule
{
	bool		found;
	Oid			relation;
	char	   *name;
	int			version;
} ProposedRule;

static bool
note_rule(Relation rel, HeapTuple tuple, void *arg)
{
	ProposedRule *rule = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	Datum		relation = heap_getattr(tuple, PROPOSAL_RELATION + 1, desc, &isnull);

	if (isnull)
		return true;
	rule->found = true;
	rule->relation = DatumGetObjectId(relation);
	rule->name = paysafe_store_text(tuple, desc, PROPOSAL_RULE);
	rule->version = DatumGetInt32(heap_getattr(tuple, PROPOSAL_VERSION + 1, desc, &isnull));
	return false;
}

bool
paysafe_proposal_of(Oid approved_as, const char *key, Oid *relation, char **name, int *version)
{
	ProposedRule rule = {0};
	Datum		keys[2] = {ObjectIdGetDatum(approved_as), CStringGetTextDatum(key)};

	paysafe_store_scan(PAYSAFE_PROPOSAL_RECORD, "proposal_record_key", 2, keys, note_rule, &rule);
	*relation = rule.relation;
	*name = rule.name;
	*version = rule.version;
	return rule.found;
}

Oid
paysafe_proposal_table(Oid approved_as, const char *key)
{
	Oid			relation;
	char	   *name;
	int			version;

	return paysafe_proposal_of(approved_as, key, &relation, &name, &version) ? relation : InvalidOid;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		proposing.level = 0;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (proposing.level < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		proposing.level = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		proposing.level = level - 1;
}

void
paysafe_proposal_init(void)
{
	paysafe_transaction_register(end_transaction, end_subtransaction);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_propose);

/*
 * propose(reason, ticket) returns void: until the end of the transaction, or
 * until it is called with NULL
 */
Datum
paysafe_propose(PG_FUNCTION_ARGS)
{
	Person	   *person = paysafe_person_current();
	char	   *reason;
	char	   *ticket;

	if (PG_ARGISNULL(0))
	{
		proposing.level = 0;
		PG_RETURN_VOID();
	}
	paysafe_approval_check_own_code("paysafe.propose");
	reason = paysafe_argument_reason(fcinfo, 0, "reason", "a proposal");
	ticket = PG_ARGISNULL(1) ? NULL : paysafe_argument_reason(fcinfo, 1, "ticket", "a proposal");
	if (paysafe_person_is_unknown(person))
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
						   .rule = "proposal",
						   .schema_name = "paysafe",
						   .table_name = "proposal_record",
						   .message = "a proposal needs a person",
						   .detail = psprintf("The login \"%s\" may act for others, so nobody could be shown to be another person than who proposes.",
											  person->login),
						   .hint = "Call paysafe.act_as('name') in the same transaction first."
					   });
	paysafe_transaction_watch();
	paysafe_transaction_warn(fcinfo, "paysafe.propose");
	if (proposing.level == 0)
		proposing.level = GetCurrentTransactionNestLevel();
	proposing.reason = MemoryContextStrdup(TopTransactionContext, paysafe_redact_string(reason));
	proposing.ticket = ticket == NULL ? NULL :
		MemoryContextStrdup(TopTransactionContext, paysafe_redact_string(ticket));
	PG_RETURN_VOID();
}
