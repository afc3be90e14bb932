/*-------------------------------------------------------------------------
 *
 * passkey_enrol.c
 *	  Passkeys come by two people, and go by one.
 *
 * Who may enrol a passkey for somebody can approve as that person.  So a new one needs an
 * approval that was signed by the passkey of somebody else: no application can
 * make one up.  The passkeys of the first two people cannot be had that way; the owner of the
 * extension enrols them, once, and it is on record that it was so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "engine/approver_level.h"
#include "engine/loosening.h"
#include "engine/passkey_challenge.h"
#include "engine/proposal.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/name.h"
#include "people/passkey.h"
#include "people/registry.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "token/base64url.h"
#include "token/cose.h"
#include "values/spec.h"

#define MAX_ACTOR_LEN	200		/* bytes, as act_as has it */
#define MAX_REASON_LEN	1000

enum
{
	ARG_ACTOR, ARG_CREDENTIAL, ARG_KEY, ARG_RP_ID, ARG_ORIGINS, ARG_REASON, ARG_TICKET,
	ARG_USER_VERIFICATION, ARG_TOP_ORIGINS, ARG_SIGN_COUNT, ARG_BACKUP_ELIGIBLE, ARG_USER_HANDLE
};

/* Arguments */

static PAYSAFE_NORETURN void
bad_argument(const char *argument, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" is not possible", argument),
			 errdetail("%s", why)));
	pg_unreachable();
}

static bytea *
bytes_argument(FunctionCallInfo fcinfo, int n, const char *argument, size_t max)
{
	bytea	   *bytes = PG_GETARG_BYTEA_P_COPY(n);

	if (VARSIZE_ANY_EXHDR(bytes) == 0 || VARSIZE_ANY_EXHDR(bytes) > max)
		bad_argument(argument, psprintf("It has 1 to %zu bytes.", max));
	return bytes;
}

/* Of printable ASCII characters only, and none that would end it in a list. */
static bool
is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr(",;'\"\\", *c) != NULL)
			return false;
	return true;
}

/* Origins as browsers write them: "" only if that is allowed. */
static List *
origins_argument(FunctionCallInfo fcinfo, int n, const char *argument, bool empty_ok)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);
	List	   *origins = paysafe_passkey_texts(array);
	ListCell   *lc;

	if (list_length(origins) > PAYSAFE_PASSKEY_MAX_ORIGINS || array_contains_nulls(array) || ARR_NDIM(array) > 1)
		bad_argument(argument, psprintf("It is a list of at most %d origins.", PAYSAFE_PASSKEY_MAX_ORIGINS));
	foreach(lc, origins)
	{
		const char *origin = lfirst(lc);
		const char *colon = strchr(origin, ':');

		if (empty_ok && origin[0] == '\0')
			continue;
		if (strlen(origin) > TOKEN_ORIGIN_MAX || !is_plain(origin) || colon == NULL || colon == origin ||
			(strncmp(colon, "://", 3) == 0 && (strchr(colon + 3, '/') != NULL || colon[3] == '\0')))
			bad_argument(argument, "An origin is what the browser writes: \"https://pay.example\", without a slash at its end.");
	}
	return origins;
}

static char *
rp_id_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *rp_id = paysafe_argument_text(fcinfo, n, "rp_id", PAYSAFE_PASSKEY_RP_ID_MAX);

	if (strspn(rp_id, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(rp_id))
		bad_argument("rp_id", "It is a domain in small letters: \"pay.example\".");
	return rp_id;
}

static char *
actor_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *actor = paysafe_argument_readable(fcinfo, n, "actor", MAX_ACTOR_LEN);

	if (actor[0] == ' ' || actor[strlen(actor) - 1] == ' ')
		bad_argument("actor", "It has no blanks around it.");
	for (const char *c = actor; *c; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			bad_argument("actor", "It has no control characters.");
	paysafe_name_check(actor, "actor");
	return actor;
}

