/*-------------------------------------------------------------------------
 *
 * history.c
 *	  What moved accounts, and the balance after it.
 *
 * An account without a minimum takes no lock.  What is posted to it goes to
 * stripes: a database transaction works on stripes that no other works on,
 * held by a lock that is only tried for, and each stripe has a running balance
 * of its own.  There are as many as there have been transactions at the same
 * time, or a few more; the balance is the sum of their last moves, now or at any
 * time before.
 * Where the transaction sees one snapshot, it leaves alone what others have moved
 * since: the balance that it reads afterwards would have their moves in it.
 * An account whose row has the balance has one stripe, under the row's lock.
 *
 * All moves of a transaction count from one moment, or a trial balance between two of
 * them would not balance.  It is the transaction's first move, or later if it comes to
 * a stripe that somebody else has moved since: then the moves that it has noted by
 * then are noted anew before it commits.  Moves of a stripe are in the order of
 * their times, since whoever moves it has it until the end.
 *
 * So what had been moved by a time is known once all have ended whose moment may be
 * earlier.  Each says so by a lock, whose tag is a time before its moment: the moment
 * is taken when the lock is held.  Who looks at the locks, and finds none that is
 * early enough, will find none later.
 *
 * Stripes and their numbers are rows of paysafe.balance_stripe that stay; each
 * backend remembers those it has used, and when they moved: an index scan for
 * the last move would read all that fits on a page, for a busy account the
 * whole page.  That time is a hint only.
 *
 * The first sessions that post keep the number of their stripes when the
 * transaction has committed, by a lock of the session: what such a stripe has been
 * moved to, they need not look up again, since nobody else can have moved it.  A
 * rollback ends that (PostgreSQL releases the locks of a session whose transaction
 * aborts), and so does PREPARE TRANSACTION, whose stripes wait for its outcome.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/invalidation.h"
#include "rules/balance/history.h"
#include "rules/balance/history_columns.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

#define FIRST_STRIPE	1		/* of accounts without a balance in the row */
#define MAX_KNOWN		4096	/* stripes that a backend remembers */
#define MAX_OWNED		16		/* numbers that sessions keep, per table; also tables of one session */
#define OWN_AGAIN		64		/* transactions after which one without tries again */

/*
 * What the backend knows
 */

typedef struct KnownStripe
{
	uint64		hash;			/* key; two of one hash: the later one is known */
	Oid			accounts;
	int32		number;
	char	   *key;
	char	   *currency;
	int64		id;
	TimestampTz at;				/* hint, unless the balance is sure */
	uint64		sure_since;		/* == sure: moved last by us, to this balance */
	FullTransactionId xid;		/* ... in this transaction */
	int32		move_number;
	Numeric		balance;
} KnownStripe;

static MemoryContext known_context = NULL;	/* below CacheMemoryContext */
static HTAB *known = NULL;
static Oid	known_table = InvalidOid;	/* paysafe.balance_stripe then */
static bool known_here = false; /* some were added by this transaction */

/* Numbers of stripes that the session keeps. */
typedef struct OwnedNumber
{
	Oid			accounts;
	int32		number;
	bool		used;			/* by this transaction */
} OwnedNumber;

static OwnedNumber owned[MAX_OWNED];
static int	nowned = 0;
static uint64 sure = 1;			/* what was sure under another value no longer is */

static void
forget_known(void)
{
	if (known_context != NULL)
		MemoryContextDelete(known_context);
	known_context = NULL;
	known = NULL;
}

/* What this transaction has done to stripes is not there, or not yet. */
static void
forget_doings(void)
{
	if (known_here)
		forget_known();
	sure++;
}

/*
 * The moment of a transaction
 */

static TimestampTz moment = 0;	/* 0: none yet */
static int	moment_level;		/* of the subtransaction that has the lock */

/* The moves of this transaction. */
static struct
{
	ItemPointerData *tids;		/* TopTransactionContext */
	uint64		n;
	uint64		size;
	uint64		early;			/* so many have an earlier moment */
}			moves;

