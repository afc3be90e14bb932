/*-------------------------------------------------------------------------
 *
 * webhook_form.h
 *	  Bodies that are forms (application/x-www-form-urlencoded).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WEBHOOK_FORM_H
#define PAYSAFE_WEBHOOK_FORM_H

#include "lib/stringinfo.h"

/*
 * Append the value of the field that is there once; false if it is not, or if the body
 * is no form.
 */
extern bool paysafe_webhook_form_field(StringInfo out, const char *body, size_t len,
									   const char *name);

/*
 * Append all names and values, sorted by both; the same pair twice is one, as Twilio
 * has it.  False if the body is no form, or has more than a thousand fields.
 */
extern bool paysafe_webhook_form_sorted(StringInfo out, const char *body, size_t len);

#endif							/* PAYSAFE_WEBHOOK_FORM_H */
