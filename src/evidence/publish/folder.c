/*-------------------------------------------------------------------------
 *
 * folder.c
 *	  A log as a folder of files, as c2sp.org/tlog-tiles has it.
 *
 * A file is written under another name, synced and then renamed: whoever reads finds all
 * of it or nothing.  Files other than the checkpoint never change; one that is there and
 * says something else is a finding.  The checkpoint comes last, so that what it promises
 * is there; after a crash everything since the last one is written again.
 *
 * Not by PostgreSQL's file functions: where syncing fails, they end the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/publish/folder.h"
#include "tlog/note.h"
#include "tlog/tile.h"

#define WIDTH			TLOG_TILE_WIDTH
#define TEMPORARY		".paysafe-new"

char *
paysafe_folder_of(const char *root, const char *origin)
{
	StringInfoData path;
	bool		first = true;

	initStringInfo(&path);
	appendStringInfo(&path, "%s/", root);
	for (const char *c = origin; *c; c++)
	{
		/* names as they stand in a URL; none begins with a dot or is empty */
		if (isalnum((unsigned char) *c) || strchr("-_", *c) != NULL || (*c == '.' && !first) ||
			(*c == '/' && !first && c[1] != '\0'))
			appendStringInfoChar(&path, *c);
		else
			appendStringInfo(&path, "%%%02X", (unsigned char) *c);
		first = *c == '/';
	}
	return path.data;
}

static char *
trouble_with(const char *what, const char *path)
{
	return psprintf("could not %s \"%s\": %m", what, path);
}

/*
 * Files
 */

/* All of a file; *exists false if there is none. */
static char *
read_file(const char *path, size_t most, StringInfo out, bool *exists)
{
	int			file = open(path, O_RDONLY | O_CLOEXEC);
	char		buffer[8192];
	ssize_t		n;

	*exists = file >= 0;
	if (file < 0)
		return errno == ENOENT || errno == ENOTDIR ? NULL : trouble_with("open", path);
	while ((n = read(file, buffer, sizeof(buffer))) > 0 && out->len <= most)
		appendBinaryStringInfo(out, buffer, n);
	if (n < 0)
	{
		char	   *trouble = trouble_with("read", path);

		(void) close(file);
		return trouble;
	}
	(void) close(file);
	return out->len > most ? psprintf("\"%s\" is too large", path) : NULL;
}

static char *
sync_folder(const char *path)
{
	int			file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char	   *trouble = NULL;

	if (file < 0)
		return trouble_with("open", path);
	/* some file systems cannot, and need not */
	if (fsync(file) != 0 && errno != EINVAL && errno != EBADF)
		trouble = trouble_with("sync", path);
	(void) close(file);
	return trouble;
}

/* The folder that the file is in. */
static char *
parent_of(const char *path)
{
	return pnstrdup(path, strrchr(path, '/') - path);
}

/* Make the folder and those above it, each on disk before there is something in it. */
static char *
make_folder(const char *path)
{
	char	   *parent;
	char	   *trouble;

	if (mkdir(path, 0755) == 0)
	{
		if (chmod(path, 0755) != 0)
			return trouble_with("change the mode of", path);
		return sync_folder(parent_of(path));
	}
	if (errno == EEXIST)
		return NULL;
	parent = errno == ENOENT && strrchr(path, '/') != path ? parent_of(path) : NULL;
	if (parent == NULL)
		return trouble_with("create folder", path);
	trouble = make_folder(parent);
	return trouble != NULL ? trouble : make_folder(path);
}

/* Write it under another name, sync, rename. */
static char *
replace_file(const char *path, const char *data, size_t len)
{
	char	   *temporary = psprintf("%s" TEMPORARY, path);
	int			file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char	   *trouble = NULL;

	if (file < 0)
		return trouble_with("create", temporary);
	for (size_t written = 0; trouble == NULL && written < len;)
	{
		ssize_t		n = write(file, data + written, len - written);

		if (n > 0)
			written += n;
		else if (n == 0 || errno != EINTR)
			trouble = trouble_with("write", temporary);
	}
	/* whatever the server's umask: it is there to be read */
	if (trouble == NULL && (fchmod(file, 0644) != 0 || fsync(file) != 0))
		trouble = trouble_with("sync", temporary);
	if (close(file) != 0 && trouble == NULL)
		trouble = trouble_with("close", temporary);
	if (trouble == NULL && rename(temporary, path) != 0)
		trouble = trouble_with("rename", temporary);
	if (trouble != NULL)
		(void) unlink(temporary);
	return trouble;
}

