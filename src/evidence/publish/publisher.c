/*-------------------------------------------------------------------------
 *
 * publisher.c
 *	  Signing checkpoints of the sealed log, and publishing it.
 *
 * A log never signs two checkpoints of which one is not the beginning of the other.  So
 * what is signed is committed, and on the disks of as many standbys as asked for; before
 * each signature the log that is here has to go on from the last one signed, and from
 * what is known outside (outside.c).  If it does not, nothing is signed any more: a
 * database that has lost its end would otherwise give the same numbers to other rows, and
 * everybody would call it a forger.  Two people begin a new log then (open_log.c).
 *
 * A size is signed once, stored, then published: the files, the checkpoint in its place,
 * a command, a notification.  The next one is signed when that has succeeded.  A crash in
 * between repeats what is not marked as published.  No transaction is open while a command
 * runs, and none that reads tiles for long, so that nobody waits for this.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/command.h"
#include "base/refusal.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/publish/folder.h"
#include "evidence/publish/log.h"
#include "evidence/publish/outside.h"
#include "evidence/publish/publisher.h"
#include "evidence/publish/publisher_state.h"
#include "evidence/publish/witness.h"
#include "store/catalog.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/tile.h"
#include "vault/log_key.h"

#define CHANNEL			"paysafe_checkpoint"
#define BUNDLES_A_TURN	1024	/* 262,144 leaves: some seconds */
#define STANDBY_REST	500		/* milliseconds between looks at standbys */
#define GIVE_UP			5		/* failures in a row, with twice the rest after each: half a minute */

static char *publish_folder = NULL; /* setting paysafe.publish_folder */
static char *publish_command = NULL;	/* setting paysafe.publish_command */
static char *published_command = NULL;	/* setting paysafe.published_command */
static int	publish_interval = 10;	/* setting paysafe.publish_interval, seconds */
static int	publish_standbys = 0;	/* setting paysafe.publish_standbys */
static int	command_timeout = 30;	/* setting paysafe.publish_timeout, seconds */

/* What this worker remembers from turn to turn. */
static struct
{
	bool		have_keys;
	bool		asked;			/* what is known outside, by the command, too */
	MemoryContext turn;			/* of one turn */
	TimestampTz not_before;		/* after trouble */
	int			failures;		/* one after the other */
	int64		waiting_size;	/* for standbys, which are to have flushed up to there */
	int			waiting_incarnation;
	XLogRecPtr	waiting_for;
	int			writing_incarnation;	/* files of this checkpoint */
	int64		writing_size;
	int64		writing_next;
	int64		missed_size;	/* published, not stored here, and on record */
}			me;

/* A turn. */
typedef struct Turn
{
	bool		at_once;
	bool		more;			/* there is more to do at once */
	TimestampTz due;			/* when the next checkpoint is, if there is something new */
	LogHead	head;
	bool		has_last;
	Checkpoint	last;			/* signed */
	bool		published;		/* has anything of this log been? */
	char	   *folder;			/* or NULL */
	Outside		outside;
	const char *state;			/* if there is trouble */
	const char *note;			/* that it is about, or NULL */
} Turn;

/*
 * Transactions
 */

static void
begin(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(me.turn);
	pgstat_report_activity(STATE_RUNNING, activity);
}

static void
commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(me.turn);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* What there is to do; false: nothing. */
static bool
look(Turn *turn)
{
	bool		result;

	begin("looking at the sealed log");
	result = paysafe_catalog_present() && paysafe_log_head(&turn->head) && turn->head.size > 0;
	if (result)
	{
		turn->has_last = paysafe_checkpoint_last(turn->head.incarnation, &turn->last);
		turn->published = paysafe_checkpoint_any_published(turn->head.incarnation);
		turn->folder = paysafe_publisher_folder(turn->head.origin);
	}
	commit();
	return result;
}

/*
 * May it be signed?
 */

