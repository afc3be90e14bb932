/*-------------------------------------------------------------------------
 *
 * any_text.h
 *	  Bytes that call themselves text, as text of this database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ANY_TEXT_H
#define PAYSAFE_ANY_TEXT_H

/*
 * The text that bytes in an encoding stand for, in that of the database; palloc'd.
 * A byte that is not valid in it, and a character that the database's encoding
 * lacks, becomes a question mark: what is evidence can be read whatever it is.
 * Names of roles and databases, for instance, are in the encoding of whichever
 * database they were given in.  Needs a transaction unless the encodings are the
 * same.
 */
extern char *paysafe_any_text(const char *bytes, size_t len, int encoding);

#endif							/* PAYSAFE_ANY_TEXT_H */
