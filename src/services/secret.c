/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  Secrets at rest: sealed values, blind indexes, keys, Fernet tokens.
 *
 * rules/secret.c keeps anything but sealed values out of secret columns; here are
 * the functions that make and open them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/statement.h"
#include "compat.h"
#include "engine/rule.h"
#include "errors.h"
#include "rules/secret.h"
#include "store/catalog.h"
#include "values/row_key.h"
#include "vault/fernet.h"
#include "vault/keyring.h"
#include "vault/master_key.h"

#define KEY_MAX			10000	/* bytes of a row's key */
#define MAX_ROWS		100000	/* of one call of reencrypt */
#define FERNET_SKEW		60		/* seconds that a token's clock may be ahead */

/* Relation, column and key of the functions that seal and open. */
typedef struct Place
{
	char	   *label;
	char	   *column;
	char	   *key;
} Place;

static void
read_place(FunctionCallInfo fcinfo, Place *place)
{
	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "column");
	place->column = NameStr(*PG_GETARG_NAME(1));
	place->key = paysafe_argument_text(fcinfo, 2, "key", KEY_MAX);
	place->label = paysafe_secret_label(PG_GETARG_OID(0), place->column);
	place->key = paysafe_row_key_normalize(PG_GETARG_OID(0), place->key);
}

/* Text is sealed in UTF-8, so that a copy of another encoding has the same. */
static char *
to_utf8(char *text)
{
	return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

/* SQL-callable functions: sealing and opening */

PG_FUNCTION_INFO_V1(paysafe_encrypt);

/*
 * encrypt(relation regclass, "column" name, key text, value bytea) returns bytea
 */
Datum
paysafe_encrypt(PG_FUNCTION_ARGS)
{
	Place		place;
	bytea	   *value;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	read_place(fcinfo, &place);
	value = PG_GETARG_BYTEA_PP(3);
	PG_RETURN_BYTEA_P(paysafe_secret_seal(place.label, place.column, place.key,
										  VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

PG_FUNCTION_INFO_V1(paysafe_encrypt_text);

/*
 * encrypt_text(relation regclass, "column" name, key text, value text) returns bytea
 */
Datum
paysafe_encrypt_text(PG_FUNCTION_ARGS)
{
	Place		place;
	char	   *value;
	char	   *utf8;
	bytea	   *sealed;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	value = text_to_cstring(PG_GETARG_TEXT_PP(3));
	paysafe_statement_forbid_literal(value, "value");
	read_place(fcinfo, &place);
	utf8 = to_utf8(value);
	sealed = paysafe_secret_seal(place.label, place.column, place.key, utf8, strlen(utf8));
	paysafe_crypto_cleanse(value, strlen(value));
	if (utf8 != value)
		paysafe_crypto_cleanse(utf8, strlen(utf8));
	PG_RETURN_BYTEA_P(sealed);
}

PG_FUNCTION_INFO_V1(paysafe_decrypt);

/*
 * decrypt(relation regclass, "column" name, key text, sealed bytea) returns bytea
 */
Datum
paysafe_decrypt(PG_FUNCTION_ARGS)
{
	Place		place;
	bytea	   *sealed;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	read_place(fcinfo, &place);
	sealed = PG_GETARG_BYTEA_PP(3);
	PG_RETURN_BYTEA_P(paysafe_secret_open(place.label, place.column, place.key,
										  VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed)));
}

PG_FUNCTION_INFO_V1(paysafe_decrypt_text);

/*
 * decrypt_text(relation regclass, "column" name, key text, sealed bytea) returns text
 */
Datum
paysafe_decrypt_text(PG_FUNCTION_ARGS)
{
	Place		place;
	bytea	   *sealed;
	bytea	   *plain;
	char	   *text;
	size_t		len;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	read_place(fcinfo, &place);
	sealed = PG_GETARG_BYTEA_PP(3);
	plain = paysafe_secret_open(place.label, place.column, place.key,
								VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));
	len = VARSIZE_ANY_EXHDR(plain);
	/* without the bytes in the message, as the server's own has them */
	if (!pg_verify_mbstr(PG_UTF8, VARDATA_ANY(plain), (int) len, true))
		ereport(ERROR,
				(errcode(ERRCODE_23K01_SEALED),
				 errmsg("the sealed value is no text"),
				 errhint("Open it with paysafe.decrypt.")));
	text = pnstrdup(VARDATA_ANY(plain), len);
	paysafe_crypto_cleanse(VARDATA_ANY(plain), len);
	PG_RETURN_TEXT_P(cstring_to_text(pg_any_to_server(text, (int) len, PG_UTF8)));
}

PG_FUNCTION_INFO_V1(paysafe_blind_index);

/*
 * blind_index(relation regclass, "column" name, value text) returns bytea
 */
Datum
paysafe_blind_index(PG_FUNCTION_ARGS)
{
	StringInfoData all;
	bytea	   *digest;
	char	   *value;
	char	   *column;

	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	value = text_to_cstring(PG_GETARG_TEXT_PP(2));
	paysafe_statement_forbid_literal(value, "value");
	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "column");
	column = NameStr(*PG_GETARG_NAME(1));
	initStringInfo(&all);
	paysafe_argument_append(&all, paysafe_secret_label(PG_GETARG_OID(0), column));
	paysafe_argument_append(&all, column);
	appendStringInfoString(&all, to_utf8(value));
	digest = palloc(VARHDRSZ + PAYSAFE_SHA256_LEN);
	SET_VARSIZE(digest, VARHDRSZ + PAYSAFE_SHA256_LEN);
	paysafe_keyring_mac("blind index", all.data, all.len, (uint8 *) VARDATA(digest));
	paysafe_crypto_cleanse(all.data, all.len);
	paysafe_crypto_cleanse(value, strlen(value));
	PG_RETURN_BYTEA_P(digest);
}

/* SQL-callable functions: keys */

PG_FUNCTION_INFO_V1(paysafe_rotate_data_key);

/*
 * rotate_data_key(despite_missing boolean) returns int
 */
Datum
paysafe_rotate_data_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(paysafe_keyring_rotate(PG_GETARG_BOOL(0)));
}

