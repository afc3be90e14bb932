"""Refusals through Django REST framework."""

import json
import unittest

from django.db import connection, transaction
from django.test import RequestFactory, TransactionTestCase
from shop.models import Payment, Refund

try:
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    APIView = None  # type: ignore[assignment,misc]

from django_paysafe import acting


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
