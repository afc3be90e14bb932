/*-------------------------------------------------------------------------
 *
 * key_text.h
 *	  Public keys as people have them: PEM, or JWK.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEY_TEXT_H
#define PAYSAFE_KEY_TEXT_H

#include "base/signature.h"

/*
 * The key of an algorithm ("EdDSA" and the like), for the caller to free; raises 22023,
 * with no part of the text, if it is none.
 */
extern SignatureKey *paysafe_key_text_read(const char *algorithm, const char *text);

#endif							/* PAYSAFE_KEY_TEXT_H */
