-- Random status machines and random changes under them: what the rule does must
-- be what a short oracle in SQL says, on every one.
--
-- The oracle knows a machine as tables of states and moves.  The rule is given
-- the same machine as Mermaid text, so the parser is part of the question.
--
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET check_function_bodies = off;		-- the temporary tables are not there yet
CREATE SCHEMA prop;						-- the tables that are protected
CREATE SCHEMA oracle;
SET search_path = oracle, pg_catalog;
-- a change of one row that a statement is to make
CREATE TYPE oracle.change AS (op "char", id int, new_id int, region int, status text);

CREATE PROCEDURE oracle.prepare() LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE state (id text, value text, initial boolean, final boolean, deletable boolean);
	CREATE TEMP TABLE move (from_value text, to_value text);
	CREATE TEMP TABLE model (id int PRIMARY KEY, region int, status text);	-- what the table must hold
	CREATE TEMP TABLE made (table_name text, changes int);					-- accepted, by audited table
	CREATE TEMP TABLE tally (name text PRIMARY KEY, accepted int DEFAULT 0, refused int DEFAULT 0, rows int DEFAULT 0);
END $$;

CREATE FUNCTION oracle.upto(n int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT floor(random() * n)::int';
CREATE FUNCTION oracle.chance(p float8) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT random() < p';

-- The oracle: the codes of all rows that must be refused, NULL if there are none
CREATE FUNCTION oracle.judge(changes oracle.change[]) RETURNS text[] LANGUAGE sql STABLE AS $$
	SELECT array_agg(DISTINCT v.code) FILTER (WHERE v.code IS NOT NULL)
	  FROM unnest(changes) c
		   LEFT JOIN model m USING (id)
		   LEFT JOIN state o ON c.op <> 'I' AND o.value IS NOT DISTINCT FROM m.status
		   LEFT JOIN state n ON c.op <> 'D' AND n.value IS NOT DISTINCT FROM c.status,
		   LATERAL (SELECT CASE
				WHEN c.op = 'I' AND n.id IS NULL THEN '23T04'
				WHEN c.op = 'I' AND NOT n.initial THEN '23T02'
				WHEN c.op = 'D' AND NOT o.deletable THEN '23T03'
				WHEN c.op <> 'U' THEN NULL
				WHEN n.id IS NULL THEN '23T04'
				WHEN c.status IS DISTINCT FROM m.status AND
					 NOT EXISTS (SELECT FROM move
								  WHERE from_value IS NOT DISTINCT FROM m.status
									AND to_value IS NOT DISTINCT FROM c.status) THEN '23T01'
				WHEN c.new_id <> c.id AND NOT o.initial THEN '23T05' END) v (code) $$;

-- A machine: its states and moves into the tables above
CREATE PROCEDURE oracle.invent(type text) LANGUAGE plpgsql AS $$
DECLARE
	words text[] := string_to_array('new|New|NEW|paid|PAID|in review|in  review| led|payé|PAYÉ|支付|ß|ss|end|note|state|title|direction|class|hide|a.b|a/b|x-y|semi;colon|%% no|[*]|-->|a --> b|it''s|{|x:y|null|NULL|0|00|01|1e0|true', '|');
	numbers text[] := '{0,1,2,3,7,10,11,-1,-5,99,100,32767,-32768}';
	n int := 1 + upto(9);
	w text;
BEGIN
	TRUNCATE state, move, model;
	FOR w IN SELECT x FROM unnest(CASE WHEN type LIKE '%int' THEN numbers ELSE words END) x ORDER BY random() LIMIT n LOOP
		INSERT INTO state VALUES ('s' || (SELECT count(*) FROM state), w, chance(0.4), chance(0.2), chance(0.3));
	END LOOP;
	IF chance(0.2) THEN
		INSERT INTO state VALUES ('NULL', NULL, chance(0.4), chance(0.2), false);
	END IF;
	-- a plain word may be its own name
	UPDATE state SET id = value WHERE value ~ '^[[:alnum:]_./]+$' AND value <> 'NULL' AND chance(0.7);
	UPDATE state SET initial = true WHERE id = (SELECT id FROM state ORDER BY random() LIMIT 1);
	INSERT INTO move SELECT a.value, b.value FROM state a, state b WHERE a.id <> b.id AND random() < 0.3;
END $$;

CREATE FUNCTION oracle.arrow() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT (ARRAY['-->', ' --> ', E'\t-->  '])[1 + upto(3)] $$;
CREATE FUNCTION oracle.class() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT CASE WHEN chance(0.1) THEN ':::busy' ELSE '' END $$;
CREATE FUNCTION oracle.label() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT CASE WHEN chance(0.2) THEN ' : a label --> with "words"' ELSE '' END $$;

-- The machine as text, with all that only draws
CREATE FUNCTION oracle.draw() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	statements text[];
	result text := '';
	s text;
BEGIN
	SELECT array_agg(line ORDER BY random()) INTO statements FROM (
		SELECT concat('[*]', arrow(), id, class()) FROM state WHERE initial
		UNION ALL SELECT concat(id, class(), arrow(), '[*]', label()) FROM state WHERE final
		UNION ALL SELECT concat(f.id, class(), arrow(), t.id, label())
			FROM move JOIN state f ON f.value IS NOT DISTINCT FROM from_value
				 JOIN state t ON t.value IS NOT DISTINCT FROM to_value
		UNION ALL SELECT CASE WHEN value <> id THEN format('state "%s" as %s', value, id) ELSE 'state ' || id END FROM state
		UNION ALL SELECT format('%s : what it means', id) FROM state WHERE id NOT IN ('note', 'state') AND random() < 0.2
		UNION ALL SELECT extra FROM unnest('{%% a --> b,direction LR,classDef busy fill:#f00,class x busy,hide empty description,accTitle: t}'::text[]) extra WHERE random() < 0.3
		UNION ALL SELECT E'note right of x\n\ta --> zzz\n\tstate "q" as q\nend note' WHERE random() < 0.3
		UNION ALL SELECT 'note left of x : y --> z' WHERE random() < 0.3) l (line);
	FOREACH s IN ARRAY statements LOOP
		-- several on a line, but nothing after what reads to its end
		result := result || repeat(E'\t', upto(3)) || s || CASE
			WHEN s !~ '^(%%|note|direction|class|hide|acc)' AND chance(0.15) THEN ';'
			WHEN chance(0.1) THEN E'\r\n' WHEN chance(0.1) THEN E'  \n\n' ELSE E'\n' END;
	END LOOP;
	RETURN CASE upto(4) WHEN 0 THEN E'stateDiagram-v2\n' WHEN 1 THEN E'%% first\n\n  stateDiagram\n'
			WHEN 2 THEN E'---\ntitle: a --> b\n---\nstateDiagram-v2\n' ELSE '' END || result;
END $$;
-- What a status of a row may be changed to: mostly what is allowed
CREATE FUNCTION oracle.some_status(op "char", old_status text, strangers text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	IF chance(0.04) THEN
		RETURN strangers[1 + upto(cardinality(strangers))];
	ELSIF chance(0.02) THEN
		RETURN NULL;
	ELSIF chance(0.85) THEN
		SELECT v INTO result FROM (
			SELECT value FROM state WHERE op = 'I' AND initial
			UNION ALL SELECT to_value FROM move WHERE op = 'U' AND from_value IS NOT DISTINCT FROM old_status
			UNION ALL SELECT old_status WHERE op = 'U') x (v) ORDER BY random() LIMIT 1;
		RETURN result;
	END IF;
	SELECT value INTO result FROM state ORDER BY random() LIMIT 1;
	RETURN result;
END $$;

-- Change what the model holds
CREATE PROCEDURE oracle.apply(changes oracle.change[]) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM model m USING unnest(changes) c WHERE c.id = m.id AND c.op <> 'I';
	INSERT INTO model SELECT new_id, region, status FROM unnest(changes) WHERE op <> 'D';
END $$;

CREATE PROCEDURE oracle.try_machine(number int, seed int, wanted int) LANGUAGE plpgsql AS $$
DECLARE
	types text[] := '{text,varchar(40),char(12),smallint,int,bigint,enum,domain,domain over enum}';
	type text;
	column_type text;
	strangers text[];
	t text := 'prop.t' || number;
	partitioned boolean;
	audited boolean;
	machine text;
	kind text;
	kinds text[];
	op "char";
	changes oracle.change[];
	source text;
	statement text;
	verdict text[];
	outcome text;
	fault text;
	undo boolean;
	inner_undo boolean;
	wrong int;
	next_id int := 100;
	done int := 0;
	recorded int := 0;
BEGIN
	PERFORM setseed(((seed::bigint * 7919 + number) % 1000003) / 1000003.0);
	type := types[1 + upto(cardinality(types))];
	partitioned := chance(0.3);
	audited := chance(0.5);
	CALL oracle.invent(type);
	SELECT array_agg(x) INTO strangers
	  FROM unnest(CASE WHEN type LIKE '%int' THEN '{42,-42,5}'::text[] ELSE '{"nEw","stranger","","Paid","in review "," new"}' END) x
	 WHERE x NOT IN (SELECT value FROM state WHERE value IS NOT NULL) AND NOT (type = 'char(12)' AND x = 'in review ') AND NOT (type LIKE '%enum' AND x = '');
	column_type := CASE type WHEN 'enum' THEN t || '_enum' WHEN 'domain' THEN t || '_domain'
						WHEN 'domain over enum' THEN t || '_domain' ELSE type END;
	IF type LIKE '%enum' THEN
		EXECUTE format('CREATE TYPE %s_enum AS ENUM (%s)', t,
			(SELECT string_agg(quote_literal(x), ', ' ORDER BY random()) FROM (SELECT value FROM state WHERE value IS NOT NULL UNION SELECT unnest(strangers)) v (x)));
	END IF;
	IF type LIKE 'domain%' THEN
		EXECUTE format('CREATE DOMAIN %s_domain AS %s', t, CASE WHEN type = 'domain' THEN 'text' ELSE t || '_enum' END);
	END IF;
	EXECUTE format('CREATE TABLE %s (id int, region int DEFAULT 0, status %s, note text, PRIMARY KEY (%s)) %s', t, column_type,
		CASE WHEN partitioned THEN 'id, region' ELSE 'id' END, CASE WHEN partitioned THEN 'PARTITION BY LIST (region)' ELSE '' END);
	IF partitioned THEN
		EXECUTE format('CREATE TABLE %1$s_0 PARTITION OF %1$s FOR VALUES IN (0)', t);
		-- columns in another order, one dropped
		EXECUTE format('CREATE TABLE %s_1 (note text, status %s, gone int, region int NOT NULL, id int NOT NULL)', t, column_type);
		EXECUTE format('ALTER TABLE %s_1 DROP COLUMN gone', t);
		EXECUTE format('ALTER TABLE %1$s ATTACH PARTITION %1$s_1 FOR VALUES IN (1)', t);
		EXECUTE format('CREATE TABLE %1$s_rest PARTITION OF %1$s DEFAULT', t);
	END IF;

	-- rows that are there already may be in any state
	INSERT INTO model SELECT g, CASE WHEN partitioned THEN upto(3) ELSE 0 END, s.value
		FROM generate_series(1, 6) g, LATERAL (SELECT value FROM state WHERE g > 0 ORDER BY random() LIMIT 1) s;
	EXECUTE format('INSERT INTO %s SELECT id, region, status::%s FROM model', t, column_type);
	machine := oracle.draw();
	statement := format('SELECT paysafe.protect_status(%L, ''status'', %L, deletable => ARRAY(SELECT value FROM state WHERE deletable))', t, machine);
	IF chance(0.1) THEN
		EXECUTE format('INSERT INTO %s VALUES (0, 0, %L)', t, strangers[1]);
		BEGIN
			EXECUTE statement;
			RAISE EXCEPTION 'machine %: declared over a row in status %', number, quote_literal(strangers[1]) USING DETAIL = machine;
		EXCEPTION WHEN check_violation THEN
			EXECUTE format('DELETE FROM %s WHERE id = 0', t);
		END;
	END IF;
	EXECUTE statement;
	IF audited THEN
		EXECUTE format('SELECT paysafe.audit(%L)', t);
	END IF;
	kinds := '{insert,insert,rows,update,update,update,bulk,bulk,case,upsert,nothing,merge,merge,delete,key,same,cte}';
	IF partitioned THEN
		kinds := kinds || '{region,region}';
	END IF;

	WHILE done < wanted LOOP
		kind := CASE WHEN chance(0.005) THEN 'truncate' ELSE kinds[1 + upto(cardinality(kinds))] END;
		INSERT INTO tally VALUES (kind) ON CONFLICT DO NOTHING;
		-- which rows, and to what
		changes := '{}';
		IF kind IN ('update', 'bulk', 'case', 'upsert', 'nothing', 'merge', 'delete', 'key', 'same', 'cte', 'region') THEN
			SELECT array_agg((x.op, x.id,
							  CASE WHEN kind = 'key' THEN x.id + 1000000 ELSE x.id END,
							  CASE WHEN kind = 'region' THEN (x.region + 1 + upto(2)) % 3 ELSE x.region END,
							  CASE WHEN x.op = 'D' OR kind IN ('same', 'nothing') OR (kind IN ('key', 'region') AND chance(0.6))
								   THEN x.status ELSE some_status('U', x.status, strangers) END)::oracle.change)
			  INTO changes
			  FROM (SELECT m.*, (CASE WHEN kind = 'delete' OR (kind = 'merge' AND chance(0.07)) THEN 'D' ELSE 'U' END)::"char" AS op
					  FROM model m ORDER BY random()
					 LIMIT CASE WHEN kind IN ('update', 'key', 'delete') THEN 1 ELSE 1 + upto(6) END) x;
			changes := coalesce(changes, '{}');
		END IF;
		IF kind IN ('insert', 'rows', 'upsert', 'nothing', 'merge', 'cte') THEN
			FOR i IN 0 .. CASE kind WHEN 'insert' THEN 0 ELSE upto(3) END LOOP
				next_id := next_id + 1;
				changes := changes || ('I', next_id, next_id, CASE WHEN partitioned THEN upto(3) ELSE 0 END, some_status('I', NULL, strangers))::oracle.change;
			END LOOP;
		END IF;
		CONTINUE WHEN changes = '{}' AND kind <> 'truncate';

		-- the statement
		SELECT format('(VALUES %s) v (op, id, new_id, region, status)',
					  string_agg(format('(%L, %s, %s, %s, %L::%s)', c.op, c.id, c.new_id, c.region, c.status, column_type), ', '))
		  INTO source FROM unnest(changes) c;
		statement := CASE
			WHEN kind IN ('insert', 'rows') THEN
				format('INSERT INTO %s SELECT id, region, status FROM %s', t, source)
			WHEN kind IN ('update', 'bulk') THEN
				format('UPDATE %s t SET status = v.status FROM %s WHERE t.id = v.id', t, source)
			WHEN kind = 'case' THEN
				format('UPDATE %s SET status = CASE id %s END WHERE id IN (%s)', t,
					(SELECT string_agg(format('WHEN %s THEN %L::%s', id, status, column_type), ' ') FROM unnest(changes)),
					(SELECT string_agg(id::text, ', ') FROM unnest(changes)))
			WHEN kind IN ('upsert', 'nothing') THEN
				format('INSERT INTO %s SELECT id, region, status FROM %s ON CONFLICT (%s) DO %s', t, source,
					CASE WHEN partitioned THEN 'id, region' ELSE 'id' END,
					CASE kind WHEN 'upsert' THEN 'UPDATE SET status = EXCLUDED.status' ELSE 'NOTHING' END)
			WHEN kind = 'merge' THEN
				format('MERGE INTO %s t USING %s ON t.id = v.id WHEN MATCHED AND v.op = ''D'' THEN DELETE WHEN MATCHED THEN UPDATE SET status = v.status
					WHEN NOT MATCHED THEN INSERT (id, region, status) VALUES (v.id, v.region, v.status)', t, source)
			WHEN kind = 'delete' THEN
				format('DELETE FROM %s t USING %s WHERE t.id = v.id', t, source)
			WHEN kind = 'key' THEN
				format('UPDATE %s t SET id = v.new_id, status = v.status FROM %s WHERE t.id = v.id', t, source)
			WHEN kind = 'same' THEN
				format('UPDATE %s t SET status = v.status, note = ''n'' FROM %s WHERE t.id = v.id', t, source)
			WHEN kind = 'cte' THEN
				format('WITH v AS MATERIALIZED (SELECT * FROM %2$s), u AS (UPDATE %1$s t SET status = v.status FROM v WHERE t.id = v.id)
					INSERT INTO %1$s SELECT id, region, status FROM v WHERE op = ''I''', t, source)
			WHEN kind = 'region' THEN
				format('UPDATE %s t SET region = v.region, status = v.status FROM %s WHERE t.id = v.id', t, source)
			ELSE 'TRUNCATE ' || t END;
		IF kind = 'nothing' THEN			-- rows that are there stay as they are
			SELECT coalesce(array_agg(c), '{}') INTO changes FROM unnest(changes) c WHERE c.op = 'I';
		END IF;
		verdict := CASE kind WHEN 'truncate' THEN '{23T03}' ELSE judge(changes) END;

		-- do it, now and then in a savepoint that is rolled back
		undo := chance(0.1);
		inner_undo := chance(0.1);
		outcome := NULL;
		BEGIN
			EXECUTE statement;
			IF inner_undo THEN
				BEGIN
					EXECUTE format('UPDATE %s SET note = ''undone''', t);
					RAISE EXCEPTION USING ERRCODE = 'UNDO0';
				EXCEPTION WHEN SQLSTATE 'UNDO0' THEN NULL;
				END;
			END IF;
			IF undo THEN
				RAISE EXCEPTION USING ERRCODE = 'UNDO0';
			END IF;
		EXCEPTION
			WHEN SQLSTATE 'UNDO0' THEN NULL;
			WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS outcome = RETURNED_SQLSTATE, fault = CONSTRAINT_NAME;
				IF fault IS DISTINCT FROM format('paysafe_t%s_status', number) THEN
					outcome := format('%s %s: %s', outcome, fault, SQLERRM);
				END IF;
		END;
		IF outcome IS NULL AND NOT undo THEN
			CALL oracle.apply(changes);
			recorded := recorded + cardinality(changes);
		END IF;
		EXECUTE format('SELECT count(*) FROM (SELECT id, region, status::text FROM %1$s EXCEPT ALL SELECT * FROM model) a
						FULL JOIN (SELECT * FROM model EXCEPT ALL SELECT id, region, status::text FROM %1$s) b ON false', t) INTO wrong;
		IF wrong > 0 OR (outcome IS NULL) <> (verdict IS NULL) OR outcome <> ALL (verdict) THEN
			RAISE EXCEPTION 'seed %, machine %: the rule and the oracle disagree', seed, number
				USING DETAIL = concat_ws(E'\n', machine, 'deletable: ' || (SELECT string_agg(value, ', ') FROM state WHERE deletable),
					statement, 'rows before: ' || (SELECT string_agg(m::text, ' ') FROM model m),
					format('oracle: %s; rule: %s; %s rows differ', coalesce(verdict::text, 'accepted'), coalesce(outcome, 'accepted'), wrong));
		END IF;
		-- of a refused statement only one row is known to have been judged
		done := done + CASE WHEN outcome IS NULL THEN cardinality(changes) ELSE 1 END;
		UPDATE tally SET accepted = accepted + (outcome IS NULL)::int, refused = refused + (outcome IS NOT NULL)::int,
			   rows = rows + CASE WHEN outcome IS NULL THEN cardinality(changes) ELSE 1 END
		 WHERE name = kind;
	END LOOP;
	IF audited THEN
		INSERT INTO made VALUES ('t' || number, recorded);
	END IF;
END $$;

CREATE PROCEDURE oracle.run(first int, last int, seed int, wanted int) LANGUAGE plpgsql AS $$
BEGIN
	FOR number IN first .. last LOOP
		CALL oracle.try_machine(number, seed, wanted);
		COMMIT;
	END LOOP;
END $$;

-- One audit row for each accepted change, and none for what was refused or
-- undone.  Reports what was done, for run to add up.
CREATE FUNCTION oracle.report() RETURNS TABLE (word text, kind text, accepted bigint, refused bigint, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	differing text;
BEGIN
	SELECT string_agg(format('%s: %s changes, %s audit rows', table_name, changes, n), '; ')
	  INTO differing
	  FROM (SELECT m.*, (SELECT count(*) FROM paysafe.audit_row r JOIN paysafe.audit_shape s ON s.id = r.shape
						  WHERE s.schema_name = 'prop' AND s.table_name = m.table_name) AS n FROM made m) x
	 WHERE n <> changes;
	IF differing IS NOT NULL THEN
		RAISE EXCEPTION 'the audit log is not what was changed' USING DETAIL = differing;
	END IF;
	RETURN QUERY SELECT 'tally', t.name, t.accepted::bigint, t.refused::bigint, t.rows::bigint FROM tally t ORDER BY t.name;
	RETURN QUERY SELECT 'audited', '-', count(*), coalesce(sum(changes), 0), 0::bigint FROM made;
END $$;
