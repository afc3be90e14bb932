/*-------------------------------------------------------------------------
 *
 * places.c
 *	  The places in which outcomes are counted (src/abuse/outcome.c): whose they are, and who waits.
 *
 * What PostgreSQL does for them is here in a few lines, so that locks and the clock can be looked at.
 * Prints the number of checks; ends with 1 if one fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "abuse/outcome.h"
#include "redact/redact.h"
#include "is.h"

/* One that none of the files beside it has. */
#define OTHER	"other"

Oid			MyDatabaseId = 1;

static TimestampTz now = 1000;
static bool in_recovery = false;
static int	exclusive = 0;		/* how often the lock was taken for writing */
static int	held = 0;
static const char *race = NULL; /* what another session counts before the lock is had for writing */
long		checks = 0;
long		failures = 0;

/* PostgreSQL's part */

TimestampTz
GetCurrentTimestamp(void)
{
	return now;
}

bool
RecoveryInProgress(void)
{
	return in_recovery;
}

bool
LWLockAcquire(LWLock *lock, LWLockMode mode)
{
	const char *other = race;

	exclusive += mode == LW_EXCLUSIVE;
	if (other != NULL && mode == LW_EXCLUSIVE)
	{
		race = NULL;
		paysafe_outcome_count("a", other, 1, 0);
	}
	held++;
	return true;
}

void
LWLockRelease(LWLock *lock)
{
	held--;
}

LWLockPadded *
GetNamedLWLockTranche(const char *name)
{
	static LWLockPadded lock;

	return &lock;
}

void
RequestNamedLWLockTranche(const char *name, int n)
{
}

void
RequestAddinShmemSpace(Size size)
{
}

/* Each time as after the start of a server: nothing is there. */
void *
ShmemInitStruct(const char *name, Size size, bool *found)
{
	*found = false;
	return malloc(size);
}

/* So that many share a bucket. */
uint32
hash_bytes(const unsigned char *data, int len)
{
	return len > 0 ? data[len - 1] : 0;
}

int
pg_mbcliplen(const char *text, int len, int limit)
{
	return Min(len, limit);
}

void *
palloc0(Size size)
{
	return calloc(1, size);
}

char *
paysafe_redact_string(const char *text)
{
	return strcmp(text, "4111111111111111") == 0 ? (char *) "(card)" : (char *) text;
}

#if !HAVE_DECL_STRLCPY
size_t
strlcpy(char *to, const char *from, size_t size)
{
	return snprintf(to, size, "%s", from);
}
#endif

/* Checks */

/* What has come for a series of this database; -1: it has no place. */
static int64
seen(const char *segment)
{
	OutcomeTaken *taken;
	int64		result = -1;
	int			n = paysafe_outcome_look(&taken);

	for (int i = 0; i < n; i++)
		if (strcmp(taken[i].segment, segment) == 0)
			result = taken[i].good + taken[i].bad;
	free(taken);
	return result;
}

static OutcomeTaken
take(const char *segment)
{
	OutcomeTaken *taken;
	OutcomeTaken result = {0};
	int			n = paysafe_outcome_look(&taken);

	for (int i = 0; i < n; i++)
		if (strcmp(taken[i].segment, segment) == 0)
			result = taken[i];
	free(taken);
	return result;
}

static const char *
segment_name(int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "s%d", i);
	return name;
}

static void
check_own(void)
{
	int			own = 0;

	for (int i = 0; i < OUTCOME_NSERIES; i++)
		own += paysafe_outcome_is_own(paysafe_outcome_name(i));
	is("each of paysafe's series is its own", own, OUTCOME_NSERIES);
	is("and no other one", paysafe_outcome_is_own("a"), false);
}

static void
check_standby(void)
{
	OutcomePlace place;
	int64		lost;

	in_recovery = true;
	paysafe_outcome_count("a", "x", 1, 0);
	place = paysafe_outcome_place("a", "x");
	is("a standby has no places", place.slot + place.generation, 0);
	is("and nothing to look for", paysafe_outcome_count_at(&place, 1, 0), true);
	is("it counts nothing", paysafe_outcome_series(&lost), 0);
	in_recovery = false;
	paysafe_outcome_count("a", "x", 1, 0);
	place = paysafe_outcome_place("a", "x");
	in_recovery = true;
	is("at a place that is known", paysafe_outcome_count_at(&place, 1, 0), true);
	is("neither", seen("x"), 1);
	in_recovery = false;
}

