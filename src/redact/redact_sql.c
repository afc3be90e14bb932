/*-------------------------------------------------------------------------
 *
 * redact_sql.c
 *	  Card numbers and secrets taken out of text and jsonb, for SQL and for
 *	  whatever paysafe writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "redact/redact.h"
#include "redact/secret_name.h"
#include "redact/secret_text.h"

/* A piece of text, in whose memory it may be. */
typedef struct Piece
{
	const char *data;
	size_t		len;
} Piece;

/* A name in an object, and how often it was wanted again. */
typedef struct NameEntry
{
	Piece		name;
	int			uses;
} NameEntry;

/* An object or array that the walk is in. */
typedef struct Level
{
	struct Level *outer;
	Piece	   *names;			/* of an object, if any of them changes; or NULL */
	bool		labelled;		/* a member names a secret: "name": "cvv" */
	int			next;			/* the next of them */
	bool		list;			/* an array */
	bool		pair;			/* of two, within an array */
	int			elements;		/* of a pair, so far */
	bool		named;			/* the first of a pair is the name of a secret */
} Level;

static RedactEncoding
encoding(void)
{
	switch (GetDatabaseEncoding())
	{
		case PG_UTF8:
		case PG_SQL_ASCII:
			return REDACT_UTF8;
		case PG_EUC_JP:
		case PG_EUC_CN:
		case PG_EUC_KR:
		case PG_EUC_JIS_2004:
			return REDACT_EUC;
		case PG_EUC_TW:
		case PG_MULE_INTERNAL:
		case PG_KOI8R:
		case PG_KOI8U:
		case PG_WIN866:
			return REDACT_OTHER;
		default:
			return REDACT_LATIN;
	}
}

/* The same piece if there is nothing to redact, otherwise a new one. */
static Piece
redact_piece(Piece piece)
{
	RedactText	text = {.data = piece.data, .len = piece.len, .encoding = encoding()};
	size_t		size;
	char	   *buffer1;
	char	   *buffer2;
	const char *data;
	Piece		result;

	if (!paysafe_redact_is_suspicious(&text))
		return piece;
	/* a result that a value has no room for becomes the mark */
	size = Min(REDACT_BUFFER_SIZE(piece.len), MaxAllocSize - VARHDRSZ - 1);
	buffer1 = palloc(size);
	buffer2 = palloc(size);
	data = paysafe_redact_run(&text, buffer1, buffer2, size, &result.len);
	if (data == text.data)
		result = piece;
	else
		result.data = pnstrdup(data, result.len);
	pfree(buffer1);
	pfree(buffer2);
	return result;
}

char *
paysafe_redact_string(const char *string)
{
	Piece		piece;

	if (string == NULL)
		return NULL;
	piece = (Piece) {string, strlen(string)};
	return (char *) redact_piece(piece).data;
}

bool
paysafe_redact_string_has_card(const char *string)
{
	RedactText	text = {.data = string, .len = strlen(string), .encoding = encoding()};

	return paysafe_redact_has_card(&text);
}

/* Names of objects */

static uint32
hash_name(const void *key, Size size)
{
	const Piece *name = key;

	return hash_bytes((const unsigned char *) name->data, (int) name->len);
}

static int
compare_names(const void *a, const void *b, Size size)
{
	const Piece *na = a;
	const Piece *nb = b;

	return na->len == nb->len ? memcmp(na->data, nb->data, na->len) : 1;
}

/*
 * A name that no other one of the object has: with a number behind it, if what
 * is left of it is taken.
 */
static Piece
distinct_name(HTAB *taken, Piece name)
{
	static const Piece mark = {REDACT_MARK, REDACT_MARK_LEN};
	bool		found;
	NameEntry  *entry = hash_search(taken, &name, HASH_ENTER, &found);

	if (!found)
		entry->uses = 1;
	while (found)
	{
		Piece		numbered;
		Piece		again;

		numbered.data = psprintf("%.*s (%d)", (int) name.len, name.data, ++entry->uses);
		numbered.len = strlen(numbered.data);
		again = redact_piece(numbered);
		if (again.data != numbered.data)
		{
			/* it would not stay like this: give up what is left of the name */
			name = mark;
			entry = hash_search(taken, &name, HASH_ENTER, &found);
			if (!found)
			{
				entry->uses = 1;
				return name;
			}
			continue;
		}
		if (hash_search(taken, &numbered, HASH_FIND, NULL) == NULL)
		{
			((NameEntry *) hash_search(taken, &numbered, HASH_ENTER, NULL))->uses = 1;
			return numbered;
		}
	}
	return name;
}

