/*-------------------------------------------------------------------------
 *
 * refund_flow.c
 *	  What has passed to one beneficiary, or was requested by one person, of whatever payments.
 *
 * Whoever splits what one payment would not give without approval over many payments is found by
 * the sum of what goes to one account, or of what one person asks for.  A band may say that it is judged
 * over such a sum (Threshold.per).
 *
 * Each passing of the gate adds a row to paysafe.refund_flow for each sum that a band asks for, with
 * all that has passed until then: what has passed within a period is the difference of two rows, so that
 * it takes two descents of an index, however much there is.  Rows of one sum are numbered by their time,
 * which never goes back.  That holds because whoever adds one holds the sum's lock since before
 * it was read: heavyweight, of a tag that no function of the user's reaches, kept by prepared
 * transactions.  What passed and was void later has passed all the same, as within the sum of a payment.
 *
 * Beneficiaries are compared by their letters and digits only, without case: an account has one sum however
 * it is spelt.  Where nobody says who it is, all of these have one together, and so have all that cannot be
 * read.  Only digests are stored.
 *
 * Whatever tenants the rows belong to, the sum is one: an account is an account, and a person's limit is
 * not had once for each customer.  What it comes to is not told to one tenant.
 *
 * What was paid out before it passed is in a sum already, and not added again, where that is the same
 * sum: there may be more of them now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/id_claim.h"
#include "people/name.h"
#include "people/name_fold.h"
#include "people/registry.h"
#include "redact/card.h"
#include "rules/refund/refund_flow.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/money.h"

/* Columns of paysafe.refund_flow. */
enum
{
	FLOW_RELATION, FLOW_RULE, FLOW_PER, FLOW_OF, FLOW_CURRENCY, FLOW_AT, FLOW_AMOUNT, FLOW_TOTAL, FLOW_ROW,
	FLOW_NCOLUMNS
};

/* A sum's name: SHA-256 of what it is of. */
typedef struct FlowKey
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	TimestampTz counted;		/* the row is in it since then: it was paid out before it passed; 0: it is not */
} FlowKey;

static FlowKey *
make_key(const char *kind, const void *name, int len)
{
	FlowKey    *key = palloc0(sizeof(FlowKey));
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe flow");
	paysafe_argument_append(&bytes, kind);
	appendBinaryStringInfo(&bytes, name, len);
	paysafe_crypto_sha256(bytes.data, bytes.len, key->digest);
	return key;
}

/* What all spellings of the beneficiary have in common. */
static FlowKey *
beneficiary_key(const RefundSide *side, TupleTableSlot *row)
{
	char	   *text = side->beneficiary.key.n > 0 ? paysafe_key_columns_row_text(&side->beneficiary, row, NULL) : NULL;
	const pg_wchar *folded = text ? paysafe_name_fold(text) : NULL;
	StringInfoData name;

	initStringInfo(&name);
	/* it may be anybody's */
	if (text != NULL && folded == NULL)
		return make_key("unread beneficiary", "", 0);
	for (; folded != NULL && *folded != 0; folded++)
	{
		int			digit = paysafe_card_digit_of((uint32) *folded);
		uint32		code = pg_hton32(digit >= 0 ? (uint32) '0' + digit : (uint32) *folded);

		if (name_is_letter(*folded))
			appendBinaryStringInfo(&name, (char *) &code, sizeof(code));
	}
	return make_key("beneficiary", name.data, name.len);
}

bool
paysafe_refund_flow_goes_elsewhere(const RefundSide *side, const RowChange *change)
{
	return paysafe_key_columns_changed(&side->beneficiary, RelationGetDescr(change->rel),
									   change->before, change->after) != InvalidAttrNumber &&
		memcmp(beneficiary_key(side, change->before)->digest, beneficiary_key(side, change->after)->digest,
			   PAYSAFE_SHA256_LEN) != 0;
}

/* A registered person has one sum under all names. */
static FlowKey *
requester_key(const Person *person)
{
	const char *name = person->actor ? person->actor : person->login;
	const RegisteredPerson *registered = paysafe_registry_find(PERSON_NAME, name);
	uint8		lookup[PAYSAFE_SHA256_LEN];

	if (registered != NULL)
		return make_key("person", &registered->id, sizeof(registered->id));
	if (paysafe_registry_lookup(PERSON_NAME, name, lookup))
		return make_key("name", lookup, PAYSAFE_SHA256_LEN);
	/* it may be anybody's */
	return make_key("unread name", "", 0);
}

