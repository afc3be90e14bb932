/*-------------------------------------------------------------------------
 *
 * actor.c
 *	  Who acts, and why.
 *
 * The actor is a claim of the application, or what a token has proved, kept in C and
 * not in a setting, so that no SET, set_config() or connection option changes it, and it
 * cannot leak from one user of a pooled connection to the next: it ends with the
 * transaction.  A claim made inside a savepoint is undone with it.  The newest one
 * counts, whole: a claim after a proof is a claim.
 *
 * Lifetime: frames live in TopTransactionContext; the pointer is reset by the
 * transaction callback before that context goes away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <netdb.h>
#include <sys/socket.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/ip.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/transaction.h"
#include "people/actor.h"
#include "people/name.h"
#include "redact/redact.h"
#include "store/catalog.h"

/* this header asks for Kerberos' own, which need not be there; struct Port is the same without */
#undef ENABLE_GSS
#include "libpq/libpq-be.h"

#define MAX_TEXT_LEN	1000	/* bytes, for reason, ticket and ids */

typedef struct ActorFrame
{
	ActorClaim actor;
	int			level;			/* transaction nesting level of the claim */
	struct ActorFrame *outer;	/* what held before */
} ActorFrame;

static ActorFrame *top = NULL;
static uint64 generation = 0;
static ActorJudge judge = NULL;

const ActorClaim *
paysafe_actor_current(void)
{
	return top ? &top->actor : NULL;
}

uint64
paysafe_actor_generation(void)
{
	return generation;
}

char *
paysafe_actor_session_user(void)
{
	return GetUserNameFromId(GetSessionUserId(), true);
}

Oid
paysafe_actor_login_role(void)
{
	return MyProc != NULL && OidIsValid(MyProc->roleId) ? MyProc->roleId : GetSessionUserId();
}

char *
paysafe_actor_login(void)
{
	char	   *name = GetUserNameFromId(paysafe_actor_login_role(), true);

	return name ? name : paysafe_actor_session_user();
}

const char *
paysafe_actor_client(void)
{
	static char address[NI_MAXHOST];	/* does not change in a session */

	if (MyBEEntry == NULL || MyBackendType != B_BACKEND)
		return NULL;
	if (address[0] == '\0')
	{
		SockAddr   *client = &MyBEEntry->st_clientaddr;

		if (client->addr.ss_family == AF_UNIX)
			strlcpy(address, "[local]", sizeof(address));
		else if (pg_getnameinfo_all(&client->addr, client->salen, address, sizeof(address),
									NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(address, "unknown", sizeof(address));
	}
	return address;
}

const char *
paysafe_actor_certificate(void)
{
#ifdef USE_SSL
	static char name[NAMEDATALEN];	/* does not change in a session */

	if (MyBEEntry == NULL || !MyBEEntry->st_ssl)
		return NULL;
	if (name[0] == '\0')
	{
		const char *dn = MyBEEntry->st_sslstatus->ssl_client_dn;
		int			len = strnlen(dn, NAMEDATALEN - 1);

		/* long ones were cut at a byte, which need not be the end of a letter */
		strlcpy(name, dn, pg_mbcliplen(dn, len, len) + 1);
	}
	return name[0] != '\0' ? name : NULL;
#else
	return NULL;
#endif
}

const char *
paysafe_actor_certificate_sha256(void)
{
#ifdef USE_SSL
	static char digits[2 * PAYSAFE_SHA256_LEN + 1];	/* does not change in a session */
	uint8		sha256[PAYSAFE_SHA256_LEN];

	/* a certificate need not have a name */
	if (MyProcPort == NULL || MyProcPort->peer == NULL || !MyProcPort->peer_cert_valid)
		return NULL;
	if (digits[0] == '\0' && paysafe_crypto_certificate_sha256(MyProcPort->peer, sha256))
		digits[paysafe_encode_hex(sha256, sizeof(sha256), digits)] = '\0';
	return digits[0] != '\0' ? digits : NULL;
#else
	return NULL;
#endif
}

bool
paysafe_actor_is_named(void)
{
	return top != NULL && top->actor.name != NULL;
}

IdentityLevel
paysafe_actor_identity(void)
{
	if (paysafe_actor_is_named())
		return top->actor.proof != NULL ? IDENTITY_PROVEN : IDENTITY_CLAIMED;
	return paysafe_catalog_may_act_as(paysafe_actor_login()) ? IDENTITY_NONE : IDENTITY_SESSION;
}

const char *
paysafe_actor_name(void)
{
	return paysafe_actor_is_named() ? top->actor.name : paysafe_actor_session_user();
}

void
paysafe_actor_set_judge(ActorJudge new_judge)
{
	judge = new_judge;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE || event == XACT_EVENT_PARALLEL_COMMIT ||
		event == XACT_EVENT_PARALLEL_ABORT)
	{
		if (top != NULL)
			generation++;
		top = NULL;
	}
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId mine,
				   SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (top != NULL && top->level >= level)
		{
			top = top->outer;
			generation++;
		}
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (ActorFrame *f = top; f != NULL && f->level >= level; f = f->outer)
			f->level = level - 1;
	}
}

void
paysafe_actor_init(void)
{
	paysafe_transaction_register(end_transaction, end_subtransaction);
}

