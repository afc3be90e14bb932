"""The admin as it comes, through its pages."""

from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import TestCase, TransactionTestCase
from django.urls import reverse

from ..models import Payment
from .test_orm import captured


class AdminTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin"))
        self.payment = captured()
        self.change = reverse("admin:shop_payment_change", args=[self.payment.pk])

    def form(self, **changes: str) -> "dict[str, str]":
        return {
            "status": "captured",
            "currency": "EUR",
            "amount": "100.00",
            "captured": "100.00",
            "note": "",
            **changes,
        }

    def test_note(self) -> None:
        response = self.client.post(self.change, self.form(note="called"))
        self.assertRedirects(response, reverse("admin:shop_payment_changelist"))
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.note, "called")

    def test_captured_payment_set_back(self) -> None:
        response = self.client.post(self.change, self.form(status="authorized"), follow=True)
        self.assertRedirects(response, self.change)
        self.assertContains(response, "cannot change from &quot;captured&quot; to &quot;authorized&quot;")
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.status, "captured")


class AdminActionTest(TransactionTestCase):
    """Actions are not atomic: the refusal ends the transaction that they are in."""

    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin"))
        self.payment = captured()

    def test_delete_selected(self) -> None:
        data = {
            "action": "delete_selected",
            "_selected_action": [str(self.payment.pk)],
            "post": "yes",
        }
        response = self.client.post(reverse("admin:shop_payment_changelist"), data)
        self.assertEqual(response.status_code, 302)
        (message,) = get_messages(response.wsgi_request)
        self.assertIn("cannot be deleted", str(message))
        self.assertTrue(Payment.objects.filter(pk=self.payment.pk).exists())
