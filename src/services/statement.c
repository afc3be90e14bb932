/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Secrets do not belong into the text of statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tcop/tcopprot.h"

#include "services/statement.h"

void
paysafe_statement_forbid_literal(const char *secret, const char *argument)
{
	if (secret[0] == '\0' || debug_query_string == NULL ||
		strstr(debug_query_string, secret) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must not be written into the statement", argument),
			 errdetail("It would stand in pg_stat_activity and in the server's log. Take this one as known to others."),
			 errhint("Pass it as a parameter: \\bind in psql (PostgreSQL 16), PQexecParams, a server-side parameter of the driver; or copy it into a temporary table with \\copy and select it from there."),
			 errhidestmt(true)));
}
