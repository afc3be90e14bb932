/*-------------------------------------------------------------------------
 *
 * native.h
 *	  Native code and the server's files, as the lockdown sees them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_NATIVE_H
#define PAYSAFE_NATIVE_H

#include "executor/execdesc.h"

#include "guard/event.h"

/* The classes of the lockdown about code, NULL-terminated by name. */
extern const GuardClass paysafe_native[];

/* Is the library in a setting that lists libraries by path? */
extern bool paysafe_native_lists_library(const char *setting, const char *library);

/*
 * The executor starts this query, NULL: none.  Returns the one before: to be given
 * back when it has started, or failed to.
 */
extern QueryDesc *paysafe_native_starting(QueryDesc *query);

/* What the lockdown does not see or is told to allow, in words. */
extern char *paysafe_native_limits(void);

/* The setting paysafe.allowed_libraries; by the postmaster only. */
extern void paysafe_native_init(void);

#endif							/* PAYSAFE_NATIVE_H */
