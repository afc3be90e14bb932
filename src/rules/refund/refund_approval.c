/*-------------------------------------------------------------------------
 *
 * refund_approval.c
 *	  What an approval of a refund is of.
 *
 * Whoever approves has seen a row, and means this one as it was: all of its
 * columns, in this life of it, in the status that it leaves.  Free to change are
 * the status itself, the columns that the rule names, and what is computed from
 * these; if the rule names none, points in time, because that is where ORMs
 * keep when a row was last written.  So is the status of another rule that holds for the
 * row, which judges that.
 *
 * What a row contains is what its columns say under their names; nothing is said by a
 * column that is NULL, so that one may be added.  Values are compared as they
 * are read, not as they are stored: a label of an enum, not its OID, a
 * number of whatever type.  The same bytes under another name, or label, are another content.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "port/pg_bswap.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/argument.h"
#include "base/refusal.h"
#include "base/scan.h"
#include "engine/shown.h"
#include "errors.h"
#include "evidence/canon.h"
#include "people/approval.h"
#include "redact/redact.h"
#include "rules/refund/refund.h"
#include "rules/refund/refund_terms.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "values/spec.h"

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(NameStr(((Form_pg_attribute) lfirst(a))->attname),
				  NameStr(((Form_pg_attribute) lfirst(b))->attname));
}

/* The columns that a generated column is computed from. */
static Bitmapset *
columns_read(Relation leaf, Form_pg_attribute generated)
{
	Bitmapset  *read = NULL;

	pull_varattnos(build_column_default(leaf, generated->attnum), 1, &read);
	return read;
}

/*
 * Is the stored value of a generated column a matter of these columns alone?  Then it
 * has no reason to change while they do not, unless its expression is another one.
 */
static bool
follows_from(Relation leaf, Form_pg_attribute generated, List *columns)
{
	Bitmapset  *read;
	ListCell   *lc;

	if (generated->attgenerated != ATTRIBUTE_GENERATED_STORED)
		return false;
	read = columns_read(leaf, generated);
	foreach(lc, columns)
		read = bms_del_member(read, ((Form_pg_attribute) lfirst(lc))->attnum -
							  FirstLowInvalidHeapAttributeNumber);
	return bms_is_empty(read);
}

void
paysafe_refund_compile_approved(RefundSide *side, const CompileInput *input)
{
	Relation	leaf = input->leaf;
	const Jsonb *spec = input->source->spec;
	TupleDesc	desc = RelationGetDescr(leaf);
	bool		named = paysafe_spec_bool(spec, "unapproved_named");
	List	   *unapproved = paysafe_spec_set(spec, "unapproved_columns");
	List	   *columns = NIL;
	List	   *generated = NIL;
	ListCell   *lc;

	foreach(lc, unapproved)
		(void) paysafe_catalog_column(leaf, lfirst(lc));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Oid			type;

		/* of a column that has the status within it, the rest is approved */
		if (att->attisdropped ||
			(att->attnum == side->gated.column.attnum && side->gated.column.place.nkeys == 0))
			continue;
		type = getBaseType(att->atttypid);
		if (named ? !paysafe_strings_contain(unapproved, NameStr(att->attname)) :
			type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		{
			if (att->attgenerated == '\0')
				columns = lappend(columns, att);
			else
				generated = lappend(generated, att);
		}
	}
	foreach(lc, generated)
		if (follows_from(leaf, lfirst(lc), columns))
			columns = lappend(columns, lfirst(lc));
	/* leaves have layouts of their own */
	list_sort(columns, compare_names);
	side->approved = palloc(sizeof(AttrNumber) * Max(list_length(columns), 1));
	side->inputs = palloc0(sizeof(Bitmapset *) * Max(list_length(columns), 1));
	foreach(lc, columns)
	{
		Form_pg_attribute att = lfirst(lc);

		if (att->attgenerated != '\0')
			side->inputs[side->napproved] = columns_read(leaf, att);
		side->approved[side->napproved++] = att->attnum;
	}
	paysafe_refund_others_statuses(input, side);
}

