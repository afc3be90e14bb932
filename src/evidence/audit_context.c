/*-------------------------------------------------------------------------
 *
 * audit_context.c
 *	  Who made a change, and why, as bytes of the audit log.
 *
 * Built once and reused, across transactions, until the actor, the tenant, a user, a role's
 * name, what roles may do, the application name or the replication origin changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "replication/origin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/any_text.h"
#include "evidence/audit_context.h"
#include "evidence/canon.h"
#include "people/actor.h"
#include "people/tenant.h"
#include "redact/redact.h"

#define CONTEXT_VERSION 2
#define CONTEXT_NTEXTS_1 CONTEXT_IDENTITY	/* of version 1 */

/* The bytes, and what they were made from; for the backend. */
static struct
{
	StringInfoData bytes;
	uint64		actor_generation;
	uint64		tenant_generation;
	uint64		roles_generation;
	Oid			user;
	Oid			session_user;
	char		application_name[NAMEDATALEN];
	RepOriginId origin;
	bool		valid;
}			context_cache;

static uint64 roles_generation = 0;	/* counts changes of any role, and of what it may do */

static void
build_context(void)
{
	const ActorClaim *actor = paysafe_actor_current();
	const TenantContext *tenant = paysafe_tenant_current();
	StringInfo	out = &context_cache.bytes;
	uint64		roles_before = roles_generation;
	char	   *login = paysafe_actor_login();
	char	   *session_user_name = paysafe_actor_session_user();
	char	   *current_user_name = GetUserNameFromId(GetUserId(), true);
	uint16		origin = pg_hton16(replorigin_session_origin);
	char		version = CONTEXT_VERSION;
	char		level[] = {(char) ('0' + paysafe_actor_identity()), '\0'};

	context_cache.valid = false;
	if (out->data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(out);
		MemoryContextSwitchTo(old);
	}
	resetStringInfo(out);
	appendBinaryStringInfo(out, &version, 1);
	paysafe_canon_put_string(out, actor ? actor->name : NULL);
	paysafe_canon_put_string(out, login);
	/* absent: the same as the one before */
	paysafe_canon_put_string(out, strcmp(session_user_name, login) == 0 ? NULL : session_user_name);
	paysafe_canon_put_string(out, strcmp(current_user_name, session_user_name) == 0 ? NULL : current_user_name);
	paysafe_canon_put_string(out, paysafe_actor_client());
	paysafe_canon_put_string(out, paysafe_actor_certificate());
	paysafe_canon_put_string(out, paysafe_redact_string(application_name));
	paysafe_canon_put_string(out, actor && actor->reason ? actor->reason : tenant ? tenant->reason : NULL);
	paysafe_canon_put_string(out, actor ? actor->ticket : NULL);
	paysafe_canon_put_string(out, actor ? actor->request_id : NULL);
	paysafe_canon_put_string(out, actor ? actor->business_id : NULL);
	paysafe_canon_put_string(out, level);
	paysafe_canon_put_string(out, paysafe_actor_certificate_sha256());
	paysafe_canon_put_string(out, actor ? actor->proof_text : NULL);
	paysafe_canon_put_string(out, paysafe_tenant_recorded());
	paysafe_canon_put_field(out, replorigin_session_origin != InvalidRepOriginId ?
							(char *) &origin : NULL, sizeof(origin));

	context_cache.actor_generation = paysafe_actor_generation();
	context_cache.tenant_generation = paysafe_tenant_generation();
	context_cache.roles_generation = roles_before;
	context_cache.user = GetUserId();
	context_cache.session_user = GetSessionUserId();
	context_cache.origin = replorigin_session_origin;
	strlcpy(context_cache.application_name, application_name, NAMEDATALEN);
	context_cache.valid = true;
}

StringInfo
paysafe_audit_context_bytes(void)
{
	if (!context_cache.valid ||
		context_cache.actor_generation != paysafe_actor_generation() ||
		context_cache.tenant_generation != paysafe_tenant_generation() ||
		context_cache.roles_generation != roles_generation ||
		context_cache.user != GetUserId() ||
		context_cache.session_user != GetSessionUserId() ||
		context_cache.origin != replorigin_session_origin ||
		strcmp(context_cache.application_name, application_name) != 0)
		build_context();
	return &context_cache.bytes;
}

