/*-------------------------------------------------------------------------
 *
 * secret_name.h
 *	  Names of secrets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SECRET_NAME_H
#define PAYSAFE_SECRET_NAME_H

/* What a value may look like, depending on the name. */
typedef enum NameKind
{
	NOT_SECRET,
	WORD,						/* the value is a word, or quoted */
	CODE,						/* also digits after a mere blank: cvv 123 */
	HEADER						/* the rest of the line */
} NameKind;

/* Compared without case, separators and a number at its end. */
extern NameKind paysafe_secret_name_kind(const char *name, size_t len);

/*
 * Is it the last word of names that are written with blanks between: security code, api
 * key?
 */
extern bool paysafe_secret_name_ends_phrase(const char *word, size_t len);

/*
 * Is it the name of a member that names another one, or that has the other one's value:
 * {"name": "cvv", "value": "123"}?
 */
extern bool paysafe_secret_name_is_label(const char *name, size_t len);
extern bool paysafe_secret_name_is_value(const char *name, size_t len);

/* How long the word for password with letters beyond ASCII is that begins at s, or 0. */
extern size_t paysafe_secret_name_foreign(const char *s, size_t len);

#endif							/* PAYSAFE_SECRET_NAME_H */
