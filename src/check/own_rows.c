/*-------------------------------------------------------------------------
 *
 * own_rows.c
 *	  Rows of paysafe's own tables, as they are and as the audit log has them.
 *
 * The log has one image of each row: nothing changes it afterwards.  What stands for
 * something else in another database is left out (numbers of tables, of roles), and
 * what is set once later.  Tables that rows are about are in the log by name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/crypto.h"
#include "check/own_rows.h"
#include "check/reconcile_log.h"
#include "check/same_value.h"
#include "store/dumped.h"
#include "values/row_key.h"

/* Is it a number that means something in this database only? */
static bool
is_local_number(Oid typid)
{
	return typid == OIDOID || typid == OIDARRAYOID || typid == REGCLASSOID || typid == REGCLASSARRAYOID;
}

static bool
is_in(const RowKey *key, AttrNumber attnum)
{
	for (int i = 0; i < key->n; i++)
		if (key->attnums[i] == attnum)
			return true;
	return false;
}

/*
 * What rows are sorted by: the primary key without names of tables, but with the time
 * then; without a primary key, all of it, but of refusals the time.
 */
static void
choose_key(OwnTable *table, const RowKey *primary)
{
	TupleDesc	desc = RelationGetDescr(table->rel);
	bool		names = false;

	for (int i = 0; i < primary->n; i++)
		names |= is_local_number(TupleDescAttr(desc, primary->attnums[i] - 1)->atttypid);
	for (int i = 0; i < table->ncolumns; i++)
	{
		AttrNumber	attnum = table->shape->shape.columns[i].attnum;

		if (table->id == PAYSAFE_REFUSAL_RECORD)
			table->in_key[i] = attnum == table->at;
		else
			table->in_key[i] = table->compared[i] &&
				(primary->n == 0 || is_in(primary, attnum) || (names && attnum == table->at));
	}
}

static void
describe_columns(OwnTable *table)
{
	static const char *const times[] = {"at", "since", "created_at", "found_at"};
	static const char *const flags[] = {"iso", "builtin"};
	Oid			relid = RelationGetRelid(table->rel);

	for (int i = 0; i < (int) lengthof(times) && table->at == InvalidAttrNumber; i++)
		table->at = get_attnum(relid, times[i]);
	for (int i = 0; i < (int) lengthof(flags) && table->local == InvalidAttrNumber; i++)
		table->local = get_attnum(relid, flags[i]);
	for (int i = 0; i < table->ncolumns; i++)
	{
		const CanonColumn *column = &table->shape->shape.columns[i];
		Oid			typid = TupleDescAttr(RelationGetDescr(table->rel), column->attnum - 1)->atttypid;

		table->named[i] = typid == REGCLASSOID;
		table->compared[i] = !is_local_number(typid) &&
			!(table->id == PAYSAFE_ACCEPTED_ROW && strcmp(column->name, "ended_at") == 0);
	}
}

bool
paysafe_own_rows_compared(PaysafeTable id)
{
	/* what a dump has left there is on its way to its own table */
	if (id == PAYSAFE_DUMPED_ROW)
		return false;
	/* of refusals, whoever writes them sees to it */
	return id == PAYSAFE_REFUSAL_RECORD || paysafe_catalog_is_audited(id);
}

OwnTable *
paysafe_own_rows_open(PaysafeTable id)
{
	OwnTable   *table;
	RowKey		primary;

	if (!paysafe_own_rows_compared(id))
		return NULL;
	table = palloc0(sizeof(OwnTable));
	table->id = id;
	table->rel = table_open(paysafe_catalog_table(id), AccessShareLock);
	table->subject = psprintf("paysafe.%s", RelationGetRelationName(table->rel));
	table->shape = paysafe_audit_shape(table->rel, RelationGetRelid(table->rel), table->subject, NIL, NULL, 0);
	table->ncolumns = table->shape->shape.ncolumns;
	table->compared = palloc0(sizeof(bool) * table->ncolumns);
	table->in_key = palloc0(sizeof(bool) * table->ncolumns);
	table->named = palloc0(sizeof(bool) * table->ncolumns);
	table->by_name = paysafe_dumped_by_name(id);
	table->not_dumped = id == PAYSAFE_TEST_DATABASE || id == PAYSAFE_FIXTURE_BLOCK;
	table->emptied = id == PAYSAFE_BREACH_RECORD || id == PAYSAFE_ACCEPTED_ROW ||
		id == PAYSAFE_APPROVAL_RECORD || id == PAYSAFE_REJECTION_RECORD || id == PAYSAFE_REFUND_REQUEST ||
		id == PAYSAFE_REFUND_EVENT;
	table->expires = id == PAYSAFE_SIGNAL_RECORD || id == PAYSAFE_DECISION_RECORD || id == PAYSAFE_REFUSAL_RECORD;
	table->slot = table_slot_create(table->rel, NULL);
	describe_columns(table);
	primary.n = paysafe_row_key_columns(table->rel, &primary.attnums);
	choose_key(table, &primary);
	return table;
}

