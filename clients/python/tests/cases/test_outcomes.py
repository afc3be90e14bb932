"""What becomes of requests is noted, and nothing of that reaches them."""

from collections import Counter
from typing import Any, List, Optional, Tuple

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from shop.models import Payment

from django_paysafe.outcomes import OutcomeMiddleware

from .audit import AuditedTestCase

MIDDLEWARE = [
    "django_paysafe.outcomes.OutcomeMiddleware",
    "django_paysafe.middleware.ActorMiddleware",
]


def answer(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


def fall(request: HttpRequest) -> HttpResponse:
    Payment.objects.create(amount=10, note="fall")
    raise ValueError("a view that fails")


def left_broken(request: HttpRequest) -> HttpResponse:
    transaction.set_rollback(True)
    return HttpResponse()


async def later(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


urlpatterns = [
    path("answer/<int:status>/", answer, name="Pay-in"),
    path("fall/", fall, name="fall"),
    path("broken/", left_broken, name="broken"),
    path("later/<int:status>/", later, name="later"),
    path("long/", answer, {"status": 200}, name="x" * 100),
]


def by_provider(request: HttpRequest, response: HttpResponseBase) -> Optional[str]:
    if "fails" in request.GET:
        raise KeyError("provider")
    return request.GET.get("provider")


def refuse(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    return execute("SELECT 1 / 0", None, many, context)


def outcomes(**given: Any) -> Any:
    return override_settings(
        PAYSAFE_OUTCOMES=given, MIDDLEWARE=MIDDLEWARE, ROOT_URLCONF="cases.test_outcomes"
    )


class OutcomeTests(AuditedTestCase):
    """That what is noted outlives a rollback is the extension's, and tested there (test/shape)."""

    def setUp(self) -> None:
        super().setUp()
        self.noted: Counter[Tuple[str, str, bool]] = Counter()
        self.inside = 0
        wrapper = connection.execute_wrapper(self.record)
        wrapper.__enter__()
        self.addCleanup(wrapper.__exit__, None, None, None)

    def record(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """What the database has taken."""
        result = execute(sql, params, many, context)
        if "note_outcome" in sql:
            series, segment, ok, count = params
            self.noted[series, segment, ok] += count
            self.inside += context["connection"].in_atomic_block
        return result

    def get(self, *paths: str) -> List[int]:
        client = Client(raise_request_exception=False)
        return [client.get(each).status_code for each in paths]

    @outcomes(bad=[402])
    def test_noted(self) -> None:
        statuses = [200, 302, 404, 402, 500, 503]
        self.assertEqual(self.get(*(f"/answer/{s}/" for s in statuses)), statuses)
        Client().post("/answer/200/")
        good, bad = ("view_pay_in", "GET", True), ("view_pay_in", "GET", False)
        self.assertEqual(self.noted, {good: 3, bad: 3, ("view_pay_in", "POST", True): 1})

    @outcomes()
    def test_what_falls(self) -> None:
        self.assertEqual(self.get("/fall/", "/nowhere/", "/long/"), [500, 404, 200])
        self.assertEqual(
            self.noted, {("view_fall", "GET", False): 1, ("view_" + "x" * 58, "GET", True): 1}
        )

    @outcomes()
    def test_rolled_back(self) -> None:
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        self.addCleanup(connection.settings_dict.__setitem__, "ATOMIC_REQUESTS", False)
        before = Payment.objects.count()
        self.assertEqual(self.get("/fall/", "/broken/"), [500, 200])
        self.assertEqual(Payment.objects.count(), before)
        self.assertEqual(
            self.noted, {("view_fall", "GET", False): 1, ("view_broken", "GET", True): 1}
        )
        self.assertEqual(self.inside, 0)

    def status(self) -> int:
        assert connection.connection is not None
        return int(connection.connection.info.transaction_status)

    @outcomes()
    def test_without_autocommit(self) -> None:
        """What it begins it ends; what the view has begun is the view's."""
        transaction.set_autocommit(False)
        self.addCleanup(transaction.set_autocommit, True)
        self.addCleanup(transaction.rollback)
        self.assertEqual(self.get("/answer/200/"), [200])
        self.assertEqual(self.status(), 0)
        self.assertEqual(self.get("/fall/"), [500])
        self.assertEqual(self.status(), 2)
        transaction.rollback()
        with connection.execute_wrapper(refuse):
            self.assertEqual(self.get("/answer/200/"), [200])
        self.assertEqual(self.status(), 0)
        self.assertEqual(
            self.noted, {("view_pay_in", "GET", True): 1, ("view_fall", "GET", False): 1}
        )

    @outcomes(bad=[404])
    def test_asynchronous(self) -> None:
        async def ask() -> List[int]:
            client = AsyncClient()
            return [(await client.get(f"/later/{s}/")).status_code for s in (200, 404)]

        self.assertEqual(async_to_sync(ask)(), [200, 404])
        self.assertEqual(self.get("/later/500/"), [500])
        self.assertEqual(
            self.noted, {("view_later", "GET", True): 1, ("view_later", "GET", False): 2}
        )

    @outcomes(views=["Pay-in"], segment="cases.test_outcomes.by_provider")
    def test_chosen(self) -> None:
        self.assertEqual(
            self.get("/long/", "/answer/200/", "/answer/200/?provider=" + "ä" * 40), [200] * 3
        )
        self.assertEqual(self.noted, {("view_pay_in", "ä" * 31, True): 1})

    @outcomes(segment="cases.test_outcomes.by_provider")
    def test_breaks_no_request(self) -> None:
        with self.assertLogs("django_paysafe", "WARNING") as logs:
            # what the database refuses, and the project's own code
            self.assertEqual(
                self.get("/answer/200/?provider=%07", "/answer/200/?fails"), [200, 200]
            )
            # inside of somebody's transaction as well, which goes on
            with transaction.atomic():
                self.assertEqual(self.get("/answer/200/?provider=%07"), [200])
                self.assertEqual(Payment.objects.filter(note="there is none").count(), 0)
                transaction.set_rollback(True)
                # a transaction that has failed takes nothing
                self.assertEqual(self.get("/answer/200/?provider=x"), [200])
        self.assertEqual(len(logs.output), 4)
        self.assertEqual(self.noted, {})
        with outcomes(using="nowhere"), self.assertLogs("django_paysafe", "ERROR"):
            self.assertEqual(self.get("/answer/200/"), [200])

    def test_costs(self) -> None:
        with outcomes(views=["fall"]), CaptureQueriesContext(connection) as queries:
            self.get("/answer/200/")
        self.assertEqual(len(queries), 0)
        with outcomes(), CaptureQueriesContext(connection) as queries:
            self.get("/answer/200/")
        self.assertEqual(len(queries), 1)

    def test_not_configured(self) -> None:
        with self.assertRaises(MiddlewareNotUsed):
            OutcomeMiddleware(lambda request: HttpResponse())
        with outcomes(bads=[402]), self.assertRaises(ImproperlyConfigured):
            OutcomeMiddleware(lambda request: HttpResponse())
