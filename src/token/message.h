/*-------------------------------------------------------------------------
 *
 * message.h
 *	  What a signature of a request is of: HTTP Message Signatures, RFC 9421.
 *
 * A signature names what it covers, and the bytes that are signed are made of that anew,
 * from the request as it came.  Refused, rather than guessed: whatever is named twice, is
 * not there, or can be read in two ways; what belongs to answers (@status, "req") or to
 * trailers ("tr"); and the forms of a field that depend on knowing its type ("sf"), or
 * that nobody needs who has no lines that cannot be joined ("bs").
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKEN_MESSAGE_H
#define TOKEN_MESSAGE_H

#include "token/structured.h"

#define TOKEN_MESSAGE_BASE_MAX	65536	/* bytes that are signed */
#define TOKEN_MESSAGE_COMPONENTS	48	/* that one signature names */
#define TOKEN_MESSAGE_TEXT_MAX	255 /* of nonce, keyid, alg and tag */
#define TOKEN_MESSAGE_NO_TIME	INT64_MIN

/* A line of the header; the name in any case. */
typedef struct TokenHeader
{
	TokenText	name;
	TokenText	value;
} TokenHeader;

typedef struct TokenRequest
{
	TokenText	method;
	TokenText	path;			/* as it came, escapes and all */
	TokenText	query;			/* without the question mark */
	bool		has_query;
	TokenText	scheme;			/* in small letters */
	TokenText	authority;		/* as Host has it */
	const TokenHeader *headers;
	int			nheaders;
} TokenRequest;

/* A signature as it is announced; texts are NULL and empty where they are not there. */
typedef struct TokenSignatureInput
{
	const TokenField *field;
	const TokenFieldMember *member;
	int64_t		created;		/* seconds since 1970, or TOKEN_MESSAGE_NO_TIME */
	int64_t		expires;
	TokenText	keyid;
	TokenText	nonce;
	TokenText	algorithm;
	TokenText	tag;
} TokenSignatureInput;

/* Is it a request that can be signed?  false, and *why: no. */
extern bool token_message_check(const TokenRequest *request, const char **why);

/*
 * The lines of this name (in small letters) as one value, joined as RFC 9110 has it, without
 * blanks around them.  false, and *why: there is none, or something is in it that no
 * field has: bytes that are no printable ASCII, and so no folded lines either.
 */
extern bool token_message_field(const TokenRequest *request, TokenText name, TokenWriter *out,
								const char **why);

/*
 * What a member of Signature-Input says.  The field must outlive it.  false, and *why: it
 * says nothing that can be verified here.
 */
extern bool token_message_input(const TokenField *field, const TokenFieldMember *member,
								TokenSignatureInput *out, const char **why);

/*
 * Does it cover this component ("@path", "content-type"), by itself or as part of another
 * one ("@target-uri", "@request-target")?  A part of a field is not the field.
 */
extern bool token_message_covers(const TokenSignatureInput *input, const char *component);

/* Is it the name of a component that a signature can be asked to cover? */
extern bool token_message_is_component(TokenText name);

/* The bytes that are signed; out has TOKEN_MESSAGE_BASE_MAX bytes.  false, and *why: there are none. */
extern bool token_message_base(const TokenSignatureInput *input, const TokenRequest *request,
							   TokenWriter *out, const char **why);

#endif							/* TOKEN_MESSAGE_H */
