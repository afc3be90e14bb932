/*-------------------------------------------------------------------------
 *
 * meter.h
 *	  What has happened since the server started, counted in shared memory for paysafe.metrics.
 *
 * A number for each database, series and two labels.  Of labels that find no place in the table
 * the numbers are added up under "(other)", for all databases.
 *
 * Lock: one, shared but for the first of its labels; nothing is raised under it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_METER_H
#define PAYSAFE_METER_H

typedef enum MeterSeries
{
	METER_REFUSALS,				/* rule, SQLSTATE */
	METER_OBSERVED,				/* the same, of what was not refused */
	METER_SIGNALS,				/* kind, severity */
	METER_DECISIONS,			/* name, outcome */
	METER_THROTTLED,			/* policy, tier */
	METER_NSERIES
} MeterSeries;

/* Does nothing without the library preloaded.  Labels are redacted, and cut at 63 bytes. */
extern void paysafe_meter_count(Oid database, MeterSeries series, const char *label1, const char *label2,
								int64 n);

/* Calls the visitor with each number of the database, and with those of "(other)". */
typedef void (*MeterVisitor) (MeterSeries series, const char *label1, const char *label2, int64 n, void *arg);
extern void paysafe_meter_read(Oid database, MeterVisitor visitor, void *arg);

extern void paysafe_meter_request(void);
extern void paysafe_meter_startup(void);

#endif							/* PAYSAFE_METER_H */
