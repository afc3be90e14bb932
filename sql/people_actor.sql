-- Actor: who acts in this transaction, and why

CREATE FUNCTION paysafe.act_as(
	actor text,
	reason text DEFAULT NULL,
	ticket text DEFAULT NULL,
	request_id text DEFAULT NULL,
	business_id text DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_act_as';
COMMENT ON FUNCTION paysafe.act_as(text, text, text, text, text) IS 'declares who acts in this transaction, and why; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.act_from(
	origin text
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_act_from';
COMMENT ON FUNCTION paysafe.act_from(text) IS 'says from which address comes what is done in this transaction, for limits of failed attempts; grant EXECUTE to application roles only';
