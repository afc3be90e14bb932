/*-------------------------------------------------------------------------
 *
 * counter_file.c
 *	  The file in which counters outlive the server.
 *
 * A header and the blocks of the table, each twice: a new version overwrites the older
 * one of the two, with a sequence and a checksum, so a torn write leaves the one before.
 * The header has the table's clock beside the time of day: the clock goes on from there
 * by what has passed since, and not back if the time of day was set back meanwhile.
 *
 * The secret of the keys is in the header: who has the file can try values, but who has
 * only seen the table's memory of another server, or a key, cannot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "abuse/counter_file.h"
#include "abuse/counter_table.h"
#include "compat.h"

#define FILE_NAME	PGSTAT_STAT_PERMANENT_DIRECTORY "/paysafe_counters"
#define MAGIC		0x50534333	/* PSC3: changes with what follows */
#define HEADER_SIZE	4096		/* of each of two */
#define SAVE_EVERY	1000		/* milliseconds */

#define table paysafe_counter_table

typedef struct FileHeader
{
	uint32		magic;
	int32		blocks;
	uint64		sequence;
	int64		clock;			/* the table's, when it was written */
	TimestampTz at;				/* the time of day then */
	uint8		secret[COUNTER_SECRET_LEN];
	pg_crc32c	crc;			/* of all before */
} FileHeader;

typedef struct FileBlock
{
	uint64		sequence;
	int32		number;
	pg_crc32c	crc;			/* of all but itself */
	CounterSlot slots[BLOCK_SLOTS];
} FileBlock;

PGDLLEXPORT void paysafe_counter_writer_main(Datum arg);

static pg_crc32c
header_crc(const FileHeader *header)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, header, offsetof(FileHeader, crc));
	FIN_CRC32C(crc);
	return crc;
}

static pg_crc32c
block_crc(const FileBlock *block)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, block, offsetof(FileBlock, crc));
	COMP_CRC32C(crc, block->slots, sizeof(block->slots));
	FIN_CRC32C(crc);
	return crc;
}

static off_t
block_offset(int number, uint64 sequence)
{
	return 2 * HEADER_SIZE + ((off_t) number * 2 + sequence % 2) * sizeof(FileBlock);
}

/* Writing: false with errno if it failed */

static bool
write_at(int fd, const void *data, size_t len, off_t offset)
{
	errno = 0;
	if (pwrite(fd, data, len, offset) == (ssize_t) len)
		return true;
	if (errno == 0)
		errno = ENOSPC;
	return false;
}

static bool
write_header(int fd)
{
	FileHeader	header = {
		.magic = MAGIC,
		.blocks = table->blocks,
		.sequence = ++table->header_sequence,
		.clock = paysafe_counter_now(),
		.at = GetCurrentTimestamp()
	};

	memcpy(header.secret, table->secret, sizeof(header.secret));
	header.crc = header_crc(&header);
	return write_at(fd, &header, sizeof(header), header.sequence % 2 * HEADER_SIZE);
}

/*
 * A block, if memory is ahead of the file.  It is marked before it is copied, so that
 * what changes meanwhile is written the next time.
 */
static bool
write_block(int fd, int number, FileBlock *block)
{
	LWLock	   *lock = paysafe_counter_lock_of(number);

	if (!table->dirty[number])
		return true;
	LWLockAcquire(lock, LW_SHARED);
	table->dirty[number] = false;
	memcpy(block->slots, table->slots + (Size) number * BLOCK_SLOTS, sizeof(block->slots));
	LWLockRelease(lock);
	block->sequence = table->sequence[number] + 1;
	block->number = number;
	block->crc = block_crc(block);
	if (!write_at(fd, block, sizeof(FileBlock), block_offset(number, block->sequence)))
	{
		table->dirty[number] = true;
		return false;
	}
	table->sequence[number]++;
	return true;
}