PG_FUNCTION_INFO_V1(paysafe_rewrap_data_keys);

/*
 * rewrap_data_keys() returns int
 */
Datum
paysafe_rewrap_data_keys(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(paysafe_keyring_rewrap());
}

PG_FUNCTION_INFO_V1(paysafe_sealed_by);

/*
 * sealed_by(sealed bytea) returns int: number of the data key, or NULL
 */
Datum
paysafe_sealed_by(PG_FUNCTION_ARGS)
{
	bytea	   *sealed = PG_GETARG_BYTEA_PP(0);
	int			number = paysafe_keyring_sealed_by(VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));

	if (number < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(number);
}

/* Seal one row's value anew; the row is locked. */
static void
reencrypt_row(Oid leaf, ItemPointer tid, const char *label, const char *column)
{
	Relation	rel = table_open(leaf, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	RelationRules *rules = paysafe_rules_of(rel);
	AttrNumber	attnum = paysafe_catalog_column(rel, column);
	bool		isnull;
	bytea	   *sealed;
	bytea	   *plain;
	char	   *key;
	char	   *sql;
	Oid			types[2] = {BYTEAOID, TIDOID};
	Datum		values[2];

	if (!table_tuple_fetch_row_version(rel, tid, GetActiveSnapshot(), slot) || rules == NULL)
		elog(ERROR, "row to be sealed anew is gone");
	key = paysafe_row_key_text(&rules->key, RelationGetDescr(rel), slot);
	sealed = DatumGetByteaPP(slot_getattr(slot, attnum, &isnull));
	plain = paysafe_secret_open(label, column, key, VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed));
	values[0] = PointerGetDatum(paysafe_secret_seal(label, column, key,
													VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)));
	paysafe_crypto_cleanse(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	values[1] = PointerGetDatum(tid);
	sql = psprintf("UPDATE ONLY %s SET %s = $1 WHERE ctid OPERATOR(pg_catalog.=) $2",
				   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											  RelationGetRelationName(rel)),
				   quote_identifier(column));
	if (SPI_execute_with_args(sql, 2, types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not seal a row anew");
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

PG_FUNCTION_INFO_V1(paysafe_reencrypt);

/*
 * reencrypt(relation regclass, "column" name, "limit" int) returns int: how many rows
 *
 * Rows that somebody else has locked are left for the next call.
 */
Datum
paysafe_reencrypt(PG_FUNCTION_ARGS)
{
	int			limit = paysafe_argument_int(fcinfo, 2, "limit", 1, MAX_ROWS);
	Oid			relation;
	char	   *column;
	char	   *label;
	char	   *sql;
	int			nrows;
	SPITupleTable *rows;

	paysafe_argument_required(fcinfo, 0, "relation");
	paysafe_argument_required(fcinfo, 1, "column");
	relation = PG_GETARG_OID(0);
	column = NameStr(*PG_GETARG_NAME(1));
	label = paysafe_secret_label(relation, column);
	SPI_connect();
	/* whoever calls it needs the privileges that the same in SQL would */
	sql = psprintf("SELECT tableoid, ctid FROM %s WHERE paysafe.sealed_by(%s) OPERATOR(pg_catalog.<>) %d LIMIT %d FOR NO KEY UPDATE SKIP LOCKED",
				   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
											  get_rel_name(relation)),
				   quote_identifier(column), paysafe_keyring_current(), limit);
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for rows to seal anew");
	nrows = (int) SPI_processed;
	rows = SPI_tuptable;
	for (int i = 0; i < nrows; i++)
	{
		bool		isnull;
		Oid			leaf = DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));
		ItemPointer tid = (ItemPointer)
			DatumGetPointer(SPI_getbinval(rows->vals[i], rows->tupdesc, 2, &isnull));

		PushActiveSnapshot(GetLatestSnapshot());
		reencrypt_row(leaf, tid, label, column);
		PopActiveSnapshot();
	}
	SPI_finish();
	PG_RETURN_INT32(nrows);
}

