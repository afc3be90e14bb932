/*-------------------------------------------------------------------------
 *
 * pattern.h
 *	  Regular expressions that are matched in one pass, whatever the text.
 *
 * Those of ECMAScript with its flag u, as far as no text makes them slow: characters,
 * ".", classes, groups, alternatives, repetitions, "^" and "$".  No references back, no
 * looking around, no names, no properties of Unicode.  Anywhere in the text, unless "^"
 * and "$" say otherwise.  Each character of a text costs as much as the pattern is long.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_PATTERN_H
#define TOKEN_PATTERN_H

#include "token/rest.h"
#include "token/text.h"

#define TOKEN_PATTERN_STEPS		1000	/* of a pattern, repetitions written out */
#define TOKEN_PATTERN_WORK		4000	/* ranges of characters that its steps have together */
#define TOKEN_PATTERN_DEPTH		16		/* groups in each other */

typedef struct TokenPatternRange
{
	uint32_t	low;
	uint32_t	high;
} TokenPatternRange;

typedef enum TokenPatternOperation
{
	PATTERN_CLASS,				/* one character of these ranges */
	PATTERN_SPLIT,				/* go on at either place */
	PATTERN_JUMP,
	PATTERN_START,				/* only at the start of the text */
	PATTERN_END,				/* only at its end */
	PATTERN_MATCH
} TokenPatternOperation;

typedef struct TokenPatternStep
{
	uint8_t		operation;
	bool		negated;		/* a class of all others */
	int16_t		x;				/* where to go, from here; of a class its first range */
	int16_t		y;				/* the same; of a class how many */
} TokenPatternStep;

typedef struct TokenPattern
{
	TokenPatternStep *steps;
	TokenPatternRange *ranges;
	int			nsteps;
	int			nranges;
} TokenPattern;

/* Room in which a pattern is made. */
typedef struct TokenPatternRoom
{
	TokenPatternStep steps[TOKEN_PATTERN_STEPS];
	TokenPatternRange ranges[TOKEN_PATTERN_STEPS];
} TokenPatternRoom;

/*
 * Make one of a string of JSON, as it stands between its quotation marks.  It lies in
 * the room.  false, and why, in words of ours: it is none that we match.
 */
extern bool token_pattern_make(TokenText text, TokenPatternRoom *room, TokenPattern *out,
							   const char **why);

/* Is it somewhere in the string, which stands between its quotation marks, too? */
extern bool token_pattern_matches(const TokenPattern *pattern, TokenText text, TokenRest *rest);

#endif							/* TOKEN_PATTERN_H */
