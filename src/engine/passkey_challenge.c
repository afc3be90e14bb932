/*-------------------------------------------------------------------------
 *
 * passkey_challenge.c
 *	  Approvals that are signed by a passkey.
 *
 * What is signed is the SHA-256 of a text: all that is approved, who requested it, who
 * approves, until when, and 32 random bytes.  The text can be read, and hashed again,
 * by whoever shows it to the person.  It is made anew from the tables when the assertion comes,
 * so that it is worth nothing for what has changed since.
 *
 * A challenge is a row, for minutes.  It is used up by the row of the assertion, which has
 * the same challenge for its key and stays, so that anybody with the public key can
 * verify the approval again.  Lock order: the challenge, the counter of the
 * passkey, approvals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "engine/approve.h"
#include "engine/passkey_challenge.h"
#include "people/acting.h"
#include "people/approval.h"
#include "people/passkey.h"
#include "people/person.h"
#include "people/registry.h"
#include "people/tried.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "token/base64url.h"

#define CHALLENGE_LIFE	(INT64CONST(300) * USECS_PER_SEC)
#define NONCE_LEN		32

/* The key of a refund whose row is not there yet: what is approved says which payment. */
#define IN_ADVANCE		""

/* Columns of paysafe.passkey_challenge. */
enum
{
	CHALLENGE_CHALLENGE, CHALLENGE_NONCE, CHALLENGE_ACTOR, CHALLENGE_RELATION, CHALLENGE_KEY,
	CHALLENGE_AT, CHALLENGE_EXPIRES_AT,
	CHALLENGE_NCOLUMNS
};

/* Columns of paysafe.passkey_assertion. */
enum
{
	ASSERTION_CHALLENGE, ASSERTION_PASSKEY, ASSERTION_APPROVALS, ASSERTION_CONTENT, ASSERTION_CLIENT_DATA,
	ASSERTION_AUTHENTICATOR_DATA, ASSERTION_SIGNATURE, ASSERTION_AT,
	ASSERTION_NCOLUMNS
};

typedef struct PasskeyChallenge
{
	ItemPointerData tid;
	uint8		nonce[NONCE_LEN];
	char	   *actor;			/* who is to sign */
	Oid			relation;
	char	   *key;
	TimestampTz expires_at;
} Challenge;

/* The text */

static char *
base64url_of(const void *bytes, size_t len)
{
	char	   *text = palloc(TOKEN_BASE64URL_LEN(len) + 1);

	(void) token_base64url_write(bytes, len, text);
	return text;
}

/* A member of a JSON object, and what stands in front of it; text NULL: null. */
static void
add_member(StringInfo json, const char *before, const char *name, const char *text)
{
	appendStringInfo(json, "%s\"%s\": ", before, name);
	if (text == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, text);
}

/* Everybody who has to do with the request, as well as they are known. */
static void
add_persons(StringInfo json, const char *name, List *requesters)
{
	ListCell   *lc;

	appendStringInfo(json, ", \"%s\": [", name);
	foreach(lc, requesters)
	{
		const Person *requester = lfirst(lc);

		appendStringInfoString(json, lc == list_head(requesters) ? "" : ", ");
		escape_json(json, requester->actor ? requester->actor : psprintf("nobody named, over login \"%s\"", requester->login));
	}
	appendStringInfoChar(json, ']');
}

/*
 * All that is approved.  Nothing in it depends on the session's settings.
 */