/* Ask what is known of the log of that name. */
static char *
ask_outside(Turn *turn, const char *origin, bool by_command)
{
	char	   *folder = paysafe_publisher_folder(origin);
	char	   *trouble = NULL;

	turn->state = PUBLISHER_FAILED;
	turn->outside.n = 0;
	if (folder != NULL)
		trouble = paysafe_outside_ask_folder(&turn->outside, folder);
	if (trouble == NULL && by_command && published_command[0] != '\0')
		trouble = paysafe_outside_ask_command(&turn->outside, published_command, origin,
											  command_timeout * 1000);
	return trouble;
}

/*
 * A log that has begun by itself is signed when two people have begun another one, whose
 * first leaf says what was known last of the log before: that is asked here.
 */
static char *
judge_begun(Turn *turn)
{
	char	   *trouble = NULL;

	if (turn->head.before != NULL)
		trouble = ask_outside(turn, turn->head.before, true);
	if (trouble != NULL)
		return trouble;
	turn->state = PUBLISHER_REFUSED;
	turn->note = paysafe_outside_largest(&turn->outside, turn->head.before);
	return pstrdup("this log was begun when the database had been restored, and nobody has agreed to it");
}

/* Is the log the one that was signed before, and do its tiles have its root? */
static char *
judge_last(Turn *turn, SealReader *reader)
{
	TlogHash	root;
	TlogHash	path[TLOG_CONSISTENCY_MAX];
	int			n;

	if (!tlog_root_at(turn->head.size, paysafe_seal_tile_hash, reader, &root) ||
		!tlog_hash_equal(&root, &turn->head.root))
		return pstrdup("the tiles of the log do not have the root that was sealed");
	if (!turn->has_last)
		return NULL;
	turn->note = turn->last.note;
	if (turn->last.size > turn->head.size)
		return psprintf("a checkpoint of " INT64_FORMAT " leaves has been signed, more than there are",
						turn->last.size);
	n = tlog_consistency_path(turn->last.size, turn->head.size, paysafe_seal_tile_hash, reader, path);
	if (n < 0 || !tlog_verify_consistency(turn->last.size, turn->head.size, path, n, &turn->last.root, &root))
		return psprintf("the log does not go on from the one of " INT64_FORMAT " leaves that has been signed",
						turn->last.size);
	turn->note = NULL;
	return NULL;
}

static char *
judge(Turn *turn)
{
	SealReader *reader;
	char	   *trouble;

	begin("comparing the sealed log with what is known outside");
	reader = paysafe_seal_tile_reader(turn->head.incarnation);
	turn->state = PUBLISHER_REFUSED;
	trouble = paysafe_outside_judge(&turn->outside, &turn->head, reader, turn->published,
									&turn->note);
	if (trouble == NULL)
		trouble = judge_last(turn, reader);
	commit();
	return trouble;
}

/* How many standbys have it on disk?  Subscribers are no standbys. */
static int64
standbys_at(XLogRecPtr lsn)
{
	Oid			type = PG_LSNOID;
	Datum		value = LSNGetDatum(lsn);
	bool		isnull;
	int64		result;

	begin("looking for standbys");
	SPI_connect();
	if (SPI_execute_with_args("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r"
							  " WHERE r.state OPERATOR(pg_catalog.=) 'streaming' AND r.flush_lsn OPERATOR(pg_catalog.>=) $1"
							  " AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s"
							  " WHERE s.active_pid OPERATOR(pg_catalog.=) r.pid AND s.slot_type OPERATOR(pg_catalog.=) 'logical')",
							  1, &type, &value, NULL, true, 1) != SPI_OK_SELECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("standbys could not be counted")));
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	MemoryContextSwitchTo(me.turn);
	commit();
	return result;
}

/* Have enough of them what is to be signed?  What is waited for stays the same meanwhile. */
static char *
wait_for_standbys(Turn *turn)
{
	int64		n;

	if (publish_standbys == 0)
		return NULL;
	/* the head was committed before this moment */
	if (me.waiting_size == 0 || me.waiting_incarnation != turn->head.incarnation)
	{
		me.waiting_incarnation = turn->head.incarnation;
		me.waiting_size = turn->head.size;
		me.waiting_for = GetFlushRecPtr(NULL);
	}
	n = standbys_at(me.waiting_for);
	turn->state = PUBLISHER_WAITS;
	return n >= publish_standbys ? NULL :
		psprintf("%d standbys are to have what is signed, and " INT64_FORMAT " have it", publish_standbys, n);
}

