"""Webhooks in, on a server that has a key file."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, Dict, List

from django.core.handlers.base import BaseHandler
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from shop.models import LedgerEntry, Payment, Wallet

from django_paysafe.webhooks import WebhookEvent, add_webhook_key, webhook_view, work_inbox

from .keyed import KeyedTestCase, committed, post, sql, told

SECRET = "a secret of the tests, long enough"


class WebhookTestCase(KeyedTestCase):
    """Each test has an endpoint of its own: what was accepted stays accepted."""

    def setUp(self) -> None:
        super().setUp()
        self.endpoint = f"test_{uuid.uuid4()}"
        self.set_up(self.endpoint, "stripe")
        self.events: List[WebhookEvent] = []

    def set_up(self, endpoint: str, scheme: str, secret: str = SECRET) -> None:
        committed("SELECT paysafe.set_webhook_endpoint(%s, %s)", endpoint, scheme)
        add_webhook_key(endpoint, secret)

    def event(self, **members: Any) -> bytes:
        members = {"id": f"evt_{uuid.uuid4().hex}", "type": "charge.refunded", **members}
        return json.dumps(members).encode()

    def signed(self, body: bytes, at: float = 0, secret: str = SECRET) -> Dict[str, str]:
        seconds = str(int(at or time.time()))
        mac = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
        return {"Stripe-Signature": f"t={seconds},v1={mac.hexdigest()}"}

    def note(self, event: WebhookEvent) -> None:
        self.events.append(event)
        Payment.objects.create(amount=10, note=event.event_id or "")

    def send(self, body: bytes, headers: Dict[str, str], handler: Any = None, **options: Any):
        view = webhook_view(self.endpoint, handler, **options)
        return view(post("/hooks/", body, headers))


class ViewTests(WebhookTestCase):
    def test_accepted_once(self) -> None:
        body = self.event()
        answers = [self.send(body, self.signed(body), self.note) for _ in range(3)]
        # and with a new signature, as a provider delivers again
        answers.append(self.send(body, self.signed(body, time.time() - 60), self.note))
        self.assertEqual([told(a) for a in answers], [(200, b"")] * 4)
        (event,) = self.events
        self.assertEqual(
            (event.event_id, event.event_type), (event.json()["id"], "charge.refunded")
        )
        self.assertEqual((event.body, event.headers["content-type"]), (body, "application/json"))
        self.assertEqual(Payment.objects.filter(note=event.event_id).count(), 1)

    def test_who_acts(self) -> None:
        body = self.event()
        self.send(body, self.signed(body), self.note)
        self.assertEqual(
            self.recorded("after ->> 'note'", "actor"),
            [(self.events[0].event_id, f"webhook:{self.endpoint}")],
        )

    def test_one_query(self) -> None:
        body = self.event()
        with CaptureQueriesContext(connection) as queries:
            self.send(body, self.signed(body))
        statements = [q["sql"] for q in queries if "paysafe.webhook_accept" in q["sql"]]
        self.assertEqual(len(statements), 1)

    def test_refused_without_a_word(self) -> None:
        body = self.event()
        good = self.signed(body)["Stripe-Signature"]
        old = self.signed(body, time.time() - 301)["Stripe-Signature"]
        # signed for a time from now on would be valid once more when it is forgotten
        early = self.signed(body, time.time() + 3600)["Stripe-Signature"]
        for signature in (
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            good.replace("t=", "t=1"),
            old,
            early,
            "",
            "é" * 64,
            "t=1,v1=é",
            "\xff" * 10,
            "a\0b",
            "t=" + "9" * 4000,
            good + "," + "v1=00," * 1000,
        ):
            with self.subTest(signature=signature[:40]):
                with self.assertLogs("django_paysafe.webhooks", "WARNING"):
                    answer = self.send(body, {"Stripe-Signature": signature}, self.note)
                self.assertEqual(told(answer), (400, b""))
        with self.assertLogs("django_paysafe.webhooks", "WARNING"):
            self.assertEqual(told(self.send(body, {}, self.note)), (400, b""))
            self.assertEqual(told(self.send(body + b" ", self.signed(body))), (400, b""))
        self.assertEqual(self.events, [])
        # none of them has taken the event's place
        self.assertEqual(self.send(body, self.signed(body), self.note).status_code, 200)
        self.assertEqual(len(self.events), 1)

    def test_bodies_that_are_no_json(self) -> None:
        for body in (b"", b"\x00", b"\xff", b"{", b'{"id":"a","id":"b"}', b"[" * 5000):
            with self.subTest(body=body[:20]), self.assertLogs("django_paysafe.webhooks"):
                self.assertEqual(told(self.send(body, self.signed(body))), (400, b""))

    def test_an_error_of_the_handler_leaves_it_unseen(self) -> None:
        body = self.event()

        def fails(event: WebhookEvent) -> None:
            self.note(event)
            raise ConnectionError()

        for _ in range(2):
            with self.assertRaises(ConnectionError):
                self.send(body, self.signed(body), fails)
        self.assertEqual(Payment.objects.filter(note=self.events[0].event_id).count(), 0)
        self.assertEqual(self.send(body, self.signed(body), self.note).status_code, 200)
        self.assertEqual(len(self.events), 3)

    def test_a_refusal_in_the_handler_goes_on(self) -> None:
        body = self.event()

        def refused(event: WebhookEvent) -> None:
            Payment.objects.create(amount=10, status="captured")

        with self.assertRaises(IntegrityError):
            self.send(body, self.signed(body), refused)
        self.send(body, self.signed(body), self.note)
        self.assertEqual(len(self.events), 1)

    def test_ids_are_each_endpoint_s_own(self) -> None:
        body = self.event()
        self.send(body, self.signed(body), self.note)
        self.endpoint = f"test_{uuid.uuid4()}"
        self.set_up(self.endpoint, "stripe")
        self.send(body, self.signed(body), self.note)
        self.assertEqual(len(self.events), 2)

    def test_an_endpoint_that_is_not_set_up(self) -> None:
        body = self.event()
        self.endpoint = "nobody's"
        with self.assertLogs("django_paysafe.webhooks", "WARNING"):
            self.assertEqual(told(self.send(body, self.signed(body))), (400, b""))

    def test_methods_and_sizes(self) -> None:
        self.assertEqual(webhook_view(self.endpoint)(RequestFactory().get("/")).status_code, 405)
        body = self.event(padding="x" * 1000)
        self.assertEqual(self.send(body, self.signed(body), max_bytes=1000).status_code, 413)
        self.assertEqual(self.send(body, self.signed(body), max_bytes=len(body)).status_code, 200)

    @override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
    def test_through_the_middleware(self) -> None:
        """No token of a form, and the body as it came, although it was looked at before."""
        handler = BaseHandler()
        handler.load_middleware()
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            body = self.event(padding="x" * 200)
            request = post("/", body, self.signed(body), content_type=content_type)
            request._dont_enforce_csrf_checks = False  # type: ignore[attr-defined]
            with override_settings(ROOT_URLCONF=self.urls()):
                self.assertEqual(told(handler.get_response(request)), (200, b""))
        self.assertEqual(len(self.events), 2)

    def urls(self) -> Any:
        module = ModuleType("urls_of_the_test")
        module.urlpatterns = [  # type: ignore[attr-defined]
            path("", webhook_view(self.endpoint, self.note))
        ]
        return module

    def test_github(self) -> None:
        self.endpoint = f"test_{uuid.uuid4()}"
        self.set_up(self.endpoint, "github")
        body = self.event(action="opened")
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-Hub-Signature-256": f"sha256={mac}",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": str(uuid.uuid4()),
        }
        for _ in range(2):
            self.assertEqual(self.send(body, headers, self.note).status_code, 200)
        # neither by another id, which is not signed
        headers["X-GitHub-Delivery"] = str(uuid.uuid4())
        self.assertEqual(self.send(body, headers, self.note).status_code, 200)
        self.assertEqual([e.event_type for e in self.events], ["pull_request"])

    def test_standard(self) -> None:
        self.endpoint = f"test_{uuid.uuid4()}"
        key = bytes(range(32))
        self.set_up(self.endpoint, "standard", "whsec_" + base64.b64encode(key).decode())
        body, now = self.event(), str(int(time.time()))
        mac = hmac.new(key, f"msg_1.{now}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "Webhook-Id": "msg_1",
            "Webhook-Timestamp": now,
            "Webhook-Signature": "v1," + base64.b64encode(mac).decode(),
        }
        self.assertEqual(self.send(body, headers, self.note).status_code, 200)
        self.assertEqual(self.events[0].event_id, "msg_1")

    def test_where_from(self) -> None:
        with self.assertLogs("django_paysafe.webhooks", "WARNING"):
            self.send(b"{}", {}, origin=lambda request: "198.51.100.7")
            self.send(b"{}", {})
        for _ in range(1200):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT origin FROM paysafe.webhook_failures() WHERE endpoint = %s",
                    [self.endpoint],
                )
                origins = {row[0] for row in cursor.fetchall()}
            if len(origins) == 2:
                break
            time.sleep(0.1)
        self.assertEqual(origins, {"198.51.100.7", "127.0.0.1"})


class InboxTests(WebhookTestCase):
    def accept(self, n: int) -> None:
        for _ in range(n):
            body = self.event()
            self.assertEqual(self.send(body, self.signed(body)).status_code, 200)

    def states(self) -> Dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state, count(*) FROM paysafe.inbox WHERE endpoint = %s GROUP BY state",
                [self.endpoint],
            )
            return dict(cursor.fetchall())

    def test_each_once(self) -> None:
        self.accept(5)
        self.assertEqual(work_inbox(self.endpoint, self.note, limit=3), 3)
        self.assertEqual(work_inbox(self.endpoint, self.note), 2)
        self.assertEqual(work_inbox(self.endpoint, self.note), 0)
        self.assertEqual(self.states(), {"done": 5})
        self.assertEqual(len({e.event_id for e in self.events}), 5)
        self.assertEqual(self.events[0].headers["Content-Type"], "application/json")
        self.assertEqual(self.events[0].json()["type"], self.events[0].event_type)
        notes = [e.event_id for e in self.events]
        self.assertEqual(Payment.objects.filter(note__in=notes).count(), 5)
        self.assertEqual(set(self.recorded("actor")), {(f"webhook:{self.endpoint}",)})

    def test_what_fails_is_due_again(self) -> None:
        committed(
            "SELECT paysafe.set_queue('inbox', %s, 3, '1 millisecond', '1 millisecond')",
            self.endpoint,
        )
        self.accept(2)

        def first_fails(event: WebhookEvent) -> None:
            self.note(event)
            if event.event_id == self.events[0].event_id:
                raise ValueError("4111 1111 1111 1111")

        with self.assertLogs("django_paysafe.webhooks", "ERROR"):
            self.assertEqual(work_inbox(self.endpoint, first_fails), 2)
        self.assertEqual(self.states(), {"ready": 1, "done": 1})
        self.assertEqual(
            sql(
                "SELECT last_error FROM paysafe.inbox WHERE endpoint = %s AND state = 'ready'",
                self.endpoint,
            ),
            "ValueError",
        )
        for _ in range(2):
            time.sleep(0.05)
            with self.assertLogs("django_paysafe.webhooks", "ERROR"):
                self.assertEqual(work_inbox(self.endpoint, first_fails), 1)
        self.assertEqual(self.states(), {"dead": 1, "done": 1})
        self.assertEqual([e.attempt for e in self.events], [1, 1, 2, 3])
        # its rows went with each attempt
        self.assertEqual(Payment.objects.filter(note=self.events[0].event_id).count(), 0)

    def test_refused_at_commit(self) -> None:
        self.accept(1)
        wallet = Wallet.objects.create(owner="alice")

        def unbalanced(event: WebhookEvent) -> None:
            LedgerEntry.objects.create(
                transaction=uuid.uuid4(), wallet=wallet, amount=Decimal(1), currency="EUR"
            )

        with self.assertLogs("django_paysafe.webhooks", "ERROR"):
            work_inbox(self.endpoint, unbalanced)
        self.assertEqual(self.states(), {"ready": 1})

    def test_taken_over(self) -> None:
        self.accept(1)

        def slow(event: WebhookEvent) -> None:
            self.note(event)
            if event.attempt == 1:
                time.sleep(0.3)
                with transaction.atomic():
                    sql("SELECT count(*) FROM paysafe.inbox_claim(%s, 10, '1 hour')", self.endpoint)

        with self.assertLogs("django_paysafe.webhooks", "WARNING"):
            self.assertEqual(work_inbox(self.endpoint, slow, lease=0.1), 1)
        self.assertEqual(len(self.events), 1)

    def test_not_inside_a_transaction(self) -> None:
        with transaction.atomic(), self.assertRaises(transaction.TransactionManagementError):
            work_inbox(self.endpoint, self.note)

    def test_keys_that_overlap(self) -> None:
        lines = "a\\new\tsecret\r\nof several lines"
        self.assertEqual(add_webhook_key(self.endpoint, lines, overlap=None), 2)
        body = self.event()
        for secret in (lines, SECRET):
            self.assertEqual(self.send(body, self.signed(body, secret=secret)).status_code, 200)
        add_webhook_key(
            self.endpoint, "the third one of the tests", overlap=timedelta(microseconds=1)
        )
        with self.assertLogs("django_paysafe.webhooks", "WARNING"):
            self.assertEqual(self.send(body, self.signed(body)).status_code, 400)
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            add_webhook_key(self.endpoint, "one that nobody gets to see")
        self.assertFalse([q for q in queries if "nobody gets" in q["sql"]])

    def test_handler_and_inbox(self) -> None:
        """An endpoint without an inbox: the handler is all there is."""
        committed(
            "SELECT paysafe.set_webhook_endpoint(%s, 'stripe', inbox => false)", self.endpoint
        )
        body = self.event()
        answer = self.send(body, self.signed(body), self.note)
        self.assertIsInstance(answer, HttpResponse)
        self.assertIsNone(self.events[0].inbox_id)
        self.assertEqual(self.states(), {})