static void
read_arguments(FunctionCallInfo fcinfo, Passkey *passkey, PasskeyEnrolment *enrolment)
{
	static const char *const required[] = {"actor", "credential_id", "cose_key", "rp_id", "origins", "reason"};
	TokenCoseKey cose;
	const char *why;

	paysafe_argument_all_required(fcinfo, required, lengthof(required));
	for (int i = ARG_USER_VERIFICATION; i <= ARG_SIGN_COUNT; i++)
		paysafe_argument_required(fcinfo, i, i == ARG_USER_VERIFICATION ? "user_verification" :
								  i == ARG_TOP_ORIGINS ? "top_origins" : "sign_count");
	passkey->actor = actor_argument(fcinfo, ARG_ACTOR);
	passkey->credential_id = bytes_argument(fcinfo, ARG_CREDENTIAL, "credential_id", TOKEN_CREDENTIAL_ID_MAX);
	passkey->terms.cose_key = bytes_argument(fcinfo, ARG_KEY, "cose_key", TOKEN_COSE_MAX);
	why = paysafe_passkey_key_fault(passkey->terms.cose_key);
	if (why != NULL)
		bad_argument("cose_key", psprintf("It is %s.", why));
	(void) token_cose_read((uint8 *) VARDATA(passkey->terms.cose_key), VARSIZE(passkey->terms.cose_key) - VARHDRSZ, &cose);
	enrolment->algorithm = token_cose_name(cose.algorithm);
	passkey->terms.rp_id = rp_id_argument(fcinfo, ARG_RP_ID);
	passkey->terms.origins = origins_argument(fcinfo, ARG_ORIGINS, "origins", false);
	if (passkey->terms.origins == NIL)
		bad_argument("origins", "Without an origin nothing could be signed.");
	enrolment->reason = paysafe_argument_readable(fcinfo, ARG_REASON, "reason", MAX_REASON_LEN);
	enrolment->ticket = paysafe_argument_optional(fcinfo, ARG_TICKET, "ticket", MAX_REASON_LEN);
	passkey->terms.user_verification = PG_GETARG_BOOL(ARG_USER_VERIFICATION);
	passkey->terms.top_origins = origins_argument(fcinfo, ARG_TOP_ORIGINS, "top_origins", true);
	enrolment->sign_count = PG_GETARG_INT64(ARG_SIGN_COUNT);
	if (enrolment->sign_count < 0 || enrolment->sign_count > PG_UINT32_MAX)
		bad_argument("sign_count", "It is a number of 32 bits.");
	passkey->backup_eligible = PG_ARGISNULL(ARG_BACKUP_ELIGIBLE) ? -1 : PG_GETARG_BOOL(ARG_BACKUP_ELIGIBLE);
	passkey->terms.user_handle = PG_ARGISNULL(ARG_USER_HANDLE) ? NULL :
		bytes_argument(fcinfo, ARG_USER_HANDLE, "user_handle", TOKEN_USER_HANDLE_MAX);
}

/* The change, for whoever approves it */

static char *
hex_of(const void *bytes, size_t len)
{
	char	   *hex = palloc(2 * len + 1);

	hex[hex_encode(bytes, len, hex)] = '\0';
	return hex;
}

static char *
base64url_of(const bytea *bytes)
{
	size_t		len = VARSIZE_ANY_EXHDR(bytes);
	char	   *text = palloc(TOKEN_BASE64URL_LEN(len) + 1);

	(void) token_base64url_write(VARDATA_ANY(bytes), len, text);
	return text;
}

static char *
list_of(List *strings)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, strings)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
						 *(char *) lfirst(lc) ? (char *) lfirst(lc) : "any that is not told");
	return text.data;
}

/* All of it: two passkeys never have the same. */
static char *
content_of(const Passkey *passkey, const PasskeyEnrolment *enrolment)
{
	const PasskeyTerms *terms = &passkey->terms;
	uint8		key[PAYSAFE_SHA256_LEN];
	StringInfoData text;

	paysafe_crypto_sha256(VARDATA_ANY(terms->cose_key), VARSIZE_ANY_EXHDR(terms->cose_key), key);
	initStringInfo(&text);
	appendStringInfo(&text, "passkey of %s: %s %s, key %s, for %s from %s", quote_literal_cstr(passkey->actor),
					 enrolment->algorithm, base64url_of(passkey->credential_id), hex_of(key, sizeof(key)),
					 terms->rp_id, list_of(terms->origins));
	if (terms->top_origins != NIL)
		appendStringInfo(&text, "; within %s", list_of(terms->top_origins));
	if (!terms->user_verification)
		appendStringInfoString(&text, "; anybody may hold it");
	if (passkey->backup_eligible >= 0)
		appendStringInfoString(&text, passkey->backup_eligible ? "; may have copies" : "; has no copies");
	if (terms->user_handle != NULL)
		appendStringInfo(&text, "; user %s", base64url_of(terms->user_handle));
	appendStringInfo(&text, "; counter " INT64_FORMAT, enrolment->sign_count);
	return text.data;
}

/* Who signs. */
typedef enum Signers
{
	ONE_OTHER,
	TWO_OTHERS,
	OTHER_AND_OWNER,
	LAST_HOLDER,				/* of all, for whomever it is */
	NOBODY_LEFT					/* two others approve, who cannot sign */
} Signers;

/*
 * One person with a passkey, and an application that claims to be others, must not make up a third one: where
 * two others have ever had one, it takes two of them.  Who revokes one does not do with fewer.  Where only
 * one other has, that one must not become the only other person there is: who has ever had one signs, too.
 */
