/*-------------------------------------------------------------------------
 *
 * refusal_file.c
 *	  The file in which refusals that wait survive the end of the server.
 *
 * It stands beside PostgreSQL's own statistics, and is read by the next start of
 * the same data folder: so it is written as the memory is, with a checksum.  What
 * another version of the library or a torn write left is put aside for a person to
 * look at, with a message.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "evidence/refusal_file.h"

#define FILE_NAME	PGSTAT_STAT_PERMANENT_DIRECTORY "/paysafe_refusals"
#define MAGIC		0x50525134	/* PRQ4: changes with RefusalEntry */

typedef struct Header
{
	uint32		magic;
	uint32		entry_size;
	int32		n;
	pg_crc32c	crc;			/* of all that follows */
} Header;

static pg_crc32c
checksum(const Oid *databases, const RefusalEntry *entries, int n)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, databases, sizeof(Oid) * n);
	COMP_CRC32C(crc, entries, sizeof(RefusalEntry) * n);
	FIN_CRC32C(crc);
	return crc;
}

bool
paysafe_refusal_file_write(const Oid *databases, const RefusalEntry *entries, int n, int elevel)
{
	Header		header = {.magic = MAGIC, .entry_size = sizeof(RefusalEntry), .n = n};
	FILE	   *file = AllocateFile(FILE_NAME ".new", PG_BINARY_W);
	bool		whole;

	header.crc = checksum(databases, entries, n);
	whole = file != NULL &&
		fwrite(&header, sizeof(header), 1, file) == 1 &&
		fwrite(databases, sizeof(Oid), n, file) == n &&
		fwrite(entries, sizeof(RefusalEntry), n, file) == n;
	if (file != NULL && FreeFile(file) != 0)
		whole = false;
	if (!whole)
	{
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", FILE_NAME),
				 errdetail("%d of paysafe's refusals wait, and are lost if the server ends.", n)));
		return false;
	}
	return durable_rename(FILE_NAME ".new", FILE_NAME, elevel) == 0;
}

static bool
read_entries(FILE *file, RefusalFileVisitor visitor)
{
	Header		header;
	Oid		   *databases;
	RefusalEntry *entries;
	bool		whole;

	if (fread(&header, sizeof(header), 1, file) != 1 || header.magic != MAGIC ||
		header.entry_size != sizeof(RefusalEntry) || header.n < 0 || header.n > 2000000)
		return false;
	databases = malloc(sizeof(Oid) * Max(header.n, 1));
	entries = malloc(sizeof(RefusalEntry) * Max(header.n, 1));
	whole = databases != NULL && entries != NULL &&
		fread(databases, sizeof(Oid), header.n, file) == header.n &&
		fread(entries, sizeof(RefusalEntry), header.n, file) == header.n &&
		EQ_CRC32C(header.crc, checksum(databases, entries, header.n));
	for (int i = 0; whole && i < header.n; i++)
		visitor(databases[i], &entries[i]);
	free(databases);
	free(entries);
	return whole;
}

void
paysafe_refusal_file_read(RefusalFileVisitor visitor)
{
	FILE	   *file = AllocateFile(FILE_NAME, PG_BINARY_R);
	bool		whole;

	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", FILE_NAME)));
		return;
	}
	whole = read_entries(file, visitor);
	FreeFile(file);
	if (whole)
		return;
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("file \"%s\" is not whole, or of another version of paysafe", FILE_NAME),
			 errdetail("Refusals that waited when the server ended are in the server's log only; the file is put aside as \"%s.bad\".", FILE_NAME)));
	(void) durable_rename(FILE_NAME, FILE_NAME ".bad", LOG);
}

bool
paysafe_refusal_file_remove(void)
{
	if (unlink(FILE_NAME) == 0 || errno == ENOENT)
		return true;
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not remove file \"%s\": %m", FILE_NAME)));
	return false;
}
