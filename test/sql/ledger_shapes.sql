-- Ledgers as applications have them: sides in their own words or in two columns, drafts, columns that change, transactions
-- that stay open, none at all.
CREATE SCHEMA t_ledger_shapes;
SET search_path = t_ledger_shapes;

-- the side in words of one's own, an enum
CREATE TYPE side AS ENUM ('in', 'out');
CREATE TABLE entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, txn int, account text, amount numeric, asset text, way side);
CREATE INDEX ON entry (txn);
CREATE TABLE usual (LIKE entry INCLUDING ALL);
SELECT paysafe.protect_ledger('usual', 'txn', 'account', 'amount', 'asset', 'way');
INSERT INTO usual (txn, account, amount, asset, way) VALUES (1, 'a', 5, 'EUR', 'in'), (1, 'b', 5, 'EUR', 'out');			-- fails: no words of a ledger
SELECT paysafe.protect_ledger('entry', 'txn', 'account', 'amount', 'asset', 'way', debits => '{in}', credits => '{out}', decimals => 3, zero_amounts => true);
SELECT definition FROM paysafe.protection WHERE relation = 'entry'::regclass;
INSERT INTO entry (txn, account, amount, asset, way) VALUES (1, 'a', 5.125, 'beans', 'in'), (1, 'b', 5.125, 'beans', 'out'), (1, 'a', 0, 'EUR', 'in');
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 5, 'beans', 'in'), (2, 'b', 5, 'beans', 'in');			-- fails
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 5, 'beans', 'in'), (2, 'b', 5, 'Beans', 'out');		-- fails
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 5.0625, 'beans', 'in'), (2, 'b', 5.0625, 'beans', 'out');	-- fails
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 5, 'beans', NULL);										-- fails
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 0, 'beans', 'in');
INSERT INTO entry (txn, account, amount, asset, way) VALUES (2, 'a', 5, 'beans', 'in'), (2, 'b', 5, 'beans', 'out');		-- fails: posted, of nothing

-- debits and credits in two columns; a constant currency
CREATE TABLE line (id int PRIMARY KEY, move int, account int, debit numeric(12,2), credit numeric(12,2), state text NOT NULL, note text, seen timestamptz);
CREATE INDEX ON line (move);
INSERT INTO line VALUES (1, 1, 10, 5, 0, 'draft'), (2, 1, 20, 5, 5, 'draft'), (3, 2, 10, 1, NULL, 'posted'), (4, 2, 20, NULL, 1, 'posted');
\set declare 'SELECT paysafe.protect_ledger(''line'', ''move'', ''account'', ''debit'', credit_column => ''credit'', currency => ''EUR'', mutable_columns => ''{note,seen}'', rows => ''{"state": ["posted"]}'')'
:declare;
SELECT definition, columns FROM paysafe.protection WHERE relation = 'line'::regclass;
-- drafts change, and go
UPDATE line SET debit = NULL WHERE id = 2;
INSERT INTO line VALUES (5, 1, 30, -7, 7, 'draft');
DELETE FROM line WHERE id = 5;
-- they are posted together
UPDATE line SET state = 'posted' WHERE id = 1;																				-- fails: half of it
BEGIN;
UPDATE line SET state = 'posted' WHERE id = 1;
SAVEPOINT s;
UPDATE line SET state = 'posted' WHERE id = 2;
ROLLBACK TO s;
UPDATE line SET note = 'half';
UPDATE line SET state = 'posted', debit = 0 WHERE id = 2;
COMMIT;
SELECT id, debit, credit, state, note FROM line ORDER BY id;
-- posted rows stay, but for what may change
UPDATE line SET note = 'paid', seen = now() WHERE move = 1;
UPDATE line SET credit = 4, note = 'x' WHERE id = 2;																		-- fails
UPDATE line SET state = 'draft' WHERE id = 2;																				-- fails
UPDATE line SET id = 22 WHERE id = 2;																						-- fails
DELETE FROM line WHERE id = 2;																								-- fails
INSERT INTO line VALUES (1, 1, 10, 5, 0, 'posted') ON CONFLICT (id) DO UPDATE SET note = excluded.note;
INSERT INTO line VALUES (1, 1, 10, 6, 0, 'posted') ON CONFLICT (id) DO UPDATE SET debit = excluded.debit;					-- fails
MERGE INTO line l USING (VALUES (1, 9)) v (id, amount) ON l.id = v.id WHEN MATCHED THEN UPDATE SET debit = v.amount;		-- fails
-- and their transaction is closed, whoever has written them last
INSERT INTO line VALUES (6, 1, 10, 1, 0, 'posted'), (7, 1, 20, 0, 1, 'posted');												-- fails
INSERT INTO line VALUES (6, 1, 10, 1, 0, 'draft'), (7, 1, 20, 0, 1, 'draft');
UPDATE line SET state = 'posted' WHERE id IN (6, 7);																		-- fails
BEGIN;
UPDATE line SET note = 'mine' WHERE move = 1;
UPDATE line SET state = 'posted' WHERE id IN (6, 7);																		-- fails
ROLLBACK;
BEGIN;
UPDATE line SET note = 'mine' WHERE move = 1;
SAVEPOINT s;
INSERT INTO line VALUES (8, 1, 10, 1, 0, 'posted'), (9, 1, 20, 0, 1, 'posted');												-- fails
ROLLBACK;
DELETE FROM line WHERE move = 1 AND state = 'draft';
-- what an entry is
INSERT INTO line VALUES (8, 3, 10, 1, 1, 'posted');																			-- fails: both
INSERT INTO line VALUES (8, 3, 10, 0, NULL, 'posted');																		-- fails: neither
INSERT INTO line VALUES (8, 3, 10, -1, 0, 'posted');																		-- fails
INSERT INTO line VALUES (8, 3, 10, 'NaN', 0, 'posted');																		-- fails
INSERT INTO line VALUES (8, 3, 10, 1, 0, 'posted'), (9, 3, 20, 0, 2, 'posted');												-- fails: unbalanced
\copy line (id, move, account, debit, credit, state) from stdin
8	3	10	1	0	posted
9	3	20	0	1	posted
\.
SELECT count(*) FROM line WHERE move = 3;
-- triggers of the table post and change rows of their own statement
CREATE FUNCTION a_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note = 'post' THEN
		UPDATE line SET state = 'posted', note = 'by trigger' WHERE id = NEW.id;
	ELSIF NEW.note = 'cheat' THEN
		UPDATE line SET debit = debit + 1, note = 'cheated' WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER a_trigger AFTER INSERT OR UPDATE ON line FOR EACH ROW WHEN (NEW.note IN ('post', 'cheat')) EXECUTE FUNCTION a_trigger();
