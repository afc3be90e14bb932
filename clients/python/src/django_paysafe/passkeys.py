"""Approvals that a person's passkey signs, and how a passkey is enrolled.

The database makes the challenge and verifies what the passkey has signed; this carries both,
and can neither make a signature nor use one for anything else than what was shown.

PAYSAFE_PASSKEYS = {
    "rp_id": "pay.example",
    "rp_name": "Payments of Example Ltd",
    "origins": ["https://pay.example"],
}

Registrations are verified with `webauthn` (PyPI).  The page's part is
`static/django_paysafe/passkeys.js`.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Dict, List, Mapping, Optional

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from .errors import atomic

_REGISTRATION = "paysafe_passkey_registration"
_SECONDS = 300
_LONGEST = 16384


class NoPasskey(ValueError):
    """What the browser has sent is no passkey's answer, or not to what was asked."""


@dataclass(frozen=True)
class Site:
    """PAYSAFE_PASSKEYS."""

    rp_id: str
    rp_name: str
    origins: List[str]


def site() -> Site:
    try:
        found: Dict[str, Any] = settings.PAYSAFE_PASSKEYS
        return Site(**found)
    except (AttributeError, TypeError) as error:
        raise ImproperlyConfigured("PAYSAFE_PASSKEYS has rp_id, rp_name and origins") from error


# Approvals


def _row(using: str, statement: str, arguments: List[Any]) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchone()[0]


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _asked(using: str, statement: str, arguments: List[Any]) -> Dict[str, Any]:
    """What is to be signed: it is committed before it is."""
    with atomic(using=using, durable=True):
        asked: Dict[str, Any] = _decoded(_row(using, statement, arguments))
    return asked


def challenge(relation: str, key: str, using: str = DEFAULT_DB_ALIAS) -> Dict[str, Any]:
    """What the browser asks the passkey of whoever acts to sign: `publicKey`, and `content`,
    whose SHA-256 is the challenge.

    Not inside `atomic()`: it has to be committed before it is signed.
    """
    return _asked(
        using,
        "SELECT paysafe.approval_challenge(%s::regclass, %s, %s)",
        [relation, key, site().rp_id],
    )


def refund_challenge(
    relation: str,
    payment: str,
    amount: Decimal,
    currency: str,
    using: str = DEFAULT_DB_ALIAS,
    rule: Optional[str] = None,
) -> Dict[str, Any]:
    """The same for a refund that has no row yet."""
    return _asked(
        using,
        "SELECT paysafe.refund_challenge(%s::regclass, %s, %s, %s, %s, %s)",
        [relation, payment, amount, currency, site().rp_id, rule],
    )


def review_challenge(approval: int, verdict: str, using: str = DEFAULT_DB_ALIAS) -> Dict[str, Any]:
    """What is signed by whoever has looked at a broken glass: that it was `right`, or `wrong`."""
    return _asked(
        using,
        "SELECT paysafe.review_challenge(%s, %s, %s)",
        [approval, verdict, site().rp_id],
    )


