/*-------------------------------------------------------------------------
 *
 * policy.c
 *	  Which checkpoints are good (C2SP tlog-policy).
 *
 * A log that stands among its own witnesses is refused: its word is no second one.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "tlog/policy.h"

#define WORDS_MAX	(3 + TLOG_POLICY_NAMES)

typedef struct Words
{
	int			n;
	TlogText	words[WORDS_MAX];
} Words;

static bool
same(TlogText a, TlogText b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
split(TlogText line, Words *out)
{
	size_t		i = 0;

	out->n = 0;
	for (;;)
	{
		size_t		begin;

		while (i < line.len && is_blank(line.at[i]))
			i++;
		if (i == line.len)
			return true;
		for (begin = i; i < line.len && !is_blank(line.at[i]); i++)
			;
		if (out->n == WORDS_MAX)
			return false;
		out->words[out->n].at = line.at + begin;
		out->words[out->n++].len = i - begin;
	}
}

static int
name_of(const TlogPolicy *policy, TlogText name)
{
	for (int i = 0; i < policy->nnames; i++)
		if (same(policy->names[i].name, name))
			return i;
	return -1;
}

static bool
same_key(const TlogKey *a, const TlogKey *b)
{
	return a->public_len == b->public_len && memcmp(a->public_key, b->public_key, a->public_len) == 0;
}

static bool
key_known(const TlogPolicy *policy, const TlogKey *key)
{
	for (int i = 0; i < policy->nlogs; i++)
		if (same_key(&policy->logs[i], key))
			return true;
	for (int i = 0; i < policy->nnames; i++)
		if (policy->names[i].witness && same_key(&policy->names[i].key, key))
			return true;
	return false;
}

static const char *
add_log(TlogPolicy *policy, const Words *w)
{
	TlogKey    *key = &policy->logs[policy->nlogs];

	if (policy->nlogs == TLOG_POLICY_LOGS)
		return "too many logs";
	if (w->n < 2 || w->n > 3)
		return "a log has a key and perhaps a URL";
	if (!tlog_key_parse(w->words[1], key) || key->type == TLOG_KEY_COSIGNER)
		return "no verifier key of a log";
	if (key_known(policy, key))
		return "this key has been named before";
	if (w->n == 3)
		policy->log_urls[policy->nlogs] = w->words[2];
	policy->nlogs++;
	return NULL;
}

/* A place for a new name, or what is wrong with it */
static const char *
new_name(TlogPolicy *policy, TlogText name, TlogPolicyName **out)
{
	if (policy->nnames == TLOG_POLICY_NAMES)
		return "too many witnesses and groups";
	if (tlog_text_is(name, "none") || name_of(policy, name) >= 0)
		return "this name has been given before";
	*out = &policy->names[policy->nnames];
	memset(*out, 0, sizeof(**out));
	(*out)->name = name;
	return NULL;
}

static const char *
add_witness(TlogPolicy *policy, const Words *w)
{
	TlogPolicyName *name;
	const char *wrong;

	if (w->n < 3 || w->n > 4)
		return "a witness has a name, a key and perhaps a URL";
	wrong = new_name(policy, w->words[1], &name);
	if (wrong != NULL)
		return wrong;
	if (!tlog_key_parse(w->words[2], &name->key) || name->key.type == TLOG_KEY_ED25519)
		return "no verifier key of a cosigner";
	if (key_known(policy, &name->key))
		return "this key has been named before";
	if (w->n == 4)
		name->url = w->words[3];
	name->witness = true;
	policy->nnames++;
	return NULL;
}

static const char *
add_group(TlogPolicy *policy, const Words *w)
{
	TlogPolicyName *name;
	const char *wrong;
	uint64_t	threshold;
	int			n = w->n - 3;

	if (n < 1)
		return "a group has a name, a number and members";
	wrong = new_name(policy, w->words[1], &name);
	if (wrong != NULL)
		return wrong;
	for (int i = 0; i < n; i++)
	{
		int			member = name_of(policy, w->words[3 + i]);

		if (member < 0)
			return "a member that is not named before";
		for (int other = 0; other <= policy->nnames; other++)
			if (policy->names[other].member[member])
				return "a member that is in a group already";
		name->member[member] = true;
	}
	if (tlog_text_is(w->words[2], "any"))
		threshold = 1;
	else if (tlog_text_is(w->words[2], "all"))
		threshold = n;
	else if (!tlog_text_number(w->words[2], &threshold) || threshold < 1 || threshold > (uint64_t) n)
		return "a group's number is any, all, or from 1 to the number of its members";
	name->threshold = threshold;
	policy->nnames++;
	return NULL;
}

