/*-------------------------------------------------------------------------
 *
 * witness.c
 *	  Cosignatures of witnesses, and which of them make a checkpoint good.
 *
 * A witness signs a checkpoint once it has seen that it goes on from the one that it
 * signed before.  Whom to count as one, and how many of them it takes, is declared in the
 * words of c2sp.org/tlog-policy, and changed by two people: who could do so alone could
 * be all witnesses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "engine/loosening.h"
#include "evidence/publish/witness.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/own_table.h"
#include "tlog/policy.h"
#include "values/spec.h"

/* Columns of paysafe.seal_policy. */
enum
{
	POLICY_VERSION, POLICY_POLICY, POLICY_REASON, POLICY_ACTOR, POLICY_AT,
	POLICY_NCOLUMNS
};

/* The policy in force. */
typedef struct PolicyVersion
{
	int			version;		/* 0: there is none */
	char	   *text;
} PolicyVersion;

static bool
take_newest(Relation rel, HeapTuple tuple, void *arg)
{
	PolicyVersion    *policy = arg;
	bool		isnull;

	policy->version = DatumGetInt32(heap_getattr(tuple, POLICY_VERSION + 1, RelationGetDescr(rel), &isnull));
	policy->text = paysafe_store_text(tuple, RelationGetDescr(rel), POLICY_POLICY);
	return false;
}

static void
find_policy(PolicyVersion *policy)
{
	memset(policy, 0, sizeof(*policy));
	paysafe_store_seek(PAYSAFE_SEAL_POLICY, "seal_policy_pkey", 0, NULL, InvalidStrategy, (Datum) 0,
					   true, NULL, take_newest, policy);
}

/* Parse it; raises 22023.  The result refers to text. */
static TlogPolicy *
parse_policy(const char *text)
{
	TlogPolicy *policy = palloc(sizeof(TlogPolicy));
	int			line = 0;
	const char *trouble = tlog_policy_parse((TlogText) {text, strlen(text)}, policy, &line);

	if (trouble != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("line %d of the policy is wrong: %s", line, trouble),
				 errhint("The form is that of c2sp.org/tlog-policy, each line with its newline.")));
	return policy;
}

/* The text of a signed note: all before the signatures. */
static char *
signed_text(const char *note)
{
	TlogNote   *parsed = palloc(sizeof(TlogNote));

	if (!tlog_note_parse((TlogText) {note, strlen(note)}, parsed))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a stored checkpoint is no signed note")));
	return pnstrdup(parsed->text.at, parsed->text.len);
}

/* The witness whose key the signature says it is by; NULL: of none. */
static const TlogKey *
witness_of(const TlogPolicy *policy, const TlogSignature *signature)
{
	for (int i = 0; i < policy->nnames; i++)
		if (policy->names[i].witness && policy->names[i].key.id == signature->id &&
			tlog_text_is(signature->name, policy->names[i].key.name))
			return &policy->names[i].key;
	return NULL;
}

static uint64
lock_hash(const Checkpoint *checkpoint)
{
	int64		both[2] = {checkpoint->incarnation, checkpoint->size};

	return DatumGetUInt64(hash_any_extended((unsigned char *) both, sizeof(both), 0));
}

/* Store those that the policy knows. */
static char *
accept_note(const Checkpoint *checkpoint, const TlogPolicy *policy, const TlogNote *note, int *added)
{
	int			known = 0;
	int			before = *added;

	for (int i = 0; i < note->n; i++)
	{
		const TlogSignature *signature = &note->signatures[i];
		const TlogKey *key = witness_of(policy, signature);

		if (key == NULL)
			continue;
		if (tlog_checkpoint_verdict(note, key, NULL) != TLOG_GOOD_SIGNATURE)
			return psprintf("the cosignature of \"%s\" is not one of this checkpoint", key->name);
		known++;
	}
	if (known == 0)
		return pstrdup("no signature in it is of a witness that the policy in force names");
	(void) paysafe_store_lock_value(PAYSAFE_SEAL_COSIGNATURE, lock_hash(checkpoint), false);
	for (int i = 0; i < note->n; i++)
	{
		const TlogSignature *signature = &note->signatures[i];
		const TlogKey *key = witness_of(policy, signature);

		if (key != NULL &&
			paysafe_checkpoint_add_cosignature(checkpoint, pnstrdup(signature->line.at, signature->line.len - 1), key->name))
			(*added)++;
	}
	if (*added > before)
		paysafe_checkpoint_count_cosignatures(checkpoint, *added - before);
	return NULL;
}

