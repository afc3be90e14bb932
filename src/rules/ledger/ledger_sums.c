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
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/refusal.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/kinds.h"
#include "rules/ledger/ledger.h"

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

typedef struct Reversal
{
	const Rule *rule;
	Oid			root;
	char	   *transaction;	/* the reversing one */
	Datum		transaction_value;
	char	   *reverses;
	Datum		reverses_value;
} Reversal;

/* What one subtransaction has posted. */
typedef struct Level
{
	int			level;
	MemoryContext context;		/* of all below */
	OpenPosting **buckets;		/* by hash; as many as a power of two */
	uint32		nbuckets;
	uint32		npostings;
	List	   *reversals;
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
paysafe_ledger_is_open(Oid root, const char *transaction)
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
paysafe_ledger_add(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;

	add_to_level(current_level(), rule, state->root, entry->transaction_text,
				 entry->currency, entry->amount);
}

bool
paysafe_ledger_note_reversal(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	Level	   *current;
	MemoryContext old;
	Reversal   *reversal;
	int16		typlen;
	bool		typbyval;

	for (Level *level = levels; level != NULL; level = level->outer)
	{
		ListCell   *lc;

		foreach(lc, level->reversals)
		{
			Reversal   *r = lfirst(lc);

			if (r->root == state->root && strcmp(r->transaction, entry->transaction_text) == 0 &&
				strcmp(r->reverses, entry->reverses_text) == 0)
				return true;
		}
	}
	current = current_level();
	get_typlenbyval(state->columns.transaction_type, &typlen, &typbyval);
	old = MemoryContextSwitchTo(current->context);
	reversal = palloc(sizeof(Reversal));
	reversal->rule = rule;
	reversal->root = state->root;
	reversal->transaction = pstrdup(entry->transaction_text);
	reversal->transaction_value = datumCopy(entry->transaction, typbyval, typlen);
	reversal->reverses = pstrdup(entry->reverses_text);
	reversal->reverses_value = datumCopy(entry->reverses, typbyval, typlen);
	current->reversals = lappend(current->reversals, reversal);
	MemoryContextSwitchTo(old);
	return false;
}

/*
 * The end of transactions
 */

static PAYSAFE_NORETURN void
refuse_unbalanced(const OpenPosting *posting, const CurrencySum *sum)
{
	const LedgerState *state = posting->rule->compiled;

	paysafe_rule_refuse(posting->rule, ERRCODE_23L02_UNBALANCED, state->columns.amount.name,
					  psprintf("transaction \"%s\" in table \"%s\" does not balance",
							   posting->transaction, posting->rule->table_name),
					  psprintf("Its entries in %s sum to %s instead of zero.",
							   sum->currency, paysafe_money_text(sum->sum)),
					  "Add the missing entries before COMMIT, in the same database transaction.");
}

static void
check_reversal(const Reversal *reversal)
{
	const LedgerState *state = reversal->rule->compiled;
	const char *fault = paysafe_ledger_reversal_fault(state, reversal->transaction_value,
													  reversal->reverses_value,
													  reversal->reverses);

	if (fault != NULL)
		paysafe_rule_refuse(reversal->rule, ERRCODE_23L05_REVERSAL, state->columns.reverses_name,
						  psprintf("transaction \"%s\" in table \"%s\" does not reverse \"%s\"",
								   reversal->transaction, reversal->rule->table_name, reversal->reverses),
						  fault,
						  "A reversal has the same accounts, currencies and amounts, debits as credits.");
}

void
paysafe_ledger_pre_commit(bool prepare)
{
	OpenPosting *worst = NULL;
	ListCell   *lc;

	if (levels == NULL)
		return;
	Assert(levels->outer == NULL);
	for (uint32 i = 0; i < levels->nbuckets; i++)
		for (OpenPosting *p = levels->buckets[i]; p != NULL; p = p->next)
			if (worst == NULL || strcmp(p->transaction, worst->transaction) < 0)
				worst = p;		/* the same one every time */
	if (worst != NULL)
		for (CurrencySum *s = worst->sums; s != NULL; s = s->next)
			if (paysafe_money_sign(s->sum) != 0)
				refuse_unbalanced(worst, s);
	foreach(lc, levels->reversals)
		check_reversal(lfirst(lc));
}

void
paysafe_ledger_end_transaction(bool aborted)
{
	levels = NULL;				/* memory goes with TopTransactionContext */
	paysafe_ledger_forget_ids(true);
}

void
paysafe_ledger_end_subtransaction(bool committed, int level)
{
	if (!committed)
		paysafe_ledger_forget_ids(false);
	while (levels != NULL && levels->level >= level)
	{
		Level	   *inner = levels;
		MemoryContext old;

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
		/* the reversals themselves stay where they are */
		MemoryContextSetParent(inner->context, levels->context);
		old = MemoryContextSwitchTo(levels->context);
		levels->reversals = list_concat(levels->reversals, inner->reversals);
		MemoryContextSwitchTo(old);
		if (inner->reversals == NIL)
			MemoryContextDelete(inner->context);
	}
}
