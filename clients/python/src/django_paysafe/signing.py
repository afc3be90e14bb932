"""Requests that a client signs, for `paysafe.request_accept`: by HMAC, or as RFC 9421 has it.

signer = MessageSigner("shop-2026", Ed25519PrivateKey.from_private_bytes(seed))
headers = signer.sign("POST", "https://api.example/pay?x=1", body)

This file needs nothing but Python; keys of `cryptography` sign if they are given.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

_NONCE_BYTES = 18
_PLAIN = re.compile(r"[!#-\[\]-~]{1,255}")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")


def _plain(value: str, what: str) -> str:
    """What stands between quotes as it is, and in one line."""
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{what} must be printable ASCII without blanks and quotation marks")
    return value


def _target(url: str) -> Tuple[str, str, str, str, Optional[str]]:
    """Scheme, authority, path, query as they are sent; None: there is no query."""
    parts = urlsplit(url)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the URL must be as it is sent: escaped, in ASCII")
    authority = parts.netloc.rpartition("@")[2].lower()
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    if default and authority.endswith(default):
        authority = authority[: -len(default)]
    has_query = "?" in url.partition("#")[0]
    return (
        parts.scheme,
        authority,
        parts.path or "/",
        parts.query,
        parts.query if has_query else None,
    )


@dataclass(frozen=True)
class HmacSigner:
    """Profile `hmac`: method, path, query, time, nonce, key and body under one secret."""

    key_id: str
    secret: bytes

    def sign(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Optional[Mapping[str, str]] = None,
        *,
        created: Optional[int] = None,
        nonce: Optional[str] = None,
    ) -> Dict[str, str]:
        """The headers that go with the request; those given are not signed.  Each call has a
        nonce of its own: sign a request that is sent again anew."""
        _, _, path, query, _ = _target(url)
        at = str(int(time.time()) if created is None else created)
        once = _plain(secrets.token_urlsafe(_NONCE_BYTES) if nonce is None else nonce, "the nonce")
        key_id = _plain(self.key_id, "the key's name")
        lines = ["request-hmac-v1", method, path, query, at, once, key_id]
        text = "\n".join([*lines, hashlib.sha256(body).hexdigest()])
        return {
            "X-Request-Key": key_id,
            "X-Request-Time": at,
            "X-Request-Nonce": once,
            "X-Request-Signature": hmac.new(self.secret, text.encode(), "sha256").hexdigest(),
        }


@dataclass(frozen=True)
class MessageSigner:
    """HTTP Message Signatures (RFC 9421), with a digest of the body (RFC 9530).

    `key` is a secret (hmac-sha256), or a private key of `cryptography`: Ed25519, ECDSA on
    P-256 (ecdsa-p256-sha256) or RSA (rsa-pss-sha512).  `components` are those that are
    covered besides the digest of a body; headers of yours can be among them.
    """

    key_id: str
    key: Any
    components: Sequence[str] = ("@method", "@path", "@query")
    label: str = "sig1"
    tag: Optional[str] = None

    def sign(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Optional[Mapping[str, str]] = None,
        *,
        created: Optional[int] = None,
        expires: Optional[int] = None,
        nonce: Optional[str] = None,
    ) -> Dict[str, str]:
        """The headers that go with the request, beside those given.  Each call has a nonce of
        its own: sign a request that is sent again anew."""
        fields = {name.lower(): value.strip(" \t") for name, value in (headers or {}).items()}
        result: Dict[str, str] = {}
        names = list(self.components)
        if body and "content-digest" not in names:
            names.append("content-digest")
        if "content-digest" in names and "content-digest" not in fields:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            result["Content-Digest"] = fields["content-digest"] = f"sha-256=:{digest}:"
        values = self._values(method, url, fields)
        lines = [f'"{name}": {self._value(values, name)}' for name in names]
        once = secrets.token_urlsafe(_NONCE_BYTES) if nonce is None else nonce
        parameters = self._parameters(created, expires, once)
        covered = " ".join(f'"{name}"' for name in names)
        announced = f"({covered}){parameters}"
        base = "\n".join([*lines, f'"@signature-params": {announced}'])
        signature = base64.b64encode(_signed(self.key, base.encode())).decode()
        if not _KEY.fullmatch(self.label):
            raise ValueError("the label must be of small letters, digits and _-.*, a letter first")
        result["Signature-Input"] = f"{self.label}={announced}"
        result["Signature"] = f"{self.label}=:{signature}:"
        return result

    def _parameters(self, created: Optional[int], expires: Optional[int], nonce: str) -> str:
        at = int(time.time()) if created is None else created
        parts: List[str] = [f"created={at}"]
        if expires is not None:
            parts.append(f"expires={expires}")
        key_id, once = _plain(self.key_id, "the key's name"), _plain(nonce, "the nonce")
        parts += [f'keyid="{key_id}"', f'nonce="{once}"']
        if self.tag is not None:
            parts.append(f'tag="{_plain(self.tag, "the tag")}"')
        return "".join(f";{part}" for part in parts)

    @staticmethod
    def _values(method: str, url: str, fields: Mapping[str, str]) -> Dict[str, str]:
        scheme, authority, path, query, asked = _target(url)
        target = path if asked is None else f"{path}?{asked}"
        return {
            **fields,
            "@method": method,
            "@scheme": scheme,
            "@authority": authority,
            "@path": path,
            "@query": f"?{query}",
            "@request-target": target,
            "@target-uri": f"{scheme}://{authority}{target}",
        }

    @staticmethod
    def _value(values: Mapping[str, str], name: str) -> str:
        value = values.get(name)
        if value is None:
            raise ValueError(f"there is no {name} to sign")
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            raise ValueError(f"{name} must be printable ASCII, in one line")
        return value


def _signed(key: Any, data: bytes) -> bytes:
    if isinstance(key, bytes):
        return hmac.new(key, data, "sha256").digest()
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        sha512 = hashes.SHA512()
        return key.sign(data, padding.PSS(padding.MGF1(sha512), sha512.digest_size), sha512)
    raise TypeError("a key is bytes, or a private key for Ed25519, ECDSA on P-256 or RSA")
