from django.conf import settings
from django.db import migrations

from django_paysafe import operations as rules
from rules.machines import SHOP

machines = getattr(settings, "STATUS_MACHINES", SHOP)

# what an order was placed for, and what its lines cost
ORDER = [
    "number",
    "currency",
    "total_incl_tax",
    "total_excl_tax",
    "shipping_incl_tax",
    "shipping_excl_tax",
    # not date_placed: oscar lets it be set later, for orders from elsewhere
]
LINE = [
    "order",
    "partner_sku",
    "title",
    "quantity",
    "line_price_incl_tax",
    "line_price_excl_tax",
    "line_price_before_discounts_incl_tax",
    "line_price_before_discounts_excl_tax",
    "unit_price_incl_tax",
    "unit_price_excl_tax",
]
AMOUNTS = ["amount_allocated", "amount_debited", "amount_refunded"]

# written once by oscar, and read ever after
RECORDS = [
    "order.OrderStatusChange",
    "order.PaymentEvent",
    "order.PaymentEventQuantity",
    "order.LinePrice",
    "order.OrderLineDiscount",
    "order.Surcharge",
    "payment.Transaction",
]


class Migration(migrations.Migration):
    dependencies = [
        ("order", "0021_billingaddress_code_shippingaddress_code"),
        ("payment", "0005_auto_20200801_0817"),
    ]
    operations = [
        rules.InstallPaysafe(),
        rules.ProtectStatus("order.Order", "status", machines["order"]),
        rules.ProtectColumns("order.Order", ORDER),
        rules.ProtectStatus("order.Line", "status", machines["line"]),
        rules.ProtectColumns("order.Line", LINE),
        *(rules.ProtectAppendOnly(model) for model in RECORDS),
        rules.ProtectColumns("order.ShippingEvent", ["order", "event_type", "date_created"]),
        rules.ProtectColumns("order.ShippingEventQuantity", ["event", "line", "quantity"]),
        rules.ProtectColumns("payment.Source", ["order", "source_type", "currency"]),
        rules.ProtectRowLock("payment.Source", AMOUNTS),
        *(
            rules.Audit(model)
            for model in (
                "order.Order",
                "order.Line",
                "order.OrderNote",
                "order.ShippingEvent",
                "payment.Source",
                *RECORDS,
            )
        ),
        rules.Audit("payment.Bankcard", redact=["name", "number", "partner_reference"]),
    ]
