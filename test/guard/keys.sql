-- By which columns the rows of a tree are known stays as it is, whatever joins the tree.
-- For a server that preloads paysafe.
BEGIN;
SELECT plan(29);
\ir ../pgtap/lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.flat (region text, created int, id int, status text NOT NULL, PRIMARY KEY (region, created, id)) PARTITION BY LIST (region);
CREATE TABLE shop.flat_us PARTITION OF shop.flat FOR VALUES IN ('us');
SELECT paysafe.protect_status('shop.flat', 'status', E'[*] --> new\nnew --> paid'), paysafe.audit('shop.flat');
INSERT INTO shop.flat VALUES ('us', 1, 1, 'new');
CREATE TABLE shop.deep (LIKE shop.flat, PRIMARY KEY (region, created, id)) PARTITION BY LIST (region);
CREATE TABLE shop.deep_eu PARTITION OF shop.deep FOR VALUES IN ('eu') PARTITION BY RANGE (created);
SELECT paysafe.protect_status('shop.deep', 'status', E'[*] --> new\nnew --> paid'), paysafe.audit('shop.deep');
CREATE TABLE shop.parent (id int PRIMARY KEY, note text);
SELECT paysafe.audit('shop.parent');
INSERT INTO shop.parent VALUES (1);

SELECT is(pg_temp.refusal(command), '42501 shop.flat paysafe_flat_guard_key', command) FROM (VALUES
	('CREATE TABLE shop.flat_eu PARTITION OF shop.flat FOR VALUES IN (''eu'') PARTITION BY RANGE (created)'),
	('CREATE TABLE shop.flat_eu (LIKE shop.flat, PRIMARY KEY (region, created, id)) PARTITION BY RANGE (created); ALTER TABLE shop.flat ATTACH PARTITION shop.flat_eu FOR VALUES IN (''eu'')'),
	('CREATE TABLE shop.flat_eu (LIKE shop.flat, PRIMARY KEY (region, created, id)) PARTITION BY LIST (region);
	  CREATE TABLE shop.flat_eu_1 PARTITION OF shop.flat_eu FOR VALUES IN (''eu'') PARTITION BY RANGE (id);
	  ALTER TABLE shop.flat ATTACH PARTITION shop.flat_eu FOR VALUES IN (''eu'')'),
	('DO ''BEGIN EXECUTE ''''CREATE TABLE shop.flat_eu PARTITION OF shop.flat DEFAULT PARTITION BY RANGE (created)''''; END''')) v (command);
SELECT matches(pg_temp.refusal_text('CREATE TABLE shop.flat_eu PARTITION OF shop.flat FOR VALUES IN (''eu'') PARTITION BY RANGE (created)', 'HINT'),
	'as the other partitions are', '... with the way out');
SELECT is(pg_temp.refusal(command), 'accepted', command) FROM (VALUES
	('CREATE TABLE shop.flat_eu PARTITION OF shop.flat FOR VALUES IN (''eu'')'),
	('CREATE TABLE shop.flat_as PARTITION OF shop.flat FOR VALUES IN (''as'', ''jp'') PARTITION BY LIST (region)'),
	('CREATE TABLE shop.flat_jp PARTITION OF shop.flat_as FOR VALUES IN (''jp'')'),
	('CREATE TABLE shop.deep_us PARTITION OF shop.deep FOR VALUES IN (''us'') PARTITION BY RANGE (created)'),
	('CREATE TABLE shop.deep_us_1 PARTITION OF shop.deep_us FOR VALUES FROM (0) TO (10)'),
	('CREATE TABLE shop.deep_as PARTITION OF shop.deep FOR VALUES IN (''as'')'),
	('CREATE TABLE shop.child (PRIMARY KEY (id)) INHERITS (shop.parent)'),
	('CREATE TABLE shop.other (id int PRIMARY KEY, note text); ALTER TABLE shop.other INHERIT shop.parent')) v (command);
SELECT is(pg_temp.refusal('CREATE TABLE shop.stranger (code int PRIMARY KEY) INHERITS (shop.parent)'), '22023', 'a child with another key');
SELECT is(pg_temp.refusal(command), '23505 shop.parent paysafe_parent_audit', command) FROM (VALUES
	('INSERT INTO shop.child VALUES (1)'), ('INSERT INTO shop.other VALUES (1)')) v (command);
SELECT is(pg_temp.refusal('INSERT INTO shop.other VALUES (2)'), 'accepted', 'a key of its own');

-- one index for another of the same columns, as when a bloated one is built anew
CREATE TABLE shop.rebuilt (a int, b text, c int NOT NULL, PRIMARY KEY (a, b));
SELECT paysafe.audit('shop.rebuilt'), paysafe.protect_columns('shop.rebuilt', '{c}');
INSERT INTO shop.rebuilt VALUES (1, 'x', 1);
CREATE UNIQUE INDEX fresh ON shop.rebuilt (a, b);
CREATE UNIQUE INDEX turned ON shop.rebuilt (b, a);
CREATE UNIQUE INDEX wider ON shop.rebuilt (a, b, c);
CREATE UNIQUE INDEX narrow ON shop.rebuilt (a);
CREATE UNIQUE INDEX covering ON shop.rebuilt (a, b) INCLUDE (c);
SELECT is(pg_temp.refusal('ALTER TABLE shop.rebuilt DROP CONSTRAINT rebuilt_pkey, ' || command), '42501 shop.rebuilt paysafe_rebuilt_guard_key', command) FROM (VALUES
	('ADD PRIMARY KEY USING INDEX turned'), ('ADD PRIMARY KEY USING INDEX wider'), ('ADD PRIMARY KEY USING INDEX narrow'),
	('ADD PRIMARY KEY (b, a)'), ('ADD PRIMARY KEY (a)'), ('ADD PRIMARY KEY USING INDEX fresh DEFERRABLE'),
	('ADD UNIQUE USING INDEX fresh'), ('ALTER c SET NOT NULL')) v (command);
SELECT is(pg_temp.refusal('ALTER TABLE shop.rebuilt DROP CONSTRAINT rebuilt_pkey; ALTER TABLE shop.rebuilt ADD PRIMARY KEY USING INDEX fresh'),
	'42501 shop.rebuilt paysafe_rebuilt_guard_key', 'in two commands: rows would be nameless between them');
SELECT is(pg_temp.refusal('ALTER TABLE shop.rebuilt DROP CONSTRAINT rebuilt_pkey, ADD CONSTRAINT rebuilt_pkey PRIMARY KEY USING INDEX fresh'), 'accepted', 'by the index');
SELECT is(pg_temp.refusal('ALTER TABLE shop.rebuilt DROP CONSTRAINT rebuilt_pkey, ADD CONSTRAINT rebuilt_covering PRIMARY KEY USING INDEX covering'), 'accepted', '... with more columns in it');
SELECT is(pg_temp.refusal('ALTER TABLE shop.rebuilt DROP CONSTRAINT rebuilt_covering, ADD PRIMARY KEY (a, b); UPDATE shop.rebuilt SET a = a'), 'accepted', '... built by the command');

SELECT * FROM finish();
ROLLBACK;
