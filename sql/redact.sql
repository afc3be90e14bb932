-- Redaction: card numbers and secrets in text.  Pure, so that everything else
-- and CHECK constraints can use it.

CREATE FUNCTION paysafe.redact(value text) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_redact';
COMMENT ON FUNCTION paysafe.redact(text) IS 'the text with card numbers truncated and secrets replaced';

CREATE FUNCTION paysafe.redact(value jsonb) RETURNS jsonb
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_redact';
COMMENT ON FUNCTION paysafe.redact(jsonb) IS 'the document with card numbers truncated and secrets replaced, also those that only their key tells';

CREATE FUNCTION paysafe.has_card_number(value text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_has_card_number';
COMMENT ON FUNCTION paysafe.has_card_number(text) IS 'does the text contain a card number? For CHECK constraints';