INSERT INTO line VALUES (11, 4, 10, 1, 0, 'draft', 'post'), (12, 4, 20, 0, 1, 'draft', 'post');
INSERT INTO line VALUES (13, 5, 10, 1, 0, 'draft', 'post'), (14, 5, 20, 0, 2, 'draft', 'post');								-- fails
INSERT INTO line VALUES (13, 5, 10, 1, 0, 'posted', 'cheat'), (14, 5, 20, 0, 1, 'posted', NULL);							-- fails
UPDATE line SET note = 'cheat' WHERE id = 11;																				-- fails
SELECT id, state, note FROM line WHERE move > 3 ORDER BY id;
DROP TRIGGER a_trigger ON line;

-- what cannot be declared
CREATE TABLE bad (id int PRIMARY KEY, txn int, account text, amount numeric, credit bigint, side text, note text, rev int);
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount');															-- fails: no currency
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', 'note', currency => 'EUR');								-- fails: two
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'beans');										-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', credit_column => 'credit');				-- fails: units
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', credit_column => 'amount', direction_column => 'side');	-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', debits => '{a}', credits => '{b}');		-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', direction_column => 'side', debits => '{a}');	-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', direction_column => 'side', debits => '{a}', credits => '{a}');	-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', decimals => -1);						-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{missing}');		-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{note,amount}');	-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{id}');				-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{side}', rows => '{"side": ["x"]}');	-- fails
SELECT paysafe.protect_ledger('bad', 'txn', 'account', 'amount', currency => 'EUR', reverses_column => 'rev', closed => false);	-- fails

-- transactions that stay open: what each database transaction adds balances by itself
CREATE TABLE open_entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, txn text, account text, cents bigint);
SELECT paysafe.protect_ledger('open_entry', 'txn', 'account', 'cents', currency => 'USD', closed => false);
INSERT INTO open_entry (txn, account, cents) VALUES ('L1', 'a', 5), ('L1', 'b', -5);
INSERT INTO open_entry (txn, account, cents) VALUES ('L1', 'a', -5), ('L1', 'b', 5);
INSERT INTO open_entry (txn, account, cents) VALUES ('L1', 'a', -5);														-- fails
SELECT paysafe.protect_ledger('open_entry', 'txn', 'account', 'cents', currency => 'USD');									-- tightens
INSERT INTO open_entry (txn, account, cents) VALUES ('L1', 'a', -5), ('L1', 'b', 5);										-- fails
SELECT paysafe.protect_ledger('open_entry', 'txn', 'account', 'cents', currency => 'USD', closed => false);					-- fails: loosens
SELECT paysafe.protect_ledger('open_entry', 'txn', 'account', 'cents', currency => 'USD', mutable_columns => '{}');
SELECT paysafe.protect_ledger('line', 'move', 'account', 'debit', credit_column => 'credit', currency => 'EUR', mutable_columns => '{note}', rows => '{"state": ["posted"]}');	-- tightens
UPDATE line SET seen = now() WHERE id = 1;																					-- fails
UPDATE line SET note = 'still' WHERE id = 1;

