/*-------------------------------------------------------------------------
 *
 * url.c
 *	  SQL functions about URLs and addresses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/socket.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/inet.h"

#include "base/argument.h"
#include "services/net/ip_range.h"
#include "services/net/url_parse.h"

PG_FUNCTION_INFO_V1(paysafe_url_check);

/*
 * url_check(url text) returns (ok boolean, reason text, canonical text)
 */
Datum
paysafe_url_check(PG_FUNCTION_ARGS)
{
	text	   *url = PG_GETARG_TEXT_PP(0);
	char		canonical[PAYSAFE_URL_MAX + 2];
	const char *reason = paysafe_url_parse(VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url), canonical);
	Datum		values[3];
	bool		nulls[3] = {false, reason == NULL, reason != NULL};

	values[0] = BoolGetDatum(reason == NULL);
	values[1] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	values[2] = reason ? (Datum) 0 : CStringGetTextDatum(canonical);
	return paysafe_argument_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(paysafe_mask_url);

/*
 * mask_url(url text) returns text
 */
Datum
paysafe_mask_url(PG_FUNCTION_ARGS)
{
	text	   *url = PG_GETARG_TEXT_PP(0);
	char		masked[PAYSAFE_URL_MASKED_MAX];

	paysafe_url_parse_mask(VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url), masked);
	PG_RETURN_TEXT_P(cstring_to_text(masked));
}

PG_FUNCTION_INFO_V1(paysafe_ip_is_public);

/*
 * ip_is_public(address inet) returns boolean: a network is no address
 */
Datum
paysafe_ip_is_public(PG_FUNCTION_ARGS)
{
	inet	   *address = PG_GETARG_INET_PP(0);
	int			len = ip_family(address) == PGSQL_AF_INET ? 4 : 16;

	PG_RETURN_BOOL(ip_bits(address) == len * 8 && paysafe_ip_range_is_public(ip_addr(address), len));
}