/* Is the i-th column, or one that it is computed from, the status of another rule that holds for the row? */
static bool
is_judged_elsewhere(const RefundSide *side, int i, TupleTableSlot *row)
{
	for (int j = 0; j < side->nothers; j++)
	{
		const OtherStatus *other = &side->others[j];

		if ((other->attnum == side->approved[i] ||
			 bms_is_member(other->attnum - FirstLowInvalidHeapAttributeNumber, side->inputs[i])) &&
			paysafe_row_filter_has(&other->rows, row, NULL))
			return true;
	}
	return false;
}

/* What values of a type are read as, arrays and composite types with all that is in them. */
static void
append_type(StringInfo bytes, const CanonType *type)
{
	appendStringInfoChar(bytes, (char) type->code);
	if (type->code == CANON_OUTPUT)
		paysafe_argument_append(bytes, format_type_extended(type->typid, -1, FORMAT_TYPE_FORCE_QUALIFY));
	if (type->code == CANON_ARRAY)
		append_type(bytes, type->element);
	for (int i = 0; i < type->nfields; i++)
		if (type->fields[i] != NULL)
		{
			paysafe_argument_append(bytes, type->field_names[i]);
			append_type(bytes, type->fields[i]);
		}
}

/* A number without what its type adds to it, or NULL if it is none. */
static char *
number_text(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
			return paysafe_row_key_value_text(type, value);
	}
	return NULL;
}

/* What a column says, but for the status within it, if it says anything. */
static bool
append_column(const RefundSide *side, StringInfo bytes, Form_pg_attribute att, TupleTableSlot *row)
{
	const StatusColumn *status = &side->gated.column;
	bool		isnull;
	Datum		value = slot_getattr(row, att->attnum, &isnull);
	char	   *number;
	CanonType  *type;
	StringInfoData canonical;
	uint64		size;

	if (isnull)
		return false;
	if (att->attnum == status->attnum)
		value = paysafe_status_value_rest(status, value);
	paysafe_argument_append(bytes, NameStr(att->attname));
	number = number_text(getBaseType(att->atttypid), value);
	if (number != NULL)
	{
		appendStringInfoChar(bytes, (char) CANON_NUMERIC);
		paysafe_argument_append(bytes, number);
		return true;
	}
	type = paysafe_canon_type(att->atttypid);
	append_type(bytes, type);
	initStringInfo(&canonical);
	paysafe_canon_value(type, value, &canonical);
	size = pg_hton64(canonical.len);
	appendBinaryStringInfo(bytes, (char *) &size, sizeof(size));
	appendBinaryStringInfo(bytes, canonical.data, canonical.len);
	return true;
}

/* Is there anything in the column? */
static bool
is_filled(Form_pg_attribute att, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, att->attnum, &isnull);

	if (isnull)
		return false;
	switch (getBaseType(att->atttypid))
	{
		case TEXTOID:
		case VARCHAROID:
			return VARSIZE_ANY_EXHDR(PG_DETOAST_DATUM_PACKED(value)) > 0;
		case BPCHAROID:
			return DatumGetInt32(DirectFunctionCall1(bpcharlen, value)) > 0;
		default:
			return true;
	}
}

/*
 * Is the i-th column computed from one that is empty in this row, and, with a change, that
 * this fills?  Then it will be another once that is filled in.
 */