static void
check_databases(void)
{
	int64		lost;
	bool		sent;

	is("nobody has looked since the start", paysafe_outcome_looked(&sent), 1000);
	is("nobody is to be judged", paysafe_outcome_next(1), InvalidOid);
	now = 5000;
	paysafe_outcome_suspect(1);
	now = 9000;
	is("it is counted since it was heard of", paysafe_outcome_since(), 5000);
	paysafe_outcome_suspect(1);
	is("and not since it was heard of again", paysafe_outcome_since(), 5000);
	is("it is judged", paysafe_outcome_next(7), 1);
	is("somebody has looked", paysafe_outcome_looked(&sent), 9000);
	is("and sent", sent, true);
	paysafe_outcome_sent(1, false);
	is("or could not", (paysafe_outcome_looked(&sent), sent), false);
	paysafe_outcome_sent(1, true);
	is("until he could", (paysafe_outcome_looked(&sent), sent), true);
	is("once a minute", paysafe_outcome_next(7), InvalidOid);
	is("and when the clock was set back", paysafe_outcome_next(3), 1);
	paysafe_outcome_set_judged_to(6);
	is("so far", paysafe_outcome_judged_to(), 6);
	paysafe_outcome_settle();
	is("without series it is forgotten", paysafe_outcome_next(8), InvalidOid);
	is("with all that was known", paysafe_outcome_judged_to(), 0);
	now = 11000;
	paysafe_outcome_count("a", "x", 1, 0);
	paysafe_outcome_settle();
	is("with one it stays", paysafe_outcome_next(9), 1);
	is("counted anew", paysafe_outcome_since(), 11000);
	is("and judged anew", paysafe_outcome_judged_to(), 0);
	/* one that shares its bucket */
	MyDatabaseId = 1025;
	is("another one knows nothing of it", seen("x"), -1);
	paysafe_outcome_count("a", "x", 2, 3);
	is("and counts for itself", seen("x"), 5);
	is("its series", paysafe_outcome_series(&lost), 1);
	is("one after the other", paysafe_outcome_next(9), 1025);
	is("where there is room for one", paysafe_outcome_next(10), 1);
	is("the other is next", paysafe_outcome_next(11), 1025);
	is("when the clock was set back", paysafe_outcome_next(5), 1);
	is("they still take turns", paysafe_outcome_next(6), 1025);
	paysafe_outcome_forget(1025);
	is("it is gone", paysafe_outcome_series(&lost), 0);
	is("and not judged", paysafe_outcome_next(12), 1);
	is("nobody else is", paysafe_outcome_next(12), InvalidOid);
	MyDatabaseId = 1;
	is("the other one's is there", seen("x"), 1);
}

static void
check_judged(void)
{
	OutcomeTaken taken;
	OutcomePlace place;
	Shape		shape = {.now = 77};

	paysafe_outcome_count("a", "4111111111111111", 1, 0);
	is("names are redacted", seen("(card)"), 1);
	paysafe_outcome_count("a", "123456789012345678901234567890123456789012345678901234567890123456789", 1, 0);
	is("and cut", seen("123456789012345678901234567890123456789012345678901234567890123"), 1);
	paysafe_outcome_count("a", "x", 5, 3);
	place = paysafe_outcome_place("a", "x");
	taken = take("x");
	is("nothing is known", taken.known, false);
	is("what comes meanwhile", paysafe_outcome_count_at(&place, 4, 2), true);
	paysafe_outcome_judged(&taken);
	is("comes in the next turn", take("x").good * 10 + take("x").bad, 42);
	is("it is known", take("x").known, true);
	paysafe_outcome_restore("a", "x", &shape);
	is("what is known is not overwritten", paysafe_outcome_shape(&taken)->now, 0);
	paysafe_outcome_restore("a", "y", &shape);
	taken = take("y");
	is("what was known before", taken.known ? paysafe_outcome_shape(&taken)->now : 0, 77);
	taken = take("x");
	paysafe_outcome_drop(&taken);
	is("one that is over has no place", seen("x"), -1);
	is("nobody counts there any more", paysafe_outcome_count_at(&place, 1, 0), false);
	paysafe_outcome_count("b", OTHER, 1, 0);
	is("who comes next has it, and nothing in it", seen(OTHER), 1);
	is("and nothing is known of it", take(OTHER).known, false);
}

