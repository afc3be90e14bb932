/*-------------------------------------------------------------------------
 *
 * audit_key.c
 *	  Nonces of the audit log, derived from keys that forget.
 *
 * A nonce keeps a payload from being guessed once it has been removed, so it must leave
 * with it; but 16 random bytes in each row are what no dump compresses.  So each month of
 * the log has a key, and each of its rows a nonce that follows from the key and from the
 * row's transaction and number, by a tree of keys (the puncturable function of Goldreich,
 * Goldwasser and Micali):
 *
 *	key of a child	= SHA-256(key || 0, 1, 2 or 3)
 *	way to a row	= the transaction, then the number in it: each as how many digits it
 *					  has to the base of four, less one (in three and two such digits),
 *					  then those
 *	nonce			= the first 16 bytes of the key at the end of the way
 *
 * No way is the beginning of another one.  To forget a row is to keep, instead of the key
 * above it, those of all who branch off from its way: from these, and from everything that
 * ever hung below them, nobody finds the keys on the way.  To forget a month is to keep
 * nothing of it; rows of it that stay carry their nonces themselves then.
 *
 * Transactions of another server may have the same numbers.  So a key is used for new
 * rows where it was made only: in this database, of this system, on this timeline.
 * Elsewhere, until there is a new one, and in the default partition, a row carries a
 * random nonce.  A row says by which key its nonce is derived, so it is not lost.
 *
 * Whoever writes or reads rows one after the other goes the first part of the way once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/invalidation.h"
#include "evidence/audit_key.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "store/partition.h"

/* Columns of paysafe.audit_key. */
enum
{
	KEY_MONTH, KEY_SYSTEM, KEY_DATABASE, KEY_TIMELINE, KEY_ID, KEY_PATH, KEY_KEY,
	KEY_NCOLUMNS
};

#define KEY_LEN			PAYSAFE_SHA256_LEN
#define XID_DIGITS		3		/* say how many digits a transaction's number has: up to 32 */
#define SEQ_DIGITS		2		/* the same of a row's: up to 16 */
#define MAX_WAY			(XID_DIGITS + 32 + SEQ_DIGITS + 16)

/* A way, and the keys along it. */
typedef struct Way
{
	uint32		id;				/* of the key */
	int			stored;			/* keys before this one are not known; -1: none is */
	int			known;			/* keys after this one are not known yet */
	uint8		digits[MAX_WAY];
	uint8		keys[MAX_WAY + 1][KEY_LEN];
} Way;

struct AuditKeys
{
	Snapshot	snapshot;
	Way			way;
};

/* What a writer knows. */
static struct
{
	Oid			partition;		/* that was written to last, or 0 */
	bool		found;			/* it has a key */
	Way			way;
}			writer;

/*
 * Ways
 */

static int
put_number(uint8 *way, uint64 number, int length_digits)
{
	int			n = 1;
	uint8	   *p = way;

	while (n < 32 && number >> (2 * n) != 0)
		n++;
	for (int i = length_digits - 1; i >= 0; i--)
		*p++ = (n - 1) >> (2 * i) & 3;
	for (int i = n - 1; i >= 0; i--)
		*p++ = number >> (2 * i) & 3;
	return p - way;
}

/* How many digits the way has. */
static int
way_to(uint64 xid, int32 seq, uint8 *way)
{
	int			n = put_number(way, xid, XID_DIGITS);

	return n + put_number(way + n, (uint32) seq, SEQ_DIGITS);
}

static void
child_key(const uint8 *key, uint8 digit, uint8 *out)
{
	uint8		input[KEY_LEN + 1];

	memcpy(input, key, KEY_LEN);
	input[KEY_LEN] = digit;
	paysafe_crypto_sha256(input, sizeof(input), out);
}

/* What is looked for in paysafe.audit_key, and what is found. */
typedef struct Search
{
	Way		   *way;
	const uint8 *digits;
	int			n;
	Datum	   *values;			/* of the row, or NULL */
} Search;

/* The row before the way in the order of paths: if any is on the way, it is. */
static bool
visit_node(Relation rel, HeapTuple tuple, void *arg)
{
	Search	   *search = arg;
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	bytea	   *path;
	bytea	   *key;
	int			len;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	path = DatumGetByteaPP(values[KEY_PATH]);
	key = DatumGetByteaPP(values[KEY_KEY]);
	len = VARSIZE_ANY_EXHDR(path);
	if (len > search->n || memcmp(VARDATA_ANY(path), search->digits, len) != 0 ||
		VARSIZE_ANY_EXHDR(key) != KEY_LEN)
		return false;
	search->way->stored = search->way->known = len;
	memcpy(search->way->keys[len], VARDATA_ANY(key), KEY_LEN);
	if (search->values != NULL)
		memcpy(search->values, values, sizeof(Datum) * KEY_PATH);
	return false;
}

