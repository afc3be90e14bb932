/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  Columns that hold nothing but sealed values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SECRET_H
#define PAYSAFE_SECRET_H

#include "lib/stringinfo.h"

/*
 * The name by which sealed values know the table, if the column is one of its
 * secret columns; palloc'd.  Raises 22023 otherwise.
 */
extern char *paysafe_secret_label(Oid relation, const char *column);

/* Seal for table, column and row; palloc'd.  vault/keyring.h says what it raises. */
extern bytea *paysafe_secret_seal(const char *label, const char *column, const char *key,
								  const void *data, size_t len);

/* The reverse; palloc'd, for the caller to cleanse.  Raises 23K01. */
extern bytea *paysafe_secret_open(const char *label, const char *column, const char *key,
								  const void *sealed, size_t len);

#endif							/* PAYSAFE_SECRET_H */
