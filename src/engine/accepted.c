/*-------------------------------------------------------------------------
 *
 * accepted.c
 *	  Rows that broke a rule before it was there, accepted as they are.
 *
 * Accepted is a fault of a row as it is: its words name the row and say what is wrong, its
 * digest is of the words and of what the row says in every column that the rule reads.  So
 * a row that changes into another fault, or grows the one that it has while the rule is only
 * observed, has not been accepted.  The acceptance of a row that changes, is deleted, or is
 * put right ends with that change; whatever else comes to an end (a payment's refunds that
 * are less now) does so when somebody looks for faults again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "compat.h"
#include "engine/accepted.h"
#include "engine/spec_field.h"
#include "people/actor.h"
#include "redact/redact.h"
#include "store/catalog.h"
#include "store/own_table.h"
#include "values/row_key.h"
#include "values/spec.h"

/* Columns of paysafe.accepted_row. */
enum
{
	ACCEPTED_RELATION, ACCEPTED_RULE, ACCEPTED_DIGEST, ACCEPTED_FAULT, ACCEPTED_CHANGE,
	ACCEPTED_ACTOR, ACCEPTED_SESSION_USER, ACCEPTED_REASON, ACCEPTED_TICKET, ACCEPTED_AT,
	ACCEPTED_ENDED_AT, ACCEPTED_SUBJECT,
	ACCEPTED_NCOLUMNS
};

/* A value, whatever settings the session has. */
static void
append_value(StringInfo bytes, Form_pg_attribute att, Datum value)
{
	Oid			type = getBaseType(att->atttypid);
	struct varlena *packed;
	uint64		word = (uint64) value;

	if (type == INT2OID || type == INT4OID || type == INT8OID)
		paysafe_argument_append(bytes, psprintf(INT64_FORMAT, type == INT2OID ? (int64) DatumGetInt16(value) :
												type == INT4OID ? (int64) DatumGetInt32(value) :
												DatumGetInt64(value)));
	else if (type == NUMERICOID)
		paysafe_argument_append(bytes, numeric_normalize(DatumGetNumeric(value)));
	else if (type_is_enum(type))
		paysafe_argument_append(bytes, DatumGetCString(DirectFunctionCall1(enum_out, value)));
	else if (att->attbyval)
		appendBinaryStringInfo(bytes, (char *) &word, sizeof(word));
	else if (att->attlen == -1)
	{
		packed = PG_DETOAST_DATUM_PACKED(value);
		word = VARSIZE_ANY_EXHDR(packed);
		appendBinaryStringInfo(bytes, (char *) &word, sizeof(word));
		appendBinaryStringInfo(bytes, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	}
	else if (att->attlen > 0)
		appendBinaryStringInfo(bytes, DatumGetPointer(value), att->attlen);
	else
		paysafe_argument_append(bytes, DatumGetCString(value));
}

char *
paysafe_accepted_hex(const uint8 *digest)
{
	char	   *hex = palloc(2 * PAYSAFE_SHA256_LEN + 1);

	hex[paysafe_encode_hex(digest, PAYSAFE_SHA256_LEN, hex)] = '\0';
	return hex;
}

char *
paysafe_accepted_content(const RuleSource *source, const RowKey *key, TupleTableSlot *row)
{
	TupleDesc	desc = row->tts_tupleDescriptor;
	StringInfoData bytes;
	uint8		digest[PAYSAFE_SHA256_LEN];
	ListCell   *lc;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, key->n > 0 ? paysafe_row_key_text(key, desc, row) : "");
	foreach(lc, paysafe_strings_sorted(paysafe_spec_field_columns(source, false, false)))
		for (int i = 0; i < desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, i);
			bool		isnull;
			Datum		value;

			if (att->attisdropped || strcmp(NameStr(att->attname), lfirst(lc)) != 0)
				continue;
			value = slot_getattr(row, att->attnum, &isnull);
			appendStringInfoChar(&bytes, isnull ? '-' : '+');
			if (!isnull)
				append_value(&bytes, att, value);
		}
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
	return paysafe_accepted_hex(digest);
}

