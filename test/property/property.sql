-- Random status machines and random changes, and an oracle that says what must
-- become of them.
--
-- Each machine gets a fresh table t and its twin: a plain table that nothing
-- protects.  A statement runs on the twin first, whose trigger notes every row
-- before and after; the oracle judges these rows by the machine as it was made
-- up (tables state and move), not by the diagram, which paysafe reads.  Then the
-- statement runs on t: it must be accepted, or refused with an SQLSTATE that the
-- oracle gave, and afterwards t and twin must hold the same.
--
-- Everything random comes from random(), seeded for each machine, so that a
-- machine can be repeated alone.
\encoding UTF8
CREATE SCHEMA property;
SET search_path = property;

CREATE TYPE machine AS (
	number	int,
	layout	text,		-- of the table
	type	text,		-- of the status column
	key		text[],		-- the row's identity: its primary key without the partition key
	pk		text,
	parts	int,		-- column part is less
	audited	boolean,
	states	text[],
	initial	text[],
	wild	text[],		-- values that are no states
	diagram	text
);
CREATE TYPE outcome AS (kind text, verdict text, rows bigint);
CREATE TYPE picked AS (id int, part int, status text);

CREATE TABLE made (machine int, layout text, type text, states int, audited boolean);
CREATE TABLE tally (machine int, kind text, verdict text, statements int, rows int);

CREATE FUNCTION chance(p float) RETURNS boolean LANGUAGE sql AS 'SELECT random() < p';
CREATE FUNCTION below(n bigint) RETURNS int LANGUAGE sql AS 'SELECT floor(random() * n)::int';
CREATE FUNCTION any_of(a text[]) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN a[1 + below(cardinality(a))]; END';

