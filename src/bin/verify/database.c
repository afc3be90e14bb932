/*-------------------------------------------------------------------------
 *
 * database.c
 *	  A log in a database that runs.
 *
 * The server is not trusted: what it says is compared with what was signed.  Only
 * what it cannot say is taken for "unknown".
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bin/verify/database.h"
#include "bin/verify/proof.h"
#include "bin/verify/report.h"

#ifdef HAVE_LIBPQ

#include "libpq-fe.h"

/*
 * Leaves asked for at once: the server keeps them in a file until it sends them, but
 * reads a transaction's rows once for each step that has some of them.
 */
#define STEP	262144

struct Database
{
	PGconn	   *conn;
	char		incarnation[16];	/* that is read */
};

/*
 * Whatever the server says, on one line.  That it has not sealed what was signed
 * (22023) is a finding.
 */
static void
refused(const Database *database, const PGresult *result)
{
	const char *code = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
	char	   *text = need(strdup(PQerrorMessage(database->conn)));

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = c[1] == '\0' ? '\0' : ' ';
	if (code != NULL && strcmp(code, "22023") == 0)
		finding("the database does not have what was signed: %s", text);
	/* a page, a value or a tile that is damaged */
	if (code != NULL && strncmp(code, "XX001", 5) == 0)
		finding("the database's files are damaged: %s", text);
	unknown("%s", text);
}

static PGresult *
ask(Database *database, const char *query, ExecStatusType expected)
{
	PGresult   *result = PQexec(database->conn, query);

	if (PQresultStatus(result) != expected)
		refused(database, result);
	return result;
}

