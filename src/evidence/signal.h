/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  Signals of abuse: what fraud systems and people should see.
 *
 * A signal refuses nothing. It is a row of paysafe.signal_record, which is sealed like the audit
 * log, a NOTIFY, and one line in the server's log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SIGNAL_H
#define PAYSAFE_SIGNAL_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

typedef enum SignalSeverity
{
	SIGNAL_INFO,
	SIGNAL_WARNING,
	SIGNAL_CRITICAL,
	SIGNAL_NSEVERITIES
} SignalSeverity;

/*
 * A signal of paysafe's own. The subject is whom or what it is about: a list of char *, of which
 * only a keyed hash gets anywhere. Figures: a JSON object, of at most some 900 bytes.
 */
typedef struct Signal
{
	const char *kind;			/* a word */
	SignalSeverity severity;
	List	   *subject;		/* NIL: of nobody */
	const char *segment;		/* or NULL */
	const char *figures;		/* or NULL */
} Signal;

/*
 * Raise it: whatever becomes of the transaction, and never an error. For rare events: it costs a line
 * in the server's log. Where paysafe is not preloaded it is a row of the transaction.
 */
extern void paysafe_signal_raise(const Signal *signal);

/* Append a member of an object: its name, and a string as JSON has it, a number, or true. */
extern void paysafe_signal_text(StringInfo figures, const char *name, const char *value);
extern void paysafe_signal_number(StringInfo figures, const char *name, int64 value);
extern void paysafe_signal_flag(StringInfo figures, const char *name);

/* For so long they and decisions are kept, unless somebody says otherwise. */
#define PAYSAFE_SIGNAL_DAYS	400

/* Remove those before that time that no legal hold holds; returns how many rows. */
extern int64 paysafe_signal_expire_before(TimestampTz before);

extern void paysafe_signal_init(void);

#endif							/* PAYSAFE_SIGNAL_H */