static Signers
signers(const Passkey *passkey)
{
	int			active;
	int			ever;
	int			all;

	paysafe_passkey_count(NULL, &active, &all);
	paysafe_passkey_count(passkey->actor, &active, &ever);
	return ever >= 2 ? TWO_OTHERS : ever == 1 && all > ever ? OTHER_AND_OWNER : ONE_OTHER;
}

/*
 * The same where the owner of the extension enrols, because not enough are left who could sign: whoever is
 * left signs.
 */
static Signers
left_signers(const Passkey *passkey)
{
	int			active;
	int			others;
	int			ever;

	paysafe_passkey_count(NULL, &active, &ever);
	paysafe_passkey_count(passkey->actor, &others, &ever);
	return active == 0 ? NOBODY_LEFT : others == 0 ? LAST_HOLDER : ONE_OTHER;
}

/*
 * How well it must be known who approves it.  Where nobody is left who could sign, a passkey cannot be asked
 * for, even if changes demand one; a token can, if one can be verified.
 */
static IdentityLevel
identity_of(Signers by)
{
	if (by != NOBODY_LEFT)
		return IDENTITY_PASSKEY;
	return paysafe_approver_level() == IDENTITY_PROVEN || paysafe_store_has(PAYSAFE_TOKEN_KEY_RECORD, NULL, 0, NULL) ?
		IDENTITY_PROVEN : IDENTITY_NONE;
}

static const char *
message_of(Signers by)
{
	switch (by)
	{
		case ONE_OTHER:
			return "a passkey needs the approval of a second person";
		case OTHER_AND_OWNER:
			return "a passkey needs the approval of its owner, by one that they have, and of another person";
		case LAST_HOLDER:
			return "a passkey needs the approval of the only one who has a passkey";
		case TWO_OTHERS:
		case NOBODY_LEFT:
			break;
	}
	return "a passkey needs the approval of two other people";
}

/* Nobody of those who would have to sign is left, or one of two is: another way than their signatures. */
static void
check_bootstrap(const Passkey *passkey, int active)
{
	int			others;
	int			ever;

	paysafe_passkey_count(passkey->actor, &others, &ever);
	if (active >= 2 && (others >= 2 || ever < 2))
		paysafe_passkey_refuse("bootstrap", "two people have passkeys: others are enrolled with their approval",
							   NULL, NULL, "Use paysafe.add_passkey.");
}

/* May it be enrolled?  False: it is proposed only. */
static bool
authorize(const Passkey *passkey, PasskeyEnrolment *enrolment, Signers by)
{
	SpecBuilder spec;
	ProposedChange change = {
		.approved_as = PAYSAFE_PASSKEY_RECORD,
		.name = "passkey",
		.version = 1,
		.identity = identity_of(by),
		.recovers = by == NOBODY_LEFT,
		.approvers = by == ONE_OTHER || by == LAST_HOLDER ? 1 : 2,
		.beneficiary = by == OTHER_AND_OWNER || by == LAST_HOLDER ? NULL : passkey->actor,
		.message = message_of(by)
	};

	change.content = content_of(passkey, enrolment);
	change.difference = change.loosens = change.content;
	change.comes_to = psprintf("%s %s", base64url_of(passkey->credential_id), passkey->actor);
	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "actor", passkey->actor);
	paysafe_spec_add_text(&spec, "credential_id", base64url_of(passkey->credential_id));
	paysafe_spec_add_text(&spec, "algorithm", enrolment->algorithm);
	paysafe_spec_add_text(&spec, "rp_id", passkey->terms.rp_id);
	paysafe_spec_add_set(&spec, "origins", passkey->terms.origins);
	paysafe_spec_add_text(&spec, "reason", enrolment->reason);
	change.after = paysafe_spec_end(&spec);
	enrolment->change = paysafe_proposal_key(change.content);
	return paysafe_loosening_authorize(&change);
}

/*
 * One credential is one person's for ever, and so is a key: whatever credential it comes as, it
 * is the same device.
 */
static void
check_new(const Passkey *passkey)
{
	int64		id;

	if (paysafe_passkey_find(VARDATA_ANY(passkey->credential_id), VARSIZE_ANY_EXHDR(passkey->credential_id)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("this passkey has been enrolled before"),
				 errdetail("Key (credential_id)=(%s) already exists.", base64url_of(passkey->credential_id)),
				 errhint("A credential belongs to one person for ever. Have another one made.")));
	id = paysafe_passkey_of_key(passkey->terms.cose_key);
	if (id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("this passkey has been enrolled before"),
				 errdetail("It has the key of passkey " INT64_FORMAT ".", id),
				 errhint("A key belongs to one person for ever. Have another one made.")));
}

