/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Who acts, shown by a signed token.
 *
 * A token is taken if a live key of its issuer has signed it, with the algorithm that
 * the key has and the token names, for this database, for now, and not more often than
 * its issuer lets.  Which of these was missing stands in the record of refusals only:
 * who presents a token is told that it is not accepted, and nothing else.  No byte of a
 * token that was not verified gets into a message or a record.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/string.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/crypto.h"
#include "base/refusal.h"
#include "base/statement.h"
#include "compat.h"
#include "identity/issuer.h"
#include "identity/token_use.h"
#include "people/actor.h"
#include "people/tried.h"
#include "token/claims.h"
#include "token/jws.h"

#define SHORTEST_SECRET	24		/* characters that no word of a statement has by chance */
#define USE_KEPT		(10 * SECS_PER_MINUTE)	/* after the token's end; more than any leeway */

/* A token, as far as it has come. */
typedef struct Presented
{
	uint8		buffer[TOKEN_JWS_MAX];
	TokenJws	jws;
	TokenClaims claims;
	const Issuer *issuer;		/* NULL: not known */
	const TokenKey *key;		/* the same */
	bool		genuine;		/* the signature has been verified */
	char	   *actor;
} Presented;

/* On record with the reason, raised without. */
static PAYSAFE_NORETURN void
refuse(const Presented *token, const char *why)
{
	paysafe_refuse(&(Refusal)
				   {
					   .sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
					   .rule = "token",
					   .schema_name = "paysafe",
					   .table_name = "token_key",
					   .key = token->key ? psprintf("%s %s", token->issuer->name, token->key->kid) :
					   token->issuer ? token->issuer->name : NULL,
					   .statement = "act_as_token",
					   .outside = !token->genuine,
					   .message = "the token is not accepted",
					   .recorded = psprintf("a token is not accepted: %s", why),
					   .hint = "paysafe.refusal_log says why. Get a new one from who issues it."
				   });
}

/*
 * Somebody tries to pass for somebody else: that counts.  A clock that goes wrong, and a token that is over or has been used, or
 * whose key is over or revoked, are no such attempt: clients go on for a while with those that they have.  It counts as the issuer's: whom a token is about is anybody's word as long as it is not verified, and of
 * words there are as many as the table of counters has places.
 */
static PAYSAFE_NORETURN void
refuse_attempt(const Presented *token, const char *why)
{
	(void) paysafe_tried("token", token->issuer ? token->issuer->name : NULL, true);
	refuse(token, why);
}

/* UTF-8 in the database's encoding; NULL if it has not all of the characters. */
static char *
to_server(const char *utf8)
{
	int			len = (int) strlen(utf8);
	int			room = len * MAX_CONVERSION_GROWTH + 1;
	char	   *out;
	Oid			proc;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII ||
		pg_is_ascii(utf8))
		return pstrdup(utf8);
	proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(proc))
		return NULL;
	out = palloc(room);
	return pg_do_encoding_conversion_buf(proc, PG_UTF8, GetDatabaseEncoding(),
										 (unsigned char *) utf8, len,
										 (unsigned char *) out, room, true) == len ? out : NULL;
}

static void
find_key(Presented *token)
{
	char	   *issuer = to_server(token->claims.issuer);
	ListCell   *lc;

	token->issuer = issuer != NULL ? paysafe_issuer_find(issuer) : NULL;
	if (token->issuer == NULL)
		refuse_attempt(token, "its issuer is not known");
	foreach(lc, token->issuer->keys)
		if (strcmp(((TokenKey *) lfirst(lc))->kid, token->jws.kid) == 0)
			token->key = lfirst(lc);
	if (token->key == NULL)
		refuse_attempt(token, token->jws.kid[0] == '\0' ? "it names no key" : "its issuer has no such key");
}

