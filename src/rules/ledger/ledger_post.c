/*-------------------------------------------------------------------------
 *
 * ledger_post.c
 *	  Posting a transaction once, however often it is asked for.
 *
 * An INSERT that is repeated is refused, because the transaction has been posted; ON
 * CONFLICT DO NOTHING is quiet, also where the entries are others.  Here the entries are
 * compared: the same ones are returned as they were stored, others are refused.
 *
 * Entries are added by an INSERT as the caller's, so that his rights, defaults, triggers
 * and rules hold.  Two who post an id this way wait for each other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "engine/rule.h"
#include "errors.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/spec.h"

/* What is posted, and how its columns are called. */
typedef struct Post
{
	Oid			ledger;
	char	   *table;			/* quoted */
	List	   *transaction;	/* columns that name it */
	List	   *keys;			/* columns that each entry gives */
	char	   *id;				/* of the transaction, in words */
	Datum		args[2];		/* entries jsonb, keys text[] */
} Post;

/* "a.b, a.c", quoted, with a cast after each; alias "a." or "". */
static char *
columns_text(List *names, const char *alias, const char *cast)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s%s%s", foreach_current_index(lc) > 0 ? ", " : "", alias,
						 quote_identifier(lfirst(lc)), cast);
	return buf.data;
}

/* The entries as the ledger would store them, as r. */
static char *
entries_text(const Post *post)
{
	return psprintf("pg_catalog.jsonb_populate_recordset(NULL::%s, $1) r", post->table);
}

/* What a row says in the columns that are given. */
static char *
given_text(const char *alias)
{
	return psprintf("(SELECT pg_catalog.jsonb_object_agg(e.key, e.value)"
					" FROM pg_catalog.jsonb_each(pg_catalog.to_jsonb(%s)) e"
					" WHERE e.key OPERATOR(pg_catalog.=) ANY ($2))", alias);
}

static void
execute(const Post *post, const char *sql, bool read_only)
{
	Oid			argtypes[2] = {JSONBOID, TEXTARRAYOID};
	Datum		args[2] = {post->args[0], post->args[1]};

	if (SPI_execute_with_args(sql, 2, argtypes, args, NULL, read_only, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
}

/* The keys of an object, in order. */
static List *
keys_of(JsonbValue *object)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;
	List	   *keys = NIL;

	if (object->type != jbvBinary || !JsonContainerIsObject(object->val.binary.data))
		return NIL;
	it = JsonbIteratorInit(object->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(value.val.string.val, value.val.string.len));
	return keys;
}

/* The columns that all entries give; raises 22023. */
static List *
given_columns(Jsonb *entries)
{
	int			n = JB_ROOT_IS_ARRAY(entries) && !JB_ROOT_IS_SCALAR(entries) ? JB_ROOT_COUNT(entries) : 0;
	List	   *keys = NIL;

	for (int i = 0; i < n; i++)
	{
		List	   *these = keys_of(getIthJsonbValueFromContainer(&entries->root, i));

		if (i == 0)
			keys = these;
		if (these == NIL || paysafe_strings_minus(these, keys) != NIL || paysafe_strings_minus(keys, these) != NIL)
			keys = NIL;
		if (keys == NIL)
			break;
	}
	if (keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be an array of objects with the same keys", "entries")));
	return keys;
}

/* The transaction that all entries name. */
static void
find_transaction(Post *post)
{
	StringInfoData id;
	char	   *value;

	/* both parameters are used, so that their types are known */
	execute(post, psprintf("SELECT DISTINCT %s FROM %s WHERE $2 IS NOT NULL",
						   columns_text(post->transaction, "r.", "::pg_catalog.text"), entries_text(post)), true);
	initStringInfo(&id);
	for (int i = 0; SPI_processed == 1 && i < list_length(post->transaction); i++)
	{
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);
		if (value == NULL)
			break;
		appendStringInfo(&id, "%s%s", i > 0 ? "," : "", value);
		post->id = id.data;
	}
	if (SPI_processed != 1 || post->id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the entries must be of one transaction, and name it in %s",
						paysafe_strings_join(post->transaction))));
}

/* From where the rows of the transaction that are there come, as l. */
static char *
posted_text(const Post *post)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "(SELECT r.* FROM %s LIMIT 1) k JOIN %s l ON true", entries_text(post), post->table);
	foreach(lc, post->transaction)
		appendStringInfo(&buf, " AND l.%s OPERATOR(pg_catalog.=) k.%s", quote_identifier(lfirst(lc)),
						 quote_identifier(lfirst(lc)));
	return buf.data;
}

/* A jsonb of the first row, in the context. */
static Datum
result_jsonb(MemoryContext context, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum		copy = isnull ? (Datum) 0 : PointerGetDatum(DatumGetJsonbPCopy(value));

	MemoryContextSwitchTo(old);
	return copy;
}