static bool
awaits_input(const RefundSide *side, int i, TupleTableSlot *row, const RowChange *change)
{
	TupleDesc	desc = row->tts_tupleDescriptor;
	int			member = -1;

	while ((member = bms_next_member(side->inputs[i], member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (!is_filled(TupleDescAttr(desc, attnum - 1), row) &&
			(change == NULL || !paysafe_row_key_same_column(desc, attnum, change->before, change->after)))
			return true;
	}
	return false;
}

static const char content_label[] = "paysafe refund content";

void
paysafe_refund_read_content(const RefundSide *side, TupleTableSlot *row, RefundLife *life)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, content_label);
	life->columns = NIL;
	for (int i = 0; i < side->napproved; i++)
	{
		Form_pg_attribute att = TupleDescAttr(row->tts_tupleDescriptor, side->approved[i] - 1);

		/* what is empty may be filled in later */
		if (is_filled(att, row) && !awaits_input(side, i, row, NULL) && !is_judged_elsewhere(side, i, row) &&
			append_column(side, &bytes, att, row))
			life->columns = lappend(life->columns, pstrdup(NameStr(att->attname)));
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, life->content);
}

static Form_pg_attribute
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return TupleDescAttr(desc, i);
	return NULL;
}

bool
paysafe_refund_has_content(const RefundSide *side, const RefundLife *life, TupleTableSlot *row)
{
	StringInfoData bytes;
	uint8		content[PAYSAFE_SHA256_LEN];
	ListCell   *lc;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, content_label);
	foreach(lc, life->columns)
	{
		Form_pg_attribute att = find_column(row->tts_tupleDescriptor, lfirst(lc));

		if (att == NULL || !append_column(side, &bytes, att, row))
			return false;
	}
	paysafe_crypto_sha256(bytes.data, bytes.len, content);
	return memcmp(content, life->content, PAYSAFE_SHA256_LEN) == 0;
}

void
paysafe_refund_digest(const RefundState *state, const RefundLife *life, const char *payment,
					  TupleTableSlot *row, TupleTableSlot *status_row, uint8 *digest)
{
	const RefundSide *side = &state->refund;
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, "paysafe refund approval");
	paysafe_argument_append(&bytes, state->rule);
	paysafe_argument_append(&bytes, psprintf("%d", state->declaration));
	paysafe_argument_append(&bytes, life->key);
	/* who has changed what it says and back is not the row's life */
	paysafe_argument_append(&bytes, psprintf("%d", life->steps - life->changes));
	paysafe_argument_append(&bytes, payment);
	paysafe_argument_append(&bytes, paysafe_status_value_text(&side->gated.column, status_row));
	appendStringInfoChar(&bytes, paysafe_status_value_is_null(&side->gated.column, status_row) ? 'n' : 'v');
	for (int i = 0; i < side->napproved; i++)
		if (!is_judged_elsewhere(side, i, row))
			(void) append_column(side, &bytes, TupleDescAttr(row->tts_tupleDescriptor, side->approved[i] - 1), row);
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
}

/* Does the column say the same as before, but for the status within it? */
static bool
is_same(const RefundSide *side, Form_pg_attribute att, const RowChange *change)
{
	StringInfoData before;
	StringInfoData after;

	if (paysafe_row_key_same_column(RelationGetDescr(change->rel), att->attnum, change->before, change->after))
		return true;
	if (att->attnum != side->gated.column.attnum)
		return false;
	initStringInfo(&before);
	initStringInfo(&after);
	(void) append_column(side, &before, att, change->before);
	(void) append_column(side, &after, att, change->after);
	return before.len == after.len && memcmp(before.data, after.data, before.len) == 0;
}

const char *
paysafe_refund_changed_column(const RefundSide *side, const RowChange *change, bool filled)
{
	TupleDesc	desc = RelationGetDescr(change->rel);

	for (int i = 0; i < side->napproved; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, side->approved[i] - 1);

		/* what comes to the other rule with this change was approved as it was before */
		if (!is_same(side, att, change) && !is_judged_elsewhere(side, i, change->before) &&
			(!filled || (is_filled(att, change->before) && !awaits_input(side, i, change->before, change))))
			return NameStr(att->attname);
	}
	return NULL;
}

/*
 * The refund that an approval is asked for
 */

