-- Tables that never had a row: nobody depends on their rules.
BEGIN;
SELECT plan(18);
\ir lib/refusal.psql
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;
CREATE TABLE shop.task (id int PRIMARY KEY, status text, note text);
CREATE TABLE shop.part (id int, region text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.part_eu PARTITION OF shop.part FOR VALUES IN ('eu');
CREATE TABLE shop.old (id int PRIMARY KEY, note text);
CREATE TABLE shop.payment (id int PRIMARY KEY, captured numeric, currency text);
CREATE TABLE shop.refund (id int PRIMARY KEY, payment int, amount numeric, currency text, status text);
CREATE INDEX ON shop.refund (payment);
INSERT INTO shop.old VALUES (1, 'a');
\set machine 'SELECT paysafe.protect_status(''shop.task'', ''status'', E''[*] --> %s\nnew --> done'')'
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done'), paysafe.protect_columns('shop.task', '{note,id}'),
	   paysafe.protect_columns('shop.part', '{note,id}'), paysafe.protect_columns('shop.old', '{note,id}');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_status(''shop.task'', ''status'', E''[*] --> done'')'), 'accepted', 'another machine');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.task'', ''{id}'')'), 'accepted', 'fewer columns');
-- who acts as a person asks for the other one
SAVEPOINT named;
SELECT paysafe.protect_columns('shop.task', '{note,id}'), paysafe.act_as('alice');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.task'', ''{id}'')'), '42501 shop.task paysafe_task_columns', 'not as a person');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.task'', ''columns'', ''no use'')'), '42501 shop.task paysafe_task_columns', 'nor dropped as one');
ROLLBACK TO named;
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.task'', ''columns'', ''no use'')'), 'accepted', 'none');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.old'', ''{id}'')'), '42501 shop.old paysafe_old_columns', 'not where there are rows');

-- who came and is gone was there
SELECT paysafe.protect_status('shop.task', 'status', E'[*] --> new\nnew --> done', '{new}'), paysafe.protect_columns('shop.task', '{note,id}');
INSERT INTO shop.task VALUES (1, 'new');
DELETE FROM shop.task;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.task'', ''{id}'')'), '42501 shop.task paysafe_task_columns', 'not where a row has been');
SELECT is(pg_temp.refusal('SELECT paysafe.unprotect(''shop.task'', ''columns'', ''no use'')'), '42501 shop.task paysafe_task_columns', 'and not dropped');
SELECT is((SELECT count(*) FROM paysafe.row_mark WHERE relation = 'shop.task'::regclass AND mark = 'used'), 1::bigint, 'which one mark says');
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.part'', ''{id}'')'), 'accepted', 'a tree without rows');
SELECT paysafe.protect_columns('shop.part', '{note,id}');
INSERT INTO shop.part VALUES (1, 'eu');
DELETE FROM shop.part;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.part'', ''{id}'')'), '42501 shop.part paysafe_part_columns', 'one partition is enough');

-- both tables of a rule
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency'),
	   paysafe.set_refund_threshold('shop.refund', 'EUR', 50);
\set fewer 'SELECT paysafe.protect_refund(''shop.refund'', ''shop.payment'', ''payment'', ''amount'', ''currency'', ''status'', ''{sent}'', ''{}'', ''captured'', ''currency'')'
SELECT is(pg_temp.refusal(:'fewer'), 'accepted', 'another rule of refunds');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 60)'), 'accepted', 'a higher threshold');
SELECT paysafe.protect_refund('shop.refund', 'shop.payment', 'payment', 'amount', 'currency', 'status', '{sent}', '{void}', 'captured', 'currency');
INSERT INTO shop.payment VALUES (1, 100, 'EUR');
SELECT is(pg_temp.refusal(:'fewer'), '42501 shop.refund paysafe_refund_refund', 'not where there are payments');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 70)'), '42501 shop.refund paysafe_refund_threshold for EUR', 'nor a threshold: the first refund of them could pass alone');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 40)'), 'accepted', 'a lower one does');
INSERT INTO shop.refund VALUES (1, 1, 10, 'EUR', 'asked');
SELECT is(pg_temp.refusal('SELECT paysafe.set_refund_threshold(''shop.refund'', ''EUR'', 80)'), '42501 shop.refund paysafe_refund_threshold for EUR', 'not where there are refunds');
-- a row that was rolled back leaves pages behind: it is taken for one
SAVEPOINT undone;
CREATE TABLE shop.undone (id int PRIMARY KEY, note text);
SELECT paysafe.protect_columns('shop.undone', '{note,id}');
SAVEPOINT a;
INSERT INTO shop.undone VALUES (1);
ROLLBACK TO a;
SELECT is(pg_temp.refusal('SELECT paysafe.protect_columns(''shop.undone'', ''{id}'')'), '42501 shop.undone paysafe_undone_columns', 'what is not known is taken for used');
SELECT * FROM finish();
ROLLBACK;