static List *
with_key(List *keys, FlowKey *key)
{
	ListCell   *lc;

	foreach(lc, keys)
		if (memcmp(((FlowKey *) lfirst(lc))->digest, key->digest, PAYSAFE_SHA256_LEN) == 0)
			return keys;
	return lappend(keys, key);
}

static bool
is_asked(const RefundFlow *flow, SumKind per)
{
	ListCell   *lc;

	foreach(lc, flow->state->refund.thresholds)
	{
		const Threshold *band = lfirst(lc);

		if (band->per == per && paysafe_refund_threshold_is_in(band, flow->currency))
			return true;
	}
	return false;
}

static bool
read_at(Relation rel, HeapTuple tuple, void *arg)
{
	bool		isnull;

	*(TimestampTz *) arg = DatumGetTimestampTz(heap_getattr(tuple, FLOW_AT + 1, RelationGetDescr(rel), &isnull));
	return false;
}

typedef struct CountedSum
{
	SumKind		per;
	FlowKey    *key;
} CountedSum;

/* A row of refund_flow is of some sum: of which is the key? */
static bool
read_counted(Relation rel, HeapTuple tuple, void *arg)
{
	CountedSum *sum = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	char	   *per = TextDatumGetCString(heap_getattr(tuple, FLOW_PER + 1, desc, &isnull));
	bytea	   *of = DatumGetByteaPP(heap_getattr(tuple, FLOW_OF + 1, desc, &isnull));

	if (strcmp(per, paysafe_refund_threshold_per_name(sum->per)) != 0 || VARSIZE_ANY_EXHDR(of) != PAYSAFE_SHA256_LEN ||
		memcmp(VARDATA_ANY(of), sum->key->digest, PAYSAFE_SHA256_LEN) != 0)
		return true;
	return read_at(rel, tuple, &sum->key->counted);
}

/* Since when the row is in the sum, if not before then. */
static void
find_counted(const RefundFlow *flow, SumKind per, FlowKey *key, TimestampTz since)
{
	CountedSum	sum = {per, key};
	Datum		keys[3] = {
		ObjectIdGetDatum(flow->state->refund_root), CStringGetTextDatum(flow->state->rule),
		CStringGetTextDatum(flow->whole_key)
	};

	paysafe_store_seek(PAYSAFE_REFUND_FLOW, "refund_flow_row", 3, keys, BTGreaterEqualStrategyNumber,
					   TimestampTzGetDatum(since), false, NULL, read_counted, &sum);
}

void
paysafe_refund_flow_read(const RefundState *state, const char *currency, TupleTableSlot *row,
						 const List *requesters, const RefundLife *life, RefundFlow *out)
{
	ListCell   *lc;

	*out = (RefundFlow) {.state = state};
	if (currency == NULL)
		return;
	out->currency = paysafe_money_code(pstrdup(currency));
	out->whole_key = life ? life->key : NULL;
	if (row != NULL && is_asked(out, SUM_BENEFICIARY))
		out->keys[SUM_BENEFICIARY] = list_make1(beneficiary_key(&state->refund, row));
	if (is_asked(out, SUM_REQUESTER))
		foreach(lc, requesters)
			out->keys[SUM_REQUESTER] = with_key(out->keys[SUM_REQUESTER], requester_key(lfirst(lc)));
	for (int per = 0; life != NULL && life->stage == REFUND_FACT && per < SUM_KINDS; per++)
		foreach(lc, out->keys[per])
			find_counted(out, per, lfirst(lc), life->passed);
}

void
paysafe_refund_flow_lock(RefundFlow *flow)
{
	int			n = 0;
	uint64	   *hashes;
	ListCell   *lc;

	for (int per = 0; per < SUM_KINDS; per++)
		n += list_length(flow->keys[per]);
	if (n == 0)
		return;
	hashes = palloc(sizeof(uint64) * n);
	n = 0;
	for (int per = 0; per < SUM_KINDS; per++)
		foreach(lc, flow->keys[per])
			memcpy(&hashes[n++], lfirst(lc), sizeof(uint64));
	flow->busy = !paysafe_id_claim_lock_groups(paysafe_catalog_table(PAYSAFE_REFUND_FLOW), hashes, n, flow->state->observed);
}

typedef struct FlowRow
{
	TimestampTz at;				/* 0: there is none */
	Numeric		total;
} FlowRow;