static char *
content_of(const Challenge *challenge, List *subjects)
{
	StringInfoData json;
	ListCell   *lc;

	initStringInfo(&json);
	add_member(&json, "{", "paysafe", "approval 1");
	/* not as one: quotes are a matter of settings */
	add_member(&json, ",\n ", "schema", get_namespace_name(get_rel_namespace(challenge->relation)));
	add_member(&json, ",\n ", "table", get_rel_name(challenge->relation));
	add_member(&json, ",\n ", "key", challenge->key);
	appendStringInfoString(&json, ",\n \"approves\": [");
	/* one for each rule by which the row waits */
	foreach(lc, subjects)
	{
		const ApprovalSubject *subject = lfirst(lc);

		add_member(&json, lc == list_head(subjects) ? "{" : ",\n  {", "what", subject->words);
		add_member(&json, ", ", "rule", subject->rule);
		add_member(&json, ", ", "digest", base64url_of(subject->digest, sizeof(subject->digest)));
		appendStringInfo(&json, ", \"valid_seconds\": " INT64_FORMAT, subject->valid_for / USECS_PER_SEC);
		add_persons(&json, "requested_by", subject->requesters);
		if (subject->writers != NIL)
			add_persons(&json, "changed_by", subject->writers);
		appendStringInfoChar(&json, '}');
	}
	add_member(&json, "],\n ", "approver", challenge->actor);
	/* as Unix has it */
	appendStringInfo(&json, ",\n \"challenge_expires\": " INT64_FORMAT,
					 challenge->expires_at / USECS_PER_SEC +
					 (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY);
	add_member(&json, ",\n ", "nonce", base64url_of(challenge->nonce, NONCE_LEN));
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* Its hash, in UTF-8 whatever the database's encoding is. */
static void
hash_content(const char *content, uint8 *hash)
{
	char	   *utf8 = pg_server_to_any(content, strlen(content), PG_UTF8);

	paysafe_crypto_sha256(utf8, strlen(utf8), hash);
}

/* Challenges */

static void
add_challenge(const Challenge *challenge, const uint8 *hash)
{
	Datum		values[CHALLENGE_NCOLUMNS];
	bool		nulls[CHALLENGE_NCOLUMNS] = {0};

	values[CHALLENGE_CHALLENGE] = paysafe_argument_bytea(hash, PAYSAFE_SHA256_LEN);
	values[CHALLENGE_NONCE] = paysafe_argument_bytea(challenge->nonce, NONCE_LEN);
	values[CHALLENGE_ACTOR] = CStringGetTextDatum(challenge->actor);
	values[CHALLENGE_RELATION] = ObjectIdGetDatum(challenge->relation);
	values[CHALLENGE_KEY] = CStringGetTextDatum(challenge->key);
	values[CHALLENGE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[CHALLENGE_EXPIRES_AT] = TimestampTzGetDatum(challenge->expires_at);
	paysafe_store_append(PAYSAFE_PASSKEY_CHALLENGE, values, nulls);
}

static bool
note_challenge(Relation rel, HeapTuple tuple, void *arg)
{
	Challenge **found = arg;
	Challenge  *challenge = palloc0(sizeof(Challenge));
	Datum		values[CHALLENGE_NCOLUMNS];
	bool		nulls[CHALLENGE_NCOLUMNS];
	bytea	   *nonce;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	challenge->tid = tuple->t_self;
	nonce = DatumGetByteaPP(values[CHALLENGE_NONCE]);
	if (VARSIZE_ANY_EXHDR(nonce) != NONCE_LEN)
		return true;
	memcpy(challenge->nonce, VARDATA_ANY(nonce), NONCE_LEN);
	challenge->actor = TextDatumGetCString(values[CHALLENGE_ACTOR]);
	challenge->relation = DatumGetObjectId(values[CHALLENGE_RELATION]);
	challenge->key = TextDatumGetCString(values[CHALLENGE_KEY]);
	challenge->expires_at = DatumGetTimestampTz(values[CHALLENGE_EXPIRES_AT]);
	*found = challenge;
	return false;
}

static bool
is_used(Datum challenge)
{
	return paysafe_store_has(PAYSAFE_PASSKEY_ASSERTION, "passkey_assertion_pkey", 1, &challenge);
}

/* The challenge that was signed, locked, if it is good still. */
static Challenge *
take_challenge(const uint8 *hash, Oid relation, const char *key)
{
	Datum		challenge = paysafe_argument_bytea(hash, PAYSAFE_SHA256_LEN);
	Challenge  *found = NULL;
	HeapTuple	locked = NULL;
	const char *why = NULL;

	paysafe_store_scan(PAYSAFE_PASSKEY_CHALLENGE, "passkey_challenge_pkey", 1, &challenge, note_challenge, &found);
	if (found != NULL)
		locked = paysafe_store_lock(PAYSAFE_PASSKEY_CHALLENGE, &found->tid, LockWaitBlock);
	if (is_used(challenge))
		why = "It has been used.";
	else if (locked == NULL)
		why = "It was not made here, or has expired.";
	else if (found->expires_at <= GetCurrentTimestamp())
		why = "It has expired.";
	else if (found->relation != relation || strcmp(found->key, key) != 0)
		why = "It was made for another approval.";
	if (why != NULL)
		paysafe_passkey_refuse("challenge", "this challenge approves nothing", NULL, why,
							   "Ask for another one: paysafe.approval_challenge.");
	return found;
}

static bool
is_expired(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	return DatumGetTimestampTz(heap_getattr(tuple, CHALLENGE_EXPIRES_AT + 1, RelationGetDescr(rel), &isnull)) <=
		GetCurrentTimestamp();
}

int64
paysafe_passkey_expire_challenges(void)
{
	return paysafe_store_is_empty(PAYSAFE_PASSKEY_CHALLENGE) ? 0 :
		paysafe_store_expire(PAYSAFE_PASSKEY_CHALLENGE, is_expired, NULL);
}

/* What the browser is asked */

/* Of these, those of one relying party; with NULL, of the only one. */
static List *
of_relying_party(List *passkeys, const char *rp_id)
{
	ListCell   *lc;

	foreach(lc, passkeys)
	{
		const char *other = ((Passkey *) lfirst(lc))->terms.rp_id;

		if (rp_id == NULL)
			rp_id = other;
		else if (strcmp(rp_id, other) != 0)
			passkeys = foreach_delete_current(passkeys, lc);
	}
	return passkeys;
}

/* PublicKeyCredentialRequestOptionsJSON */
static void
add_options(StringInfo json, List *passkeys, const uint8 *hash)
{
	bool		required = false;
	ListCell   *lc;

	appendStringInfo(json, "\"publicKey\": {\"challenge\": \"%s\", \"rpId\": \"%s\", \"timeout\": " INT64_FORMAT ", \"allowCredentials\": [",
					 base64url_of(hash, PAYSAFE_SHA256_LEN), ((Passkey *) linitial(passkeys))->terms.rp_id,
					 CHALLENGE_LIFE / 1000);
	foreach(lc, passkeys)
	{
		const Passkey *passkey = lfirst(lc);

		required |= passkey->terms.user_verification;
		appendStringInfo(json, "%s{\"type\": \"public-key\", \"id\": \"%s\"}", lc == list_head(passkeys) ? "" : ", ",
						 base64url_of(VARDATA_ANY(passkey->credential_id), VARSIZE_ANY_EXHDR(passkey->credential_id)));
	}
	appendStringInfo(json, "], \"userVerification\": \"%s\"}", required ? "required" : "preferred");
}

Datum
paysafe_passkey_ask(Oid relid, const char *key, List *subjects, const char *rp_id)
{
	Challenge	challenge = {.relation = relid, .key = pstrdup(key ? key : IN_ADVANCE)};
	Person	   *approver;
	List	   *passkeys;
	char	   *content;
	uint8		hash[PAYSAFE_SHA256_LEN];
	StringInfoData json;

	approver = paysafe_person_current();
	paysafe_approve_check_voice(relid, approver);
	passkeys = of_relying_party(paysafe_passkey_of(approver->actor), rp_id);
	if (passkeys == NIL)
		paysafe_passkey_refuse("challenge", psprintf("\"%s\" has no passkey%s%s", approver->actor,
													 rp_id ? " for " : "", rp_id ? rp_id : ""), NULL, NULL,
							   "Enrol one: paysafe.add_passkey.");
	challenge.actor = ((Passkey *) linitial(passkeys))->actor;
	approver->level = IDENTITY_PASSKEY;
	paysafe_approve_check(relid, key, subjects, approver);

	paysafe_crypto_random(challenge.nonce, NONCE_LEN);
	/* whole seconds: they stand in the text */
	challenge.expires_at = (GetCurrentTimestamp() + CHALLENGE_LIFE) / USECS_PER_SEC * USECS_PER_SEC;
	content = content_of(&challenge, subjects);
	hash_content(content, hash);
	add_challenge(&challenge, hash);

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	add_options(&json, passkeys, hash);
	appendStringInfoString(&json, ", \"content\": ");
	escape_json(&json, content);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Approving */

static TokenText
text_of(const uint8 *bytes, size_t len)
{
	return (TokenText) {bytes, len};
}

/* The assertion, read; raises 22023 if it is none. */
static TokenAssertion *
assertion_argument(FunctionCallInfo fcinfo, int n)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(n);
	TokenAssertion *assertion = palloc(sizeof(TokenAssertion));
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	const char *why = token_webauthn_assertion(text_of((uint8 *) text, strlen(text)), assertion);

	if (why != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is no assertion of a passkey", "assertion"),
				 errdetail("Found: %s.", why),
				 errhint("It is what credential.toJSON() returns in the browser.")));
	return assertion;
}

/* Nobody learns from the answer what was wrong; the record has it. */
static PAYSAFE_NORETURN void
refuse_assertion(const char *why)
{
	paysafe_passkey_refuse("assertion", "the passkey's assertion is not accepted",
						   psprintf("the passkey's assertion is not accepted: %s", why), NULL,
						   "paysafe.refusal_log says why.");
}

/* Somebody tries with what is not the passkey's, one that is named (NULL: none that is known): that counts. */
static PAYSAFE_NORETURN void
refuse_attempt(const Passkey *passkey, const char *why)
{
	(void) paysafe_tried("passkey", passkey ? passkey->actor : NULL, true);
	refuse_assertion(why);
}

/* The passkey that the assertion names and the challenge was made for. */
static Passkey *
asserting_passkey(const TokenAssertion *assertion, const Challenge *challenge)
{
	Passkey    *passkey = paysafe_passkey_find(assertion->credential_id, assertion->credential_id_len);
	const bytea *handle;

	if (passkey == NULL)
		refuse_attempt(NULL, "a passkey that nobody has enrolled");
	/* whoever revokes it waits, and then ends what it has approved here */
	paysafe_passkey_lock(passkey);
	if (passkey->revoked)
		refuse_attempt(passkey, psprintf("passkey " INT64_FORMAT " is revoked", passkey->id));
	/* time for those whom somebody has kept from signing to see it */
	if (passkey->signs_from > GetCurrentTimestamp())
		paysafe_passkey_refuse("waits", psprintf("passkey " INT64_FORMAT " signs nothing yet", passkey->id), NULL,
							   psprintf("Nobody who could sign has approved it: it counts from %s on.", timestamptz_to_str(passkey->signs_from)),
							   "Whoever knows nothing of it has it revoked: paysafe.revoke_passkey.");
	if (!paysafe_passkey_is_of(passkey, challenge->actor))
		refuse_attempt(passkey, "a challenge for somebody else");
	handle = passkey->terms.user_handle;
	if (handle != NULL && assertion->user_handle_len > 0 &&
		(VARSIZE_ANY_EXHDR(handle) != assertion->user_handle_len ||
		 memcmp(VARDATA_ANY(handle), assertion->user_handle, assertion->user_handle_len) != 0))
		refuse_attempt(passkey, "a passkey of another user");
	return passkey;
}

typedef struct Voice
{
	const Person *approver;
	Oid			relation;
} Voice;

static void
check_voice(void *arg)
{
	const Voice *voice = arg;
	ApprovalSubject anything = {0};
	int64		stands_for;

	paysafe_acting_check_voice(voice->approver, voice->relation);
	if (!paysafe_acting_may_approve(voice->approver, GetCurrentTimestamp(), voice->relation, &anything, &stands_for, NULL))
		paysafe_approval_refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("\"%s\" cannot approve this", voice->approver->actor),
								"The registry of people does not let this person approve.", NULL);
}

/* The registry of people knows the owner by name; it must not know the credential as somebody else's. */
static void
check_owner(const Passkey *passkey, const Person *approver, Oid relation)
{
	RegisteredPerson *owner = paysafe_registry_is_used() ?
		paysafe_registry_find(PERSON_PASSKEY, base64url_of(VARDATA_ANY(passkey->credential_id),
														   VARSIZE_ANY_EXHDR(passkey->credential_id))) : NULL;
	RegisteredPerson *person = owner ? paysafe_registry_find(PERSON_NAME, passkey->actor) : NULL;
	Voice		voice = {.approver = approver, .relation = relation};

	if (owner != NULL && (person == NULL || person->id != owner->id))
		refuse_attempt(passkey, "the registry of people has the passkey as somebody else's");
	paysafe_approve_try(approver, check_voice, &voice);
}

static void
check_assertion(const Passkey *passkey, const TokenAssertion *assertion, const uint8 *hash)
{
	TokenAuthenticatorData data;
	const char *why = paysafe_passkey_verify(&passkey->terms, text_of(hash, PAYSAFE_SHA256_LEN),
											 text_of(assertion->client_data, assertion->client_data_len),
											 text_of(assertion->authenticator_data, assertion->authenticator_data_len),
											 text_of(assertion->signature, assertion->signature_len), &data);

	if (why == NULL && passkey->backup_eligible >= 0 &&
		passkey->backup_eligible != ((data.flags & TOKEN_FLAG_BE) != 0))
		why = "whether the passkey may have copies is not as it was enrolled";
	if (why != NULL)
		refuse_attempt(passkey, why);
	if (paysafe_tried("passkey", passkey->actor, false) == TRIED_LOCKED_OUT)
		refuse_assertion("too many from this address have failed");
	paysafe_passkey_count_use(passkey, &data);
}

SignedApproval *
paysafe_passkey_take(FunctionCallInfo fcinfo, int n, Oid relid, const char *key)
{
	SignedApproval *taken = palloc0(sizeof(SignedApproval));
	TokenClientData client;
	const char *why;

	taken->assertion = assertion_argument(fcinfo, n);
	why = token_webauthn_client_data(text_of(taken->assertion->client_data, taken->assertion->client_data_len), &client);
	if (why != NULL)
		refuse_attempt(NULL, why);
	if (client.challenge_len != PAYSAFE_SHA256_LEN)
		refuse_attempt(NULL, "a challenge that is none of ours");
	memcpy(taken->hash, client.challenge, PAYSAFE_SHA256_LEN);
	taken->challenge = take_challenge(taken->hash, relid, key ? key : IN_ADVANCE);
	taken->passkey = asserting_passkey(taken->assertion, taken->challenge);
	check_assertion(taken->passkey, taken->assertion, taken->hash);
	taken->approver = paysafe_person_current();
	taken->approver->actor = taken->passkey->actor;
	taken->approver->level = IDENTITY_PASSKEY;
	check_owner(taken->passkey, taken->approver, relid);
	return taken;
}

void
paysafe_passkey_compare(SignedApproval *taken, List *subjects)
{
	uint8		hash[PAYSAFE_SHA256_LEN];

	taken->content = content_of(taken->challenge, subjects);
	hash_content(taken->content, hash);
	if (memcmp(hash, taken->hash, PAYSAFE_SHA256_LEN) != 0)
		paysafe_passkey_refuse("challenge", "this challenge approves nothing", NULL,
							   "What it was made for has changed since.",
							   "Look at it again, and ask for another one: paysafe.approval_challenge.");
	paysafe_approve_check(taken->challenge->relation, taken->challenge->key, subjects, taken->approver);
}

void
paysafe_passkey_keep(const SignedApproval *taken, List *ids)
{
	const TokenAssertion *assertion = taken->assertion;
	Datum		values[ASSERTION_NCOLUMNS];
	bool		nulls[ASSERTION_NCOLUMNS] = {0};
	Datum	   *approvals = palloc(sizeof(Datum) * list_length(ids));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, ids)
		approvals[n++] = Int64GetDatum(*(int64 *) lfirst(lc));
	values[ASSERTION_CHALLENGE] = paysafe_argument_bytea(taken->hash, PAYSAFE_SHA256_LEN);
	values[ASSERTION_PASSKEY] = Int64GetDatum(taken->passkey->id);
	values[ASSERTION_APPROVALS] = PointerGetDatum(construct_array(approvals, n, INT8OID, 8, true, TYPALIGN_DOUBLE));
	values[ASSERTION_CONTENT] = CStringGetTextDatum(taken->content);
	values[ASSERTION_CLIENT_DATA] = paysafe_argument_bytea(assertion->client_data, assertion->client_data_len);
	values[ASSERTION_AUTHENTICATOR_DATA] = paysafe_argument_bytea(assertion->authenticator_data,
																  assertion->authenticator_data_len);
	values[ASSERTION_SIGNATURE] = paysafe_argument_bytea(assertion->signature, assertion->signature_len);
	values[ASSERTION_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_PASSKEY_ASSERTION, values, nulls);
}

