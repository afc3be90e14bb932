"""What the database refuses from now on.  Dropping a rule takes a second person,
so that there is no way back by a migration."""

from django.db import migrations

RULES = """
CREATE EXTENSION IF NOT EXISTS paysafe;

SELECT paysafe.protect_status('shop_payment', 'status', $$
    [*] --> authorized
    authorized --> captured
    authorized --> cancelled
$$, deletable => '{authorized,cancelled}');
SELECT paysafe.protect_payment('shop_payment', 'status', 'amount', 'captured', 'currency',
                               captured => '{captured}');

SELECT paysafe.protect_status('shop_refund', 'status', $$
    [*] --> requested
    requested --> executing
    requested --> rejected
    executing --> paid
    executing --> failed
$$, recorded => '{paid}');
SELECT paysafe.protect_refund('shop_refund', 'shop_payment', 'payment_id', 'amount', 'currency',
                              'status', gated => '{executing,paid}', void => '{rejected,failed}',
                              payment_amount_column => 'captured',
                              payment_currency_column => 'currency', recorded => '{paid}');
SELECT paysafe.set_refund_threshold('shop_refund', 'EUR', 500);

SELECT paysafe.protect_ledger('shop_ledgerentry', 'transaction', 'wallet_id', 'amount', 'currency');
SELECT paysafe.protect_balance('shop_wallet', 'id', 'balance', 'shop_ledgerentry', 'minimum');
SELECT paysafe.protect_row_lock('shop_giftcard', '{balance}');

SELECT paysafe.audit('shop_payment');
SELECT paysafe.audit('shop_refund');
SELECT paysafe.audit('shop_ledgerentry');
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunSQL(RULES)]
