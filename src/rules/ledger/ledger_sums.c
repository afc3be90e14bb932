/*-------------------------------------------------------------------------
 *
 * ledger_sums.c
 *	  What a database transaction has posted, until it balances.
 *
 * A sum is kept per ledger, transaction id and currency, and dropped as soon as
 * the id balances, so that a bulk load whose entries of one id stand together
 * needs no more memory than a single transfer.  Each subtransaction has sums of
 * its own, added to its parent's when it commits and dropped when it aborts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger_rows.h"
#include "rules/ledger/ledger_sums.h"

#define FEW_POSTINGS	8		/* open at a time, for a start; a power of two */

typedef struct CurrencySum
{
	char	   *currency;
	Numeric		sum;
	struct CurrencySum *next;
} CurrencySum;

typedef struct OpenPosting
{
	const Rule *rule;			/* lives until the transaction ends */
	Oid			root;
	char	   *transaction;
	CurrencySum *sums;
	uint64		hash;
	struct OpenPosting *next;	/* in the same bucket */
} OpenPosting;

/* What one subtransaction has posted. */
typedef struct Level
{
	int			level;
	MemoryContext context;		/* of all below */
	OpenPosting **buckets;		/* by hash; as many as a power of two */
	uint32		nbuckets;
	uint32		npostings;
	struct Level *outer;
} Level;

static Level *levels = NULL;	/* innermost first; TopTransactionContext */

static uint64
hash_posting(Oid root, const char *transaction)
{
	return hash_bytes_extended((const unsigned char *) transaction, strlen(transaction), root);
}

static Level *
current_level(void)
{
	int			level = GetCurrentTransactionNestLevel();

	if (levels == NULL || levels->level < level)
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "paysafe ledger",
													  ALLOCSET_SMALL_SIZES);
		Level	   *new = MemoryContextAllocZero(context, sizeof(Level));

		new->level = level;
		new->context = context;
		new->nbuckets = FEW_POSTINGS;
		new->buckets = MemoryContextAllocZero(context, FEW_POSTINGS * sizeof(OpenPosting *));
		new->outer = levels;
		levels = new;
	}
	return levels;
}

static OpenPosting **
bucket_of(Level *level, uint64 hash)
{
	return &level->buckets[hash & (level->nbuckets - 1)];
}

static OpenPosting *
find_posting(Level *level, uint64 hash, Oid root, const char *transaction)
{
	for (OpenPosting *p = *bucket_of(level, hash); p != NULL; p = p->next)
		if (p->hash == hash && p->root == root && strcmp(p->transaction, transaction) == 0)
			return p;
	return NULL;
}

static void
enter_posting(Level *level, OpenPosting *posting)
{
	OpenPosting **bucket = bucket_of(level, posting->hash);

	posting->next = *bucket;
	*bucket = posting;
}