/* What was signed */

typedef struct StoredAssertion
{
	int64		passkey;
	List	   *approvals;		/* of int64 * */
	char	   *content;
	bytea	   *challenge;
	bytea	   *client_data;
	bytea	   *authenticator_data;
	bytea	   *signature;
} StoredAssertion;

static bool
collect_assertion(Relation rel, HeapTuple tuple, void *arg)
{
	List	  **all = arg;
	StoredAssertion *stored = palloc0(sizeof(StoredAssertion));
	Datum		values[ASSERTION_NCOLUMNS];
	bool		nulls[ASSERTION_NCOLUMNS];
	Datum	   *ids;
	int			n;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	stored->passkey = DatumGetInt64(values[ASSERTION_PASSKEY]);
	deconstruct_array(DatumGetArrayTypeP(values[ASSERTION_APPROVALS]), INT8OID, 8, true, TYPALIGN_DOUBLE, &ids, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		int64	   *id = palloc(sizeof(int64));

		*id = DatumGetInt64(ids[i]);
		stored->approvals = lappend(stored->approvals, id);
	}
	stored->content = TextDatumGetCString(values[ASSERTION_CONTENT]);
	stored->challenge = DatumGetByteaPCopy(values[ASSERTION_CHALLENGE]);
	stored->client_data = DatumGetByteaPCopy(values[ASSERTION_CLIENT_DATA]);
	stored->authenticator_data = DatumGetByteaPCopy(values[ASSERTION_AUTHENTICATOR_DATA]);
	stored->signature = DatumGetByteaPCopy(values[ASSERTION_SIGNATURE]);
	*all = lappend(*all, stored);
	return true;
}