bytea *
paysafe_accepted_digest(const char *words, const char *bound)
{
	bytea	   *digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	StringInfoData bytes;

	initStringInfo(&bytes);
	paysafe_argument_append(&bytes, words);
	paysafe_argument_append(&bytes, bound ? bound : "");
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	paysafe_crypto_sha256(bytes.data, bytes.len, (uint8 *) VARDATA(digest));
	pfree(bytes.data);
	return digest;
}

static bool
note_standing(Relation rel, HeapTuple tuple, void *arg)
{
	if (heap_attisnull(tuple, ACCEPTED_ENDED_AT + 1, RelationGetDescr(rel)))
		*(bool *) arg = true;
	return !*(bool *) arg;
}

bool
paysafe_accepted_some(Oid relation, const char *rule)
{
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule)};
	bool		some = false;

	if (!paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 2, keys, note_standing, &some);
	return some;
}

bool
paysafe_accepted_has(Oid relation, const char *rule, bytea *digest)
{
	bool		found = false;
	Datum		keys[3];

	if (paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		return false;
	keys[0] = ObjectIdGetDatum(relation);
	keys[1] = CStringGetTextDatum(rule);
	keys[2] = PointerGetDatum(digest);
	paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 3, keys, note_standing, &found);
	return found;
}

bool
paysafe_accepted_had(const Rule *rule, const RowChange *change, const char *words)
{
	const RuleSource *source;

	if (paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		return false;
	source = paysafe_rule_source_of(change->rules, rule);
	return source != NULL &&
		paysafe_accepted_has(rule->declared_on, rule->name,
							 paysafe_accepted_digest(words, paysafe_accepted_content(source, &change->rules->key, change->before)));
}

void
paysafe_accepted_add(Oid relation, const char *rule, const AcceptedFault *fault, const char *change,
					 const char *reason, const char *ticket)
{
	Datum		values[ACCEPTED_NCOLUMNS];
	bool		nulls[ACCEPTED_NCOLUMNS] = {0};

	values[ACCEPTED_RELATION] = ObjectIdGetDatum(relation);
	values[ACCEPTED_RULE] = CStringGetTextDatum(rule);
	values[ACCEPTED_DIGEST] = PointerGetDatum(fault->digest);
	values[ACCEPTED_FAULT] = CStringGetTextDatum(fault->words);
	values[ACCEPTED_CHANGE] = CStringGetTextDatum(change);
	values[ACCEPTED_ACTOR] = CStringGetTextDatum(paysafe_actor_name());
	values[ACCEPTED_SESSION_USER] = CStringGetTextDatum(paysafe_actor_session_user());
	values[ACCEPTED_REASON] = CStringGetTextDatum(paysafe_redact_string(reason));
	nulls[ACCEPTED_TICKET] = ticket == NULL;
	values[ACCEPTED_TICKET] = ticket ? CStringGetTextDatum(paysafe_redact_string(ticket)) : (Datum) 0;
	values[ACCEPTED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[ACCEPTED_ENDED_AT] = true;
	values[ACCEPTED_SUBJECT] = CStringGetTextDatum(fault->subject);
	paysafe_store_insert(PAYSAFE_ACCEPTED_ROW, values, nulls);
}

char *
paysafe_accepted_subject(const char *what, const char *key)
{
	return paysafe_redact_string(psprintf("%s \"%s\"", what, key));
}

typedef struct Ending
{
	bytea	  **met;			/* in order */
	int			nmet;
	List	   *tids;			/* of those that have ended */
} Ending;

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(VARDATA_ANY(*(bytea *const *) a), VARDATA_ANY(*(bytea *const *) b), PAYSAFE_SHA256_LEN);
}

static bool
note_ended(Relation rel, HeapTuple tuple, void *arg)
{
	Ending	   *ending = arg;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		isnull;
	bytea	   *digest = DatumGetByteaPP(heap_getattr(tuple, ACCEPTED_DIGEST + 1, desc, &isnull));

	if ((ending->nmet == 0 || bsearch(&digest, ending->met, ending->nmet, sizeof(bytea *), compare_digests) == NULL) &&
		heap_attisnull(tuple, ACCEPTED_ENDED_AT + 1, desc))
	{
		ItemPointer tid = palloc(sizeof(ItemPointerData));

		*tid = tuple->t_self;
		ending->tids = lappend(ending->tids, tid);
	}
	return true;
}

/* They end now, unless somebody else has ended them meanwhile. */
static void
end_all(List *tids)
{
	ListCell   *lc;

	foreach(lc, tids)
	{
		HeapTuple	locked = paysafe_store_lock(PAYSAFE_ACCEPTED_ROW, lfirst(lc), LockWaitBlock);
		Relation	rel = paysafe_store_open(PAYSAFE_ACCEPTED_ROW);
		Datum		values[ACCEPTED_NCOLUMNS];
		bool		nulls[ACCEPTED_NCOLUMNS];

		if (locked != NULL)
			heap_deform_tuple(locked, RelationGetDescr(rel), values, nulls);
		if (locked != NULL && nulls[ACCEPTED_ENDED_AT])
		{
			nulls[ACCEPTED_ENDED_AT] = false;
			values[ACCEPTED_ENDED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
			paysafe_store_update(PAYSAFE_ACCEPTED_ROW, locked, values, nulls);
		}
		paysafe_store_close(rel);
	}
}

void
paysafe_accepted_end_others(Oid relation, const char *rule, List *met)
{
	Ending		ending = {.met = palloc(sizeof(bytea *) * (list_length(met) + 1))};
	Datum		keys[2] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule)};
	ListCell   *lc;

	if (paysafe_store_is_empty(PAYSAFE_ACCEPTED_ROW))
		return;
	foreach(lc, met)
		ending.met[ending.nmet++] = lfirst(lc);
	qsort(ending.met, ending.nmet, sizeof(bytea *), compare_digests);
	paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 2, keys, note_ended, &ending);
	end_all(ending.tids);
}

