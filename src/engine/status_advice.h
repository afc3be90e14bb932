/*-------------------------------------------------------------------------
 *
 * status_advice.h
 *	  What is suspicious about a status machine and its column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_STATUS_ADVICE_H
#define PAYSAFE_STATUS_ADVICE_H

#include "utils/jsonb.h"

#include "values/machine.h"

/*
 * Warn of states out of reach, of a default that is no start, of labels without a state; the
 * specification says how statuses are called.
 */
extern void paysafe_status_advice(Oid relid, const char *column, const Machine *machine, const Jsonb *spec);

#endif							/* PAYSAFE_STATUS_ADVICE_H */