void
paysafe_passkey_void_approvals(int64 passkey)
{
	List	   *all = NIL;
	Datum		key = Int64GetDatum(passkey);
	ListCell   *lc;
	ListCell   *lc2;

	paysafe_store_scan(PAYSAFE_PASSKEY_ASSERTION, "passkey_assertion_passkey", 1, &key, collect_assertion, &all);
	foreach(lc, all)
		foreach(lc2, ((StoredAssertion *) lfirst(lc))->approvals)
			paysafe_approval_void(*(int64 *) lfirst(lc2), "its passkey was revoked");
}

static TokenText
text_of_bytea(const bytea *bytes)
{
	return (TokenText) {(const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_approval_challenge);

/*
 * approval_challenge(relation, key, rp_id) returns jsonb
 */
Datum
paysafe_approval_challenge(PG_FUNCTION_ARGS)
{
	char	   *key;

	PreventCommandIfReadOnly("paysafe.approval_challenge()");
	paysafe_approval_check_own_code("paysafe.approval_challenge");
	for (int i = 0; i < 2; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : "key");
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	PG_RETURN_DATUM(paysafe_passkey_ask(PG_GETARG_OID(0), key, paysafe_approve_subjects(PG_GETARG_OID(0), key),
										PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))));
}

PG_FUNCTION_INFO_V1(paysafe_approve_with_passkey);

