"""Keys of clients that sign their requests (`doc/signed-requests.md`)."""

from __future__ import annotations

import datetime
from typing import Optional

from django.db import DEFAULT_DB_ALIAS

from .secret_argument import TABLE, secret_argument

_ADD_KEY = f"SELECT paysafe.add_request_key(%s, %s, %s, secret, %s, %s) FROM {TABLE}"


def add_request_key(
    client: str,
    key_id: str,
    algorithm: str,
    key: str,
    reason: str,
    *,
    overlap: Optional[datetime.timedelta] = datetime.timedelta(days=7),
    using: str = DEFAULT_DB_ALIAS,
) -> Optional[str]:
    """Add a key that a client signs with: a public key in PEM, or a secret in base64.

    It takes a second person: in a transaction that proposes (`paysafe.propose`) it is proposed,
    and None is returned.  Otherwise the key's fingerprint.  Those before it end after `overlap`;
    None: they stay.
    """
    with secret_argument(key, using) as cursor:
        cursor.execute(_ADD_KEY, [client, key_id, algorithm, reason, overlap])
        (fingerprint,) = cursor.fetchone()
    return None if fingerprint is None else str(fingerprint)
