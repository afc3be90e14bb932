-- Bytes that are sent or were received, given as text, JSON or bytes

CREATE TYPE paysafe.payload;
CREATE FUNCTION paysafe.payload_in(cstring) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_in';
CREATE FUNCTION paysafe.payload_out(paysafe.payload) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_out';
CREATE FUNCTION paysafe.payload_recv(internal) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_recv';
CREATE FUNCTION paysafe.payload_send(paysafe.payload) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_send';
CREATE TYPE paysafe.payload (
	INPUT = paysafe.payload_in, OUTPUT = paysafe.payload_out, RECEIVE = paysafe.payload_recv,
	SEND = paysafe.payload_send, INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE paysafe.payload IS 'bytes of a request or an event: text is taken byte for byte, in UTF-8; a backslash is a backslash';
COMMENT ON FUNCTION paysafe.payload_in(cstring) IS 'input of paysafe.payload';
COMMENT ON FUNCTION paysafe.payload_out(paysafe.payload) IS 'output of paysafe.payload';
COMMENT ON FUNCTION paysafe.payload_recv(internal) IS 'binary input of paysafe.payload';
COMMENT ON FUNCTION paysafe.payload_send(paysafe.payload) IS 'binary output of paysafe.payload';

CREATE FUNCTION paysafe.payload_of_text(text) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_of_text';
COMMENT ON FUNCTION paysafe.payload_of_text(text) IS 'text as bytes in UTF-8';
CREATE FUNCTION paysafe.payload_of_text(char) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_of_text';
COMMENT ON FUNCTION paysafe.payload_of_text(char) IS 'text as bytes in UTF-8, blanks at its end included';
CREATE FUNCTION paysafe.payload_of_text(json) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_of_text';
COMMENT ON FUNCTION paysafe.payload_of_text(json) IS 'JSON as bytes in UTF-8, as it was written';
CREATE FUNCTION paysafe.payload_of_jsonb(jsonb) RETURNS paysafe.payload
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_payload_of_jsonb';
COMMENT ON FUNCTION paysafe.payload_of_jsonb(jsonb) IS 'JSON as bytes in UTF-8, as PostgreSQL writes it';

CREATE CAST (text AS paysafe.payload) WITH FUNCTION paysafe.payload_of_text(text) AS IMPLICIT;
CREATE CAST (varchar AS paysafe.payload) WITH FUNCTION paysafe.payload_of_text(text) AS IMPLICIT;
CREATE CAST (char AS paysafe.payload) WITH FUNCTION paysafe.payload_of_text(char) AS IMPLICIT;
CREATE CAST (json AS paysafe.payload) WITH FUNCTION paysafe.payload_of_text(json) AS IMPLICIT;
CREATE CAST (jsonb AS paysafe.payload) WITH FUNCTION paysafe.payload_of_jsonb(jsonb) AS IMPLICIT;
CREATE CAST (bytea AS paysafe.payload) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (paysafe.payload AS bytea) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (text AS paysafe.payload) IS 'text is sent byte for byte, in UTF-8';
COMMENT ON CAST (varchar AS paysafe.payload) IS 'text is sent byte for byte, in UTF-8';
COMMENT ON CAST (char AS paysafe.payload) IS 'text is sent byte for byte, in UTF-8';
COMMENT ON CAST (json AS paysafe.payload) IS 'JSON is sent as it was written';
COMMENT ON CAST (jsonb AS paysafe.payload) IS 'JSON is sent as PostgreSQL writes it';
COMMENT ON CAST (bytea AS paysafe.payload) IS 'bytes are the payload';
COMMENT ON CAST (paysafe.payload AS bytea) IS 'the bytes';
