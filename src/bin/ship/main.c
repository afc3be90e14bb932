/*-------------------------------------------------------------------------
 *
 * main.c
 *	  paysafe-ship: takes a log's checkpoint to witnesses, and their cosignatures
 *	  back.
 *
 * The conversation is c2sp.org/tlog-witness's add-checkpoint.  Nothing is kept
 * here: each witness says itself how much of the log it has seen.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bin/ship/http.h"
#include "bin/verify/database.h"
#include "bin/verify/folder.h"
#include "bin/verify/report.h"

static const char usage[] =
"paysafe-ship: takes a log's checkpoint to witnesses, and their cosignatures back.\n"
"\n"
"  paysafe-ship --policy FILE --folder FOLDER [--out FILE]   a log that was published\n"
"  paysafe-ship --policy FILE --dbname CONNINFO              one in a database\n"
"\n"
"  --policy FILE       the witnesses, with their URLs (c2sp.org/tlog-policy)\n"
"  --out FILE          where the checkpoint with its cosignatures goes; to a database\n"
"                      they go by paysafe.add_cosignature\n"
"  --command PROGRAM   for https://, instead of curl: is given the URL, has the request's\n"
"                      body on standard input, prints the answer with its headers\n"
"  --seconds N         for each request: 30\n"
"\n"
"Exit status: 0 as many witnesses as the policy asks for have cosigned, 2 a witness has\n"
"seen another log under this name, or a longer one: this one was changed or has lost its\n"
"end, 3 too few could be reached.\n";

typedef struct Ship
{
	const char *policy;
	const char *folder_path;
	const char *dbname;
	const char *out;
	const char *command;
	int			seconds;
	Trust		trust;
	Folder		folder;
	Database   *database;
	const Held *held;
	char		lines[ANSWER_MAX];	/* of witnesses */
	size_t		lines_len;
} Ship;

static void
read_options(int argc, char **argv, Ship *ship)
{
	static const struct option names[] = {
		{"policy", required_argument, NULL, 'p'},
		{"folder", required_argument, NULL, 'f'},
		{"dbname", required_argument, NULL, 'd'},
		{"out", required_argument, NULL, 'o'},
		{"command", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}
	};
	int			option;

	ship->seconds = 30;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		switch (option)
		{
			case 'p':
				ship->policy = optarg;
				break;
			case 'f':
				ship->folder_path = optarg;
				break;
			case 'd':
				ship->dbname = optarg;
				break;
			case 'o':
				ship->out = optarg;
				break;
			case 'c':
				ship->command = optarg;
				break;
			case 's':
				ship->seconds = atoi(optarg);
				break;
			case 'h':
				fputs(usage, stdout);
				exit(0);
			default:
				fputs(usage, stderr);
				exit(OUTCOME_UNKNOWN);
		}
	}
	if (optind != argc || ship->policy == NULL || (ship->folder_path != NULL) + (ship->dbname != NULL) != 1 ||
		ship->seconds < 1 || ship->seconds > 3600)
	{
		fputs(usage, stderr);
		exit(OUTCOME_UNKNOWN);
	}
}

/* The request: what the witness has seen, the proof from there on, the checkpoint.  0: there is no proof */
static size_t
request(Ship *ship, uint64_t old, char *out, size_t room)
{
	const TlogCheckpoint *checkpoint = &ship->held->checkpoint;
	TlogHash	path[TLOG_CONSISTENCY_MAX];
	TlogWriter	w;
	int			n = 0;
	long		len;

	if (old > 0 && old < checkpoint->size)
	{
		n = ship->database != NULL ? database_consistency(ship->database, old, checkpoint->size, path)
			: tlog_consistency_path(old, checkpoint->size, folder_subtree, &ship->folder, path);
		if (n < 0)
			return 0;
	}
	tlog_write_begin(&w, out, room);
	tlog_write_word(&w, "old ");
	tlog_write_number(&w, old);
	tlog_write(&w, "\n", 1);
	for (int i = 0; i < n; i++)
	{
		tlog_write_base64(&w, path[i].bytes, TLOG_HASH_LEN);
		tlog_write(&w, "\n", 1);
	}
	tlog_write(&w, "\n", 1);
	tlog_write(&w, ship->held->buffer.data, ship->held->buffer.len);
	len = tlog_write_end(&w);
	return len < 0 ? 0 : (size_t) len;
}

/* What a witness sends is taken if it is its own signature, and nothing else is. */
static bool
take_lines(Ship *ship, const TlogPolicyName *witness, TlogText answer)
{
	static char text[TLOG_NOTE_MAX];
	static TlogNote note;
	TlogText	message = {text, 0};
	long		len = tlog_note_write(ship->held->note.text, answer, text, sizeof(text));

	message.len = len < 0 ? 0 : len;
	if (len < 0 || !tlog_note_parse(message, &note) ||
		tlog_checkpoint_verdict(&note, &witness->key, NULL) != TLOG_GOOD_SIGNATURE)
		return false;
	for (int i = 0; i < note.n; i++)
	{
		TlogText	line = note.signatures[i].line;

		if (note.signatures[i].id != witness->key.id || !tlog_text_is(note.signatures[i].name, witness->key.name))
			continue;
		if (line.len > sizeof(ship->lines) - ship->lines_len)
			return false;
		memcpy(ship->lines + ship->lines_len, line.at, line.len);
		ship->lines_len += line.len;
	}
	return true;
}

static void
say(const TlogPolicyName *witness, const char *what, TlogText more)
{
	/* one line, whatever the witness sends */
	size_t		len = 0;

	while (len < more.len && len < 200 && (uint8_t) more.at[len] >= ' ')
		len++;
	printf("%.*s: %s%.*s\n", (int) witness->name.len, witness->name.at, what, (int) len, more.at);
}

