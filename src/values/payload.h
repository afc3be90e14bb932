/*-------------------------------------------------------------------------
 *
 * payload.h
 *	  JSON that must fit a schema.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_VALUES_PAYLOAD_H
#define PAYSAFE_VALUES_PAYLOAD_H

#include "fmgr.h"

#define PAYLOAD_DEPTH	64		/* values in each other, where nothing else is said */

typedef struct PayloadSchema PayloadSchema;

/*
 * Compile a schema, a text of the database's encoding, in the current memory context.
 * Raises 22023 if it is none, or uses what is not supported.
 */
extern PayloadSchema *paysafe_payload_compile(const char *schema);

/*
 * What a text, JSON that has been checked, does not fit, in words without anything of the
 * text ("/order/amount: maximum"), palloc'd; NULL if it fits.
 */
extern char *paysafe_payload_unfit(const PayloadSchema *schema, const char *json, size_t len);

/* The same of any bytes, for which JSON is checked first. */
extern char *paysafe_payload_fault(const PayloadSchema *schema, const char *json, size_t len);

/* An argument of type paysafe.payload as a text of the database's encoding; 22004 if NULL. */
extern char *paysafe_payload_argument(FunctionCallInfo fcinfo, int n, const char *argument);

#endif							/* PAYSAFE_VALUES_PAYLOAD_H */
