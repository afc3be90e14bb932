"""See request_interop."""

import base64
import datetime
import importlib.util
import itertools
import json
import secrets
import sys
from urllib.parse import urlsplit

import psycopg
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

spec = importlib.util.spec_from_file_location("signing", sys.argv[1])
signing = importlib.util.module_from_spec(spec)
sys.modules["signing"] = signing
spec.loader.exec_module(signing)

KEYS = {
    "ed25519": (algorithms.ED25519, ed25519.Ed25519PrivateKey.generate()),
    "ecdsa-p256-sha256": (algorithms.ECDSA_P256_SHA256, ec.generate_private_key(ec.SECP256R1())),
    "rsa-pss-sha512": (algorithms.RSA_PSS_SHA512, rsa.generate_private_key(65537, 2048)),
    "hmac-sha256": (algorithms.HMAC_SHA256, secrets.token_bytes(32)),
}
URLS = [
    "https://api.example/pay?x=1",
    "https://api.example/",
    "https://api.example/caf%C3%A9/a%2Fb?q=%C3%A4+b&q2=%2F&empty=&flag",
    "https://api.example:8443/pay?a=b=c&a2=?",
]
checks = 0


class Resolver(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id):
        return KEYS[key_id][1]

    def resolve_public_key(self, key_id):
        key = KEYS[key_id][1]
        return key if isinstance(key, bytes) else key.public_key()


def check(good, what):
    global checks
    if not good:
        sys.exit(f"not so: {what}")
    checks += 1


def declare(connection):
    def value(query, *args):
        return connection.execute(query, args).fetchone()

    value("SELECT paysafe.set_request_client('partner', 'a test')")
    for name, (_, key) in KEYS.items():
        add = "SELECT paysafe.add_request_key('partner', %s, %s, %s, 'a test', NULL)"
        if isinstance(key, bytes):
            text = base64.b64encode(key).decode()
        else:
            text = (
                key.public_key()
                .public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
                .decode()
            )
        value("SELECT paysafe.act_as('ann'), paysafe.propose('a test')")
        value(add, name, name, text)
        value("SELECT paysafe.propose(NULL), paysafe.act_as('bob')")
        value("SELECT count(paysafe.approve(approved_as, key, 'yes')) FROM paysafe.pending_change")
        value("SELECT paysafe.act_as('ann')")
        value(add, name, name, text)


def accept(connection, method, url, headers, body):
    parts = urlsplit(url)
    lines = json.dumps({"Host": parts.netloc, **headers})
    query = parts.query if "?" in url else None
    return connection.execute(
        "SELECT accepted, key_id FROM paysafe.request_accept(NULL, %s, %s, %s, %s, %s::bytea)",
        (method, parts.path, query, lines, body),
    ).fetchone()


def theirs(connection, name, url, method, body, components):
    message = requests.Request(method, url, data=body or None, headers={"X-A": "1"}).prepare()
    check(message.url == url, f"requests leaves {url} as it is")
    HTTPMessageSigner(signature_algorithm=KEYS[name][0], key_resolver=Resolver()).sign(
        message,
        key_id=name,
        nonce=secrets.token_urlsafe(12),
        covered_component_ids=components,
        body=body or None,
        expires=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1),
    )
    headers = dict(message.headers)
    what = f"{name} {method} {url} {components}"
    if body:
        check(accept(connection, method, url, headers, body + b"x") == (False, None), what)
    check(accept(connection, method, url, headers, body) == (True, name), what)
    check(accept(connection, method, url, headers, body) == (False, None), f"twice: {what}")


def ours(name, url, method, body, components):
    algorithm, key = KEYS[name]
    signer = signing.MessageSigner(name, key, components)
    message = requests.Request(method, url, data=body or None, headers={"X-A": "1"}).prepare()
    message.headers.update(signer.sign(method, url, body, {"X-A": "1"}))
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Resolver())
    (result,) = verifier.verify(message, body=body or None)
    check(result.parameters["keyid"] == name, f"{name} {method} {url} {components}")


with psycopg.connect("", autocommit=False) as connection:
    declare(connection)
    connection.commit()
    targets = [
        ("@method", "@path", "@query"),
        ("@method", "@target-uri", "x-a"),
        ("@method", "@path", "@query", "@authority"),
    ]
    for name, url, components in itertools.product(KEYS, URLS, targets):
        for method, body in (("GET", b""), ("POST", b'{"n": 1}')):
            theirs(connection, name, url, method, body, components)
            ours(name, url, method, body, components)
    param = ("@method", "@path", "@query", '"@query-param";name="q"')
    theirs(connection, "ed25519", URLS[2], "GET", b"", param)
print(f"{checks} checks with another implementation")