-- one side only: gift cards, with balances that the entries move
CREATE TABLE card (id int PRIMARY KEY, balance numeric(12,2) NOT NULL DEFAULT 0, minimum numeric(12,2) NOT NULL DEFAULT 0);
CREATE TABLE card_entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, card int NOT NULL, kind text NOT NULL, amount numeric(12,2) NOT NULL, status text NOT NULL DEFAULT 'done', memo text);
SELECT paysafe.protect_entries('card_entry', 'card', 'amount', direction_column => 'kind', debits => '{issue,refund}', credits => '{spend,expire}',
	currency => 'EUR', mutable_columns => '{memo}', rows => '{"status": ["done"]}');
SELECT paysafe.protect_balance('card', 'id', 'balance', 'card_entry', 'minimum');
SELECT definition FROM paysafe.protection WHERE relation = 'card_entry'::regclass;
INSERT INTO card (id) VALUES (1);
INSERT INTO card_entry (card, kind, amount) VALUES (1, 'issue', 50), (1, 'spend', 20);
INSERT INTO card_entry (card, kind, amount) VALUES (1, 'spend', 31);														-- fails
INSERT INTO card_entry (card, kind, amount) VALUES (2, 'issue', 31);														-- fails: no such card
INSERT INTO card_entry (card, kind, amount) VALUES (1, 'gift', 5);															-- fails
INSERT INTO card_entry (card, kind, amount, status) VALUES (1, 'spend', 31, 'pending');
UPDATE card_entry SET status = 'done' WHERE status = 'pending';																-- fails
UPDATE card_entry SET amount = 10 WHERE status = 'pending';
UPDATE card_entry SET status = 'done' WHERE status = 'pending';
UPDATE card_entry SET memo = 'thanks';
UPDATE card_entry SET amount = 1 WHERE card = 1;																			-- fails
DELETE FROM card_entry;																										-- fails
SELECT balance, paysafe.balance('1', accounts => 'card') FROM card;
INSERT INTO card_entry (card, kind, amount) SELECT 1, 'expire', balance FROM card;
SELECT balance FROM card;
SELECT kind, sum(amount) FROM card_entry GROUP BY 1 ORDER BY 1;

