/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What the harnesses share: a condition that must hold, and palloc on top of
 *	  malloc, so that every allocation has its own red zones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_FUZZ_H
#define PAYSAFE_FUZZ_H

#define require(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* Allocations of the current input, in a list. */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk **link;		/* what points here */
} Chunk;

static Chunk *chunks = NULL;

static void
link_chunk(Chunk *chunk)
{
	chunk->next = chunks;
	chunk->link = &chunks;
	if (chunks)
		chunks->link = &chunk->next;
	chunks = chunk;
}

static void
unlink_chunk(Chunk *chunk)
{
	*chunk->link = chunk->next;
	if (chunk->next)
		chunk->next->link = chunk->link;
}

void *
palloc(Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	link_chunk(chunk);
	/* what is read before it is written must show */
	return memset(chunk + 1, 0x7f, size);
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
palloc_extended(Size size, int flags)
{
	return flags & MCXT_ALLOC_ZERO ? palloc0(size) : palloc(size);
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	chunk = realloc(chunk, sizeof(Chunk) + size);
	link_chunk(chunk);
	return chunk + 1;
}

/* As a memory context would. */
static void
fuzz_free(void)
{
	while (chunks)
		pfree(chunks + 1);
}

#endif							/* PAYSAFE_FUZZ_H */
