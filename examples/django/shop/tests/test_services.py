"""What comes twice; on a server that has a key file."""

import hashlib
import hmac
import io
import json
import time
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from ..models import Payment

SECRET = "whsec_of_the_example_0123456789"


class ServicesTestCase(TransactionTestCase):
    def setUp(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(current_setting('paysafe.key_file', true), '')")
            if not cursor.fetchone()[0]:
                self.skipTest("the server has no key file")

    def add_key(self, endpoint: str) -> None:
        with mock.patch("sys.stdin", io.StringIO(SECRET + "\n")):
            call_command("add_webhook_key", endpoint, stdout=io.StringIO())


class PaymentTest(ServicesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(User.objects.create(username=f"customer {uuid4()}"))

    def pay(self, amount: object, key: str):
        return self.client.post(
            "/payments/", {"amount": amount}, "application/json", HTTP_IDEMPOTENCY_KEY=key
        )

    def test_once(self) -> None:
        key = str(uuid4())
        first, second = self.pay("12.50", key), self.pay("12.50", key)
        self.assertEqual(first.status_code, 201)
        self.assertEqual(second.content, first.content)
        self.assertEqual(second["Location"], first["Location"])
        self.assertEqual(second["Idempotent-Replayed"], "true")
        self.assertEqual(Payment.objects.count(), 1)
        self.assertEqual(self.pay("99.00", key).status_code, 422)
        self.assertEqual(self.pay("12.50", str(uuid4())).status_code, 201)
        self.assertEqual(Payment.objects.count(), 2)

    def test_what_is_no_amount(self) -> None:
        for amount in ("", "0", "-1", "1.005", "NaN", "1e99", None, [], {}):
            with self.subTest(amount=amount):
                key = str(uuid4())
                answers = [self.pay(amount, key) for _ in range(2)]
                self.assertEqual([a.status_code for a in answers], [422, 422])
        self.assertEqual(self.client.post("/payments/").status_code, 400)
        self.assertEqual(Payment.objects.count(), 0)


class StripeTest(ServicesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_key("stripe")
        self.payment = Payment.objects.create(amount=50)

    def send(self, kind: str, id: str = "", cents: int = 5000):
        intent = {"metadata": {"payment": self.payment.pk}, "amount_received": cents}
        body = json.dumps({"id": id or f"evt_{uuid4()}", "type": kind, "data": {"object": intent}})
        now = int(time.time())
        mac = hmac.new(SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
        return self.client.post(
            "/hooks/stripe/", body, "application/json", HTTP_STRIPE_SIGNATURE=f"t={now},v1={mac}"
        )

    def test_captured_once(self) -> None:
        event = f"evt_{uuid4()}"
        for _ in range(3):
            answer = self.send("payment_intent.succeeded", event)
            self.assertEqual(answer.status_code, 200)
        self.payment.refresh_from_db()
        self.assertEqual((self.payment.status, self.payment.captured), ("captured", 50))

    def test_types_that_are_not_wanted(self) -> None:
        self.assertEqual(self.send("charge.refunded").status_code, 200)
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.status, "authorized")

    def test_rules_hold_for_webhooks_too(self) -> None:
        self.send("payment_intent.succeeded")
        # nothing was accepted: the provider sends it again
        self.assertEqual(self.send("payment_intent.canceled").status_code, 409)
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.status, "captured")

    def test_forged(self) -> None:
        self.assertEqual(
            self.client.post("/hooks/stripe/", "{}", "application/json").status_code, 400
        )


class GitHubTest(ServicesTestCase):
    def test_worked_on_once(self) -> None:
        self.add_key("github")
        body = json.dumps({"action": "published", "release": {"tag_name": f"v{uuid4()}"}})
        mac = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        for _ in range(2):
            answer = self.client.post(
                "/hooks/github/",
                body,
                "application/json",
                HTTP_X_HUB_SIGNATURE_256=f"sha256={mac}",
                HTTP_X_GITHUB_EVENT="release",
                HTTP_X_GITHUB_DELIVERY=str(uuid4()),
            )
            self.assertEqual(answer.status_code, 200)
        with self.assertLogs("shop.views", "INFO") as logs:
            call_command("work_inbox", once=True)
            call_command("work_inbox", once=True)
        self.assertEqual(len(logs.output), 1)