static bool
read_row(Relation rel, HeapTuple tuple, void *arg)
{
	FlowRow    *row = arg;
	bool		isnull;

	row->total = DatumGetNumericCopy(heap_getattr(tuple, FLOW_TOTAL + 1, RelationGetDescr(rel), &isnull));
	return read_at(rel, tuple, &row->at);
}

/* The last row of a sum, or the last one that is not younger. */
static FlowRow
find_row(const RefundFlow *flow, SumKind per, const FlowKey *key, TimestampTz until)
{
	FlowRow		row = {.total = paysafe_money_zero()};
	Datum		keys[5] = {
		ObjectIdGetDatum(flow->state->refund_root), CStringGetTextDatum(flow->state->rule),
		CStringGetTextDatum(paysafe_refund_threshold_per_name(per)),
		paysafe_argument_bytea(key->digest, PAYSAFE_SHA256_LEN), CStringGetTextDatum(flow->currency)
	};

	paysafe_store_seek(PAYSAFE_REFUND_FLOW, "refund_flow_sum", 5, keys,
					   until == DT_NOEND ? InvalidStrategy : BTLessEqualStrategyNumber, TimestampTzGetDatum(until), true, NULL,
					   read_row, &row);
	return row;
}

Numeric
paysafe_refund_flow_total(const RefundFlow *flow, const Threshold *band, Numeric amount)
{
	TimestampTz from = GetCurrentTimestamp() - band->within;
	Numeric		largest = paysafe_money_zero();
	ListCell   *lc;

	if (flow == NULL || flow->keys[band->per] == NIL)
		return amount;
	foreach(lc, flow->keys[band->per])
	{
		const FlowKey *key = lfirst(lc);
		FlowRow		last = find_row(flow, band->per, key, DT_NOEND);
		Numeric		sum = paysafe_money_zero();

		if (last.at > from)
			sum = paysafe_money_add(last.total, paysafe_money_negate(find_row(flow, band->per, key, from).total));
		/* what was taken back makes no room */
		if (paysafe_money_sign(sum) < 0)
			sum = paysafe_money_zero();
		if (key->counted <= from)
			sum = paysafe_money_add(sum, amount);
		if (lc == list_head(flow->keys[band->per]) || paysafe_money_compare(sum, largest) > 0)
			largest = sum;
	}
	return largest;
}

void
paysafe_refund_flow_add(const RefundFlow *flow, Numeric amount)
{
	if (flow->busy)
		return;
	for (int per = 0; per < SUM_KINDS; per++)
	{
		ListCell   *lc;

		foreach(lc, flow->keys[per])
		{
			const FlowKey *key = lfirst(lc);
			FlowRow		last;
			Datum		values[FLOW_NCOLUMNS];
			bool		nulls[FLOW_NCOLUMNS] = {0};

			if (key->counted != 0)
				continue;
			last = find_row(flow, per, key, DT_NOEND);
			values[FLOW_RELATION] = ObjectIdGetDatum(flow->state->refund_root);
			values[FLOW_RULE] = CStringGetTextDatum(flow->state->rule);
			values[FLOW_PER] = CStringGetTextDatum(paysafe_refund_threshold_per_name(per));
			values[FLOW_OF] = paysafe_argument_bytea(key->digest, PAYSAFE_SHA256_LEN);
			values[FLOW_CURRENCY] = CStringGetTextDatum(flow->currency);
			values[FLOW_AT] = TimestampTzGetDatum(Max(GetCurrentTimestamp(), last.at + 1));
			values[FLOW_AMOUNT] = NumericGetDatum(amount);
			values[FLOW_TOTAL] = NumericGetDatum(paysafe_money_add(last.total, amount));
			nulls[FLOW_ROW] = flow->whole_key == NULL;
			values[FLOW_ROW] = CStringGetTextDatum(flow->whole_key ? flow->whole_key : "");
			paysafe_store_insert(PAYSAFE_REFUND_FLOW, values, nulls);
		}
	}
}

bool
paysafe_refund_flow_is_hidden(const Threshold *band, const char *owner)
{
	return band != NULL && owner != NULL && band->per != SUM_PAYMENT;
}

const char *
paysafe_refund_flow_words(const Threshold *band, bool payout, const char *payment_words)
{
	const char *what = payout ? "Payouts" : "Refunds";

	if (band->per == SUM_BENEFICIARY)
		return psprintf("%s to this beneficiary", what);
	if (band->per == SUM_REQUESTER)
		return psprintf("%s requested by this person", what);
	return payment_words;
}
