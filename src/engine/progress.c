/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  How far a session has come that looks at the rows of a table.
 *
 * PostgreSQL keeps such numbers for commands of its own, in the entry that each session
 * has in shared memory, and shows those of the commands that it knows.  One that it does
 * not know is shown by none of its views, and needs no memory of ours, so that it works
 * without preloading; an error ends it like any other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/builtins.h"

#include "compat.h"
#include "engine/progress.h"
#include "engine/rule.h"

/* None of PostgreSQL's. */
#define PROGRESS_COMMAND_PAYSAFE	((ProgressCommandType) 9001)

#define ROWS_AT_A_TIME	1000

enum
{
	PROGRESS_KIND, PROGRESS_PHASE, PROGRESS_TABLES, PROGRESS_TABLES_DONE,
	PROGRESS_BLOCKS, PROGRESS_BLOCKS_DONE, PROGRESS_ROWS, PROGRESS_FAULTS
};

/* What has not been told yet. */
static int64 tables;
static int64 blocks;
static int64 rows;
static BlockNumber block;

void
paysafe_progress_begin(Oid relid, const char *kind, List *leaves)
{
	int64		total = 0;
	ListCell   *lc;

	foreach(lc, leaves)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		total += rel->rd_rel->relkind == RELKIND_RELATION ? RelationGetNumberOfBlocks(rel) : 0;
		table_close(rel, NoLock);
	}
	tables = -1;
	blocks = rows = 0;
	block = InvalidBlockNumber;
	pgstat_progress_start_command(PROGRESS_COMMAND_PAYSAFE, relid);
	for (int i = 0; paysafe_rule_kinds[i] != NULL; i++)
		if (strcmp(paysafe_rule_kinds[i]->name, kind) == 0)
			pgstat_progress_update_param(PROGRESS_KIND, i);
	pgstat_progress_update_param(PROGRESS_TABLES, list_length(leaves));
	pgstat_progress_update_param(PROGRESS_BLOCKS, total);
}

void
paysafe_progress_table(void)
{
	pgstat_progress_update_param(PROGRESS_TABLES_DONE, ++tables);
	block = InvalidBlockNumber;
}

void
paysafe_progress_skip(BlockNumber done)
{
	blocks += done;
	pgstat_progress_update_param(PROGRESS_BLOCKS_DONE, blocks);
}

void
paysafe_progress_row(ItemPointer tid, int64 faults)
{
	/* they come block by block, wherever the scan begins */
	if (block != ItemPointerGetBlockNumber(tid))
	{
		block = ItemPointerGetBlockNumber(tid);
		blocks++;
	}
	if (rows++ % ROWS_AT_A_TIME != 0)
		return;
	pgstat_progress_update_param(PROGRESS_BLOCKS_DONE, blocks - 1);
	pgstat_progress_update_param(PROGRESS_ROWS, rows - 1);
	pgstat_progress_update_param(PROGRESS_FAULTS, faults);
}

void
paysafe_progress_phase(ProgressPhase phase)
{
	pgstat_progress_update_param(PROGRESS_TABLES_DONE, tables + 1);
	pgstat_progress_update_param(PROGRESS_BLOCKS_DONE, blocks);
	pgstat_progress_update_param(PROGRESS_ROWS, rows);
	pgstat_progress_update_param(PROGRESS_PHASE, phase);
}

void
paysafe_progress_end(void)
{
	pgstat_progress_end_command();
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_progress_of_sessions);

/* Whoever may see what another session does, sees how far it has come. */
static void
put_session(ReturnSetInfo *rsinfo, const PgBackendStatus *session)
{
	static const char *const phases[] = {"reading", "adding up", "looking again"};
	const int64 *params = session->st_progress_param;
	Datum		values[10];
	bool		nulls[10] = {0};

	if (session->st_databaseid != MyDatabaseId ||
		!(has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		  has_privs_of_role(GetUserId(), session->st_userid)))
		return;
	values[0] = Int32GetDatum(session->st_procpid);
	values[1] = ObjectIdGetDatum(session->st_progress_command_target);
	values[2] = CStringGetTextDatum(paysafe_rule_kinds[params[PROGRESS_KIND]]->name);
	values[3] = CStringGetTextDatum(phases[params[PROGRESS_PHASE]]);
	values[4] = Int64GetDatum(params[PROGRESS_TABLES]);
	values[5] = Int64GetDatum(params[PROGRESS_TABLES_DONE]);
	values[6] = Int64GetDatum(params[PROGRESS_BLOCKS]);
	values[7] = Int64GetDatum(params[PROGRESS_BLOCKS_DONE]);
	values[8] = Int64GetDatum(params[PROGRESS_ROWS]);
	values[9] = Int64GetDatum(params[PROGRESS_FAULTS]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * progress_of_sessions() returns setof record: see the view paysafe.progress
 */
Datum
paysafe_progress_of_sessions(PG_FUNCTION_ARGS)
{
	int			n = pgstat_fetch_stat_numbackends();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i <= n; i++)
	{
		const PgBackendStatus *session = &local_beentry_compat(i)->backendStatus;

		if (session->st_progress_command == PROGRESS_COMMAND_PAYSAFE &&
			session->st_progress_param[PROGRESS_PHASE] <= PROGRESS_LOOKING_AGAIN)
			put_session((ReturnSetInfo *) fcinfo->resultinfo, session);
	}
	return (Datum) 0;
}
