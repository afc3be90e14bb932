/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  Payloads of audit rows that are to be removed.
 *
 * What stays of a row is its leaf: when, by which transaction, which operation on
 * which table, and SHA-256 of the payload.  The nonce, 16 bytes, leaves with
 * the payload, so that nobody can try values until the hash fits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/argument.h"
#include "evidence/audit_leaf.h"
#include "evidence/audit_shape.h"
#include "evidence/retention/payload.h"
#include "store/catalog.h"
#include "store/own_table.h"

static bool
visit_shape(Relation rel, HeapTuple tuple, void *arg)
{
	PayloadJudge *judge = arg;
	Datum		values[SHAPE_NCOLUMNS];
	bool		nulls[SHAPE_NCOLUMNS];
	LoggedTable *table;
	int64		id;
	bool		found;
	bytea	   *digest;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	id = DatumGetInt64(values[SHAPE_ID]);
	digest = DatumGetByteaPP(values[SHAPE_DIGEST]);
	table = hash_search(judge->tables, &id, HASH_ENTER, &found);
	if (found)
		return true;			/* stored twice, by two transactions at the same time */
	memset(table->digest, 0, PAYSAFE_SHA256_LEN);
	memcpy(table->digest, VARDATA_ANY(digest), Min(VARSIZE_ANY_EXHDR(digest), PAYSAFE_SHA256_LEN));
	table->subject = TextDatumGetCString(values[SHAPE_SUBJECT]);
	table->table = quote_qualified_identifier(TextDatumGetCString(values[SHAPE_SCHEMA]),
											  TextDatumGetCString(values[SHAPE_TABLE]));
	table->encoding = pg_char_to_encoding(NameStr(*DatumGetName(values[SHAPE_ENCODING])));
	table->upper = DT_NOBEGIN;
	/* refusals say what others tried to write, signals and decisions what the application does */
	table->own = strncmp(table->subject, "paysafe.", strlen("paysafe.")) == 0 &&
		strcmp(table->subject, "paysafe.refusal_record") != 0 &&
		strcmp(table->subject, "paysafe.signal_record") != 0 &&
		strcmp(table->subject, "paysafe.decision_record") != 0;
	return true;
}

PayloadJudge *
paysafe_payload_judge(void)
{
	PayloadJudge *judge = palloc0(sizeof(PayloadJudge));
	HASHCTL		ctl = {.keysize = sizeof(int64), .entrysize = sizeof(LoggedTable), .hcxt = CurrentMemoryContext};

	judge->tables = hash_create("paysafe logged tables", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	paysafe_store_scan(PAYSAFE_AUDIT_SHAPE, NULL, 0, NULL, visit_shape, judge);
	judge->holds = paysafe_hold_all();
	judge->sealed = paysafe_in_tree_begin();
	judge->keys = paysafe_audit_keys_begin(NULL);
	return judge;
}

LoggedTable *
paysafe_payload_table(PayloadJudge *judge, const Datum *values)
{
	int64		id = DatumGetInt64(values[ROW_SHAPE]);
	LoggedTable *table = hash_search(judge->tables, &id, HASH_FIND, NULL);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("paysafe.audit_shape lacks shape " INT64_FORMAT " of the audit log", id)));
	return table;
}

bool
paysafe_payload_is_gone(const bool *nulls)
{
	return nulls[ROW_NONCE];
}

const Hold *
paysafe_payload_hold(PayloadJudge *judge, const LoggedTable *table, const Datum *values, const bool *nulls)
{
	HeldRow		row = {
		.subject = table->subject,
		.encoding = table->encoding,
		.at = DatumGetTimestampTz(values[ROW_AT])
	};

	if (judge->holds == NIL)
		return NULL;
	if (!nulls[ROW_KEY])
	{
		struct varlena *key = PG_DETOAST_DATUM_PACKED(values[ROW_KEY]);

		row.key = VARDATA_ANY(key);
		row.keylen = VARSIZE_ANY_EXHDR(key);
	}
	if (!nulls[ROW_CONTEXT])
	{
		struct varlena *context = PG_DETOAST_DATUM_PACKED(values[ROW_CONTEXT]);

		row.context = VARDATA_ANY(context);
		row.contextlen = VARSIZE_ANY_EXHDR(context);
	}
	return paysafe_hold_of(judge->holds, &row);
}

void
paysafe_payload_check(PayloadJudge *judge, const LoggedTable *table, const Datum *values, const bool *nulls)
{
	uint64		xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID]));
	uint8		leaf[AUDIT_LEAF_LEN];
	uint8		hash[PAYSAFE_SHA256_LEN];
	StringInfoData payload;
	InTreeAnswer answer = SEALED_OTHERWISE;

	initStringInfo(&payload);
	if (!paysafe_audit_leaf_of_row(judge->keys, values, nulls, table->digest, &payload, leaf))
		memset(hash, 0, sizeof(hash));
	else
		paysafe_audit_leaf_hash_bytes(leaf, hash);
	if (paysafe_audit_leaf_check_of(hash) == DatumGetInt32(values[ROW_LEAF_CHECK]))
		answer = paysafe_in_tree_has(judge->sealed, xid, DatumGetInt32(values[ROW_SEQ]), hash);
	if (answer == SEALED_NOT_YET)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log is not sealed up to transaction " UINT64_FORMAT, xid),
				 errdetail("Payloads leave only where the tree has the leaves that prove them."),
				 errhint("Call paysafe.seal(), or wait for the sealer, and try again.")));
	if (answer == SEALED_OTHERWISE)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row %d of transaction " UINT64_FORMAT " of table \"%s\" is not what was sealed",
						DatumGetInt32(values[ROW_SEQ]), xid, table->table),
				 errdetail("It was changed beneath paysafe: its payload stays, as evidence.")));
}

void
paysafe_payload_remove(PayloadJudge *judge, Datum *values, bool *nulls, int64 removal)
{
	StringInfoData payload;
	uint8		digest[PAYSAFE_SHA256_LEN];

	initStringInfo(&payload);
	if (!paysafe_audit_leaf_payload(judge->keys, values, nulls, &payload))
		return;
	paysafe_crypto_sha256(payload.data, payload.len, digest);
	nulls[ROW_KEY] = nulls[ROW_AFTER] = nulls[ROW_BEFORE] = nulls[ROW_NONCE] = true;
	nulls[ROW_CONTEXT] = nulls[ROW_REMOVAL] = false;
	values[ROW_CONTEXT] = paysafe_argument_bytea(digest, PAYSAFE_SHA256_LEN);
	values[ROW_REMOVAL] = Int64GetDatum(removal);
}

void
paysafe_payload_keep_nonce(PayloadJudge *judge, Datum *values, const bool *nulls)
{
	struct varlena *stored;
	uint8		nonce[AUDIT_NONCE_LEN];

	if (nulls[ROW_NONCE])
		return;
	stored = PG_DETOAST_DATUM_PACKED(values[ROW_NONCE]);
	if (paysafe_audit_keys_nonce(judge->keys, (uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored),
								 U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
								 DatumGetInt32(values[ROW_SEQ]), nonce))
		values[ROW_NONCE] = paysafe_argument_bytea(nonce, AUDIT_NONCE_LEN);
}