static void
check_full(void)
{
	OutcomeTaken taken;
	OutcomePlace nowhere;
	int64		lost;
	int			before;

	for (int i = 0; i < PAYSAFE_OUTCOME_SERIES_MAX; i++)
		paysafe_outcome_count("a", segment_name(i), i + 1, 0);
	is("all places", paysafe_outcome_series(&lost), PAYSAFE_OUTCOME_SERIES_MAX);
	is("each for itself", seen("s300") + seen("s511"), 301 + 512);
	is("none found none", lost, 0);
	before = exclusive;
	nowhere = paysafe_outcome_place("a", OTHER);
	is("there is no place", nowhere.slot, 0);
	is("who finds none keeps nobody waiting", exclusive, before);
	is("and does not look again", paysafe_outcome_count_at(&nowhere, 1, 0), true);
	paysafe_outcome_count("a", "s5", 1, 0);
	is("nor does who has one", exclusive, before);
	is("it is told", (paysafe_outcome_series(&lost), lost), 1);
	taken = take("s77");
	paysafe_outcome_drop(&taken);
	is("one is free", paysafe_outcome_series(&lost), PAYSAFE_OUTCOME_SERIES_MAX - 1);
	is("who has found none looks again", paysafe_outcome_count_at(&nowhere, 1, 0), false);
	race = OTHER;
	paysafe_outcome_count("a", "late", 1, 0);
	is("one of two finds the last", seen(OTHER), 1);
	is("the other one none", seen("late"), -1);
	taken = take(OTHER);
	paysafe_outcome_drop(&taken);
	race = OTHER;
	paysafe_outcome_count("a", OTHER, 1, 0);
	is("two of one series share it", seen(OTHER), 2);
	for (int i = 0; i < PAYSAFE_OUTCOME_SERIES_MAX; i++)
		if (i != 77)
			paysafe_outcome_count("a", segment_name(i), 1, 0);
	is("of those that share a bucket the others are found", seen("s7") + seen("s507"), 9 + 509);
	MyDatabaseId = 2;
	paysafe_outcome_count("a", "x", 1, 0);
	is("for all databases", paysafe_outcome_next(1) == 1 ? (int64) paysafe_outcome_next(1) : -1, InvalidOid);
	MyDatabaseId = 1;
	paysafe_outcome_forget(1);
	is("all are free", paysafe_outcome_series(&lost), 0);
	for (int i = 0; i < PAYSAFE_OUTCOME_SERIES_MAX; i++)
		paysafe_outcome_count("b", segment_name(i), 1, 0);
	is("and taken again", paysafe_outcome_series(&lost), PAYSAFE_OUTCOME_SERIES_MAX);
}

int
main(void)
{
	void		(*const parts[]) (void) = {check_own, check_standby, check_databases, check_judged, check_full};
	OutcomePlace place = {0};
	int64		lost;
	bool		sent;

	is("without the library preloaded nothing is counted", paysafe_outcome_count_at(&place, 1, 0), true);
	is("nor judged", paysafe_outcome_series(&lost) + paysafe_outcome_judged_to(), 0);
	is("nor is it late", paysafe_outcome_since() + paysafe_outcome_looked(&sent), 2 * now);
	for (int i = 0; i < (int) lengthof(parts); i++)
	{
		paysafe_outcome_startup();
		parts[i] ();
		is("the lock is free", held, 0);
	}
	printf("%ld\n", checks);
	return failures > 0;
}
