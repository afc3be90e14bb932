"""What shop/views.py takes from outside: requests with a key, webhooks."""

from django.db import migrations

SERVICES = """
SELECT paysafe.set_idempotency('POST /payments');
SELECT paysafe.set_idempotency('POST /refunds');
SELECT paysafe.set_idempotency('POST /refunds/pay');
SELECT paysafe.set_webhook_endpoint('stripe', 'stripe',
    event_types => '{payment_intent.succeeded,payment_intent.canceled}', inbox => false);
SELECT paysafe.set_webhook_endpoint('github', 'github', event_types => '{release}');
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_rules")]
    operations = [migrations.RunSQL(SERVICES, migrations.RunSQL.noop)]
