/*-------------------------------------------------------------------------
 *
 * ledger_reversals.c
 *	  Reversals: transactions that are the opposite of others.
 *
 * The reversals of a database transaction are noted when their first entry comes,
 * and compared with what they reverse before it commits.  What is reversed was there
 * before: reversals that reverse each other, of which no one was first, are none.
 * Only those of one database transaction can, since a posted transaction is closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/crypto.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "errors.h"
#include "rules/ledger/ledger_reversals.h"

typedef struct Reversal
{
	const Rule *rule;
	Oid			root;
	char	   *transaction;	/* the reversing one */
	KeyValues	transaction_values;
	char	   *reverses;
	KeyValues	reverses_values;
	uint8		digest[PAYSAFE_SHA256_LEN]; /* of the pair */
} Reversal;

/* Those of one subtransaction. */
typedef struct Level
{
	int			level;
	MemoryContext context;		/* of all below */
	List	   *reversals;
	HTAB	   *index;			/* their digests */
	struct Level *outer;
} Level;

static Level *levels = NULL;	/* innermost first; TopTransactionContext */

static void
digest_id(Oid root, const char *transaction, const char *reverses, uint8 *digest)
{
	char	   *text = psprintf("%u:%zu:%s%s", root, strlen(transaction), transaction, reverses);

	paysafe_crypto_sha256(text, strlen(text), digest);
	pfree(text);
}

/*
 * Comparing
 */

/* A side of a reversal: its entries as text, in an order that does not matter. */
typedef struct Side
{
	List	   *entries;		/* of char * */
	bool		negate;
	const char *reverses;		/* what each entry must reverse, or NULL */
	bool		mixed;			/* some do not */
} Side;

static bool
collect_entry(Relation leaf, TupleTableSlot *row, void *arg)
{
	Side	   *side = arg;
	Entry entry;
	EntryFault fault;
	Numeric		amount;
	const EntryColumns *columns = &paysafe_ledger_rows_state(leaf)->columns;

	if (!paysafe_row_filter_has(&columns->rows, row, NULL) ||
		!paysafe_entry_read(columns, row, &entry, &fault))
		return true;			/* it is none, or was there before the rule */
	amount = entry.amount;
	if (side->negate)
		amount = paysafe_money_negate(amount);
	if (side->reverses != NULL &&
		(!entry.reversal || strcmp(entry.reverses_text, side->reverses) != 0))
		side->mixed = true;
	side->entries = lappend(side->entries,
							psprintf("%zu:%s%zu:%s%s", strlen(entry.account_text), entry.account_text,
									 strlen(entry.currency), entry.currency,
									 paysafe_money_text(paysafe_money_trim(amount))));
	return true;
}

static int
compare_entries(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

char *
paysafe_ledger_reversals_fault(const LedgerState *state, const KeyValues *transaction,
							  const KeyValues *reverses, const char *reverses_text)
{
	Side		original = {.negate = true};
	Side		mirror = {.reverses = reverses_text};
	Snapshot	snapshot = paysafe_scan_snapshot();
	ListCell   *a;
	ListCell   *b;

	paysafe_ledger_rows_scan(state, &state->columns.transaction, reverses, snapshot, collect_entry, &original);
	paysafe_ledger_rows_scan(state, &state->columns.transaction, transaction, snapshot, collect_entry, &mirror);
	UnregisterSnapshot(snapshot);
	if (original.entries == NIL)
		return psprintf("There is no transaction \"%s\".", reverses_text);
	if (mirror.mixed)
		return psprintf("Not all of its entries name \"%s\".", reverses_text);
	if (list_length(original.entries) != list_length(mirror.entries))
		return psprintf("It has %d entries, \"%s\" has %d.", list_length(mirror.entries),
						reverses_text, list_length(original.entries));
	list_sort(original.entries, compare_entries);
	list_sort(mirror.entries, compare_entries);
	forboth(a, original.entries, b, mirror.entries)
		if (strcmp(lfirst(a), lfirst(b)) != 0)
			return psprintf("Its entries are not those of \"%s\" with the opposite sign.",
							reverses_text);
	return NULL;
}

/*
 * Circles
 */

typedef struct ReversalLink
{
	uint8		transaction[PAYSAFE_SHA256_LEN];	/* hash key */
	uint8		reverses[PAYSAFE_SHA256_LEN];
	uint64		walk;			/* that has come here; 0: none */
} ReversalLink;

struct ReversalChain
{
	HTAB	   *links;
	uint64		walks;
};

ReversalChain *
paysafe_ledger_reversals_chain(void)
{
	ReversalChain *chain = palloc0(sizeof(ReversalChain));
	HASHCTL		ctl = {
		.keysize = PAYSAFE_SHA256_LEN, .entrysize = sizeof(ReversalLink), .hcxt = CurrentMemoryContext
	};

	chain->links = hash_create("paysafe reversals", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return chain;
}

void
paysafe_ledger_reversals_link(ReversalChain *chain, Oid root, const char *transaction,
							  const char *reverses)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	ReversalLink *link;

	digest_id(root, transaction, "", digest);
	link = hash_search(chain->links, digest, HASH_ENTER, NULL);
	digest_id(root, reverses, "", link->reverses);
	link->walk = 0;
}

bool
paysafe_ledger_reversals_are_circular(ReversalChain *chain, Oid root, const char *transaction)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	ReversalLink *link;

	chain->walks++;
	digest_id(root, transaction, "", digest);
	while ((link = hash_search(chain->links, digest, HASH_FIND, NULL)) != NULL && link->walk == 0)
	{
		link->walk = chain->walks;
		memcpy(digest, link->reverses, sizeof(digest));
	}
	/* where an earlier walk has been there was none */
	return link != NULL && link->walk == chain->walks;
}

