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
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "store/catalog.h"
#include "store/run_as_owner.h"

static bool own_work = false;	/* the next utility statement is ours */
static bool working = false;	/* what catalogs are changed by is ours */

/* Jsonb values that a query gives, in the caller's memory. */
typedef struct Values
{
	MemoryContext context;
	Jsonb	  **values;			/* NULL for NULL */
	int			n;
} Values;

static void
take_values(Values *values)
{
	MemoryContext old = MemoryContextSwitchTo(values->context);

	values->n = (int) SPI_processed;
	values->values = palloc0(sizeof(Jsonb *) * Max(values->n, 1));
	for (int i = 0; i < values->n; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			values->values[i] = DatumGetJsonbPCopy(value);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Run one command as the owner of the extension with a fixed search_path; $1, if the
 * type is not 0, is the argument.
 */
static void
run(const char *sql, Oid type, Datum argument, bool utility, Values *values)
{
	Oid			user;
	int			security;
	int			nestlevel = NewGUCNestLevel();
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
		status = SPI_execute_with_args(sql, OidIsValid(type) ? 1 : 0, &type, &argument,
									   NULL, false, 0);
	}
	PG_FINALLY();
	{
		own_work = false;		/* nobody takes it without the guard */
	}
	PG_END_TRY();
	if (status < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	if (values != NULL)
		take_values(values);
	SPI_finish();
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(user, security);
}

void
paysafe_run_as_owner(const char *sql)
{
	run(sql, InvalidOid, (Datum) 0, true, NULL);
}

Jsonb **
paysafe_run_as_owner_definitions(const Oid *relations, int n)
{
	Values		values = {CurrentMemoryContext};
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = ObjectIdGetDatum(relations[i]);
	run("SELECT paysafe.table_definition(r) FROM pg_catalog.unnest($1) WITH ORDINALITY u(r, n) ORDER BY n",
		REGCLASSARRAYOID,
		PointerGetDatum(construct_array(elements, n, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT)),
		false, &values);
	if (values.n != n)
		elog(ERROR, "%d definitions of %d tables", values.n, n);
	return values.values;
}

Jsonb *
paysafe_run_as_owner_definition(Oid relation)
{
	return paysafe_run_as_owner_definitions(&relation, 1)[0];
}

void
paysafe_run_as_owner_call(void (*work) (void *), void *arg)
{
	Oid			user;
	int			security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(paysafe_catalog_owner(),
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	PG_TRY();
	{
		working = true;
		work(arg);
	}
	PG_FINALLY();
	{
		working = false;
	}
	PG_END_TRY();
	SetUserIdAndSecContext(user, security);
}

bool
paysafe_run_as_owner_is_working(void)
{
	return working;
}

bool
paysafe_run_as_owner_take_own_work(void)
{
	bool		result = own_work;

	own_work = false;
	return result;
}
