/*-------------------------------------------------------------------------
 *
 * id_claim.c
 *	  That an id is used by one transaction only, without a unique index.
 *
 * The row is in the table when it is checked.  Two database transactions that
 * add rows of one id must not both pass:
 *
 *	- An id is locked until the database transaction ends, heavyweight, by a hash
 *	  of its text.  The second session waits and then finds the first one's rows.
 *	- The lock table has no room for a million ids.  A database transaction that
 *	  has locked MAX_ID_LOCKS of them locks no more; it takes one lock that says
 *	  so, the mark.
 *	- Everybody looks for rows that are committed or in progress.  A committed
 *	  one refuses.  Who bears the mark waits for the database transaction of one
 *	  in progress.  Who locked the id waits only if that other one bears the
 *	  mark: otherwise it has not checked its row yet, and will wait for the lock,
 *	  or bear the mark by then and find our row.
 *
 * So of two that pass, neither can have looked before the other's row was there.
 * Two that bear the mark and use the same id may deadlock: one of them would
 * have been refused anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/subtrans.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/procarray.h"

#include "base/id_claim.h"

#define MAX_ID_LOCKS	64

/* In the lock tag's last field, where others have 0. */
#define MARK			0x8000
#define ID				0x4000
#define ID_BITS			0x3fff
#define GROUP			0xc000

#define ALL_GROUPS		0xc001

/* A transaction that touches very many groups must not fill the lock table. */
#define GROUP_LOCKS		1024
#define MAX_GROUP_LOCKS	256		/* of several things together; then all groups of one are locked at a time, if nobody else has any */

static int	id_locks = 0;		/* of this database transaction, at least */
static int	group_locks = 0;	/* the same, of groups of something */

void
paysafe_id_claim_forget(void)
{
	id_locks = 0;
	group_locks = 0;
}

/* No class of catalogs has a user table's OID: nothing else takes these locks. */

/* The mark of a database transaction, by its topmost id. */
static void
mark_tag(LOCKTAG *tag, Oid table, TransactionId xid)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, table, xid, MARK);
}

bool
paysafe_id_claim_lock(Oid table, uint64 hash)
{
	LOCKTAG		tag;

	if (id_locks >= MAX_ID_LOCKS)
	{
		/* again each time: a rollback to a savepoint may have released it */
		mark_tag(&tag, table, GetTopTransactionId());
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		return false;
	}
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, table, (uint32) hash, ((uint16) (hash >> 32) & ID_BITS) | ID);
	if (LockAcquire(&tag, ExclusiveLock, false, false) == LOCKACQUIRE_OK)
		id_locks++;
	return true;
}

static LockAcquireResult
lock_group(Oid table, uint32 of, uint64 hash, bool nowait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, table, (of - of % GROUP_LOCKS) | (uint32) (hash % GROUP_LOCKS), GROUP);
	return LockAcquire(&tag, ExclusiveLock, false, nowait);
}

void
paysafe_id_claim_lock_group(Oid table, uint64 hash)
{
	(void) lock_group(table, 0, hash, false);
}

/* Whoever locks some of them shares this one, and whoever locks all has it alone. */
static LockAcquireResult
lock_all_groups(Oid table, uint32 of, LOCKMODE mode, bool nowait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, table, of - of % GROUP_LOCKS, ALL_GROUPS);
	return LockAcquire(&tag, mode, false, nowait);
}

/*
 * All at a time are not waited for: who waits for that would keep waiting all who come later, and
 * two who do so would wait for each other.  Each time anew, as others end, and as a rollback to a
 * savepoint may have released what was had.
 */
void
paysafe_id_claim_lock_group_of(Oid table, uint32 of, uint64 hash)
{
	if (group_locks >= MAX_GROUP_LOCKS &&
		lock_all_groups(table, of, ExclusiveLock, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	if (lock_group(table, of, hash, false) == LOCKACQUIRE_OK)
		group_locks++;
	/* second: while it waits for a group of somebody who is to lock all, it does not keep that one from it */
	(void) lock_all_groups(table, of, RowExclusiveLock, false);
}

static int
compare_groups(const void *a, const void *b)
{
	uint32		x = *(const uint64 *) a % GROUP_LOCKS;
	uint32		y = *(const uint64 *) b % GROUP_LOCKS;

	return x < y ? -1 : x > y;
}

bool
paysafe_id_claim_lock_groups(Oid table, uint64 *hashes, int n, bool nowait)
{
	qsort(hashes, n, sizeof(uint64), compare_groups);
	for (int i = 0; i < n; i++)
		if (lock_group(table, 0, hashes[i], nowait) == LOCKACQUIRE_NOT_AVAIL)
			return false;
	return true;
}

/* Does the database transaction, which was in progress, bear the mark? */
static bool
is_marked(Oid table, TransactionId xid)
{
	LOCKTAG		tag;

	mark_tag(&tag, table, SubTransGetTopmostTransaction(xid));
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, ShareLock, false);

	/* it releases its locks when it ends: then it must be looked at again */
	return !TransactionIdIsInProgress(xid);
}

bool
paysafe_id_claim_must_wait(Oid table, bool locked, TransactionId inserter)
{
	return !locked || is_marked(table, inserter);
}
