-- Subscriptions that two people trust

CREATE FUNCTION paysafe.trust_subscription(subscription name, relations regclass[], reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_trust_subscription';
COMMENT ON FUNCTION paysafe.trust_subscription(name, regclass[], text) IS 'rows that the subscription brings are stored as they come; takes a second person; paysafe.rule stands for all tables of paysafe';

CREATE FUNCTION paysafe.distrust_subscription(subscription name, relations regclass[], reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_distrust_subscription';
COMMENT ON FUNCTION paysafe.distrust_subscription(name, regclass[], text) IS 'rows that the subscription brings are judged like everybody''s again';
