/*-------------------------------------------------------------------------
 *
 * refusal_writer.h
 *	  The background workers that write refusals to the log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_WRITER_H
#define PAYSAFE_REFUSAL_WRITER_H

/* Have the postmaster start the launcher; while it loads the library. */
extern void paysafe_refusal_writer_preload(void);

#endif							/* PAYSAFE_REFUSAL_WRITER_H */
