/*-------------------------------------------------------------------------
 *
 * balance_pending.c
 *	  What the entries of a statement move, until it ends.
 *
 * Movements of one account and currency add up.  Each subtransaction has its
 * own: a statement's rows all belong to the one it runs in, and what a trigger
 * of its rows rolls back takes its own movements along.
 *
 * A statement that moves more than MAX_MOVEMENTS accounts has them moved in
 * portions, so that memory stays flat; key order then holds within a portion.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "rules/balance/balance.h"

#define MAX_MOVEMENTS	16384
#define LINEAR_SEARCH	16		/* movements that are compared one by one */

typedef struct HashEntry
{
	uint64		hash;			/* key */
	int			newest;			/* movement of this hash */
} HashEntry;

/* The movements of one subtransaction. */
typedef struct Pending
{
	int			level;
	MemoryContext context;		/* of all below */
	Movement   *movements;
	int		   *older;			/* of the same hash, or -1 */
	int			n;
	int			size;
	HTAB	   *index;			/* NULL as long as there are few */
	struct Pending *outer;
} Pending;

static Pending *pending = NULL; /* innermost first; TopTransactionContext */

static Pending *
current_pending(void)
{
	int			level = GetCurrentTransactionNestLevel();

	if (pending == NULL || pending->level < level)
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "paysafe movements",
													  ALLOCSET_DEFAULT_SIZES);
		Pending    *new = MemoryContextAllocZero(context, sizeof(Pending));

		new->level = level;
		new->context = context;
		new->outer = pending;
		pending = new;
	}
	return pending;
}

static uint64
hash_movement(const char *account, const char *currency)
{
	return hash_bytes_extended((const unsigned char *) account, strlen(account),
							   hash_bytes((const unsigned char *) currency, strlen(currency)));
}

static bool
is_for(const Movement *m, const Rule *rule, const Entry *entry)
{
	return ((const BalanceState *) m->rule->compiled)->accounts ==
		((const BalanceState *) rule->compiled)->accounts &&
		strcmp(m->account_text, entry->account_text) == 0 &&
		strcmp(m->currency, entry->currency) == 0;
}

static void
enter(Pending *p, int i)
{
	bool		found;
	uint64		hash = hash_movement(p->movements[i].account_text, p->movements[i].currency);
	HashEntry  *entry = hash_search(p->index, &hash, HASH_ENTER, &found);

	p->older[i] = found ? entry->newest : -1;
	entry->newest = i;
}

static Movement *
find_movement(Pending *p, const Rule *rule, const Entry *entry)
{
	if (p->index == NULL)
	{
		for (int i = 0; i < p->n; i++)
			if (is_for(&p->movements[i], rule, entry))
				return &p->movements[i];
	}
	else
	{
		uint64		hash = hash_movement(entry->account_text, entry->currency);
		HashEntry  *found = hash_search(p->index, &hash, HASH_FIND, NULL);

		for (int i = found ? found->newest : -1; i >= 0; i = p->older[i])
			if (is_for(&p->movements[i], rule, entry))
				return &p->movements[i];
	}
	return NULL;
}

static Movement *
add_movement(Pending *p, const Rule *rule, const Entry *entry)
{
	Movement   *m;
	int16		typlen;
	bool		typbyval;

	if (p->n == p->size)
	{
		p->size = p->size == 0 ? LINEAR_SEARCH : p->size * 2;
		if (p->movements == NULL)
		{
			p->movements = palloc(p->size * sizeof(Movement));
			p->older = palloc(p->size * sizeof(int));
		}
		else
		{
			p->movements = repalloc(p->movements, p->size * sizeof(Movement));
			p->older = repalloc(p->older, p->size * sizeof(int));
		}
	}
	if (p->n == LINEAR_SEARCH)
	{
		HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(HashEntry), .hcxt = p->context};

		p->index = hash_create("paysafe movements", 1024, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		for (int i = 0; i < p->n; i++)
			enter(p, i);
	}
	get_typlenbyval(((const BalanceState *) rule->compiled)->entry.account_type, &typlen, &typbyval);
	m = &p->movements[p->n];
	m->rule = rule;
	m->account = datumCopy(entry->account, typbyval, typlen);
	m->account_text = pstrdup(entry->account_text);
	m->currency = pstrdup(entry->currency);
	m->amount = paysafe_money_zero();
	if (p->index != NULL)
		enter(p, p->n);
	p->n++;
	return m;
}

void
paysafe_balance_add(const Rule *rule, const Entry *entry)
{
	Pending    *p = current_pending();
	MemoryContext old = MemoryContextSwitchTo(p->context);
	Movement   *m = find_movement(p, rule, entry);
	Numeric		sum;

	if (m == NULL)
		m = add_movement(p, rule, entry);
	sum = paysafe_money_add(m->amount, entry->amount);
	pfree(m->amount);
	m->amount = sum;
	MemoryContextSwitchTo(old);
	if (p->n >= MAX_MOVEMENTS)
		paysafe_balance_apply();
}

void
paysafe_balance_apply(void)
{
	Pending    *p = pending;

	if (p == NULL || p->level < GetCurrentTransactionNestLevel())
		return;
	/* triggers of the accounts may add more, which is theirs to apply */
	pending = p->outer;
	paysafe_account_move(p->movements, p->n);
	MemoryContextDelete(p->context);
}

void
paysafe_balance_forget(bool all, int level)
{
	while (pending != NULL && (all || pending->level >= level))
	{
		Pending    *p = pending;

		pending = p->outer;
		if (!all)
			MemoryContextDelete(p->context);
	}
}
