/*-------------------------------------------------------------------------
 *
 * rest.h
 *	  Work that whoever asked for it can end.
 *
 * What takes long counts its steps, and rests after some: so often that nobody waits for
 * it, and so rarely that it costs nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_REST_H
#define TOKEN_REST_H

#include <stddef.h>

#define TOKEN_REST_STEPS	4096	/* about so many: bytes, characters, places of a pattern */

typedef struct TokenRest
{
	void		(*call) (void);	/* which need not return; or NULL */
	size_t		steps;			/* since it was called */
} TokenRest;

/* So many steps are to be taken, or have been. */
static inline void
token_rest(TokenRest *rest, size_t steps)
{
	rest->steps += steps;
	if (rest->steps < TOKEN_REST_STEPS)
		return;
	rest->steps = 0;
	if (rest->call != NULL)
		rest->call();
}

#endif							/* TOKEN_REST_H */
