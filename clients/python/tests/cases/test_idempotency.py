"""Requests that are executed once, on a server that has a key file."""

import json
import threading
import uuid
from types import SimpleNamespace
from typing import Any, List, Optional

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views import View
from shop.models import Payment

from django_paysafe import refusal_of
from django_paysafe.idempotency import Attempt, idempotent

from .keyed import KeyedTestCase, committed, post, sql, told


class IdempotencyTestCase(KeyedTestCase):
    def setUp(self) -> None:
        super().setUp()
        for endpoint, final in (
            ("pay", "{2xx,4xx}"),
            ("pay v1", "{2xx,4xx,5xx}"),
            ("pay v2", "{2xx}"),
        ):
            committed("SELECT paysafe.set_idempotency(%s, %s::text[])", endpoint, final)
        self.calls: List[Any] = []
        self.key = str(uuid.uuid4())

    def request(self, body: bytes = b'{"amount": 10}', key: Optional[str] = None, user: int = 1):
        headers = {"Idempotency-Key": self.key if key is None else key}
        request = post("/pay/?a=1", body, headers)
        request.user = SimpleNamespace(pk=user, is_authenticated=True)  # type: ignore[assignment]
        return request

    def payments(self) -> int:
        return Payment.objects.filter(note=self.key).count()

    def pay(self, status: int = 201, endpoint: str = "pay", **options: Any):
        @idempotent(endpoint, **options)
        def view(request):
            self.calls.append(request.paysafe_idempotency.attempt)
            payment = Payment.objects.create(amount=10, note=self.key)
            response = JsonResponse({"id": payment.pk, "call": len(self.calls)}, status=status)
            response["Location"] = f"/payments/{payment.pk}"
            response["X-Other"] = "not kept"
            return response

        return view


