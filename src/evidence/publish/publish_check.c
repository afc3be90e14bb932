/*-------------------------------------------------------------------------
 *
 * publish_check.c
 *	  Is what is sealed signed and published?  For paysafe.check().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "evidence/publish/checkpoint.h"
#include "evidence/publish/folder.h"
#include "evidence/publish/log.h"
#include "evidence/publish/publisher.h"
#include "evidence/publish/publisher_state.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

#define LAST_CHECKPOINTS 100	/* that are looked at */
#define PATIENCE	60			/* seconds, beside three intervals */

/*
 * Has a checkpoint been published that is not stored here?  NULL if not.  A standby may
 * not have it yet.  What cannot be read is the publisher's to say.
 */
static char *
missing_checkpoint(const LogHead *head)
{
	char	   *folder = RecoveryInProgress() ? NULL : paysafe_publisher_folder(head->origin);
	TlogNote   *note = palloc(sizeof(TlogNote));
	TlogCheckpoint said;
	Checkpoint	stored;
	char	   *text;

	if (folder == NULL || paysafe_folder_read_checkpoint(folder, &text) != NULL || text == NULL ||
		!tlog_note_parse((TlogText) {text, strlen(text)}, note) || !tlog_checkpoint_parse(note->text, &said) ||
		!tlog_text_is(said.origin, head->origin) || paysafe_checkpoint_find(head->incarnation, said.size, &stored))
		return NULL;
	return psprintf(PUBLISHER_MISSING, (int64) said.size);
}

/* Was a checkpoint of the last ones deleted, or changed, or a cosignature?  NULL if not. */
static char *
gap(const LogHead *head)
{
	PublisherSigned last;
	Checkpoint	stored;

	if (paysafe_publisher_state_signed(&last) && !paysafe_checkpoint_find(last.incarnation, last.size, &stored))
		return psprintf(PUBLISHER_LOST, last.size);
	return paysafe_checkpoint_trouble(head->incarnation, LAST_CHECKPOINTS);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_publisher_trouble);

/*
 * publisher_trouble() returns text: NULL if all is published; "off: ..." if nothing is to be
 */
Datum
paysafe_publisher_trouble(PG_FUNCTION_ARGS)
{
	LogHead	head;
	Checkpoint	last;
	bool		signed_once;
	const char *trouble = NULL;
	const char *missing;

	if (!paysafe_publisher_wanted())
		trouble = "off: without a key nothing is signed, and nobody outside could tell this log from another one";
	else if (paysafe_log_head(&head) && head.size > 0)
	{
		trouble = paysafe_publisher_state_trouble(head.incarnation);
		/* a log that has lost its end has lost that, too */
		missing = missing_checkpoint(&head);
		if (missing == NULL)
			missing = gap(&head);
		if (missing != NULL && (trouble == NULL || strncmp(trouble, PUBLISHER_REFUSED, strlen(PUBLISHER_REFUSED)) != 0))
			trouble = missing;
		signed_once = paysafe_checkpoint_last(head.incarnation, &last);
		if (trouble == NULL && (!signed_once || last.size < head.size || !last.published) &&
			TimestampDifferenceExceeds(head.sealed_at, GetCurrentTimestamp(),
									   (PATIENCE + 3 * paysafe_publisher_interval()) * 1000))
			trouble = psprintf("what was sealed at %s is not published: is a worker running?",
							   timestamptz_to_str(head.sealed_at));
	}
	if (trouble == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(trouble));
}