/* How many there were when a subtransaction began to move. */
typedef struct MovesMark
{
	int			level;
	uint64		n;
	struct MovesMark *outer;
} MovesMark;

static MovesMark *marks = NULL; /* innermost first; TopTransactionContext */

static void
take_moment(void)
{
	LOCKTAG		tag;
	uint64		early = (uint64) GetCurrentTimestamp();

	/* as many bits as there are: nine years of microseconds */
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, paysafe_catalog_table(PAYSAFE_BALANCE_MOVE),
					   (uint32) early, (uint16) (early >> 32));
	(void) LockAcquire(&tag, ShareLock, false, false);
	moment = GetCurrentTimestamp();
	moment_level = GetCurrentTransactionNestLevel();
}

TimestampTz
paysafe_history_settled(void)
{
	TimestampTz settled = GetCurrentTimestamp();
	uint64		now = (uint64) settled;
	Oid			table = paysafe_catalog_table(PAYSAFE_BALANCE_MOVE);
	LockData   *data = GetLockStatusData();

	for (int i = 0; i < data->nelements; i++)
	{
		const LOCKTAG *tag = &data->locks[i].locktag;
		uint64		age;

		if (tag->locktag_type != LOCKTAG_OBJECT || tag->locktag_field1 != MyDatabaseId ||
			tag->locktag_field2 != table)
			continue;
		age = (now - (((uint64) tag->locktag_field4 << 32) | tag->locktag_field3)) & ((UINT64CONST(1) << 48) - 1);
		if (age < UINT64CONST(1) << 47)	/* or it has come while we looked */
			settled = Min(settled, (TimestampTz) (now - age));
	}
	return settled;
}

/* Note a move's row; the moment is the present one. */
static void
note_move(ItemPointer tid)
{
	int			level = GetCurrentTransactionNestLevel();

	if (marks == NULL || marks->level < level)
	{
		MovesMark  *mark = MemoryContextAlloc(TopTransactionContext, sizeof(MovesMark));

		mark->level = level;
		mark->n = moves.n;
		mark->outer = marks;
		marks = mark;
	}
	if (moves.n == moves.size)
	{
		moves.size = moves.size == 0 ? 16 : moves.size * 2;
		moves.tids = moves.tids == NULL ?
			MemoryContextAlloc(TopTransactionContext, moves.size * sizeof(ItemPointerData)) :
			repalloc_huge(moves.tids, moves.size * sizeof(ItemPointerData));
	}
	moves.tids[moves.n++] = *tid;
}

/* Note the moves anew that have an earlier moment. */
static void
move_to_moment(void)
{
	if (moves.early == 0)
		return;
	CommandCounterIncrement();
	for (uint64 i = 0; i < moves.early; i++)
	{
		HeapTuple	tuple = paysafe_store_lock(PAYSAFE_BALANCE_MOVE, &moves.tids[i], LockWaitBlock);
		Relation	rel;
		Datum		values[MOVE_NCOLUMNS];
		bool		nulls[MOVE_NCOLUMNS];

		if (tuple == NULL)
			elog(ERROR, "a move of this transaction is gone");
		rel = paysafe_store_open(PAYSAFE_BALANCE_MOVE);
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		paysafe_store_close(rel);
		values[MOVE_AT] = TimestampTzGetDatum(moment);
		paysafe_store_update(PAYSAFE_BALANCE_MOVE, tuple, values, nulls);
		heap_freetuple(tuple);
	}
	moves.early = 0;
	sure++;
}

void
paysafe_history_end_subtransaction(bool committed, int level)
{
	if (!committed)
		forget_doings();
	if (moment != 0 && moment_level >= level)
	{
		/* its lock goes with it, and so do all moves */
		if (committed)
			moment_level = level - 1;
		else
			moment = 0;
	}
	while (marks != NULL && marks->level >= level)
	{
		if (committed && (marks->outer == NULL || marks->outer->level < level - 1))
		{
			marks->level = level - 1;
			return;
		}
		if (!committed)
		{
			moves.n = marks->n;
			moves.early = Min(moves.early, moves.n);
		}
		marks = marks->outer;
	}
}

