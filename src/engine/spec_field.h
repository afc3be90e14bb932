/*-------------------------------------------------------------------------
 *
 * spec_field.h
 *	  What the keys of a kind's specifications mean.
 *
 * Each kind declares its keys once, as SpecField; what loosens a rule, which
 * columns the guard keeps, which columns cannot be redacted, the columns in the
 * view paysafe.protection and the words for a change follow from it.  A key
 * that is not declared is taken for all of these, so a forgotten one costs a
 * second person and lets nobody pass.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SPEC_FIELD_H
#define PAYSAFE_SPEC_FIELD_H

#include "nodes/pg_list.h"

struct RuleKind;
struct RuleSource;

typedef enum SpecType
{
	SPEC_COLUMN,				/* a column of the relation */
	SPEC_COLUMNS,				/* a set of columns of the relation */
	SPEC_REFERENCE_COLUMN,		/* a column of the reference */
	SPEC_STATUSES,				/* a set of statuses */
	SPEC_FLAG,					/* true or absent */
	SPEC_TEXT
} SpecType;

/* Which changes of a value need a second person; see RuleKind. */
typedef enum SpecLoosening
{
	SPEC_ANY_CHANGE,			/* unless something else is said */
	SPEC_ADD,					/* an element more, or a flag set */
	SPEC_REMOVE					/* an element less, or a flag gone */
} SpecLoosening;

typedef struct SpecField
{
	const char *key;			/* NULL: end of the list */
	SpecType	type;
	SpecLoosening loosens;

	/* neither errors nor keys ever show the columns' values */
	bool		unseen;

	/*
	 * For texts that can say one thing in several ways: each difference in
	 * words, or NIL if both mean the same to every row.  before may be NULL.
	 */
	List	   *(*compare) (const char *before, const char *after);
} SpecField;

/*
 * The columns that the rule reads: of its relation, or of its reference.  With
 * only_seen, without those whose values nobody sees.
 */
extern List *paysafe_spec_field_columns(const struct RuleSource *rule, bool of_reference,
										bool only_seen);

/*
 * Every difference between two versions of a rule, or all that a new one says
 * (before NULL), each in words of its own; NIL if there is none.
 */
extern List *paysafe_spec_field_differences(const struct RuleSource *before,
											const struct RuleSource *after);

/* Those of them that loosen the rule. */
extern List *paysafe_spec_field_loosens(const struct RuleSource *before,
										const struct RuleSource *after);

/* "a; b; c": differences in one line. */
extern char *paysafe_spec_field_words(List *differences);

/* A name as it stands in words: as it is, or in quotes if it could mislead. */
extern char *paysafe_spec_field_quote(const char *name);

#endif							/* PAYSAFE_SPEC_FIELD_H */
