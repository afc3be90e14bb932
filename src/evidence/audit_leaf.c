/*-------------------------------------------------------------------------
 *
 * audit_leaf.c
 *	  Rows of the audit log as leaves of the tree that seals it.
 *
 *	payload = nonce || for key, context, after, before:
 *			  length (4 bytes, big endian; FFFFFFFF: absent) || bytes ||
 *			  zero bytes up to a multiple of four
 *	leaf	= 01 || xid (8) || command (4) || seq (4) ||
 *			  at (8, microseconds since 2000) || op (1) || digest of the shape (32) || SHA-256(payload)
 *	leaf_hash = SHA-256(00 || leaf)
 *
 * so that a payload can be removed later, with its nonce, while the leaf and
 * every proof about it stay.  Where it has been removed, SHA-256(payload) stands
 * in the column "context".  The prefix 00 is RFC 6962's for leaves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "evidence/audit_leaf.h"

#define NULL_LENGTH		0xFFFFFFFF

/* Leave room for a length, remember where. */
int
paysafe_audit_leaf_begin_field(StringInfo payload)
{
	int			start = payload->len;

	enlargeStringInfo(payload, 8);
	payload->len += sizeof(uint32);
	return start;
}

void
paysafe_audit_leaf_end_field(StringInfo payload, int start)
{
	uint32		length = pg_hton32(payload->len - start - sizeof(uint32));

	memcpy(payload->data + start, &length, sizeof(length));
	enlargeStringInfo(payload, 4);
	while (payload->len % 4 != 0)
		payload->data[payload->len++] = 0;
}

int
paysafe_audit_leaf_null_field(StringInfo payload)
{
	uint32		length = NULL_LENGTH;

	appendBinaryStringInfo(payload, (char *) &length, sizeof(length));
	return -1;
}

void
paysafe_audit_leaf_form(const AuditLeaf *leaf, const uint8 *payload_digest, uint8 *out)
{
	uint64		xid = pg_hton64(leaf->xid);
	uint32		command = pg_hton32(leaf->command);
	uint32		seq = pg_hton32(leaf->seq);
	uint64		at = pg_hton64(leaf->at);
	uint8	   *p = out;

	*p++ = AUDIT_LEAF;
	p = (uint8 *) memcpy(p, &xid, 8) + 8;
	p = (uint8 *) memcpy(p, &command, 4) + 4;
	p = (uint8 *) memcpy(p, &seq, 4) + 4;
	p = (uint8 *) memcpy(p, &at, 8) + 8;
	*p++ = leaf->op;
	p = (uint8 *) memcpy(p, leaf->shape_digest, PAYSAFE_SHA256_LEN) + PAYSAFE_SHA256_LEN;
	memcpy(p, payload_digest, PAYSAFE_SHA256_LEN);
}

void
paysafe_audit_leaf_hash_bytes(const uint8 *leaf, uint8 *out)
{
	uint8		prefixed[1 + AUDIT_LEAF_LEN];

	prefixed[0] = 0;
	memcpy(prefixed + 1, leaf, AUDIT_LEAF_LEN);
	paysafe_crypto_sha256(prefixed, sizeof(prefixed), out);
}

bool
paysafe_audit_leaf_payload(const Datum *values, const bool *nulls, StringInfo payload)
{
	struct varlena *bytes;

	resetStringInfo(payload);
	if (nulls[ROW_NONCE])
		return false;
	bytes = PG_DETOAST_DATUM_PACKED(values[ROW_NONCE]);
	appendBinaryStringInfo(payload, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	for (int i = ROW_KEY; i <= ROW_BEFORE; i++)
	{
		int			start;

		if (nulls[i])
		{
			(void) paysafe_audit_leaf_null_field(payload);
			continue;
		}
		start = paysafe_audit_leaf_begin_field(payload);
		bytes = PG_DETOAST_DATUM_PACKED(values[i]);
		appendBinaryStringInfo(payload, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
		if ((Pointer) bytes != DatumGetPointer(values[i]))
			pfree(bytes);
		paysafe_audit_leaf_end_field(payload, start);
	}
	return true;
}

bool
paysafe_audit_leaf_of_row(const Datum *values, const bool *nulls, const uint8 *shape_digest,
						  StringInfo payload, uint8 *out)
{
	uint8		digest[PAYSAFE_SHA256_LEN];
	AuditLeaf	leaf = {
		.xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
		.command = DatumGetInt32(values[ROW_COMMAND]),
		.seq = DatumGetInt32(values[ROW_SEQ]),
		.at = DatumGetTimestampTz(values[ROW_AT]),
		.op = DatumGetChar(values[ROW_OP]),
		.shape_digest = shape_digest
	};

	if (paysafe_audit_leaf_payload(values, nulls, payload))
		paysafe_crypto_sha256(payload->data, payload->len, digest);
	else
	{
		struct varlena *bytes;

		if (nulls[ROW_CONTEXT])
			return false;
		bytes = PG_DETOAST_DATUM_PACKED(values[ROW_CONTEXT]);
		if (VARSIZE_ANY_EXHDR(bytes) != PAYSAFE_SHA256_LEN)
			return false;
		memcpy(digest, VARDATA_ANY(bytes), PAYSAFE_SHA256_LEN);
	}
	paysafe_audit_leaf_form(&leaf, digest, out);
	return true;
}
