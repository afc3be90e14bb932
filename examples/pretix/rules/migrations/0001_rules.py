"""What a DBA would want of pretix's payments, refunds and gift cards.

pretix has no column for what is captured, which is a payment's amount once it is
confirmed, and none for the currency, which is the event's.  A refund may name no
payment, only its order.  States have no default: what a plugin adds without one has the
empty string, which is before "created".  That a refund is done is what the provider says: it is
stored, and counts; where nobody had agreed to it, or more is refunded than was paid, that
is a breach, for somebody to settle.
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
    confirmed --> failed : marked as paid by hand, and the tickets were gone
    refunded --> confirmed
"""

REFUND = """
    state "" as stateless
    [*] --> stateless
    stateless --> created
    stateless --> transit
    stateless --> done
    stateless --> failed
    stateless --> canceled
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
        rules.ProtectStatus(
            "pretixbase.OrderPayment",
            "state",
            PAYMENT,
            deletable=["", "created", "pending"],
        ),
        rules.ProtectPayment(
            "pretixbase.OrderPayment",
            status="state",
            amount="amount",
            captured=["confirmed", "refunded"],
            currency="order__event__currency",
        ),
        rules.ProtectStatus(
            "pretixbase.OrderRefund",
            "state",
            REFUND,
            deletable=["external", "failed", "canceled"],
            # whatever has become of it here, the provider has paid it out
            recorded=["done"],
        ),
        rules.ProtectRefund(
            "pretixbase.OrderRefund",
            payment="payment",
            amount="amount",
            status="state",
            # pretix adds it as created, calls the provider, and says what came of it
            gated=["created", "transit", "done"],
            void=["failed", "canceled", "external"],
            recorded=["done"],
            unapproved=["execution_date", "info", "comment"],
            rows={"payment": {"not": [None]}},
        ),
        rules.SetRefundThreshold("pretixbase.OrderRefund", "EUR", 1000),
        # orders in test mode are deleted, with whatever was paid and refunded
        rules.ProtectTestRows("pretixbase.OrderPayment", "order__testmode"),
        rules.ProtectTestRows("pretixbase.OrderRefund", "order__testmode"),
        rules.ProtectEntries(
            "pretixbase.GiftCardTransaction",
            account="card",
            amount="value",
            currency="card__currency",
            minimum=0,
            mutable=["order", "payment", "refund", "text"],
        ),
        rules.Audit("pretixbase.OrderPayment"),
        rules.Audit("pretixbase.OrderRefund"),
        rules.Audit("pretixbase.GiftCardTransaction"),
    ]