void
paysafe_history_end_transaction(bool aborted)
{
	if (aborted)
		forget_doings();
	moment = 0;
	marks = NULL;
	memset(&moves, 0, sizeof(moves));
	known_here = false;
	for (int i = 0; i < nowned; i++)
		owned[i].used = false;
	/* the session's locks go with the transaction's */
	if (aborted)
		nowned = 0;
}

static void
stripes_changed(Datum arg, Oid relid)
{
	/* an invalidation may come while one is in use: forget it the next time */
	if (!OidIsValid(relid) || relid == known_table)
		known_table = InvalidOid;
}

static KnownStripe *
known_stripe(Oid accounts, const char *key, const char *currency, int32 number, bool *found)
{
	Oid			table = paysafe_catalog_table(PAYSAFE_BALANCE_STRIPE);
	uint64		hash;
	KnownStripe *stripe;

	if (known_table != table || (known != NULL && hash_get_num_entries(known) >= MAX_KNOWN))
		forget_known();
	known_table = table;
	if (known == NULL)
	{
		static bool registered = false;
		HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(KnownStripe)};

		if (!registered)
			paysafe_invalidation_register(stripes_changed);
		registered = true;
		known_context = AllocSetContextCreate(CacheMemoryContext, "paysafe stripes",
											  ALLOCSET_DEFAULT_SIZES);
		ctl.hcxt = known_context;
		known = hash_create("paysafe stripes", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	hash = hash_bytes_extended((const unsigned char *) key, strlen(key),
							   hash_bytes_extended((const unsigned char *) currency, strlen(currency),
												   ((uint64) accounts << 32) | (uint32) number));
	stripe = hash_search(known, &hash, HASH_ENTER, found);
	if (*found && stripe->id != 0 && stripe->accounts == accounts && stripe->number == number &&
		strcmp(stripe->key, key) == 0 && strcmp(stripe->currency, currency) == 0)
		return stripe;
	*found = false;
	stripe->accounts = accounts;
	stripe->number = number;
	stripe->key = stripe->currency = "";	/* nothing, until it is known */
	stripe->id = 0;
	stripe->at = 0;
	stripe->sure_since = 0;
	stripe->balance = NULL;
	return stripe;
}

static void
remember_move(KnownStripe *stripe, int32 number, Numeric balance)
{
	stripe->sure_since = 0;
	if (stripe->balance == NULL || VARSIZE(stripe->balance) != VARSIZE(balance))
	{
		if (stripe->balance != NULL)
			pfree(stripe->balance);
		stripe->balance = NULL;
		stripe->balance = MemoryContextAlloc(known_context, VARSIZE(balance));
	}
	memcpy(stripe->balance, balance, VARSIZE(balance));
	stripe->at = moment;
	stripe->move_number = number;
	stripe->xid = GetTopFullTransactionId();
	stripe->sure_since = sure;
}

/*
 * Stripes
 */

typedef struct FoundStripe
{
	int64		id;				/* 0: none */
	int32		number;
	char	   *currency;
} FoundStripe;

static bool
read_stripe(Relation rel, HeapTuple tuple, void *arg)
{
	FoundStripe *found = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	found->id = DatumGetInt64(heap_getattr(tuple, STRIPE_ID + 1, desc, &isnull));
	found->number = DatumGetInt32(heap_getattr(tuple, STRIPE_NUMBER + 1, desc, &isnull));
	found->currency = paysafe_store_text(tuple, desc, STRIPE_CURRENCY);
	return false;
}

char *
paysafe_history_currency(Oid accounts, const char *key)
{
	Datum		keys[] = {ObjectIdGetDatum(accounts), CStringGetTextDatum(key)};
	FoundStripe found = {0};

	paysafe_store_scan(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 2, keys, read_stripe, &found);
	return found.currency;
}

char *
paysafe_history_money(Oid accounts, const char *key, const char *currency,
					  const AmountColumn *column, Numeric amount)
{
	if (currency == NULL && paysafe_money_is_minor(column))
		currency = paysafe_history_currency(accounts, key);
	return paysafe_money_spoken(column, amount, currency);
}

static int64
add_stripe(Oid accounts, const char *key, const char *currency, int32 number)
{
	Oid			sequence = get_relname_relid("balance_stripe_id_seq",
											 get_rel_namespace(paysafe_catalog_table(PAYSAFE_BALANCE_STRIPE)));
	Datum		values[STRIPE_NCOLUMNS];
	bool		nulls[STRIPE_NCOLUMNS] = {0};
	int64		id = nextval_internal(sequence, false);

	values[STRIPE_ID] = Int64GetDatum(id);
	values[STRIPE_RELATION] = ObjectIdGetDatum(accounts);
	values[STRIPE_ACCOUNT] = CStringGetTextDatum(key);
	values[STRIPE_CURRENCY] = CStringGetTextDatum(currency);
	values[STRIPE_NUMBER] = Int32GetDatum(number);
	paysafe_store_insert(PAYSAFE_BALANCE_STRIPE, values, nulls);
	known_here = true;
	return id;
}

static bool
read_move(Relation rel, HeapTuple tuple, void *arg)
{
	Stripe	   *stripe = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;

	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	stripe->at = DatumGetTimestampTz(heap_getattr(tuple, MOVE_AT + 1, desc, &isnull));
	stripe->number = DatumGetInt32(heap_getattr(tuple, MOVE_NUMBER + 1, desc, &isnull));
	stripe->own = TransactionIdIsCurrentTransactionId(xmin);
	stripe->newer = IsolationUsesXactSnapshot() && !stripe->own &&
		XidInMVCCSnapshot(xmin, GetTransactionSnapshot());
	stripe->balance = DatumGetNumericCopy(heap_getattr(tuple, MOVE_BALANCE + 1, desc, &isnull));
	return false;
}

/* The last move of the stripe that compares with the time that way, if any. */
static void
seek_move(Stripe *stripe, StrategyNumber strategy, TimestampTz at, Snapshot snapshot)
{
	Datum		key = Int64GetDatum(stripe->id);

	paysafe_store_seek(PAYSAFE_BALANCE_MOVE, MOVE_INDEX, 1, &key, strategy,
					   TimestampTzGetDatum(at), true, snapshot, read_move, stripe);
}

/*
 * Numbers
 */

/* No class of catalogs has a user table's OID: nothing else takes these locks. */
static void
set_number_tag(LOCKTAG *tag, Oid accounts, int32 number)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, accounts, number, 0);
}

