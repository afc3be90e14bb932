/*-------------------------------------------------------------------------
 *
 * failed.c
 *	  Who fails too often is locked out for a while.
 *
 * Counters are those of paysafe.throttle, under the same keys, so that it can look and give back.  What is locked out
 * is a client from an address, or the address: never a client as such, or whoever guesses keeps the real one away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "base/argument.h"
#include "people/tried.h"
#include "redact/redact.h"
#include "services/throttle/failed.h"
#include "services/throttle/refused.h"
#include "values/spec.h"

#define PREFIX			"failed/"
#define TIER			"default"
#define PART_ADDRESS	"address"
#define PART_CLIENT		"client"
#define NO_CLIENT		"unknown"

static const char *const services[] = {"webhook", "request", "api_key", "token", "passkey", "approval"};

bool
paysafe_failed_is_guess(const char *reason)
{
	return reason != NULL && strcmp(reason, "timestamp_old") != 0 && strcmp(reason, "timestamp_future") != 0;
}

static bool
is_service(const char *name)
{
	for (int i = 0; i < lengthof(services); i++)
		if (strcmp(name, services[i]) == 0)
			return true;
	return false;
}

void
paysafe_failed_check_limit(const char *policy, const char *tier, const ThrottleLimit *limit)
{
	ListCell   *lc;
	bool		known = true;

	if (strncmp(policy, PREFIX, strlen(PREFIX)) != 0)
		return;
	if (!is_service(policy + strlen(PREFIX)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no failed attempts are counted as \"%s\"", paysafe_redact_string(policy)),
				 errhint("There are failed/webhook, failed/request, failed/api_key, failed/token, failed/passkey and failed/approval.")));
	foreach(lc, limit->per)
		known = known && (strcmp(lfirst(lc), PART_ADDRESS) == 0 || strcmp(lfirst(lc), PART_CLIENT) == 0);
	if (!known || !paysafe_strings_contain(limit->per, PART_ADDRESS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("failed attempts are counted for each address, or for each client and address"),
				 errhint("per => '{address}' or '{address,client}'. To lock a client out from everywhere would be in the hands of whoever fails in its name.")));
	if (limit->durable || strcmp(tier, TIER) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("failed attempts are counted in memory, in tier \"%s\"", TIER)));
}

/* Whoever has one address of IPv6 has as many as 64 bits give: they are one. */
const char *
paysafe_failed_address(const char *address)
{
	struct in6_addr in6;
	char		text[INET6_ADDRSTRLEN];
	const char *host = paysafe_argument_origin(address);

	if (host == NULL || inet_pton(AF_INET6, host, &in6) != 1)
		return host ? host : address;
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		return inet_ntop(AF_INET, &in6.s6_addr[12], text, sizeof(text)) ? pstrdup(text) : host;
	memset(&in6.s6_addr[8], 0, 8);
	return inet_ntop(AF_INET6, &in6, text, sizeof(text)) ? psprintf("%s/64", text) : host;
}

const char *
paysafe_failed_part(const char *policy, const char *part, const char *value)
{
	return strncmp(policy, PREFIX, strlen(PREFIX)) == 0 && strcmp(part, PART_ADDRESS) == 0 ?
		paysafe_failed_address(value) : value;
}

static const char *
value_of(const char *part, const char *client, const char *address)
{
	return strcmp(part, PART_ADDRESS) == 0 ? address : client ? client : NO_CLIENT;
}

/* The first limit that has nothing left is what locks out: a signal. */
static void
note_locked(const char *policy, List *limits, const CounterUse *uses, const char *client, const char *address)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, limits)
	{
		const ThrottleLimit *limit = lfirst(lc);
		ThrottleRefused refused = {
			.policy = policy, .tier = TIER, .limit = limit, .answer = &uses[i].answer, .full = uses[i].uncounted,
			.cost = 1, .locked_out = true
		};
		ListCell   *part;

		if (uses[i++].answer.remaining > 0)
			continue;
		foreach(part, limit->per)
			refused.values = lappend(refused.values, unconstify(char *, value_of(lfirst(part), client, address)));
		paysafe_throttle_refused(&refused);
		return;
	}
}

static List *
limits_of(const char *service)
{
	return paysafe_counter_ready() ? paysafe_throttle_limits(psprintf("%s%s", PREFIX, service), TIER) : NIL;
}

static bool
limited(const char *service)
{
	return limits_of(service) != NIL;
}

static Tried
judge(const char *service, const char *client, const char *address, bool failed)
{
	char	   *policy = psprintf("%s%s", PREFIX, service);
	List	   *limits = address == NULL ? NIL : limits_of(service);
	CounterUse	uses[PAYSAFE_COUNTER_USES_MAX];
	int			n = 0;
	bool		allowed;
	ListCell   *lc;

	if (limits == NIL)
		return TRIED_UNLIMITED;
	address = paysafe_failed_address(address);
	foreach(lc, limits)
	{
		const ThrottleLimit *limit = lfirst(lc);
		StringInfoData data;
		ListCell   *part;

		initStringInfo(&data);
		appendBinaryStringInfo(&data, (char *) &MyDatabaseId, sizeof(MyDatabaseId));
		paysafe_argument_append(&data, policy);
		foreach(part, limit->per)
		{
			paysafe_argument_append(&data, lfirst(part));
			paysafe_argument_append(&data, value_of(lfirst(part), client, address));
		}
		uses[n] = (CounterUse) {.limit = limit->rate, .let_through = limit->let_through};
		uses[n++].key = paysafe_counter_key(data.data, data.len);
	}
	if (failed)
	{
		allowed = paysafe_counter_take(uses, n, 1);
		note_locked(policy, limits, uses, client, address);
	}
	else
	{
		/* only look: that takes no place, so that a full table locks nobody out who has not failed */
		(void) paysafe_counter_take(uses, n, 0);
		allowed = true;
		for (int i = 0; i < n; i++)
			allowed &= uses[i].answer.remaining > 0;
		if (!allowed)
			note_locked(policy, limits, uses, client, address);
	}
	return allowed ? TRIED_COUNTED : TRIED_LOCKED_OUT;
}

bool
paysafe_failed_attempt(const char *service, const char *client, const char *address, bool failed)
{
	return judge(service, client, address, failed) == TRIED_LOCKED_OUT;
}

void
paysafe_failed_init(void)
{
	static const TriedJudge tried = {.limited = limited, .judge = judge};

	paysafe_tried_set_judge(&tried);
}
