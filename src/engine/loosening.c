/*-------------------------------------------------------------------------
 *
 * loosening.c
 *	  Changes of rules that take a second person.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "compat.h"
#include "engine/loosening.h"
#include "errors.h"
#include "people/approval.h"
#include "people/person.h"
#include "redact/redact.h"
#include "store/catalog.h"

#define MAX_WORDS			300 /* of a change, in bytes, before it is hashed */
#define RULE_APPROVAL_VALID (INT64CONST(3600) * USECS_PER_SEC)

void
paysafe_loosening_subject(const char *key, ApprovalSubject *out)
{
	char	   *bytes = psprintf("paysafe rule change: %s", key);

	memset(out, 0, sizeof(*out));
	paysafe_crypto_sha256(bytes, strlen(bytes), out->digest);
	out->valid_for = RULE_APPROVAL_VALID;
}

void
paysafe_loosening_authorize(Oid relation, const char *name, int version, const char *words)
{
	ApprovalSubject subject;
	Person	   *person;
	bool		anonymous;
	char	   *key;

	if (strlen(words) > MAX_WORDS)
	{
		uint8		digest[PAYSAFE_SHA256_LEN];
		char		hex[2 * PAYSAFE_SHA256_LEN + 1];

		paysafe_crypto_sha256(words, strlen(words), digest);
		hex[hex_encode((char *) digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
		words = psprintf("%.*s... (SHA-256 %s)",
						 pg_mbcliplen(words, strlen(words), MAX_WORDS / 2), words, hex);
	}
	/* as paysafe.approve redacts it */
	key = paysafe_redact_string(psprintf("%s of %s, version %d: %s", name,
										 paysafe_catalog_table_name(relation), version, words));
	paysafe_loosening_subject(key, &subject);
	person = paysafe_person_current();
	anonymous = person->actor == NULL && paysafe_catalog_may_act_as(person->login);
	subject.requesters = list_make1(person);
	if (paysafe_approval_use(paysafe_catalog_table(PAYSAFE_RULE), key, &subject, 1) == 1)
		return;
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = name,
					   .schema_name = get_namespace_name(get_rel_namespace(relation)),
					   .table_name = get_rel_name(relation),
					   .message = psprintf("loosening rule \"%s\" of table \"%s\" needs the approval of a second person",
										   name, get_rel_name(relation)),
					   .detail = psprintf("The change %s.", words),
					   .hint = psprintf("After paysafe.act_as, another person runs: SELECT paysafe.approve('paysafe.rule', %s, 'why it is right');  then%s repeat this command within the hour.",
										quote_literal_cstr(key),
										anonymous ? ", after paysafe.act_as too," : "")
				   });
}
