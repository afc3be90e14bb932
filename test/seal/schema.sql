CREATE EXTENSION paysafe;
CREATE TABLE pay (id bigint PRIMARY KEY, amount numeric, note text);
SELECT paysafe.audit('pay');
