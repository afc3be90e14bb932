"""Who acts, shown by tokens that the database verifies."""

import io
import os
import tempfile
import unittest
from contextlib import contextmanager
from importlib.util import find_spec

from django.contrib.auth.models import User
from django.core import signing
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from shop.models import Payment, Refund

try:
    import cryptography  # noqa: F401
except ImportError:
    cryptography = None  # type: ignore[assignment]

from django_paysafe import acting, errors, tokens
from django_paysafe.middleware import ActorMiddleware
from django_paysafe.people import register_service, user_actor
from django_paysafe.tokens import Signer, new_key, signer

from .audit import AuditedTestCase
from .keyed import sql

ISSUER = "https://login.example/"


def by_two(statement: str, *args: object) -> object:
    """A change that takes two people."""
    with acting("dana"), transaction.atomic():
        sql("SELECT paysafe.propose('tests')")
        sql(statement, *args)
    with acting("erik"), transaction.atomic():
        sql("SELECT count(paysafe.approve(approved_as, key, 'yes')) FROM paysafe.pending_change")
    with acting("dana"), transaction.atomic():
        return sql(statement, *args)


def service(request: object) -> "str | None":
    return "service:till" if request.headers.get("X-Till") else None  # type: ignore[attr-defined]


@unittest.skipUnless(cryptography, "the package cryptography is not here")
class TokenTestCase(AuditedTestCase):
    number = 0

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        TokenTestCase.number += 1
        # a key's name is one key for ever, and what is declared outlives the test
        self.keys = [f"{folder.name}/{name}-{self.number}.pem" for name in ("b", "a")]
        for path in self.keys:
            new_key(path)
        self.issuer = f"{ISSUER}{self.number}"
        by_two(
            "SELECT paysafe.set_token_issuer(%s, '{shop}', 'tests')",
            self.issuer,
        )
        for kid, algorithm, pem in Signer(self.issuer, "shop", self.keys).public_keys():
            by_two(
                "SELECT paysafe.set_token_key(%s, %s, %s, %s, 'tests')",
                self.issuer, kid, algorithm, pem,
            )  # fmt: skip

    def signing(self, *keys: str, **rest: object):
        found = {"issuer": self.issuer, "audience": "shop", "keys": list(keys or self.keys)}
        return override_settings(PAYSAFE_TOKENS={**found, **rest})

    def known(self) -> "list[tuple[object, ...]]":
        return self.recorded("actor", "identity", "proof::json ->> 'kid'")


