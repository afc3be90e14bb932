"""What the dashboard, the admin and a shell could do before."""

from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.signals import pre_save
from django.urls import reverse
from oscar.core.loading import get_model

from .support import ShopTestCase, elsewhere

Line = get_model("order", "Line")
Order = get_model("order", "Order")
OrderStatusChange = get_model("order", "OrderStatusChange")
PaymentEvent = get_model("order", "PaymentEvent")
PaymentEventType = get_model("order", "PaymentEventType")
Source = get_model("payment", "Source")
Transaction = get_model("payment", "Transaction")


class ShellTests(ShopTestCase):
    def setUp(self):
        super().setUp()
        self.orders = Order.objects.filter(pk=self.order.pk)
        self.sources = Source.objects.filter(pk=self.source.pk)
        self.order.set_status("Being processed")
        self.source._create_transaction("Debit", Decimal("100"))

    def test_orders(self):
        def save(**values):
            for name, value in values.items():
                setattr(self.order, name, value)
            self.order.save()

        def raw():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE order_order SET status = 'Complete!'")

        def raw_delete():
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM order_order")

        status, columns = "paysafe_order_order_status", "paysafe_order_order_columns"
        for sqlstate, constraint, change in (
            ("23T01", status, lambda: self.orders.update(status="Pending")),
            ("23T01", status, lambda: save(status="Pending")),
            ("23T04", status, lambda: self.orders.update(status="Paid")),
            ("23T04", status, raw),
            (
                "23T02",
                status,
                lambda: self.orders.create(
                    number="x",
                    status="Complete",
                    currency="GBP",
                    total_incl_tax=1,
                    total_excl_tax=1,
                ),
            ),
            ("23T03", status, raw_delete),
            # Django deletes what refers to the order first
            ("23L01", "paysafe_payment_transaction_append_only", self.order.delete),
            ("23L01", "paysafe_payment_transaction_append_only", self.orders.delete),
            ("23R03", columns, lambda: self.orders.update(total_incl_tax=1)),
            ("23R03", columns, lambda: save(status="Being processed", currency="USD")),
            (
                "23R03",
                "paysafe_order_line_columns",
                lambda: Line.objects.update(quantity=F("quantity") + 1),
            ),
            ("23T01", "paysafe_order_line_status", lambda: Line.objects.update(status="Shipped")),
        ):
            with self.subTest(constraint=constraint, sqlstate=sqlstate):
                self.order.refresh_from_db()
                self.assertRefused(IntegrityError, sqlstate, constraint, change)

    def test_records(self):
        event = self.order.payment_events.create(
            event_type=PaymentEventType.objects.create(name="Paid"), amount=100
        )
        for constraint, change in (
            (
                "paysafe_payment_transaction_append_only",
                lambda: Transaction.objects.update(amount=1),
            ),
            ("paysafe_payment_transaction_append_only", lambda: Transaction.objects.all().delete()),
            ("paysafe_payment_transaction_append_only", self.source.delete),
            ("paysafe_order_paymentevent_append_only", event.delete),
            ("paysafe_order_paymentevent_append_only", event.event_type.delete),
            (
                "paysafe_order_orderstatuschange_append_only",
                lambda: OrderStatusChange.objects.update(new_status="x"),
            ),
            ("paysafe_order_lineprice_append_only", lambda: self.line.prices.all().delete()),
        ):
            with self.subTest(constraint):
                self.assertRefused(IntegrityError, "23L01", constraint, change)

    def test_a_lost_debit(self):
        """Source.debit() reads, adds, and saves: oscar's own lost update."""
        first, second = self.sources.get(), self.sources.get()
        self.assertRefused(
            IntegrityError, "23M04", "paysafe_payment_source_row_lock", lambda: first.debit(40)
        )
        self.assertRefused(
            IntegrityError, "23M04", "paysafe_payment_source_row_lock", lambda: second.debit(50)
        )
        # the two repairs
        with transaction.atomic():
            self.sources.select_for_update().get().debit(40)
        self.sources.update(amount_debited=F("amount_debited") + 50)
        self.assertEqual(self.sources.get().amount_debited, 90)

    def test_a_source_of_this_transaction_needs_no_lock(self):
        """As at checkout, where oscar makes the source and debits it."""
        with transaction.atomic():
            source = self.order.sources.create(source_type=self.source.source_type)
            source.allocate(20)
            source.debit()
        source.refresh_from_db()
        self.assertEqual(source.amount_debited, 20)