/*
 * Signing
 */

/* The size that is signed: of what standbys were waited for, no more than that. */
static char *
choose_size(Turn *turn)
{
	SealReader *reader;
	bool		found;

	if (me.waiting_size == 0 || me.waiting_size >= turn->head.size)
		return NULL;
	begin("looking at the sealed log");
	reader = paysafe_seal_tile_reader(turn->head.incarnation);
	found = tlog_root_at(me.waiting_size, paysafe_seal_tile_hash, reader, &turn->head.root);
	commit();
	turn->head.size = me.waiting_size;
	turn->state = PUBLISHER_REFUSED;
	return found ? NULL : psprintf("tiles of the log cannot be read");
}

/* After the one that was signed last, whether that is still there or not. */
static void
add_to_chain(Checkpoint *checkpoint)
{
	PublisherSigned last;
	Checkpoint	before;
	bool		any = true;

	if (!paysafe_publisher_state_signed(&last))
	{
		any = paysafe_checkpoint_last_up_to(checkpoint->incarnation, &before);
		last.chain = before.chain;
	}
	paysafe_checkpoint_chain(any ? &last.chain : NULL, checkpoint->note, &checkpoint->chain);
	paysafe_checkpoint_add(checkpoint);
	last = (PublisherSigned) {checkpoint->incarnation, checkpoint->size, checkpoint->chain};
	paysafe_publisher_state_set_signed(&last);
}

static char *
sign(Turn *turn)
{
	char		text[TLOG_CHECKPOINT_MAX];
	Checkpoint	checkpoint = {.incarnation = turn->head.incarnation, .size = turn->head.size, .root = turn->head.root};
	StringInfoData note;
	char	   *trouble;
	Checkpoint	other;

	turn->state = PUBLISHER_NO_KEY;
	if (tlog_checkpoint_write(turn->head.origin, turn->head.size, &turn->head.root, text, sizeof(text)) < 0)
		return psprintf("the log's name \"%s\" is too long for a checkpoint", turn->head.origin);
	initStringInfo(&note);
	appendStringInfo(&note, "%s\n", text);
	trouble = paysafe_log_key_sign(turn->head.origin, text, command_timeout * 1000, &note);
	if (trouble != NULL)
		return trouble;
	begin("storing a checkpoint");
	/* a command may have signed with whatever key it has */
	trouble = paysafe_witness_check_log(turn->head.origin, note.data, paysafe_log_key_is_command());
	if (trouble != NULL)
	{
		commit();
		return trouble;
	}
	checkpoint.note = note.data;
	checkpoint.at = GetCurrentTimestamp();
	/* nobody else signs here; if somebody has, his one counts */
	if (!paysafe_checkpoint_last(checkpoint.incarnation, &other) || other.size < checkpoint.size)
		add_to_chain(&checkpoint);
	CommandCounterIncrement();
	turn->has_last = paysafe_checkpoint_last(checkpoint.incarnation, &turn->last);
	commit();
	me.waiting_size = 0;
	return NULL;
}

/*
 * Publishing
 */

/* The size of the tree whose files are there, as its checkpoint says; 0: none. */
static int64
size_in_folder(Turn *turn)
{
	return turn->folder != NULL && turn->outside.n > 0 ?
		paysafe_outside_size(turn->outside.notes[0].note, NULL) : 0;
}

