/*-------------------------------------------------------------------------
 *
 * cosign.c
 *	  Cosignatures that somebody brings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/argument.h"
#include "evidence/publish/log.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/publish/witness.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_add_cosignature);

/*
 * add_cosignature(note text) returns integer: how many cosignatures are new
 */
Datum
paysafe_add_cosignature(PG_FUNCTION_ARGS)
{
	char	   *text = paysafe_argument_text(fcinfo, 0, "note", TLOG_NOTE_MAX);
	TlogNote   *note = palloc(sizeof(TlogNote));
	TlogCheckpoint said;
	Checkpoint	checkpoint;
	int			incarnation;
	int			added = 0;
	char	   *trouble = NULL;
	size_t		len = strlen(text);

	/* what has been through psql has a newline more */
	if (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n')
		text[len - 1] = '\0';
	if (!tlog_note_parse((TlogText) {text, strlen(text)}, note) || !tlog_checkpoint_parse(note->text, &said))
		trouble = "it is no signed checkpoint";
	else if (!paysafe_log_incarnation(pnstrdup(said.origin.at, said.origin.len), &incarnation) ||
			 !paysafe_checkpoint_find(incarnation, said.size, &checkpoint))
		trouble = "no checkpoint of that log and size was signed here";
	else
		trouble = paysafe_witness_accept(&checkpoint, text, &added);
	if (trouble != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the cosignature is not accepted: %s", trouble)));
	if (added > 0)
		paysafe_publish_worker_look_after_commit();
	PG_RETURN_INT32(added);
}