class SignedHereTests(TokenTestCase):
    def test_a_request(self) -> None:
        user = User.objects.create_user("alice")
        self.client.force_login(user)
        with self.signing():
            self.client.post("/autocommit/", headers={"X-Request-ID": "r-1"})
            self.client.post("/block/")
        kid = f"b-{self.number}"
        self.assertEqual(self.known(), [(f"user:{user.pk}", "proven", kid)] * 5)
        self.assertEqual(self.recorded("request_id")[0], ("r-1",))

    def test_keys_follow_each_other(self) -> None:
        new, old = self.keys
        with acting("user:7"):
            with self.signing(old):
                Payment.objects.create(amount=1)
            with self.signing(new, old):
                Payment.objects.create(amount=1)
            sql("SELECT paysafe.revoke_token_key(%s, %s, 'its time is over')",
                self.issuer, f"a-{self.number}")  # fmt: skip
            with self.signing(new, old):
                Payment.objects.create(amount=1)
            with self.signing(old), self.assertRaises(errors.NotAllowed), errors.atomic():
                Payment.objects.create(amount=1)
        kids = [kid for _, _, kid in self.known()]
        self.assertEqual(kids, [f"{k}-{self.number}" for k in ("a", "b", "b")])

    def test_after_a_savepoint_there_is_another_one(self) -> None:
        with self.signing(), acting("user:7"), transaction.atomic():
            sid = transaction.savepoint()
            Payment.objects.create(amount=1)
            transaction.savepoint_rollback(sid)
            Payment.objects.create(amount=1)
            with acting("user:8"):
                Payment.objects.create(amount=1)
        told = [row[:2] for row in self.known()]
        self.assertEqual(told, [("user:7", "proven"), ("user:8", "proven")])

    def test_nobody(self) -> None:
        with self.signing():
            self.client.post("/autocommit/")
        self.assertEqual(self.recorded("actor_claimed", "identity"), [(False, "none")] * 2)

    def test_no_token_is_written_down(self) -> None:
        with self.signing(), acting("user:7"), CaptureQueriesContext(connection) as queries:
            Payment.objects.create(amount=1)
        self.assertEqual([q for q in queries if "act_as" in q["sql"] or "eyJ" in q["sql"]], [])
        with self.signing(), acting("user:7"), transaction.atomic():
            Payment.objects.create(amount=1)
            claim = tokens.configuration()
            self.assertNotIn("PRIVATE", repr(claim))

    def test_of_another_login(self) -> None:
        others = self.keys[0].replace("b-", "c-")
        new_key(others)
        for change in (
            {"audience": "else"},
            {"issuer": "https://other.example"},
            {"keys": [others]},
        ):
            with self.subTest(change), self.signing(**change), acting("user:7"):
                with self.assertRaises(errors.NotAllowed), errors.atomic():
                    Payment.objects.create(amount=1)
        self.assertEqual(self.known(), [])

    def test_what_is_no_key(self) -> None:
        bad = self.keys[0] + ".txt"
        with open(bad, "w") as file:
            file.write("no key")
        os.chmod(bad, 0o600)
        os.chmod(self.keys[1], 0o640)
        for keys in ([bad], [self.keys[1]], [self.keys[0]] * 2, ["/nowhere"], []):
            with self.subTest(keys), self.signing():
                with self.assertRaises(ImproperlyConfigured):
                    Signer(self.issuer, "shop", keys)
        with self.signing(self.keys[1]):
            found = {message.id for message in run_checks(include_deployment_checks=True)}
            self.assertIn("paysafe.E006", found)
        for wrong in ({"source": "x"}, {"secret": "x"}, {"lifetime": 86400}):
            with (
                self.subTest(wrong),
                self.signing(**wrong),
                self.assertRaises(ImproperlyConfigured),
            ):
                signer()

    def test_command(self) -> None:
        path, out = self.keys[0].replace("b-", "d-"), io.StringIO()
        call_command("paysafe", "token-key", path, stdout=out)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertRegex(out.getvalue(), r"^d-\d+ EdDSA\n-----BEGIN PUBLIC KEY-----\n")
        with self.assertRaises(CommandError):  # never over another one
            call_command("paysafe", "token-key", path)
        with self.signing():
            call_command("paysafe", "token-key", stdout=out)
        self.assertEqual(out.getvalue().count("BEGIN PUBLIC KEY"), 3)
        self.assertNotIn("PRIVATE", out.getvalue())


@unittest.skipUnless(find_spec("celery"), "Celery is not here")
class CarriedTests(TokenTestCase):
    def test_no_token_travels(self) -> None:
        """The worker signs one of its own, where it has a key."""
        from django_paysafe import celery

        headers = {"id": "an id", "task": "pay"}
        with acting("user:7", reason="month end", token=lambda: "eyJ"):
            celery.carry(headers=headers)
        carried = signing.loads(headers["paysafe"], salt="django_paysafe.celery")
        self.assertNotIn("eyJ", repr(carried))
        with self.signing(), acting(**carried["claim"]):
            Payment.objects.create(amount=1)
        self.assertEqual(
            self.recorded("actor", "identity", "reason"), [("user:7", "proven", "month end")]
        )


