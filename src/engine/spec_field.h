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

#include "engine/rule.h"

/*
 * The columns that the rule reads: of its relation, or of its reference.  With
 * only_seen, without those whose values nobody sees.
 */
extern List *paysafe_spec_field_columns(const RuleSource *rule, bool of_reference,
										bool only_seen);

/* The columns that rows are looked up by, of the relation or the reference: lists of names. */
extern List *paysafe_spec_field_searched(const RuleSource *rule, bool of_reference);

/*
 * Every difference between two versions of a rule, or all that a new one says
 * (before NULL), each in words of its own; NIL if there is none.
 */
extern List *paysafe_spec_field_differences(const RuleSource *before,
											const RuleSource *after);

/* Those of them that loosen the rule. */
extern List *paysafe_spec_field_loosens(const RuleSource *before,
										const RuleSource *after);

/* The specification under the names that people know its keys by: what they read, and approve. */
extern Jsonb *paysafe_spec_field_shown(const RuleKind *kind, const Jsonb *spec);

/* What the rule says, the same however it is written; of rows that are there for later it says nothing. */
extern char *paysafe_spec_field_comes_to(const RuleSource *rule);

/* "a; b; c": differences in one line. */
extern char *paysafe_spec_field_words(List *differences);

/* A name as it stands in words: as it is, or in quotes if it could mislead. */
extern char *paysafe_spec_field_quote(const char *name);

/* The same, but for kinds that every column is behind: does one name it? */
extern bool paysafe_spec_field_names_column(List *sources, Oid relid, const char *column);

/* Does one name it for what it says, or is it part of the primary key? */
extern bool paysafe_spec_field_judges_column(List *sources, Oid relid, const char *column);

/*
 * Does one of these rules, of the relation or its ancestors, depend on the
 * column: by name, by the kind's nature, or as part of the primary key?
 */
extern bool paysafe_spec_field_uses_column(List *sources, Oid relid, const char *column);

#endif							/* PAYSAFE_SPEC_FIELD_H */
