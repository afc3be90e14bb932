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