/* A file that never changes. */
static char *
write_once(const char *path, StringInfo data)
{
	StringInfoData there;
	bool		exists;
	char	   *trouble;

	initStringInfo(&there);
	trouble = read_file(path, data->len, &there, &exists);
	if (exists && (trouble != NULL || there.len != data->len ||
				   memcmp(there.data, data->data, data->len) != 0))
		return trouble != NULL ? trouble :
			psprintf("\"%s\" is there and says something else than this log", path);
	if (exists || trouble != NULL)
		return trouble;
	trouble = make_folder(parent_of(path));
	if (trouble == NULL)
		trouble = replace_file(path, data->data, data->len);
	return trouble != NULL ? trouble : sync_folder(parent_of(path));
}

/*
 * Tiles
 */

static char *
tile_path(const char *folder, int level, int64 index, int width)
{
	char		path[TLOG_TILE_PATH_MAX];

	if (!tlog_tile_path(level, index, width, path))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("there is no tile %d/" INT64_FORMAT, level, index)));
	return psprintf("%s/%s", folder, path);
}

/* Once it is complete, nobody needs its beginnings. */
static void
remove_partial(const char *folder, int level, int64 index)
{
	char	   *path = psprintf("%s.p", tile_path(folder, level, index, WIDTH));
	DIR		   *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			(void) unlink(psprintf("%s/%s", path, entry->d_name));
	(void) closedir(dir);
	(void) rmdir(path);
}

static char *
write_tile(FolderWork *work, int level, int64 index, int width)
{
	StringInfoData data;
	char	   *trouble;

	initStringInfo(&data);
	if (level == TLOG_ENTRIES)
	{
		trouble = work->bundle(work->bundle_arg, index * WIDTH, width, &data);
		if (trouble != NULL)
			return trouble;
	}
	else
		for (int i = 0; i < width; i++)
		{
			TlogHash	hash;

			if (!work->read(work->read_arg, TLOG_TILE_HEIGHT * level, index * WIDTH + i, &hash))
				return psprintf("the tile %d/" INT64_FORMAT " cannot be read", level, index);
			appendBinaryStringInfo(&data, (char *) hash.bytes, TLOG_HASH_LEN);
		}
	trouble = write_once(tile_path(work->folder, level, index, width), &data);
	if (trouble == NULL && width == WIDTH)
		remove_partial(work->folder, level, index);
	return trouble;
}

/*
 * One bundle, and the tiles that end with it; after the last one those that have begun,
 * too, of which a level may have none.
 */
static char *
write_bundle(FolderWork *work, int64 number)
{
	bool		last = (number + 1) * WIDTH >= work->new_size;
	char	   *trouble = write_tile(work, TLOG_ENTRIES, number, tlog_tile_width(TLOG_ENTRIES, number, work->new_size));
	int64		index = number;

	for (int level = 0; level < TLOG_TILE_LEVELS && trouble == NULL; level++, index /= WIDTH)
	{
		int			width = tlog_tile_width(level, index, work->new_size);

		if (!last && width < WIDTH)
			break;
		if (width > 0)
			trouble = write_tile(work, level, index, width);
		if (!last && index % WIDTH != WIDTH - 1)
			break;
	}
	return trouble;
}

void
paysafe_folder_begin(FolderWork *work, const char *folder, int64 old_size, int64 new_size)
{
	work->folder = folder;
	work->old_size = old_size;
	work->new_size = new_size;
	work->next = old_size / WIDTH;
}

char *
paysafe_folder_write(FolderWork *work, int nbundles, bool *done)
{
	char	   *trouble = NULL;

	for (int i = 0; i < nbundles && work->next * WIDTH < work->new_size && trouble == NULL; i++)
	{
		trouble = write_bundle(work, work->next);
		if (trouble == NULL)
			work->next++;
	}
	*done = trouble == NULL && work->next * WIDTH >= work->new_size;
	return trouble;
}

/*
 * The checkpoint
 */

char *
paysafe_folder_read_checkpoint(const char *folder, char **note)
{
	StringInfoData text;
	bool		exists;
	char	   *trouble;

	initStringInfo(&text);
	trouble = read_file(psprintf("%s/checkpoint", folder), TLOG_NOTE_MAX, &text, &exists);
	*note = exists && trouble == NULL ? text.data : NULL;
	if (trouble == NULL && memchr(text.data, '\0', text.len) != NULL)
		trouble = psprintf("\"%s/checkpoint\" is no text", folder);
	return trouble;
}

char *
paysafe_folder_write_checkpoint(const char *folder, const char *note)
{
	char	   *trouble = make_folder(folder);

	if (trouble == NULL)
		trouble = replace_file(psprintf("%s/checkpoint", folder), note, strlen(note));
	return trouble != NULL ? trouble : sync_folder(folder);
}
