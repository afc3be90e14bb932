"""Who acts, shown by a token that the database verifies instead of by a name that it believes.

A token (JWT) names whoever has logged in, for a minute, and is signed with a key that is in
a file: not in the database, nor among its secrets.  Whoever has the application's password
only names nobody.

PAYSAFE_TOKENS = {
    "issuer": "https://login.shop.example",
    "audience": "shop",
    "keys": ["/etc/paysafe/login/2026-b.pem", "/etc/paysafe/login/2026-a.pem"],
}

The first key signs; the others are there until their last token is over.  Where another
service knows who has logged in, it signs, and the application only passes on:

PAYSAFE_TOKENS = {"source": "django_paysafe.tokens.from_header"}
"""

from __future__ import annotations

import base64
import functools
import json
import os
import secrets
import stat
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

#: What gives a token each time the database has to be told who acts.
TokenSource = Callable[[], Optional[str]]

_LIFETIME = 60
_LONGEST = 900
_HEADER = "X-Paysafe-Token"
_KNOWN = frozenset(("issuer", "audience", "keys", "lifetime", "source", "header", "cookie"))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(value: Dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Signer:
    """Makes tokens; one for each transaction, since the database takes each once.

    Keys are private keys in PEM files that nobody but the application's user reads: Ed25519
    (EdDSA) or P-256 (ES256).  A key's name (`kid`) is its file's, without the ending.
    """

    def __init__(
        self, issuer: str, audience: str, keys: List[str], lifetime: int = _LIFETIME
    ) -> None:
        if not issuer or not audience or not keys:
            raise ImproperlyConfigured("PAYSAFE_TOKENS needs issuer, audience and keys")
        if not 1 <= lifetime <= _LONGEST:
            raise ImproperlyConfigured(f"PAYSAFE_TOKENS: lifetime is 1 to {_LONGEST} seconds")
        self.issuer, self.audience, self.lifetime = issuer, audience, lifetime
        self.keys = [(Path(path).stem, *_private_key(path)) for path in keys]
        names = [name for name, _, _ in self.keys]
        if len(set(names)) != len(names):
            raise ImproperlyConfigured("PAYSAFE_TOKENS: two keys have the same name")

    def token(self, subject: str) -> str:
        """A token that names this actor, signed with the newest key."""
        kid, algorithm, key = self.keys[0]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_urlsafe(24),
        }
        signed = f"{_b64(_json({'alg': algorithm, 'kid': kid}))}.{_b64(_json(claims))}"
        return f"{signed}.{_b64(_sign(key, signed.encode()))}"

    def public_keys(self) -> List[Tuple[str, str, str]]:
        """kid, algorithm and PEM of each: for `paysafe.set_token_key`."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return [
            (
                kid,
                algorithm,
                key.public_key()
                .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                .decode(),
            )
            for kid, algorithm, key in self.keys
        ]


def _private_key(path: str) -> Tuple[str, Any]:
    """The algorithm and the key that a file has, if nobody else can read it."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with open(path, "rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise ImproperlyConfigured(
                    f"PAYSAFE_TOKENS: others can read {path}; chmod 600 it, and take another key"
                )
            key = load_pem_private_key(file.read(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"PAYSAFE_TOKENS: no key in {path}: {error}") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA", key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256", key
    raise ImproperlyConfigured(f"PAYSAFE_TOKENS: the key in {path} is neither Ed25519 nor P-256")


def _sign(key: Any, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def new_key(path: str) -> None:
    """A new Ed25519 key, in a file that only its owner reads; never over another one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)


def configuration() -> Optional[Dict[str, Any]]:
    """PAYSAFE_TOKENS; None: people are named by `act_as`."""
    found: Optional[Dict[str, Any]] = getattr(settings, "PAYSAFE_TOKENS", None)
    if found and not set(found) <= _KNOWN:
        unknown = ", ".join(sorted(set(found) - _KNOWN))
        raise ImproperlyConfigured(f"PAYSAFE_TOKENS has no {unknown}")
    if found and ("keys" in found) == ("source" in found):
        raise ImproperlyConfigured("PAYSAFE_TOKENS has either keys or a source")
    return found or None


def signer() -> Optional[Signer]:
    """What signs in this process; None: nothing does."""
    found = configuration()
    if not found or "keys" not in found:
        return None
    return _signer(
        found.get("issuer", ""),
        found.get("audience", ""),
        tuple(found["keys"]),
        found.get("lifetime", _LIFETIME),
    )


@functools.lru_cache(maxsize=8)
def _signer(issuer: str, audience: str, keys: Tuple[str, ...], lifetime: int) -> Signer:
    return Signer(issuer, audience, list(keys), lifetime)


def source_for(request: HttpRequest) -> Optional[TokenSource]:
    """What brings the token that shows who acts in a request, where others sign it."""
    found = configuration()
    if found is None or "source" not in found:
        return None
    given: Callable[[HttpRequest], Optional[str]] = import_string(found["source"])
    return lambda: given(request)


def from_header(request: HttpRequest) -> Optional[str]:
    """The token that a proxy in front of the application has put into a header.

    The proxy must take away what clients send there.  Declare the issuer with
    `single_use => false` where one token is for several transactions.
    """
    name = (configuration() or {}).get("header", _HEADER)
    return request.headers.get(name) or None


def from_cookie(request: HttpRequest) -> Optional[str]:
    """The token that the login has put into a cookie of the browser.

    It stays out of the session, which may be in the database.
    """
    name = (configuration() or {}).get("cookie", "paysafe_token")
    return request.COOKIES.get(name) or None


def subject_of(token: str) -> Optional[str]:
    """Whom a token names, unverified: for what the application shows, never for what it lets
    be done.  None if it is no token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (IndexError, ValueError, KeyError, TypeError):
        return None
    return subject if isinstance(subject, str) else None
