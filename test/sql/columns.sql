-- Frozen columns.
CREATE SCHEMA t_columns;
CREATE TABLE t_columns.payment (
	id int PRIMARY KEY,
	status text NOT NULL DEFAULT 'new',
	amount numeric,
	customer text,
	token text,
	data jsonb,
	note text
);
INSERT INTO t_columns.payment VALUES (1, 'new', 10.50, 'c1', 't1', '{"a":1}', 'n');
SELECT paysafe.protect_columns('t_columns.payment', '{customer,data}');
SELECT paysafe.protect_columns('t_columns.payment', '{amount,token}', once_status => '{paid}');	-- fails: no status rule
SELECT paysafe.protect_status('t_columns.payment', 'status', '[*] --> new
	new --> paid
	new --> lost
	paid --> done
	paid --> lost');
SELECT paysafe.protect_columns('t_columns.payment', '{amount,token}', once_status => '{piad}');	-- fails: no such status
SELECT paysafe.protect_columns('t_columns.payment', '{amount,token}', once_status => '{paid}');
SELECT rule, columns, definition FROM paysafe.protection
 WHERE relation = 't_columns.payment'::regclass ORDER BY rule;

-- frozen from the start
UPDATE t_columns.payment SET customer = 'c2';				-- fails
UPDATE t_columns.payment SET customer = NULL;				-- fails
UPDATE t_columns.payment SET data = '{"a":2}';				-- fails
-- written again as it is: harmless
UPDATE t_columns.payment SET customer = 'c1', data = '{"a": 1}', note = 'x';
-- free before the status, and in the UPDATE that enters it
UPDATE t_columns.payment SET amount = 11, token = 't2';
UPDATE t_columns.payment SET amount = 12, status = 'paid';
-- frozen after it
UPDATE t_columns.payment SET amount = 13;					-- fails
UPDATE t_columns.payment SET token = 't3', status = 'done';	-- fails
UPDATE t_columns.payment SET amount = 12.00, token = 't2';
-- also in a status that is only reached through it, but not in one with another way
UPDATE t_columns.payment SET status = 'done';
UPDATE t_columns.payment SET amount = 14;					-- fails
INSERT INTO t_columns.payment VALUES (2, 'new', 1, 'c1', 't1');
UPDATE t_columns.payment SET status = 'lost' WHERE id = 2;
UPDATE t_columns.payment SET amount = 2 WHERE id = 2;

-- arguments
SELECT paysafe.protect_columns('t_columns.payment', '{}');
SELECT paysafe.protect_columns('t_columns.payment', '{nothing}');
SELECT paysafe.protect_columns('t_columns.payment', NULL);
SELECT paysafe.protect_columns('t_columns.payment', '{customer,NULL}');
SELECT paysafe.protect_columns('t_columns.payment', '{customer}', '{}');
