"""Who acts, in Celery's tasks: as part of the caller, and in a worker."""

import unittest
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from shop.models import Payment, Refund

try:
    from celery import Celery, chain, signals
    from celery.contrib.testing.worker import start_worker
except ImportError:
    Celery = None

from django_paysafe import acting, current_claim
from django_paysafe.claims import Claim
from django_paysafe.middleware import ActorMiddleware

from .audit import AuditedTestCase

if Celery:
    from django_paysafe import celery as carried

    app = Celery("cases")
    app.conf.update(
        broker_url="memory://", result_backend="cache+memory://", worker_hijack_root_logger=False
    )

    @app.task
    def pay(note):
        Payment.objects.create(amount=10, note=note)
        return note

    @app.task
    def again(note):
        pay.delay(note + " again")
        return Payment.objects.create(amount=10, note=note).note

    @app.task(bind=True, max_retries=1, default_retry_delay=0)
    def stumble(self, note):
        Payment.objects.create(amount=10, note=f"{note} {self.request.retries}")
        if self.request.retries == 0:
            raise self.retry()

    @app.task
    def fall(note):
        raise ValueError(note)

    @app.task
    def request_refund(payment):
        Refund.objects.create(payment_id=payment, amount=900)


@contextmanager
def eager():
    app.conf.task_always_eager = True
    try:
        yield
    finally:
        app.conf.task_always_eager = False


class CeleryTestCase(AuditedTestCase):
    def told(self):
        """note: who, why and for which request"""
        rows = self.recorded(
            "after ->> 'note'",
            "CASE WHEN actor_claimed THEN actor END",
            "reason",
            "ticket",
            "request_id",
        )
        return {note: rest for note, *rest in rows}


CLAIM = dict(reason="month end", ticket="T-1", request_id="r-1")
RECORDED = ["user:7", "month end", "T-1", "r-1"]
NOBODY = [None, None, None, None]


@unittest.skipUnless(Celery, "Celery is not here")
class EagerTests(CeleryTestCase):
    def test_a_task_is_part_of_its_caller(self) -> None:
        with eager(), acting("user:7", **CLAIM):
            pay.delay("eager")
            pay.apply(["applied"])
            stumble.delay("tried")
        with eager():
            pay.delay("alone")
        self.assertEqual(
            self.told(),
            {
                "eager": RECORDED,
                "applied": RECORDED,
                "tried 0": RECORDED,
                "tried 1": RECORDED,
                "alone": NOBODY,
            },
        )

    def test_a_task_that_says_itself(self) -> None:
        @app.task
        def month_end():
            with acting("job:month-end"):
                pay("own")

        with eager(), acting("user:7", **CLAIM):
            month_end.delay()
            self.assertEqual(current_claim().actor, "user:7")
        self.assertEqual(self.told(), {"own": ["job:month-end", *RECORDED[1:]]})


