/*-------------------------------------------------------------------------
 *
 * utf8.h
 *	  Is it UTF-8?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_UTF8_H
#define TOKEN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As RFC 3629 has it: in the shortest form, no surrogates, up to U+10FFFF. */
extern bool token_utf8_valid(const uint8_t *text, size_t len);

#endif							/* TOKEN_UTF8_H */
