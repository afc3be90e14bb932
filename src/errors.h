/*-------------------------------------------------------------------------
 *
 * errors.h
 *	  The SQLSTATEs that paysafe raises on its own account.
 *
 * src/errcodes.txt has them, with cause and way out.  42501 is for what another
 * person may do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ERRORS_H
#define PAYSAFE_ERRORS_H

#include "utils/errcodes.h"

/* made from errcodes.txt by "make errcodes": do not edit */

/* status machines */
#define ERRCODE_23T01_TRANSITION		MAKE_SQLSTATE('2','3','T','0','1')
#define ERRCODE_23T02_INITIAL_STATUS	MAKE_SQLSTATE('2','3','T','0','2')
#define ERRCODE_23T03_STATUS_DELETE		MAKE_SQLSTATE('2','3','T','0','3')
#define ERRCODE_23T04_UNKNOWN_STATUS	MAKE_SQLSTATE('2','3','T','0','4')
#define ERRCODE_23T05_STATUS_KEY		MAKE_SQLSTATE('2','3','T','0','5')

/* append-only tables, ledgers too */
#define ERRCODE_23L01_APPEND_ONLY		MAKE_SQLSTATE('2','3','L','0','1')

/* ledgers */
#define ERRCODE_23L02_UNBALANCED		MAKE_SQLSTATE('2','3','L','0','2')
#define ERRCODE_23L03_ENTRY				MAKE_SQLSTATE('2','3','L','0','3')
#define ERRCODE_23L04_POSTED			MAKE_SQLSTATE('2','3','L','0','4')
#define ERRCODE_23L05_REVERSAL			MAKE_SQLSTATE('2','3','L','0','5')
#define ERRCODE_23L06_CLOSED_PERIOD		MAKE_SQLSTATE('2','3','L','0','6')

/* balances */
#define ERRCODE_23M01_MINIMUM			MAKE_SQLSTATE('2','3','M','0','1')
#define ERRCODE_23M02_BALANCE			MAKE_SQLSTATE('2','3','M','0','2')
#define ERRCODE_23M03_ACCOUNT			MAKE_SQLSTATE('2','3','M','0','3')
#define ERRCODE_23M04_LOST_UPDATE		MAKE_SQLSTATE('2','3','M','0','4')
#define ERRCODE_23M05_RESERVATION		MAKE_SQLSTATE('2','3','M','0','5')
#define ERRCODE_23M06_MAXIMUM			MAKE_SQLSTATE('2','3','M','0','6')
#define ERRCODE_23M07_FROZEN			MAKE_SQLSTATE('2','3','M','0','7')
#define ERRCODE_23M08_CLOSED			MAKE_SQLSTATE('2','3','M','0','8')

/* payments and refunds */
#define ERRCODE_23R01_OVER_CAPTURED		MAKE_SQLSTATE('2','3','R','0','1')
#define ERRCODE_23R02_CURRENCY			MAKE_SQLSTATE('2','3','R','0','2')
#define ERRCODE_23R03_FROZEN			MAKE_SQLSTATE('2','3','R','0','3')
#define ERRCODE_23R04_AMOUNT			MAKE_SQLSTATE('2','3','R','0','4')
#define ERRCODE_23R05_CAPTURE			MAKE_SQLSTATE('2','3','R','0','5')
#define ERRCODE_23R06_NO_PAYMENT		MAKE_SQLSTATE('2','3','R','0','6')
#define ERRCODE_23R07_MONEY_DELETE		MAKE_SQLSTATE('2','3','R','0','7')

/* tenants */
#define ERRCODE_23N01_TENANT			MAKE_SQLSTATE('2','3','N','0','1')
#define ERRCODE_23N02_NO_TENANT			MAKE_SQLSTATE('2','3','N','0','2')
#define ERRCODE_23N03_MAX_ROWS			MAKE_SQLSTATE('2','3','N','0','3')

/* owners */
#define ERRCODE_23J01_OWNER				MAKE_SQLSTATE('2','3','J','0','1')
#define ERRCODE_23J02_UNKNOWN_OWNER		MAKE_SQLSTATE('2','3','J','0','2')

/* velocity */
#define ERRCODE_23V01_VELOCITY			MAKE_SQLSTATE('2','3','V','0','1')

/* jobs */
#define ERRCODE_23G01_SCHEDULE			MAKE_SQLSTATE('2','3','G','0','1')
#define ERRCODE_23G02_QUOTA				MAKE_SQLSTATE('2','3','G','0','2')

/* payloads */
#define ERRCODE_23H01_PAYLOAD			MAKE_SQLSTATE('2','3','H','0','1')

/* secrets */
#define ERRCODE_23K01_SEALED			MAKE_SQLSTATE('2','3','K','0','1')

/* idempotency */
#define ERRCODE_23I01_KEY_REUSED		MAKE_SQLSTATE('2','3','I','0','1')
#define ERRCODE_23I02_KEY_EXPIRED		MAKE_SQLSTATE('2','3','I','0','2')
#define ERRCODE_23I03_UNFINISHED		MAKE_SQLSTATE('2','3','I','0','3')

/* end of what is made */

/*
 * Also raised, with their standard meaning: 42501 (approval missing, own
 * approval, reason or ticket missing, protected table of paysafe), 22023 and
 * 42703 (declaration), 40001 (retry), 55000 (server not set up), 39P01
 * (trigger misused), 22P03 (audit image malformed).
 */

#endif							/* PAYSAFE_ERRORS_H */