/* Find the stored key that is on a way of n digits; false if there is none. */
static bool
find_stored(Way *way, const uint8 *digits, int n, Snapshot snapshot, Datum *values)
{
	Search		search = {way, digits, n, values};
	Datum		id = Int32GetDatum((int32) way->id);

	way->stored = -1;
	paysafe_store_seek(PAYSAFE_AUDIT_KEY, "audit_key_pkey", 1, &id, BTLessEqualStrategyNumber,
					   paysafe_argument_bytea(digits, n), true, snapshot, visit_node, &search);
	return way->stored >= 0;
}

/* Go the way, as far as it has not been gone already. */
static bool
go(Way *way, uint32 id, uint64 xid, int32 seq, Snapshot snapshot, uint8 *nonce)
{
	uint8		digits[MAX_WAY];
	int			n = way_to(xid, seq, digits);
	int			common = 0;

	if (way->stored >= 0 && way->id == id)
		while (common < Min(n, way->known) && digits[common] == way->digits[common])
			common++;
	if (way->stored < 0 || way->id != id || common < way->stored)
	{
		way->id = id;
		if (!find_stored(way, digits, n, snapshot, NULL))
			return false;
		common = way->stored;
	}
	way->known = common;
	memcpy(way->digits, digits, n);
	for (; way->known < n; way->known++)
		child_key(way->keys[way->known], digits[way->known], way->keys[way->known + 1]);
	memcpy(nonce, way->keys[n], AUDIT_NONCE_LEN);
	return true;
}

/*
 * Writing
 */

static void
partition_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == writer.partition)
		writer.partition = InvalidOid;
}

/* Of a key of this place, its number. */
static bool
visit_key(Relation rel, HeapTuple tuple, void *arg)
{
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS];
	uint32	  **id = arg;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	if (DatumGetInt64(values[KEY_SYSTEM]) != (int64) GetSystemIdentifier() ||
		DatumGetObjectId(values[KEY_DATABASE]) != MyDatabaseId ||
		DatumGetInt32(values[KEY_TIMELINE]) != (int32) GetWALInsertionTimeLine())
		return true;
	**id = (uint32) DatumGetInt32(values[KEY_ID]);
	*id = NULL;
	return false;
}

/* Has the month a key for new rows? */
static bool
find_key(TimestampTz month, uint32 *id)
{
	Datum		key = TimestampTzGetDatum(month);
	uint32	   *wanted = id;

	paysafe_store_scan(PAYSAFE_AUDIT_KEY, "audit_key_month", 1, &key, visit_key, &wanted);
	return wanted == NULL;
}

static void
look_up(Oid partition)
{
	TimestampTz month;

	writer.found = false;
	writer.way.stored = -1;
	if (!paysafe_partition_lower(PAYSAFE_AUDIT_ROW, partition, &month))
		return;
	/* first: a change that comes while this looks makes it look again */
	writer.partition = partition;
	writer.found = find_key(month, &writer.way.id);
}

int
paysafe_audit_key_draw(Oid partition, uint64 xid, int32 seq, uint8 *stored, uint8 *nonce)
{
	uint32		id;

	if (unlikely(writer.partition != partition))
		look_up(partition);
	if (likely(writer.found && go(&writer.way, writer.way.id, xid, seq, NULL, nonce)))
	{
		id = pg_hton32(writer.way.id);
		memcpy(stored, &id, AUDIT_KEY_ID_LEN);
		return AUDIT_KEY_ID_LEN;
	}
	paysafe_crypto_random(nonce, AUDIT_NONCE_LEN);
	memcpy(stored, nonce, AUDIT_NONCE_LEN);
	return AUDIT_NONCE_LEN;
}

