/*-------------------------------------------------------------------------
 *
 * refusal_log.h
 *	  Refusals on record although their transaction rolls back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_REFUSAL_LOG_H
#define PAYSAFE_REFUSAL_LOG_H

#include "nodes/pg_list.h"

/* Record refusals, whenever the library is loaded. */
extern void paysafe_refusal_log_init(void);

/*
 * Where refusals go on record that happen in a database without the extension: OIDs
 * of other databases.  Set once by the layer above, which knows them.
 */
typedef List *(*RefusalWitnesses) (void);
extern void paysafe_refusal_log_set_witnesses(RefusalWitnesses witnesses);

#endif							/* PAYSAFE_REFUSAL_LOG_H */
