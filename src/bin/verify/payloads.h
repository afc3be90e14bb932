/*-------------------------------------------------------------------------
 *
 * payloads.h
 *	  Payloads beside a log, as lines of JSON.
 *
 * A line is, in exactly this form,
 *
 *	{"index":N,"leaf":"base64","payload":"base64","proof":["base64",...]}
 *
 * without payload where it has been removed, without proof where the leaves are at
 * hand.
 *
 *-------------------------------------------------------------------------
 */
#ifndef VERIFY_PAYLOADS_H
#define VERIFY_PAYLOADS_H

#include "bin/verify/folder.h"

typedef struct Payloads
{
	uint64_t	rows;			/* whose payload is the one of the leaf */
	uint64_t	removed;		/* without a payload */
	uint64_t	proven;			/* by their own proof */
} Payloads;

/*
 * folder may be NULL: then every line needs its proof, up to the checkpoint, which
 * may be NULL only if there is a folder.
 */
extern void payloads_verify(const char *path, Folder *folder, const TlogCheckpoint *checkpoint, Payloads *out);

#endif							/* VERIFY_PAYLOADS_H */
