# Assertions of passkeys; sourced by bench/run.

# Verified by paysafe.verify_assertion, in the backend's processor time, next to what
# openssl speed says of the same algorithm; in turns.
part_passkey() {
	local round name algorithm
	local -A speed=([ES256]=ecdsap256 [ES384]=ecdsap384 [ES512]=ecdsap521 [EdDSA]=ed25519 [Ed448]=ed448 [RS256]=rsa2048)
	sql -c "CREATE TABLE bench.assertion (name text, cose_key bytea, challenge bytea, client_data bytea, authenticator_data bytea, signature bytea)" \
		-c "\copy bench.assertion FROM 'bench/passkey.tsv'" -c "
		CREATE FUNCTION bench.cpu() RETURNS float LANGUAGE sql AS \$\$
			SELECT (split_part(s, ' ', 14)::float + split_part(s, ' ', 15)::float) / 100 FROM pg_read_file('/proc/self/stat') s \$\$;
		CREATE FUNCTION bench.verified(wanted text) RETURNS float LANGUAGE plpgsql AS \$\$
		DECLARE
			a bench.assertion;
			began float := bench.cpu();
			n int := 0;
			good int;
		BEGIN
			SELECT * INTO a FROM bench.assertion WHERE name = wanted;
			WHILE bench.cpu() < began + 1 LOOP
				-- the origins differ, so that nothing is computed once for all
				SELECT count(*) INTO good FROM generate_series(1, 500) g
				 WHERE paysafe.verify_assertion(a.cose_key, a.challenge, a.client_data, a.authenticator_data, a.signature,
												'pay.example', ARRAY['https://pay.example', g::text]);
				IF good <> 500 THEN RAISE 'an assertion does not verify'; END IF;
				n := n + 500;
			END LOOP;
			RETURN n / (bench.cpu() - began);
		END \$\$"
	for ((round = 1; round <= 3; round++)); do
		for name in ES256 ES384 ES512 EdDSA Ed448 RS256; do
			algorithm=${speed[$name]}
			echo "passkey $name $round $(sql -c "SELECT bench.verified('$name')") $(openssl speed -seconds 1 "$algorithm" 2>/dev/null |
				awk '/bits/ { print $NF }')" >>"$raw"
		done
	done
}
