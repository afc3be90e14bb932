"""Enrolling passkeys, and approving with them, through the package."""

import json
import unittest
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, RequestFactory, override_settings
from shop.models import Payment, Refund

try:
    import webauthn  # noqa: F401
except ImportError:
    webauthn = None  # type: ignore[assignment]

from django_paysafe import acting, errors, passkeys
from django_paysafe.soft_passkey import SoftPasskey

from .audit import AuditedTestCase
from .keyed import sql

ORIGIN = "https://pay.example"
# what is enrolled stays for ever, as whose it is: fixed keys of users
ANN, BOB, CY = 917, 923, 931


def new(number: int) -> "tuple[SoftPasskey, passkeys.Enrolment]":
    """As a browser and the server make it."""
    request = RequestFactory().post("/")
    request.session = {}
    actor, soft = f"user:{number}", SoftPasskey(ORIGIN)
    made = soft.create(passkeys.registration(request, actor, "somebody"))
    return soft, passkeys.registered(request, actor, json.dumps(made))


@unittest.skipUnless(webauthn, "the package webauthn is not here")
class PasskeyTestCase(AuditedTestCase):
    soft: "dict[int, SoftPasskey]" = {}

    def setUp(self) -> None:
        super().setUp()
        for number in (ANN, BOB, CY):
            User.objects.create_user(f"person {number}", pk=number)
        if not self.soft:
            for number in (ANN, BOB):
                self.soft[number], enrolment = new(number)
                passkeys.enrol(f"user:{number}", enrolment, "tests", function="bootstrap_passkey")
        payment = Payment.objects.create(amount=2000)
        Payment.objects.filter(pk=payment.pk).update(status="captured", captured=2000)
        with acting(f"user:{ANN}"):
            self.refund = Refund.objects.create(payment=payment, amount=900)

    def client_of(self, number: int) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=number))
        return client

    def ask(self, number: int, relation: str = "shop_refund", key: object = None):
        asked = {"relation": relation, "key": self.refund.pk if key is None else key}
        return self.client_of(number).post("/passkeys/challenge/", asked)

    def execute(self, refund: Refund) -> None:
        with acting(f"user:{ANN}"), errors.atomic():
            Refund.objects.filter(pk=refund.pk).update(status="executing")


class ApprovalTests(PasskeyTestCase):
    def test_approved(self) -> None:
        asked = self.ask(BOB).json()
        self.assertIn("900.00 EUR of payment", asked["content"])
        text = json.dumps(self.soft[BOB].get(asked["publicKey"]))
        assertion = passkeys.read_assertion(text)
        number = passkeys.approve("shop_refund", str(self.refund.pk), assertion, "seen", "T-1")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT approver, identity, reason, ticket FROM paysafe.approval WHERE id = %s",
                [number],
            )
            self.assertEqual(cursor.fetchone(), (f"user:{BOB}", "passkey", "seen", "T-1"))
        # once
        with self.assertRaises(errors.NotAllowed):
            passkeys.approve("shop_refund", str(self.refund.pk), assertion, "seen")
        self.execute(self.refund)

    def test_of_another_refund(self) -> None:
        with acting(f"user:{ANN}"):
            other = Refund.objects.create(payment=self.refund.payment, amount=800)
        assertion = self.soft[BOB].get(self.ask(BOB).json()["publicKey"])
        with self.assertRaises(errors.NotAllowed):
            passkeys.approve("shop_refund", str(other.pk), assertion, "seen")
        with self.assertRaises(errors.ApprovalNeeded):
            self.execute(other)

    def test_before_there_is_a_row(self) -> None:
        asked = ("shop_refund", str(self.refund.payment_id), Decimal(700), "EUR")
        with acting(f"user:{BOB}"):
            challenge = passkeys.refund_challenge(*asked)
        assertion = self.soft[BOB].get(challenge["publicKey"])
        self.assertGreater(passkeys.approve_refund(*asked, assertion, "seen", "T-2"), 0)

    def test_who_gets_no_challenge(self) -> None:
        self.assertEqual(self.ask(ANN).status_code, 403)  # requested it
        self.assertEqual(self.ask(CY).status_code, 403)  # has no passkey
        self.assertEqual(self.ask(BOB, key=0).status_code, 404)
        self.assertEqual(self.ask(BOB, relation="no_such_table").status_code, 404)
        self.assertEqual(self.client_of(BOB).post("/passkeys/challenge/").status_code, 400)
        self.assertEqual(self.client_of(BOB).get("/passkeys/challenge/").status_code, 405)
        self.assertEqual(Client().post("/passkeys/challenge/").status_code, 302)
        self.assertEqual(
            Client(enforce_csrf_checks=True).post("/passkeys/challenge/").status_code, 403
        )

    def test_it_has_to_be_committed(self) -> None:
        with acting(f"user:{BOB}"), transaction.atomic(), self.assertRaises(RuntimeError):
            passkeys.challenge("shop_refund", str(self.refund.pk))

    def test_what_is_no_answer(self) -> None:
        good = self.soft[BOB].get(self.ask(BOB).json()["publicKey"])
        other = SoftPasskey("https://evil.example")
        other.id, other.key, other.user_handle = (
            getattr(self.soft[BOB], name) for name in ("id", "key", "user_handle")
        )
        elsewhere = other.get(self.ask(BOB).json()["publicKey"])
        for bad in ({}, [], {**good, "response": {}}, elsewhere, {"x": "y" * 20000}):
            with self.subTest(str(bad)[:40]), self.assertRaises(passkeys.NoPasskey):
                passkeys.read_assertion(json.dumps(bad))
        with self.assertRaises(passkeys.NoPasskey):
            passkeys.read_assertion("{")
        # and the database does not believe it either
        with self.assertRaises(errors.NotAllowed):
            passkeys.approve("shop_refund", str(self.refund.pk), elsewhere, "seen")


