/*-------------------------------------------------------------------------
 *
 * decision.c
 *	  Decisions of the application, on record: what was decided, and of which input.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "abuse/meter.h"
#include "abuse/outcome.h"
#include "base/argument.h"
#include "evidence/outliving.h"
#include "evidence/signal_argument.h"

PG_FUNCTION_INFO_V1(paysafe_decide);

/*
 * decide(name text, outcome text, input bytea, detail jsonb, version text, business_id text,
 *		  request_id text) returns bytea: SHA-256 of the input
 */
Datum
paysafe_decide(PG_FUNCTION_ARGS)
{
	RefusalEntry *entry = palloc(sizeof(RefusalEntry));
	char	   *name = paysafe_signal_word(fcinfo, 0, "name");
	char	   *outcome = paysafe_signal_word(fcinfo, 1, "outcome");

	paysafe_outliving_begin(entry, ENTRY_DECISION);
	strlcpy(entry->rule, name, sizeof(entry->rule));
	strlcpy(entry->outcome, outcome, sizeof(entry->outcome));
	if (!PG_ARGISNULL(2))
	{
		bytea	   *input = PG_GETARG_BYTEA_PP(2);

		paysafe_crypto_sha256(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), entry->row_hash);
		entry->has_row_hash = true;
	}
	paysafe_signal_figures(fcinfo, 3, "detail", entry);
	if (!PG_ARGISNULL(4))
		paysafe_refusal_entry_text(entry->part, sizeof(entry->part),
								   paysafe_argument_readable(fcinfo, 4, "version", sizeof(entry->part) - 1));
	paysafe_signal_ids(fcinfo, 5, 6, entry);
	paysafe_outliving_add(entry);
	paysafe_meter_count(MyDatabaseId, METER_DECISIONS, name, outcome, 1);
	paysafe_outcome_count(paysafe_outcome_name(OUTCOME_DECISION), psprintf("%s %s", name, outcome), 1, 0);
	if (!entry->has_row_hash)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(paysafe_argument_bytea(entry->row_hash, PAYSAFE_SHA256_LEN));
}
