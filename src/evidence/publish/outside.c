/*-------------------------------------------------------------------------
 *
 * outside.c
 *	  What is known of the log outside of the database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/command.h"
#include "evidence/publish/folder.h"
#include "evidence/publish/outside.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

/* The same of every place: NULL where there is none, empty where there is a new one. */
static void
add(Outside *outside, const char *where, char *note)
{
	OutsideNote *entry = &outside->notes[outside->n++];

	entry->where = where;
	entry->is_new = note != NULL && note[0] == '\0';
	entry->note = entry->is_new ? NULL : note;
}

char *
paysafe_outside_ask_folder(Outside *outside, const char *folder)
{
	char	   *note;
	char	   *trouble = paysafe_folder_read_checkpoint(folder, &note);

	if (trouble == NULL)
		add(outside, psprintf("file \"%s/checkpoint\"", folder), note);
	return trouble;
}

char *
paysafe_outside_ask_command(Outside *outside, const char *command, const char *origin, int timeout)
{
	CommandVariable variable = {"PAYSAFE_ORIGIN", origin};
	StringInfoData answer;
	char	   *trouble;

	initStringInfo(&answer);
	trouble = paysafe_command_run(command, "", 0, &variable, 1, timeout, &answer);
	if (trouble != NULL)
		return psprintf("paysafe.published_command: %s", trouble);
	add(outside, "paysafe.published_command", answer.len > 0 ? answer.data : NULL);
	return NULL;
}

/* Words without the size that the log has now: who records them makes it grow. */
static char *
judge_note(const OutsideNote *entry, const LogHead *head, SealReader *reader)
{
	TlogNote   *note = palloc(sizeof(TlogNote));
	TlogCheckpoint checkpoint;
	TlogHash	root;

	if (!tlog_note_parse((TlogText) {entry->note, strlen(entry->note)}, note) ||
		!tlog_checkpoint_parse(note->text, &checkpoint))
		return psprintf("what %s says is no checkpoint", entry->where);
	if (!tlog_text_is(checkpoint.origin, head->origin))
		return psprintf("what %s says is the checkpoint of another log, \"%.*s\"", entry->where,
						(int) checkpoint.origin.len, checkpoint.origin.at);
	if (checkpoint.size > (uint64) head->size)
		return psprintf("by %s the log has had " UINT64_FORMAT " leaves, more than there are here: its end is lost",
						entry->where, checkpoint.size);
	if (!tlog_root_at(checkpoint.size, paysafe_seal_tile_hash, reader, &root) ||
		!tlog_hash_equal(&root, &checkpoint.root))
		return psprintf("by %s the first " UINT64_FORMAT " leaves of the log have been others than they are here",
						entry->where, checkpoint.size);
	return NULL;
}

char *
paysafe_outside_judge(const Outside *outside, const LogHead *head, SealReader *reader,
					  bool published, const char **note)
{
	for (int i = 0; i < outside->n; i++)
	{
		const OutsideNote *entry = &outside->notes[i];
		char	   *trouble;

		*note = entry->note;
		if (entry->note != NULL)
			trouble = judge_note(entry, head, reader);
		else
			trouble = !published || entry->is_new ? NULL :
				psprintf("%s has no checkpoint, and this log has been published: is it the right place?",
						 entry->where);
		if (trouble != NULL)
			return trouble;
	}
	*note = NULL;
	return NULL;
}

uint64
paysafe_outside_size(const char *note, const char *origin)
{
	TlogNote   *parsed = palloc(sizeof(TlogNote));
	TlogCheckpoint checkpoint;

	return note != NULL && tlog_note_parse((TlogText) {note, strlen(note)}, parsed) &&
		tlog_checkpoint_parse(parsed->text, &checkpoint) &&
		(origin == NULL || tlog_text_is(checkpoint.origin, origin)) ? checkpoint.size : 0;
}

const char *
paysafe_outside_largest(const Outside *outside, const char *origin)
{
	const char *note = NULL;
	uint64		size = 0;

	for (int i = 0; i < outside->n; i++)
	{
		uint64		found = paysafe_outside_size(outside->notes[i].note, origin);

		if (found > size)
		{
			note = outside->notes[i].note;
			size = found;
		}
	}
	return note;
}
