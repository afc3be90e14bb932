/*-------------------------------------------------------------------------
 *
 * machine.c
 *	  Parser for status machines in Mermaid notation.
 *
 * Accepts the flat part of Mermaid's stateDiagram-v2: transitions, state
 * declarations, comments, notes and drawing hints.  What would change the
 * meaning of the diagram and is not enforced (composite states, forks,
 * choices, parallel regions) is an error: a rule must never be less than its
 * picture.
 *
 * Quoted text names the stored value: after  state "in review" as review  the
 * identifier "review" stands for the value "in review".  Otherwise the
 * identifier is the value.  The bare identifier NULL is the SQL NULL.
 *
 * Pure: no catalog, no locale, no I/O.  Also compiled outside the server by
 * the fuzzer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "values/machine.h"

#define MAX_ID_LEN 256

typedef struct Parser
{
	const char *pos;			/* in the current line */
	const char *end;			/* of the current line */
	int			line;
	Machine    *machine;
	int			states_size;
	int			transitions_size;
	MachineError *error;
} Parser;

/* What goes on from line to line. */
typedef struct LineState
{
	bool		in_note;
	bool		in_front_matter;
	bool		seen_anything;
} LineState;

static bool
fail(Parser *p, const char *message)
{
	p->error->line = p->line;
	snprintf(p->error->message, sizeof(p->error->message), "%s", message);
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_space(Parser *p)
{
	while (p->pos < p->end && is_space(*p->pos))
		p->pos++;
}

static bool
at_end(Parser *p)
{
	skip_space(p);
	return p->pos == p->end;
}

/* Bytes of an identifier: letters, digits, underscore, dot, slash, non-ASCII. */
static bool
is_id_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' ||
		c >= 0x80;
}

/* Does the rest of the line start with this token?  Then step over it. */
static bool
accept(Parser *p, const char *token)
{
	size_t		len = strlen(token);

	skip_space(p);
	if ((size_t) (p->end - p->pos) < len || memcmp(p->pos, token, len) != 0)
		return false;
	p->pos += len;
	return true;
}

/* Like accept, for a word: what follows must not continue the identifier. */
static bool
accept_word(Parser *p, const char *word)
{
	const char *start = p->pos;

	if (!accept(p, word))
		return false;
	if (p->pos < p->end && is_id_byte((unsigned char) *p->pos))
	{
		p->pos = start;
		return false;
	}
	return true;
}

/* Does the rest of the line start with an arrow? */
static bool
at_arrow(Parser *p)
{
	return p->end - p->pos >= 3 && memcmp(p->pos, "-->", 3) == 0;
}

/* Step over a style class, as in  captured:::money  where there is one. */
static void
skip_class(Parser *p)
{
	if (!accept(p, ":::"))
		return;
	skip_space(p);
	while (p->pos < p->end && !at_arrow(p) &&
		   (is_id_byte((unsigned char) *p->pos) || *p->pos == '-'))
		p->pos++;
}

/*
 * Was the word just read a state's name at the start of a transition, as in
 * title --> done?  The position does not move.
 */
static bool
begins_transition(Parser *p)
{
	const char *start = p->pos;
	bool		result;

	skip_class(p);
	skip_space(p);
	result = at_arrow(p);
	p->pos = start;
	return result;
}

static char *
copy_bytes(const char *start, size_t len)
{
	char	   *result = palloc(len + 1);

	memcpy(result, start, len);
	result[len] = '\0';
	return result;
}

/* The identifier at the current position, or NULL with the error set. */
static char *
parse_id(Parser *p)
{
	const char *start;
	char	   *id;

	skip_space(p);
	start = p->pos;
	while (p->pos < p->end && is_id_byte((unsigned char) *p->pos))
		p->pos++;
	if (p->pos == start)
	{
		fail(p, "state name expected");
		return NULL;
	}
	if (p->pos - start > MAX_ID_LEN)
	{
		fail(p, "state name is longer than 256 bytes");
		return NULL;
	}
	if (p->pos + 1 < p->end && p->pos[0] == '-' &&
		is_id_byte((unsigned char) p->pos[1]))
	{
		fail(p, "state names cannot contain a hyphen; write: state \"the-value\" as the_value");
		return NULL;
	}
	id = copy_bytes(start, p->pos - start);

	skip_class(p);
	return id;
}

/* Position of the state with this identifier, added if new; -1 on error. */
static int
intern_state(Parser *p, char *id)
{
	Machine    *m = p->machine;
	MachineState *state;

	for (int i = 0; i < m->nstates; i++)
		if (strcmp(m->states[i].id, id) == 0)
		{
			pfree(id);
			return i;
		}
	if (m->nstates == MACHINE_MAX_STATES)
	{
		fail(p, "more than 256 states");
		return -1;
	}
	if (m->nstates == p->states_size)
	{
		p->states_size *= 2;
		m->states = repalloc(m->states, p->states_size * sizeof(MachineState));
	}
	state = &m->states[m->nstates];
	memset(state, 0, sizeof(*state));
	state->id = id;
	state->value = strcmp(id, "NULL") == 0 ? NULL : id;
	return m->nstates++;
}