typedef struct RefundRow
{
	const RefundState *state;
	bool		hidden_too;		/* whatever the transaction may know of */
	int			count;
	char	   *fault;			/* why it cannot be one, or NULL */
	bool		is_other;		/* the rule does not hold for it */
	char	   *key;			/* as it is written everywhere */
	char	   *status;
	bool		waits;
	bool		passed;			/* it waits no more */
	bool		voided;			/* by its status */
	bool		unseen;			/* newer than what this transaction sees */
	ApprovalMoney *money;
	uint8		digest[PAYSAFE_SHA256_LEN];
	ApprovalSubject terms;		/* who requested it, and what is asked of approvals */
	char	   *words;			/* what it is, for who approves it */
} RefundRow;

/* The refund as somebody approves it: so much of which payment, and what becomes of it. */
static char *
refund_words(const RefundState *state, const RefundRow *refund, const FoundPayment *payment, TupleTableSlot *row)
{
	const RefundSide *side = &state->refund;
	Numeric		amount;

	if (!paysafe_money_value(&side->amount, row, &amount))
		return NULL;
	return paysafe_redact_string(psprintf("%s of %s \"%s\", now in status \"%s\"",
										  paysafe_money_words(&side->amount, amount, paysafe_refund_currency(side, row, payment)),
										  state->payout ? "a payout" : "payment", payment->key, refund->status));
}

/*
 * With one snapshot for the whole transaction, what the approver has read is older
 * than what is approved if somebody has changed the row since.
 */
static bool
is_unseen(TupleTableSlot *row)
{
	bool		isnull;
	TransactionId xmin;

	if (!IsolationUsesXactSnapshot())
		return false;
	xmin = DatumGetTransactionId(slot_getsysattr(row, MinTransactionIdAttributeNumber, &isnull));
	return !TransactionIdIsCurrentTransactionId(xmin) &&
		XidInMVCCSnapshot(xmin, GetTransactionSnapshot());
}

static void
read_terms(const RefundState *state, FoundPayment *payment, const RefundLife *life, TupleTableSlot *row,
		   RefundRow *refund)
{
	char	   *currency = paysafe_refund_currency(&state->refund, row, payment);
	StandingRefund standing = {.state = state, .payment = payment, .life = life};
	GateTerms	terms;

	paysafe_refund_payout_in(state, payment, currency);
	standing.amount = paysafe_refund_amount(&state->refund, row, payment);
	paysafe_refund_flow_read(state, currency, row, life->requesters, life, &standing.flow);
	paysafe_refund_standing_terms(&standing, currency, &terms);
	paysafe_refund_terms_of_subject(&terms, life, &refund->terms);
}

static bool
read_refund(Relation rel, TupleTableSlot *row, void *arg)
{
	RefundRow  *refund = arg;
	const RelationRules *rules;
	const RefundState *state = paysafe_refund_rule_of(rel, refund->state->refund_root, refund->state->rule, &rules)->compiled;
	const RefundSide *side = &state->refund;
	FoundPayment payment;
	RefundLife *life;
	KeyValues	payment_key;
	const char *column;
	int			sqlstate;

	if (!refund->hidden_too && !paysafe_shown_reader(refund->state->refund_root, rel, row))
		return true;
	if (++refund->count > 1)
		return false;
	refund->is_other = !paysafe_row_filter_has(&side->rows, row, &column);
	refund->fault = !refund->is_other ?
		paysafe_refund_fault(side, row, NULL, &column, &sqlstate) :
		psprintf("by its column \"%s\" it is no refund that the rule holds for", column);
	if (refund->fault != NULL)
		return true;
	(void) paysafe_key_columns_read(&side->payment, row, &payment_key, NULL);
	paysafe_refund_read_payment(state, &payment_key, &payment);
	/* another tenant's payment, of which it is */
	if (!refund->hidden_too && payment.hidden && !paysafe_shown_reads_all(state->payment_root))
	{
		refund->count--;
		return true;
	}
	refund->fault = paysafe_refund_fault(side, row, &payment, &column, &sqlstate);
	if (refund->fault != NULL)
		return true;
	life = paysafe_refund_life(state, payment.key, rel, row, false);
	refund->key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), row);
	refund->status = paysafe_status_value_text(&side->gated.column, row);
	refund->waits = paysafe_refund_is_waiting(life);
	refund->passed = life->stage == REFUND_PASSED;
	refund->voided = paysafe_status_value_find(&side->voided, row) >= 0;
	refund->unseen = is_unseen(row);
	paysafe_refund_digest(state, life, payment.key, row, row, refund->digest);
	refund->words = refund_words(state, refund, &payment, row);
	refund->money = paysafe_refund_row_money(state, &payment, paysafe_refund_currency(side, row, &payment), row);
	read_terms(state, &payment, life, row, refund);
	return true;
}

