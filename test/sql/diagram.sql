-- The Mermaid notation: what is understood, and what is refused.
CREATE SCHEMA t_diagram;
CREATE TABLE t_diagram.t (id int PRIMARY KEY, status text);
\set VERBOSITY default

-- front matter, directions, notes, styles, descriptions, aliases, semicolons
SELECT paysafe.protect_status('t_diagram.t', 'status', $$
---
title: everything that only draws
---
stateDiagram-v2
	direction LR
	%% a comment
	state "in review" as review
	state done
	[*] --> new; new --> review : sent to the desk
	review:::busy --> done
	new : just arrived
	note right of new : one line
	note left of done
		several lines; with --> arrows
	end note
	classDef busy fill:#f00
	class review busy
	done --> [*]
$$);
SELECT definition FROM paysafe.protection WHERE relation = 't_diagram.t'::regclass;
INSERT INTO t_diagram.t VALUES (1, 'new');
UPDATE t_diagram.t SET status = 'review';		-- fails: that is the short name
UPDATE t_diagram.t SET status = 'in review';
UPDATE t_diagram.t SET status = 'done';

-- refused: each with its line
CREATE TABLE t_diagram.bad (id int PRIMARY KEY, status text);
CREATE FUNCTION t_diagram.try(machine text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	PERFORM paysafe.protect_status('t_diagram.bad', 'status', machine);
	RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || '  ' || d;
END $$;
SELECT t_diagram.try(m) FROM (VALUES
	(''),
	('a --> b'),
	(E'[*] --> a\na -> b'),
	(E'[*] --> a\na --> '),
	(E'[*] --> a\n--> b'),
	(E'[*] --> [*]'),
	(E'[*] --> a\na --> b c'),
	(E'[*] --> in-progress'),
	(E'[*] --> a\nstate a {\nx --> y\n}'),
	(E'[*] --> a\n}'),
	(E'[*] --> a\nstate f <<fork>>'),
	(E'[*] --> a\n--\n[*] --> b'),
	(E'[*] --> a\nstate "open'),
	(E'[*] --> a\nstate "" as b\nstate "" as c'),
	(E'[*] --> a\nstate "x" is b'),
	(E'[*] --> a\nstate "x" as a\nstate "y" as a'),
	(E'[*] --> a\nstate "x" as b\nstate "x" as c'),
	(E'[*] --> a\nnote left of a\nnever ends'),
	(E'---\ntitle: never ends'),
	(E'[*] --> a\ngraph TD'),
	('[*] --> ' || repeat('x', 300)),
	('[*] --> a' || repeat(E'\n%%', 40000)),
	((SELECT string_agg('[*] --> s' || g, E'\n') FROM generate_series(1, 300) g))
) v(m);
SELECT relation FROM paysafe.protection WHERE relation = 't_diagram.bad'::regclass;
