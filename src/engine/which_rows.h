/*-------------------------------------------------------------------------
 *
 * which_rows.h
 *	  Rules that hold for some rows of their table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WHICH_ROWS_H
#define PAYSAFE_WHICH_ROWS_H

#include "engine/rule.h"
#include "values/row_filter.h"

/*
 * The change as a rule sees it that holds for these rows: false if it holds for neither
 * of the row's versions.  A row that becomes one of them is added; one that would cease
 * to be one is refused.
 */
extern bool paysafe_which_rows(const Rule *rule, const RowFilter *rows, const RowChange *change,
							   RowChange *seen);

#endif							/* PAYSAFE_WHICH_ROWS_H */