char *
paysafe_witness_accept(const Checkpoint *checkpoint, const char *text, int *added)
{
	char	   *expected = signed_text(checkpoint->note);
	char	   *whole = strncmp(text, "\xE2\x80\x94 ", 4) == 0 ? psprintf("%s\n%s", expected, text) : pstrdup(text);
	TlogNote   *note = palloc(sizeof(TlogNote));
	PolicyVersion		policy;
	int			ignored = 0;

	find_policy(&policy);
	if (policy.version == 0)
		return pstrdup("no policy says who is a witness");
	if (!tlog_note_parse((TlogText) {whole, strlen(whole)}, note))
		return pstrdup("it is neither a signed note nor lines of signatures");
	if (!tlog_text_is(note->text, expected))
		return pstrdup("it is another checkpoint than the one that was signed here");
	return accept_note(checkpoint, parse_policy(policy.text), note, added != NULL ? added : &ignored);
}

char *
paysafe_witness_check_log(const char *origin, const char *text, bool needed)
{
	TlogNote   *note = palloc(sizeof(TlogNote));
	PolicyVersion in_force;
	TlogPolicy *policy;
	bool		named = false;
	bool		good = false;

	find_policy(&in_force);
	if (in_force.version == 0 || !tlog_note_parse((TlogText) {text, strlen(text)}, note))
		return NULL;
	policy = parse_policy(in_force.text);
	for (int i = 0; i < policy->nlogs; i++)
	{
		if (strcmp(policy->logs[i].name, origin) != 0)
			continue;
		named = true;
		switch (tlog_checkpoint_verdict(note, &policy->logs[i], NULL))
		{
			case TLOG_GOOD_SIGNATURE:
				good = true;
				break;
			case TLOG_BAD_SIGNATURE:
				return psprintf("the signature of the key %08x of the log, which the policy names, is not one of this checkpoint",
								policy->logs[i].id);
			case TLOG_NO_SIGNATURE:
			case TLOG_UNSUPPORTED_KEY:
				break;
		}
	}
	return !needed || !named || good ? NULL :
		pstrdup("the checkpoint is signed by none of the log's keys that the policy names");
}

bool
paysafe_witness_has_policy(void)
{
	PolicyVersion		policy;

	find_policy(&policy);
	return policy.version > 0;
}

bool
paysafe_witness_is_good(const char *message)
{
	TlogNote   *note = palloc(sizeof(TlogNote));
	PolicyVersion		policy;

	find_policy(&policy);
	return policy.version > 0 && tlog_note_parse((TlogText) {message, strlen(message)}, note) &&
		tlog_policy_verdict(parse_policy(policy.text), note, NULL) == TLOG_POLICY_MET;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_checkpoint_is_good);

/*
 * checkpoint_is_good(note text) returns boolean: by the policy in force; NULL without one
 */