/*
 * Noting
 */

static Level *
current_level(void)
{
	int			level = GetCurrentTransactionNestLevel();
	HASHCTL		ctl = {.keysize = PAYSAFE_SHA256_LEN, .entrysize = PAYSAFE_SHA256_LEN};
	Level	   *new;

	if (levels != NULL && levels->level >= level)
		return levels;
	ctl.hcxt = AllocSetContextCreate(TopTransactionContext, "paysafe reversals",
									 ALLOCSET_SMALL_SIZES);
	new = MemoryContextAllocZero(ctl.hcxt, sizeof(Level));
	new->level = level;
	new->context = ctl.hcxt;
	new->index = hash_create("paysafe reversals", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	new->outer = levels;
	levels = new;
	return new;
}

bool
paysafe_ledger_reversals_note(const Rule *rule, const Entry *entry)
{
	const LedgerState *state = rule->compiled;
	uint8		digest[PAYSAFE_SHA256_LEN];
	Level	   *current;
	MemoryContext old;
	Reversal   *reversal;
	KeyValues	values;

	digest_id(state->root, entry->transaction_text, entry->reverses_text, digest);
	for (Level *level = levels; level != NULL; level = level->outer)
		if (hash_search(level->index, digest, HASH_FIND, NULL) != NULL)
			return true;
	current = current_level();
	old = MemoryContextSwitchTo(current->context);
	reversal = palloc(sizeof(Reversal));
	reversal->rule = rule;
	reversal->root = state->root;
	reversal->transaction = pstrdup(entry->transaction_text);
	(void) paysafe_key_columns_read(&entry->columns->transaction, entry->row, &values, NULL);
	paysafe_key_columns_copy(&values, &reversal->transaction_values);
	reversal->reverses = pstrdup(entry->reverses_text);
	(void) paysafe_key_columns_read(&entry->columns->reverses, entry->row, &values, NULL);
	paysafe_key_columns_copy(&values, &reversal->reverses_values);
	memcpy(reversal->digest, digest, sizeof(digest));
	current->reversals = lappend(current->reversals, reversal);
	(void) hash_search(current->index, digest, HASH_ENTER, NULL);
	MemoryContextSwitchTo(old);
	return false;
}

/*
 * The end of transactions
 */

/* A reversal, and who reverses whom in this transaction. */
typedef struct Chained
{
	const Reversal *reversal;
	ReversalChain *chain;
} Chained;

static void
check_reversal(const Rule *rule, const void *arg)
{
	const Reversal *reversal = ((const Chained *) arg)->reversal;
	ReversalChain *chain = ((const Chained *) arg)->chain;
	const LedgerState *state = reversal->rule->compiled;
	const char *fault = paysafe_ledger_reversals_fault(state, &reversal->transaction_values,
													   &reversal->reverses_values,
													   reversal->reverses);

	if (fault == NULL && paysafe_ledger_reversals_are_circular(chain, reversal->root, reversal->transaction))
		fault = psprintf("It is itself reversed by \"%s\", directly or by others, so that none of them was first.",
						 reversal->reverses);
	if (fault != NULL)
		paysafe_rule_refuse(reversal->rule, ERRCODE_23L05_REVERSAL, state->columns.reverses_name,
						  psprintf("transaction \"%s\" in table \"%s\" does not reverse \"%s\"",
								   reversal->transaction, reversal->rule->table_name, reversal->reverses),
						  fault,
						  "A reversal has the same accounts, currencies and amounts, debits as credits.");
}

void
paysafe_ledger_reversals_pre_commit(void)
{
	MemoryContext context;
	MemoryContext old;
	ReversalChain *chain;
	ListCell   *lc;

	if (levels == NULL)
		return;
	Assert(levels->outer == NULL);
	old = MemoryContextSwitchTo(levels->context);
	chain = paysafe_ledger_reversals_chain();
	foreach(lc, levels->reversals)
	{
		const Reversal *r = lfirst(lc);

		paysafe_ledger_reversals_link(chain, r->root, r->transaction, r->reverses);
	}
	context = AllocSetContextCreate(levels->context, "paysafe reversal", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	foreach(lc, levels->reversals)
	{
		Chained		chained = {.reversal = lfirst(lc), .chain = chain};

		CHECK_FOR_INTERRUPTS();
		paysafe_rule_judge(chained.reversal->rule, check_reversal, &chained);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
paysafe_ledger_reversals_end_transaction(void)
{
	levels = NULL;				/* memory goes with TopTransactionContext */
}

void
paysafe_ledger_reversals_end_subtransaction(bool committed, int level)
{
	while (levels != NULL && levels->level >= level)
	{
		Level	   *inner = levels;
		MemoryContext old;
		ListCell   *lc;

		if (committed && (inner->outer == NULL || inner->outer->level < level - 1))
		{
			inner->level = level - 1;
			return;
		}
		levels = inner->outer;
		if (!committed)
		{
			MemoryContextDelete(inner->context);
			continue;
		}
		/* the reversals themselves stay where they are */
		MemoryContextSetParent(inner->context, levels->context);
		old = MemoryContextSwitchTo(levels->context);
		levels->reversals = list_concat(levels->reversals, inner->reversals);
		MemoryContextSwitchTo(old);
		foreach(lc, inner->reversals)
			(void) hash_search(levels->index, ((Reversal *) lfirst(lc))->digest, HASH_ENTER, NULL);
		hash_destroy(inner->index);
	}
}