class EnrolmentTests(PasskeyTestCase):
    def test_by_another_persons_passkey(self) -> None:
        soft, enrolment = new(CY)
        kept = passkeys.Enrolment.of_json(json.loads(json.dumps(enrolment.as_json())))
        self.assertEqual(kept, enrolment)
        with acting(f"user:{CY}"):
            self.assertIsNone(passkeys.enrol(f"user:{CY}", kept, "new in support", "T-3"))
        key = sql(
            "SELECT key FROM paysafe.pending_change"
            " WHERE approved_as = 'paysafe.passkey_record'::regclass ORDER BY id DESC LIMIT 1"
        )
        asked = self.ask(BOB, "paysafe.passkey_record", key).json()
        assertion = self.soft[BOB].get(asked["publicKey"])
        passkeys.approve("paysafe.passkey_record", key, assertion, "saw the device")
        with acting(f"user:{CY}"):
            passkeys.enrol(f"user:{CY}", kept, "new in support", "T-3", propose=False)
        self.soft[CY] = soft
        self.assertEqual(self.ask(CY).status_code, 200)

    def test_what_is_not_taken(self) -> None:
        client = self.client_of(CY)
        options = client.post("/passkeys/registration/").json()["publicKey"]
        self.assertEqual(options["rp"]["id"], "pay.example")
        self.assertEqual(options["authenticatorSelection"]["userVerification"], "required")
        request = RequestFactory().post("/")
        request.session = {}
        actor = f"user:{CY}"

        def asked():
            return SoftPasskey(ORIGIN).create(passkeys.registration(request, actor, "somebody"))

        made = asked()
        for who, text in (
            (f"user:{BOB}", json.dumps(made)),  # somebody else
            (actor, json.dumps(made)),  # and then it is over
        ):
            with self.assertRaises(passkeys.NoPasskey):
                passkeys.registered(request, who, text)
        old = asked()
        asked()
        for bad in (json.dumps(old), "{}", "{", "x" * 20000):
            with self.subTest(bad[:20]), self.assertRaises(passkeys.NoPasskey):
                passkeys.registered(request, actor, bad)
            asked()
        with override_settings(
            PAYSAFE_PASSKEYS={
                "rp_id": "pay.example",
                "rp_name": "x",
                "origins": ["https://x.example"],
            }
        ):
            text = json.dumps(asked())
            with self.assertRaises(passkeys.NoPasskey):
                passkeys.registered(request, actor, text)

    def test_known_ones_are_not_made_again(self) -> None:
        options = self.client_of(BOB).post("/passkeys/registration/").json()["publicKey"]
        self.assertEqual(len(options["excludeCredentials"]), 1)