/*
 * approve_with_passkey(relation, key, assertion jsonb, reason, ticket, expires_at) returns bigint: the
 * last approval's id, as paysafe.approve
 */
Datum
paysafe_approve_with_passkey(PG_FUNCTION_ARGS)
{
	SignedApproval *taken;
	List	   *subjects;
	List	   *ids;
	Oid			relid;
	char	   *key;
	char	   *reason;

	PreventCommandIfReadOnly("paysafe.approve_with_passkey()");
	paysafe_approval_check_own_code("paysafe.approve_with_passkey");
	for (int i = 0; i < 3; i++)
		paysafe_argument_required(fcinfo, i, i == 0 ? "relation" : i == 1 ? "key" : "assertion");
	reason = paysafe_argument_reason(fcinfo, 3, "reason", "an approval");
	relid = PG_GETARG_OID(0);
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	taken = paysafe_passkey_take(fcinfo, 2, relid, key);
	subjects = paysafe_approve_subjects(relid, key);
	paysafe_passkey_compare(taken, subjects);
	ids = paysafe_approve_record(relid, key, subjects, taken->approver, reason,
								 PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)),
								 PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5));
	paysafe_passkey_keep(taken, ids);
	PG_RETURN_INT64(*(int64 *) llast(ids));
}

PG_FUNCTION_INFO_V1(paysafe_verify_passkey_assertion);

