/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Secrets do not belong into the text of statements.
 *
 * A function that is given a secret as a literal refuses it and hides the statement.
 * An error may come before: the type of another argument, their number, a name.  So
 * what is logged is looked at as well, if the library is preloaded: of a statement that
 * names one of these functions no literal gets into the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

#include "base/statement.h"
#include "redact/redact.h"

/* Functions that take a secret.  encrypt takes bytes; text passes for them. */
static const char *const takers[] = {
	"add_webhook_key", "add_destination_key", "add_request_key", "encrypt_text", "blind_index", "api_key_verify",
	"act_as_token", "set_token_secret", "paysafe.encrypt"
};

/* Does the text go on with the secret, as it is or as a literal writes it? */
static bool
goes_on(const char *text, const char *secret)
{
	for (; *secret != '\0'; secret++, text++)
	{
		/* '' and \' stand for ', and \\ for \ */
		if ((*secret == '\'' || *secret == '\\') && (text[0] == *secret || text[0] == '\\') &&
			text[1] == *secret)
			text++;
		if (*text != *secret)
			return false;
	}
	return true;
}

static bool
stands_in_text(const char *secret)
{
	if (secret[0] == '\0' || debug_query_string == NULL)
		return false;
	for (const char *text = debug_query_string; *text != '\0'; text++)
		if (goes_on(text, secret))
			return true;
	return strstr(debug_query_string, secret) != NULL;
}

void
paysafe_statement_refuse_literal(const char *argument)
{
	/* a statement within a function stands in the context */
	error_context_stack = NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must not be written into the statement", argument),
			 errdetail("It would stand in pg_stat_activity and in the server's log. Take this one as known to others."),
			 errhint("Pass it as a parameter: \\bind in psql (PostgreSQL 16), PQexecParams, a server-side parameter of the driver; or copy it into a temporary table with \\copy and select it from there."),
			 errhidestmt(true)));
}

void
paysafe_statement_forbid_literal(const char *secret, const char *argument)
{
	if (paysafe_statement_hide(secret, "a statement with a secret"))
		paysafe_statement_refuse_literal(argument);
}

bool
paysafe_statement_hide(const char *secret, const char *instead)
{
	if (!stands_in_text(secret))
		return false;
	pgstat_report_activity(STATE_RUNNING, instead);
	debug_query_string = instead;
	return true;
}

/* The log */

static bool
names_taker(const char *text)
{
	for (int i = 0; text != NULL && i < lengthof(takers); i++)
		for (const char *c = text; *c != '\0'; c++)
			if ((*c | 0x20) == takers[i][0] && pg_strncasecmp(c, takers[i], strlen(takers[i])) == 0)
				return true;
	return false;
}

/* Behind the literal that begins here; the same if none does. */
static const char *
skip_literal(const char *text, const char *start)
{
	const char *tag = text + 1;
	size_t		len;

	if (*text == '\'')
	{
		bool		escapes = text > start && (text[-1] | 0x20) == 'e';

		for (text++; *text != '\0'; text++)
			if (*text == '\\' && escapes && text[1] != '\0')
				text++;
			else if (*text == '\'' && text[1] == '\'')
				text++;
			else if (*text == '\'')
				return text + 1;
		return text;
	}
	if (*text != '$' || (*tag >= '0' && *tag <= '9'))
		return text;
	while ((*tag >= '0' && *tag <= '9') || ((*tag | 0x20) >= 'a' && (*tag | 0x20) <= 'z') ||
		   *tag == '_' || (unsigned char) *tag >= 0x80)
		tag++;
	if (*tag != '$')
		return text;
	len = tag + 1 - text;
	for (tag++; *tag != '\0'; tag++)
		if (strncmp(tag, text, len) == 0)
			return tag + len;
	return tag;
}

static bool
has_literal(const char *text)
{
	for (const char *c = text; c != NULL && *c != '\0'; c++)
		if (skip_literal(c, text) > c)
			return true;
	return false;
}

/* Behind the comment that begins here; the same if none does. */
static const char *
skip_comment(const char *text)
{
	const char *end = NULL;

	if (text[0] == '-' && text[1] == '-')
		end = strchr(text, '\n');
	else if (text[0] == '/' && text[1] == '*')
		end = strstr(text, "*/");
	else
		return text;
	return end ? end + 1 : text + strlen(text);
}

/* palloc'd */
static char *
without_literals(const char *text)
{
	const char *start = text;
	StringInfoData out;

	initStringInfo(&out);
	while (*text != '\0')
	{
		const char *end = skip_literal(text, start);

		if (end > text)
			appendStringInfoString(&out, "'...'");
		else if ((end = skip_comment(text)) == text)
			appendStringInfoChar(&out, *end++);
		text = end;
	}
	return out.data;
}

static void
clean_field(char **field, bool all)
{
	if (*field != NULL && (all || names_taker(*field)))
		*field = without_literals(*field);
}

void
paysafe_statement_clean_log(ErrorData *error)
{
	char	  **fields[] = {
		&error->message, &error->detail, &error->detail_log, &error->context,
		&error->internalquery
	};
	bool		ours = names_taker(debug_query_string);
	bool		statement = error->elevel == LOG;	/* log_statement, log_min_duration_statement */

	/* when memory is short, or the server goes down, nothing is allocated */
	if (error->elevel > ERROR || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
	{
		error->hide_stmt |= ours;
		return;
	}
	for (int i = 0; i < lengthof(fields) && !ours; i++)
		ours = names_taker(*fields[i]);
	if (!ours)
		return;
	/* of one whose secrets are parameters there is nothing to hide */
	error->hide_stmt |= has_literal(debug_query_string);
	for (int i = 0; i < lengthof(fields); i++)
		clean_field(fields[i], statement);
	/* what another type's input function says of it */
	if (error->message != NULL)
		error->message = paysafe_redact_string(error->message);
}
