/*-------------------------------------------------------------------------
 *
 * open_log.c
 *	  Beginning a new log, by two people.
 *
 * Where the database is not the one any more whose log is known outside, the old log has
 * ended: nobody can make it go on honestly.  The new one has a name and a key of its own,
 * and its first leaf says what is known of the old one, who began it, and why.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "engine/loosening.h"
#include "evidence/publish/checkpoint.h"
#include "evidence/publish/log.h"
#include "evidence/publish/outside.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/publish/publisher_state.h"
#include "evidence/seal/seal_state.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/own_table.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "values/spec.h"

#define MAX_NOTE	30000		/* bytes; a leaf has 65,535 at most, with the reason */

/* Is the note of a log that ended before this incarnation began? */
static bool
is_older(const char *note, int incarnation)
{
	TlogNote   *parsed = palloc(sizeof(TlogNote));
	TlogCheckpoint checkpoint;
	int			found = 0;

	return tlog_note_parse((TlogText) {note, strlen(note)}, parsed) &&
		tlog_checkpoint_parse(parsed->text, &checkpoint) &&
		paysafe_log_incarnation(pnstrdup(checkpoint.origin.at, checkpoint.origin.len), &found) &&
		found < incarnation;
}

/*
 * The last checkpoint of the log that ends: what the publisher found outside, or what was
 * signed here, whichever is of more leaves.  NULL: none was ever signed.  A log that had
 * begun by itself has none, and what was found outside is of one before it.
 */
static char *
last_known(int incarnation)
{
	Checkpoint	signed_here;
	char	   *known = NULL;

	for (; incarnation > 0; incarnation--)
	{
		if (known == NULL)
			known = paysafe_publisher_state_outside(incarnation);
		if (known != NULL && is_older(known, incarnation))
			continue;
		if (paysafe_checkpoint_last(incarnation, &signed_here) &&
			(known == NULL || paysafe_outside_size(known, NULL) <= (uint64) signed_here.size))
			known = paysafe_checkpoint_cosigned(&signed_here);
		if (known != NULL)
			break;
	}
	return known;
}

/* As much of a note as fits a leaf: its text, and its first signatures. */
static char *
fit(char *note)
{
	if (note != NULL && strlen(note) > MAX_NOTE)
	{
		size_t		len = pg_mbcliplen(note, strlen(note), MAX_NOTE);

		while (len > 0 && note[len - 1] != '\n')
			len--;
		note[len] = '\0';
	}
	return note;
}

/* May it be begun?  False: it is proposed only. */
static bool
authorize(const SealState *state, const char *origin, const char *last, const char *reason)
{
	SpecBuilder spec;
	ProposedChange change = {
		.approved_as = PAYSAFE_MAINTENANCE_RECORD,
		.name = "open_log",
		.version = state->incarnation + 1,
		.message = "beginning a new sealed log needs the approval of a second person"
	};

	paysafe_spec_begin(&spec);
	paysafe_spec_add_text(&spec, "ends", origin);
	paysafe_spec_add_text(&spec, "leaves", psprintf(UINT64_FORMAT, state->size));
	if (last != NULL)
		paysafe_spec_add_text(&spec, "last_checkpoint", last);
	paysafe_spec_add_text(&spec, "reason", reason);
	change.after = paysafe_spec_end(&spec);
	/* not the leaves that there are now: they go on until it is done */
	change.content = psprintf("maintenance of the sealed log: %s ends and a new one begins, of the last known size " UINT64_FORMAT ": %s",
							  origin, paysafe_outside_size(last, NULL), reason);
	change.comes_to = psprintf("end of %s", origin);
	change.difference = change.content;
	change.loosens = change.content;
	return paysafe_loosening_authorize(&change);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_open_log);

/*
 * open_log(reason text) returns text: the origin of the new log, or NULL if it is only
 * proposed
 */
Datum
paysafe_open_log(PG_FUNCTION_ARGS)
{
	char	   *reason = paysafe_redact_string(paysafe_argument_reason(fcinfo, 0, "reason", "a new log"));
	SealState	state;
	SealTree   *tree = palloc(sizeof(SealTree));
	LogHead	head;
	char	   *last;

	(void) paysafe_seal_state_lock(false);
	paysafe_seal_state_read(&state);
	if (!paysafe_log_head(&head))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no log has begun yet"),
				 errhint("Nothing has been sealed in this database: SELECT paysafe.seal().")));
	last = fit(last_known(state.incarnation));
	if (!authorize(&state, head.origin, last, reason))
		PG_RETURN_NULL();
	paysafe_store_complete();
	paysafe_seal_state_open(&state, tree,
							psprintf("%s" LOG_BY_TWO, paysafe_actor_name()), reason, last);
	paysafe_seal_state_write(&state, tree);
	if (!paysafe_log_head(&head))
		elog(ERROR, "the new log is not there");
	paysafe_publish_worker_ensure();
	PG_RETURN_TEXT_P(cstring_to_text(head.origin));
}
