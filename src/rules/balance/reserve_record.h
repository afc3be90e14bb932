/*-------------------------------------------------------------------------
 *
 * reserve_record.h
 *	  Reservations as rows, and what is reserved of accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RESERVE_RECORD_H
#define PAYSAFE_RESERVE_RECORD_H

#include "datatype/timestamp.h"
#include "utils/numeric.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

typedef struct Reservation
{
	int64		id;
	Oid			accounts;
	char	   *account;
	Numeric		amount;
	TimestampTz expires_at;
	char	   *key;			/* or NULL */
	char	   *to_account;		/* or NULL */
	bool		found;
} Reservation;

/* One time at which a part of a reservation was posted. */
typedef struct ReservationPost
{
	int32		number;			/* 0: none has been */
	Numeric		amount;
	Numeric		posted;			/* up to this one, together */
	bool		final;
} ReservationPost;

/* A reservation by its number; false if there is none. */
extern bool paysafe_reserve_record_find(int64 id, Reservation *out);

/* The same by the key that it was made with. */
extern bool paysafe_reserve_record_find_key(Oid accounts, const char *key, Reservation *out);

/* Add one; the texts are reason, ticket and request id, each of which may be NULL. */
extern void paysafe_reserve_record_add(const Reservation *r, const char *const *texts);

/* How it has ended, or NULL; its time is not looked at.  Snapshot NULL: the newest. */
extern char *paysafe_reserve_record_outcome(int64 id, Snapshot snapshot);

/* End it: amount is what was posted of it. */
extern void paysafe_reserve_record_end(const Reservation *r, const char *outcome, Numeric amount,
									   const char *reason);

/* What has been posted of it so far, and the post of a key; false: none. */
extern void paysafe_reserve_record_posted(int64 id, Snapshot snapshot, ReservationPost *out);
extern bool paysafe_reserve_record_post_of_key(int64 id, const char *key, ReservationPost *out);

/* Note that a part is posted: the number and what it comes to are the next ones. */
extern void paysafe_reserve_record_add_post(int64 id, const char *key, const ReservationPost *post);

/*
 * What is reserved of an account, which is locked, changes by the amount; what has
 * expired leaves it at the same time.
 */
extern void paysafe_reserve_record_change(Oid accounts, const char *key, Numeric amount);

/* Up to when reservations of the account have been looked at, and found to be expired. */
extern TimestampTz paysafe_reserve_record_expired_until(Oid accounts, const char *key);

/*
 * What is reserved of an account; it is locked.  No more than that; and exactly
 * that if it is more than what is there to spare.
 */
extern Numeric paysafe_reserve_record_sum(Oid accounts, const char *key, Numeric spare);

/*
 * What is set aside of an account, and for it (by accounts of this currency, unless
 * that is NULL), as the snapshot shows it; nothing is locked.
 */
extern Numeric paysafe_reserve_record_out(Oid accounts, const char *key, Snapshot snapshot);
extern Numeric paysafe_reserve_record_in(Oid accounts, const char *key, const char *currency,
										 Snapshot snapshot);

/* Has the account ever had a reservation? */
extern bool paysafe_reserve_record_exists(Oid accounts, const char *key);

/* Remove the reservations of all accounts, in a test database. */
extern void paysafe_reserve_record_remove(Oid accounts);

#endif							/* PAYSAFE_RESERVE_RECORD_H */