void
paysafe_audit_key_ensure(const List *partitions)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *lc;

	foreach(lc, partitions)
	{
		const OwnPartition *partition = lfirst(lc);
		uint8		key[KEY_LEN];
		Datum		values[KEY_NCOLUMNS];
		bool		nulls[KEY_NCOLUMNS] = {0};
		uint32		id;

		if (partition->is_default || partition->upper <= now || find_key(partition->lower, &id))
			continue;
		/* two who do this at once make two keys, and either is good */
		paysafe_crypto_random((uint8 *) &id, sizeof(id));
		paysafe_crypto_random(key, KEY_LEN);
		values[KEY_MONTH] = TimestampTzGetDatum(partition->lower);
		values[KEY_SYSTEM] = Int64GetDatum((int64) GetSystemIdentifier());
		values[KEY_DATABASE] = ObjectIdGetDatum(MyDatabaseId);
		values[KEY_TIMELINE] = Int32GetDatum((int32) GetWALInsertionTimeLine());
		values[KEY_ID] = Int32GetDatum((int32) id);
		values[KEY_PATH] = paysafe_argument_bytea("", 0);
		values[KEY_KEY] = paysafe_argument_bytea(key, KEY_LEN);
		paysafe_store_append(PAYSAFE_AUDIT_KEY, values, nulls);
		paysafe_crypto_cleanse(key, sizeof(key));
		/* writers look again */
		CacheInvalidateRelcacheByRelid(partition->relid);
	}
}

void
paysafe_audit_key_init(void)
{
	paysafe_invalidation_register(partition_changed);
}

/*
 * Reading
 */

AuditKeys *
paysafe_audit_keys_begin(Snapshot snapshot)
{
	AuditKeys  *keys = palloc(sizeof(AuditKeys));

	keys->snapshot = snapshot;
	keys->way.stored = -1;
	return keys;
}

AuditKeys *
paysafe_audit_keys_of_call(FunctionCallInfo fcinfo)
{
	AuditKeys  *keys = fcinfo->flinfo->fn_extra;

	if (keys == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		keys = fcinfo->flinfo->fn_extra = paysafe_audit_keys_begin(NULL);
		MemoryContextSwitchTo(old);
	}
	/* the next query may have another one */
	keys->snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
	return keys;
}

static bool
is_derived(const uint8 *stored, int len, uint32 *id)
{
	if (len != AUDIT_KEY_ID_LEN)
		return false;
	memcpy(id, stored, AUDIT_KEY_ID_LEN);
	*id = pg_ntoh32(*id);
	return true;
}

bool
paysafe_audit_keys_nonce(AuditKeys *keys, const uint8 *stored, int len, uint64 xid, int32 seq,
						 uint8 *nonce)
{
	uint32		id;

	if (is_derived(stored, len, &id))
		return go(&keys->way, id, xid, seq, keys->snapshot, nonce);
	if (len != AUDIT_NONCE_LEN)
		return false;
	memcpy(nonce, stored, AUDIT_NONCE_LEN);
	return true;
}

/*
 * Forgetting
 */

void
paysafe_audit_key_forget(const uint8 *stored, int len, uint64 xid, int32 seq)
{
	Way		   *way = palloc(sizeof(Way));
	uint8		digits[MAX_WAY];
	int			n = way_to(xid, seq, digits);
	Datum		values[KEY_NCOLUMNS];
	bool		nulls[KEY_NCOLUMNS] = {0};

	if (!is_derived(stored, len, &way->id) || !find_stored(way, digits, n, NULL, values))
		return;
	values[KEY_ID] = Int32GetDatum((int32) way->id);
	values[KEY_PATH] = paysafe_argument_bytea(digits, way->stored);
	paysafe_store_forget(PAYSAFE_AUDIT_KEY, "audit_key_pkey", 2, &values[KEY_ID]);
	for (int i = way->stored; i < n; i++)
		for (uint8 digit = 0; digit < 4; digit++)
		{
			uint8		key[KEY_LEN];
			uint8		beside = digits[i];

			child_key(way->keys[i], digit, key);
			if (digit == beside)
			{
				memcpy(way->keys[i + 1], key, KEY_LEN);
				continue;
			}
			digits[i] = digit;
			values[KEY_PATH] = paysafe_argument_bytea(digits, i + 1);
			values[KEY_KEY] = paysafe_argument_bytea(key, KEY_LEN);
			paysafe_store_append(PAYSAFE_AUDIT_KEY, values, nulls);
			digits[i] = beside;
		}
	paysafe_crypto_cleanse(way, sizeof(Way));
	pfree(way);
	CommandCounterIncrement();
}

void
paysafe_audit_key_forget_month(TimestampTz month)
{
	Datum		key = TimestampTzGetDatum(month);

	paysafe_store_forget(PAYSAFE_AUDIT_KEY, "audit_key_month", 1, &key);
}