/* The same of a query with one text, which may be NULL */
static PGresult *
ask_of(Database *database, const char *query, const char *text)
{
	PGresult   *result = PQexecParams(database->conn, query, 1, NULL, &text, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		refused(database, result);
	return result;
}

Database *
database_open(const char *conninfo, const char *origin, Trust *trust, Held **held)
{
	Database   *database = need(calloc(1, sizeof(Database)));
	PGresult   *result;

	database->conn = need(PQconnectdb(conninfo));
	if (PQstatus(database->conn) != CONNECTION_OK)
		refused(database, NULL);
	PQclear(ask(database, "SET search_path = pg_catalog", PGRES_COMMAND_OK));
	PQclear(ask(database, "SET default_transaction_read_only = on", PGRES_COMMAND_OK));
	PQclear(ask(database, "SET client_encoding = 'UTF8'", PGRES_COMMAND_OK));
	result = ask_of(database, "SELECT note FROM paysafe.checkpoint WHERE published IS NOT NULL "
					"AND ($1::text IS NULL OR origin = $1) ORDER BY incarnation DESC, size DESC LIMIT 1", origin);
	*held = NULL;
	if (PQntuples(result) > 0)
	{
		FileBuffer	text = {0};

		text.data = need(strdup(PQgetvalue(result, 0, 0)));
		text.len = text.room = strlen(text.data);
		*held = trust_held(trust, "checkpoint", &text);
		if (*held == NULL)
			finding("checkpoint: the one that the database has published is none");
	}
	PQclear(result);
	return database;
}

void
database_log(Database *database, TlogText origin)
{
	char	   *text = need(strndup(origin.at, origin.len));
	PGresult   *result = ask_of(database, "SELECT max(incarnation) FROM paysafe.seal_log WHERE origin = $1", text);

	if (PQgetisnull(result, 0, 0))
	{
		finding("the database has no log \"%s\"", text);
		unknown("the database has no log \"%s\"", text);
	}
	snprintf(database->incarnation, sizeof(database->incarnation), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	free(text);
}

char *
database_newer_log(Database *database)
{
	PGresult   *result = ask_of(database, "SELECT origin FROM paysafe.seal_log WHERE incarnation > $1::int ORDER BY incarnation DESC LIMIT 1",
								database->incarnation);
	char	   *origin = PQntuples(result) == 0 ? NULL : need(strdup(PQgetvalue(result, 0, 0)));

	PQclear(result);
	return origin;
}

void
database_close(Database *database)
{
	PQfinish(database->conn);
	free(database);
}

/* Parts of COPY's binary form */
typedef struct Bytes
{
	const uint8_t *at;
	size_t		len;
} Bytes;

static const uint8_t *
take(Bytes *bytes, size_t n)
{
	const uint8_t *at = bytes->at;

	if (n > bytes->len)
		unknown("the server sends what is no COPY");
	bytes->at += n;
	bytes->len -= n;
	return at;
}

static uint64_t
take_number(Bytes *bytes, int n)
{
	const uint8_t *at = take(bytes, n);
	uint64_t	value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | at[i];
	return value;
}

/* The next field; NULL where it is null */
static const uint8_t *
take_field(Bytes *bytes, size_t *len)
{
	*len = take_number(bytes, 4);
	if (*len == 0xFFFFFFFF)
		return NULL;
	return take(bytes, *len);
}

static void
take_row(Bytes *bytes, Walk *walk, DatabaseRows *rows)
{
	size_t		index_len;
	const uint8_t *index = take_field(bytes, &index_len);
	size_t		len;
	const uint8_t *leaf = take_field(bytes, &len);
	size_t		payload_len;
	const uint8_t *payload = take_field(bytes, &payload_len);
	Bytes		number = {index, index_len};
	uint64_t	here;
	TlogHash	hash;
	char		what[LEAF_TEXT_MAX];

	if (index == NULL || index_len != 8 || (leaf != NULL && len > TLOG_LEAF_MAX))
		unknown("paysafe.seal_entries answers in another form");
	here = take_number(&number, 8);
	if (leaf == NULL)
	{
		if (walk->order.open)
			finding_at(here, "what was sealed as it is not there any more, or not as it was: row %" PRIu64 " of transaction %"
					   PRIu64 " or what follows it", walk->order.expected, walk->order.xid);
		else
			finding_at(here, "what was sealed as it is not there any more, or not as it was");
		walk_missing(walk);
		return;
	}
	leaf_text(leaf, len, what);
	if (here != walk->next)
		finding_at(walk->next, "it is missing; leaf %" PRIu64 ", %s, follows", here, what);
	if (payload == NULL)
		rows->removed += leaf[0] == LEAF_ROW;
	else if (leaf_has_payload(leaf, len, payload, payload_len))
		rows->payloads++;
	else
		finding_at(here, "the payload of %s is not the one that was sealed", what);
	walk_leaf(walk, leaf, len, &hash);
	if (walk->nwaiting == TLOG_TILE_WIDTH)
		walk_tile(walk, &hash);
}

/* One message of a COPY; the first one has the header before its row */
static void
take_message(const char *message, int n, bool *begun, Walk *walk, DatabaseRows *rows)
{
	Bytes		bytes = {(const uint8_t *) message, n};

	if (!*begun)
	{
		(void) take(&bytes, 15);
		(void) take(&bytes, take_number(&bytes, 4));
		*begun = true;
	}
	while (bytes.len > 0)
	{
		uint64_t	fields = take_number(&bytes, 2);

		if (fields == 0xFFFF)
			return;
		if (fields != 3)
			unknown("paysafe.seal_entries answers in another form");
		take_row(&bytes, walk, rows);
	}
}

/* How many leaves came */
static uint64_t
read_step(Database *database, uint64_t from, uint64_t to, Walk *walk, DatabaseRows *rows)
{
	char		query[300];
	uint64_t	before = walk->next;
	bool		begun = false;
	char	   *message;
	int			n;
	PGresult   *result;

	snprintf(query, sizeof(query), "COPY (SELECT index, leaf, payload FROM paysafe.seal_entries(%" PRIu64 ", %" PRIu64
			 ", %s)) TO STDOUT (FORMAT binary)", from, to, database->incarnation);
	PQclear(ask(database, query, PGRES_COPY_OUT));
	while ((n = PQgetCopyData(database->conn, &message, 0)) > 0)
	{
		take_message(message, n, &begun, walk, rows);
		PQfreemem(message);
	}
	if (n == -2)
		refused(database, PQgetResult(database->conn));
	while ((result = PQgetResult(database->conn)) != NULL)
	{
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			refused(database, result);
		PQclear(result);
	}
	return walk->next - before;
}

int
database_consistency(Database *database, uint64_t old, uint64_t size, TlogHash *path)
{
	char		query[300];
	PGresult   *result;
	int			n;

	snprintf(query, sizeof(query), "SELECT encode(h, 'base64') FROM paysafe.consistency_proof(%" PRIu64 ", %" PRIu64
			 ", %s) p, unnest(p.path) WITH ORDINALITY AS u(h, n) ORDER BY n", old, size, database->incarnation);
	result = ask(database, query, PGRES_TUPLES_OK);
	n = PQntuples(result) <= TLOG_CONSISTENCY_MAX ? PQntuples(result) : -1;
	for (int i = 0; i < n; i++)
	{
		TlogText	hash = {PQgetvalue(result, i, 0), strlen(PQgetvalue(result, i, 0))};

		if (!tlog_base64_hash(hash, &path[i]))
			n = -1;
	}
	PQclear(result);
	return n;
}

void
database_cosigned(Database *database, TlogText note)
{
	char	   *text = need(strndup(note.at, note.len));

	PQclear(ask(database, "SET default_transaction_read_only = off", PGRES_COMMAND_OK));
	PQclear(ask_of(database, "SELECT paysafe.add_cosignature($1)", text));
	free(text);
}

/* The tree that a checkpoint is of, out of the proof that it is a part of the last one */
static bool
frontier_since(Database *database, const TlogCheckpoint *since, const TlogCheckpoint *last, TlogFrontier *out)
{
	TlogHash	path[TLOG_CONSISTENCY_MAX];
	int			n = database_consistency(database, since->size, last->size, path);

	if (n >= 0 && !tlog_verify_consistency(since->size, last->size, path, n, &since->root, &last->root))
		finding("the log of %" PRIu64 " leaves is not a part of that of %" PRIu64 ": it was changed before leaf %" PRIu64,
				since->size, last->size, since->size);
	return n >= 0 && tlog_frontier_of_path(since->size, last->size, path, n, &since->root, out);
}

/*
 * Rows that are in no leaf, and are shown by the audit log all the same.  Leaves cannot
 * tell of them: only the server can.
 */
static void
find_strays(Database *database, uint64_t from)
{
	char		query[100];
	PGresult   *result;

	snprintf(query, sizeof(query), "SELECT xid, seq, finding FROM paysafe.seal_strays(%" PRIu64 ")", from);
	result = ask(database, query, PGRES_TUPLES_OK);
	for (int i = 0; i < PQntuples(result); i++)
		finding("row %s of transaction %s: %s", PQgetvalue(result, i, 1), PQgetvalue(result, i, 0), PQgetvalue(result, i, 2));
	PQclear(result);
}

/*
 * Rows of paysafe's own tables that are not what the audit log says of them: rules,
 * people, approvals, refusals.  Only the server has both.
 */
static void
find_own(Database *database)
{
	PGresult   *result = ask(database, "SELECT subject, detail FROM paysafe.check_own(true) WHERE NOT ok", PGRES_TUPLES_OK);

	for (int i = 0; i < PQntuples(result); i++)
		finding("%s: %s", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
	PQclear(result);
}

void
database_walk(Database *database, const Trust *trust, const TlogCheckpoint *since, const TlogCheckpoint *last,
			  uint64_t size, Walk *walk, DatabaseRows *rows)
{
	TlogFrontier frontier;

	memset(rows, 0, sizeof(*rows));
	if (since != NULL && since->size >= size)
	{
		walk_nothing(walk, trust, last);
		find_strays(database, since->size);
		find_own(database);
		return;
	}
	tlog_frontier_init(&frontier);
	if (since != NULL && !frontier_since(database, since, last, &frontier))
		finding("the tree of the first %" PRIu64 " leaves cannot be had", since->size);
	walk_begin(walk, trust, &frontier, size);
	while (walk->next < size)
	{
		uint64_t	to = size - walk->next < STEP ? size : walk->next + STEP;

		if (read_step(database, walk->next, to, walk, rows) == 0)
		{
			finding_at(walk->next, "it and all leaves up to %" PRIu64 " are missing", to - 1);
			break;
		}
		/* one that is missing moves all that follow: nothing of them could be said */
		if (walk->next > to || (walk->next < to && findings() > 0))
			break;
	}
	walk_end(walk);
	find_strays(database, since == NULL ? 0 : since->size);
	find_own(database);
}

/* One leaf as the server has it, and the proof that the server gives for it */
static void
sample_one(Database *database, const TlogCheckpoint *last, uint64_t index)
{
	TlogHash	path[TLOG_PATH_MAX];
	TlogHash	hash;
	char		query[400];
	PGresult   *result;
	int			n;
	TlogText	text;
	static uint8_t leaf[TLOG_LEAF_MAX];
	char		what[LEAF_TEXT_MAX];
	long		len;

	snprintf(query, sizeof(query), "SELECT translate(encode(e.leaf, 'base64'), E'\\n', ''), encode(h, 'base64') "
			 "FROM paysafe.seal_entries(%" PRIu64 ", %" PRIu64 ", %s) e LEFT JOIN (paysafe.inclusion_proof(%" PRIu64
			 "::bigint, %s, %" PRIu64 ") p CROSS JOIN unnest(p.path) WITH ORDINALITY AS u(h, n)) ON true ORDER BY n",
			 index, index + 1, database->incarnation, index, database->incarnation, last->size);
	result = ask(database, query, PGRES_TUPLES_OK);
	n = PQntuples(result);
	if (n == 0 || PQgetisnull(result, 0, 0))
		finding_at(index, "what was sealed as it is not there any more, or not as it was");
	else
	{
		text.at = PQgetvalue(result, 0, 0);
		text.len = strlen(text.at);
		len = tlog_base64_read(text, leaf, sizeof(leaf));
		/* a log of one leaf has no path */
		if (n == 1 && PQgetisnull(result, 0, 1))
			n = 0;
		for (int i = 0; i < n && len >= 0; i++)
		{
			text.at = PQgetvalue(result, i, 1);
			text.len = strlen(text.at);
			if (n > TLOG_PATH_MAX || !tlog_base64_hash(text, &path[i]))
				len = -1;
		}
		if (len < 0)
			unknown("paysafe.inclusion_proof answers in another form");
		leaf_text(leaf, len, what);
		tlog_hash_leaf(leaf, len, &hash);
		if (!tlog_verify_inclusion(index, last->size, &hash, path, n, &last->root))
			finding_at(index, "%s is not what the checkpoint has there", what);
	}
	PQclear(result);
}

void
database_sample(Database *database, const TlogCheckpoint *last, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		sample_one(database, last, random_below(last->size));
}

#else

Database *
database_open(const char *conninfo, const char *origin, Trust *trust, Held **held)
{
	unknown("built without libpq");
}

void
database_close(Database *database)
{
}

void
database_log(Database *database, TlogText origin)
{
}

char *
database_newer_log(Database *database)
{
	return NULL;
}

int
database_consistency(Database *database, uint64_t old, uint64_t size, TlogHash *path)
{
	return -1;
}

void
database_cosigned(Database *database, TlogText note)
{
}

void
database_walk(Database *database, const Trust *trust, const TlogCheckpoint *since, const TlogCheckpoint *last,
			  uint64_t size, Walk *walk, DatabaseRows *rows)
{
}

void
database_sample(Database *database, const TlogCheckpoint *last, uint64_t n)
{
}

#endif