static bool
lock_number(Oid accounts, int32 number, bool for_session)
{
	LOCKTAG		tag;

	set_number_tag(&tag, accounts, number);
	return LockAcquire(&tag, ExclusiveLock, for_session, true) != LOCKACQUIRE_NOT_AVAIL;
}

static bool
is_owned(Oid accounts, int32 number)
{
	for (int i = 0; i < nowned; i++)
		if (owned[i].accounts == accounts && owned[i].number == number)
			return true;
	return false;
}

/*
 * At the end of a session without a transaction, PostgreSQL releases advisory locks
 * only.  One that has been aborted has left nothing to release.
 */
static void
release_numbers(int code, Datum arg)
{
	while (nowned > 0)
	{
		LOCKTAG		tag;

		nowned--;
		set_number_tag(&tag, owned[nowned].accounts, owned[nowned].number);
		LockRelease(&tag, ExclusiveLock, true);
	}
}

/* A number that the session keeps, or 0. */
static int32
take_for_session(Oid accounts)
{
	static bool registered = false;
	static int	wait = 0;		/* so many transactions yet */

	for (int i = 0; i < nowned; i++)
		if (owned[i].accounts == accounts)
		{
			owned[i].used = true;
			return owned[i].number;
		}
	if (nowned == MAX_OWNED || wait-- > 0)
		return 0;
	/* after the transaction's end, before that of the process */
	if (!registered)
		on_shmem_exit(release_numbers, (Datum) 0);
	registered = true;
	for (int32 number = FIRST_STRIPE; number < FIRST_STRIPE + MAX_OWNED; number++)
		if (lock_number(accounts, number, true))
		{
			owned[nowned++] = (OwnedNumber)
			{
				.accounts = accounts, .number = number, .used = true
			};
			wait = 0;
			return number;
		}
	wait = OWN_AGAIN;
	return 0;
}