static const char *
set_quorum(TlogPolicy *policy, const Words *w, bool *had)
{
	if (*had)
		return "a second quorum";
	*had = true;
	if (w->n != 2)
		return "a quorum has one name";
	policy->quorum = name_of(policy, w->words[1]);
	return policy->quorum >= 0 || tlog_text_is(w->words[1], "none") ? NULL : "a quorum that is not named before";
}

static bool
octets_good(TlogText text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		uint8_t		c = text.at[i];

		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7F)
			return false;
	}
	return true;
}

const char *
tlog_policy_parse(TlogText text, TlogPolicy *out, int *line_number)
{
	TlogText	line;
	Words		w;
	bool		quorum = false;
	const char *wrong = NULL;

	memset(out, 0, sizeof(*out));
	out->quorum = -1;
	*line_number = 0;
	if (text.len > TLOG_POLICY_MAX)
		return "too long";
	if (!octets_good(text))
		return "a control character";
	while (wrong == NULL && tlog_text_line(&text, &line))
	{
		++*line_number;
		if (!split(line, &w))
			wrong = "too many words";
		else if (w.n == 0 || w.words[0].at[0] == '#')
			continue;
		else if (tlog_text_is(w.words[0], "log"))
			wrong = add_log(out, &w);
		else if (tlog_text_is(w.words[0], "witness"))
			wrong = add_witness(out, &w);
		else if (tlog_text_is(w.words[0], "group"))
			wrong = add_group(out, &w);
		else if (tlog_text_is(w.words[0], "quorum"))
			wrong = set_quorum(out, &w, &quorum);
		else
			wrong = "neither log nor witness, group or quorum";
	}
	if (wrong != NULL)
		return wrong;
	++*line_number;
	return text.len > 0 ? "a line that does not end" : quorum ? NULL : "there is no quorum";
}

static TlogPolicyVerdict
log_verdict(const TlogPolicy *policy, const TlogNote *note, TlogText origin)
{
	bool		good = policy->nlogs == 0;

	for (int i = 0; i < policy->nlogs; i++)
	{
		if (!tlog_text_is(origin, policy->logs[i].name))
			continue;
		switch (tlog_checkpoint_verdict(note, &policy->logs[i], NULL))
		{
			case TLOG_BAD_SIGNATURE:
				return TLOG_POLICY_BAD_SIGNATURE;
			case TLOG_GOOD_SIGNATURE:
				good = true;
				break;
			case TLOG_NO_SIGNATURE:
			case TLOG_UNSUPPORTED_KEY:
				break;
		}
	}
	return good ? TLOG_POLICY_MET : TLOG_POLICY_UNKNOWN_LOG;
}

TlogPolicyVerdict
tlog_policy_verdict(const TlogPolicy *policy, const TlogNote *note, bool met[TLOG_POLICY_NAMES])
{
	bool		own[TLOG_POLICY_NAMES];
	TlogCheckpoint checkpoint;
	TlogPolicyVerdict verdict;

	if (met == NULL)
		met = own;
	memset(met, 0, sizeof(own));
	if (!tlog_checkpoint_parse(note->text, &checkpoint))
		return TLOG_POLICY_NO_CHECKPOINT;
	verdict = log_verdict(policy, note, checkpoint.origin);
	if (verdict != TLOG_POLICY_MET)
		return verdict;
	/* a group's members stand before it */
	for (int i = 0; i < policy->nnames; i++)
	{
		const TlogPolicyName *name = &policy->names[i];
		int			n = 0;

		if (name->witness)
		{
			TlogVerdict said = tlog_checkpoint_verdict(note, &name->key, NULL);

			if (said == TLOG_BAD_SIGNATURE)
				return TLOG_POLICY_BAD_SIGNATURE;
			met[i] = said == TLOG_GOOD_SIGNATURE;
			continue;
		}
		for (int member = 0; member < i; member++)
			n += name->member[member] && met[member];
		met[i] = n >= name->threshold;
	}
	return policy->quorum < 0 || met[policy->quorum] ? TLOG_POLICY_MET : TLOG_POLICY_NO_QUORUM;
}