/* As many files as fit a turn; turn->more if that was not all. */
static char *
write_files(Turn *turn)
{
	FolderWork	work;
	int64		first;
	int64		n;
	bool		done = false;
	char	   *trouble;

	begin("writing tiles of the sealed log");
	paysafe_folder_begin(&work, turn->folder, size_in_folder(turn), turn->last.size);
	if (me.writing_incarnation == turn->last.incarnation && me.writing_size == turn->last.size)
		work.next = Max(work.next, me.writing_next);
	work.read = paysafe_seal_tile_hash;
	work.read_arg = paysafe_seal_tile_reader(turn->last.incarnation);
	work.bundle = paysafe_log_bundle;
	first = work.next * TLOG_TILE_WIDTH;
	n = Min(turn->last.size - first, (int64) BUNDLES_A_TURN * TLOG_TILE_WIDTH);
	work.bundle_arg = paysafe_log_begin(turn->last.incarnation, first, Max(n, 0));
	trouble = paysafe_folder_write(&work, BUNDLES_A_TURN, &done);
	paysafe_log_end(work.bundle_arg);
	commit();
	me.writing_incarnation = turn->last.incarnation;
	me.writing_size = turn->last.size;
	me.writing_next = work.next;
	turn->more = trouble == NULL && !done;
	return trouble;
}

/* The checkpoint with the cosignatures that it has by now. */
static char *
cosigned(Turn *turn)
{
	char	   *note;

	begin("reading cosignatures");
	note = paysafe_checkpoint_cosigned(&turn->last);
	commit();
	return note;
}

/* What the command prints may be the cosignatures of witnesses. */
static char *
run_publish_command(Turn *turn, const char *note)
{
	CommandVariable variables[] = {
		{"PAYSAFE_ORIGIN", turn->head.origin},
		{"PAYSAFE_SIZE", psprintf(INT64_FORMAT, turn->last.size)}
	};
	StringInfoData answer;
	char	   *trouble;

	initStringInfo(&answer);
	trouble = paysafe_command_run(publish_command, note, strlen(note), variables, lengthof(variables),
								  command_timeout * 1000, &answer);
	if (trouble != NULL)
		return psprintf("paysafe.publish_command: %s", trouble);
	if (answer.len == 0)
		return NULL;
	begin("storing cosignatures");
	trouble = paysafe_witness_accept(&turn->last, answer.data, NULL);
	commit();
	return trouble == NULL ? NULL : psprintf("paysafe.publish_command: %s", trouble);
}

static char *
publish(Turn *turn)
{
	char	   *trouble = NULL;
	char	   *note;

	turn->state = PUBLISHER_FAILED;
	if (turn->folder != NULL)
		trouble = write_files(turn);
	if (trouble != NULL || turn->more)
		return trouble;
	note = cosigned(turn);
	if (publish_command[0] != '\0')
	{
		trouble = run_publish_command(turn, note);
		note = cosigned(turn);
	}
	if (trouble == NULL && turn->folder != NULL)
		trouble = paysafe_folder_write_checkpoint(turn->folder, note);
	if (trouble != NULL)
		return trouble;
	begin("noting that a checkpoint is published");
	paysafe_checkpoint_set_published(&turn->last);
	Async_Notify(CHANNEL, psprintf("%s " INT64_FORMAT, turn->head.origin, turn->last.size));
	commit();
	turn->last.published = true;
	return NULL;
}

/* Witnesses have cosigned since: the file says so, too. */
static char *
refresh(Turn *turn)
{
	char	   *note;

	if (turn->folder == NULL)
		return NULL;
	turn->state = PUBLISHER_FAILED;
	note = cosigned(turn);
	if (turn->outside.n > 0 && turn->outside.notes[0].note != NULL &&
		strcmp(note, turn->outside.notes[0].note) == 0)
		return NULL;
	return size_in_folder(turn) == turn->last.size ?
		paysafe_folder_write_checkpoint(turn->folder, note) : NULL;
}

/*
 * Turns
 */

/* On record, once for each thing that is wrong. */
static void
record_refusal(const Turn *turn, const char *message)
{
	paysafe_refusal_record(&(Refusal)
						   {
							   .sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							   .rule = "publisher",
							   .schema_name = "paysafe",
							   .table_name = "seal_checkpoint",
							   .key = turn->head.origin,
							   .statement = "checkpoint",
							   .message = message
						   });
}