class AdminTests(ShopTestCase):
    def change(self, obj, **values):
        """Fill in the form as staff does; what the page says then."""
        name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
        page = self.app.get(reverse(name, args=[obj.pk]), user=self.staff)
        form = page.forms[f"{obj._meta.model_name}_form"]
        for field, value in values.items():
            form[field] = value
        return self.shown(form.submit("_save"))

    def test_change_forms(self):
        self.source._create_transaction("Debit", Decimal("100"))
        debit = self.source.transactions.get()
        for obj, values, says in (
            (self.order, {"status": "Complete"}, "cannot change from"),
            (self.order, {"status": "done"}, "cannot be"),
            (self.order, {"lines-0-quantity": "99"}, "cannot change"),
            (debit, {"amount": "1"}, "append-only"),
            (self.source, {"amount_debited": "1"}, "without a lock"),
        ):
            with self.subTest(model=obj._meta.model_name, **values):
                before = type(obj).objects.filter(pk=obj.pk).values().get()
                self.assertIn(says, self.change(obj, **values))
                self.assertEqual(type(obj).objects.filter(pk=obj.pk).values().get(), before)

    def test_what_may_be_changed_still_can(self):
        self.change(self.order, guest_email="someone@example.com")
        self.order.refresh_from_db()
        self.assertEqual(self.order.guest_email, "someone@example.com")

    def test_delete_selected(self):
        url = reverse("admin:order_order_changelist")
        form = self.app.get(url, user=self.staff).forms["changelist-form"]
        form["action"] = "delete_selected"
        form.set("_selected_action", True, index=0)
        sure = form.submit("index", 0)
        sure = next(f for f in sure.forms.values() if "post" in f.fields)
        self.assertIn("append-only: DELETE refused", self.shown(sure.submit()))
        self.assertTrue(Order.objects.filter(pk=self.order.pk).exists())


class DashboardTests(ShopTestCase):
    def post(self, **values):
        url = reverse("dashboard:order-detail", kwargs={"number": self.order.number})
        return self.shown(self.app.post(url, values, user=self.staff, headers={"Accept": "text/html"}))

    csrf_checks = False

    def test_two_at_the_same_time(self):
        """oscar checks the status it has read; meanwhile, the order is cancelled."""

        def colleague(sender, instance, **kwargs):
            pre_save.disconnect(colleague, sender=Order)
            elsewhere(lambda: Order.objects.get(pk=self.order.pk).set_status("Cancelled"))

        pre_save.connect(colleague, sender=Order)
        page = self.post(order_action="change_order_status", new_status="Being processed")
        self.assertIn("cannot change from", page)
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, "Cancelled")
        self.assertEqual(
            list(self.order.status_changes.values_list("new_status", flat=True)), ["Cancelled"]
        )

    def test_lines_at_the_same_time(self):
        def colleague(sender, instance, **kwargs):
            pre_save.disconnect(colleague, sender=Line)
            elsewhere(lambda: Line.objects.get(pk=self.line.pk).set_status("Cancelled"))

        pre_save.connect(colleague, sender=Line)
        page = self.post(
            **{
                "line_action": "change_line_statuses",
                "new_status": "Being processed",
                "selected_line": self.line.pk,
                f"selected_line_qty_{self.line.pk}": "1",
            }
        )
        self.assertIn("cannot change from", page)
        self.line.refresh_from_db()
        self.assertEqual(self.line.status, "Cancelled")
