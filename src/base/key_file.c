/*-------------------------------------------------------------------------
 *
 * key_file.c
 *	  Files with keys: may others read them?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"

#include "base/key_file.h"

/* As PostgreSQL asks of its TLS key: ours, or root's for our group. */
bool
paysafe_key_file_is_private(FILE *file, bool *failed)
{
	struct stat status;

	*failed = fstat(fileno(file), &status) != 0;
	return !*failed && S_ISREG(status.st_mode) &&
		(status.st_uid == geteuid() ? (status.st_mode & (S_IRWXG | S_IRWXO)) == 0 :
		 status.st_uid == 0 && (status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0);
}

bool
paysafe_key_file_is_in_data(const char *path)
{
	char		file[MAXPGPATH];
	char		data[MAXPGPATH];
	char	   *found = realpath(path, NULL);
	char	   *folder = realpath(DataDir, NULL);
	bool		result = false;

	if (found != NULL && folder != NULL)
	{
		strlcpy(file, found, sizeof(file));
		strlcpy(data, folder, sizeof(data));
		result = path_is_prefix_of_path(data, file);
	}
	free(found);
	free(folder);
	return result;
}
