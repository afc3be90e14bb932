"""What a DBA would want of pretix's payments, refunds and gift cards.

pretix has no column for what is captured, which is a payment's amount once it is
confirmed, and none for the currency, which is the event's.  A refund may name no
payment, only its order.  A payment's state has no default: one that a plugin adds without a
state has the empty string, which is before "created".
"""

from django.db import migrations

from django_paysafe import operations as rules

PAYMENT = """
    state "" as stateless
    [*] --> stateless
    stateless --> created
    stateless --> pending
    stateless --> confirmed
    stateless --> failed
    stateless --> canceled
    [*] --> created
    [*] --> pending
    [*] --> confirmed
    created --> pending
    created --> confirmed
    created --> failed
    created --> canceled
    pending --> confirmed
    pending --> failed
    pending --> canceled
    failed --> confirmed
    canceled --> confirmed
    confirmed --> refunded
    confirmed --> canceled
    refunded --> confirmed
"""

REFUND = """
    [*] --> created
    [*] --> external
    [*] --> transit
    [*] --> done
    created --> transit
    created --> done
    created --> failed
    created --> canceled
    external --> done
    external --> canceled
    transit --> done
    transit --> canceled
"""


class Migration(migrations.Migration):
    dependencies = [("pretixbase", "0311_fix_unshredded_invoices")]
    operations = [
        rules.InstallPaysafe(),
        rules.ProtectStatus("pretixbase.OrderPayment", "state", PAYMENT),
        rules.ProtectPayment(
            "pretixbase.OrderPayment",
            status="state",
            amount="amount",
            captured=["confirmed", "refunded"],
            currency="order__event__currency",
        ),
        rules.ProtectStatus("pretixbase.OrderRefund", "state", REFUND),
        rules.ProtectRefund(
            "pretixbase.OrderRefund",
            payment="payment",
            amount="amount",
            status="state",
            gated=["transit", "done"],
            void=["failed", "canceled", "external"],
            unapproved=["execution_date", "info", "comment"],
            rows={"payment": {"not": [None]}},
        ),
        rules.SetRefundThreshold("pretixbase.OrderRefund", "EUR", 1000),
        rules.ProtectAppendOnly("pretixbase.GiftCardTransaction"),
        rules.Audit("pretixbase.OrderPayment"),
        rules.Audit("pretixbase.OrderRefund"),
        rules.Audit("pretixbase.GiftCardTransaction"),
    ]