/* What is there, if the same was posted before; 0: nothing.  Refuses what was otherwise. */
static Datum
posted_before(const Post *post, MemoryContext context)
{
	bool		isnull;

	execute(post, psprintf("SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(l) ORDER BY pg_catalog.to_jsonb(l)),"
						   " pg_catalog.jsonb_agg(%1$s ORDER BY %1$s) OPERATOR(pg_catalog.=)"
						   " (SELECT pg_catalog.jsonb_agg(%2$s ORDER BY %2$s) FROM %3$s) FROM %4$s",
						   given_text("l"), given_text("r"), entries_text(post), posted_text(post)), false);
	if (SPI_processed != 1)
		elog(ERROR, "could not read transaction \"%s\"", post->id);
	if (SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull) == (Datum) 0 && isnull)
		return (Datum) 0;
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)) || isnull)
		paysafe_refuse(&(Refusal)
					   {
						   .sqlstate = ERRCODE_23L04_POSTED,
						   .rule = "ledger",
						   .schema_name = get_namespace_name(get_rel_namespace(post->ledger)),
						   .table_name = get_rel_name(post->ledger),
						   .column = linitial(post->transaction),
						   .message = psprintf("transaction \"%s\" in table \"%s\" has been posted, and otherwise",
											   post->id, get_rel_name(post->ledger)),
						   .detail = "Its entries are not those that are given.",
						   .hint = "Repeat the call as it was, or post a transaction of its own, with another id."
					   });
	return result_jsonb(context, 1);
}

/* What is not seen by the snapshot of the transaction, may have been committed since. */
static void
check_unseen(const Post *post)
{
	Oid			argtypes[2] = {JSONBOID, TEXTARRAYOID};
	Datum		args[2] = {post->args[0], post->args[1]};
	SPIPlanPtr	plan;

	if (!IsolationUsesXactSnapshot())
		return;
	plan = SPI_prepare(psprintf("SELECT 1 FROM %s WHERE $2 IS NOT NULL LIMIT 1", posted_text(post)), 2, argtypes);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, args, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not read transaction \"%s\"", post->id);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("transaction \"%s\" has been posted since this database transaction began", paysafe_redact_string(post->id)),
				 errhint("The transaction may succeed when it is tried again.")));
}

/* The rule, its columns and what is given. */
static void
open_post(FunctionCallInfo fcinfo, Post *post)
{
	Jsonb	   *entries;
	RuleSource	rule;
	bool		removed;
	ListCell   *lc;
	Datum	   *keys;

	paysafe_argument_required(fcinfo, 0, "ledger");
	paysafe_argument_required(fcinfo, 1, "entries");
	memset(post, 0, sizeof(*post));
	post->ledger = PG_GETARG_OID(0);
	entries = PG_GETARG_JSONB_P(1);
	if (!paysafe_rule_newest(post->ledger, "ledger", &rule, &removed) || removed ||
		get_rel_relkind(post->ledger) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" is no ledger",
						get_rel_name(post->ledger) ? get_rel_name(post->ledger) : psprintf("%u", post->ledger)),
				 errhint("Declare it with paysafe.protect_ledger first.")));
	post->table = paysafe_catalog_table_name(post->ledger);
	post->transaction = paysafe_spec_optional_columns(rule.spec, "transaction_column");
	if (post->transaction == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the entries of table \"%s\" are of no transactions", get_rel_name(post->ledger)),
				 errdetail("paysafe.protect_entries declares it, without a transaction_column: there is nothing to post only once."),
				 errhint("INSERT them; a unique key that the caller gives keeps them from being posted twice.")));
	post->keys = given_columns(entries);
	if (paysafe_strings_minus(post->transaction, post->keys) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the entries must be of one transaction, and name it in %s",
						paysafe_strings_join(post->transaction))));
	keys = palloc(sizeof(Datum) * list_length(post->keys));
	foreach(lc, post->keys)
		keys[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	post->args[0] = JsonbPGetDatum(entries);
	post->args[1] = PointerGetDatum(construct_array(keys, list_length(post->keys), TEXTOID, -1, false, TYPALIGN_INT));
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_post_entries);

/*
 * post_entries(ledger regclass, entries jsonb) returns jsonb: the entries as stored
 */
Datum
paysafe_post_entries(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	Post		post;
	Datum		result;

	open_post(fcinfo, &post);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	find_transaction(&post);
	/* who posts the same waits, and then finds it */
	(void) paysafe_store_lock_value(PAYSAFE_CLOSED_PERIOD,
									hash_bytes_extended((const unsigned char *) post.id, strlen(post.id), post.ledger),
									false);
	result = posted_before(&post, context);
	if (result == (Datum) 0)
	{
		check_unseen(&post);
		execute(&post, psprintf("WITH new AS (INSERT INTO %s AS l (%s) SELECT %s FROM %s RETURNING pg_catalog.to_jsonb(l) AS entry)"
								" SELECT pg_catalog.jsonb_agg(entry ORDER BY entry) FROM new WHERE $2 IS NOT NULL",
								post.table, columns_text(post.keys, "", ""), columns_text(post.keys, "r.", ""),
								entries_text(&post)), false);
		result = SPI_processed == 1 ? result_jsonb(context, 1) : (Datum) 0;
		if (result == (Datum) 0)
			elog(ERROR, "the entries of transaction \"%s\" were not stored", post.id);
	}
	SPI_finish();
	PG_RETURN_DATUM(result);
}