/*
 * What was published and is not stored here: somebody has deleted it, or this server took
 * over before it had it.  The log goes on from it, and its next checkpoint is signed; but
 * this stays on record.
 */
static void
note_missing(Turn *turn)
{
	int64		size = size_in_folder(turn);
	Checkpoint	checkpoint;
	PublisherSigned last;
	char	   *missing = NULL;

	if (size != 0 && size == me.missed_size)
		return;
	begin("comparing the sealed log with what is known outside");
	if (size != 0 && !paysafe_checkpoint_find(turn->head.incarnation, size, &checkpoint))
		missing = psprintf(PUBLISHER_MISSING, size);
	else if (paysafe_publisher_state_signed(&last) && last.size != me.missed_size &&
			 !paysafe_checkpoint_find(last.incarnation, last.size, &checkpoint))
	{
		size = last.size;
		missing = psprintf(PUBLISHER_LOST, size);
	}
	if (missing != NULL)
		record_refusal(turn, missing);
	commit();
	if (missing != NULL)
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg_internal("%s", missing)));
		me.missed_size = size;
	}
}

/* Sign if it is time, publish what is signed.  NULL, or what is wrong. */
static char *
work(Turn *turn)
{
	char	   *trouble;
	bool		unpublished = turn->has_last && !turn->last.published;
	bool		grown = !turn->has_last || turn->head.size > turn->last.size;

	if (grown && turn->has_last && !unpublished && !turn->at_once)
	{
		turn->due = TimestampTzPlusMilliseconds(turn->last.at, publish_interval * 1000L);
		grown = turn->due <= GetCurrentTimestamp();
	}
	if (turn->head.begun_by_itself)
		return judge_begun(turn);
	/* a command is asked when there is something to sign or to publish, and at the start */
	trouble = ask_outside(turn, turn->head.origin, unpublished || grown || !me.asked);
	me.asked |= trouble == NULL;
	if (trouble == NULL)
		trouble = judge(turn);
	if (trouble == NULL)
		note_missing(turn);
	if (trouble == NULL && !unpublished && grown)
	{
		trouble = wait_for_standbys(turn);
		if (trouble == NULL)
			trouble = choose_size(turn);
		if (trouble == NULL)
			trouble = sign(turn);
		unpublished = trouble == NULL;
	}
	if (trouble == NULL && unpublished)
		trouble = publish(turn);
	else if (trouble == NULL && turn->has_last)
		trouble = refresh(turn);
	return trouble;
}

static void
set_state(const Turn *turn, const char *trouble)
{
	const char *state = trouble == NULL ? PUBLISHER_GOOD : turn->state;
	bool		refused = strcmp(state, PUBLISHER_REFUSED) == 0;
	bool		changed;

	begin("noting how it goes");
	changed = paysafe_publisher_state_set(turn->head.incarnation, state, trouble, refused ? turn->note : NULL);
	if (changed && refused)
		record_refusal(turn, psprintf("paysafe signs no checkpoint: %s", trouble));
	commit();
	if (changed && trouble != NULL)
		ereport(strcmp(state, PUBLISHER_WAITS) == 0 ? LOG : WARNING,
				(errcode(refused ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE : ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("paysafe does not publish the sealed log \"%s\": %s", turn->head.origin, trouble),
				 refused ? errhint("If this database has been restored on purpose, two people begin a new log: paysafe.open_log.") : 0));
}

/* Longer after each one.  Who wants to drop the database does not wait for what stays wrong. */
static long
rest_after_failure(void)
{
	long		rest = 1000L << me.failures;

	if (me.failures == GIVE_UP)
		return -1;
	me.failures++;
	me.not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), rest);
	return rest;
}

