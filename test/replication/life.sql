-- What goes on in the shop: a capture, an approved refund, a refund that waits, postings.
INSERT INTO shop.payment VALUES (1, 'created', 100, NULL, 'EUR'), (2, 'created', 50, NULL, 'EUR');
UPDATE shop.payment SET status = 'captured', captured = amount WHERE id = 1;
BEGIN;
SELECT paysafe.act_as('alice');
INSERT INTO shop.refund VALUES (1, 1, 30, 'EUR', 'requested'), (2, 1, 20, 'EUR', 'requested');
COMMIT;
BEGIN;
SELECT paysafe.act_as('bob');
SELECT paysafe.approve('shop.refund', '1', 'looked at it');
SELECT paysafe.approve('shop.refund', '2', 'looked at it');
COMMIT;
UPDATE shop.refund SET status = 'sent' WHERE id = 1;
INSERT INTO shop.account VALUES ('bank', NULL, NULL), ('A', 0, 0);
INSERT INTO shop.entry (transaction_id, account, amount) VALUES (1, 'A', 10), (1, 'bank', -10);
INSERT INTO shop.entry (transaction_id, account, amount) VALUES (2, 'A', -4), (2, 'bank', 4);
