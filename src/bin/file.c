/*-------------------------------------------------------------------------
 *
 * file.c
 *	  Whole files in memory, for programs.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bin/file.h"

void *
need(void *memory)
{
	if (memory != NULL)
		return memory;
	fputs("out of memory\n", stderr);
	exit(3);
}

static void
make_room(FileBuffer *out)
{
	if (out->len < out->room)
		return;
	out->room = out->room == 0 ? 64 * 1024 : 2 * out->room;
	out->data = need(realloc(out->data, out->room));
}

FileResult
file_read(const char *path, size_t most, FileBuffer *out)
{
	int			file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t		n;

	out->len = 0;
	if (file < 0)
		return errno == ENOENT || errno == ENOTDIR ? FILE_MISSING : FILE_TROUBLE;
	for (;;)
	{
		make_room(out);
		n = read(file, out->data + out->len, out->room - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += n;
		if (out->len > most)
		{
			n = -1;
			errno = EFBIG;
			break;
		}
	}
	{
		int			why = errno;

		(void) close(file);
		errno = why;
	}
	return n < 0 ? FILE_TROUBLE : FILE_READ;
}

FileResult
file_read_in(const char *folder, const char *name, size_t most, FileBuffer *out)
{
	char		path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int) sizeof(path))
	{
		errno = ENAMETOOLONG;
		return FILE_TROUBLE;
	}
	return file_read(path, most, out);
}

TlogText
file_text(const FileBuffer *buffer)
{
	TlogText	text = {buffer->data, buffer->len};

	return text;
}

TlogText
file_note(const FileBuffer *buffer)
{
	TlogText	text = file_text(buffer);

	if (text.len > 1 && text.at[text.len - 1] == '\n' && text.at[text.len - 2] == '\n')
		text.len--;
	return text;
}

void
file_free(FileBuffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