class AtomicTests(IdempotencyTestCase):
    def test_repeated_byte_for_byte(self) -> None:
        view = self.pay()
        first, second = view(self.request()), view(self.request())
        self.assertEqual(told(first)[0], 201)
        self.assertEqual(told(first), told(second))
        self.assertEqual(second["Location"], first["Location"])
        self.assertEqual(second["Content-Type"], "application/json")
        self.assertEqual(second["Idempotent-Replayed"], "true")
        self.assertFalse(first.has_header("Idempotent-Replayed"))
        self.assertFalse(second.has_header("X-Other"))
        self.assertEqual((self.calls, self.payments()), ([1], 1))

    def test_bytes_that_are_no_text(self) -> None:
        body = bytes(range(256))

        @idempotent("pay")
        def view(request):
            self.calls.append(1)
            return HttpResponse(body, content_type="application/octet-stream")

        self.assertEqual([told(view(self.request(body)))[1] for _ in range(2)], [body, body])
        self.assertEqual(len(self.calls), 1)

    def test_quoted_or_not_is_one_key(self) -> None:
        view = self.pay()
        view(self.request())
        self.assertEqual(view(self.request(key=f'"{self.key}"'))["Idempotent-Replayed"], "true")

    def test_another_request_with_the_key(self) -> None:
        view = self.pay()
        view(self.request())
        response = view(self.request(b'{"amount": 11}'))
        self.assertEqual(response.status_code, 422)
        self.assertEqual(response["Content-Type"], "application/problem+json")
        self.assertEqual(json.loads(response.content)["status"], 422)
        self.assertEqual(self.payments(), 1)

    def test_keys_are_each_client_s_own(self) -> None:
        view = self.pay()
        first, other = view(self.request()), view(self.request(user=2))
        self.assertNotEqual(told(first), told(other))
        self.assertEqual(self.payments(), 2)

    def test_no_key(self) -> None:
        request = post("/", b"{}", {})
        self.assertEqual(self.pay()(request).status_code, 400)
        self.assertEqual(self.calls, [])

        @idempotent("pay", required=False)
        def view(request):
            return HttpResponse("done")

        self.assertEqual(told(view(request)), (200, b"done"))

    def test_what_is_no_key(self) -> None:
        for key in ("", "a b", "é", "\xff\xfe", "a\0b", "x" * 256, "x" * 5000, '"a', "\t"):
            with self.subTest(key=key):
                self.assertEqual(self.pay()(self.request(key=key)).status_code, 400)
        self.assertEqual(self.calls, [])

    def test_an_endpoint_that_is_not_set_up(self) -> None:
        with self.assertRaises(DataError):
            self.pay(endpoint="other")(self.request())

    def test_final_refusal_is_kept_and_its_rows_are_not(self) -> None:
        view = self.pay(status=422)
        first, second = view(self.request()), view(self.request())
        self.assertEqual(told(first), told(second))
        self.assertEqual((len(self.calls), self.payments()), (1, 0))

    def test_what_is_not_final_leaves_nothing(self) -> None:
        view = self.pay(status=503)
        self.assertEqual([view(self.request()).status_code for _ in range(2)], [503, 503])
        self.assertEqual((self.calls, self.payments()), ([1, 1], 0))
        # neither version 2 of Stripe's API keeps a refusal, nor loses a success
        self.pay(status=422, endpoint="pay v2")(self.request())
        self.assertEqual(self.pay(endpoint="pay v2")(self.request()).status_code, 201)

    def test_all_is_final(self) -> None:
        view = self.pay(status=500, endpoint="pay v1")
        self.assertEqual(told(view(self.request())), told(view(self.request())))
        self.assertEqual((len(self.calls), self.payments()), (1, 0))

    def test_exceptions(self) -> None:
        answers = {Http404: 404, PermissionDenied: 403}
        for error, status in answers.items():
            with self.subTest(error=error):
                key = str(uuid.uuid4())

                @idempotent("pay")
                def view(request, error=error):
                    self.calls.append(error)
                    raise error

                for _ in range(2):
                    self.assertEqual(view(self.request(key=key)).status_code, status)
        self.assertEqual(self.calls, list(answers))

    def test_refusals_go_on_and_are_not_kept(self) -> None:
        """Neither swallowed nor tried again: a refusal is the application's to answer."""

        @idempotent("pay")
        def view(request):
            self.calls.append(1)
            Payment.objects.create(amount=10, note=self.key)
            Payment.objects.create(amount=10, status="captured", note=self.key)

        for _ in range(2):
            with self.assertRaises(IntegrityError) as caught:
                view(self.request())
            refusal = refusal_of(caught.exception)
            self.assertEqual(refusal.constraint, "paysafe_shop_payment_status")
        self.assertEqual((len(self.calls), self.payments()), (2, 0))

    def test_a_response_that_is_rendered_later(self) -> None:
        @idempotent("pay")
        def view(request):
            self.calls.append(1)
            template = engines["django"].from_string("call {{ calls|length }}")
            return TemplateResponse(request, template, {"calls": self.calls})

        first, second = view(self.request()), view(self.request())
        self.assertEqual(told(first), told(second))
        self.assertEqual(len(self.calls), 1)

    def test_a_stream_is_no_answer_to_repeat(self) -> None:
        @idempotent("pay")
        def view(request):
            Payment.objects.create(amount=10, note=self.key)
            return StreamingHttpResponse([b"x"])

        with self.assertRaises(TypeError):
            view(self.request())
        self.assertEqual(self.payments(), 0)

    def test_views_as_classes(self) -> None:
        test = self

        class PaymentView(View):
            @method_decorator(idempotent("pay"))
            def post(self, request):
                test.calls.append(1)
                return HttpResponse("done", status=201)

        view = PaymentView.as_view()
        self.assertEqual(told(view(self.request())), told(view(self.request())))
        self.assertEqual(len(self.calls), 1)

    def test_no_coroutines(self) -> None:
        async def view(request):
            return HttpResponse()

        with self.assertRaises(ImproperlyConfigured):
            idempotent("pay")(view)
        with self.assertRaises(ImproperlyConfigured):
            idempotent("pay", mode="other")

    def in_threads(self, view: Any, n: int) -> List[Any]:
        answers: List[Any] = []

        def ask() -> None:
            try:
                answers.append(told(view(self.request())))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=ask) for _ in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    def test_at_the_same_time(self) -> None:
        answers = self.in_threads(self.pay(), 8)
        self.assertEqual(len(answers), 8)
        self.assertEqual({status for status, _ in answers}, {201})
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual((len(self.calls), self.payments()), (1, 1))

    def test_not_waiting(self) -> None:
        inside, go_on = threading.Event(), threading.Event()

        @idempotent("pay", nowait=True)
        def view(request):
            self.calls.append(1)
            inside.set()
            go_on.wait(60)
            return HttpResponse("done")

        thread = threading.Thread(target=lambda: (view(self.request()), connections.close_all()))
        thread.start()
        self.assertTrue(inside.wait(60))
        response = view(self.request())
        go_on.set()
        thread.join(60)
        self.assertEqual((response.status_code, response["Retry-After"]), (409, "1"))
        self.assertEqual(len(self.calls), 1)
        self.assertEqual(view(self.request())["Idempotent-Replayed"], "true")

    def test_lock_timeout(self) -> None:
        inside, go_on = threading.Event(), threading.Event()

        @idempotent("pay")
        def view(request):
            inside.set()
            go_on.wait(60)
            return HttpResponse("done")

        thread = threading.Thread(target=lambda: (view(self.request()), connections.close_all()))
        thread.start()
        self.assertTrue(inside.wait(60))
        try:
            sql("SELECT set_config('lock_timeout', '50ms', false)")
            self.assertEqual(view(self.request()).status_code, 409)
        finally:
            sql("SELECT set_config('lock_timeout', '0', false)")
            go_on.set()
            thread.join(60)


