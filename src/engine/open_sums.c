/*-------------------------------------------------------------------------
 *
 * open_sums.c
 *	  Sums that must be zero when the database transaction commits.
 *
 * A sum is kept per table, name and currency, and dropped as soon as all of the name's
 * are zero, so that a bulk load whose entries of one transaction id stand together
 * needs no more memory than a single transfer.  Each subtransaction has sums of
 * its own, added to its parent's when it commits and dropped when it aborts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "engine/open_sums.h"
#include "values/money.h"

#define FEW_NAMES	8			/* open at a time, for a start; a power of two */

typedef struct CurrencySum
{
	char	   *currency;
	Numeric		sum;
	struct CurrencySum *next;
} CurrencySum;

typedef struct OpenName
{
	const Rule *rule;			/* lives until the transaction ends */
	Oid			root;
	char	   *name;
	CurrencySum *sums;
	uint64		hash;
	struct OpenName *next;		/* in the same bucket */
} OpenName;

/* What one subtransaction has added. */
struct OpenSumsLevel
{
	int			level;
	MemoryContext context;		/* of all below */
	OpenName  **buckets;		/* by hash; as many as a power of two */
	uint32		nbuckets;
	uint32		nnames;
	struct OpenSumsLevel *outer;
};

typedef struct OpenSumsLevel Level;

static uint64
hash_name(Oid root, const char *name)
{
	return hash_bytes_extended((const unsigned char *) name, strlen(name), root);
}

static Level *
current_level(OpenSums *sums)
{
	int			level = GetCurrentTransactionNestLevel();

	if (sums->levels == NULL || sums->levels->level < level)
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "paysafe sums",
													  ALLOCSET_SMALL_SIZES);
		Level	   *new = MemoryContextAllocZero(context, sizeof(Level));

		new->level = level;
		new->context = context;
		new->nbuckets = FEW_NAMES;
		new->buckets = MemoryContextAllocZero(context, FEW_NAMES * sizeof(OpenName *));
		new->outer = sums->levels;
		sums->levels = new;
	}
	return sums->levels;
}

static OpenName **
bucket_of(Level *level, uint64 hash)
{
	return &level->buckets[hash & (level->nbuckets - 1)];
}

