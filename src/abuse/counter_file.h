/*-------------------------------------------------------------------------
 *
 * counter_file.h
 *	  The file in which counters outlive the server.
 *
 * It stands beside PostgreSQL's own statistics.  A process of its own, "paysafe counter
 * writer", writes what has changed once a second, and the postmaster when the server
 * ends; so after a crash it is a second old.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_COUNTER_FILE_H
#define PAYSAFE_COUNTER_FILE_H

/* Fill the table, which is zeroed, and set its clock and its secret; by the postmaster. */
extern void paysafe_counter_file_read(void);

/* Have the writer started, unless there are to be no keys. */
extern void paysafe_counter_file_preload(const int *keys);

#endif							/* PAYSAFE_COUNTER_FILE_H */