void
paysafe_own_rows_close(OwnTable *table)
{
	ExecDropSingleTupleTableSlot(table->slot);
	table_close(table->rel, NoLock);
}

static OwnRow *
new_row(const OwnTable *table)
{
	OwnRow	   *row = palloc(sizeof(OwnRow));

	row->bytes = palloc0(sizeof(CanonBytes) * table->ncolumns);
	row->types = palloc0(sizeof(CanonType *) * table->ncolumns);
	row->type_names = palloc0(sizeof(char *) * table->ncolumns);
	row->encoding = GetDatabaseEncoding();
	return row;
}

OwnRow *
paysafe_own_rows_stored(const OwnTable *table, TupleTableSlot *slot)
{
	OwnRow	   *row = new_row(table);
	StringInfoData image;

	initStringInfo(&image);
	paysafe_canon_row(&table->shape->shape, slot, &image);
	paysafe_canon_split(&table->shape->shape, image.data, image.len, NULL, 0, row->bytes);
	for (int i = 0; i < table->ncolumns; i++)
	{
		row->types[i] = table->shape->shape.columns[i].type;
		row->type_names[i] = table->shape->shape.columns[i].type_name;
	}
	return row;
}

OwnRow *
paysafe_own_rows_logged(const OwnTable *table, const AuditShapeRead *shape, const char *image, int len)
{
	OwnRow	   *row = new_row(table);
	CanonBytes *columns = palloc0(sizeof(CanonBytes) * Max(shape->shape->ncolumns, 1));

	paysafe_canon_split(shape->shape, image, len, NULL, 0, columns);
	row->encoding = shape->encoding;
	for (int i = 0; i < table->ncolumns; i++)
		for (int j = 0; j < shape->shape->ncolumns; j++)
			if (strcmp(table->shape->shape.columns[i].name, shape->shape->columns[j].name) == 0)
			{
				row->bytes[i] = columns[j];
				row->types[i] = shape->shape->columns[j].type;
				row->type_names[i] = shape->shape->columns[j].type_name;
			}
	return row;
}

TimestampTz
paysafe_own_rows_at(const OwnTable *table, const OwnRow *row, TimestampTz other)
{
	uint64		at;

	for (int i = 0; i < table->ncolumns; i++)
		if (table->shape->shape.columns[i].attnum == table->at && row->bytes[i].data != NULL &&
			row->bytes[i].len == sizeof(at))
		{
			memcpy(&at, row->bytes[i].data, sizeof(at));
			return (TimestampTz) pg_ntoh64(at);
		}
	return other;
}

char *
paysafe_own_rows_key(const OwnTable *table, const OwnRow *row)
{
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->in_key[i])
			paysafe_row_key_append(&text, n++, row->types[i] == NULL ? "" :
								   paysafe_reconcile_log_text(row->types[i], row->encoding, &row->bytes[i]));
	return text.data;
}

void
paysafe_own_rows_digest(const OwnTable *table, const OwnRow *row, StringInfo out)
{
	StringInfoData bytes;
	uint8		digest[OWN_DIGEST_LEN];

	initStringInfo(&bytes);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->compared[i])
			paysafe_canon_put_field(&bytes, row->bytes[i].data, row->bytes[i].len);
	paysafe_crypto_sha256(bytes.data, bytes.len, digest);
	appendBinaryStringInfo(out, (char *) digest, sizeof(digest));
	for (int i = 0; i < table->ncolumns; i++)
		if (table->named[i])
			paysafe_canon_put_field(out, row->bytes[i].data, row->bytes[i].len);
}

bool
paysafe_own_rows_next_name(const char **pos, const char *end, char **name)
{
	const char *data;
	int			len;

	if (!paysafe_canon_get_field(pos, end, &data, &len))
		return false;
	*name = data == NULL ? NULL : pnstrdup(data, len);
	return true;
}

const char *
paysafe_own_rows_difference(const OwnTable *table, const OwnRow *logged, const OwnRow *stored)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		CanonValue	one = {logged->types[i], logged->type_names[i], logged->encoding, logged->bytes[i]};
		CanonValue	other = {stored->types[i], stored->type_names[i], stored->encoding, stored->bytes[i]};

		if (table->compared[i] && logged->types[i] != NULL && !paysafe_same_value(&one, &other))
			return table->shape->shape.columns[i].name;
	}
	return NULL;
}