/* Is the key one that signs now, and was it this one? */
static void
check_key(Presented *token, TimestampTz now)
{
	const TokenKey *key = token->key;

	if (strcmp(token->jws.algorithm, key->algorithm) != 0)
		refuse_attempt(token, "its algorithm is not that of the key");
	if (key->revoked)
		refuse(token, "its key is revoked");
	if (now < key->not_before || now >= key->not_after)
		refuse(token, now < key->not_before ? "its key is not in force yet" : "the time of its key is over");
	if (key->key == NULL)
		refuse(token, "its key cannot be read");
	if (paysafe_signature_key_algorithm(key->key) == SIGNATURE_HS256 && !token->issuer->terms.shared_secrets)
		refuse(token, "its issuer may not sign with a shared secret");
	token->genuine = paysafe_signature_verify(key->key, token->jws.signed_part.at, token->jws.signed_part.len,
											  token->jws.signature.at, token->jws.signature.len, SIGNATURE_RAW);
	if (!token->genuine)
		refuse_attempt(token, "its signature is not genuine");
}

static bool
is_for_us(const Presented *token)
{
	ListCell   *lc;

	foreach(lc, token->issuer->terms.audience)
	{
		const char *audience = lfirst(lc);

		if (token_claims_is_for(&token->claims,
								pg_server_to_any(audience, (int) strlen(audience), PG_UTF8)))
			return true;
	}
	return false;
}

/* What a genuine token says: for whom, when, about whom. */
static void
check_claims(Presented *token, TimestampTz now)
{
	const IssuerTerms *terms = &token->issuer->terms;
	int64		epoch = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY;
	const char *why;

	if (terms->audience == NIL)
		refuse(token, "its issuer is revoked");
	if (!is_for_us(token))
		refuse_attempt(token, "it is for another audience");
	why = token_claims_untimely(&token->claims, now / USECS_PER_SEC + epoch, terms->leeway, terms->max_age);
	if (why != NULL)
		refuse(token, why);
	token->actor = to_server(token->claims.subject);
	if (token->actor == NULL || !paysafe_actor_is_name(token->actor))
		refuse_attempt(token, "its subject is no name that an actor can have");
	if (terms->single_use && token->claims.id[0] == '\0')
		refuse_attempt(token, "it has no \"jti\", and its issuer's tokens are used once");
	if (paysafe_tried("token", token->issuer->name, false) == TRIED_LOCKED_OUT)
		refuse(token, "too many from this address have failed");
	if (!terms->single_use)
		return;
	if (!paysafe_token_use_once(TOKEN_USE_TOKEN, token->issuer->name, token->claims.id,
								(token->claims.expires - epoch + USE_KEPT) * USECS_PER_SEC,
								"paysafe.act_as_token() with a token that is used once"))
		refuse(token, "it has been used");
}

/* A part of a statement's text that may be a token is not shown with it. */
static void
hide_literal(const char *text)
{
	if (strlen(text) >= SHORTEST_SECRET)
		(void) paysafe_statement_hide(text, "SELECT paysafe.act_as_token(...)");
}

/* SQL-callable functions */

PG_FUNCTION_INFO_V1(paysafe_act_as_token);

/*
 * act_as_token(token, reason, ticket, request_id, business_id) returns text: the actor
 */
Datum
paysafe_act_as_token(PG_FUNCTION_ARGS)
{
	Presented  *token = palloc0(sizeof(Presented));
	TimestampTz now = GetCurrentTimestamp();
	const char *why;
	char	   *given;
	ActorProof	proof;

	paysafe_argument_required(fcinfo, 0, "token");
	given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	hide_literal(given);
	if (!token_jws_read((TokenText) {(uint8 *) given, strlen(given)}, token->buffer, &token->jws, &why) ||
		!token_claims_read(token->jws.payload, &token->claims, &why))
		refuse_attempt(token, why);
	find_key(token);
	check_key(token, now);
	check_claims(token, now);
	proof = (ActorProof)
	{
		.issuer = token->issuer->name,
		.subject = token->actor,
		.token_id = token->claims.id[0] != '\0' ? to_server(token->claims.id) : NULL,
		.key_id = token->key->kid
	};
	paysafe_actor_declare(fcinfo, "paysafe.act_as_token", token->actor, &proof);
	paysafe_crypto_cleanse(given, strlen(given));
	PG_RETURN_TEXT_P(cstring_to_text(token->actor));
}
