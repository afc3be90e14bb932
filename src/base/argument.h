/*-------------------------------------------------------------------------
 *
 * argument.h
 *	  Arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ARGUMENT_H
#define PAYSAFE_ARGUMENT_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* An argument that must be there: NULL raises 22004. */
extern void paysafe_argument_required(FunctionCallInfo fcinfo, int n, const char *argument);

/* A text; 22004 if NULL, 22023 if empty or longer than max bytes.  palloc'd. */
extern char *paysafe_argument_text(FunctionCallInfo fcinfo, int n, const char *argument, int max);

/* The same, NULL if it is. */
extern char *paysafe_argument_optional(FunctionCallInfo fcinfo, int n, const char *argument, int max);

/* A text in which there is something to read: 22023 if it is blank, too. */
extern char *paysafe_argument_readable(FunctionCallInfo fcinfo, int n, const char *argument, int max);

/*
 * Why somebody does something that what ("an approval") names: such a text, of
 * at most PAYSAFE_ARGUMENT_REASON_MAX bytes.
 */
#define PAYSAFE_ARGUMENT_REASON_MAX	10000
extern char *paysafe_argument_reason(FunctionCallInfo fcinfo, int n, const char *argument,
									 const char *what);

/*
 * Is there nothing to read in the text: nothing but blanks, control characters
 * and what is invisible?  In every encoding; in SQL_ASCII, bytes that are not
 * UTF-8 are taken for LATIN1.
 */
extern bool paysafe_argument_is_blank(const char *value);

/* A blank, control or invisible character of Unicode, outside ASCII. */
extern bool paysafe_argument_is_invisible(pg_wchar c);

/*
 * A name of an endpoint, scheme, destination or client: 1 to
 * PAYSAFE_ARGUMENT_NAME_MAX bytes, no blanks around it, no control characters.
 */
#define PAYSAFE_ARGUMENT_NAME_MAX	200
extern char *paysafe_argument_name(FunctionCallInfo fcinfo, int n, const char *argument);

/*
 * Is it a name that may stand among other words: small letters, digits and underscores, a letter first, at most
 * 63 bytes?
 */
extern bool paysafe_argument_is_word(const char *value);

/* A positive interval of at most ten years, in microseconds. */
extern int64 paysafe_argument_period(FunctionCallInfo fcinfo, int n, const char *argument);

/*
 * A period in microseconds: days of 24 hours, months of 30 days, so that no
 * time zone setting stretches it.  Raises 22023 unless it is positive and at
 * most ten years.
 */
extern int64 paysafe_argument_microseconds(const Interval *interval, const char *argument);

/* An integer between min and max. */
extern int32 paysafe_argument_int(FunctionCallInfo fcinfo, int n, const char *argument,
								  int32 min, int32 max);

/* Bytes as a value of type bytea; palloc'd. */
extern Datum paysafe_argument_bytea(const void *data, size_t len);

/* The same for the first n arguments, none of which may be NULL. */
extern void paysafe_argument_all_required(FunctionCallInfo fcinfo, const char *const *arguments, int n);

/* Append a string with its length, so that no two lists of strings look the same. */
extern void paysafe_argument_append(StringInfo out, const char *string);

/*
 * A row of the function's result type, from values in its order.  What is known of
 * the type is kept for the session, until pg_proc changes.
 */
extern Datum paysafe_argument_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/*
 * An address that the application says a request came from, in its one form, without
 * the port that may be there, palloc'd; NULL for anything else, which does not get into
 * a record.
 */
extern char *paysafe_argument_origin(const char *origin);

#endif							/* PAYSAFE_ARGUMENT_H */