/* When the next turn should be: see paysafe_publisher_turn. */
static long
rest_after(const Turn *turn, const char *trouble)
{
	TimestampTz now = GetCurrentTimestamp();

	if (trouble == NULL)
	{
		me.failures = 0;
		me.not_before = 0;
		if (turn->more || turn->due == 0)
			return turn->more ? 0 : -1;
		return TimestampDifferenceMilliseconds(now, turn->due);
	}
	if (strcmp(turn->state, PUBLISHER_WAITS) != 0)
		return rest_after_failure();
	me.not_before = TimestampTzPlusMilliseconds(now, STANDBY_REST);
	return STANDBY_REST;
}

static long
take_turn(bool at_once)
{
	Turn		turn = {.at_once = at_once};
	char	   *trouble = NULL;

	if (!look(&turn))
		return -1;
	if (!me.have_keys)
	{
		turn.state = PUBLISHER_NO_KEY;
		trouble = paysafe_log_key_load();
		me.have_keys = trouble == NULL;
	}
	if (trouble == NULL)
		trouble = work(&turn);
	if (!turn.more)
		set_state(&turn, trouble);
	return rest_after(&turn, trouble);
}

bool
paysafe_publisher_wanted(void)
{
	return paysafe_log_key_configured();
}

char *
paysafe_publisher_folder(const char *origin)
{
	return publish_folder[0] != '\0' ? paysafe_folder_of(publish_folder, origin) : NULL;
}

int
paysafe_publisher_interval(void)
{
	return publish_interval;
}

void
paysafe_publisher_reload(void)
{
	me.have_keys = false;
	me.not_before = 0;
}

/* What has ended a turn with an error is no secret of the server's log. */
static void
note_error(const ErrorData *error)
{
	Turn		turn = {.state = PUBLISHER_FAILED};

	if (look(&turn))
		set_state(&turn, error->message);
}

/* The turn has failed: what the reason is, and when the next one is. */
static long
after_error(void)
{
	ErrorData  *error;

	MemoryContextSwitchTo(me.turn);
	error = CopyErrorData();
	EmitErrorReport();
	FlushErrorState();
	AbortCurrentTransaction();
	/* whoever cancels a turn knows it; and if even this fails, that is in the log */
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
	{
		PG_TRY();
		{
			note_error(error);
		}
		PG_CATCH();
		{
			EmitErrorReport();
			FlushErrorState();
			AbortCurrentTransaction();
		}
		PG_END_TRY();
	}
	return rest_after_failure();
}

long
paysafe_publisher_turn(bool at_once)
{
	MemoryContext old = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	volatile long rest;

	if (!paysafe_publisher_wanted())
		return -1;
	if (now < me.not_before && !at_once)
		return TimestampDifferenceMilliseconds(now, me.not_before);
	if (me.turn == NULL)
		me.turn = AllocSetContextCreate(TopMemoryContext, "paysafe publisher", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(me.turn);
	PG_TRY();
	{
		rest = take_turn(at_once);
	}
	PG_CATCH();
	{
		/* cancelled: whoever does that means all of it */
		if (ShutdownRequestPending)
			PG_RE_THROW();
		rest = after_error();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextReset(me.turn);
	return rest;
}

void
paysafe_publisher_preload(void)
{
	paysafe_log_key_preload();
	DefineCustomStringVariable("paysafe.publish_folder",
							   "Folder in which sealed logs are published, each in a folder of its own.",
							   "In the layout of c2sp.org/tlog-tiles, for a web server to show.",
							   &publish_folder, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.publish_command",
							   "Command that gets each checkpoint of a sealed log, and may print cosignatures.",
							   NULL, &publish_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("paysafe.published_command",
							   "Command that prints the last checkpoint of a sealed log that is known outside.",
							   NULL, &published_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomIntVariable("paysafe.publish_interval",
							"How often a checkpoint is signed at most, as long as nobody waits for one.",
							NULL, &publish_interval, 10, 1, 86400, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("paysafe.publish_standbys",
							"How many standbys must have on disk what is signed.",
							NULL, &publish_standbys, 0, 0, 100, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("paysafe.publish_timeout",
							"How long a command that signs or publishes may take.",
							NULL, &command_timeout, 30, 1, 3600, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
}
