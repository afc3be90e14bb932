/*-------------------------------------------------------------------------
 *
 * trust.h
 *	  What is known from outside: keys, a policy, checkpoints.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_TRUST_H
#define VERIFY_TRUST_H

#include "bin/file.h"
#include "tlog/policy.h"

#define KEYS_MAX	32
#define HELD_MAX	256

/* A checkpoint, and whether it speaks for the log */
typedef struct Held
{
	const char *name;			/* of its file */
	FileBuffer	buffer;
	TlogNote	note;
	TlogCheckpoint checkpoint;
	bool		outside;		/* not from where the log is from */
	bool		good;			/* signed as it must be, or from outside */
} Held;

typedef struct Trust
{
	int			nkeys;
	TlogKey		keys[KEYS_MAX];
	TlogPolicy *policy;
	FileBuffer	policy_text;
	int			nheld;
	Held	   *held[HELD_MAX]; /* by size, once sorted */
} Trust;

/* Each of these ends the program where there is no such thing. */
extern void trust_key(Trust *trust, const char *vkey);
extern void trust_policy(Trust *trust, const char *path);

/* A checkpoint from outside, or from where the log is from, with its text in the buffer */
extern Held *trust_held_file(Trust *trust, const char *path);
extern Held *trust_held(Trust *trust, const char *name, FileBuffer *text);

/* Judge all of them by keys and policy; what is wrong is a finding.  Sorts them. */
extern void trust_judge(Trust *trust);

/* The same of one note.  True: a key or a policy that was given vouches for it. */
extern bool trust_signed(const Trust *trust, const char *name, const TlogNote *note,
						 const TlogCheckpoint *checkpoint);

/* All of them are of the log of this name; NULL: of one name. */
extern void trust_origin(const Trust *trust, const char *origin);

#endif							/* VERIFY_TRUST_H */
