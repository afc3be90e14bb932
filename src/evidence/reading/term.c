/*-------------------------------------------------------------------------
 *
 * term.c
 *	  What rows of the audit log are looked for by.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"

#include "evidence/audit_context.h"
#include "evidence/reading/term.h"

AuditTerm
paysafe_audit_term(AuditTermKind kind, const char *subject, const char *text)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) subject, strlen(subject), kind);

	return (AuditTerm)
	{
		kind, (uint32) hash_bytes_extended((const unsigned char *) text, strlen(text), hash)
	};
}

bool
paysafe_audit_term_of_row(AuditShapes *shapes, const Datum *values, const bool *nulls, AuditTerm *term)
{
	const char *subject;

	if (nulls[ROW_NONCE] || (nulls[ROW_KEY] && DatumGetChar(values[ROW_OP]) != AUDIT_ADD_COLUMN))
		return false;
	subject = paysafe_audit_shapes_get(shapes, DatumGetInt64(values[ROW_SHAPE]))->subject;
	*term = nulls[ROW_KEY] ? paysafe_audit_term(AUDIT_TERM_COLUMNS, subject, "") :
		paysafe_audit_term(AUDIT_TERM_ROW, subject, TextDatumGetCString(values[ROW_KEY]));
	return true;
}

bool
paysafe_audit_term_of_own(AuditShapes *shapes, const Datum *values, const bool *nulls, AuditTerm *term)
{
	static const char schema[] = "paysafe.";
	const char *subject = paysafe_audit_shapes_get(shapes, DatumGetInt64(values[ROW_SHAPE]))->subject;

	if (strncmp(subject, schema, strlen(schema)) != 0)
		return false;
	*term = paysafe_audit_term(AUDIT_TERM_OWN, subject, "");
	return true;
}

int
paysafe_audit_terms_of_context(const bytea *bytes, int encoding, AuditTerm *terms)
{
	AuditContextText context;
	int			n = 0;

	if (!paysafe_audit_context_read(bytes, encoding, &context))
		return 0;
	if (paysafe_audit_context_actor(&context) != NULL)
		terms[n++] = paysafe_audit_term(AUDIT_TERM_ACTOR, "", paysafe_audit_context_actor(&context));
	if (context.text[CONTEXT_REQUEST_ID] != NULL)
		terms[n++] = paysafe_audit_term(AUDIT_TERM_REQUEST, "", context.text[CONTEXT_REQUEST_ID]);
	if (context.text[CONTEXT_BUSINESS_ID] != NULL)
		terms[n++] = paysafe_audit_term(AUDIT_TERM_BUSINESS, "", context.text[CONTEXT_BUSINESS_ID]);
	return n;
}
