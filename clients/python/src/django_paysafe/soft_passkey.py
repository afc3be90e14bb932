"""A passkey in software, for tests of pages that approve: never for people."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any, Dict


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SoftPasskey:
    """Answers as `navigator.credentials` does; P-256, without a counter."""

    def __init__(self, origin: str) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.origin = origin
        self.id = os.urandom(32)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user_handle = b""

    def create(self, options: Dict[str, Any]) -> Dict[str, Any]:
        """To the options of a registration."""
        from cbor2 import dumps

        numbers = self.key.public_key().public_numbers()
        cose = dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        user = options["user"]["id"]
        self.user_handle = base64.urlsafe_b64decode(user + "=" * (-len(user) % 4))
        data = self._data(options["rp"]["id"], 0x45)
        data += bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        return self._credential(
            clientDataJSON=self._client("webauthn.create", options),
            attestationObject=dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def get(self, options: Dict[str, Any]) -> Dict[str, Any]:
        """To the `publicKey` of a challenge."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        client, data = self._client("webauthn.get", options), self._data(options["rpId"], 0x05)
        signed = data + hashlib.sha256(client).digest()
        return self._credential(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(SHA256())),
            userHandle=self.user_handle,
        )

    def _client(self, kind: str, options: Dict[str, Any]) -> bytes:
        return json.dumps(
            {
                "type": kind,
                "challenge": options["challenge"],
                "origin": self.origin,
                "crossOrigin": False,
            },
            separators=(",", ":"),
        ).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)

    def _credential(self, **response: bytes) -> Dict[str, Any]:
        return {
            "id": _b64(self.id),
            "rawId": _b64(self.id),
            "type": "public-key",
            "response": {name: _b64(value) for name, value in response.items()},
            "clientExtensionResults": {},
        }
