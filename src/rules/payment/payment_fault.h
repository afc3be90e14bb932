/*-------------------------------------------------------------------------
 *
 * payment_fault.h
 *	  What is wrong with the amounts of a payment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_PAYMENT_FAULT_H
#define PAYSAFE_PAYMENT_FAULT_H

#include "engine/currency.h"
#include "values/captured.h"

/* A fault of the row's amounts: which column, which code, what is wrong. */
typedef struct PaymentFault
{
	int			sqlstate;
	const char *column;
	char	   *reason;
	bool		over;			/* nothing is wrong but that more is captured than the amount */
} PaymentFault;

/* What may be wrong with a row, in the order in which it is said. */
typedef enum PaymentFaultPart
{
	PAYMENT_FAULT_CURRENCY, PAYMENT_FAULT_AMOUNT, PAYMENT_FAULT_LIMIT, PAYMENT_FAULT_CAPTURED, PAYMENT_FAULT_EXCESS,
	PAYMENT_FAULT_PARTS
} PaymentFaultPart;

/*
 * Has the row a fault of this sort?  depend: it begins to depend on another row for its currency.
 * *currency: as it was found, for the parts that come after it.
 */
extern bool paysafe_payment_fault_in(const Captured *captured, const Currency *column,
									 TupleTableSlot *row, bool depend, PaymentFaultPart part,
									 char **currency, PaymentFault *fault);

/* The first of them. */
extern bool paysafe_payment_fault_any(const Captured *captured, const Currency *column,
									  TupleTableSlot *row, bool depend, PaymentFault *fault);

#endif							/* PAYSAFE_PAYMENT_FAULT_H */