int32
paysafe_history_take(Oid accounts, int32 above)
{
	static int32 last = FIRST_STRIPE + MAX_OWNED;	/* stay where nobody was in the way */
	int32		number = above == 0 ? take_for_session(accounts) : 0;
	bool		first_try = above == 0;

	if (number != 0)
		return number;
	for (number = first_try ? last : above + 1;;)
	{
		if (lock_number(accounts, number, false))
		{
			if (number >= FIRST_STRIPE + MAX_OWNED)
				last = number;
			return number;
		}
		number = first_try ? FIRST_STRIPE : number + 1;
		first_try = false;
	}
}

void
paysafe_history_pre_commit(bool prepare)
{
	int			kept = 0;

	move_to_moment();
	if (!prepare)
		return;
	for (int i = 0; i < nowned; i++)
	{
		LOCKTAG		tag;

		if (!owned[i].used)
		{
			owned[kept++] = owned[i];
			continue;
		}
		/* nobody can come between; holding both would forbid PREPARE */
		if (!lock_number(owned[i].accounts, owned[i].number, false))
			elog(ERROR, "a lock of the session is not available to its transaction");
		set_number_tag(&tag, owned[i].accounts, owned[i].number);
		LockRelease(&tag, ExclusiveLock, true);
	}
	nowned = kept;
	forget_doings();
}

char *
paysafe_history_open(Oid accounts, const char *key, const char *currency, int32 number,
					 Stripe *out)
{
	bool		is_known;
	KnownStripe *stripe = known_stripe(accounts, key, currency, number, &is_known);

	*out = (Stripe)
	{
		.id = stripe->id
	};
	if (!is_known)
	{
		Datum		keys[] = {
			ObjectIdGetDatum(accounts), CStringGetTextDatum(key), CStringGetTextDatum(currency),
			Int32GetDatum(number)
		};
		FoundStripe found = {0};

		paysafe_store_scan(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 4, keys, read_stripe, &found);
		if (found.id == 0 && number == STORED_STRIPE)
		{
			char	   *other = paysafe_history_currency(accounts, key);

			if (other != NULL && strcmp(other, currency) != 0)
				return other;
		}
		out->id = found.id != 0 ? found.id : add_stripe(accounts, key, currency, number);
		stripe->key = MemoryContextStrdup(known_context, key);
		stripe->currency = MemoryContextStrdup(known_context, currency);
		stripe->id = out->id;
	}
	if (is_owned(accounts, number))
	{
		out->known = stripe;
		/* what an older snapshot sees is another question */
		if (stripe->sure_since == sure && !IsolationUsesXactSnapshot())
		{
			out->at = stripe->at;
			out->number = stripe->move_number;
			out->own = FullTransactionIdEquals(stripe->xid, GetTopFullTransactionIdIfAny());
			out->balance = stripe->balance;
			return NULL;
		}
	}
	if (stripe->at != 0)
		seek_move(out, BTGreaterEqualStrategyNumber, stripe->at, NULL);
	/* never seen to move, or that move was rolled back */
	if (out->balance == NULL)
		seek_move(out, InvalidStrategy, 0, NULL);
	if (out->balance == NULL)
		out->balance = paysafe_money_zero();
	stripe->at = out->at;
	return NULL;
}