/*
 * verify_passkey_assertion(challenge bytea) returns boolean: is the stored assertion over this challenge
 * good, and the challenge that of its content?  NULL if none is stored.
 */
Datum
paysafe_verify_passkey_assertion(PG_FUNCTION_ARGS)
{
	Datum		challenge = PG_GETARG_DATUM(0);
	List	   *all = NIL;
	const StoredAssertion *stored;
	const Passkey *passkey;
	TokenAuthenticatorData data;
	uint8		hash[PAYSAFE_SHA256_LEN];

	paysafe_store_scan(PAYSAFE_PASSKEY_ASSERTION, "passkey_assertion_pkey", 1, &challenge, collect_assertion, &all);
	if (all == NIL)
		PG_RETURN_NULL();
	stored = linitial(all);
	passkey = paysafe_passkey_numbered(stored->passkey);
	hash_content(stored->content, hash);
	PG_RETURN_BOOL(passkey != NULL && VARSIZE_ANY_EXHDR(stored->challenge) == PAYSAFE_SHA256_LEN &&
				   memcmp(hash, VARDATA_ANY(stored->challenge), PAYSAFE_SHA256_LEN) == 0 &&
				   paysafe_passkey_verify(&passkey->terms, text_of(hash, sizeof(hash)), text_of_bytea(stored->client_data),
										  text_of_bytea(stored->authenticator_data),
										  text_of_bytea(stored->signature), &data) == NULL);
}
