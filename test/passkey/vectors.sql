-- The assertions of the Web Authentication specification's test vectors: each verifies,
-- and none with one bit changed.  Prints how many were tried.
\set ON_ERROR_STOP 1
\set vectors `cat "$VECTORS/webauthn_l3_assertions.json" 2>/dev/null`
SET client_min_messages = warning;

CREATE TEMP TABLE vector AS
	SELECT v ->> 'id' AS id, decode(v ->> 'cose_key', 'hex') AS cose_key, decode(v ->> 'challenge', 'hex') AS challenge,
		   decode(v ->> 'clientDataJSON', 'hex') AS client_data, decode(v ->> 'authenticatorData', 'hex') AS authenticator_data,
		   decode(v ->> 'signature', 'hex') AS signature, v ->> 'origin' AS origin,
		   CASE WHEN (v ->> 'crossOrigin')::boolean THEN ARRAY[coalesce(v ->> 'topOrigin', '')] ELSE '{}' END AS top_origins
	  FROM jsonb_array_elements(nullif(:'vectors', '')::jsonb) v;

CREATE FUNCTION pg_temp.verify(v vector) RETURNS boolean LANGUAGE sql AS $$
	SELECT paysafe.verify_assertion(v.cose_key, v.challenge, v.client_data, v.authenticator_data, v.signature,
									'example.org', ARRAY[v.origin], false, v.top_origins) $$;

-- What of the vectors is not as it should be; NULL if nothing is.
CREATE FUNCTION pg_temp.findings(OUT tried bigint, OUT finding text) LANGUAGE plpgsql AS $$
DECLARE
	v vector;
	w vector;
	n int;
BEGIN
	tried := 0;
	FOR v IN TABLE vector LOOP
		tried := tried + 1;
		IF NOT pg_temp.verify(v) THEN finding := concat_ws(', ', finding, v.id || ' does not verify'); END IF;
		FOR n IN 0 .. 8 * length(v.signature) - 1 LOOP
			w := v; w.signature := set_bit(v.signature, n, 1 - get_bit(v.signature, n)); tried := tried + 1;
			IF pg_temp.verify(w) THEN finding := concat_ws(', ', finding, v.id || ' signature bit ' || n); END IF;
		END LOOP;
		FOR n IN 0 .. 8 * length(v.authenticator_data) - 1 LOOP
			w := v; w.authenticator_data := set_bit(v.authenticator_data, n, 1 - get_bit(v.authenticator_data, n)); tried := tried + 1;
			IF pg_temp.verify(w) THEN finding := concat_ws(', ', finding, v.id || ' authenticator data bit ' || n); END IF;
		END LOOP;
		FOR n IN 0 .. 8 * length(v.client_data) - 1 LOOP
			w := v; w.client_data := set_bit(v.client_data, n, 1 - get_bit(v.client_data, n)); tried := tried + 1;
			IF pg_temp.verify(w) THEN finding := concat_ws(', ', finding, v.id || ' client data bit ' || n); END IF;
		END LOOP;
		FOR n IN 0 .. 8 * length(v.challenge) - 1 LOOP
			w := v; w.challenge := set_bit(v.challenge, n, 1 - get_bit(v.challenge, n)); tried := tried + 1;
			IF pg_temp.verify(w) THEN finding := concat_ws(', ', finding, v.id || ' challenge bit ' || n); END IF;
		END LOOP;
		-- a key of another one, another relying party, another origin, cross-origin, recognition
		tried := tried + 3;
		IF paysafe.verify_assertion(v.cose_key, v.challenge, v.client_data, v.authenticator_data, v.signature, 'example.com', ARRAY[v.origin], false, v.top_origins) OR
		   paysafe.verify_assertion(v.cose_key, v.challenge, v.client_data, v.authenticator_data, v.signature, 'example.org', ARRAY[v.origin || '/', upper(v.origin)], false, v.top_origins) OR
		   (v.top_origins <> '{}' AND paysafe.verify_assertion(v.cose_key, v.challenge, v.client_data, v.authenticator_data, v.signature, 'example.org', ARRAY[v.origin], false)) OR
		   paysafe.verify_assertion(v.cose_key, v.challenge, v.client_data, v.authenticator_data, v.signature, 'example.org', ARRAY[v.origin], true, v.top_origins) <> (get_byte(v.authenticator_data, 32) & 4 <> 0) THEN
			finding := concat_ws(', ', finding, v.id || ' on other terms');
		END IF;
		FOR w IN SELECT * FROM vector o WHERE o.id <> v.id LOOP
			w.challenge := v.challenge; w.client_data := v.client_data; w.authenticator_data := v.authenticator_data;
			w.signature := v.signature; w.origin := v.origin; w.top_origins := v.top_origins; tried := tried + 1;
			IF pg_temp.verify(w) THEN finding := concat_ws(', ', finding, v.id || ' by the key of ' || w.id); END IF;
		END LOOP;
	END LOOP;
END $$;

SELECT count(*) AS vectors FROM vector \gset
SELECT tried, coalesce(finding, '') AS finding, finding IS NOT NULL AS found FROM pg_temp.findings() \gset
\if :found
	\echo :finding
	\quit
\endif
\echo :tried :vectors
