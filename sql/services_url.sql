-- URLs and addresses

CREATE FUNCTION paysafe.url_check(url text, OUT ok boolean, OUT reason text, OUT canonical text) RETURNS record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_url_check';
COMMENT ON FUNCTION paysafe.url_check(text) IS 'may a webhook be sent to this URL? If not, why; if so, in its one form';

CREATE FUNCTION paysafe.ip_is_public(address inet) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_ip_is_public';
COMMENT ON FUNCTION paysafe.ip_is_public(inet) IS 'is it an address of the public internet? Ask for each one that a name resolves to, before connecting';

CREATE FUNCTION paysafe.mask_url(url text) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_mask_url';
COMMENT ON FUNCTION paysafe.mask_url(text) IS 'scheme, host and port of a URL, nothing else of it: for logs and screens';

CREATE DOMAIN paysafe.webhook_url AS text
	CONSTRAINT paysafe_webhook_url CHECK ((paysafe.url_check(VALUE)).ok);
COMMENT ON DOMAIN paysafe.webhook_url IS 'a URL that a webhook may be sent to, as paysafe.url_check says';