/* The names of an object after redaction, in its order; NULL if none changes. */
static Piece *
object_names(JsonbContainer *object)
{
	int			n = JsonContainerSize(object);
	Piece	   *names = palloc(Max(n, 1) * sizeof(Piece));
	bool	   *changed = palloc0(Max(n, 1) * sizeof(bool));
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	v;
	JsonbIteratorToken token;
	int			i = 0;
	bool		any = false;
	HASHCTL		ctl = {0};
	HTAB	   *taken;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		names[i] = redact_piece((Piece) {v.val.string.val, v.val.string.len});
		changed[i] = names[i].data != v.val.string.val;
		any |= changed[i];
		i++;
	}
	if (!any)
	{
		pfree(names);
		pfree(changed);
		return NULL;
	}
	ctl.keysize = sizeof(Piece);
	ctl.entrysize = sizeof(NameEntry);
	ctl.hash = hash_name;
	ctl.match = compare_names;
	ctl.hcxt = CurrentMemoryContext;
	taken = hash_create("paysafe names", n, &ctl,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	for (i = 0; i < n; i++)
		if (!changed[i])
			((NameEntry *) hash_search(taken, &names[i], HASH_ENTER, NULL))->uses = 1;
	for (i = 0; i < n; i++)
		if (changed[i])
			names[i] = distinct_name(taken, names[i]);
	hash_destroy(taken);
	pfree(changed);
	return names;
}

/* Has the object a member that names another one, and names a secret? */
static bool
labels_secret(JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_KEY && paysafe_secret_name_is_label(v.val.string.val, v.val.string.len))
		{
			(void) JsonbIteratorNext(&it, &v, true);
			if (v.type == jbvString && paysafe_secret_text_is_name(v.val.string.val, v.val.string.len))
				return true;
		}
	return false;
}

/* Values */

static void
set_string(JsonbValue *v, const char *data, size_t len)
{
	v->type = jbvString;
	v->val.string.val = unconstify(char *, data);
	v->val.string.len = (int) len;
}

/* Redact a scalar; was there something? */
static bool
redact_scalar(JsonbValue *v)
{
	Piece		piece;
	Piece		clean;

	if (v->type == jbvString)
		piece = (Piece) {v->val.string.val, v->val.string.len};
	else if (v->type == jbvNumeric)
	{
		RedactText	text;

		/* a number has no name and no form of a secret */
		piece.data = DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(v->val.numeric)));
		piece.len = strlen(piece.data);
		text = (RedactText) {.data = piece.data, .len = piece.len, .encoding = REDACT_OTHER};
		if (!paysafe_redact_has_card(&text))
			return false;
	}
	else
		return false;
	clean = redact_piece(piece);
	if (clean.data == piece.data)
		return false;
	set_string(v, clean.data, clean.len);
	return true;
}

/* Replace the value of a secret name; was it something else? */
static bool
redact_secret(JsonbValue *v)
{
	bool		same = v->type == jbvString && v->val.string.len == REDACT_MARK_LEN &&
		memcmp(v->val.string.val, REDACT_MARK, REDACT_MARK_LEN) == 0;

	set_string(v, REDACT_MARK, REDACT_MARK_LEN);
	return !same;
}

/* [["password", "abc"]]: is it the second of two, of which the first is a secret's name? */
static bool
is_paired_secret(Level *level, const JsonbValue *v)
{
	if (!level->pair || ++level->elements > 1)
		return level->named;
	level->named = v->type == jbvString && paysafe_secret_text_is_name(v->val.string.val, v->val.string.len);
	return false;
}

