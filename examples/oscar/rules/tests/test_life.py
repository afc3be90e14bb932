"""An order's life as oscar writes it: every rule holds, nothing is refused."""

from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from oscar.core.loading import get_class, get_model

from .support import ShopTestCase

EventHandler = get_class("order.processing", "EventHandler")
Order = get_model("order", "Order")
PaymentEventType = get_model("order", "PaymentEventType")
ShippingEventType = get_model("order", "ShippingEventType")
Source = get_model("payment", "Source")


class LifeTests(ShopTestCase):
    def test_paid_shipped_refunded(self):
        handler = EventHandler(user=self.staff)
        paid = PaymentEventType.objects.create(name="Paid")
        shipped = ShippingEventType.objects.create(name="Shipped")

        # the source is there from another transaction: it is locked first
        with transaction.atomic():
            source = Source.objects.select_for_update().get(pk=self.source.pk)
            source.debit(Decimal("100"), reference="d-1")
        handler.handle_payment_event(self.order, paid, Decimal("100"), [self.line], [1])
        handler.handle_order_status_change(self.order, "Being processed")
        self.line.set_status("Being processed")
        handler.handle_shipping_event(self.order, shipped, [self.line], [1])
        self.line.set_status("Shipped")
        handler.handle_order_status_change(self.order, "Complete")
        with transaction.atomic():
            source = Source.objects.select_for_update().get(pk=self.source.pk)
            source.refund(Decimal("30"), reference="r-1")

        source.refresh_from_db()
        self.assertEqual((source.amount_debited, source.amount_refunded), (100, 30))
        self.assertEqual(
            list(source.transactions.order_by("pk").values_list("txn_type", "amount")),
            [("Debit", 100), ("Refund", 30)],
        )
        self.assertEqual(
            [op for op, _, _ in self.recorded(Order, self.order.pk)],
            ["INSERT"] + ["UPDATE"] * 2,
        )

    def test_through_the_dashboard(self):
        url = reverse("dashboard:order-detail", kwargs={"number": self.order.number})
        page = self.app.get(url, user=self.staff)
        form = page.forms["order_status_form"]
        form["new_status"] = "Being processed"
        self.assertIn("Order status changed", self.shown(form.submit()))
        self.assertEqual(
            self.recorded(Order, self.order.pk)[-1], ("UPDATE", f"user:{self.staff.pk}", True)
        )

    def test_an_event_that_cannot_be_is_taken_back(self):
        """oscar deletes the shipping event again: the one delete that it relies on."""
        invalid = get_class("order.exceptions", "InvalidShippingEvent")
        shipped = ShippingEventType.objects.create(name="Shipped")
        handler = EventHandler(user=self.staff)
        with self.assertRaises(invalid):
            handler.create_shipping_event(
                self.order, shipped, [self.line, self.line], [1, self.line.quantity + 1]
            )
        self.assertEqual(self.order.shipping_events.count(), 0)
