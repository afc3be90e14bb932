/*-------------------------------------------------------------------------
 *
 * policy.h
 *	  Which checkpoints are good: logs, witnesses, how many of them (C2SP
 *	  tlog-policy).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TLOG_POLICY_H
#define TLOG_POLICY_H

#include "tlog/cosignature.h"

#define TLOG_POLICY_LOGS	32
#define TLOG_POLICY_NAMES	128		/* witnesses and groups */
#define TLOG_POLICY_MAX		(256 * 1024)	/* bytes of a file */

/* A witness or a group of names that stand before it */
typedef struct TlogPolicyName
{
	TlogText	name;
	TlogText	url;
	bool		witness;
	TlogKey		key;			/* of a witness */
	int			threshold;		/* of a group */
	bool		member[TLOG_POLICY_NAMES];
} TlogPolicyName;

/* Large: on the heap.  Names and URLs are parts of the file's text, which must outlive it. */
typedef struct TlogPolicy
{
	int			nlogs;
	TlogKey		logs[TLOG_POLICY_LOGS];	/* a log's name is its origin */
	TlogText	log_urls[TLOG_POLICY_LOGS];
	int			nnames;
	TlogPolicyName names[TLOG_POLICY_NAMES];
	int			quorum;			/* of names; -1: none */
} TlogPolicy;

/* NULL, or what is wrong, and in which line */
extern const char *tlog_policy_parse(TlogText text, TlogPolicy *out, int *line);

typedef enum TlogPolicyVerdict
{
	TLOG_POLICY_MET,
	TLOG_POLICY_NO_CHECKPOINT,	/* the note's text is none */
	TLOG_POLICY_UNKNOWN_LOG,	/* no log's key has its origin and a signature under it */
	TLOG_POLICY_BAD_SIGNATURE,	/* of a log or a witness that the policy names */
	TLOG_POLICY_NO_QUORUM
} TlogPolicyVerdict;

/*
 * met, if not NULL: which names have witnessed it.  Where the policy names no log,
 * the caller has to know the log's signature for good by itself.
 */
extern TlogPolicyVerdict tlog_policy_verdict(const TlogPolicy *policy, const TlogNote *note,
											 bool met[TLOG_POLICY_NAMES]);

#endif							/* TLOG_POLICY_H */