/* SQL-callable functions: Fernet */

static PAYSAFE_NORETURN void
no_token(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_23K01_SEALED),
			 errmsg("the token was not made by this key, or is not valid any more"),
			 detail ? errdetail("%s", detail) : 0));
	pg_unreachable();
}

PG_FUNCTION_INFO_V1(paysafe_fernet_decrypt);

/*
 * fernet_decrypt(token text, key_name text, max_age interval, at timestamptz) returns bytea
 */
Datum
paysafe_fernet_decrypt(PG_FUNCTION_ARGS)
{
	char	   *given;
	size_t		len;
	uint8	   *bytes;
	char	   *name;
	uint8		key[FERNET_KEY_LEN];
	uint8		hmac[PAYSAFE_SHA256_LEN];
	FernetToken token;
	int64		at;
	bytea	   *plain;
	size_t		plainlen = 0;
	bool		good;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	name = paysafe_argument_name(fcinfo, 1, "key_name");
	if (!paysafe_master_key_fernet(name, key))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("paysafe has no key of Fernet tokens with this name"),
				 errhint("Add a line to the file that paysafe.key_file names, fernet NAME:KEY, and restart the server.")));
	len = strlen(given);
	bytes = palloc(len + 1);
	good = paysafe_fernet_parse(given, len, bytes, &token);
	if (good)
	{
		/* the first half of the key signs, the other one encrypts */
		paysafe_crypto_hmac_sha256(key, FERNET_KEY_LEN / 2, bytes, token.hmac - bytes, hmac);
		good = paysafe_crypto_equal(hmac, token.hmac, sizeof(hmac));
	}
	plain = palloc(VARHDRSZ + len);
	good = good && paysafe_crypto_cbc128_decrypt(key + FERNET_KEY_LEN / 2, token.iv, token.cipher,
												 token.cipherlen, (uint8 *) VARDATA(plain), &plainlen);
	paysafe_crypto_cleanse(key, sizeof(key));
	if (!good)
		no_token(NULL);
	SET_VARSIZE(plain, VARHDRSZ + plainlen);
	at = timestamptz_to_time_t(PG_ARGISNULL(3) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(3));
	if (!PG_ARGISNULL(2))
	{
		int64		age = paysafe_argument_period(fcinfo, 2, "max_age") / USECS_PER_SEC;

		if (token.time > (uint64) Max(at + FERNET_SKEW, 0))
			no_token("It says that it was made in the future.");
		if ((int64) token.time + age < at)
			no_token("It is too old.");
	}
	PG_RETURN_BYTEA_P(plain);
}