void
paysafe_history_add(const Stripe *stripe, Numeric amount, Numeric balance)
{
	Datum		values[MOVE_NCOLUMNS];
	bool		nulls[MOVE_NCOLUMNS] = {0};
	int32		number = stripe->own ? stripe->number + 1 : 0;
	ItemPointerData tid;

	if (moment == 0)
		take_moment();
	if (!stripe->own && stripe->at >= moment)
	{
		/* after the last one, whatever the clock says */
		moment = Max(GetCurrentTimestamp(), stripe->at + 1);
		moves.early = moves.n;
	}
	values[MOVE_STRIPE] = Int64GetDatum(stripe->id);
	values[MOVE_AT] = TimestampTzGetDatum(moment);
	values[MOVE_NUMBER] = Int32GetDatum(number);
	values[MOVE_AMOUNT] = NumericGetDatum(amount);
	values[MOVE_BALANCE] = NumericGetDatum(balance);
	paysafe_store_insert_tid(PAYSAFE_BALANCE_MOVE, values, nulls, &tid);
	note_move(&tid);
	if (stripe->known != NULL)
		remember_move(stripe->known, number, balance);
}

static bool
remove_moves(Relation rel, HeapTuple tuple, void *arg)
{
	FoundStripe found;
	Datum		key;

	(void) read_stripe(rel, tuple, &found);
	key = Int64GetDatum(found.id);
	paysafe_store_remove(PAYSAFE_BALANCE_MOVE, MOVE_INDEX, 1, &key);
	return true;
}

bool
paysafe_history_has_any(Oid accounts)
{
	Datum		key = ObjectIdGetDatum(accounts);

	return paysafe_store_has(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 1, &key);
}

void
paysafe_history_remove(Oid accounts)
{
	Datum		key = ObjectIdGetDatum(accounts);

	paysafe_store_scan(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 1, &key, remove_moves, NULL);
	paysafe_store_remove(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 1, &key);
	/* all backends forget them */
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_BALANCE_STRIPE));
}

/* All stripes of an account in a currency, with their balances. */
static bool
collect_stripe(Relation rel, HeapTuple tuple, void *arg)
{
	FoundStripe *found = palloc(sizeof(FoundStripe));

	(void) read_stripe(rel, tuple, found);
	*(List **) arg = lappend(*(List **) arg, found);
	return true;
}

void
paysafe_history_adjust(Oid accounts, const char *key, const char *currency, bool stored,
					   Numeric balance)
{
	Datum		keys[] = {
		ObjectIdGetDatum(accounts), CStringGetTextDatum(key), CStringGetTextDatum(currency)
	};
	int32		target = stored ? STORED_STRIPE : FIRST_STRIPE;
	List	   *stripes = NIL;
	ListCell   *lc;
	Stripe		stripe;
	Numeric		rest = balance;

	paysafe_store_scan(PAYSAFE_BALANCE_STRIPE, STRIPE_INDEX, 3, keys, collect_stripe, &stripes);
	foreach(lc, stripes)
	{
		FoundStripe *found = lfirst(lc);

		if (found->number == target)
			continue;
		(void) paysafe_history_open(accounts, key, currency, found->number, &stripe);
		/* where the row has the balance, so has its stripe */
		if (stored)
			paysafe_history_add(&stripe, paysafe_money_negate(stripe.balance), paysafe_money_zero());
		else
			rest = paysafe_money_add(rest, paysafe_money_negate(stripe.balance));
	}
	if (paysafe_history_open(accounts, key, currency, target, &stripe) == NULL &&
		paysafe_money_compare(stripe.balance, rest) != 0)
		paysafe_history_add(&stripe, paysafe_money_add(rest, paysafe_money_negate(stripe.balance)), rest);
	/* sessions that keep stripes look again */
	CacheInvalidateRelcacheByRelid(paysafe_catalog_table(PAYSAFE_BALANCE_STRIPE));
}
