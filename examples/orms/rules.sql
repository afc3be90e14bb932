-- What the database refuses, the same for each of these projects, whose tables their
-- ORMs have made.  For the tables' owner, once, in one transaction of a migration.
CREATE EXTENSION paysafe;

SELECT paysafe.protect_status('payment', 'status', $$
    [*] --> authorized
    authorized --> captured
    authorized --> cancelled
$$, deletable => '{authorized,cancelled}');
SELECT paysafe.protect_payment('payment', 'status', 'amount', 'captured', 'currency', captured => '{captured}');

SELECT paysafe.protect_status('refund', 'status', $$
    [*] --> requested
    requested --> executing : the gate, before the provider is called
    requested --> rejected
    executing --> paid
    executing --> failed
$$, recorded => '{paid}');
-- What an ORM writes beside the status, whoever approved, is not what was approved
SELECT paysafe.protect_refund('refund', 'payment', 'payment_id', 'amount', 'currency', 'status',
    gated => '{executing,paid}', void => '{rejected,failed}', recorded => '{paid}',
    unapproved_columns => '{version,updated_at}');
SELECT paysafe.set_refund_threshold('refund', 'EUR', 500);

SELECT paysafe.protect_ledger('ledger_entry', 'transaction', 'wallet_id', 'amount', 'currency');
SELECT paysafe.protect_balance('wallet', 'id', 'balance', 'ledger_entry', 'minimum');
SELECT paysafe.protect_row_lock('gift_card', '{balance}');

SELECT paysafe.audit('payment');
SELECT paysafe.audit('refund');
SELECT paysafe.set_idempotency('refunds');

-- The application's login owns nothing and declares nothing
GRANT SELECT, INSERT, UPDATE, DELETE ON payment, refund, wallet, ledger_entry, gift_card TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.idempotency_begin,
    paysafe.idempotency_finish, paysafe.idempotency_fail TO shop_app;
