"""Signed requests through Django REST framework, on a server that has a key file: what
`django_paysafe.signing` signs is accepted, once, and nothing else."""

import base64
import hashlib
import json
import unittest
from typing import Any, Callable, Dict, Tuple
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db import transaction
from django.test import RequestFactory
from shop.models import Payment

try:
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    APIView = None  # type: ignore[assignment,misc]

from django_paysafe import acting
from django_paysafe.middleware import ActorMiddleware
from django_paysafe.request_keys import add_request_key
from django_paysafe.signing import HmacSigner, MessageSigner

from .keyed import KeyedTestCase, sql

SECRET = hashlib.sha256(b"a").digest()
URL = "https://api.example/pay?x=1"
REFUSED = (401, {"detail": "the request is not accepted"})


def by_two(change: Callable[..., Any], *args: Any) -> Any:
    """Something that takes a second person, and commits."""
    with acting("ann"), transaction.atomic():
        sql("SELECT paysafe.propose('a test')")
        change(*args)
        sql("SELECT paysafe.propose(NULL)")
    with acting("bob"), transaction.atomic():
        sql("SELECT count(paysafe.approve(approved_as, key, 'yes')) FROM paysafe.pending_change")
    with acting("ann"), transaction.atomic():
        return change(*args)


def pem(key: Any) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@unittest.skipUnless(APIView, "Django REST framework is not here")
class SignedRequestTests(KeyedTestCase):
    def client_of(self, name: str, **terms: str) -> None:
        with acting("ann"), transaction.atomic():
            sql(
                "SELECT paysafe.set_request_client(%s, 'a test', profile => %s)",
                name,
                terms.get("profile", "rfc9421"),
            )

    def secret_of(self, name: str, key_id: str) -> None:
        secret = base64.b64encode(SECRET).decode()
        found = by_two(add_request_key, name, key_id, "hmac-sha256", secret, "a test")
        self.assertIsNotNone(found)

    def answer(
        self, method: str, url: str, body: bytes, headers: Dict[str, str], **meta: str
    ) -> Tuple[int, Any]:
        from django_paysafe.signed_requests import SignedRequestAuthentication

        class View(APIView):
            authentication_classes = (SignedRequestAuthentication,)
            permission_classes = (IsAuthenticated,)

            def get(self, request):
                return Response([str(request.user), request.auth.key_id, request.auth.label])

            def post(self, request):
                Payment.objects.create(amount=10, note="signed")
                return Response([str(request.user), request.auth.key_id, request.data])

        parts = urlsplit(url)
        meta.setdefault("RAW_URI", parts.path + ("?" + parts.query if parts.query else ""))
        for name, value in headers.items():
            meta["HTTP_" + name.upper().replace("-", "_")] = value
        request = RequestFactory().generic(
            method, url, body, "application/json", HTTP_HOST=parts.netloc, **meta
        )
        response = ActorMiddleware(lambda r: View.as_view()(r).render())(request)
        return response.status_code, json.loads(response.content)

    def test_hmac(self) -> None:
        self.client_of("till", profile="hmac")
        self.secret_of("till", "till-1")
        signer = HmacSigner("till-1", SECRET)
        body = b'{"n": 1}'
        headers = signer.sign("POST", URL, body)
        self.assertEqual(
            self.answer("POST", URL, body, headers), (200, ["till", "till-1", {"n": 1}])
        )
        self.assertEqual(
            sql(
                "SELECT actor FROM paysafe.audit_log WHERE table_name = 'shop_payment'"
                " ORDER BY xid DESC, seq DESC LIMIT 1"
            ),
            "api_client:till",
        )
        self.assertEqual(self.answer("POST", URL, body, headers), REFUSED, "twice")
        for what, other in {
            "body": ("POST", URL, b'{"n": 2}'),
            "method": ("PUT", URL, body),
            "query": ("POST", URL + "0", body),
            "path": ("POST", URL.replace("pay", "pax"), body),
        }.items():
            with self.subTest(what=what):
                self.assertEqual(self.answer(*other, signer.sign("POST", URL, body)), REFUSED)
        strange = "https://api.example/caf%C3%A9%2f/x?a=%20&b=%c3%a9"
        self.assertEqual(self.answer("GET", strange, b"", signer.sign("GET", strange))[0], 200)

    def test_messages(self) -> None:
        self.client_of("shop")
        keys = {
            "ed25519": ed25519.Ed25519PrivateKey.generate(),
            "ecdsa-p256-sha256": ec.generate_private_key(ec.SECP256R1()),
            "rsa-pss-sha512": rsa.generate_private_key(65537, 2048),
        }
        for algorithm, key in keys.items():
            by_two(
                lambda algorithm=algorithm, key=key: add_request_key(
                    "shop", algorithm, algorithm, pem(key), "a test", overlap=None
                )
            )
        self.secret_of("shop", "hmac-sha256")
        for algorithm, key in {**keys, "hmac-sha256": SECRET}.items():
            with self.subTest(algorithm=algorithm):
                signer = MessageSigner(algorithm, key)
                headers = signer.sign("GET", URL)
                self.assertEqual(
                    self.answer("GET", URL, b"", headers), (200, ["shop", algorithm, "sig1"])
                )
                self.assertEqual(self.answer("GET", URL, b"", headers), REFUSED)
                headers = signer.sign("POST", URL, b"[1]", {"Content-Type": "application/json"})
                self.assertEqual(self.answer("POST", URL, b"[2]", headers), REFUSED)
                self.assertEqual(self.answer("POST", URL, b"[1]", headers)[0], 200)
        wide = MessageSigner(
            "ed25519", keys["ed25519"], ("@method", "@target-uri", "@authority", "content-type")
        )
        url = "https://API.example:443/pay"
        headers = wide.sign("POST", url, b"1", {"content-type": "application/json"})
        self.assertEqual(self.answer("POST", "https://api.example/pay", b"1", headers)[0], 200)
        narrow = MessageSigner("ed25519", keys["ed25519"], ("@method",))
        self.assertEqual(self.answer("GET", URL, b"", narrow.sign("GET", URL)), REFUSED)

    def test_whoever_signs_nothing(self) -> None:
        self.assertEqual(self.answer("GET", URL, b"", {})[0], 401)
        for headers in (
            {"Signature-Input": "x"},
            {"X-Request-Signature": "x"},
            {"Signature-Input": "sig1=()", "Signature": "é" * 10000},
            {"Signature-Input": 'sig1=();keyid="nobody";created=1', "Signature": "sig1=:AAAA:"},
        ):
            with self.subTest(headers=headers):
                self.assertEqual(self.answer("GET", URL, b"", headers), REFUSED)

    def test_what_cannot_be_signed(self) -> None:
        signer = MessageSigner("k", SECRET, ("@method", "x-a"))
        for headers in ({}, {"X-A": "a\nb"}, {"X-A": "é"}):
            with self.subTest(headers=headers), self.assertRaises(ValueError):
                signer.sign("GET", URL, b"", headers)
        with self.assertRaises(ValueError):
            HmacSigner("k", SECRET).sign("GET", "https://api.example/a b")
        with self.assertRaises(ValueError):
            HmacSigner("k y", SECRET).sign("GET", URL)
        with self.assertRaises(TypeError):
            MessageSigner("k", "text").sign("GET", URL)