static OpenName *
find_name(Level *level, uint64 hash, Oid root, const char *name)
{
	for (OpenName *p = *bucket_of(level, hash); p != NULL; p = p->next)
		if (p->hash == hash && p->root == root && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static void
enter_name(Level *level, OpenName *open)
{
	OpenName  **bucket = bucket_of(level, open->hash);

	open->next = *bucket;
	*bucket = open;
}

/* Make room where there are as many names as buckets. */
static void
grow(Level *level)
{
	OpenName  **old = level->buckets;
	uint32		n = level->nbuckets;

	level->buckets = MemoryContextAllocExtended(level->context, (Size) n * 2 * sizeof(OpenName *),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	level->nbuckets = n * 2;
	for (uint32 i = 0; i < n; i++)
		while (old[i] != NULL)
		{
			OpenName   *open = old[i];

			old[i] = open->next;
			enter_name(level, open);
		}
	pfree(old);
}

bool
paysafe_open_sums_has(const OpenSums *sums, Oid root, const char *name)
{
	uint64		hash = hash_name(root, name);

	for (Level *level = sums->levels; level != NULL; level = level->outer)
		if (find_name(level, hash, root, name) != NULL)
			return true;
	return false;
}

Numeric
paysafe_open_sums_of(const OpenSums *sums, Oid root, const char *name, const char *currency)
{
	uint64		hash = hash_name(root, name);
	Numeric		total = paysafe_money_zero();

	for (Level *level = sums->levels; level != NULL; level = level->outer)
	{
		OpenName   *open = find_name(level, hash, root, name);

		for (CurrencySum *s = open ? open->sums : NULL; s != NULL; s = s->next)
			if (strcmp(s->currency, currency) == 0)
				total = paysafe_money_add(total, s->sum);
	}
	return total;
}

static void
drop_name(Level *level, OpenName *open)
{
	OpenName  **link;

	for (link = bucket_of(level, open->hash); *link != open; link = &(*link)->next)
		;
	*link = open->next;
	level->nnames--;
	while (open->sums != NULL)
	{
		CurrencySum *s = open->sums;

		open->sums = s->next;
		pfree(s->currency);
		pfree(s->sum);
		pfree(s);
	}
	pfree(open->name);
	pfree(open);
}

/* Forget the name if all of its sums are zero. */
static void
drop_settled(Level *level, OpenName *open)
{
	for (CurrencySum *s = open->sums; s != NULL; s = s->next)
		if (paysafe_money_sign(s->sum) != 0)
			return;
	drop_name(level, open);
}

static void
add_to_level(Level *level, const Rule *rule, Oid root, const char *name,
			 const char *currency, Numeric amount)
{
	MemoryContext old = MemoryContextSwitchTo(level->context);
	uint64		hash = hash_name(root, name);
	OpenName   *open = find_name(level, hash, root, name);
	CurrencySum *sum;
	Numeric		total;

	if (open == NULL)
	{
		if (level->nnames == level->nbuckets)
			grow(level);
		open = palloc0(sizeof(OpenName));
		open->rule = rule;
		open->root = root;
		open->name = pstrdup(name);
		open->hash = hash;
		enter_name(level, open);
		level->nnames++;
	}
	for (sum = open->sums; sum != NULL; sum = sum->next)
		if (strcmp(sum->currency, currency) == 0)
			break;
	if (sum == NULL)
	{
		sum = palloc0(sizeof(CurrencySum));
		sum->currency = pstrdup(currency);
		sum->sum = paysafe_money_zero();
		sum->next = open->sums;
		open->sums = sum;
	}
	total = paysafe_money_add(sum->sum, amount);
	pfree(sum->sum);
	sum->sum = total;
	drop_settled(level, open);
	MemoryContextSwitchTo(old);
}

void
paysafe_open_sums_add(OpenSums *sums, const Rule *rule, Oid root, const char *name,
					  const char *currency, Numeric amount)
{
	add_to_level(current_level(sums), rule, root, name, currency, amount);
}

/* What outer subtransactions have added stays theirs, for if this one aborts: it adds the opposite. */
void
paysafe_open_sums_forget(OpenSums *sums, Oid root)
{
	Level	   *current = sums->levels == NULL ? NULL : current_level(sums);

	for (Level *level = current; level != NULL; level = level->outer)
		for (uint32 i = 0; i < level->nbuckets; i++)
			for (OpenName *p = level->buckets[i], *next; p != NULL; p = next)
			{
				next = p->next;
				if (p->root != root)
					continue;
				if (level == current)
					drop_name(level, p);
				else
					for (CurrencySum *s = p->sums; s != NULL; s = s->next)
						add_to_level(current, p->rule, root, p->name, s->currency,
									 paysafe_money_negate(s->sum));
			}
}

/*
 * The end of transactions
 */

static void
judge_name(const OpenName *open, ObservedCheck refuse)
{
	for (CurrencySum *s = open->sums; s != NULL; s = s->next)
	{
		OpenSum		sum = {.name = open->name, .currency = s->currency, .sum = s->sum};

		if (paysafe_money_sign(s->sum) != 0)
			paysafe_rule_judge(open->rule, refuse, &sum);
	}
}

/* Of a table that the transaction has dropped, nothing is left to be right or wrong. */
static bool
is_due(const OpenName *open)
{
	return get_rel_relkind(open->root) != '\0';
}

void
paysafe_open_sums_judge(const OpenSums *sums, ObservedCheck refuse)
{
	Level	   *level = sums->levels;
	OpenName   *worst = NULL;
	MemoryContext context;
	MemoryContext old;

	if (level == NULL || level->nnames == 0)
		return;
	Assert(level->outer == NULL);
	for (uint32 i = 0; i < level->nbuckets; i++)
		for (OpenName *p = level->buckets[i]; p != NULL; p = p->next)
			if (!p->rule->observed &&
				(worst == NULL || strcmp(p->name, worst->name) < 0) && is_due(p))
				worst = p;		/* the same one every time */
	if (worst != NULL)
		judge_name(worst, refuse);
	context = AllocSetContextCreate(level->context, "paysafe observed", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	for (uint32 i = 0; i < level->nbuckets; i++)
		for (OpenName *p = level->buckets[i]; p != NULL; p = p->next)
		{
			if (is_due(p))
				judge_name(p, refuse);
			MemoryContextReset(context);
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
paysafe_open_sums_end_transaction(OpenSums *sums)
{
	sums->levels = NULL;		/* memory goes with TopTransactionContext */
}

void
paysafe_open_sums_end_subtransaction(OpenSums *sums, bool committed, int level)
{
	while (sums->levels != NULL && sums->levels->level >= level)
	{
		Level	   *inner = sums->levels;

		if (!committed)
		{
			sums->levels = inner->outer;
			MemoryContextDelete(inner->context);
			continue;
		}
		if (inner->outer == NULL || inner->outer->level < level - 1)
		{
			inner->level = level - 1;
			return;
		}
		sums->levels = inner->outer;
		for (uint32 i = 0; i < inner->nbuckets; i++)
			for (OpenName *p = inner->buckets[i]; p != NULL; p = p->next)
				for (CurrencySum *s = p->sums; s != NULL; s = s->next)
					add_to_level(sums->levels, p->rule, p->root, p->name, s->currency, s->sum);
		MemoryContextDelete(inner->context);
	}
}