static bool
write_all(int fd)
{
	static FileBlock block;
	bool		any = false;

	for (int i = 0; i < table->blocks; i++)
		any |= table->dirty[i];
	if (!any)
		return true;
	for (int i = 0; i < table->blocks; i++)
		if (!write_block(fd, i, &block))
			return false;
	return write_header(fd) && pg_fdatasync(fd) == 0;
}

/* Of another size than the file: all of it anew, before anything is written in place. */
static bool
write_anew(void)
{
	int			fd = BasicOpenFile(FILE_NAME ".new", O_RDWR | O_CREAT | O_TRUNC | PG_BINARY);
	bool		good = fd >= 0 && ftruncate(fd, block_offset(table->blocks, 0)) == 0 && write_header(fd) &&
		write_all(fd) && pg_fsync(fd) == 0;
	int			error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	if (!good || durable_rename(FILE_NAME ".new", FILE_NAME, LOG) != 0)
	{
		/* what it has is to be written again */
		memset(table->dirty, true, table->blocks * sizeof(bool));
		return false;
	}
	table->anew = false;
	return true;
}

static bool
write_in_place(void)
{
	int			fd = BasicOpenFile(FILE_NAME, O_RDWR | O_CREAT | PG_BINARY);
	bool		good = fd >= 0 && write_all(fd);
	int			error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return good;
}

/* All that has changed.  A failure is in the server's log, once until it works; false. */
static bool
save(void)
{
	static bool failing = false;
	bool		good = table->anew ? write_anew() : write_in_place();

	if (!good && !failing)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", FILE_NAME),
				 errdetail("Limits of paysafe.throttle begin anew if the server ends.")));
	failing = !good;
	if (good)
		pg_atomic_write_u64(&table->saved_at, GetCurrentTimestamp());
	return good;
}

/* By the postmaster, when all other processes have ended; not after a crash. */
static void
save_at_shutdown(int code, Datum arg)
{
	if (code == 0 && table != NULL)
		(void) save();
}

/* Reading, by the postmaster */

static bool
read_header(int fd, FileHeader *newest)
{
	FileHeader	header;

	newest->sequence = 0;
	for (int i = 0; i < 2; i++)
		if (pread(fd, &header, sizeof(header), i * HEADER_SIZE) == sizeof(header) &&
			header.magic == MAGIC && header.blocks > 0 && EQ_CRC32C(header.crc, header_crc(&header)) &&
			header.sequence > newest->sequence)
			*newest = header;
	return newest->sequence > 0;
}

/* The newer version of a block; false if neither is whole, *blank if nothing was ever written. */
static bool
read_block(int fd, int number, FileBlock *newest, bool *blank)
{
	static FileBlock block;

	newest->sequence = 0;
	*blank = true;
	for (int i = 0; i < 2; i++)
	{
		/* the file has had its whole length from the beginning */
		if (pread(fd, &block, sizeof(block), block_offset(number, i)) != sizeof(block))
			*blank = false;
		else if (block.number == number && EQ_CRC32C(block.crc, block_crc(&block)) &&
				 block.sequence > newest->sequence)
			*newest = block;
		else
			*blank &= block.sequence == 0 && block.number == 0 && block.crc == 0;
	}
	return newest->sequence > 0;
}

/*
 * The counters of a block: where they were, or where they belong in a table of another size,
 * those without a token first.  How many found no place.
 */
static int
restore_block(const FileBlock *block, bool same_size, bool out, int64 now)
{
	int			lost = 0;

	for (int s = 0; s < BLOCK_SLOTS; s++)
	{
		const CounterSlot *slot = &block->slots[s];

		/* nobody waits longer than any limit has one wait */
		if (slot->counter.full_at <= now || slot->counter.full_at > now + GCRA_TOLERANCE_MAX || slot->counter.interval < 1)
			continue;
		if (same_size)
			table->slots[(Size) block->number * BLOCK_SLOTS + s] = *slot;
		else if ((slot->token_at > now) == out)
			lost += !paysafe_counter_restore(slot, now);
	}
	return lost;
}