/* How much the witness has seen, where it says so */
static bool
conflict_size(const Answer *answer, uint64_t *size)
{
	TlogText	rest = answer->body;
	TlogText	line;

	return answer->status == 409 && tlog_text_line(&rest, &line) && rest.len == 0 && tlog_text_number(line, size);
}

/* Of the checkpoint that is there now: another one may have been shipped meanwhile */
static uint64_t
newest_size(const Ship *ship)
{
	static Trust trust;
	static Folder folder;
	Held	   *held;

	trust.nheld = 0;
	if (ship->dbname != NULL)
		database_close(database_open(ship->dbname, NULL, &trust, &held));
	else
		held = folder_open(&folder, ship->folder_path, &trust);
	return held == NULL ? 0 : held->checkpoint.size;
}

static void
visit(Ship *ship, const TlogPolicyName *witness)
{
	static char body[TLOG_NOTE_MAX + 8192];
	static Answer answer;
	char		url[1200];
	TlogText	none = {"", 0};
	uint64_t	old = 0;

	if (snprintf(url, sizeof(url), "%.*s%sadd-checkpoint", (int) witness->url.len, witness->url.at,
				 witness->url.at[witness->url.len - 1] == '/' ? "" : "/") >= (int) sizeof(url))
		return;
	/* what it has seen may grow between two requests, if others ship, too */
	for (int tries = 0; tries < 4; tries++)
	{
		TlogText	sent = {body, request(ship, old, body, sizeof(body))};

		if (sent.len == 0)
		{
			say(witness, "the log has no proof that begins where it is", none);
			return;
		}
		http_post(url, sent, ship->command, ship->seconds, &answer);
		if (!conflict_size(&answer, &old))
			break;
		if (old > ship->held->checkpoint.size && newest_size(ship) >= old)
		{
			say(witness, "it has a later checkpoint already", none);
			return;
		}
		if (old > ship->held->checkpoint.size)
		{
			finding("%.*s has seen %" PRIu64 " leaves of this log, which has %" PRIu64 ": its end is lost",
					(int) witness->name.len, witness->name.at, old, ship->held->checkpoint.size);
			return;
		}
	}
	if (answer.status == 422)
		finding("%.*s has seen another log under this name: %" PRIu64 " leaves of it are no part of this one",
				(int) witness->name.len, witness->name.at, old);
	else if (answer.status != 200)
		say(witness, answer.status == 0 ? "" : "it refuses: ", answer.body);
	else if (!take_lines(ship, witness, answer.body))
		say(witness, "what it sends is not its cosignature", none);
	else
		say(witness, "cosigned", none);
}

/* Under another name, then renamed: who reads finds all of it or nothing */
static void
write_out(const char *path, TlogText text)
{
	char		temporary[4096];
	FILE	   *file;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int) sizeof(temporary))
		unknown("\"%s\" is too long", path);
	file = fopen(temporary, "we");
	if (file == NULL || fwrite(text.at, 1, text.len, file) != text.len || fflush(file) != 0 ||
		fsync(fileno(file)) != 0 || fclose(file) != 0 || rename(temporary, path) != 0)
		unknown("could not write \"%s\": %s", path, strerror(errno));
}

/* The checkpoint with what it had and what the witnesses gave; how it stands now */
static TlogPolicyVerdict
deliver(Ship *ship)
{
	static char text[TLOG_NOTE_MAX];
	static TlogNote note;
	TlogText	message = {text, ship->held->buffer.len + ship->lines_len};

	if (message.len > sizeof(text))
		unknown("more signatures than a note has room for");
	memcpy(text, ship->held->buffer.data, ship->held->buffer.len);
	memcpy(text + ship->held->buffer.len, ship->lines, ship->lines_len);
	if (!tlog_note_parse(message, &note))
		unknown("more signatures than a note has room for");
	if (ship->out != NULL)
		write_out(ship->out, message);
	if (ship->database != NULL && ship->lines_len > 0)
		database_cosigned(ship->database, message);
	return tlog_policy_verdict(ship->trust.policy, &note, NULL);
}

int
main(int argc, char **argv)
{
	static Ship ship;
	Held	   *held;
	TlogPolicyVerdict verdict;

	if (!tlog_hash_ready())
		unknown("this OpenSSL has no SHA-256");
	read_options(argc, argv, &ship);
	trust_policy(&ship.trust, ship.policy);
	if (ship.dbname != NULL)
		ship.database = database_open(ship.dbname, NULL, &ship.trust, &held);
	else
		held = folder_open(&ship.folder, ship.folder_path, &ship.trust);
	if (held == NULL)
		unknown("there is no checkpoint to ship");
	ship.held = held;
	ship.folder.size = held->checkpoint.size;
	if (ship.database != NULL)
		database_log(ship.database, held->checkpoint.origin);
	for (int i = 0; i < ship.trust.policy->nnames; i++)
	{
		const TlogPolicyName *name = &ship.trust.policy->names[i];
		bool		has = name->witness && tlog_checkpoint_verdict(&held->note, &name->key, NULL) == TLOG_GOOD_SIGNATURE;

		if (name->witness && name->url.len > 0 && !has)
			visit(&ship, name);
	}
	verdict = deliver(&ship);
	if (findings() > 0)
	{
		findings_print();
		return OUTCOME_DIFFERS;
	}
	printf("%" PRIu64 " leaves: %s\n", held->checkpoint.size,
		   verdict == TLOG_POLICY_MET ? "as many have cosigned as the policy asks for"
		   : verdict == TLOG_POLICY_NO_QUORUM ? "too few have cosigned" : "no log of the policy has signed this");
	return verdict == TLOG_POLICY_MET ? OUTCOME_GOOD : OUTCOME_UNKNOWN;
}
