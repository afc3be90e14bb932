/*-------------------------------------------------------------------------
 *
 * errors.h
 *	  The SQLSTATEs that paysafe raises on its own account.
 *
 * Class 23 reaches every driver as an integrity error; the letter after it
 * is from the range that the standard leaves to implementations.  42501 is
 * for what another person may do.  Codes are never reused.  doc/errors.md
 * has a row for each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ERRORS_H
#define PAYSAFE_ERRORS_H

#include "utils/errcodes.h"

/* status machines */
#define ERRCODE_PAYSAFE_TRANSITION		MAKE_SQLSTATE('2','3','T','0','1')	/* from -> to is not declared */
#define ERRCODE_PAYSAFE_INITIAL_STATUS	MAKE_SQLSTATE('2','3','T','0','2')	/* INSERT in a status that is not initial */
#define ERRCODE_PAYSAFE_STATUS_DELETE	MAKE_SQLSTATE('2','3','T','0','3')	/* DELETE or TRUNCATE outside "deletable" */
#define ERRCODE_PAYSAFE_UNKNOWN_STATUS	MAKE_SQLSTATE('2','3','T','0','4')	/* a value, or NULL, that is no state */
#define ERRCODE_PAYSAFE_STATUS_KEY		MAKE_SQLSTATE('2','3','T','0','5')	/* primary key of a row under way changed */

/* append-only tables, ledgers too */
#define ERRCODE_PAYSAFE_APPEND_ONLY		MAKE_SQLSTATE('2','3','L','0','1')	/* UPDATE, DELETE or TRUNCATE */

/* ledgers */
#define ERRCODE_PAYSAFE_UNBALANCED		MAKE_SQLSTATE('2','3','L','0','2')	/* a transaction does not sum to zero */
#define ERRCODE_PAYSAFE_ENTRY			MAKE_SQLSTATE('2','3','L','0','3')	/* not a possible entry */
#define ERRCODE_PAYSAFE_POSTED			MAKE_SQLSTATE('2','3','L','0','4')	/* an entry for a transaction that is closed */
#define ERRCODE_PAYSAFE_REVERSAL		MAKE_SQLSTATE('2','3','L','0','5')	/* not the opposite, or the second one */
#define ERRCODE_PAYSAFE_CLOSED_PERIOD	MAKE_SQLSTATE('2','3','L','0','6')	/* a posting date in a closed period */

/* balances */
#define ERRCODE_PAYSAFE_MINIMUM			MAKE_SQLSTATE('2','3','M','0','1')	/* a balance would fall below its minimum */
#define ERRCODE_PAYSAFE_BALANCE			MAKE_SQLSTATE('2','3','M','0','2')	/* a balance changed by other means than entries */
#define ERRCODE_PAYSAFE_ACCOUNT			MAKE_SQLSTATE('2','3','M','0','3')	/* an entry without exactly one account of its currency */
#define ERRCODE_PAYSAFE_LOST_UPDATE		MAKE_SQLSTATE('2','3','M','0','4')	/* overwritten without a lock on the row */
#define ERRCODE_PAYSAFE_RESERVATION		MAKE_SQLSTATE('2','3','M','0','5')	/* a reservation that is not open, or posted wrongly */

/* payments and refunds */
#define ERRCODE_PAYSAFE_OVER_CAPTURED	MAKE_SQLSTATE('2','3','R','0','1')	/* refunds exceed the captured amount */
#define ERRCODE_PAYSAFE_CURRENCY		MAKE_SQLSTATE('2','3','R','0','2')	/* refund and payment differ */
#define ERRCODE_PAYSAFE_FROZEN			MAKE_SQLSTATE('2','3','R','0','3')	/* a frozen column changed */
#define ERRCODE_PAYSAFE_AMOUNT			MAKE_SQLSTATE('2','3','R','0','4')	/* not a possible amount */
#define ERRCODE_PAYSAFE_CAPTURE			MAKE_SQLSTATE('2','3','R','0','5')	/* captured amount outside a capture */
#define ERRCODE_PAYSAFE_NO_PAYMENT		MAKE_SQLSTATE('2','3','R','0','6')	/* refund without exactly one payment */
#define ERRCODE_PAYSAFE_MONEY_DELETE	MAKE_SQLSTATE('2','3','R','0','7')	/* payment or refund that must stay */

/* secrets */
#define ERRCODE_PAYSAFE_SEALED			MAKE_SQLSTATE('2','3','K','0','1')	/* not sealed here, for this place, or by a known key */

/* idempotency */
#define ERRCODE_PAYSAFE_KEY_REUSED		MAKE_SQLSTATE('2','3','I','0','1')	/* the key was used for another request */
#define ERRCODE_PAYSAFE_KEY_EXPIRED		MAKE_SQLSTATE('2','3','I','0','2')	/* the key is older than its retention */
#define ERRCODE_PAYSAFE_UNFINISHED		MAKE_SQLSTATE('2','3','I','0','3')	/* begun, not finished before COMMIT */

/*
 * Also raised, with their standard meaning: 42501 (approval missing, own
 * approval, reason or ticket missing, protected table of paysafe), 22023 and
 * 42703 (declaration), 40001 (retry), 55000 (server not set up), 39P01
 * (trigger misused), 22P03 (audit image malformed).
 */

#endif							/* PAYSAFE_ERRORS_H */