static void
read_blocks(int fd, const FileHeader *header)
{
	static FileBlock block;
	bool		same_size = header->blocks == table->blocks;
	int64		now = paysafe_counter_now();
	int			torn = 0;
	int			lost = 0;

	for (int pass = 0; pass < (same_size ? 1 : 2); pass++)
		for (int i = 0; i < header->blocks; i++)
		{
			bool		blank = true;

			if (read_block(fd, i, &block, &blank))
			{
				lost += restore_block(&block, same_size, pass == 0, now);
				if (same_size)
					table->sequence[i] = block.sequence;
			}
			else
				torn += pass == 0 && !blank;
		}
	if (torn > 0)
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%d of %d blocks of file \"%s\" are not whole", torn, header->blocks, FILE_NAME),
				 errdetail("The limits that were counted there begin anew.")));
	if (lost > 0)
		ereport(LOG,
				(errmsg("%d of the keys that limits count found no place in a table of %d", lost, table->keys),
				 errdetail("They begin anew."),
				 errhint("Raise paysafe.throttle_keys.")));
	pg_atomic_fetch_add_u64(&table->forgotten, lost);
}

/* A new secret and a new clock: nothing is counted yet. */
static void
begin(void)
{
	if (!pg_strong_random(table->secret, sizeof(table->secret)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	table->clock_offset = GetCurrentTimestamp() - paysafe_counter_monotonic();
}

static void
go_on(int fd, const FileHeader *header)
{
	int64		passed = GetCurrentTimestamp() - header->at;

	memcpy(table->secret, header->secret, sizeof(table->secret));
	table->clock_offset = header->clock + Max(passed, 0) - paysafe_counter_monotonic();
	table->header_sequence = header->sequence;
	read_blocks(fd, header);
}

void
paysafe_counter_file_read(void)
{
	int			fd = BasicOpenFile(FILE_NAME, O_RDONLY | PG_BINARY);
	FileHeader	header = {0};

	if (fd < 0 && errno != ENOENT)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", FILE_NAME)));
	if (fd >= 0 && read_header(fd, &header))
		go_on(fd, &header);
	else
		begin();
	if (fd >= 0)
		close(fd);
	if (header.blocks != table->blocks)
	{
		if (fd >= 0 && header.sequence == 0)
			ereport(LOG,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("file \"%s\" is not whole, or of another version of paysafe", FILE_NAME),
					 errdetail("All limits begin anew.")));
		table->anew = true;
		(void) save();
	}
	if (!IsUnderPostmaster)
		on_shmem_exit(save_at_shutdown, (Datum) 0);
}

/* The process */

static void
writer_gone(int code, Datum arg)
{
	LWLockAcquire(COUNTER_HEADER_LOCK, LW_EXCLUSIVE);
	table->writer = NULL;
	LWLockRelease(COUNTER_HEADER_LOCK);
}

void
paysafe_counter_writer_main(Datum arg)
{
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(writer_gone, (Datum) 0);
	LWLockAcquire(COUNTER_HEADER_LOCK, LW_EXCLUSIVE);
	table->writer = MyLatch;
	LWLockRelease(COUNTER_HEADER_LOCK);
	while (!ShutdownRequestPending)
	{
		/* armed first: what changes from here on wakes us */
		pg_atomic_write_u32(&table->armed, 1);
		pg_memory_barrier();
		/* what could not be written is tried again, whether anything changes or not */
		if (save())
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (!ShutdownRequestPending)
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SAVE_EVERY,
							 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	/* the postmaster writes the rest; zero would take us off its list, for whoever can end a process */
	proc_exit(1);
}

void
paysafe_counter_file_preload(const int *keys)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS,
		/* on a standby too */
		.bgw_start_time = BgWorkerStart_PostmasterStart,
		.bgw_restart_time = 1
	};

	if (*keys == 0 || IsBinaryUpgrade)
		return;
	strlcpy(worker.bgw_name, "paysafe counter writer", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "paysafe counter writer", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "paysafe", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "paysafe_counter_writer_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
