/*-------------------------------------------------------------------------
 *
 * refusal_entry.c
 *	  Refusals, signals and decisions that are counted together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"

#include "base/any_text.h"
#include "evidence/refusal_entry.h"
#include "redact/redact.h"

static uint32
hash_text(const char *text)
{
	return hash_bytes((const unsigned char *) text, strlen(text));
}

uint32
paysafe_refusal_entry_hash(const RefusalEntry *entry)
{
	uint32		hash;

	if (entry->kind != ENTRY_REFUSAL)
		return hash_combine(hash_combine(hash_text(entry->rule), hash_text(entry->outcome)), entry->kind);
	hash = hash_combine(hash_text(entry->rule), hash_text(entry->table_name));
	hash = hash_combine(hash, hash_text(entry->sqlstate));
	if (entry->observed)
		return hash_combine(hash, hash_text(entry->column_name));
	hash = hash_combine(hash, hash_text(entry->actor));
	/* there the key names the endpoint or the API key, of which there are not many */
	return entry->outside ?
		hash_combine(hash_combine(hash, hash_text(entry->key)), hash_text(entry->message)) : hash;
}

bool
paysafe_refusal_entry_is_same(const RefusalEntry *a, const RefusalEntry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind != ENTRY_REFUSAL)
		return strcmp(a->rule, b->rule) == 0 && strcmp(a->outcome, b->outcome) == 0;
	if (a->observed != b->observed || a->outside != b->outside || strcmp(a->rule, b->rule) != 0 ||
		strcmp(a->table_name, b->table_name) != 0 || strcmp(a->sqlstate, b->sqlstate) != 0)
		return false;
	if (a->observed)
		return strcmp(a->schema_name, b->schema_name) == 0 && strcmp(a->column_name, b->column_name) == 0;
	return strcmp(a->actor, b->actor) == 0 &&
		(!a->outside || (strcmp(a->key, b->key) == 0 && strcmp(a->message, b->message) == 0));
}

/* The first of many, for which it stands: what is different in each is left out. */
static void
count_first(RefusalEntry *sum, const RefusalEntry *entry)
{
	*sum = *entry;
	sum->counted = true;
	sum->saved = false;
	sum->pid = 0;
	sum->has_row_hash = false;
	sum->request_id[0] = sum->business_id[0] = '\0';
	if (sum->kind != ENTRY_REFUSAL)
		sum->part[0] = sum->figures[0] = '\0';
	else
	{
		sum->proof[0] = '\0';
		if (!sum->outside)
			sum->key[0] = sum->message[0] = '\0';
	}
}

void
paysafe_refusal_entry_count_in(RefusalEntry *sum, const RefusalEntry *entry)
{
	if (sum->count == 0)
	{
		count_first(sum, entry);
		return;
	}
	sum->count += entry->count;
	sum->at = Min(sum->at, entry->at);
	sum->last_at = Max(sum->last_at, entry->last_at);
	if (strcmp(sum->client_addr, entry->client_addr) != 0)
		sum->client_addr[0] = '\0';
	if (sum->kind == ENTRY_REFUSAL)
	{
		if (strcmp(sum->message, entry->message) != 0)
			sum->message[0] = '\0';
		if (strcmp(sum->identity, entry->identity) != 0)
			sum->identity[0] = '\0';
		if (strcmp(sum->client_cert_sha256, entry->client_cert_sha256) != 0)
			sum->client_cert_sha256[0] = '\0';
	}
	if (strcmp(sum->actor, entry->actor) != 0)
		strlcpy(sum->actor, "(any)", sizeof(sum->actor));
	if (strcmp(sum->session_user_name, entry->session_user_name) != 0)
		strlcpy(sum->session_user_name, "(any)", sizeof(sum->session_user_name));
}

/*
 * Copy a string, redacted, valid in the database's encoding, and cut at a whole
 * character.  What a cut leaves of a longer number could be a card's: then it is
 * redacted once more.
 */
void
paysafe_refusal_entry_text(char *to, size_t size, const char *from)
{
	const char *clean = from ? paysafe_redact_string(from) : "";

	for (int cuts = 0; cuts < 3; cuts++)
	{
		size_t		len = strlen(clean);
		bool		cut = len >= size;

		if (cut)
			len = pg_mbcliplen(clean, len, size - 1);
		/* a question mark is no longer than what it stands for */
		strlcpy(to, paysafe_any_text(clean, len, GetDatabaseEncoding()), size);
		if (!cut || !paysafe_redact_string_has_card(to))
			return;
		clean = paysafe_redact_string(to);
	}
	to[0] = '\0';
}

void
paysafe_refusal_entry_field(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, ",\"%s\":", name);
	if (value == NULL || value[0] == '\0')
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}
