"""API keys through Django REST framework, on a server that has a key file."""

import json
import unittest

from django.db import connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from shop.models import Payment

try:
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    APIView = None  # type: ignore[assignment,misc]

from django_paysafe.middleware import ActorMiddleware

from .keyed import KeyedTestCase, sql


@unittest.skipUnless(APIView, "Django REST framework is not here")
class ApiKeyTests(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.issue("{payments:*}")

    def issue(self, scopes: str) -> str:
        with transaction.atomic():
            return str(sql("SELECT paysafe.api_key_issue('acme', %s::text[])", scopes))

    def answer(self, header: object, method: str = "GET", scope: object = None) -> tuple:
        from django_paysafe.api_keys import ApiKeyAuthentication

        class View(APIView):
            authentication_classes = (ApiKeyAuthentication,)
            permission_classes = (IsAuthenticated,)

            def get(self, request):
                return Response([str(request.user), list(request.auth.scopes)])

            def post(self, request):
                Payment.objects.create(amount=10, note="by key")
                return Response("done")

        if scope is not None:
            View.required_scope = scope
        headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
        request = RequestFactory().generic(method, "/", HTTP_ACCEPT="application/json", **headers)

        def respond(request: HttpRequest):
            return View.as_view()(request).render()

        response = ActorMiddleware(respond)(request)
        return response.status_code, json.loads(response.content)

    def test_valid(self) -> None:
        self.assertEqual(self.answer(f"Bearer {self.key}"), (200, ["acme", ["payments:*"]]))
        self.assertEqual(self.answer(f"bearer  {self.key}")[0], 200)

    def test_one_query_without_the_key(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.answer(f"Bearer {self.key}")
        self.assertEqual(len(queries), 1)
        self.assertNotIn(self.key, queries[0]["sql"])

    def test_one_answer_for_all_that_are_not(self) -> None:
        old = self.issue("{}")
        with transaction.atomic():
            sql("SELECT paysafe.api_key_revoke(max(id), 'test') FROM paysafe.api_key")
        answers = [
            self.answer(f"Bearer {key}")
            for key in (old, self.key[:-1], self.key + "x", self.key + " x", "", "é", "x" * 5000)
        ]
        self.assertEqual({(401, "no valid API key")}, {(s, b["detail"]) for s, b in answers})
        for header in (None, "Basic eDp5", self.key):
            with self.subTest(header=header):
                self.assertEqual(self.answer(header)[0], 401)

    def test_scopes(self) -> None:
        by_method = {"GET": "payments:read", "POST": "refunds:write"}
        for method, scope, status in (
            ("GET", "payments:read", 200),
            ("GET", "refunds:read", 403),
            ("GET", "", 403),
            ("GET", by_method, 200),
            ("POST", by_method, 403),
            ("POST", {"GET": "payments:read"}, 403),
        ):
            with self.subTest(method=method, scope=scope):
                self.assertEqual(self.answer(f"Bearer {self.key}", method, scope)[0], status)

    def test_who_acts(self) -> None:
        self.answer(f"Bearer {self.key}", "POST", "payments:write")
        self.assertEqual(
            self.recorded("after ->> 'note'", "actor", "actor_claimed"),
            [("by key", "api_client:acme", True)],
        )