class ClaimedTests(IdempotencyTestCase):
    def payout(self, fail_at: str = "", **options: Any):
        @idempotent("pay", mode="claimed", **options)
        def view(request):
            attempt: Attempt = request.paysafe_idempotency
            self.assertFalse(connection.in_atomic_block)
            self.calls.append((attempt.attempt, attempt.recovery_point, attempt.memo))
            if attempt.recovery_point is None:
                if fail_at == "provider":
                    raise ConnectionError("4111 1111 1111 1111")
                attempt.step("sent", b"tr_9")
            if fail_at == "rows":
                raise ValueError("after the step")
            with transaction.atomic():
                Payment.objects.create(amount=10, note=self.key)
                response = JsonResponse({"call": len(self.calls)}, status=201)
                return attempt.finish(response)

        return view

    def test_repeated(self) -> None:
        view = self.payout()
        first, second = view(self.request()), view(self.request())
        self.assertEqual(told(first), told(second))
        self.assertEqual(second["Idempotent-Replayed"], "true")
        self.assertEqual((self.calls, self.payments()), ([(1, None, None)], 1))

    def test_goes_on_from_the_recovery_point(self) -> None:
        with self.assertRaises(ConnectionError):
            self.payout("provider")(self.request())
        with self.assertRaises(ValueError):
            self.payout("rows")(self.request())
        self.assertEqual(self.payout()(self.request()).status_code, 201)
        self.assertEqual(self.calls, [(1, None, None), (2, None, None), (3, "sent", b"tr_9")])
        self.assertEqual(self.payments(), 1)

    def test_the_reason_is_no_message(self) -> None:
        with self.assertRaises(ConnectionError):
            self.payout("provider")(self.request())
        self.assertEqual(
            sql("SELECT last_error FROM paysafe.idempotency ORDER BY created_at DESC LIMIT 1"),
            "ConnectionError",
        )

    def test_finished_for_a_view_that_does_not(self) -> None:
        @idempotent("pay", mode="claimed")
        def view(request):
            self.calls.append(request.paysafe_idempotency.key)
            return HttpResponse("done")

        self.assertEqual(told(view(self.request())), told(view(self.request())))
        self.assertEqual(self.calls, [f"pay:user:1:{self.key}"])

    def test_in_progress(self) -> None:
        answers = []

        @idempotent("pay", mode="claimed")
        def view(request):
            answers.append(view(self.request()).status_code)
            return HttpResponse("done")

        self.assertEqual(view(self.request()).status_code, 200)
        self.assertEqual(answers, [409])

    def test_taken_over(self) -> None:
        """A worker that is too late changes nothing, and says so."""
        committed("SELECT paysafe.set_idempotency('pay', lease => '100 milliseconds'::interval)")
        other = self.payout()
        first = []

        @idempotent("pay", mode="claimed")
        def view(request):
            if not first:
                first.append(1)
                sql("SELECT pg_sleep(0.3)")
                self.assertEqual(other(self.request()).status_code, 201)
            with transaction.atomic():
                Payment.objects.create(amount=99, note=self.key)
                return request.paysafe_idempotency.finish(HttpResponse("late"))

        self.assertEqual(view(self.request()).status_code, 409)
        self.assertEqual(self.payments(), 1)
        self.assertEqual(view(self.request())["Idempotent-Replayed"], "true")

    def test_not_inside_a_transaction(self) -> None:
        view = self.payout()
        self.assertEqual(view._non_atomic_requests, {"default"})
        with transaction.atomic(), self.assertRaises(transaction.TransactionManagementError):
            view(self.request())

    def test_serialization_failures_go_on(self) -> None:
        """40001 is an OperationalError: whoever tries again has to catch that one."""

        @idempotent("pay", mode="claimed")
        def view(request):
            self.calls.append(1)
            if len(self.calls) == 1:
                sql("DO $$BEGIN RAISE SQLSTATE '40001'; END$$")
            return HttpResponse("done")

        with self.assertRaises(OperationalError):
            view(self.request())
        self.assertEqual(told(view(self.request())), (200, b"done"))
