/*-------------------------------------------------------------------------
 *
 * run_as_owner.c
 *	  SQL of our own, run as the owner of the extension.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "store/catalog.h"
#include "store/run_as_owner.h"

static bool own_work = false;	/* the next utility statement is ours */

/*
 * Run one command as the owner of the extension with a fixed search_path; $1 is
 * the relation.  If it gives a jsonb value, that is returned in context.
 */
static Jsonb *
run(const char *sql, Oid relation, bool utility, MemoryContext context)
{
	Oid			user;
	int			security;
	int			nestlevel = NewGUCNestLevel();
	Oid			type = REGCLASSOID;
	Datum		argument = ObjectIdGetDatum(relation);
	Jsonb	   *result = NULL;
	int			status;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(paysafe_catalog_owner(),
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PG_TRY();
	{
		own_work = utility;
		status = SPI_execute_with_args(sql, OidIsValid(relation) ? 1 : 0, &type, &argument,
									   NULL, false, 0);
	}
	PG_FINALLY();
	{
		own_work = false;		/* nobody takes it without the guard */
	}
	PG_END_TRY();
	if (status < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	if (context != NULL && SPI_processed == 1)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			result = DatumGetJsonbPCopy(value);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(user, security);
	return result;
}

void
paysafe_run_as_owner(const char *sql)
{
	(void) run(sql, InvalidOid, true, NULL);
}

Jsonb *
paysafe_run_as_owner_definition(Oid relation)
{
	return run("SELECT paysafe.table_definition($1)", relation, false, CurrentMemoryContext);
}

bool
paysafe_run_as_owner_take_own_work(void)
{
	bool		result = own_work;

	own_work = false;
	return result;
}