/* Whose it is must be one who may approve, and the registry of people must not have it as somebody else's. */
static void
check_owner(const Passkey *passkey)
{
	RegisteredPerson *person;
	RegisteredPerson *owner;

	if (!paysafe_registry_is_used())
		return;
	person = paysafe_registry_find(PERSON_NAME, passkey->actor);
	owner = paysafe_registry_find(PERSON_PASSKEY, base64url_of(passkey->credential_id));
	if (person != NULL && (person->service || person->disabled))
		paysafe_passkey_refuse("owner", psprintf("\"%s\" gets no passkey", person->name), NULL,
							   person->service ? "It is a service, which approves nothing." : "This person is disabled.", NULL);
	if (owner != NULL && (person == NULL || person->id != owner->id))
		paysafe_passkey_refuse("owner", psprintf("the registry of people has this passkey as that of \"%s\"", owner->name),
							   NULL, NULL, "Enrol it for the person whose alias it is.");
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_add_passkey);

/*
 * add_passkey(actor, credential_id, cose_key, rp_id, origins, reason, ticket, user_verification,
 * top_origins, sign_count, backup_eligible, user_handle) returns bigint, NULL if it is only proposed
 */
Datum
paysafe_add_passkey(PG_FUNCTION_ARGS)
{
	Passkey		passkey = {0};
	PasskeyEnrolment enrolment = {.how = "approved"};

	PreventCommandIfReadOnly("paysafe.add_passkey()");
	read_arguments(fcinfo, &passkey, &enrolment);
	(void) paysafe_store_lock_value(PAYSAFE_PASSKEY_RECORD, 0, false);
	check_new(&passkey);
	check_owner(&passkey);
	if (!authorize(&passkey, &enrolment, signers(&passkey)))
		PG_RETURN_NULL();
	PG_RETURN_INT64(paysafe_passkey_add(&passkey, &enrolment));
}

PG_FUNCTION_INFO_V1(paysafe_bootstrap_passkey);

/*
 * bootstrap_passkey(the same) returns bigint: those of the first two people; later, if too few are
 * left who could sign, with the signature of who is left, or the approval of two people
 */
Datum
paysafe_bootstrap_passkey(PG_FUNCTION_ARGS)
{
	Passkey		passkey = {0};
	PasskeyEnrolment enrolment = {.how = "bootstrap"};
	int			active;
	int			ever;
	int64		id;

	PreventCommandIfReadOnly("paysafe.bootstrap_passkey()");
	paysafe_approval_check_own_code("paysafe.bootstrap_passkey");
	read_arguments(fcinfo, &passkey, &enrolment);
	if (!has_privs_of_role(GetUserId(), paysafe_catalog_owner()))
		paysafe_passkey_refuse("bootstrap", "the first passkeys are enrolled by the owner of the extension paysafe",
							   NULL, NULL, "Others: paysafe.add_passkey, approved by another person's passkey.");
	(void) paysafe_store_lock_value(PAYSAFE_PASSKEY_RECORD, 0, false);
	check_new(&passkey);
	check_owner(&passkey);
	paysafe_passkey_count(NULL, &active, &ever);
	check_bootstrap(&passkey, active);
	if (ever >= 2)
	{
		/* who takes the last ones away does not begin anew alone */
		Signers		left = left_signers(&passkey);

		enrolment.how = left == NOBODY_LEFT ? PAYSAFE_PASSKEY_UNSIGNED : "recovery";
		if (!authorize(&passkey, &enrolment, left))
			PG_RETURN_NULL();
	}
	id = paysafe_passkey_add(&passkey, &enrolment);
	ereport(LOG,
			(errmsg("passkey " INT64_FORMAT " is enrolled by the owner of the extension (%s): %s", id, enrolment.how,
					paysafe_redact_string(content_of(&passkey, &enrolment)))));
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(paysafe_revoke_passkey);

/*
 * revoke_passkey(passkey bigint, reason text) returns boolean: false if it was revoked before
 */
Datum
paysafe_revoke_passkey(PG_FUNCTION_ARGS)
{
	char	   *reason;

	PreventCommandIfReadOnly("paysafe.revoke_passkey()");
	paysafe_approval_check_own_code("paysafe.revoke_passkey");
	paysafe_argument_required(fcinfo, 0, "passkey");
	reason = paysafe_argument_reason(fcinfo, 1, "reason", "revoking a passkey");
	if (paysafe_passkey_numbered(PG_GETARG_INT64(0)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no passkey " INT64_FORMAT, PG_GETARG_INT64(0)),
				 errhint("paysafe.passkey has those that there are.")));
	if (!paysafe_passkey_revoke(PG_GETARG_INT64(0), reason))
		PG_RETURN_BOOL(false);
	paysafe_passkey_void_approvals(PG_GETARG_INT64(0));
	PG_RETURN_BOOL(true);
}
