/*-------------------------------------------------------------------------
 *
 * key_file.h
 *	  Files with keys: may others read them?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_KEY_FILE_H
#define PAYSAFE_KEY_FILE_H

#include <stdio.h>

/* What such a file must be, for a hint. */
#define PAYSAFE_KEY_FILE_HINT \
	"It must be a file of the server's user with permissions 0600 or less, or of root with 0640 or less."

/* Is it one that only we and root read?  *failed: fstat failed, errno says why. */
extern bool paysafe_key_file_is_private(FILE *file, bool *failed);

/* Is it in the server's data folder, and so in each copy that is made of it? */
extern bool paysafe_key_file_is_in_data(const char *path);

#endif							/* PAYSAFE_KEY_FILE_H */
