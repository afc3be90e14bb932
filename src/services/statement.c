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

static bool
stands_in_text(const char *secret)
{
	return secret[0] != '\0' && debug_query_string != NULL &&
		strstr(debug_query_string, secret) != NULL;
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
