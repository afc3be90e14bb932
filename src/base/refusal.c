/*-------------------------------------------------------------------------
 *
 * refusal.c
 *	  Saying no.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"

#include "base/ensure.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "redact/redact.h"

#define MAX_SCOPES	32			/* triggers within triggers */
#define MAX_VALUE	120			/* bytes of a value in a message */

static RefusalRecorder recorder = NULL;
static RefusalScope scopes[MAX_SCOPES];
static int	nscopes = 0;		/* may exceed MAX_SCOPES: those are not known */

void
paysafe_refusal_set_recorder(RefusalRecorder new_recorder)
{
	recorder = new_recorder;
}

void
paysafe_refusal_enter(const struct RowChange *change, const char *statement)
{
	paysafe_transaction_watch();
	if (likely(nscopes < MAX_SCOPES))
		scopes[nscopes] = (RefusalScope)
		{
			.change = change, .statement = statement, .level = GetCurrentTransactionNestLevel()
		};
	nscopes++;
}

void
paysafe_refusal_leave(void)
{
	Ensure(nscopes > 0);
	nscopes--;
}

void
paysafe_refusal_forget(int level)
{
	while (nscopes > 0 && (nscopes > MAX_SCOPES || scopes[nscopes - 1].level >= level))
		nscopes--;
}

/* Texts quote keys and values: none of them shows a card number or a secret. */
static Refusal
redacted(const Refusal *refusal)
{
	Refusal		result = *refusal;

	result.key = paysafe_redact_string(refusal->key);
	result.message = paysafe_redact_string(refusal->message);
	result.detail = paysafe_redact_string(refusal->detail);
	result.hint = paysafe_redact_string(refusal->hint);
	return result;
}

static void
record(const Refusal *r)
{
	if (recorder != NULL)
		recorder(r, nscopes > 0 && nscopes <= MAX_SCOPES ? &scopes[nscopes - 1] : NULL);
}

void
paysafe_refusal_record(const Refusal *refusal)
{
	Refusal		r = redacted(refusal);

	record(&r);
}

char *
paysafe_refusal_value(const char *value)
{
	int			len = strlen(value);

	if (len <= MAX_VALUE)
		return pstrdup(value);
	return psprintf("%.*s...", pg_mbcliplen(value, len, MAX_VALUE), value);
}

void
paysafe_refuse(const Refusal *refusal)
{
	Refusal		clean = redacted(refusal);
	const Refusal *r = &clean;

	record(r);
	ereport(ERROR,
			(errcode(r->sqlstate),
			 errmsg("%s", r->message),
			 r->detail ? errdetail("%s", r->detail) : 0,
			 r->hint ? errhint("%s", r->hint) : 0,
			 r->schema_name ? err_generic_string(PG_DIAG_SCHEMA_NAME, r->schema_name) : 0,
			 r->table_name ? err_generic_string(PG_DIAG_TABLE_NAME, r->table_name) : 0,
			 r->column ? err_generic_string(PG_DIAG_COLUMN_NAME, r->column) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								r->table_name ?
								psprintf("paysafe_%s_%s", r->table_name, r->rule) :
								psprintf("paysafe_%s", r->rule))));
	pg_unreachable();
}
