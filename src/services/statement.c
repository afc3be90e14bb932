/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Secrets do not belong into the text of statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

#include "services/statement.h"

/* Does the text go on with the secret, as it is or as a literal writes it? */
static bool
goes_on(const char *text, const char *secret)
{
	for (; *secret != '\0'; secret++, text++)
	{
		/* '' and \' stand for ', and \\ for \ */
		if ((*secret == '\'' || *secret == '\\') && (text[0] == *secret || text[0] == '\\') &&
			text[1] == *secret)
			text++;
		if (*text != *secret)
			return false;
	}
	return true;
}

static bool
stands_in_text(const char *secret)
{
	if (secret[0] == '\0' || debug_query_string == NULL)
		return false;
	for (const char *text = debug_query_string; *text != '\0'; text++)
		if (goes_on(text, secret))
			return true;
	return strstr(debug_query_string, secret) != NULL;
}

void
paysafe_statement_forbid_literal(const char *secret, const char *argument)
{
	if (!stands_in_text(secret))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must not be written into the statement", argument),
			 errdetail("It would stand in pg_stat_activity and in the server's log. Take this one as known to others."),
			 errhint("Pass it as a parameter: \\bind in psql (PostgreSQL 16), PQexecParams, a server-side parameter of the driver; or copy it into a temporary table with \\copy and select it from there."),
			 errhidestmt(true)));
}

bool
paysafe_statement_hide(const char *secret, const char *instead)
{
	if (!stands_in_text(secret))
		return false;
	pgstat_report_activity(STATE_RUNNING, instead);
	debug_query_string = instead;
	return true;
}
