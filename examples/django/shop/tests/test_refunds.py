"""A refund above the threshold, its whole way; on a server that has a key file."""

from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from .. import provider
from ..models import Payment, Refund
from .test_orm import captured
from .test_services import ServicesTestCase


class RefundTest(ServicesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ann = self.person("ann", "add_refund", "change_refund", "view_refund", "approve_refund")
        self.bob = self.person("bob", "view_refund", "approve_refund")
        self.payment = captured(2000)
        sent = mock.patch.dict(provider.sent, clear=True)
        sent.start()
        self.addCleanup(sent.stop)

    def person(self, name: str, *codenames: str) -> Client:
        user = User.objects.create_user(f"{name} {uuid4()}", is_staff=True)
        for codename in codenames:
            user.user_permissions.add(Permission.objects.get(codename=codename))
        client = Client()
        client.force_login(user)
        return client

    def post(self, client: Client, path: str, asked: object = None, key: str = ""):
        return client.post(
            path, asked or {}, "application/json", HTTP_IDEMPOTENCY_KEY=key or str(uuid4())
        )

    def request(self, amount: str = "900", key: str = ""):
        asked = {"payment": self.payment.pk, "amount": amount, "reason": "arrived broken"}
        return self.post(self.ann, "/refunds/", asked, key)

    def requested(self, amount: str = "900") -> Refund:
        answer = self.request(amount)
        self.assertEqual(answer.status_code, 201)
        return Refund.objects.get(pk=answer.json()["id"])

    def pay(self, refund: Refund, key: str = ""):
        return self.post(self.ann, f"/refunds/{refund.pk}/pay/", key=key)

    def approval_of(self, *refunds: Refund) -> "dict[str, object]":
        return {
            "action": "approve_selected",
            "_selected_action": [refund.pk for refund in refunds],
            "approve": "1",
            "reason": "photo seen",
        }

    def approve(self, client: Client, *refunds: Refund) -> "list[str]":
        """The admin's action, and what the page says after it."""
        answer = client.post(
            reverse("admin:shop_refund_changelist"), self.approval_of(*refunds)
        )
        self.assertEqual(answer.status_code, 302)
        return [str(message) for message in get_messages(answer.wsgi_request)]

    def test_requested_by_one_approved_by_another_paid_once(self) -> None:
        refund, key = self.requested(), str(uuid4())

        # the gate is before the provider
        answer = self.pay(refund, key)
        self.assertEqual((answer.status_code, answer.json()["code"]), (403, "approval_needed"))
        self.assertEqual(provider.sent, {})

        # not by herself
        (message,) = self.approve(self.ann, refund)
        self.assertIn("somebody else approves it", message)
        self.assertEqual(self.pay(refund, key).status_code, 403)

        (message,) = self.approve(self.bob, refund)
        self.assertEqual(message, "1 approval is on record.")
        first, again = self.pay(refund, key), self.pay(refund, key)
        self.assertEqual((first.status_code, first.json()["status"]), (200, "paid"))
        self.assertEqual(again.content, first.content)
        self.assertEqual(again["Idempotent-Replayed"], "true")
        self.assertEqual(self.pay(refund).json(), first.json())
        self.assertEqual(list(provider.sent), [f"refund:{refund.pk}"])

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT after ->> 'status', actor, reason"
                " FROM paysafe.history('shop_refund', %s)",
                [str(refund.pk)],
            )
            ann = f"user:{self.ann.session['_auth_user_id']}"
            self.assertEqual(
                cursor.fetchall(),
                [
                    ("requested", ann, "arrived broken"),
                    ("executing", ann, None),
                    ("paid", ann, None),
                ],
            )

    def test_below_the_threshold_nobody_is_asked(self) -> None:
        self.assertEqual(self.pay(self.requested("500")).json()["status"], "paid")

    def test_how_requests_come_out_is_noted(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.pay(self.requested("500"))
        noted = [q["sql"] for q in queries.captured_queries if "note_outcome" in q["sql"]]
        self.assertEqual(len(noted), 2)
        self.assertIn("'view_refunds', 'POST', true", noted[0])
        self.assertIn("'view_pay', 'POST', true", noted[1])

    def test_split_in_two(self) -> None:
        first, second = self.requested("450"), self.requested("450")
        self.assertEqual(self.pay(first).status_code, 200)
        self.assertEqual(self.pay(second).status_code, 403)
        self.assertEqual(list(provider.sent), [f"refund:{first.pk}"])

    def test_the_answer_of_the_provider_is_lost(self) -> None:
        refund, refund_at = self.requested(), provider.refund
        self.approve(self.bob, refund)

        def lost(*args: object) -> str:
            refund_at(*args)
            raise TimeoutError

        key = str(uuid4())
        with mock.patch.object(provider, "refund", lost), self.assertRaises(TimeoutError):
            self.pay(refund, key)
        refund.refresh_from_db()
        self.assertEqual(refund.status, "executing")
        answer = self.pay(refund, key)
        self.assertEqual(answer.json()["reference"], provider.sent[f"refund:{refund.pk}"])
        self.assertEqual(len(provider.sent), 1)

    def test_declined(self) -> None:
        refund = self.requested("100")
        with mock.patch.object(provider, "refund", side_effect=provider.Declined):
            answer = self.pay(refund)
        self.assertEqual((answer.status_code, answer.json()["status"]), (409, "failed"))
        # it counts no longer: all of the payment can still be refunded
        self.requested("2000")

    def test_requested_once(self) -> None:
        key = str(uuid4())
        first, second = self.request(key=key), self.request(key=key)
        self.assertEqual(first.content, second.content)
        self.assertEqual(Refund.objects.count(), 1)

    def test_more_than_was_captured(self) -> None:
        answer = self.request("2000.01")
        self.assertEqual(
            (answer.status_code, answer.json()["code"]), (409, "refund_exceeds_captured")
        )

    def test_what_cannot_be_approved_gets_a_message(self) -> None:
        paid, rejected, good = self.requested("100"), self.requested("600"), self.requested("700")
        self.pay(paid)
        Refund.objects.filter(pk=rejected.pk).update(status="rejected")
        *messages, last = self.approve(self.bob, paid, rejected, good)
        self.assertEqual(last, "1 approval is on record.")
        for refund in (paid, rejected):
            self.assertTrue(any(m.startswith(f"{refund}: ") for m in messages), messages)

    def test_not_for_everybody(self) -> None:
        refund = self.requested()
        carol = self.person("carol", "view_refund")
        asked = {"payment": self.payment.pk, "amount": "1", "reason": "why not"}
        self.assertEqual(self.post(carol, "/refunds/", asked).status_code, 403)
        self.assertEqual(self.post(carol, f"/refunds/{refund.pk}/pay/").status_code, 403)
        page = carol.get(reverse("admin:shop_refund_changelist"))
        self.assertNotContains(page, "approve_selected")
        carol.post(page.request["PATH_INFO"], self.approval_of(refund))
        self.assertEqual(self.pay(refund).status_code, 403)

    def test_what_is_no_request(self) -> None:
        for asked in ({"amount": "1"}, {"payment": "x", "amount": "1", "reason": "y"}, [1]):
            self.assertEqual(self.post(self.ann, "/refunds/", asked).status_code, 422)
        asked = {"payment": 0, "amount": "1", "reason": "y"}
        self.assertEqual(self.post(self.ann, "/refunds/", asked).status_code, 404)
        self.assertEqual(self.post(self.ann, "/refunds/0/pay/").status_code, 404)
        self.assertEqual(Payment.objects.count(), 1)