static void
add_transition(Parser *p, int from, int to)
{
	Machine    *m = p->machine;

	for (int i = 0; i < m->ntransitions; i++)
		if (m->transitions[i].from == from && m->transitions[i].to == to)
			return;
	if (m->ntransitions == p->transitions_size)
	{
		p->transitions_size *= 2;
		m->transitions = repalloc(m->transitions,
								  p->transitions_size * sizeof(MachineTransition));
	}
	m->transitions[m->ntransitions].from = from;
	m->transitions[m->ntransitions].to = to;
	m->ntransitions++;
}

/* A transition's end: [*] gives -1 in *state, otherwise a state's position. */
static bool
parse_end(Parser *p, int *state)
{
	char	   *id;

	*state = -1;
	if (accept(p, "[*]"))
		return true;
	if ((id = parse_id(p)) == NULL)
		return false;
	*state = intern_state(p, id);
	return *state >= 0;
}

/* state "value" as id  |  state id */
static bool
parse_declaration(Parser *p)
{
	char	   *value = NULL;
	char	   *id;
	int			state;

	skip_space(p);
	if (p->pos < p->end && *p->pos == '"')
	{
		const char *start = ++p->pos;

		while (p->pos < p->end && *p->pos != '"')
			p->pos++;
		if (p->pos == p->end)
			return fail(p, "closing quote expected");
		if (p->pos - start > MAX_ID_LEN)
			return fail(p, "status value is longer than 256 bytes");
		value = copy_bytes(start, p->pos - start);
		p->pos++;
		if (!accept_word(p, "as"))
			return fail(p, "\"as\" and a state name expected after the quoted value");
	}
	if ((id = parse_id(p)) == NULL || (state = intern_state(p, id)) < 0)
		return false;
	if (value != NULL)
	{
		MachineState *s = &p->machine->states[state];

		if (s->value != NULL && s->value != s->id && strcmp(s->value, value) != 0)
			return fail(p, "the state has two different quoted values");
		s->value = value;
	}
	if (accept(p, "{"))
		return fail(p, "composite states are not supported");
	if (accept(p, "<<"))
		return fail(p, "forks, joins and choices are not supported");
	if (!at_end(p))
		return fail(p, "unexpected text after the state");
	return true;
}

static bool
parse_transition_or_description(Parser *p)
{
	Machine    *m = p->machine;
	int			from;
	int			to;

	if (!parse_end(p, &from))
		return false;
	if (from >= 0 && accept(p, ":"))
		return true;			/* a description; it only documents */
	if (!accept(p, "-->"))
	{
		if (from >= 0 && at_end(p))
			return true;		/* a state on a line of its own */
		return fail(p, "\"-->\" expected");
	}
	if (!parse_end(p, &to))
		return false;
	if (!at_end(p) && *p->pos != ':')
		return fail(p, "end of line or \": label\" expected after the transition");

	if (from < 0 && to < 0)
		return fail(p, "a transition needs at least one state");
	if (from < 0)
		m->states[to].initial = true;
	else if (to < 0)
		m->states[from].final = true;
	else
		add_transition(p, from, to);
	return true;
}

/* Lines that only draw. */
static bool
is_decoration(Parser *p)
{
	static const char *const words[] = {
		"direction", "classDef", "class", "style", "hide", "scale",
		"accTitle", "accDescr", "title"
	};
	const char *start = p->pos;

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (accept_word(p, words[i]))
		{
			bool		transition = begins_transition(p);

			p->pos = start;
			return !transition;
		}
	}
	return false;
}

/*
 * The stored values must differ, or two states would be one.  NULL counts as
 * a value.
 */
static bool
values_differ(Parser *p)
{
	Machine    *m = p->machine;

	for (int i = 0; i < m->nstates; i++)
		for (int j = i + 1; j < m->nstates; j++)
		{
			const char *a = m->states[i].value;
			const char *b = m->states[j].value;

			if ((a == NULL && b == NULL) ||
				(a != NULL && b != NULL && strcmp(a, b) == 0))
				return fail(p, "two states stand for the same value");
		}
	return true;
}

