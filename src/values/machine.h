/*-------------------------------------------------------------------------
 *
 * machine.h
 *	  A status machine written as a Mermaid state diagram.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_MACHINE_H
#define PAYSAFE_MACHINE_H

#define MACHINE_MAX_STATES	256
#define MACHINE_MAX_TEXT	65536

typedef struct MachineState
{
	char	   *id;				/* as written in the diagram */
	char	   *value;			/* stored value; NULL for the SQL NULL state */
	bool		initial;		/* [*] --> state */
	bool		final;			/* state --> [*] */
} MachineState;

typedef struct MachineTransition
{
	int			from;			/* positions in states[] */
	int			to;
} MachineTransition;

typedef struct Machine
{
	int			nstates;
	MachineState *states;		/* in order of first mention */
	int			ntransitions;
	MachineTransition *transitions; /* without duplicates */
} Machine;

typedef struct MachineError
{
	int			line;			/* 1-based; 0 if the text as a whole is meant */
	char		message[160];
} MachineError;

/*
 * Parse a diagram (stateDiagram-v2).  Returns NULL and fills *error if the
 * text is not a flat state diagram with at least one initial state.  The
 * result is allocated in the current memory context and does not point into
 * text.  Reads nothing but its arguments.
 */
extern Machine *paysafe_machine_parse(const char *text, MachineError *error);

/* Position of the state with this stored value (NULL: the NULL state), or -1. */
extern int	paysafe_machine_find(const Machine *machine, const char *value);

/* Is the transition declared?  A state to itself need not be. */
extern bool paysafe_machine_allows(const Machine *machine, int from, int to);

/*
 * Mark the states (passed[i]) in which a row must have passed through one of
 * those that are marked on entry: every way from the start leads through them.
 */
extern void paysafe_machine_passed(const Machine *machine, bool *passed);

#endif							/* PAYSAFE_MACHINE_H */
