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
 * The nonce is stored where it was drawn, and derived where it was derived (audit_key.c).
 * Of the leaf hash a row has a few bits, leaf_check: enough to see that it was changed
 * before it was sealed.  Once it is, the tree has all of it.
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

int32
paysafe_audit_leaf_check_of(const uint8 *leaf_hash)
{
	uint32		bits;

	/* not all 32, so that it has no sign: in a dump that would be one more byte */
	memcpy(&bits, leaf_hash, sizeof(bits));
	return (int32) (pg_ntoh32(bits) >> 4);
}

bool
paysafe_audit_leaf_payload(AuditKeys *keys, const Datum *values, const bool *nulls,
						   StringInfo payload)
{
	static const int fields[] = {ROW_KEY, ROW_CONTEXT, ROW_AFTER, ROW_BEFORE};
	struct varlena *bytes;
	uint8		nonce[AUDIT_NONCE_LEN];

	resetStringInfo(payload);
	if (nulls[ROW_NONCE])
		return false;
	bytes = PG_DETOAST_DATUM_PACKED(values[ROW_NONCE]);
	if (!paysafe_audit_keys_nonce(keys, (uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
								  U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
								  DatumGetInt32(values[ROW_SEQ]), nonce))
		return false;
	appendBinaryStringInfo(payload, (char *) nonce, sizeof(nonce));
	for (int field = 0; field < (int) lengthof(fields); field++)
	{
		int			i = fields[field];
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

/* SHA-256 of the payload: computed, or as it was left; false if neither can be had. */
static bool
payload_digest(AuditKeys *keys, const Datum *values, const bool *nulls, StringInfo payload, uint8 *out)
{
	struct varlena *bytes;

	if (paysafe_audit_leaf_payload(keys, values, nulls, payload))
	{
		paysafe_crypto_sha256(payload->data, payload->len, out);
		return true;
	}
	if (!nulls[ROW_NONCE] || nulls[ROW_CONTEXT])
		return false;
	bytes = PG_DETOAST_DATUM_PACKED(values[ROW_CONTEXT]);
	if (VARSIZE_ANY_EXHDR(bytes) != PAYSAFE_SHA256_LEN)
		return false;
	memcpy(out, VARDATA_ANY(bytes), PAYSAFE_SHA256_LEN);
	return true;
}

bool
paysafe_audit_leaf_of_row(AuditKeys *keys, const Datum *values, const bool *nulls,
						  const uint8 *shape_digest, StringInfo payload, uint8 *out)
{
	static const uint8 unknown[PAYSAFE_SHA256_LEN] = {0};
	uint8		digest[PAYSAFE_SHA256_LEN] = {0};
	bool		whole = payload_digest(keys, values, nulls, payload, digest);
	AuditLeaf	leaf = {
		.xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[ROW_XID])),
		.command = DatumGetInt32(values[ROW_COMMAND]),
		.seq = DatumGetInt32(values[ROW_SEQ]),
		.at = DatumGetTimestampTz(values[ROW_AT]),
		.op = DatumGetChar(values[ROW_OP]),
		.shape_digest = shape_digest ? shape_digest : unknown
	};

	paysafe_audit_leaf_form(&leaf, digest, out);
	return whole && shape_digest != NULL;
}