-- partitions: a row that moves is no row of this transaction's
CREATE TABLE book (id int, txn int, account text, amount bigint, bucket int, PRIMARY KEY (id, bucket)) PARTITION BY LIST (bucket);
CREATE TABLE book_1 PARTITION OF book FOR VALUES IN (1);
CREATE TABLE book_2 PARTITION OF book FOR VALUES IN (2);
CREATE INDEX ON book (txn);
SELECT paysafe.protect_ledger('book', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{bucket}');		-- fails: of the primary key
ALTER TABLE book DROP CONSTRAINT book_pkey;
SELECT paysafe.protect_ledger('book', 'txn', 'account', 'amount', currency => 'EUR', mutable_columns => '{bucket}');
INSERT INTO book VALUES (1, 1, 'a', 5, 1), (2, 1, 'b', -5, 1);
BEGIN;
UPDATE book SET bucket = 2;
INSERT INTO book VALUES (3, 1, 'a', 5, 2), (4, 1, 'b', -5, 2);																-- fails: posted
ROLLBACK;
UPDATE book SET bucket = 2;
UPDATE book SET bucket = 1, amount = amount * 2;																			-- fails
SELECT tableoid::regclass, id, amount FROM book ORDER BY id;

-- entries that nothing adds up but the rule: no account sums below its minimum, in its own currency
CREATE TABLE gift (id int PRIMARY KEY, currency text NOT NULL, secret text);
CREATE TABLE gift_entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gift int REFERENCES gift, value numeric(13,3) NOT NULL, memo text, ok boolean NOT NULL DEFAULT true);
SELECT paysafe.protect_entries('gift_entry', 'gift', 'value', currency_path => '{gift,currency}', minimum => 1);						-- fails
SELECT paysafe.protect_entries('gift_entry', 'gift', 'value', currency_path => '{gift}', minimum => 0);									-- fails
SELECT paysafe.protect_entries('gift_entry', 'gift', 'value', currency_path => '{gift,currency}', currency => 'EUR', minimum => 0);		-- fails
SELECT paysafe.protect_entries('gift_entry', 'gift', 'value', currency_path => '{gift,currency}', minimum => 0, mutable_columns => '{gift}');	-- fails
INSERT INTO gift VALUES (1, 'EUR'), (2, 'JPY'), (3, 'EUR');
INSERT INTO gift_entry (gift, value) VALUES (1, 20), (1, -25);
\set declare 'SELECT paysafe.protect_entries(''gift_entry'', ''gift'', ''value'', currency_path => ''{gift,currency}'', minimum => 0, mutable_columns => ''{memo}'', rows => ''{"ok": [true]}'')'
:declare;																													-- fails: what is there
UPDATE gift_entry SET ok = false WHERE value < 0;
:declare;																													-- warns
CREATE INDEX ON gift_entry (gift);
:declare;
SELECT definition, columns FROM paysafe.protection WHERE relation = 'gift_entry'::regclass;
INSERT INTO gift_entry (gift, value) VALUES (1, -15);
INSERT INTO gift_entry (gift, value) VALUES (1, -5.01);																		-- fails
INSERT INTO gift_entry (gift, value) VALUES (1, -6), (1, 1);																-- the statement leaves enough
INSERT INTO gift_entry (gift, value) VALUES (1, 3), (1, -4);																-- fails
INSERT INTO gift_entry (gift, value) VALUES (1, 0.001);																		-- fails: cents
INSERT INTO gift_entry (gift, value) VALUES (2, 0.5);																		-- fails: yen
INSERT INTO gift_entry (gift, value) VALUES (NULL, 5);																		-- fails
UPDATE gift_entry SET ok = true WHERE NOT ok;																				-- fails: 25 less
UPDATE gift_entry SET ok = false WHERE id = 3;																				-- fails
UPDATE gift_entry SET value = 100 WHERE id = 3;																				-- fails
UPDATE gift_entry SET memo = 'x';
DELETE FROM gift_entry WHERE id = 3;																						-- fails
WITH a AS (INSERT INTO gift_entry (gift, value) VALUES (3, 10)) INSERT INTO gift_entry (gift, value) VALUES (3, -10);
WITH a AS (INSERT INTO gift_entry (gift, value) VALUES (3, 10)) INSERT INTO gift_entry (gift, value) VALUES (3, -11);		-- fails
BEGIN;
INSERT INTO gift_entry (gift, value) VALUES (3, 10), (3, -4);
SAVEPOINT s;
INSERT INTO gift_entry (gift, value) VALUES (3, -6);
SAVEPOINT t;
INSERT INTO gift_entry (gift, value) VALUES (3, -0.01);																		-- fails
ROLLBACK TO t;
INSERT INTO gift_entry (gift, value) VALUES (3, 2);
RELEASE t;
INSERT INTO gift_entry (gift, value) VALUES (3, -2);
ROLLBACK TO s;
INSERT INTO gift_entry (gift, value) VALUES (3, -5), (3, 1), (3, -2);
INSERT INTO gift_entry (gift, value) VALUES (3, -0.01);																		-- fails
ROLLBACK;
BEGIN;
INSERT INTO gift_entry (gift, value) VALUES (3, 10);
SELECT count(*) FROM (SELECT paysafe.begin_fixtures('x')) f;																-- fails: no test database
ROLLBACK;
-- what says the currency stays
UPDATE gift SET secret = 's';
UPDATE gift SET currency = 'USD' WHERE id = 1;																				-- fails
DELETE FROM gift WHERE id = 2;
DELETE FROM gift WHERE id = 1;																								-- fails
TRUNCATE gift CASCADE;																										-- fails
SELECT gift, sum(value) FROM gift_entry WHERE ok GROUP BY 1 ORDER BY 1;
-- a ledger whose currency is the document's
CREATE TABLE document (id int PRIMARY KEY, currency text);
CREATE TABLE document_line (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, document int NOT NULL REFERENCES document, account int, cents bigint);
CREATE INDEX ON document_line (document);
SELECT paysafe.protect_ledger('document_line', 'document', 'account', 'cents', currency_path => '{document,currency}');
INSERT INTO document VALUES (1, 'EUR'), (2, NULL);
INSERT INTO document_line (document, account, cents) VALUES (1, 1, 5), (1, 2, -5);
INSERT INTO document_line (document, account, cents) VALUES (2, 1, 5), (2, 2, -5);											-- fails: no currency
UPDATE document SET currency = 'USD' WHERE id = 2;
INSERT INTO document_line (document, account, cents) VALUES (2, 1, 5), (2, 2, -5);
CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, currency text);
SELECT paysafe.protect_balance('account', 'id', 'balance', 'document_line', currency_column => 'currency');					-- fails: no accounts
INSERT INTO account VALUES (1, 0, 'EUR'), (2, 0, 'EUR');
SELECT paysafe.protect_balance('account', 'id', 'balance', 'document_line', currency_column => 'currency');					-- fails: two currencies
UPDATE document SET currency = 'USD' WHERE id = 1;																			-- fails
