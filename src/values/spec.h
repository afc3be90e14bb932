/*-------------------------------------------------------------------------
 *
 * spec.h
 *	  Reading and writing rule specifications (flat jsonb objects).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SPEC_H
#define PAYSAFE_SPEC_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"

typedef struct SpecBuilder
{
	JsonbParseState *state;
} SpecBuilder;

/* Build an object.  NULL values are left out, so that they compare equal. */
extern void paysafe_spec_begin(SpecBuilder *builder);
extern void paysafe_spec_add_text(SpecBuilder *builder, const char *key, const char *value);
extern void paysafe_spec_add_bool(SpecBuilder *builder, const char *key, bool value);
/* Columns in order: several as a list, one as text.  NIL is left out. */
extern void paysafe_spec_add_columns(SpecBuilder *builder, const char *key, List *names);
/* A set of strings: stored sorted, without duplicates. */
extern void paysafe_spec_add_set(SpecBuilder *builder, const char *key, List *values);
/* Has the key been added? */
extern bool paysafe_spec_has(const SpecBuilder *builder, const char *key);
extern Jsonb *paysafe_spec_end(SpecBuilder *builder);

/* Results are copies in the current memory context. */
extern char *paysafe_spec_text(const Jsonb *spec, const char *key); /* 22023 if absent */
extern char *paysafe_spec_optional_text(const Jsonb *spec, const char *key);	/* NULL if absent */
extern bool paysafe_spec_bool(const Jsonb *spec, const char *key);	/* false if absent */
extern List *paysafe_spec_set(const Jsonb *spec, const char *key);	/* of char *; NIL if absent */

/* Columns in order; 22023 if absent, or NIL where that is possible. */
extern List *paysafe_spec_columns(const Jsonb *spec, const char *key);
extern List *paysafe_spec_optional_columns(const Jsonb *spec, const char *key);

/* The keys; what a key has, as JSON, NULL if absent; all strings in that. */
extern List *paysafe_spec_keys(const Jsonb *spec);
extern char *paysafe_spec_value(const Jsonb *spec, const char *key);
extern List *paysafe_spec_strings(const Jsonb *spec, const char *key);

extern bool paysafe_spec_equal(const Jsonb *a, const Jsonb *b);

/* A copy of the specification in which the flag is true, or absent. */
extern Jsonb *paysafe_spec_with_flag(const Jsonb *spec, const char *key, bool value);

/*
 * The strings of a one-dimensional text[] or name[] argument, in order.
 * Raises 22004 for a NULL element and 22023 for more dimensions; argument
 * names the parameter in the error.
 */
extern List *paysafe_strings_of_array(ArrayType *array, const char *argument);

/* A text[] of strings. */
extern ArrayType *paysafe_strings_array(const List *strings);

/* List helpers: sorted copy without duplicates; membership; "a, b, c". */
extern List *paysafe_strings_sorted(List *strings);
extern bool paysafe_strings_contain(List *strings, const char *value);
extern char *paysafe_strings_join(List *strings);
/* Elements of a that b lacks. */
extern List *paysafe_strings_minus(List *a, List *b);

#endif							/* PAYSAFE_SPEC_H */
