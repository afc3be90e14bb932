"""For Django REST framework: clients that present keys of `paysafe.api_key_issue`.

class PaymentView(APIView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [IsAuthenticated]
    required_scope = {"GET": "payments:read", "POST": "payments:write"}
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from django.db import DEFAULT_DB_ALIAS, connections
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from .connections import unclaimed

_VERIFY = (
    "SELECT verdict, client, key_id, scopes FROM paysafe.api_key_verify_digest(%s::bytea, %s, %s)"
)


@dataclass(frozen=True)
class ApiClient:
    """As `request.user`: a client of the API, which is no user of Django's."""

    name: str

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False

    @property
    def pk(self) -> str:
        """For throttling."""
        return self.paysafe_actor

    @property
    def paysafe_actor(self) -> str:
        """What its changes are recorded under."""
        return f"api_client:{self.name}"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ApiKey:
    """As `request.auth`."""

    id: int
    scopes: Tuple[str, ...]


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`.  No such header: the next class is asked.

    A view may have `required_scope`: a scope, or scopes by method, where a method that
    is not named is refused.  Every key that is not good gets the same 401; a good one
    without the scope, 403.
    """

    keyword = "Bearer"
    using = DEFAULT_DB_ALIAS

    def authenticate(self, request: Request) -> Optional[Tuple[Any, Any]]:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword.lower().encode():
            return None
        # several words are no key either: let it count as a failed check
        key = b" ".join(words[1:])
        with unclaimed(self.using), connections[self.using].cursor() as cursor:
            # the key itself does not get into the database's logs
            cursor.execute(
                _VERIFY,
                [hashlib.sha256(key).digest(), self.scope(request), self.origin(request)],
            )
            verdict, client, key_id, scopes = cursor.fetchone()
        if verdict == "forbidden":
            raise PermissionDenied()
        if verdict != "valid":
            raise AuthenticationFailed("no valid API key")
        return ApiClient(client), ApiKey(key_id, tuple(scopes))

    def authenticate_header(self, request: Request) -> str:
        return self.keyword

    def scope(self, request: Request) -> Optional[str]:
        """What the view asks for; "" is a scope that no key has."""
        view = (request.parser_context or {}).get("view")
        scope = getattr(view, "required_scope", None)
        if isinstance(scope, dict):
            return str(scope.get(request.method, ""))
        return None if scope is None else str(scope)

    def origin(self, request: Request) -> Optional[str]:
        """Where the request came from, for `paysafe.api_key_failures()`: behind a proxy
        that is not REMOTE_ADDR, override it."""
        origin = request.META.get("REMOTE_ADDR")
        return None if origin is None else str(origin)
