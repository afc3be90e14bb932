-- A shop's tables and what the database refuses on them.
CREATE EXTENSION IF NOT EXISTS paysafe;
CREATE TABLE payment (
    id       bigint PRIMARY KEY,
    status   text NOT NULL DEFAULT 'authorized',
    currency char(3) NOT NULL DEFAULT 'EUR',
    amount   numeric(12,2) NOT NULL,
    captured numeric(12,2) NOT NULL DEFAULT 0
);
CREATE TABLE wallet (
    id      bigint PRIMARY KEY,
    balance numeric(12,2) NOT NULL DEFAULT 0,
    minimum numeric(12,2) DEFAULT 0
);
CREATE TABLE ledger_entry (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction text NOT NULL,
    wallet      bigint NOT NULL REFERENCES wallet,
    currency    char(3) NOT NULL DEFAULT 'EUR',
    amount      numeric(12,2) NOT NULL
);
CREATE INDEX ON ledger_entry (transaction);
CREATE TABLE gift_card (
    id      bigint PRIMARY KEY,
    balance numeric(12,2) NOT NULL
);

SELECT paysafe.protect_status('payment', 'status', $$
    [*] --> authorized
    authorized --> captured
    authorized --> cancelled
$$);
SELECT paysafe.protect_payment('payment', 'status', 'amount', 'captured', 'currency',
                               captured => '{captured}');
SELECT paysafe.protect_ledger('ledger_entry', 'transaction', 'wallet', 'amount', 'currency');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'ledger_entry', 'minimum');
SELECT paysafe.protect_row_lock('gift_card', '{balance}');