/*
 * A text argument: length, no control characters (but line ends and tabs where
 * allowed), no blanks around it.
 */
static const char *
text_argument(FunctionCallInfo fcinfo, int n, const char *name, int maxlen,
			  bool lines_allowed)
{
	char	   *value;
	size_t		len;

	if (PG_ARGISNULL(n))
		return NULL;
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	len = strlen(value);
	if (len == 0 || len > (size_t) maxlen)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes", name, maxlen)));
	for (size_t i = 0; i < len; i++)
		if (((unsigned char) value[i] < ' ' || value[i] == 0x7f) &&
			!(lines_allowed && (value[i] == '\n' || value[i] == '\r' || value[i] == '\t')))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain control characters", name)));
	if (paysafe_argument_is_blank(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be blank", name)));
	if (value[0] == ' ' || value[len - 1] == ' ')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not begin or end with a blank", name)));
	/* checked as given, kept without what must not be on record */
	return MemoryContextStrdup(TopTransactionContext, paysafe_redact_string(value));
}

/* As text_argument and paysafe_name_check have it; and it would be kept as it is. */
bool
paysafe_actor_is_name(const char *name)
{
	size_t		len = strlen(name);

	if (len == 0 || len > PAYSAFE_ACTOR_MAX || name[0] == ' ' || name[len - 1] == ' ' ||
		paysafe_argument_is_blank(name) || strcmp(paysafe_redact_string(name), name) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) name[i] < ' ' || name[i] == 0x7f)
			return false;
	return paysafe_name_is_good(name);
}

static const char *
kept(const char *text)
{
	return text != NULL ? MemoryContextStrdup(TopTransactionContext, paysafe_redact_string(text)) : NULL;
}

/* What was proved, as it is kept and shown: without what must not be on record. */
static void
keep_proof(ActorClaim *actor, const ActorProof *proof)
{
	ActorProof *copy = MemoryContextAllocZero(TopTransactionContext, sizeof(ActorProof));
	StringInfoData text;

	copy->issuer = kept(proof->issuer);
	copy->subject = kept(proof->subject);
	copy->token_id = kept(proof->token_id);
	copy->key_id = kept(proof->key_id);
	initStringInfo(&text);
	appendStringInfoString(&text, "{\"iss\": ");
	escape_json(&text, copy->issuer);
	appendStringInfoString(&text, ", \"sub\": ");
	escape_json(&text, copy->subject);
	if (copy->token_id != NULL)
	{
		appendStringInfoString(&text, ", \"jti\": ");
		escape_json(&text, copy->token_id);
	}
	appendStringInfoString(&text, ", \"kid\": ");
	escape_json(&text, copy->key_id);
	appendStringInfoChar(&text, '}');
	actor->proof = copy;
	actor->proof_text = MemoryContextStrdup(TopTransactionContext, text.data);
}

/*
 * A login that may not act for others is one person's own; what it asks for is that person's.  One that
 * reaches act_as all the same, through a function of somebody else's, is not what it is taken for.
 */
static void
check_login(const char *function)
{
	char	   *login = paysafe_actor_login();

	if (!paysafe_catalog_may_act_as(login))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("login \"%s\" may not act for others", login),
				 errdetail("It has no right to execute %s, and is taken for one person's own. A SECURITY DEFINER function does not change that.",
						   function),
				 errhint("Grant the login of an application EXECUTE on %s.", function)));
}

void
paysafe_actor_declare(FunctionCallInfo fcinfo, const char *function, const char *name,
					  const ActorProof *proof)
{
	ActorFrame *frame;

	check_login(function);
	frame = MemoryContextAllocZero(TopTransactionContext, sizeof(ActorFrame));
	frame->actor.name = kept(name);
	frame->actor.reason = text_argument(fcinfo, 1, "reason", MAX_TEXT_LEN, true);
	frame->actor.ticket = text_argument(fcinfo, 2, "ticket", MAX_TEXT_LEN, false);
	frame->actor.request_id = text_argument(fcinfo, 3, "request_id", MAX_TEXT_LEN, false);
	frame->actor.business_id = text_argument(fcinfo, 4, "business_id", MAX_TEXT_LEN, false);
	if (proof != NULL)
		keep_proof(&frame->actor, proof);
	frame->level = GetCurrentTransactionNestLevel();
	/* a second claim of one level replaces the first */
	frame->outer = top != NULL && top->level == frame->level ? top->outer : top;
	paysafe_transaction_watch();
	paysafe_transaction_warn(fcinfo, function);
	top = frame;
	generation++;
	if (judge != NULL && name != NULL)
		judge();
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_act_as);

/*
 * act_as(actor, reason, ticket, request_id, business_id) returns void
 *
 * Without an actor nobody is named, as if act_as had not been called, and the
 * rest is recorded: a request that nobody has logged in for has an id, too.
 */
Datum
paysafe_act_as(PG_FUNCTION_ARGS)
{
	const char *name = text_argument(fcinfo, 0, "actor", PAYSAFE_ACTOR_MAX, false);

	if (name != NULL)
		paysafe_name_check(name, "actor");
	paysafe_actor_declare(fcinfo, "paysafe.act_as", name, NULL);
	PG_RETURN_VOID();
}
