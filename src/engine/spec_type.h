/*-------------------------------------------------------------------------
 *
 * spec_type.h
 *	  How a kind declares the keys of its specifications.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SPEC_TYPE_H
#define PAYSAFE_SPEC_TYPE_H

#include "nodes/pg_list.h"

typedef enum SpecType
{
	SPEC_COLUMN,				/* a column of the relation, or several in order */
	SPEC_COLUMNS,				/* a set of columns of the relation */
	SPEC_REFERENCE_COLUMN,		/* one, or several, of the reference */
	SPEC_STATUSES,				/* a set of statuses */
	SPEC_FLAG,					/* true or absent */
	SPEC_TEXT
} SpecType;

/* Which changes of a value need a second person; see RuleKind. */
typedef enum SpecLoosening
{
	SPEC_ANY_CHANGE,			/* unless something else is said */
	SPEC_ADD,					/* an element more, or a flag set */
	SPEC_REMOVE,				/* an element less, or a flag gone */
	SPEC_NONE
} SpecLoosening;

/* The key of any specification whose rule is only observed. */
#define SPEC_OBSERVE	"observe"

/* The key of one that the rows that were there have not been looked at by (engine/deferral.h). */
#define SPEC_UNVALIDATED	"unvalidated"

typedef struct SpecField
{
	const char *key;			/* NULL: end of the list */
	SpecType	type;
	SpecLoosening loosens;

	/* what people know it by, in words and in what they approve; NULL: by its key */
	const char *shown;

	/* neither errors nor keys ever show the columns' values */
	bool		unseen;

	/* the rule needs the columns, and does not say what is in them */
	bool		unjudged;

	/* another argument may name the same column */
	bool		shared;

	/* rows are looked up by these columns together, for each change of others */
	bool		searched;

	/* a currency: in any spelling it is the same */
	bool		any_spelling;

	/* of a flag that nobody knows by its key: what setting and unsetting it does, in words */
	const char *set_words;
	const char *unset_words;

	/*
	 * For texts that can say one thing in several ways: each difference in
	 * words, or NIL if both mean the same to every row.  before may be NULL: then all that it says.
	 */
	List	   *(*compare) (const char *before, const char *after);
} SpecField;

#endif							/* PAYSAFE_SPEC_TYPE_H */
