"""Refusals through Django REST framework."""

import json
import unittest

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import RequestFactory, TransactionTestCase
from shop.models import Payment, Refund

try:
    from rest_framework.authentication import SessionAuthentication, TokenAuthentication
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    APIView = None  # type: ignore[assignment,misc]

from django_paysafe import acting, errors
from django_paysafe.admin import _own
from django_paysafe.middleware import ActorMiddleware, is_page


@unittest.skipUnless(APIView, "Django REST framework is not here")
class FrameworkTests(TransactionTestCase):
    def answer(self, change):
        class View(APIView):
            authentication_classes = ()

            def post(self, request):
                change()
                return Response("done")

        response = View.as_view()(RequestFactory().post("/", HTTP_ACCEPT="application/json"))
        response.render()
        return response.status_code, json.loads(response.content)

    def test_statuses(self) -> None:
        payment = Payment.objects.create(amount=900)
        payments = Payment.objects.filter(pk=payment.pk)
        payments.update(status="captured", captured=900)
        with acting("alice"):
            refund = Refund.objects.create(payment=payment, amount=900)
        for change, status, code in (
            (lambda: payments.update(status="authorized"), 409, "illegal_transition"),
            (lambda: Payment.objects.create(amount=-1), 422, "bad_amount"),
            (
                lambda: Refund.objects.filter(pk=refund.pk).update(status="executing"),
                403,
                "approval_needed",
            ),
        ):
            with self.subTest(code):
                answered, body = self.answer(change)
                self.assertEqual((answered, body["code"]), (status, code))
                self.assertEqual(set(body), {"detail", "code"})
                self.assertNotIn("shop_", body["detail"])

    def test_atomic_requests(self) -> None:
        """What the view wrote before the refusal is rolled back with it."""

        def change():
            Payment.objects.create(amount=1, note="before")
            with transaction.atomic():
                Payment.objects.create(amount=-1)

        connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            with transaction.atomic():
                self.assertEqual(self.answer(change)[0], 422)
        finally:
            connection.settings_dict["ATOMIC_REQUESTS"] = False
        self.assertFalse(Payment.objects.filter(note="before").exists())

    def test_other_errors(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            self.answer(lambda: 1 / 0)


@unittest.skipUnless(APIView, "Django REST framework is not here")
class TokenTests(TransactionTestCase):
    """A client with a token is no person, whomever the token belongs to."""

    def setUp(self) -> None:
        from rest_framework.authtoken.models import Token

        self.alice = User.objects.create_user("alice")
        self.token = Token.objects.create(user=self.alice)
        self.payment = Payment.objects.create(amount=900)
        Payment.objects.filter(pk=self.payment.pk).update(status="captured", captured=900)

    def request_refund(self, **headers: str) -> Refund:
        payment = self.payment

        class View(APIView):
            authentication_classes = (TokenAuthentication, SessionAuthentication)

            def post(self, request):
                Refund.objects.create(payment=payment, amount=900)
                return Response("done")

        request = RequestFactory().post("/", **headers)
        if not headers:  # as somebody who is logged in
            request.user, request._dont_enforce_csrf_checks = self.alice, True
        response = ActorMiddleware(View.as_view())(request)
        self.assertEqual(response.status_code, 200)
        return Refund.objects.latest("pk")

    def approve(self, refund: Refund, actor: str) -> None:
        with acting(actor), errors.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT paysafe.approve('shop_refund', %s, 'seen')", [str(refund.pk)])

    def requested_by(self, refund: Refund) -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT requested_by FROM paysafe.pending_approval WHERE key = %s", [str(refund.pk)]
            )
            return cursor.fetchone()[0]

    def test_what_it_requests_a_person_approves(self) -> None:
        refund = self.request_refund(HTTP_AUTHORIZATION=f"Token {self.token.key}")
        name = f"client:{self.alice.pk}"
        self.assertEqual(self.requested_by(refund), name)
        with self.assertRaises(errors.NotAllowed):
            self.approve(refund, name)
        self.approve(refund, "user:0")
        with acting(name):
            Refund.objects.filter(pk=refund.pk).update(status="executing")

    def test_the_admin_knows_whose_token_it_is(self) -> None:
        refund = self.request_refund(HTTP_AUTHORIZATION=f"Token {self.token.key}")
        request = RequestFactory().get("/")
        for user, own in ((self.alice, True), (User.objects.create_user("bob"), False)):
            request.user = user
            with acting(f"user:{user.pk}"):
                self.assertEqual(_own(request, self.requested_by(refund)), own)

    def test_a_person_is_one(self) -> None:
        self.assertEqual(self.requested_by(self.request_refund()), f"user:{self.alice.pk}")

    def test_its_views_are_no_pages(self) -> None:
        from django.urls import path, resolve

        class View(APIView):
            pass

        urls = type("urls", (), {"urlpatterns": [path("", View.as_view())]})
        request = RequestFactory().post("/", HTTP_ACCEPT="text/html")
        request.resolver_match = resolve("/", urls)
        self.assertFalse(is_page(request))
