-- Random pairs of rule sets: where paysafe lets the owner alone put the second in
-- the place of the first, every move of a row that the first refuses the second
-- must refuse, too.
--
-- Two tables live the same life under the first set.  Then one of them gets the
-- second; from there on each random statement runs on both.  What both accept
-- stays; what only the old rules accept is undone.  What only the new rules
-- accept is a fault.  Declarations are committed: rules that a transaction
-- declares itself may be changed in it.
\encoding UTF8
CREATE SCHEMA tightening;
SET search_path = tightening;

CREATE TABLE tally (what text, n int, PRIMARY KEY (what));
CREATE FUNCTION count(what text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO tally VALUES (what, 1) ON CONFLICT ON CONSTRAINT tally_pkey DO UPDATE SET n = tally.n + 1 $$;
CREATE FUNCTION chance(p float) RETURNS boolean LANGUAGE sql AS 'SELECT random() < p';
CREATE FUNCTION any_of(a text[]) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN a[1 + floor(random() * cardinality(a))::int]; END';
CREATE FUNCTION some_of(a text[], p float) RETURNS text[] LANGUAGE sql AS
	'SELECT coalesce(array_agg(x), ''{}'') FROM (SELECT x FROM unnest(a) x WHERE random() < p) s';
-- a set with one element more, or one less
CREATE FUNCTION other_than(a text[], pool text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	x text := any_of(pool);
BEGIN
	RETURN CASE WHEN x = ANY (a) THEN array_remove(a, x) ELSE a || x END;
END $$;

-- Rules of a table: a set of these is an object of their arguments.
CREATE FUNCTION machine() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(line, E'\n') FROM (
		SELECT '[*] --> a' AS line
		UNION ALL SELECT '[*] --> ' || s FROM unnest('{b,c}'::text[]) s WHERE chance(.3)
		UNION ALL SELECT s || ' --> ' || t FROM unnest('{a,b,c,d}'::text[]) s, unnest('{a,b,c,d}'::text[]) t WHERE s <> t AND chance(.6)
		UNION ALL SELECT 'state ' || s FROM unnest('{b,c,d}'::text[]) s WHERE false) l $$;
CREATE FUNCTION rules() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := '{}';
	machine text;
BEGIN
	IF chance(.7) THEN
		LOOP
			machine := machine();
			EXIT WHEN machine ~ '\mb\M' AND machine ~ '\mc\M' AND machine ~ '\md\M';
		END LOOP;
		r := r || jsonb_build_object('status', jsonb_build_object('machine', machine, 'deletable', some_of('{a,b,c,d}', .5)));
		IF chance(.5) THEN
			r := r || jsonb_build_object('once', jsonb_build_object('columns', some_of('{note,extra,n}', .6) || '{note}'::text[], 'status', some_of('{b,c,d}', .4) || '{d}'::text[]));
		END IF;
	END IF;
	IF chance(.5) THEN
		r := r || jsonb_build_object('columns', jsonb_build_object('columns', some_of('{note,extra,n}', .6) || '{note}'::text[]));
	END IF;
	IF chance(.5) THEN
		r := r || jsonb_build_object('payment', jsonb_build_object('captured', some_of('{c,d}', .5) || '{d}'::text[]));
	END IF;
	IF chance(.3) THEN
		r := r || jsonb_build_object('audit', jsonb_build_object('reason', chance(.5), 'ticket', chance(.5)));
	END IF;
	IF chance(.3) THEN
		r := r || jsonb_build_object('row_lock', jsonb_build_object('columns', some_of('{note,extra,n}', .5) || '{n}'::text[]));
	END IF;
	RETURN r;
END $$;

-- Another set: one rule changed a little, or one more.
CREATE FUNCTION changed(r jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	kind text := any_of('{status,status,once,once,columns,payment,audit,row_lock}');
	rule jsonb := r -> kind;
	strings text[];
BEGIN
	IF rule IS NULL THEN
		RETURN r || coalesce((SELECT jsonb_object_agg(kind, s -> kind)
			FROM (SELECT rules() AS s FROM generate_series(1, 20)) g WHERE s ? kind LIMIT 1), '{}');
	END IF;
	IF kind = 'audit' THEN
		RETURN r || jsonb_build_object(kind, rule || jsonb_build_object(any_of('{reason,ticket}'), chance(.5)));
	END IF;
	IF kind = 'status' AND chance(.3) THEN
		RETURN r || jsonb_build_object(kind, rule || jsonb_build_object('machine',
			any_of(ARRAY[(rule ->> 'machine') || E'\n%% a comment', machine(), (rule ->> 'machine') || E'\nd --> a'])));
	END IF;
	kind := CASE kind WHEN 'status' THEN 'deletable' WHEN 'payment' THEN 'captured' WHEN 'once' THEN any_of('{columns,status}') ELSE 'columns' END;
	strings := ARRAY(SELECT jsonb_array_elements_text(rule -> kind));
	strings := other_than(strings, CASE kind WHEN 'columns' THEN '{note,extra,n}' WHEN 'captured' THEN '{c,d}' ELSE '{a,b,c,d}' END::text[]);
	RETURN (SELECT jsonb_object_agg(key, CASE WHEN value = rule THEN rule || jsonb_build_object(kind, strings) ELSE value END) FROM jsonb_each(r));
END $$;

CREATE FUNCTION declare_rules(t regclass, r jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF r ? 'status' THEN
		PERFORM paysafe.protect_status(t, 'status', r #>> '{status,machine}', ARRAY(SELECT jsonb_array_elements_text(r #> '{status,deletable}')));
	END IF;
	IF r ? 'columns' THEN
		PERFORM paysafe.protect_columns(t, ARRAY(SELECT jsonb_array_elements_text(r #> '{columns,columns}'))::name[]);
	END IF;
	IF r ? 'once' THEN
		PERFORM paysafe.protect_columns(t, ARRAY(SELECT jsonb_array_elements_text(r #> '{once,columns}'))::name[],
			ARRAY(SELECT jsonb_array_elements_text(r #> '{once,status}')));
	END IF;
	IF r ? 'payment' THEN
		PERFORM paysafe.protect_payment(t, 'status', 'amount', 'captured', 'currency', ARRAY(SELECT jsonb_array_elements_text(r #> '{payment,captured}')));
	END IF;
	IF r ? 'audit' THEN
		PERFORM paysafe.audit(t, '{}', (r #>> '{audit,reason}')::bool, (r #>> '{audit,ticket}')::bool);
	END IF;
	IF r ? 'row_lock' THEN
		PERFORM paysafe.protect_row_lock(t, ARRAY(SELECT jsonb_array_elements_text(r #> '{row_lock,columns}'))::name[]);
	END IF;
END $$;

-- 'accepted', or the SQLSTATE.
CREATE FUNCTION try_rules(t regclass, r jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM declare_rules(t, r);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- One statement on both tables: it stays if both take it.
CREATE FUNCTION try_both(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	verdict text := 'refused, refused';
BEGIN
	BEGIN
		EXECUTE format(statement, 'old');
		verdict := 'accepted, refused';
		EXECUTE format(statement, 'new');
		RETURN 'accepted, accepted';
	EXCEPTION WHEN OTHERS THEN
		NULL;
	END;
	IF verdict = 'refused, refused' THEN
		BEGIN
			EXECUTE format(statement, 'new');
			RETURN 'refused, accepted';
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END IF;
	RETURN verdict;
END $$;

CREATE FUNCTION statement() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	id int := 1 + floor(random() * 6);
	money text := any_of('{0,5,10}');
BEGIN
	IF chance(.3) THEN
		RETURN format('INSERT INTO %%I VALUES (%s, %L, 10, %s, %L, %L, %L, 0)', id, any_of('{a,a,b,c,d,e}'),
			any_of('{"NULL",0,5,10}'), any_of('{EUR,EUR,USD}'), any_of('{x,y}'), any_of('{x,y}'));
	END IF;
	IF chance(.15) THEN
		RETURN format('DELETE FROM %%I WHERE id = %s', id);
	END IF;
	RETURN format('UPDATE %%I SET %s WHERE id = %s', array_to_string(ARRAY(SELECT x FROM unnest(ARRAY[
			format('status = %L', any_of('{a,b,c,d}')), 'amount = ' || money, 'captured = ' || any_of('{"NULL",0,5,10}'),
			format('currency = %L', any_of('{EUR,USD}')), format('note = %L', any_of('{x,y}')), format('extra = %L', any_of('{x,y}')),
			any_of('{n = n + 1,n = 7}'), format('id = %s', 1 + floor(random() * 6)::int)]) x
		ORDER BY random() LIMIT 1 + floor(random() * 2)::int), ', '), id);
END $$;

-- A statement, sometimes with who and why, judged.
CREATE PROCEDURE make_move(phase text, before jsonb, after jsonb, life text) LANGUAGE plpgsql AS $$
DECLARE
	command text := statement();
	verdict text;
BEGIN
	PERFORM paysafe.act_as('someone', reason => any_of('{NULL,why}'), ticket => any_of('{NULL,T-1}'));
	IF chance(.2) THEN
		PERFORM 1 FROM old FOR UPDATE;
		PERFORM 1 FROM new FOR UPDATE;
	END IF;
	verdict := try_both(command);
	PERFORM count(phase || ': ' || verdict);
	IF verdict = 'refused, accepted' OR (phase = 'before' AND verdict = 'accepted, refused') THEN
		RAISE EXCEPTION '% the change: % by old and new rules: %', phase, verdict, format(command, 't')
			USING DETAIL = format('old rules %s, new rules %s, %s', before, after, life);
	END IF;
END $$;

CREATE PROCEDURE run(seed int, first int, last int, moves int) LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
	after jsonb;
	verdict text;
	key int;
BEGIN
	FOR number IN first..last LOOP
		key := seed * 100003 + number;
		PERFORM setseed((hashint4(key)::float8 / 2147483648));
		before := rules();
		after := changed(before);
		CONTINUE WHEN before = after;
		CREATE TABLE old (id int PRIMARY KEY, status text, amount numeric, captured numeric, currency text, note text, extra text, n int);
		CREATE TABLE new (LIKE old INCLUDING ALL);
		verdict := try_rules('old', before);
		IF verdict = 'accepted' THEN
			PERFORM declare_rules('new', before);
			COMMIT;
			FOR i IN 1..moves LOOP
				CALL make_move('before', before, before, format('seed %s, pair %s', seed, number));
				COMMIT;
			END LOOP;
			verdict := try_rules('new', after);
			COMMIT;
			PERFORM count('changes: ' || verdict);
			IF verdict = 'accepted' THEN
				FOR i IN 1..moves LOOP
					CALL make_move('after', before, after, format('seed %s, pair %s', seed, number));
					COMMIT;
				END LOOP;
			END IF;
		ELSE
			PERFORM count('not declared: ' || verdict);
		END IF;
		DROP TABLE old, new;
		COMMIT;
	END LOOP;
END $$;