/* At the beginning of an object or array. */
static Level *
enter(Level *outer, JsonbIteratorToken token, JsonbContainer *container, const JsonbValue *v)
{
	Level	   *level = palloc0(sizeof(Level));

	level->outer = outer;
	if (token == WJB_BEGIN_OBJECT)
	{
		level->names = object_names(container);
		level->labelled = labels_secret(container);
	}
	else
	{
		level->list = true;
		level->pair = v->val.array.nElems == 2 && outer != NULL && outer->list;
	}
	return level;
}

static Jsonb *
redact_jsonb(Jsonb *value)
{
	JsonbIterator *it = JsonbIteratorInit(&value->root);
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	JsonbValue	v;
	JsonbIteratorToken token;
	Level	   *level = NULL;
	bool		changed = false;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
			case WJB_BEGIN_ARRAY:
				level = enter(level, token, it->container, &v);
				changed |= level->names != NULL;
				/* the array that stands for a lone scalar says so */
				result = pushJsonbValue(&state, token,
										token == WJB_BEGIN_ARRAY && v.val.array.rawScalar ? &v : NULL);
				break;
			case WJB_END_OBJECT:
			case WJB_END_ARRAY:
				level = level->outer;
				result = pushJsonbValue(&state, token, NULL);
				break;
			case WJB_KEY:
				{
					bool		secret = paysafe_secret_text_is_name(v.val.string.val,
																	   v.val.string.len) ||
						(level->labelled && paysafe_secret_name_is_value(v.val.string.val, v.val.string.len));

					if (level->names != NULL)
					{
						Piece		name = level->names[level->next++];

						set_string(&v, name.data, name.len);
						secret |= paysafe_secret_text_is_name(name.data, name.len);
					}
					(void) pushJsonbValue(&state, token, &v);
					if (!secret)
						break;
					token = JsonbIteratorNext(&it, &v, true);
					changed |= redact_secret(&v);
					(void) pushJsonbValue(&state, token, &v);
					break;
				}
			case WJB_ELEM:
				if (is_paired_secret(level, &v))
				{
					changed |= redact_secret(&v);
					result = pushJsonbValue(&state, token, &v);
					break;
				}
				/* FALLTHROUGH */
			default:
				changed |= redact_scalar(&v);
				result = pushJsonbValue(&state, token, &v);
				break;
		}
	}
	return changed ? JsonbValueToJsonb(result) : value;
}

Datum
paysafe_redact_jsonb(Datum value)
{
	return JsonbPGetDatum(redact_jsonb(DatumGetJsonbP(value)));
}

static text *
redact_text(text *value)
{
	Piece		piece = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	Piece		clean = redact_piece(piece);

	return clean.data == piece.data ? value : cstring_to_text_with_len(clean.data, (int) clean.len);
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_redact);

/*
 * redact(text) returns text, redact(jsonb) returns jsonb: which of them is asked
 * once per statement.  Both have one name, and so one function.
 */
Datum
paysafe_redact(PG_FUNCTION_ARGS)
{
	Oid		   *type = fcinfo->flinfo->fn_extra;

	if (type == NULL)
	{
		Oid		   *types;
		int			ntypes;

		(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &ntypes);
		if (ntypes != 1)
			elog(ERROR, "%d types where one was expected", ntypes);
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Oid));
		*type = types[0];
		fcinfo->flinfo->fn_extra = type;
	}
	if (*type == JSONBOID)
		PG_RETURN_DATUM(paysafe_redact_jsonb(PG_GETARG_DATUM(0)));
	PG_RETURN_TEXT_P(redact_text(PG_GETARG_TEXT_PP(0)));
}

PG_FUNCTION_INFO_V1(paysafe_has_card_number);

/*
 * has_card_number(text) returns boolean
 */
Datum
paysafe_has_card_number(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	RedactText	text = {
		.data = VARDATA_ANY(value), .len = VARSIZE_ANY_EXHDR(value), .encoding = encoding()
	};

	PG_RETURN_BOOL(paysafe_redact_has_card(&text));
}
