/*-------------------------------------------------------------------------
 *
 * refusal.c
 *	  Saying no.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/refusal.h"

void
paysafe_refuse(const Refusal *r)
{
	ereport(ERROR,
			(errcode(r->sqlstate),
			 errmsg("%s", r->message),
			 r->detail ? errdetail("%s", r->detail) : 0,
			 r->hint ? errhint("%s", r->hint) : 0,
			 err_generic_string(PG_DIAG_SCHEMA_NAME, r->schema_name),
			 err_generic_string(PG_DIAG_TABLE_NAME, r->table_name),
			 r->column ? err_generic_string(PG_DIAG_COLUMN_NAME, r->column) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								psprintf("paysafe_%s_%s", r->table_name, r->rule))));
	pg_unreachable();
}

void
paysafe_refuse_by(const Rule *rule, int sqlstate, const char *column,
				  const char *message, const char *detail, const char *hint)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = sqlstate,
					   .rule = rule->name,
					   .schema_name = rule->schema_name,
					   .table_name = rule->table_name,
					   .column = column,
					   .message = message,
					   .detail = detail,
					   .hint = hint
				   });
}