static bool
parse_line(Parser *p, bool *in_note, bool *in_front_matter, bool *seen_anything)
{
	if (*in_front_matter)
	{
		if (accept(p, "---") && at_end(p))
			*in_front_matter = false;
		return true;
	}
	if (*in_note)
	{
		if (accept_word(p, "end") && accept_word(p, "note") && at_end(p))
			*in_note = false;
		return true;
	}
	if (at_end(p) || accept(p, "%%"))
		return true;
	if (!*seen_anything)
	{
		const char *start = p->pos;

		*seen_anything = true;
		if (accept(p, "---") && at_end(p))
		{
			*in_front_matter = true;
			*seen_anything = false;
			return true;
		}
		p->pos = start;
		if ((accept(p, "stateDiagram-v2") || accept_word(p, "stateDiagram")) && at_end(p))
			return true;
		p->pos = start;
	}
	if (accept_word(p, "note"))
	{
		const char *rest = p->pos;

		if (!begins_transition(p))
		{
			/* one line with a colon, or several up to "end note" */
			*in_note = memchr(rest, ':', p->end - rest) == NULL;
			return true;
		}
		p->pos = rest - strlen("note");
	}
	if (p->end - p->pos >= 2 && memcmp(p->pos, "--", 2) == 0 &&
		(p->end - p->pos == 2 || is_space(p->pos[2])))
		return fail(p, "parallel regions are not supported");
	if (is_decoration(p))
		return true;
	if (accept(p, "}"))
		return fail(p, "composite states are not supported");
	if (accept_word(p, "state"))
	{
		const char *rest = p->pos;

		if (!begins_transition(p) && !at_end(p) && !accept(p, ":"))
			return parse_declaration(p);
		p->pos = rest - strlen("state");
	}
	return parse_transition_or_description(p);
}

/* The semicolon that ends the statement at the parser's position, or NULL. */
static const char *
find_semicolon(const Parser *p)
{
	bool		quoted = false;

	/* a comment goes on to the end of its line */
	if (p->end - p->pos >= 2 && p->pos[0] == '%' && p->pos[1] == '%')
		return NULL;
	for (const char *c = p->pos; c < p->end; c++)
	{
		if (*c == '"')
			quoted = !quoted;
		if (*c == ';' && !quoted)
			return c;
	}
	return NULL;
}

/* A line, between the parser's position and end: statements separated by semicolons. */
static bool
parse_statements(Parser *p, LineState *state)
{
	while (p->pos <= p->end)
	{
		const char *line_end = p->end;
		const char *semicolon = NULL;

		skip_space(p);
		if (!state->in_front_matter && !state->in_note)
			semicolon = find_semicolon(p);
		if (semicolon)
			p->end = semicolon;
		if (!parse_line(p, &state->in_note, &state->in_front_matter, &state->seen_anything))
			return false;
		if (semicolon == NULL)
			break;
		p->pos = semicolon + 1;
		p->end = line_end;
	}
	return true;
}

/* All lines are read: is it a machine? */
static bool
is_complete(Parser *p, const LineState *state)
{
	bool		has_initial = false;

	if (state->in_note)
		return fail(p, "\"end note\" expected");
	if (state->in_front_matter)
		return fail(p, "the front matter is not closed by a line \"---\"");
	for (int i = 0; i < p->machine->nstates; i++)
		has_initial |= p->machine->states[i].initial;
	p->line = 0;
	if (!has_initial)
		return fail(p, "no initial state; write: [*] --> name");
	return values_differ(p);
}

Machine *
paysafe_machine_parse(const char *text, MachineError *error)
{
	Parser		parser = {0};
	Parser	   *p = &parser;
	LineState	state = {0};

	p->error = error;
	p->machine = palloc0(sizeof(Machine));
	p->states_size = 8;
	p->machine->states = palloc(p->states_size * sizeof(MachineState));
	p->transitions_size = 8;
	p->machine->transitions = palloc(p->transitions_size * sizeof(MachineTransition));

	if (strlen(text) > MACHINE_MAX_TEXT)
	{
		fail(p, "the text is longer than 64 kB");
		return NULL;
	}
	for (const char *pos = text; *pos != '\0'; pos = *p->end == '\n' ? p->end + 1 : p->end)
	{
		const char *eol = strchr(pos, '\n');

		p->line++;
		p->pos = pos;
		p->end = eol ? eol : pos + strlen(pos);
		if (!parse_statements(p, &state))
			return NULL;
		p->end = eol ? eol : pos + strlen(pos);
	}
	return is_complete(p, &state) ? p->machine : NULL;
}

int
paysafe_machine_find(const Machine *machine, const char *value)
{
	for (int i = 0; i < machine->nstates; i++)
	{
		const char *candidate = machine->states[i].value;

		if (candidate == NULL ? value == NULL :
			value != NULL && strcmp(candidate, value) == 0)
			return i;
	}
	return -1;
}

bool
paysafe_machine_allows(const Machine *machine, int from, int to)
{
	if (from == to)
		return true;
	for (int i = 0; i < machine->ntransitions; i++)
		if (machine->transitions[i].from == from &&
			machine->transitions[i].to == to)
			return true;
	return false;
}

void
paysafe_machine_passed(const Machine *machine, bool *passed)
{
	bool	   *around = palloc0(sizeof(bool) * machine->nstates);
	bool		more = true;

	/* what can be reached around the marked states, step by step */
	for (int i = 0; i < machine->nstates; i++)
		around[i] = machine->states[i].initial && !passed[i];
	while (more)
	{
		more = false;
		for (int i = 0; i < machine->ntransitions; i++)
		{
			int			from = machine->transitions[i].from;
			int			to = machine->transitions[i].to;

			if (around[from] && !around[to] && !passed[to])
				more = around[to] = true;
		}
	}
	for (int i = 0; i < machine->nstates; i++)
		passed[i] = !around[i];
	pfree(around);
}