def review(
    approval: int,
    verdict: str,
    assertion: Mapping[str, Any],
    reason: str,
    ticket: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Say what was found of a broken glass, as the passkey has signed it."""
    with atomic(using=using):
        _row(
            using,
            "SELECT paysafe.review_break_glass_with_passkey(%s, %s, %s::jsonb, %s, %s)",
            [approval, verdict, json.dumps(assertion), reason, ticket or None],
        )


def approve(
    relation: str,
    key: str,
    assertion: Mapping[str, Any],
    reason: str,
    ticket: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
) -> int:
    """Approve what the passkey has signed; the approval's number.  Refusals come as
    `django_paysafe.errors`: the database verifies it."""
    with atomic(using=using):
        number: int = _row(
            using,
            "SELECT paysafe.approve_with_passkey(%s::regclass, %s, %s::jsonb, %s, %s)",
            [relation, key, json.dumps(assertion), reason, ticket or None],
        )
    return number


def approve_refund(
    relation: str,
    payment: str,
    amount: Decimal,
    currency: str,
    assertion: Mapping[str, Any],
    reason: str,
    ticket: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
    rule: Optional[str] = None,
) -> int:
    """The same of a refund that has no row yet."""
    with atomic(using=using):
        number: int = _row(
            using,
            "SELECT paysafe.approve_refund_with_passkey"
            "(%s::regclass, %s, %s, %s, %s::jsonb, %s, %s, rule => %s)",
            [
                relation,
                payment,
                amount,
                currency,
                json.dumps(assertion),
                reason,
                ticket or None,
                rule,
            ],
        )
    return number


def read_assertion(text: str) -> Dict[str, Any]:
    """What the browser has sent, if it looks like a passkey's answer to this site.

    So that somebody who has the wrong page open hears of it; what it is worth, the database
    says.
    """
    from webauthn.helpers import (
        parse_authentication_credential_json,
        parse_authenticator_data,
        parse_client_data_json,
    )
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.structs import ClientDataType

    if len(text) > _LONGEST:
        raise NoPasskey("no passkey's answer is that long")
    try:
        parsed = parse_authentication_credential_json(text)
        client = parse_client_data_json(parsed.response.client_data_json)
        flags = parse_authenticator_data(parsed.response.authenticator_data).flags
        assertion = json.loads(text)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NoPasskey("this is no passkey's answer") from error
    if client.type != ClientDataType.WEBAUTHN_GET or client.origin not in site().origins:
        raise NoPasskey("the passkey has not answered to this site")
    if not (flags.up and flags.uv):
        raise NoPasskey("the passkey has not recognised anybody")
    return {name: assertion[name] for name in ("id", "rawId", "type", "response")}


# Enrolment


@dataclass(frozen=True)
class Enrolment:
    """A passkey as its authenticator has shown it, verified: what `add_passkey` takes."""

    credential_id: bytes
    cose_key: bytes
    sign_count: int
    backup_eligible: bool
    user_handle: bytes

    def as_json(self) -> Dict[str, Any]:
        """For a session: nothing of it is secret."""
        return {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in self.__dict__.items()
        }

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Enrolment:
        decode = base64.b64decode
        return cls(
            decode(told["credential_id"]),
            decode(told["cose_key"]),
            told["sign_count"],
            told["backup_eligible"],
            decode(told["user_handle"]),
        )


def user_handle(actor: str) -> bytes:
    """What the authenticator calls the person: the same for each of a person's passkeys, and
    nothing that tells who it is."""
    return salted_hmac("django_paysafe.passkeys", actor, algorithm="sha256").digest()


def registration(
    request: HttpRequest, actor: str, name: str, using: str = DEFAULT_DB_ALIAS
) -> Dict[str, Any]:
    """What the browser asks a new passkey for; good once, for five minutes, in this session."""
    from webauthn import generate_registration_options
    from webauthn.helpers import options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    here = site()
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT credential_id FROM paysafe.passkey WHERE actor = %s", [actor])
        known = [bytes(row[0]) for row in cursor.fetchall()]
    options: Dict[str, Any] = json.loads(
        options_to_json(
            generate_registration_options(
                rp_id=here.rp_id,
                rp_name=here.rp_name,
                user_id=user_handle(actor),
                user_name=name,
                exclude_credentials=[PublicKeyCredentialDescriptor(id=id) for id in known],
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.PREFERRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                supported_pub_key_algs=_algorithms(),
                timeout=_SECONDS * 1000,
            )
        )
    )
    request.session[_REGISTRATION] = {
        "challenge": options["challenge"],
        "actor": actor,
        "until": time.time() + _SECONDS,
    }
    return options


def registered(request: HttpRequest, actor: str, text: str) -> Enrolment:
    """The passkey that the browser has made, verified; NoPasskey if it was not asked for."""
    from webauthn import verify_registration_response
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.structs import CredentialDeviceType

    # once, whatever comes of it
    asked = request.session.pop(_REGISTRATION, None)
    if asked is None or asked["actor"] != actor or asked["until"] < time.time():
        raise NoPasskey("this was not asked for, or too long ago")
    if len(text) > _LONGEST:
        raise NoPasskey("no passkey's answer is that long")
    here = site()
    try:
        made = verify_registration_response(
            credential=text,
            expected_challenge=base64url_to_bytes(asked["challenge"]),
            expected_rp_id=here.rp_id,
            expected_origin=here.origins,
            require_user_verification=True,
            supported_pub_key_algs=_algorithms(),
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NoPasskey(f"this passkey is not good: {error}") from error
    return Enrolment(
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        user_handle(actor),
    )


def _algorithms() -> List[Any]:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm

    return [Algorithm.EDDSA, Algorithm.ECDSA_SHA_256, Algorithm.RSASSA_PKCS1_v1_5_SHA_256]


def enrol(
    actor: str,
    enrolment: Enrolment,
    reason: str,
    ticket: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
    *,
    propose: bool = True,
    function: str = "add_passkey",
) -> Optional[int]:
    """Propose a passkey; and once others' passkeys have approved that, by the same call with
    `propose=False`, enrol it: then its number.

    `function="bootstrap_passkey"`: the first two people's, by the owner of the extension.
    """
    if function not in ("add_passkey", "bootstrap_passkey"):
        raise ValueError(function)
    here = site()
    with atomic(using=using):
        if propose and function == "add_passkey":
            _row(using, "SELECT paysafe.propose(%s, %s)", [reason, ticket or None])
        number: Optional[int] = _row(
            using,
            f"SELECT paysafe.{function}(%s, %s, %s, %s, %s::text[], %s, %s, sign_count => %s,"
            " backup_eligible => %s, user_handle => %s)",
            [
                actor,
                enrolment.credential_id,
                enrolment.cose_key,
                here.rp_id,
                here.origins,
                reason,
                ticket or None,
                enrolment.sign_count,
                enrolment.backup_eligible,
                enrolment.user_handle,
            ],
        )
    return number
