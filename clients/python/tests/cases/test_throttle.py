"""Limits of requests, on a server that counts."""

import json
import time
import unittest
from datetime import timedelta

from asgiref.sync import async_to_sync
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from shop.models import Payment

try:
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    APIView = None  # type: ignore[assignment,misc]

from django_paysafe.throttle import RateLimitMiddleware, give_back, seconds, take, throttled

from .keyed import KeyedTestCase, sql


class ThrottleTests(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        with transaction.atomic():
            # counters outlive the test's transaction: each test has a policy of its own
            self.policy = f"login.{self._testMethodName}"
            sql("SELECT paysafe.set_throttle(%s, 2, '1 day', 'test', '{user}')", self.policy)
            sql("SELECT paysafe.set_throttle(%s, 1000, '1 day', 'test', '{address}')", self.policy)

    def key(self, request: HttpRequest) -> dict:
        return {"user": f"{self.policy}.{request.GET['user']}", "address": "192.0.2.1"}

    def get(self, view, user: str = "ann") -> HttpResponse:
        return view(RequestFactory().get("/", {"user": user}, HTTP_ACCEPT="application/json"))

    def half_a_day(self, refused: HttpResponse, began: float) -> None:
        """Of two a day the first one was had after `began`: half a day later there is another."""
        seconds = int(refused["Retry-After"])
        self.assertTrue(43199 - (time.monotonic() - began) <= seconds <= 43200, seconds)

    def test_take(self) -> None:
        key = {"user": 42, "address": "a", "more": "ä"}
        limit = take(self.policy, key)
        self.assertEqual((limit.allowed, limit.limit, limit.remaining, limit.per), (True, 2, 1, "user"))
        self.assertEqual(limit.retry_after, timedelta(0))
        self.assertEqual(take(self.policy, key, 0).remaining, 1)
        self.assertIsNone(take(self.policy, key, 3).retry_after)
        self.assertTrue(take(self.policy, key).allowed)
        refused = take(self.policy, key)
        self.assertFalse(refused.allowed)
        self.assertGreater(refused.retry_after, timedelta(hours=11))
        give_back(self.policy, key)
        self.assertTrue(take(self.policy, key).allowed)

    def test_rounded_up(self) -> None:
        self.assertEqual(
            [seconds(timedelta(microseconds=n)) for n in (0, 1, 1000000, 1000001)], [0, 1, 1, 2]
        )

    def test_decorator(self) -> None:
        @throttled(self.policy, self.key)
        def view(request: HttpRequest) -> HttpResponse:
            with transaction.atomic():
                Payment.objects.create(amount=10, note="not kept")
                transaction.set_rollback(True)
            return HttpResponse("done")

        began = time.monotonic()
        first, second, third = (self.get(view) for _ in range(3))
        self.assertEqual((first.status_code, first["RateLimit-Remaining"]), (200, "1"))
        self.assertEqual((second.status_code, second["RateLimit-Remaining"]), (200, "0"))
        self.assertNotIn("Retry-After", second)
        self.assertEqual(third.status_code, 429)
        self.assertEqual(json.loads(third.content)["code"], "throttled")
        self.assertEqual(third["RateLimit-Limit"], "2")
        self.half_a_day(third, began)
        self.assertEqual(self.get(view, "bob").status_code, 200)

    def test_what_no_key_may_be(self) -> None:
        for user in ("", "x" * 1001, "a\0b", "\ud800", "ä" * 600):
            key = {"user": user, "address": "a"}
            self.assertEqual([take(self.policy, key).allowed for _ in range(3)], [True, True, False], repr(user))

    def test_async(self) -> None:
        @throttled(self.policy, self.key)
        async def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse("done")

        answers = [self.get(async_to_sync(view), "eve").status_code for _ in range(3)]
        self.assertEqual(answers, [200, 200, 429])

    @unittest.skipUnless(APIView, "Django REST framework is not here")
    def test_rest_framework(self) -> None:
        from django_paysafe.throttling import ThrottlePolicy

        test = self

        class Policy(ThrottlePolicy):
            policy = test.policy

            def get_key(self, request, view):
                return test.key(request._request)

        class View(APIView):
            authentication_classes = ()
            permission_classes = ()
            throttle_classes = (Policy,)

            def get(self, request):
                return Response("done")

        view = RateLimitMiddleware(lambda request: View.as_view()(request).render())
        began = time.monotonic()
        answers = [self.get(view) for _ in range(3)]
        self.assertEqual([a.status_code for a in answers], [200, 200, 429])
        self.assertEqual([a["RateLimit-Remaining"] for a in answers], ["1", "0", "0"])
        self.half_a_day(answers[2], began)
        self.assertEqual(self.get(view, "bob").status_code, 200)

    @unittest.skipUnless(APIView, "Django REST framework is not here")
    def test_rest_framework_by_itself(self) -> None:
        from django_paysafe.throttling import ThrottlePolicy

        test = self

        class View(APIView):
            authentication_classes = ()
            permission_classes = ()
            throttle_classes = (type("Policy", (ThrottlePolicy,), {"policy": test.policy}),)

            def get(self, request):
                return Response("done")

        def ask(address: str) -> int:
            request = RequestFactory().get("/", REMOTE_ADDR=address)
            return View.as_view()(request).status_code

        self.assertEqual([ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3")], [200, 200, 429])