Datum
paysafe_checkpoint_is_good(PG_FUNCTION_ARGS)
{
	if (!paysafe_witness_has_policy())
		PG_RETURN_NULL();
	PG_RETURN_BOOL(paysafe_witness_is_good(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

/* A key as it is compared, whatever its line looks like. */
static char *
key_words(const TlogKey *key)
{
	char	   *hex = palloc0(2 * TLOG_PUBLIC_MAX + 1);

	hex_encode((const char *) key->public_key, key->public_len, hex);
	return psprintf("%s %08x %d %s", key->name, key->id, (int) key->type, hex);
}

/* Of how many of which members a group is, in a digest: groups of groups are no longer than others. */
static char *
group_words(const TlogPolicyName *group, char **words, int nwords)
{
	StringInfoData bytes;
	uint8		digest[PAYSAFE_SHA256_LEN];
	char	   *hex = palloc0(2 * PAYSAFE_SHA256_LEN + 1);
	List	   *members = NIL;

	for (int i = 0; i < nwords; i++)
		if (group->member[i])
			members = lappend(members, words[i]);
	initStringInfo(&bytes);
	appendStringInfo(&bytes, "%d of %s", group->threshold, paysafe_strings_join(paysafe_strings_sorted(members)));
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
	hex_encode((const char *) digest, PAYSAFE_SHA256_LEN, hex);
	return hex;
}

/* Which logs, which witnesses, and the quorum, whatever groups are called, without comments, addresses and the order of lines. */
static char *
policy_comes_to(const TlogPolicy *policy)
{
	char	  **words = palloc0(sizeof(char *) * TLOG_POLICY_NAMES);
	List	   *logs = NIL;
	List	   *witnesses = NIL;

	for (int i = 0; i < policy->nlogs; i++)
		logs = lappend(logs, key_words(&policy->logs[i]));
	for (int i = 0; i < policy->nnames; i++)
	{
		words[i] = policy->names[i].witness ? key_words(&policy->names[i].key) : group_words(&policy->names[i], words, i);
		if (policy->names[i].witness)
			witnesses = lappend(witnesses, words[i]);
	}
	return psprintf("policy: logs %s; witnesses %s; quorum %s", paysafe_strings_join(paysafe_strings_sorted(logs)),
					paysafe_strings_join(paysafe_strings_sorted(witnesses)),
					policy->quorum < 0 ? "none" : words[policy->quorum]);
}

/* Changing it takes two; the first one is a declaration. */
static bool
authorize(const PolicyVersion *old, const char *text, const char *reason)
{
	SpecBuilder before;
	SpecBuilder after;
	ProposedChange change = {
		.approved_as = PAYSAFE_MAINTENANCE_RECORD,
		.name = "policy",
		.version = old->version + 1,
		.message = "changing the policy of witnesses needs the approval of a second person"
	};

	if (old->version == 0)
		return true;
	paysafe_spec_begin(&before);
	paysafe_spec_add_text(&before, "policy", old->text);
	change.before = paysafe_spec_end(&before);
	paysafe_spec_begin(&after);
	paysafe_spec_add_text(&after, "policy", text);
	paysafe_spec_add_text(&after, "reason", reason);
	change.after = paysafe_spec_end(&after);
	change.content = psprintf("maintenance of the policy of witnesses, version %d: %s instead of %s; %s",
							  change.version, quote_literal_cstr(text), quote_literal_cstr(old->text), reason);
	change.comes_to = policy_comes_to(parse_policy(text));
	change.difference = psprintf("policy of witnesses: %s", text);
	change.loosens = change.difference;
	return paysafe_loosening_authorize(&change);
}

PG_FUNCTION_INFO_V1(paysafe_set_seal_policy);

/*
 * set_seal_policy(policy text, reason text) returns integer: its version, or NULL if it is
 * only proposed
 */
Datum
paysafe_set_seal_policy(PG_FUNCTION_ARGS)
{
	char	   *text = paysafe_argument_text(fcinfo, 0, "policy", TLOG_POLICY_MAX);
	char	   *reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 1, "reason", "a policy of witnesses"));
	Datum		values[POLICY_NCOLUMNS];
	bool		nulls[POLICY_NCOLUMNS] = {0};
	PolicyVersion		old;

	(void) parse_policy(text);
	(void) paysafe_store_lock_value(PAYSAFE_SEAL_POLICY, 0, false);
	find_policy(&old);
	if (!authorize(&old, text, reason))
		PG_RETURN_NULL();
	paysafe_store_complete();
	values[POLICY_VERSION] = Int32GetDatum(old.version + 1);
	values[POLICY_POLICY] = CStringGetTextDatum(text);
	values[POLICY_REASON] = CStringGetTextDatum(reason);
	values[POLICY_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[POLICY_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_SEAL_POLICY, values, nulls);
	PG_RETURN_INT32(old.version + 1);
}
