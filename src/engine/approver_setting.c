/*-------------------------------------------------------------------------
 *
 * approver_setting.c
 *	  Asking more of who approves changes of rules, or less.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "engine/approver_level.h"
#include "engine/loosening.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/passkey.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

static const char *
level_words(IdentityLevel level)
{
	return level == IDENTITY_PASSKEY ? "signed by a passkey" :
		level == IDENTITY_PROVEN ? "given by a proven person" : "given by whoever says so";
}

/* NULL, "proven" or "passkey" */
static IdentityLevel
level_argument(FunctionCallInfo fcinfo)
{
	char	   *name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	IdentityLevel level = paysafe_identity_parse(name);

	if (name != NULL && level < IDENTITY_PROVEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be NULL, \"proven\" or \"passkey\"", "identity")));
	return level;
}

/* What nobody can give must not be asked for: it could not even be taken back. */
static void
check_reachable(IdentityLevel level)
{
	int			active = 2;
	int			ever;

	if (level == IDENTITY_PASSKEY)
		paysafe_passkey_count(NULL, &active, &ever);
	if (active < 2 || (level == IDENTITY_PROVEN && !paysafe_store_has(PAYSAFE_TOKEN_KEY_RECORD, NULL, 0, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg(level == IDENTITY_PASSKEY ? "fewer than two people have passkeys" : "nobody's token can be verified"),
				 errhint(level == IDENTITY_PASSKEY ? "Enrol them first: paysafe.bootstrap_passkey, paysafe.add_passkey." :
						 "Declare an issuer first: paysafe.set_token_issuer, paysafe.set_token_key.")));
}

/* Less is asked for: two people, as well known as it was.  False: it is proposed only. */
static bool
authorize(IdentityLevel old_level, IdentityLevel new_level)
{
	SpecBuilder spec;
	char	   *words = psprintf("lets approvals of changes count that are %s, not %s",
								 level_words(new_level), level_words(old_level));
	ProposedChange change = {
		.approved_as = PAYSAFE_APPROVER_SETTING,
		.name = "approvers",
		.version = 1,
		.difference = words,
		.loosens = words,
		.content = psprintf("approvers: %s", paysafe_proposal_after(words, paysafe_store_last(PAYSAFE_APPROVER_SETTING, NULL, 0, NULL))),
		.comes_to = words,
		.message = "asking for less of approvers needs the approval of a second person",
		.identity = old_level
	};

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "identity", paysafe_identity_name(new_level));
	change.after = paysafe_spec_end(&spec);
	return paysafe_loosening_authorize(&change);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_require_approver_identity);

/*
 * require_approver_identity(identity, reason) returns boolean: false if it is proposed only
 */
Datum
paysafe_require_approver_identity(PG_FUNCTION_ARGS)
{
	IdentityLevel level = level_argument(fcinfo);
	IdentityLevel old_level;
	Person	   *person = paysafe_person_current();
	Datum		values[APPROVER_SETTING_NCOLUMNS];
	bool		nulls[APPROVER_SETTING_NCOLUMNS] = {0};
	char	   *reason;

	PreventCommandIfReadOnly("paysafe.require_approver_identity()");
	paysafe_approval_check_own_code("paysafe.require_approver_identity");
	reason = paysafe_argument_reason(fcinfo, 1, "reason", "asking more of approvers, or less,");
	(void) paysafe_store_lock_value(PAYSAFE_APPROVER_SETTING, 0, false);
	old_level = paysafe_approver_level();
	if (level == old_level)
		PG_RETURN_BOOL(true);
	if (level > old_level)
		check_reachable(level);
	else if (!authorize(old_level, level))
		PG_RETURN_BOOL(false);
	values[APPROVER_SETTING_ID] = Int64GetDatum(nextval_internal(get_relname_relid("approver_setting_id_seq", paysafe_catalog_schema()), false));
	nulls[APPROVER_SETTING_IDENTITY] = level == IDENTITY_NONE;
	values[APPROVER_SETTING_IDENTITY] = CStringGetTextDatum(paysafe_identity_name(level));
	values[APPROVER_SETTING_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	values[APPROVER_SETTING_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[APPROVER_SETTING_LOGIN] = CStringGetTextDatum(person->login);
	values[APPROVER_SETTING_SESSION_USER] = CStringGetTextDatum(person->session_user_name);
	values[APPROVER_SETTING_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	paysafe_store_insert(PAYSAFE_APPROVER_SETTING, values, nulls);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(paysafe_required_approver_identity);

/*
 * required_approver_identity() returns text: NULL if none is
 */
Datum
paysafe_required_approver_identity(PG_FUNCTION_ARGS)
{
	IdentityLevel level = paysafe_approver_level();

	if (level == IDENTITY_NONE)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(paysafe_identity_name(level)));
}