class PassedOnTests(TokenTestCase):
    """Others sign; the application has no key."""

    @contextmanager
    def asked(self, source: str, **meta: object):
        def view(request):
            for amount in (1, 2):
                with transaction.atomic():
                    Payment.objects.create(amount=amount)
            return "done"

        request = RequestFactory().post("/")
        request.META.update(meta)
        with override_settings(PAYSAFE_TOKENS={"source": f"django_paysafe.tokens.{source}"}):
            yield request, ActorMiddleware(lambda request: answer(view(request)))

    def test_a_header_and_a_cookie(self) -> None:
        user = User.objects.create_user("alice")
        by_two(
            "SELECT paysafe.set_token_issuer(%s, '{shop}', 'one a session', single_use => false)",
            self.issuer,
        )
        token = Signer(self.issuer, "shop", self.keys).token(f"user:{user.pk}")
        for source in ("from_header", "from_cookie"):
            with self.asked(source) as (request, ask):
                request.user = user
                request.META["HTTP_X_PAYSAFE_TOKEN"] = token
                request.COOKIES["paysafe_token"] = token
                ask(request)
        self.assertEqual([row[:2] for row in self.known()], [(f"user:{user.pk}", "proven")] * 4)

    def test_of_somebody_else_or_none(self) -> None:
        """A name does not stand in for it; nor does who was logged in before."""
        from django.core.exceptions import PermissionDenied

        user = User.objects.create_user("alice")
        other = Signer(self.issuer, "shop", self.keys).token("user:0")
        for token in (other, "", "no token", "a.b.c"):
            with self.subTest(token), self.asked("from_header") as (request, ask):
                request.user = user
                request.META["HTTP_X_PAYSAFE_TOKEN"] = token
                with self.assertRaises(PermissionDenied):
                    ask(request)
        self.assertEqual(self.known(), [])

    def test_once(self) -> None:
        user = User.objects.create_user("alice")
        token = Signer(self.issuer, "shop", self.keys).token(f"user:{user.pk}")
        with self.asked("from_header") as (request, ask):
            request.user = user
            request.META["HTTP_X_PAYSAFE_TOKEN"] = token
            with self.assertRaises(errors.NotAllowed), errors.refusals():
                ask(request)  # its second transaction
        self.assertEqual(len(self.known()), 1)


class ServiceTests(AuditedTestCase):
    @override_settings(PAYSAFE_CLIENTS="cases.test_tokens.service")
    def test_clients_are_services(self) -> None:
        request = RequestFactory().post("/", HTTP_X_TILL="1")
        self.assertEqual(user_actor(request), "service:till")
        request = RequestFactory().post("/")
        request.user = User.objects.create_user("alice")
        self.assertEqual(user_actor(request), f"user:{request.user.pk}")

    def test_registered(self) -> None:
        """It requests and approves nothing; a person approves what it requested."""
        sql(
            "SELECT paysafe.bootstrap_people('Dana', '{name:dana}', 'Erik', '{name:erik}', 'tests')"
        )
        # they stay, and two are too few
        by_two("SELECT paysafe.add_person('Fay', 'tests', '{name:fay}')")
        with acting("dana"):
            self.assertFalse(register_service("Till", "service:till", "tests"))
        with acting("erik"), transaction.atomic():
            sql(
                "SELECT count(paysafe.approve(approved_as, key, 'yes')) FROM paysafe.pending_change"
            )
        with acting("dana"):
            self.assertTrue(register_service("Till", "service:till", "tests", propose=False))
        payment = Payment.objects.create(amount=900)
        Payment.objects.filter(pk=payment.pk).update(status="captured", captured=900)
        with acting("user:7"):
            refund = Refund.objects.create(payment=payment, amount=900)
        with acting("service:till"), self.assertRaises(errors.NotAllowed), errors.atomic():
            sql("SELECT paysafe.approve('shop_refund', %s, 'seen')", str(refund.pk))


def answer(text: str):
    from django.http import HttpResponse

    return HttpResponse(text)
