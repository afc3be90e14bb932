/*-------------------------------------------------------------------------
 *
 * tenant.c
 *	  For whom a transaction works: one tenant, or all of them.
 *
 * Kept in C like the actor, and not in a setting: it ends with the transaction, and a
 * claim made inside a savepoint is undone with it.
 *
 * A transaction that has read or written rows of one tenant is that tenant's to its
 * end, whatever is rolled back to a savepoint: what was read is known, and would
 * be written to another one's rows by the same mistake, or the same injected statement,
 * that names another one.
 *
 * Lifetime: frames live in TopTransactionContext; the pointers are reset by the
 * transaction callback before that context goes away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "errors.h"
#include "people/tenant.h"
#include "redact/redact.h"

#define MAX_TENANT_LEN	200		/* bytes */
#define MAX_REASON_LEN	1000
#define ALL_TENANTS		"*"

typedef struct TenantFrame
{
	TenantContext context;
	const char *recorded;
	bool		used;			/* it is what rows were read or written by */
	int			level;			/* transaction nesting level of the claim */
	struct TenantFrame *outer;	/* what held before */
} TenantFrame;

static TenantFrame *top = NULL;
static const char *used = NULL; /* whose the transaction is; TopTransactionContext */
static uint64 generation = 0;

static inline const char *
name_of(const TenantContext *context)
{
	return context->tenant ? context->tenant : ALL_TENANTS;
}

const TenantContext *
paysafe_tenant_current(void)
{
	return top ? &top->context : NULL;
}

uint64
paysafe_tenant_generation(void)
{
	return generation;
}

const char *
paysafe_tenant_recorded(void)
{
	return top ? top->recorded : NULL;
}

static PAYSAFE_NORETURN void
refuse_another(const char *tenant)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "tenant_context",
					   .message = psprintf("the transaction works for tenant \"%s\", not for \"%s\"", used, tenant),
					   .detail = "It has read or written that tenant's rows. What it knows of them must not get into another one's.",
					   .hint = "Work for another tenant in another transaction; for all of them with paysafe.across_tenants, from the transaction's start."
				   });
}

const TenantContext *
paysafe_tenant_use(void)
{
	if (top == NULL || likely(top->used))
		return paysafe_tenant_current();
	if (used == NULL)
		used = name_of(&top->context);
	else if (strcmp(used, name_of(&top->context)) != 0)
		refuse_another(name_of(&top->context));
	top->used = true;
	return &top->context;
}

/*
 * Plans are made for one tenant or for all (tenant_read.c).  Either shows no row where it
 * does not belong, so they are made again, when that changes, to show the right ones.
 */
static void
set_top(TenantFrame *frame)
{
	bool		was_across = top != NULL && top->context.tenant == NULL;
	bool		is_across = frame != NULL && frame->context.tenant == NULL;

	top = frame;
	generation++;
	if (was_across != is_across)
		ResetPlanCache();
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE &&
		event != XACT_EVENT_PARALLEL_COMMIT && event != XACT_EVENT_PARALLEL_ABORT)
		return;
	if (top != NULL)
		set_top(NULL);
	used = NULL;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (top != NULL && top->level >= level)
			set_top(top->outer);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (TenantFrame *f = top; f != NULL && f->level >= level; f = f->outer)
			f->level = level - 1;
	}
}

void
paysafe_tenant_init(void)
{
	paysafe_transaction_register(end_transaction, end_subtransaction);
}

/* Is it an integer, written in the only way in which that is written? */
static bool
read_integer(const char *text, int64 *result)
{
	char		again[32];
	char	   *end;

	errno = 0;
	*result = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	snprintf(again, sizeof(again), INT64_FORMAT, *result);
	return strcmp(again, text) == 0;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool
read_uuid(const char *text, pg_uuid_t *result)
{
	int			n = 0;

	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i] != '-')
				return false;
			continue;
		}
		if (hex_digit(text[i]) < 0)
			return false;
		if (n % 2 == 0)
			result->data[n / 2] = hex_digit(text[i]) << 4;
		else
			result->data[n / 2] |= hex_digit(text[i]);
		n++;
	}
	return true;
}

static void
push(const char *tenant, const char *reason)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	TenantFrame *frame = palloc0(sizeof(TenantFrame));

	frame->context.reason = reason ? pstrdup(paysafe_redact_string(reason)) : NULL;
	if (tenant != NULL)
	{
		frame->context.tenant = pstrdup(tenant);
		frame->context.len = strlen(tenant);
		frame->context.is_integer = read_integer(tenant, &frame->context.integer);
		frame->context.is_uuid = read_uuid(tenant, &frame->context.uuid);
		frame->recorded = pstrdup(paysafe_redact_string(tenant));
	}
	else
		frame->recorded = psprintf(ALL_TENANTS ": %s", frame->context.reason);
	frame->level = GetCurrentTransactionNestLevel();
	frame->outer = top != NULL && top->level == frame->level ? top->outer : top;
	MemoryContextSwitchTo(old);
	paysafe_transaction_watch();
	set_top(frame);
}

static void
check_name(const char *tenant)
{
	size_t		len = strlen(tenant);

	if (len == 0 || len > MAX_TENANT_LEN || tenant[0] == ALL_TENANTS[0] || tenant[0] == ' ' ||
		tenant[len - 1] == ' ' || paysafe_argument_is_blank(tenant))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be the name of a tenant, of 1 to %d bytes", "tenant", MAX_TENANT_LEN),
				 errdetail("It has no blanks around it, and does not begin with an asterisk, which stands for all of them.")));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) tenant[i] < ' ' || tenant[i] == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain control characters", "tenant")));
}

void
paysafe_tenant_set(const char *tenant, const char *reason)
{
	check_name(tenant);
	if (used != NULL && strcmp(used, tenant) != 0)
		refuse_another(tenant);
	push(tenant, reason);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_act_for_tenant);

/*
 * act_for_tenant(tenant, reason) returns void
 */
Datum
paysafe_act_for_tenant(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_argument_optional(fcinfo, 1, "reason", MAX_REASON_LEN);

	paysafe_argument_required(fcinfo, 0, "tenant");
	paysafe_tenant_set(text_to_cstring(PG_GETARG_TEXT_PP(0)), reason);
	paysafe_transaction_warn(fcinfo, "paysafe.act_for_tenant");
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(paysafe_across_tenants);

/*
 * across_tenants(reason) returns void.  On record at once, whatever becomes of the
 * transaction: what is only read leaves no other trace.
 */
Datum
paysafe_across_tenants(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_argument_reason(fcinfo, 0, "reason", "working across tenants");

	if (strlen(reason) > MAX_REASON_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have 1 to %d bytes", "reason", MAX_REASON_LEN)));
	if (used != NULL && strcmp(used, ALL_TENANTS) != 0)
		refuse_another(ALL_TENANTS);
	paysafe_refusal_record(&(Refusal)
						   {
							   .sqlstate = ERRCODE_SUCCESSFUL_COMPLETION,
							   .rule = "across_tenants",
							   .statement = "SELECT",
							   .observed = true,
							   .message = psprintf("works across tenants: %s", reason)
						   });
	push(NULL, reason);
	paysafe_transaction_warn(fcinfo, "paysafe.across_tenants");
	PG_RETURN_VOID();
}