-- The oracle: the codes with which rows of a step must be refused.
CREATE FUNCTION oracle(m machine, step bigint, OUT codes text[], OUT rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	SELECT array_remove(array_agg(DISTINCT
			CASE
			WHEN op = 'DELETE' AND NOT source.deletable THEN '23T03'
			WHEN op = 'DELETE' THEN NULL
			WHEN op = 'INSERT' AND target.no IS NULL THEN '23T04'
			WHEN op = 'INSERT' AND NOT target.initial THEN '23T02'
			WHEN op = 'INSERT' THEN NULL
			WHEN old IS DISTINCT FROM new AND target.no IS NULL THEN '23T04'
			WHEN old IS DISTINCT FROM new AND NOT EXISTS (
				SELECT FROM move WHERE move.source = source.no AND move.target = target.no) THEN '23T01'
			WHEN (NOT source.initial OR c.has_left) AND EXISTS (
				SELECT FROM unnest(m.key) k WHERE before -> k <> after -> k) THEN '23T05'
			END), NULL),
		count(*)
	INTO codes, rows
	FROM (SELECT op, before, after, has_left,
				-- char(n) is padded, and the padding does not count
				CASE WHEN m.type LIKE 'char%' THEN rtrim(before ->> 'status', ' ') ELSE before ->> 'status' END AS old,
				CASE WHEN m.type LIKE 'char%' THEN rtrim(after ->> 'status', ' ') ELSE after ->> 'status' END AS new
			FROM change c WHERE c.step = oracle.step) c
		LEFT JOIN state source ON before IS NOT NULL AND source.value IS NOT DISTINCT FROM old
		LEFT JOIN state target ON after IS NOT NULL AND target.value IS NOT DISTINCT FROM new;
	codes := coalesce(codes, '{}');
END $$;

-- With the change goes whether the row has ever left the status it was added in.
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	was_gone boolean := false;
BEGIN
	IF TG_OP <> 'INSERT' THEN
		DELETE FROM gone WHERE id = OLD.id AND part = OLD.part;
		was_gone := FOUND;
	END IF;
	IF TG_OP = 'UPDATE' AND (was_gone OR to_jsonb(OLD) -> 'status' <> to_jsonb(NEW) -> 'status') THEN
		INSERT INTO gone VALUES (NEW.id, NEW.part);
	END IF;
	INSERT INTO change VALUES (currval('step'), TG_OP, to_jsonb(OLD), to_jsonb(NEW), was_gone);
	RETURN NULL;
END $$;

-- The machine's states as a diagram, decorated at random.
CREATE FUNCTION draw() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	words	text[] := '{note,state,title,direction,class,style,hide,scale,stateDiagram}';
	eol		text := any_of(ARRAY[E'\n', E'\n', E'\r\n']);
	lines	text[];
	line	text;
	result	text := '';
	a		record;
BEGIN
	-- a short name may be the value of another state
	IF chance(.2) THEN
		UPDATE state SET id = other, aliased = true
			FROM (SELECT no AS this, coalesce(lead(id) OVER w, first_value(id) OVER w) AS other
					FROM state WHERE NOT aliased AND value IS NOT NULL WINDOW w AS (ORDER BY no)) o
			WHERE no = this;
	END IF;
	FOR a IN SELECT EXISTS (SELECT FROM move WHERE no IN (source, target)) AS moves, s.* FROM state s ORDER BY no LOOP
		lines := lines || array_remove(ARRAY[
			CASE WHEN a.aliased THEN format('state "%s" as %s', a.declared, a.id) END,
			CASE WHEN a.initial THEN any_of('{[*]-->,[*] --> }') || a.id END,
			CASE WHEN NOT a.aliased AND NOT a.initial AND NOT a.moves THEN 'state ' || a.id END,
			CASE WHEN chance(.2) THEN a.id || ' --> [*]' END,
			CASE WHEN chance(.1) THEN a.id || ' --> ' || a.id END,
			CASE WHEN chance(.2) AND a.id <> ALL (words) THEN
				a.id || any_of('{"",:::money," : here --> there",": [*]"}') END], NULL);
	END LOOP;
	lines := lines || ARRAY(
		SELECT s.id || any_of('{"","","",:::money,":::very-late"," :::a.b"}') ||
			any_of('{" --> "," --> ",-->,"-->	"}') || t.id || any_of('{"","","",:::money}') ||
			any_of('{"","",": ok"," : card --> refused"," : note left"," : 100 %% sure"," :"}')
			FROM move JOIN state s ON source = s.no JOIN state t ON target = t.no ORDER BY source, target);
	lines := lines || any_of(lines);	-- saying it twice changes nothing
	SELECT * INTO a FROM state ORDER BY no LIMIT 1;
	FOR i IN 1..below(8) LOOP
		lines := lines || any_of(ARRAY['', '%% [*] --> nowhere; x --> y', 'direction LR', 'hide empty description',
			'classDef money fill:#fff,stroke-width:2px', 'class ' || a.id || ' money', 'style nowhere fill:#f00',
			'accTitle: a --> b', 'note right of ' || a.id || ' : [*] --> nowhere', 'title nowhere --> x',
			concat_ws(eol, 'note left of ' || a.id, '	[*] --> nowhere', 'state "', 'end note')]);
	END LOOP;

	FOR line IN SELECT l FROM unnest(lines) l ORDER BY random() LOOP
		result := result || any_of(ARRAY['', E'\t', '   ']) || line ||
			CASE WHEN line LIKE ANY ('{%\%\%%,%end note}') THEN eol ELSE any_of(ARRAY[eol, eol, eol, ';' || eol, '; ']) END;
	END LOOP;
	IF chance(.7) THEN
		result := any_of('{stateDiagram,stateDiagram-v2}') || eol || result;
		IF chance(.2) THEN
			result := concat_ws(eol, '---', 'title: [*] --> nowhere; a', '---', result);
		END IF;
	END IF;
	RETURN result;
END $$;

-- Make up a machine, and its table with some rows in any state.
CREATE FUNCTION make_machine(number int) RETURNS machine LANGUAGE plpgsql AS $$
DECLARE
	m		machine;
	big		boolean := chance(.03);
	size	int := CASE WHEN big THEN 65 + below(130) ELSE 1 + below(12) END;
	kind	text := any_of('{text,varchar(30),char(20),text domain,enum,enum domain,text lookup,
							smallint,integer,bigint,integer domain,integer lookup}');
	density	float;
	numbers	boolean := kind ~ 'int';
	pool	text[] := CASE
		WHEN big THEN ARRAY(SELECT CASE WHEN numbers THEN '' ELSE 's' END || g FROM generate_series(1, 220) g)
		WHEN kind = 'bigint' THEN '{0,1,2,3,4,5,7,-1,4294967296,4294967297,-4294967295,-9223372036854775808,9223372036854775807}'
		WHEN numbers THEN '{0,1,2,3,4,5,7,8,9,10,11,20,99,100,257,-1,-2,-99,32767,-32768}'
		-- values that differ in case, blanks or Unicode's form, and words of the notation
		ELSE ARRAY['new', 'New', 'NEW', 'paid', 'Paid', 'in review', 'in  review', 'in_review', ' lead', 'trail ',
			'0', '01', '_', 'a.b', 'a/b', 'a-b', 'a;b', 'a:b', 'a --> b', '%%', '[*]', '{x}', 'it''s', E'a\\b',
			'note', 'state', 'end', 'title', 'direction', 'class', 'style', 'hide', 'scale', 'as', 'stateDiagram',
			'NULL', 'null', E'\u00e9tat', E'e\u0301tat', 'отменён', '支払済', 'ß', 'ss', E'new\u200b', E'\U0001F4B8'] END;
BEGIN
	DELETE FROM state;
	DELETE FROM move;
	TRUNCATE change;
	INSERT INTO state
		SELECT row_number() OVER (), v, CASE WHEN kind LIKE 'char%' THEN rtrim(v, ' ') ELSE v END, v,
				false, chance(.3), chance(.25)
			FROM (SELECT v FROM unnest(pool) v ORDER BY random() LIMIT size) p;
	UPDATE state SET initial = true WHERE no = 1;
	-- what is no identifier needs one; others may have one
	UPDATE state SET id = 'x' || no, aliased = true
		WHERE declared !~ '^([a-zA-Z0-9_./]|[^\u0001-\u007f])+$' OR value = 'NULL' OR no % 7 = 3;
	IF chance(.15) THEN
		INSERT INTO state VALUES (size + 1, NULL, NULL, 'NULL', false, chance(.3), false);
		size := size + 1;
	END IF;
	density := (1 + below(4))::float / size;
	FOR source IN 1..size LOOP
		INSERT INTO move SELECT source, target FROM generate_series(1, size) target
			WHERE source <> target AND chance(density);
	END LOOP;
	UPDATE state s SET next = ARRAY(SELECT t.value FROM move JOIN state t ON target = t.no
									WHERE source = s.no ORDER BY t.no);
	m.states := ARRAY(SELECT value FROM state ORDER BY no);
	m.initial := ARRAY(SELECT value FROM state WHERE initial ORDER BY no);

	m.number := number;
	m.layout := any_of('{plain,single,list,list,hash,inherits}');
	m.parts := CASE m.layout WHEN 'inherits' THEN 2 ELSE 4 END;
	m.pk := CASE m.layout WHEN 'single' THEN 'id' ELSE 'id, part' END;
	m.key := CASE WHEN m.layout IN ('single', 'list') THEN '{id}'
		WHEN m.layout = 'hash' THEN '{part}' ELSE '{id,part}' END::text[];
	m.audited := chance(.25);
	m.type := split_part(kind, ' ', 1);
	m.wild := ARRAY(
		SELECT w FROM unnest(pool || CASE WHEN NOT numbers AND kind !~ 'enum|lookup' THEN ARRAY(
			SELECT unnest(ARRAY[upper(declared), initcap(declared), declared || ' ', ' ' || declared, id,
								rtrim(declared), left(declared, -1), declared || 'x', '']) FROM state) END) w
			WHERE w IS NOT NULL AND NOT EXISTS (SELECT FROM state
				WHERE value = CASE WHEN kind LIKE 'char%' THEN rtrim(w, ' ') ELSE w END)
			ORDER BY w COLLATE "C");
	IF NOT EXISTS (SELECT FROM state WHERE value IS NULL) THEN
		m.wild := m.wild || NULL::text;
	END IF;
	m.diagram := draw();

	IF kind ~ 'enum' THEN
		EXECUTE format('CREATE TYPE label AS ENUM (%s)', (SELECT string_agg(quote_literal(v), ', ') FROM unnest(pool) v));
		m.type := 'label';
	END IF;
	IF kind ~ 'domain' THEN
		EXECUTE format('CREATE DOMAIN code AS %s', m.type);
		m.type := 'code';
	END IF;
	EXECUTE format('CREATE TABLE twin (id int, part int NOT NULL, status %s, n int NOT NULL, PRIMARY KEY (%s))',
		m.type, m.pk);
	EXECUTE format('CREATE TABLE t (LIKE twin INCLUDING INDEXES) %s', CASE m.layout
		WHEN 'list' THEN 'PARTITION BY LIST (part)' WHEN 'hash' THEN 'PARTITION BY HASH (id)' END);
	CASE m.layout
	WHEN 'list' THEN
		CREATE TABLE t_0 PARTITION OF t FOR VALUES IN (0);
		-- another order of columns, and a column that is gone
		EXECUTE format('CREATE TABLE t_1 (gone int, n int NOT NULL, status %s, part int NOT NULL, id int NOT NULL)', m.type);
		ALTER TABLE t_1 DROP COLUMN gone;
		ALTER TABLE t ATTACH PARTITION t_1 FOR VALUES IN (1);
		CREATE TABLE t_23 PARTITION OF t FOR VALUES IN (2, 3) PARTITION BY LIST (part);
		CREATE TABLE t_2 PARTITION OF t_23 FOR VALUES IN (2);
	WHEN 'hash' THEN
		CREATE TABLE t_a PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE t_b PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	WHEN 'inherits' THEN
		CREATE TABLE t_1 (PRIMARY KEY (id, part)) INHERITS (t);
	ELSE
	END CASE;
	IF kind ~ 'lookup' THEN
		EXECUTE format('CREATE TABLE lookup (status %s PRIMARY KEY)', m.type);
		EXECUTE format('INSERT INTO lookup SELECT unnest($1)::%s', m.type) USING pool;
		ALTER TABLE t ADD FOREIGN KEY (status) REFERENCES lookup;
	END IF;

	EXECUTE format('INSERT INTO twin SELECT nextval(''fresh''), 0, any_of($1)::%s, 0 FROM generate_series(1, $2)', m.type)
		USING m.states, below(8);
	INSERT INTO t SELECT * FROM twin;
	BEGIN
		EXECUTE format('INSERT INTO t VALUES (0, 0, %L::%s, 0)', any_of(m.wild), m.type);
		PERFORM paysafe.protect_status('t', 'status', m.diagram);
		RAISE 'machine %: a row in no state was there, and protect_status did not say so', number;
	EXCEPTION WHEN check_violation THEN
	END;
	PERFORM paysafe.protect_status('t', 'status', m.diagram,
		ARRAY(SELECT declared FROM state WHERE deletable ORDER BY no));
	IF m.audited THEN
		PERFORM paysafe.audit('t');
	END IF;
	IF m.layout = 'list' THEN	-- younger than its rules
		CREATE TABLE t_3 PARTITION OF t_23 FOR VALUES IN (3);
	END IF;
	CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON twin FOR EACH ROW EXECUTE FUNCTION note_change();
	INSERT INTO made VALUES (number, m.layout, kind, size, m.audited);
	RETURN m;
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE EXCEPTION USING MESSAGE = concat_ws(E'\n', SQLERRM, 'machine ' || number, m.diagram);
END $$;

-- A value for a row's next status, mostly one that is allowed; for a new row
-- and an old one.
CREATE FUNCTION random_status(m machine, clean boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN format('%L::%s', any_of(CASE WHEN clean THEN m.initial WHEN chance(.7) THEN m.states ELSE m.wild END), m.type);
END $$;

CREATE FUNCTION random_status(m machine, old text, clean boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	next	text[];
BEGIN
	IF NOT clean AND chance(.5) THEN
		RETURN random_status(m, false);
	END IF;
	SELECT s.next INTO next FROM state s WHERE value IS NOT DISTINCT FROM old;
	RETURN format('%L::%s', CASE WHEN cardinality(next) > 0 THEN any_of(next) ELSE old END, m.type);
END $$;

-- A random statement.  @t and @into stand for the table or one part of it
-- (fixed), where @w tells the twin which part is meant.
CREATE FUNCTION make_statement(m machine, OUT kind text, OUT sql text, OUT fixed int) LANGUAGE plpgsql AS $$
DECLARE
	kinds	CONSTANT text[] := '{insert,insert,insert many,update,update,update,update many,update many,update many,
		update from,update where,delete,delete many,upsert,upsert,upsert,do nothing,merge,merge,merge,move,move,
		rekey,no-op,cte update insert,cte delete insert,cte update delete,truncate}';
	adds	CONSTANT text := 'insert|upsert|nothing|merge';
	clean	boolean := chance(.6);
	old		picked[];
	ids		text;
	many	int;
	p		picked;
	values	text[];
	cases	text := '';
	fresh	text[];
	list	text;
BEGIN
	kind := any_of(kinds);
	SELECT count(*) INTO many FROM twin;
	IF many = 0 THEN
		kind := any_of('{insert,insert many,upsert,merge}');
	ELSIF kind = 'truncate' AND chance(.85) OR kind LIKE 'insert%' AND many > 20 THEN
		kind := any_of('{update,update many}');
	ELSIF kind LIKE 'merge%' AND current_setting('server_version_num')::int < 150000 THEN
		kind := 'upsert';
	END IF;
	fixed := CASE m.layout WHEN 'list' THEN CASE WHEN chance(.2) THEN below(4) END
		WHEN 'inherits' THEN CASE WHEN kind ~ adds OR chance(.5) THEN below(2) END END;
	-- a part keeps its rows; TRUNCATE of a young one is not seen yet (see threat-model.md)
	IF kind = 'move' AND m.layout IN ('list', 'inherits') OR kind = 'truncate' AND fixed = 3 THEN
		fixed := NULL;
	END IF;
	many := CASE WHEN kind IN ('insert', 'update', 'delete', 'do nothing') THEN 1 WHEN kind = 'rekey' THEN 2
		ELSE 1 + below(6) END;
	old := ARRAY(SELECT ROW(id, part, status)::picked
		FROM (SELECT id, part, status::text FROM twin WHERE part = fixed OR fixed IS NULL ORDER BY id, part) o
		ORDER BY random() LIMIT many);
	IF cardinality(old) = 0 AND (kind ~ '^cte' OR kind !~ adds) THEN
		old := ARRAY[ROW(0, coalesce(fixed, 0), NULL)::picked];	-- no such row
	END IF;
	ids := (SELECT string_agg(o.id::text, ', ') FROM unnest(old) o);

	-- old rows that meet themselves again, and new ones
	FOREACH p IN ARRAY old LOOP
		IF kind ~ 'update|upsert$|move|rekey' THEN
			cases := cases || format(' WHEN %s THEN %s', p.id, random_status(m, p.status, clean));
		END IF;
		IF kind ~ 'upsert|nothing|merge|from' OR kind ~ adds AND NOT clean AND chance(.1) THEN
			values := values || format('(%s, %s, %s, 1)', p.id, p.part, random_status(m, p.status, clean));
		END IF;
	END LOOP;
	IF kind ~ adds AND (values IS NULL OR chance(.5)) THEN
		FOR i IN 1..CASE kind WHEN 'insert' THEN 1 ELSE 1 + below(4) END LOOP
			fresh := fresh || format('(%s, %s, %s, 0)', nextval('fresh'), coalesce(fixed, below(m.parts)),
				random_status(m, clean));
		END LOOP;
	END IF;
	list := array_to_string(values || fresh, ', ');
	cases := CASE WHEN cases <> '' THEN 'CASE x.id' || cases || ' ELSE x.status END' END;
	CASE
	WHEN kind LIKE 'insert%' THEN
		sql := 'INSERT INTO @into (id, part, status, n) VALUES ' || list;
	WHEN kind IN ('update', 'update many') THEN
		sql := format('UPDATE @t x SET status = %s%s WHERE id IN (%s) AND @w', cases, any_of('{"",", n = n + 1"}'), ids);
	WHEN kind = 'update from' THEN
		sql := format('UPDATE @t x SET status = v.status FROM (VALUES %s) v(id, part, status, n)
				WHERE x.id = v.id AND x.part = v.part AND @w', list);
	WHEN kind = 'update where' THEN
		sql := format('UPDATE @t x SET status = %s, n = -n WHERE x.status::text IS NOT DISTINCT FROM %L AND @w',
				random_status(m, old[1].status, clean), old[1].status);
	WHEN kind LIKE 'delete%' THEN
		sql := format('DELETE FROM @t x WHERE %s AND @w', CASE WHEN clean THEN format(
				'x.status::text = ANY (%L)', ARRAY(SELECT value FROM state WHERE deletable AND no % 3 > 0 ORDER BY no))
				ELSE format('id IN (%s)', ids) END);
	WHEN kind = 'upsert' THEN
		sql := format('INSERT INTO @into AS x (id, part, status, n) %s ON CONFLICT (%s) DO UPDATE
				SET status = %s, n = EXCLUDED.n%s', any_of(ARRAY['VALUES ' || list, format('SELECT * FROM (VALUES %s) v', list)]),
				m.pk, coalesce(any_of(ARRAY['EXCLUDED.status', cases]), 'EXCLUDED.status'), any_of('{""," WHERE x.n % 2 = 0"}'));
	WHEN kind = 'do nothing' THEN
		sql := format('INSERT INTO @into (id, part, status, n) VALUES %s ON CONFLICT DO NOTHING', list);
	WHEN kind = 'merge' THEN
		sql := format('MERGE INTO @t x USING (VALUES %s) v(id, part, status, n) ON x.id = v.id AND x.part = v.part %s
				WHEN MATCHED AND x.id %% 4 = 0 THEN DO NOTHING
				WHEN MATCHED THEN UPDATE SET status = v.status, n = x.n + 1 %s
				WHEN NOT MATCHED THEN INSERT (status, id, part, n) VALUES (v.status, v.id, v.part, v.n)',
				list, any_of(ARRAY['', format('WHEN MATCHED AND x.status::text = ANY (%L) THEN DELETE',
					ARRAY(SELECT value FROM state WHERE deletable OR NOT clean ORDER BY no)),
					'WHEN MATCHED AND x.id % 5 = 0 THEN DELETE']),
				CASE WHEN fixed IS NULL AND m.layout = 'list' AND chance(.4) THEN ', part = 3 - x.part' END);
	WHEN kind = 'move' AND m.layout <> 'inherits' THEN
		sql := format('UPDATE @t x SET part = %s%s WHERE id IN (%s)', any_of(ARRAY['3 - part', '(part + 1) % 4', below(4)::text]),
				any_of(ARRAY['', ', n = n + 1', ', status = ' || cases]), ids);
	WHEN kind IN ('move', 'rekey') THEN
		-- now and then another row's key
		sql := format('UPDATE @t x SET id = %s%s WHERE id = %s AND @w',
				CASE WHEN old[2].part = old[1].part AND chance(.2) THEN old[2].id ELSE nextval('fresh') END,
				any_of(ARRAY['', ', status = ' || cases]), old[1].id);
	WHEN kind = 'no-op' THEN
		sql := format('UPDATE @t x SET %s WHERE @w', any_of('{status = status,n = n,"id = id, part = part",n = n + 1}'));
	WHEN kind = 'cte update insert' THEN
		sql := format('WITH u AS (UPDATE @t x SET status = %s WHERE id IN (%s) AND @w RETURNING id)
				INSERT INTO @into (id, part, status, n) VALUES %s', cases, ids, list);
	-- no move: other rows with the same keys
	WHEN kind = 'cte delete insert' THEN
		sql := format('WITH d AS (DELETE FROM @t x WHERE id IN (%s) AND @w RETURNING *)
				INSERT INTO @into (id, part, status, n) SELECT id, part, %s, n + 1 FROM d', ids, random_status(m, clean));
	WHEN kind = 'cte update delete' THEN
		sql := format('WITH u AS (UPDATE @t x SET status = %s WHERE id IN (%s) AND @w RETURNING id)
				DELETE FROM @t x WHERE id NOT IN (%2$s) AND x.status::text = ANY (%L) AND @w', cases, ids,
				ARRAY(SELECT value FROM state WHERE deletable AND no % 3 > 0 OR NOT clean AND no % 5 = 0 ORDER BY no));
	WHEN kind = 'truncate' THEN
		sql := 'TRUNCATE @into';
	END CASE;
END $$;

CREATE FUNCTION disagree(m machine, kind text, sql text, wanted text, got text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING MESSAGE = concat_ws(E'\n',
		'paysafe and the oracle disagree at machine ' || m.number,
		'', m.diagram, '',
		format('table:     %s, status %s, key %s', m.layout, m.type, m.key),
		'states:    ' || (SELECT string_agg(concat_ws(' ', quote_nullable(value), CASE WHEN initial THEN 'initial' END,
								CASE WHEN deletable THEN 'deletable' END), ', ' ORDER BY no) FROM state),
		'statement: ' || sql || '    -- ' || kind,
		'oracle:    ' || wanted,
		'paysafe:   ' || got,
		'twin:      ' || (SELECT string_agg(twin::text, ' ' ORDER BY id, part) FROM twin),
		'table:     ' || (SELECT string_agg(t::text, ' ' ORDER BY id, part) FROM t));
END $$;

CREATE FUNCTION compare(m machine, kind text, sql text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT string_agg(t::text, ' ' ORDER BY id, part) FROM t) IS DISTINCT FROM
		(SELECT string_agg(twin::text, ' ' ORDER BY id, part) FROM twin) THEN
		PERFORM disagree(m, kind, sql, 'the twin''s rows', 'other rows');
	END IF;
END $$;

-- One statement, on both tables.
CREATE FUNCTION step(m machine) RETURNS outcome LANGUAGE plpgsql AS $$
DECLARE
	s		record := make_statement(m);
	step	bigint := nextval('step');
	wanted	text[] := '{23T03}';	-- TRUNCATE
	rows	bigint := 0;
	affected bigint;
	affects	bigint;
	got		text := 'accepted';
	place	text := CASE WHEN s.fixed IS NULL OR m.layout = 'inherits' AND s.fixed = 0 THEN 't' ELSE 't_' || s.fixed END;
BEGIN
	IF s.kind <> 'truncate' THEN
		BEGIN
			EXECUTE replace(replace(replace(s.sql, '@into', 'twin'), '@t', 'twin'),
				'@w', CASE WHEN s.fixed IS NULL THEN 'true' ELSE 'x.part = ' || s.fixed END);
			GET DIAGNOSTICS affected = ROW_COUNT;
			SELECT * INTO wanted, rows FROM oracle(m, step);
			IF wanted <> '{}' THEN
				RAISE SQLSTATE 'TR001';
			END IF;
		EXCEPTION
			WHEN SQLSTATE 'TR001' THEN
			WHEN unique_violation OR cardinality_violation THEN	-- no business of paysafe's
				wanted := ARRAY[SQLSTATE];
				rows := 0;
			WHEN OTHERS THEN
				PERFORM disagree(m, s.kind, s.sql, 'a statement that works', SQLERRM);
		END;
	END IF;

	BEGIN
		EXECUTE replace(replace(replace(s.sql, '@into', place),
			'@t', CASE WHEN m.layout = 'inherits' AND s.fixed = 0 THEN 'ONLY ' ELSE '' END || place), '@w', 'true');
		GET DIAGNOSTICS affects = ROW_COUNT;
	EXCEPTION WHEN OTHERS THEN
		got := SQLSTATE;
		GET STACKED DIAGNOSTICS place = CONSTRAINT_NAME;
		IF got LIKE '23T%' AND place <> 'paysafe_t_status' OR wanted = '{}' OR got <> ALL (wanted) THEN
			PERFORM disagree(m, s.kind, s.sql, wanted::text, concat_ws(' ', got, place, SQLERRM));
		END IF;
	END;
	IF got = 'accepted' AND (wanted <> '{}' OR affects <> affected) THEN
		PERFORM disagree(m, s.kind, s.sql, format('%s, %s rows', wanted, affected), format('accepted, %s rows', affects));
	END IF;
	PERFORM compare(m, s.kind, s.sql);
	RETURN (s.kind, got, rows);
END $$;

-- Statements, now and then behind a savepoint that is released or rolled back.
CREATE FUNCTION work(m machine, depth int, n int) RETURNS outcome[] LANGUAGE plpgsql AS $$
DECLARE
	done	outcome[];
	keep	boolean;
	kind	text;
BEGIN
	FOR i IN 1..n LOOP
		IF depth < 4 AND chance(.05) THEN
			keep := chance(.5);
			BEGIN
				done := done || work(m, depth + 1, 1 + below(6));
				IF NOT keep THEN
					RAISE SQLSTATE 'TR001';
				END IF;
			EXCEPTION WHEN SQLSTATE 'TR001' THEN	-- done survives it
			END;
			kind := 'savepoint ' || CASE WHEN keep THEN 'released' ELSE 'rolled back' END;
			PERFORM compare(m, kind, '');
			done := done || ROW(kind, 'accepted', 0)::outcome;
		ELSE
			done := done || step(m);
		END IF;
	END LOOP;
	RETURN done;
END $$;

-- The audit log must have each change that was accepted, once, and no other.
CREATE FUNCTION compare_audit(m machine, since timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	differ	text;
BEGIN
	CREATE TEMP TABLE logged ON COMMIT DROP AS SELECT op, before, after FROM paysafe.audit_log
		WHERE at >= since AND schema_name = current_schema;
	SELECT string_agg(d::text, E'\n') INTO differ
		FROM ((SELECT 'missing', op, before, after FROM change EXCEPT ALL SELECT 'missing', * FROM logged)
			UNION ALL (SELECT 'extra', * FROM logged EXCEPT ALL SELECT 'extra', op, before, after FROM change)) d;
	IF differ IS NOT NULL THEN
		PERFORM disagree(m, 'audit', 'all of them', 'each change is logged once', differ);
	END IF;
END $$;

-- Every step-th machine from first to last; n statements for each.
CREATE PROCEDURE run(seed bigint, first int, last int, step int, n int) LANGUAGE plpgsql AS $$
DECLARE
	m		machine;
	done	outcome[];
	since	timestamptz;
BEGIN
	CREATE TEMP SEQUENCE step;
	CREATE TEMP SEQUENCE fresh;
	CREATE TABLE state (no int, declared text, value text, id text, aliased boolean,
							initial boolean, deletable boolean, next text[]);
	CREATE TABLE move (source int, target int);
	CREATE TABLE change (step bigint, op text, before jsonb, after jsonb, has_left boolean);
	CREATE TABLE gone (id int, part int, PRIMARY KEY (id, part));
	FOR number IN first..last BY step LOOP
		PERFORM setseed((hashint8extended(number, seed) >> 12) / 2.0 ^ 51);
		PERFORM setval('fresh', 1, false);
		TRUNCATE gone;
		m := make_machine(number);
		since := clock_timestamp();
		done := '{}';
		FOR i IN 1..4 LOOP
			COMMIT;
			done := done || work(m, 0, n / 4);
		END LOOP;
		COMMIT;
		IF m.audited THEN
			PERFORM compare_audit(m, since);
		END IF;
		INSERT INTO tally SELECT number, kind, verdict, count(*), sum(rows) FROM unnest(done) GROUP BY kind, verdict;
		DROP TABLE IF EXISTS t, twin, lookup CASCADE;
		DROP TYPE IF EXISTS label, code CASCADE;
		COMMIT;
	END LOOP;
END $$;