/* Make room where there are as many postings as buckets. */
static void
grow(Level *level)
{
	OpenPosting **old = level->buckets;
	uint32		n = level->nbuckets;

	level->buckets = MemoryContextAllocExtended(level->context, (Size) n * 2 * sizeof(OpenPosting *),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	level->nbuckets = n * 2;
	for (uint32 i = 0; i < n; i++)
		while (old[i] != NULL)
		{
			OpenPosting *posting = old[i];

			old[i] = posting->next;
			enter_posting(level, posting);
		}
	pfree(old);
}

bool
paysafe_ledger_sums_is_open(Oid root, const char *transaction)
{
	uint64		hash = hash_posting(root, transaction);

	for (Level *level = levels; level != NULL; level = level->outer)
		if (find_posting(level, hash, root, transaction) != NULL)
			return true;
	return false;
}

/* Forget the posting if it balances. */
static void
drop_balanced(Level *level, OpenPosting *posting)
{
	OpenPosting **link;

	for (CurrencySum *s = posting->sums; s != NULL; s = s->next)
		if (paysafe_money_sign(s->sum) != 0)
			return;
	for (link = bucket_of(level, posting->hash); *link != posting; link = &(*link)->next)
		;
	*link = posting->next;
	level->npostings--;
	while (posting->sums != NULL)
	{
		CurrencySum *s = posting->sums;

		posting->sums = s->next;
		pfree(s->currency);
		pfree(s->sum);
		pfree(s);
	}
	pfree(posting->transaction);
	pfree(posting);
}

static void
add_to_level(Level *level, const Rule *rule, Oid root, const char *transaction,
			 const char *currency, Numeric amount)
{
	MemoryContext old = MemoryContextSwitchTo(level->context);
	uint64		hash = hash_posting(root, transaction);
	OpenPosting *posting = find_posting(level, hash, root, transaction);
	CurrencySum *sum;
	Numeric		total;

	if (posting == NULL)
	{
		if (level->npostings == level->nbuckets)
			grow(level);
		posting = palloc0(sizeof(OpenPosting));
		posting->rule = rule;
		posting->root = root;
		posting->transaction = pstrdup(transaction);
		posting->hash = hash;
		enter_posting(level, posting);
		level->npostings++;
	}
	for (sum = posting->sums; sum != NULL; sum = sum->next)
		if (strcmp(sum->currency, currency) == 0)
			break;
	if (sum == NULL)
	{
		sum = palloc0(sizeof(CurrencySum));
		sum->currency = pstrdup(currency);
		sum->sum = paysafe_money_zero();
		sum->next = posting->sums;
		posting->sums = sum;
	}
	total = paysafe_money_add(sum->sum, amount);
	pfree(sum->sum);
	sum->sum = total;
	drop_balanced(level, posting);
	MemoryContextSwitchTo(old);
}

void
paysafe_ledger_sums_add(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;

	add_to_level(current_level(), rule, state->root, entry->transaction_text,
				 entry->currency, entry->amount);
}

/*
 * The end of transactions
 */

/* A sum that is not zero. */
typedef struct Unbalanced
{
	const OpenPosting *posting;
	const CurrencySum *sum;
} Unbalanced;

static void
refuse_unbalanced(const Rule *rule, const void *arg)
{
	const Unbalanced *unbalanced = arg;
	const LedgerState *state = rule->compiled;

	paysafe_rule_refuse(rule, ERRCODE_23L02_UNBALANCED, state->columns.amount.name,
					  psprintf("transaction \"%s\" in table \"%s\" does not balance",
							   unbalanced->posting->transaction, rule->table_name),
					  psprintf("Its entries in %s sum to %s instead of zero.",
							   unbalanced->sum->currency,
							   paysafe_money_spoken(&state->columns.amount, unbalanced->sum->sum, unbalanced->sum->currency)),
					  "Add the missing entries before COMMIT, in the same database transaction.");
}

static void
judge_posting(const OpenPosting *posting)
{
	for (CurrencySum *s = posting->sums; s != NULL; s = s->next)
	{
		Unbalanced	unbalanced = {.posting = posting, .sum = s};

		if (paysafe_money_sign(s->sum) != 0)
			paysafe_rule_judge(posting->rule, refuse_unbalanced, &unbalanced);
	}
}

void
paysafe_ledger_sums_pre_commit(void)
{
	OpenPosting *worst = NULL;
	MemoryContext context;
	MemoryContext old;

	if (levels == NULL || levels->npostings == 0)
		return;
	Assert(levels->outer == NULL);
	for (uint32 i = 0; i < levels->nbuckets; i++)
		for (OpenPosting *p = levels->buckets[i]; p != NULL; p = p->next)
			if (!p->rule->observed &&
				(worst == NULL || strcmp(p->transaction, worst->transaction) < 0))
				worst = p;		/* the same one every time */
	if (worst != NULL)
		judge_posting(worst);
	context = AllocSetContextCreate(levels->context, "paysafe observed", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	for (uint32 i = 0; i < levels->nbuckets; i++)
		for (OpenPosting *p = levels->buckets[i]; p != NULL; p = p->next)
		{
			judge_posting(p);
			MemoryContextReset(context);
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
paysafe_ledger_sums_end_transaction(void)
{
	levels = NULL;				/* memory goes with TopTransactionContext */
}

void
paysafe_ledger_sums_end_subtransaction(bool committed, int level)
{
	while (levels != NULL && levels->level >= level)
	{
		Level	   *inner = levels;

		if (!committed)
		{
			levels = inner->outer;
			MemoryContextDelete(inner->context);
			continue;
		}
		if (inner->outer == NULL || inner->outer->level < level - 1)
		{
			inner->level = level - 1;
			return;
		}
		levels = inner->outer;
		for (uint32 i = 0; i < inner->nbuckets; i++)
			for (OpenPosting *p = inner->buckets[i]; p != NULL; p = p->next)
				for (CurrencySum *s = p->sums; s != NULL; s = s->next)
					add_to_level(levels, p->rule, p->root, p->transaction, s->currency, s->sum);
		MemoryContextDelete(inner->context);
	}
}
