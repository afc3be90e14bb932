/*-------------------------------------------------------------------------
 *
 * trust.c
 *	  What is known from outside: keys, a policy, checkpoints.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bin/verify/report.h"
#include "bin/verify/trust.h"

void
trust_key(Trust *trust, const char *vkey)
{
	TlogText	text = {vkey, strlen(vkey)};

	if (trust->nkeys == KEYS_MAX)
		unknown("more than %d keys", KEYS_MAX);
	if (!tlog_key_parse(text, &trust->keys[trust->nkeys++]))
		unknown("\"%s\" is no verifier key", vkey);
}

static void
must_read(const char *path, size_t most, FileBuffer *out)
{
	if (file_read(path, most, out) != FILE_READ)
		unknown("could not read \"%s\": %s", path, strerror(errno));
}

void
trust_policy(Trust *trust, const char *path)
{
	const char *wrong;
	int			line;

	if (trust->policy != NULL)
		unknown("more than one policy");
	must_read(path, TLOG_POLICY_MAX, &trust->policy_text);
	trust->policy = need(malloc(sizeof(TlogPolicy)));
	wrong = tlog_policy_parse(file_text(&trust->policy_text), trust->policy, &line);
	if (wrong != NULL)
		unknown("\"%s\", line %d: %s", path, line, wrong);
}

Held *
trust_held(Trust *trust, const char *name, FileBuffer *text)
{
	Held	   *held = need(calloc(1, sizeof(Held)));

	if (trust->nheld == HELD_MAX)
		unknown("more than %d checkpoints", HELD_MAX);
	held->name = name;
	held->buffer = *text;
	if (!tlog_note_parse(file_text(text), &held->note) ||
		!tlog_checkpoint_parse(held->note.text, &held->checkpoint))
	{
		free(held);
		return NULL;
	}
	trust->held[trust->nheld++] = held;
	return held;
}

Held *
trust_held_file(Trust *trust, const char *path)
{
	FileBuffer	buffer = {0};
	Held	   *held;

	must_read(path, TLOG_NOTE_MAX, &buffer);
	buffer.len = file_note(&buffer).len;
	held = trust_held(trust, path, &buffer);
	if (held == NULL)
		unknown("\"%s\" is no checkpoint", path);
	held->outside = true;
	return held;
}

/* Is one of the keys that were given under it? */
static bool
signed_by_key(const Trust *trust, const char *name, const TlogNote *note, const TlogCheckpoint *checkpoint)
{
	bool		good = false;

	for (int i = 0; i < trust->nkeys; i++)
	{
		if (!tlog_text_is(checkpoint->origin, trust->keys[i].name))
			continue;
		switch (tlog_checkpoint_verdict(note, &trust->keys[i], NULL))
		{
			case TLOG_GOOD_SIGNATURE:
				good = true;
				break;
			case TLOG_BAD_SIGNATURE:
				finding("%s: the signature of key %08x under it is not of this checkpoint", name,
						(unsigned) trust->keys[i].id);
				return false;
			case TLOG_UNSUPPORTED_KEY:
				unknown("this OpenSSL cannot verify signatures of key %08x", (unsigned) trust->keys[i].id);
			case TLOG_NO_SIGNATURE:
				break;
		}
	}
	if (!good)
		finding("%s: none of the keys that were given has signed this checkpoint of \"%.*s\"", name,
				(int) checkpoint->origin.len, checkpoint->origin.at);
	return good;
}

static bool
policy_met(const Trust *trust, const char *name, const TlogNote *note)
{
	switch (tlog_policy_verdict(trust->policy, note, NULL))
	{
		case TLOG_POLICY_MET:
			return true;
		case TLOG_POLICY_NO_CHECKPOINT:
			finding("%s: no checkpoint", name);
			break;
		case TLOG_POLICY_UNKNOWN_LOG:
			finding("%s: no log of the policy has signed this checkpoint", name);
			break;
		case TLOG_POLICY_BAD_SIGNATURE:
			finding("%s: a signature of a log or witness that the policy names is not of this checkpoint", name);
			break;
		case TLOG_POLICY_NO_QUORUM:
			finding("%s: too few witnesses have cosigned this checkpoint", name);
			break;
	}
	return false;
}

bool
trust_signed(const Trust *trust, const char *name, const TlogNote *note, const TlogCheckpoint *checkpoint)
{
	bool		good = true;

	if (trust->nkeys > 0)
		good = signed_by_key(trust, name, note, checkpoint);
	if (trust->policy != NULL)
		good = policy_met(trust, name, note) && good;
	return good && (trust->nkeys > 0 || (trust->policy != NULL && trust->policy->nlogs > 0));
}

static int
by_size(const void *a, const void *b)
{
	const Held *const *left = a;
	const Held *const *right = b;

	return ((*left)->checkpoint.size > (*right)->checkpoint.size) -
		((*left)->checkpoint.size < (*right)->checkpoint.size);
}

void
trust_judge(Trust *trust)
{
	for (int i = 0; i < trust->nheld; i++)
	{
		Held	   *held = trust->held[i];
		uint64_t	before = findings();

		held->good = trust_signed(trust, held->name, &held->note, &held->checkpoint) ||
			(held->outside && findings() == before);
	}
	qsort(trust->held, trust->nheld, sizeof(Held *), by_size);
}

void
trust_origin(const Trust *trust, const char *origin)
{
	TlogText	expected = {origin, origin == NULL ? 0 : strlen(origin)};

	for (int i = 0; i < trust->nheld; i++)
	{
		TlogText	named = trust->held[i]->checkpoint.origin;

		if (expected.at == NULL)
			expected = named;
		if (named.len != expected.len || memcmp(named.at, expected.at, named.len) != 0)
			finding("%s: a checkpoint of \"%.*s\", where the log is \"%.*s\"", trust->held[i]->name, (int) named.len,
					named.at, (int) expected.len, expected.at);
	}
}