static void
end_subject(Oid relation, const char *rule, const char *subject)
{
	Ending		ending = {0};
	Datum		keys[3] = {ObjectIdGetDatum(relation), CStringGetTextDatum(rule), CStringGetTextDatum(subject)};

	paysafe_store_scan(PAYSAFE_ACCEPTED_ROW, "accepted_row_subject", 3, keys, note_ended, &ending);
	end_all(ending.tids);
}

/* Has the row stopped being what was accepted, by what the rule reads of it? */
static void
follow_rule(const Rule *rule, const RuleSource *source, const RowChange *change)
{
	const RowKey *key = &change->rules->key;
	char	   *part;
	char	   *still = NULL;

	if (change->op == 'D' ||
		strcmp(paysafe_accepted_content(source, key, change->before), paysafe_accepted_content(source, key, change->after)) != 0)
		end_subject(rule->declared_on, rule->name,
					paysafe_accepted_subject("Row", paysafe_row_key_text(key, RelationGetDescr(change->rel), change->before)));
	part = rule->kind->part_of == NULL ? NULL : rule->kind->part_of(rule, change->before);
	if (part == NULL)
		return;
	if (change->op == 'U')
		still = rule->kind->part_of(rule, change->after);
	if (still == NULL || strcmp(part, still) != 0)
		end_subject(rule->declared_on, rule->name, paysafe_redact_string(part));
}

void
paysafe_accepted_follow(const RowChange *change)
{
	RelationRules *rules = unconstify(RelationRules *, change->rules);
	List	   *ancestors;

	if (rules->acceptances == ACCEPTANCES_NONE)
		return;
	ancestors = paysafe_catalog_ancestors(RelationGetRelid(change->rel));
	if (rules->acceptances == ACCEPTANCES_UNKNOWN)
	{
		bool		some = false;

		for (int i = 0; i < rules->nrules && !some; i++)
			some = paysafe_accepted_some(rules->rules[i].declared_on, rules->rules[i].name);
		rules->acceptances = some ? ACCEPTANCES_SOME : ACCEPTANCES_NONE;
	}
	for (int i = 0; i < rules->nrules && rules->acceptances == ACCEPTANCES_SOME; i++)
	{
		const RuleSource *source = paysafe_rule_source_of(rules, &rules->rules[i]);

		if (source != NULL && list_member_oid(ancestors, rules->rules[i].declared_on))
			follow_rule(&rules->rules[i], source, change);
	}
}

void
paysafe_accepted_forget(Oid relation)
{
	Datum		key = ObjectIdGetDatum(relation);

	paysafe_store_remove(PAYSAFE_ACCEPTED_ROW, "accepted_row_fault", 1, &key);
}
