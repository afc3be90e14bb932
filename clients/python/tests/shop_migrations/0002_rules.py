from django.db import migrations

from django_paysafe import operations as rules


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        rules.InstallPaysafe(),
        rules.SetCurrency("XPT0", 3),
        rules.ProtectStatus(
            "Payment",
            "status",
            """
            [*] --> authorized
            authorized --> captured
            authorized --> cancelled
            """,
            deletable=["authorized", "cancelled"],
        ),
        rules.ProtectColumns("Payment", ["note"], once_status=["captured"]),
        rules.ProtectPayment(
            "Payment",
            status="status",
            amount="amount",
            captured_amount="captured",
            currency="currency",
            captured=["captured"],
        ),
        rules.ProtectStatus(
            "Refund",
            "status",
            """
            [*] --> requested
            requested --> executing
            requested --> rejected
            executing --> paid
            executing --> failed
            """,
            recorded=["paid"],
        ),
        rules.ProtectRefund(
            "Refund",
            payment="payment",
            amount="amount",
            currency="currency",
            status="status",
            gated=["executing", "paid"],
            void=["rejected", "failed"],
            payment_amount="captured",
            payment_currency="currency",
            recorded=["paid"],
        ),
        rules.SetRefundThreshold("Refund", "EUR", 500),
        rules.ProtectLedger(
            "LedgerEntry",
            transaction="transaction",
            account="wallet",
            amount="amount",
            currency="currency",
        ),
        rules.ProtectBalance("Wallet", balance="balance", ledger="LedgerEntry", minimum="minimum"),
        rules.ProtectRowLock("GiftCard", ["balance"]),
        rules.Audit("Payment"),
        rules.Audit("Refund"),
        rules.Audit("LedgerEntry"),
        rules.Audit("GiftCard", redact=["code"]),
    ]
