/*-------------------------------------------------------------------------
 *
 * file.h
 *	  Whole files in memory, for programs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BIN_FILE_H
#define BIN_FILE_H

#include "tlog/text.h"

/* A block that is used again for the next file; all zero before the first */
typedef struct FileBuffer
{
	char	   *data;
	size_t		len;
	size_t		room;
} FileBuffer;

typedef enum FileResult
{
	FILE_READ,
	FILE_MISSING,
	FILE_TROUBLE				/* it could not be read, or is larger than most: see errno */
} FileResult;

extern FileResult file_read(const char *path, size_t most, FileBuffer *out);
extern FileResult file_read_in(const char *folder, const char *name, size_t most, FileBuffer *out);
extern TlogText file_text(const FileBuffer *buffer);

/* The same without one surplus newline at the end: psql puts one after all that it prints */
extern TlogText file_note(const FileBuffer *buffer);
extern void file_free(FileBuffer *buffer);

/* Memory, or the end of the program with status 3 */
extern void *need(void *memory);

#endif							/* BIN_FILE_H */