bool
paysafe_refund_is_waiting(const RefundLife *life)
{
	return life->stage == REFUND_WAITING || life->stage == REFUND_FACT;
}

static bool
is_approvable(const RefundRow *refund)
{
	return refund->count == 1 && refund->fault == NULL && refund->waits && !refund->voided;
}

/* What is known of the row, once it is found and can be approved. */
static void
check_refund_row(const RefundState *state, const RefundRow *refund, const char *key)
{
	if (refund->count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(refund->count == 0 ? "refund \"%s\" does not exist in table \"%s\"" :
						"refund \"%s\" exists more than once in table \"%s\"",
						paysafe_redact_string(key), get_rel_name(state->refund_root)),
				 refund->count == 0 ? 0 :
				 errhint("Name it by all columns of the primary key, separated by commas.")));
	if (refund->fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved", paysafe_redact_string(key)),
				 errdetail("Refund \"%s\": %s.", paysafe_redact_string(key),
						   paysafe_redact_string(refund->fault))));
	if (!is_approvable(refund))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refund \"%s\" cannot be approved in status \"%s\"",
						paysafe_redact_string(key),
						paysafe_redact_string(paysafe_refusal_value(refund->status))),
				 errdetail(refund->passed ? "It has passed the gate already." :
						   "It is void.")));
	if (refund->unseen)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("refund \"%s\" has changed since this transaction began",
						paysafe_redact_string(key)),
				 errhint("Look at it again in a new transaction.")));
}

bool
paysafe_refund_approval_subject(const Rule *rule, const char *key, bool missing_ok, bool hidden_too,
								ApprovalSubject *out)
{
	/* looking for the row may compile rules anew: keep what is needed later */
	RefundState state = *(RefundState *) rule->compiled;
	RefundRow	refund = {.state = &state, .hidden_too = hidden_too};
	Snapshot	snapshot;

	/* in a table that has both, the rule is there twice */
	out->is_other = state.is_payment;
	if (state.is_payment && missing_ok)
		return false;
	if (state.is_payment)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("payments are not subject to approval"),
				 errhint("Name the refund table and the refund.")));
	if (state.refund.running && missing_ok)
		return false;
	if (state.refund.running)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows of table \"%s\" are not subject to approval", get_rel_name(state.refund_root)),
				 errdetail("Its refunds have no rows."),
				 errhint("Approve them before they happen: paysafe.approve_refund.")));
	snapshot = paysafe_scan_snapshot();
	paysafe_row_key_find(state.refund_root, key, snapshot, read_refund, &refund);
	UnregisterSnapshot(snapshot);
	out->is_other = refund.is_other;
	if (missing_ok && !is_approvable(&refund))
		return false;
	if (!missing_ok)
		check_refund_row(&state, &refund, paysafe_refusal_value(key));
	*out = refund.terms;
	memcpy(out->digest, refund.digest, PAYSAFE_SHA256_LEN);
	out->key = refund.key;
	out->rule = state.rule;
	out->words = refund.words;
	out->money = refund.money;
	return true;
}
