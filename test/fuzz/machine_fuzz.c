/*-------------------------------------------------------------------------
 *
 * machine_fuzz.c
 *	  libFuzzer's view of the parser of status machines: any bytes either
 *	  give an error or a machine that keeps what machine.h promises.
 *
 * src/values/machine.c is compiled beside this file with FRONTEND.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "values/machine.h"
#include "fuzz.h"

#define ID_LEN	256

/* Parse a copy that ends where the text ends. */
static Machine *
parse(const char *text, MachineError *error)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = memcpy(malloc(size), text, size);
	Machine    *machine;

	memset(error, 0, sizeof(*error));
	machine = paysafe_machine_parse(copy, error);
	/* the result may not point into it */
	free(copy);
	return machine;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_machine(const Machine *a, const Machine *b)
{
	if (a->nstates != b->nstates || a->ntransitions != b->ntransitions)
		return false;
	for (int i = 0; i < a->nstates; i++)
		if (strcmp(a->states[i].id, b->states[i].id) != 0 ||
			!same_text(a->states[i].value, b->states[i].value) ||
			a->states[i].initial != b->states[i].initial ||
			a->states[i].final != b->states[i].final)
			return false;
	for (int i = 0; i < a->ntransitions; i++)
		if (a->transitions[i].from != b->transitions[i].from ||
			a->transitions[i].to != b->transitions[i].to)
			return false;
	return true;
}

/* before and after the text change nothing, but the number of the line */
static void
check_around(const char *before, const char *text, const char *after, int more_lines,
			 const Machine *machine, const MachineError *error)
{
	char	   *changed = malloc(strlen(before) + strlen(text) + strlen(after) + 1);
	MachineError changed_error;
	Machine    *result;

	sprintf(changed, "%s%s%s", before, text, after);
	result = parse(changed, &changed_error);
	free(changed);
	require((result == NULL) == (machine == NULL));
	if (machine)
		require(same_machine(result, machine));
	else
	{
		require(strcmp(changed_error.message, error->message) == 0);
		/* what is found missing at the end is missing at the new end */
		require(changed_error.line == (error->line ? error->line + more_lines : 0) ||
				(after[0] != '\0' && changed_error.line > error->line));
	}
}

static void
check_machine(const Machine *m)
{
	bool		has_initial = false;
	bool		passed[MACHINE_MAX_STATES];
	bool		marked[MACHINE_MAX_STATES];

	require(m->nstates >= 1 && m->nstates <= MACHINE_MAX_STATES);
	for (int i = 0; i < m->nstates; i++)
	{
		const MachineState *s = &m->states[i];

		require(s->id != NULL && s->id[0] != '\0' && strlen(s->id) <= ID_LEN);
		if (s->value != NULL)
			require(strlen(s->value) <= ID_LEN);
		else
			require(strcmp(s->id, "NULL") == 0);
		has_initial |= s->initial;
		for (int j = 0; j < i; j++)
		{
			require(strcmp(m->states[j].id, s->id) != 0);
			require(!same_text(m->states[j].value, s->value));
		}
		require(paysafe_machine_find(m, s->value) == i);
		require(paysafe_machine_allows(m, i, i));
		marked[i] = passed[i] = i % 3 == 1;
	}
	require(has_initial);
	require(paysafe_machine_find(m, "no state: it has a \n newline") == -1);
	for (int i = 0; i < m->ntransitions; i++)
	{
		const MachineTransition *t = &m->transitions[i];

		require(t->from >= 0 && t->from < m->nstates && t->to >= 0 && t->to < m->nstates);
		require(paysafe_machine_allows(m, t->from, t->to));
		if (m->ntransitions < 300)
			for (int j = 0; j < i; j++)
				require(m->transitions[j].from != t->from || m->transitions[j].to != t->to);
	}

	/* once passed, always passed; nothing is passed at the start */
	paysafe_machine_passed(m, passed);
	for (int i = 0; i < m->nstates; i++)
	{
		require(!marked[i] || passed[i]);
		require(!m->states[i].initial || marked[i] || !passed[i]);
	}
	for (int i = 0; i < m->ntransitions; i++)
		require(!passed[m->transitions[i].to] || passed[m->transitions[i].from] ||
				marked[m->transitions[i].to]);
}

/* The machine written as plainly as possible is the same machine. */
static void
check_written(const Machine *m)
{
	size_t		size = 100 + (size_t) m->nstates * (4 * ID_LEN + 100) +
		(size_t) m->ntransitions * (2 * ID_LEN + 10);
	char	   *text = malloc(size);
	char	   *end = text;
	MachineError error;
	Machine    *again;

	end += sprintf(end, "stateDiagram-v2\n");
	for (int i = 0; i < m->nstates; i++)
	{
		if (m->states[i].value)
			end += sprintf(end, "state \"%s\" as %s\n", m->states[i].value, m->states[i].id);
		else
			end += sprintf(end, "state %s\n", m->states[i].id);
		if (m->states[i].initial)
			end += sprintf(end, "[*] --> %s\n", m->states[i].id);
		if (m->states[i].final)
			end += sprintf(end, "%s --> [*]\n", m->states[i].id);
	}
	for (int i = 0; i < m->ntransitions; i++)
		end += sprintf(end, "%s --> %s\n", m->states[m->transitions[i].from].id,
					   m->states[m->transitions[i].to].id);
	again = parse(text, &error);
	if (end - text <= MACHINE_MAX_TEXT)
	{
		if (again == NULL)
			fprintf(stderr, "line %d: %s\n%s", error.line, error.message, text);
		require(again != NULL && same_machine(again, m));
	}
	free(text);
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);
	MachineError error;
	MachineError again_error;
	Machine    *machine;
	Machine    *again;

	memcpy(text, data, size);
	text[size] = '\0';

	machine = parse(text, &error);
	again = parse(text, &again_error);
	require((machine == NULL) == (again == NULL));
	require(memcmp(&error, &again_error, sizeof(error)) == 0);
	if (machine)
	{
		require(same_machine(machine, again));
		check_machine(machine);
		check_written(machine);
	}
	else
		require(error.message[0] != '\0' &&
				memchr(error.message, '\0', sizeof(error.message)) != NULL);
	if (strlen(text) + 100 < MACHINE_MAX_TEXT)
	{
		check_around("", text, "\n", 0, machine, &error);
		check_around("", text, "\n\t \n", 0, machine, &error);
		check_around("", text, "\n %% the end; of --> it", 0, machine, &error);
		check_around("\n\n", text, "", 2, machine, &error);
		check_around("%% a comment; [*] --> x\n", text, "", 1, machine, &error);
	}
	free(text);
	fuzz_free();
	return 0;
}
