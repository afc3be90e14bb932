"""P-256 for passkeys and tokens in software: a seed says who signs, and what comes of it."""

from __future__ import annotations

import base64
import hashlib

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def added(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, P) % P
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def times(k: int, a: Point) -> Point:
    out: Point = None
    while k:
        if k & 1:
            out = added(out, a)
        a = added(a, a)
        k >>= 1
    return out


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n: int) -> bytes:
    """An integer in DER."""
    data = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return b"\2" + bytes([len(data)]) + data


class Signer:
    """A key, and its signatures by SHA-256."""

    def __init__(self, seed: str) -> None:
        self.secret = int.from_bytes(hashlib.sha512(seed.encode()).digest(), "big") % (N - 1) + 1
        self.seed = seed.encode()

    @property
    def point(self) -> tuple[bytes, bytes]:
        point = times(self.secret, G)
        assert point is not None
        return point[0].to_bytes(32, "big"), point[1].to_bytes(32, "big")

    def signed(self, data: bytes) -> tuple[int, int]:
        z = int.from_bytes(hashlib.sha256(data).digest(), "big")
        k = int.from_bytes(hashlib.sha512(self.seed + data).digest(), "big") % (N - 1) + 1
        point = times(k, G)
        assert point is not None
        r = point[0] % N
        return r, pow(k, -1, N) * (z + r * self.secret) % N

    def der(self, data: bytes) -> bytes:
        """As authenticators write it."""
        r, s = self.signed(data)
        body = number(r) + number(s)
        return b"\x30" + bytes([len(body)]) + body

    def raw(self, data: bytes) -> bytes:
        """As tokens have it."""
        r, s = self.signed(data)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
