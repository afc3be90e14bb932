"""Signals, decisions and one order's story, on a server that records them."""

import hashlib
import time
import uuid

from django.db import transaction
from shop.models import Payment

from django_paysafe import acting
from django_paysafe.signals import decide, signal, signals, story, subject_of

from .keyed import KeyedTestCase


class SignalTests(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.order = f"order_{uuid.uuid4()}"

    def test_told_and_read(self) -> None:
        with acting("ann", business_id=self.order, request_id="r-1"), transaction.atomic():
            signal(
                "card_testing",
                self.order,
                "DE",
                severity="critical",
                segment="web",
                figures={"cards": 9},
            )
            signal("odd")
        # they are given when no transaction is in progress that began before, whosever it is
        for _ in range(1200):
            found = [s for s in signals() if s.business_id == self.order]
            if found:
                break
            time.sleep(0.05)
        self.assertEqual(
            [(s.kind, s.severity, s.segment, s.figures, s.actor, s.request_id) for s in found],
            [
                ("card_testing", "critical", "web", {"cards": 9}, "ann", "r-1"),
                ("odd", "warning", None, None, "ann", "r-1"),
            ],
        )
        self.assertEqual([s.subject for s in found], [subject_of(self.order, "DE"), None])
        self.assertEqual([s.kind for s in signals(found[0].cursor, 1)], ["odd"])
        later = signals(found[-1].cursor)
        self.assertEqual([s for s in later if s.business_id == self.order], [])

    def test_decided(self) -> None:
        given = b"what was sent"
        with acting("ann"):
            self.assertEqual(
                decide(
                    "screening",
                    "declined",
                    given,
                    detail={"score": 91},
                    version="model-7",
                    business_id=self.order,
                    request_id="r-2",
                ),
                hashlib.sha256(given).digest(),
            )
            self.assertEqual(
                decide("screening", "accepted", "ä"), hashlib.sha256("ä".encode()).digest()
            )
        (step,) = story(self.order)
        self.assertEqual(
            (step.source, step.name, step.outcome, step.actor, step.request_id, step.count),
            ("decision", "screening", "declined", "ann", "r-2", 1),
        )
        assert step.detail is not None
        self.assertEqual(step.detail["input_sha256"], hashlib.sha256(given).hexdigest())
        self.assertEqual((step.detail["score"], step.detail["version"]), (91, "model-7"))

    def test_story_of_changes(self) -> None:
        with acting("ann", business_id=self.order):
            Payment.objects.create(amount=10, note="of a story")
            signal("odd")
        self.assertEqual(
            sorted((step.source, step.table_name) for step in story(self.order)),
            [("change", "public.shop_payment"), ("signal", None)],
        )
        self.assertEqual(story("order-of-nobody"), [])
