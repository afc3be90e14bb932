/*-------------------------------------------------------------------------
 *
 * history_columns.h
 *	  The columns of the tables that have what moved accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_HISTORY_COLUMNS_H
#define PAYSAFE_HISTORY_COLUMNS_H

/* Columns of paysafe.balance_stripe. */
enum
{
	STRIPE_ID, STRIPE_RELATION, STRIPE_ACCOUNT, STRIPE_CURRENCY, STRIPE_NUMBER,
	STRIPE_NCOLUMNS
};
#define STRIPE_INDEX "balance_stripe_pkey"

/* Columns of paysafe.balance_move. */
enum
{
	MOVE_STRIPE, MOVE_AT, MOVE_NUMBER, MOVE_AMOUNT, MOVE_BALANCE,
	MOVE_NCOLUMNS
};
#define MOVE_INDEX "balance_move_pkey"

#endif							/* PAYSAFE_HISTORY_COLUMNS_H */
