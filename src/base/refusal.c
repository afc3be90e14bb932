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
#include "miscadmin.h"

#include "base/ensure.h"
#include "base/refusal.h"
#include "base/transaction.h"
#include "redact/redact.h"

#define MAX_SCOPES	32			/* triggers within triggers */
#define MAX_VALUE	120			/* bytes of a value in a message */
#define MAX_TEXT	(64 * 1024)	/* bytes of a message, detail or hint; more says no more */

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

/*
 * A text without card numbers and secrets.  One that is too long is cut, and one
 * that cannot be looked through is left out: the refusal stands, and is recorded,
 * whatever it quotes.
 */
static const char *
clean_text(const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	const char *volatile result = NULL;

	if (text == NULL)
		return NULL;
	PG_TRY();
	{
		size_t		len = strlen(text);

		result = paysafe_redact_string(len <= MAX_TEXT ? text :
									   psprintf("%s...", pnstrdup(text, pg_mbcliplen(text, len, MAX_TEXT))));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		/* an error lets interrupts come */
		InterruptHoldoffCount = holdoff;
		result = "(left out)";
	}
	PG_END_TRY();
	return result;
}

/* Texts quote keys and values: none of them shows a card number or a secret. */
static Refusal
redacted(const Refusal *refusal)
{
	Refusal		result = *refusal;

	result.key = clean_text(refusal->key);
	result.message = clean_text(refusal->message);
	result.recorded = clean_text(refusal->recorded);
	result.detail = clean_text(refusal->detail);
	result.hint = clean_text(refusal->hint);
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

void
paysafe_refusal_observe(const Refusal *refusal)
{
	Refusal		observed = *refusal;

	/* the recorder redacts what it keeps, which is not all of a flood */
	observed.observed = true;
	record(&observed);
}

char *
paysafe_refusal_value(const char *value)
{
	int			len = strlen(value);

	if (len <= MAX_VALUE)
		return pstrdup(value);
	return psprintf("%.*s...", pg_mbcliplen(value, len, MAX_VALUE), value);
}

static PAYSAFE_NORETURN void
raise_clean(const Refusal *r)
{
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

void
paysafe_refuse(const Refusal *refusal)
{
	Refusal		clean;

	/* neither a cancel nor the end of the session comes before the record */
	HOLD_INTERRUPTS();
	clean = redacted(refusal);
	record(&clean);
	RESUME_INTERRUPTS();
	raise_clean(&clean);
}

void
paysafe_refusal_raise(const Refusal *refusal)
{
	Refusal		clean = redacted(refusal);

	raise_clean(&clean);
}