static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	roles_generation++;
}

void
paysafe_audit_context_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
	/* who may act for others */
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, role_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, role_changed, (Datum) 0);
}

/* Where a text begins that is absent if it is the same as the one before. */
static inline bool
repeats(int i)
{
	return i == CONTEXT_SESSION_USER || i == CONTEXT_CURRENT_USER;
}

/* The level is stored as a digit. */
static bool
name_identity(AuditContextText *out)
{
	const char *level = out->text[CONTEXT_IDENTITY];

	if (level == NULL)
		return true;
	if (level[0] < '0' || level[0] >= '0' + PAYSAFE_IDENTITY_NLEVELS || level[1] != '\0')
		return false;
	out->text[CONTEXT_IDENTITY] = paysafe_identity_name(level[0] - '0');
	return true;
}

bool
paysafe_audit_context_read(const bytea *context, int encoding, AuditContextText *out)
{
	const char *pos = VARDATA_ANY(context);
	const char *end = pos + VARSIZE_ANY_EXHDR(context);
	int			ntexts;

	if (encoding < 0 || pos == end || *pos < 1 || *pos > CONTEXT_VERSION)
		return false;
	ntexts = *pos++ == 1 ? CONTEXT_NTEXTS_1 : CONTEXT_NTEXTS;
	memset(out, 0, sizeof(*out));
	for (int i = 0; i <= ntexts; i++)
	{
		const char *data;
		int			len;

		if (!paysafe_canon_get_field(&pos, end, &data, &len))
			return false;
		if (i < ntexts)
		{
			if (data != NULL && memchr(data, '\0', len) != NULL)
				return false;
			/* names of roles are in any encoding */
			out->text[i] = data != NULL ? paysafe_any_text(data, len, encoding) :
				repeats(i) ? out->text[i - 1] : NULL;
			continue;
		}
		out->origin = -1;
		if (data != NULL)
		{
			uint16		origin;

			if (len != sizeof(origin))
				return false;
			memcpy(&origin, data, sizeof(origin));
			out->origin = pg_ntoh16(origin);
		}
	}
	return pos == end && name_identity(out);
}

const char *
paysafe_audit_context_actor(const AuditContextText *context)
{
	return context->text[CONTEXT_ACTOR] ? context->text[CONTEXT_ACTOR] : context->text[CONTEXT_SESSION_USER];
}

void
paysafe_audit_context_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed context in the audit log")));
}

bool
paysafe_audit_context_business_id(const char *context, int len, const char **id, int *idlen)
{
	enum
	{
		BUSINESS_ID = 10		/* its place among the fields */
	};
	const char *pos = context + 1;

	if (len < 1 || context[0] < 1 || context[0] > CONTEXT_VERSION)
		return false;
	for (int i = 0; i <= BUSINESS_ID; i++)
		if (!paysafe_canon_get_field(&pos, context + len, id, idlen))
			return false;
	return *id != NULL;
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_audit_context);

/*
 * audit_context(context bytea, encoding name) returns record: see
 * paysafe.audit_log
 */
Datum
paysafe_audit_context(PG_FUNCTION_ARGS)
{
	enum
	{
		ORIGIN = CONTEXT_NTEXTS, NFIELDS
	};
	AuditContextText context;
	TupleDesc	desc;
	Datum		values[NFIELDS];
	bool		nulls[NFIELDS];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != NFIELDS)
		elog(ERROR, "return type must be a row type");
	if (!paysafe_audit_context_read(PG_GETARG_BYTEA_PP(0),
									pg_char_to_encoding(NameStr(*PG_GETARG_NAME(1))), &context))
		paysafe_audit_context_malformed();
	for (int i = 0; i < CONTEXT_NTEXTS; i++)
	{
		nulls[i] = context.text[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(context.text[i]);
	}
	nulls[ORIGIN] = context.origin < 0;
	values[ORIGIN] = Int32GetDatum(context.origin);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
