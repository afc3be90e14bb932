/*-------------------------------------------------------------------------
 *
 * secret_text.h
 *	  Secrets in text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SECRET_TEXT_H
#define PAYSAFE_SECRET_TEXT_H

#include "redact/text.h"

/* Copy the text to out without its secrets; returns whether there was one. */
extern bool paysafe_secret_text_redact(const RedactText *text, RedactOutput *out);

/*
 * Is this the name of something secret: password, cvv, api_key, ...?  Compared
 * without case, separators and a number at its end.
 */
extern bool paysafe_secret_text_is_name(const char *name, size_t len);

#endif							/* PAYSAFE_SECRET_TEXT_H */
