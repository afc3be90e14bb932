/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  What the entries of a statement move, until it ends.
 *
 * Movements of one account and currency add up, debits and credits apart.  A
 * statement has its own: those that its triggers run end before it does, and what
 * one of them rolls back takes its own movements along.  A statement is known by
 * how deep in triggers and subtransactions its rows are.
 *
 * All of a statement's accounts are in memory until it ends, since the minimum
 * holds for what it does as a whole: some 250 bytes for each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "engine/enforce.h"
#include "rules/balance/account_move.h"
#include "rules/balance/pending.h"
#include "rules/kinds.h"

#define LINEAR_SEARCH	16		/* movements that are compared one by one */

typedef struct HashEntry
{
	uint64		hash;			/* key */
	int			newest;			/* movement of this hash */
} HashEntry;

/* What one statement moves on the accounts of one table. */
typedef struct Pending
{
	int			level;			/* of subtransactions */
	int			depth;			/* of triggers */
	Oid			accounts;
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
current_pending(Oid accounts)
{
	int			level = GetCurrentTransactionNestLevel();
	int			depth = paysafe_enforce_depth();
	MemoryContext context;
	Pending    *new;

	for (Pending *p = pending; p != NULL && p->level == level; p = p->outer)
		if (p->depth == depth && p->accounts == accounts)
			return p;
	context = AllocSetContextCreate(TopTransactionContext, "paysafe movements",
									ALLOCSET_DEFAULT_SIZES);
	new = MemoryContextAllocZero(context, sizeof(Pending));
	new->level = level;
	new->depth = depth;
	new->accounts = accounts;
	new->context = context;
	new->outer = pending;
	pending = new;
	return new;
}

static uint64
hash_movement(const char *account, const char *currency)
{
	return hash_bytes_extended((const unsigned char *) account, strlen(account),
							   hash_bytes((const unsigned char *) currency, strlen(currency)));
}

static bool
is_for(const Movement *m, const Entry *entry)
{
	return strcmp(m->account_text, entry->account_text) == 0 &&
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
find_movement(Pending *p, const Entry *entry)
{
	if (p->index == NULL)
	{
		for (int i = 0; i < p->n; i++)
			if (is_for(&p->movements[i], entry))
				return &p->movements[i];
	}
	else
	{
		uint64		hash = hash_movement(entry->account_text, entry->currency);
		HashEntry  *found = hash_search(p->index, &hash, HASH_FIND, NULL);

		for (int i = found ? found->newest : -1; i >= 0; i = p->older[i])
			if (is_for(&p->movements[i], entry))
				return &p->movements[i];
	}
	return NULL;
}

static void
make_room(Pending *p)
{
	if (p->n < p->size)
		return;
	if (p->movements == NULL)
	{
		p->size = LINEAR_SEARCH;
		p->movements = palloc(p->size * sizeof(Movement));
		p->older = palloc(p->size * sizeof(int));
	}
	else
	{
		p->size *= 2;
		p->movements = repalloc_huge(p->movements, p->size * sizeof(Movement));
		p->older = repalloc_huge(p->older, p->size * sizeof(int));
	}
}

static Movement *
add_movement(Pending *p, const Rule *rule, const Entry *entry)
{
	Movement   *m;
	KeyValues	account;

	make_room(p);
	if (p->n == LINEAR_SEARCH)
	{
		HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(HashEntry), .hcxt = p->context};

		p->index = hash_create("paysafe movements", 1024, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		for (int i = 0; i < p->n; i++)
			enter(p, i);
	}
	m = &p->movements[p->n];
	m->rule = rule;
	(void) paysafe_key_columns_read(entry->account, entry->row, &account, NULL);
	paysafe_key_columns_copy(&account, &m->account);
	pfree(account.values);
	m->account_text = pstrdup(entry->account_text);
	m->currency = pstrdup(entry->currency);
	m->debits = paysafe_money_zero();
	m->credits = paysafe_money_zero();
	if (p->index != NULL)
		enter(p, p->n);
	p->n++;
	return m;
}

void
paysafe_pending_add(const Rule *rule, const Entry *entry)
{
	Pending    *p = current_pending(((const BalanceState *) rule->compiled)->accounts);
	MemoryContext old = MemoryContextSwitchTo(p->context);
	Movement   *m = find_movement(p, entry);
	Numeric    *side;
	Numeric		sum;

	if (m == NULL)
		m = add_movement(p, rule, entry);
	side = paysafe_money_sign(entry->amount) < 0 ? &m->credits : &m->debits;
	sum = paysafe_money_add(*side, entry->amount);
	pfree(*side);
	*side = sum;
	MemoryContextSwitchTo(old);
}

/* The table whose accounts the entries of this one move, or InvalidOid. */
static Oid
accounts_of(Relation rel)
{
	const RelationRules *rules = paysafe_rules_of(rel);

	for (int i = 0; rules != NULL && i < rules->nrules; i++)
		if (rules->rules[i].kind == &paysafe_balance_kind &&
			((const BalanceState *) rules->rules[i].compiled)->is_ledger)
			return ((const BalanceState *) rules->rules[i].compiled)->accounts;
	return InvalidOid;
}

/* Take what is complete out of the list; the triggers of accounts may add to it. */
static Pending *
take_complete(Relation rel)
{
	int			level = GetCurrentTransactionNestLevel();
	int			depth = paysafe_enforce_depth();
	Oid			accounts = rel != NULL ? accounts_of(rel) : InvalidOid;

	for (Pending **link = &pending; *link != NULL && (*link)->level >= level; link = &(*link)->outer)
	{
		Pending    *p = *link;

		/* a statement's triggers are one deeper than whoever runs it */
		if (rel != NULL ? p->depth >= depth && p->accounts == accounts : p->depth > depth)
		{
			*link = p->outer;
			return p;
		}
	}
	return NULL;
}

void
paysafe_pending_apply(Relation rel)
{
	Pending    *p;

	while (pending != NULL && (p = take_complete(rel)) != NULL)
	{
		paysafe_account_move_all(p->movements, p->n);
		MemoryContextDelete(p->context);
	}
}

void
paysafe_pending_forget(bool all, int level)
{
	while (pending != NULL && (all || pending->level >= level))
	{
		Pending    *p = pending;

		pending = p->outer;
		if (!all)
			MemoryContextDelete(p->context);
	}
}
