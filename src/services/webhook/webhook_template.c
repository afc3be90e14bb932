/*-------------------------------------------------------------------------
 *
 * webhook_template.c
 *	  What of a request is signed, and whether it can be read in one way only.
 *
 * Parts follow each other, with characters in between.  If nothing said where one ends,
 * two requests would be the same bytes: an id "ab" before a body "c", and "a" before
 * "bc".  So a part of no fixed length must be followed by characters, the first of
 * which it does not contain; behind the one part that may contain anything (the body,
 * a form, PATH*) it must be preceded by some, the last of which it does not contain.
 * Then the parts are found again from both ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "services/webhook/webhook_template.h"

#define MAX_PLACEHOLDER		100
#define MAX_PARTS			64

static const struct
{
	const char *word;
	WebhookPartKind kind;
}			words[] = {
	{"id", WEBHOOK_ID}, {"timestamp", WEBHOOK_TIMESTAMP}, {"body", WEBHOOK_BODY},
	{"binding", WEBHOOK_BINDING}, {"crc32", WEBHOOK_CRC32}, {"sha256", WEBHOOK_SHA256},
	{"form", WEBHOOK_FORM}
};

static const char no_placeholder[] = "\"signed\" has a placeholder other than {id}, {timestamp}, {body}, {binding}, {crc32}, {sha256}, {header:NAME}, {field:NAME} and paths such as {/data/id}.";

static bool
ends_with(char *text, const char *end)
{
	size_t		len = strlen(text);
	size_t		endlen = strlen(end);

	if (len <= endlen || strcmp(text + len - endlen, end) != 0)
		return false;
	text[len - endlen] = '\0';
	return true;
}

/* What stands between braces; false if there is no such thing. */
static bool
read_placeholder(char *name, WebhookPart *part)
{
	if (name[0] == '/')
	{
		part->kind = WEBHOOK_PATH;
		part->any = ends_with(name, "*");
		part->lower = !part->any && ends_with(name, ":lower");
		part->text = name;
		return true;
	}
	if (strncmp(name, "header:", 7) == 0 || strncmp(name, "field:", 6) == 0)
	{
		part->kind = name[0] == 'h' ? WEBHOOK_HEADER : WEBHOOK_FIELD;
		part->text = strchr(name, ':') + 1;
		return part->text[0] != '\0';
	}
	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(words[i].word, name) == 0)
		{
			part->kind = words[i].kind;
			return true;
		}
	return false;
}

static const char *
split(const char *text, WebhookTemplate *out)
{
	StringInfoData between;

	out->parts = palloc0(sizeof(WebhookPart) * MAX_PARTS);
	out->nparts = 0;
	initStringInfo(&between);
	for (const char *c = text;; c++)
	{
		const char *end;

		if (out->nparts + 2 > MAX_PARTS)
			return "\"signed\" has too many parts.";
		if (*c != '{' && *c != '\0')
		{
			appendStringInfoChar(&between, *c);
			continue;
		}
		if (between.len > 0)
		{
			out->parts[out->nparts].kind = WEBHOOK_TEXT;
			out->parts[out->nparts++].text = pstrdup(between.data);
			resetStringInfo(&between);
		}
		if (*c == '\0')
			return NULL;
		end = strchr(c, '}');
		if (end == NULL || end - c > MAX_PLACEHOLDER || end - c < 3 ||
			!read_placeholder(pnstrdup(c + 1, end - c - 1), &out->parts[out->nparts]))
			return no_placeholder;
		out->nparts++;
		c = end;
	}
}

/* It may contain anything. */
static bool
is_free(const WebhookPart *part)
{
	return part->kind == WEBHOOK_BODY || part->kind == WEBHOOK_FORM ||
		part->kind == WEBHOOK_FIELD || part->any;
}

/* Where it ends follows from itself, or it is the same for each request. */
static bool
is_fixed(const WebhookPart *part, const WebhookTemplateForm *form)
{
	switch (part->kind)
	{
		case WEBHOOK_TEXT:
		case WEBHOOK_BINDING:
		case WEBHOOK_SHA256:
			return true;
		case WEBHOOK_ID:
			return form->uuid;
		case WEBHOOK_TIMESTAMP:
			return form->fixed_time;
		default:
			return false;
	}
}

/* Could the part contain the character whatever we ask of it? */
static bool
may_contain(const WebhookPart *part, const WebhookTemplateForm *form, char c)
{
	if (part->kind == WEBHOOK_TIMESTAMP && form->fraction && c == '.')
		return true;
	if (part->kind == WEBHOOK_CRC32 || part->kind == WEBHOOK_TIMESTAMP)
		return c >= '0' && c <= '9';
	return false;
}

/* The place of the free part, nparts if there is none, or -1 if there are two. */
static int
find_free(const WebhookTemplate *template)
{
	int			found = template->nparts;

	for (int i = 0; i < template->nparts; i++)
		if (is_free(&template->parts[i]))
		{
			if (found < template->nparts)
				return -1;
			found = i;
		}
	return found;
}

/* The last part that is not fixed: if nothing is free, it ends where the text does. */
static int
last_variable(const WebhookTemplate *template, const WebhookTemplateForm *form)
{
	int			i = template->nparts - 1;

	while (i >= 0 && is_fixed(&template->parts[i], form))
		i--;
	return i;
}

static const char *
find_stops(WebhookTemplate *template, const WebhookTemplateForm *form)
{
	int			free_part = find_free(template);
	int			last = last_variable(template, form);

	if (free_part < 0)
		return "\"signed\" has more than one part that may contain anything: the body, a form, a path with an asterisk.";
	for (int i = 0; i < template->nparts; i++)
	{
		WebhookPart *part = &template->parts[i];
		int			neighbour = i < free_part ? i + 1 : i - 1;
		WebhookPart *joiner = neighbour >= 0 && neighbour < template->nparts ?
			&template->parts[neighbour] : NULL;

		if (is_fixed(part, form) || i == free_part || (free_part == template->nparts && i == last))
			continue;
		if (joiner == NULL || joiner->kind != WEBHOOK_TEXT)
		{
			/* ten digits are enough for the next two hundred years */
			if (part->kind == WEBHOOK_TIMESTAMP && form->digit_time)
			{
				template->exact_time = true;
				continue;
			}
			return "\"signed\" has nothing between two parts: two requests could be the same bytes.";
		}
		part->stop = i < free_part ? joiner->text[0] : joiner->text[strlen(joiner->text) - 1];
		if (may_contain(part, form, part->stop))
			return "\"signed\" has digits or a point next to a number: two requests could be the same bytes.";
		/* whose form is looked at by itself */
		if (part->kind == WEBHOOK_TIMESTAMP || part->kind == WEBHOOK_CRC32)
			part->stop = '\0';
	}
	return NULL;
}

const char *
paysafe_webhook_template_read(const char *text, const WebhookTemplateForm *form,
							  WebhookTemplate *out)
{
	const char *trouble = split(text, out);

	out->exact_time = false;
	if (trouble == NULL)
		trouble = find_stops(out, form);
	/* its names and values follow each other without anything between them */
	if (trouble == NULL && !form->builtin && paysafe_webhook_template_has(out, WEBHOOK_FORM))
		trouble = "\"signed\" has nothing between two parts: two requests could be the same bytes.";
	return trouble;
}

bool
paysafe_webhook_template_has(const WebhookTemplate *template, WebhookPartKind kind)
{
	for (int i = 0; i < template->nparts; i++)
		if (template->parts[i].kind == kind)
			return true;
	return false;
}
