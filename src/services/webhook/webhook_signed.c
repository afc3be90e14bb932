/*-------------------------------------------------------------------------
 *
 * webhook_signed.c
 *	  The bytes of a request that are signed: headers, and a scheme's template.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/pg_crc.h"

#include "base/crypto.h"
#include "base/encode.h"
#include "compat.h"
#include "base/json_check.h"
#include "services/webhook/webhook.h"
#include "services/webhook/webhook_form.h"

void
paysafe_webhook_fault(WebhookRequest *request, const char *reason)
{
	if (request->reason == NULL)
		request->reason = reason;
}

/* Headers */

/* The number of the alias that the name is, from 1 on; 0 if it is none. */
static int
alias_of(const char *name, size_t len, const char *wanted)
{
	for (int n = 1;; n++)
	{
		const char *end = strchr(wanted, '|');
		size_t		aliaslen = end ? (size_t) (end - wanted) : strlen(wanted);

		if (aliaslen == len && pg_strncasecmp(name, wanted, len) == 0)
			return n;
		if (end == NULL)
			return 0;
		wanted = end + 1;
	}
}

bool
paysafe_webhook_header_is(const char *name, size_t len, const char *wanted)
{
	return wanted != NULL && alias_of(name, len, wanted) > 0;
}

/* Another value of the header: under another alias, the same may come again. */
static void
note_value(const JsonbValue *value, int alias, char **found, int *first, int *n)
{
	char	   *text = value->type == jbvString && value->val.string.len <= WEBHOOK_MAX_HEADER ?
		pnstrdup(value->val.string.val, value->val.string.len) : "";

	if (*n > 0 && alias != *first && strcmp(text, *found) == 0)
		return;
	*found = text;
	*first = alias;
	(*n)++;
}

char *
paysafe_webhook_header(WebhookRequest *request, const char *wanted)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *found = NULL;
	size_t		len;
	int			n = 0;
	int			first = 0;
	int			alias = 0;		/* of what comes */

	if (request->headers == NULL || !JB_ROOT_IS_OBJECT(request->headers))
	{
		paysafe_webhook_fault(request, "headers_malformed");
		return NULL;
	}
	it = JsonbIteratorInit((JsonbContainer *) &request->headers->root);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			alias = alias_of(value.val.string.val, value.val.string.len, wanted);
		else if ((token == WJB_VALUE || token == WJB_ELEM) && alias > 0)
			note_value(&value, alias, &found, &first, &n);
		else if (token == WJB_BEGIN_OBJECT && alias > 0)
			n = 2;				/* no header has parts with names */
	}
	if (n != 1)
	{
		paysafe_webhook_fault(request, n == 0 ? "header_missing" : "header_duplicate");
		return NULL;
	}
	len = strlen(found);
	for (size_t i = 0; i < len; i++)
		if (found[i] < ' ' || found[i] > '~')
			len = 0;
	if (len == 0 || found[0] == ' ' || found[len - 1] == ' ')
	{
		paysafe_webhook_fault(request, "header_malformed");
		return NULL;
	}
	return found;
}

/* Parts */

/* The CRC-32 that zlib has, as decimal digits. */
static void
append_crc32(StringInfo out, const char *data, size_t len)
{
	pg_crc32	crc;

	INIT_TRADITIONAL_CRC32(crc);
	COMP_TRADITIONAL_CRC32(crc, data, len);
	FIN_TRADITIONAL_CRC32(crc);
	appendStringInfo(out, "%u", crc);
}

static void
append_sha256(StringInfo out, const char *data, size_t len)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	char		hex[2 * PAYSAFE_SHA256_LEN];

	paysafe_crypto_sha256(data, len, digest);
	appendBinaryStringInfo(out, hex, (int) paysafe_encode_hex(digest, sizeof(digest), hex));
}

/* A value of the item; one that is not there, or null, is empty. */
static bool
append_value(StringInfo out, const char *item, size_t itemlen, const WebhookPart *path)
{
	char		part[WEBHOOK_MAX_ID + 1];
	int			n = paysafe_json_find(item, itemlen, path->text, part, sizeof(part), NULL);

	if (n < 0)
		return paysafe_json_is_absent(item, itemlen, path->text);
	for (int i = 0; path->lower && i < n; i++)
		part[i] = pg_ascii_tolower((unsigned char) part[i]);
	appendBinaryStringInfo(out, part, n);
	return true;
}

static bool
append_header(WebhookRequest *request, const char *name)
{
	char	   *value = paysafe_webhook_header(request, name);

	if (value != NULL)
		appendStringInfoString(&request->signed_bytes, value);
	return value != NULL;
}

static bool
append_part(WebhookRequest *request, const WebhookPart *part, const char *item, size_t itemlen)
{
	StringInfo	out = &request->signed_bytes;

	switch (part->kind)
	{
		case WEBHOOK_TEXT:
			appendStringInfoString(out, part->text);
			return true;
		case WEBHOOK_ID:
			appendStringInfoString(out, request->id);
			return true;
		case WEBHOOK_TIMESTAMP:
			appendStringInfoString(out, request->timestamp);
			return true;
		case WEBHOOK_BODY:
			appendBinaryStringInfo(out, request->body, (int) request->bodylen);
			return true;
		case WEBHOOK_BINDING:
			appendStringInfoString(out, request->endpoint->binding);
			return true;
		case WEBHOOK_CRC32:
			append_crc32(out, request->body, request->bodylen);
			return true;
		case WEBHOOK_SHA256:
			append_sha256(out, request->body, request->bodylen);
			return true;
		case WEBHOOK_PATH:
			return append_value(out, item, itemlen, part);
		case WEBHOOK_HEADER:
			return append_header(request, part->text);
		case WEBHOOK_FIELD:
			return paysafe_webhook_form_field(out, request->body, request->bodylen, part->text);
		case WEBHOOK_FORM:
			return paysafe_webhook_form_sorted(out, request->body, request->bodylen);
	}
	return false;
}

bool
paysafe_webhook_signed_bytes(WebhookRequest *request, const char *item, size_t itemlen)
{
	const WebhookTemplate *template = &request->endpoint->scheme->template;
	StringInfo	out = &request->signed_bytes;

	resetStringInfo(out);
	for (int i = 0; i < template->nparts; i++)
	{
		const WebhookPart *part = &template->parts[i];
		int			start = out->len;

		if (!append_part(request, part, item, itemlen))
			return false;
		/* it could be joined with its neighbours otherwise */
		if (part->stop != '\0' && memchr(out->data + start, part->stop, out->len - start) != NULL)
			return false;
	}
	return true;
}
