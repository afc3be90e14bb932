/*-------------------------------------------------------------------------
 *
 * test_rows.h
 *	  Rows that are only a test.
 *
 * Orders in test mode, say: no money ever moved, and who goes live deletes them with
 * their payments and refunds.  Which rows that are stands in a column of theirs, or of
 * a row that they refer to (the rule "test_rows", rules/test_rows.c), and stays as it
 * was when the row was added.  Rules that keep rows ask here before they refuse that
 * one is deleted; in all else a test is held to the same as everything.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TEST_ROWS_H
#define PAYSAFE_TEST_ROWS_H

#include "engine/currency.h"
#include "engine/rule.h"

/* What the rule compiles to; for a reference, only the parent. */
typedef struct TestRows
{
	bool		is_parent;
	Currency	place;			/* of what says it, which is found like a currency */
	List	   *values;			/* char *: one of these says that it is a test */
	CurrencyParent parent;
} TestRows;

/*
 * depend: the row begins to depend on what says it.  nowhere: what should say it is not
 * there, and could come later; or NULL.
 */
extern bool paysafe_test_rows_says(const TestRows *rule, TupleTableSlot *row, bool depend, bool *nowhere);

/* Is the row of a leaf with these rules a test? */
extern bool paysafe_test_row(const RelationRules *rules, TupleTableSlot *row);

/*
 * For kinds that ask: what a change of the rule "test_rows" of their table loosens in them,
 * in words, or NULL; also if it is another rule.
 */
extern char *paysafe_test_rows_loosens(const RuleSource *before, const RuleSource *after);

#endif							/* PAYSAFE_TEST_ROWS_H */