@unittest.skipUnless(Celery, "Celery is not here")
class WorkerTests(CeleryTestCase):
    """A worker in a thread of its own, with a connection of its own."""

    @contextmanager
    def worker(self):
        def close(**kwargs):
            connection.close()

        signals.task_postrun.connect(close)
        try:
            with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=300):
                yield
        finally:
            signals.task_postrun.disconnect(close)

    def test_for_whom_sent_it(self) -> None:
        with self.worker():
            with acting(lambda: "user:7", **CLAIM):
                first = pay.delay("sent")
            second = pay.delay("by nobody")
            with acting(request_id="r-2"):
                third = app.send_task(pay.name, ["by name"])
            for result in (first, second, third):
                result.get(timeout=300)
        self.assertEqual(
            self.told(),
            {"sent": RECORDED, "by nobody": NOBODY, "by name": [None, None, None, "r-2"]},
        )

    def test_what_follows_from_it(self) -> None:
        with self.worker():
            with acting("user:7", **CLAIM):
                results = [chain(pay.s("one"), again.s()).delay(), stumble.delay("tried")]
            for result in results:
                result.get(timeout=300)
            pay.delay("last").get(timeout=300)
        told = self.told()
        self.assertEqual(told.pop("last"), NOBODY)
        self.assertEqual(
            told,
            dict.fromkeys(["one", "one again", "tried 0", "tried 1"], RECORDED) | {"one": RECORDED},
        )

    def test_a_failure_leaves_nothing_behind(self) -> None:
        with self.worker():
            with acting("user:7", **CLAIM):
                failed = fall.delay("x")
            with self.assertRaises(ValueError):
                failed.get(timeout=300)
            pay.delay("after").get(timeout=300)
        self.assertEqual(self.told(), {"after": NOBODY})

    def test_a_forged_claim(self) -> None:
        """Whoever writes to the broker has no key, or another task's claim."""
        good = {"id": "an id", "task": pay.name, "claim": {"actor": "user:7"}}
        signals.before_task_publish.disconnect(dispatch_uid="django_paysafe.carry")
        try:
            with self.worker(), self.assertLogs("django_paysafe.celery") as logs:
                for name, forged in (
                    ("text", "user:7"),
                    ("another's", signing.dumps(good, salt="django_paysafe.celery")),
                    ("other key", signing.dumps(good, key="x", salt="django_paysafe.celery")),
                ):
                    pay.apply_async([name], headers={"paysafe": forged}).get(timeout=300)
        finally:
            carried.connect()
        self.assertEqual(len(logs.output), 3)
        self.assertEqual(self.told(), dict.fromkeys(["text", "another's", "other key"], NOBODY))

    def test_messages_of_other_versions(self) -> None:
        """A worker may be older or newer than who sends: what it knows counts, and is there."""
        headers = {"id": "an id", "task": pay.name}
        with acting("user:7", **CLAIM, origin="192.0.2.7", token=lambda: "a token"):
            carried.carry(headers=headers)
        bound = signing.loads(headers["paysafe"], salt="django_paysafe.celery")
        told = {"actor": "user:7", **CLAIM, "business_id": None}
        self.assertEqual(bound["claim"], told)

        class Task:
            name = pay.name

            class request:
                id = "an id"
                headers = None

        def claim_of(claim):
            signed = {"id": "an id", "task": pay.name, "claim": claim}
            Task.request.paysafe = signing.dumps(signed, salt="django_paysafe.celery")
            return carried.claim_of(Task)

        good = Claim("user:7", **CLAIM)
        self.assertEqual([claim_of(told), claim_of({**told, "new": "x"})], [good, good])
        for name in told:
            less = {k: v for k, v in told.items() if k != name}
            for wrong in (less, {**told, name: 7}):
                with self.subTest(name), self.assertLogs("django_paysafe.celery"):
                    self.assertEqual(claim_of(wrong), Claim())

    def test_from_a_request(self) -> None:
        """Who is logged in is found out when the task is sent, by reads alone."""
        user = User.objects.create_user("alice")
        request = RequestFactory().post("/", HTTP_X_REQUEST_ID="r-5")

        class Lazy:
            is_authenticated = True
            _meta = User._meta

            @property
            def pk(self):
                return User.objects.get(username="alice").pk

        def view(request):
            with CaptureQueriesContext(connection) as queries:
                results.append(pay.delay("from a request"))
            self.assertFalse([q for q in queries if "act_as" in q["sql"]])
            return HttpResponse()

        from django.http import HttpResponse

        results: list = []
        request.user = Lazy()
        with self.worker():
            ActorMiddleware(view)(request)
            results[0].get(timeout=300)
        self.assertEqual(self.told(), {"from a request": [f"user:{user.pk}", None, None, "r-5"]})

    def test_what_it_requests_can_be_approved(self) -> None:
        payment = Payment.objects.create(amount=900)
        Payment.objects.filter(pk=payment.pk).update(status="captured", captured=900)
        with self.worker(), acting("user:7"):
            request_refund.delay(payment.pk).get(timeout=300)
        refund = Refund.objects.get()
        with acting("user:8"), connection.cursor() as cursor:
            cursor.execute("SELECT paysafe.approve('shop_refund', %s, 'seen')", [str(refund.pk)])
        with acting("user:7"):
            Refund.objects.filter(pk=refund.pk).update(status="executing")
