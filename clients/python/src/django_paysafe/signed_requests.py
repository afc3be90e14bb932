"""For Django REST framework: clients that sign their requests, see `paysafe.set_request_client`.

class PaymentView(APIView):
    authentication_classes = [SignedRequestAuthentication]
    permission_classes = [IsAuthenticated]
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from django.db import DEFAULT_DB_ALIAS, connections
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .api_keys import ApiClient
from .connections import unclaimed

_ACCEPT = (
    "SELECT accepted, client_name, key_id, signed_at, label"
    " FROM paysafe.request_accept(%s, %s, %s, %s, %s::jsonb, %s::bytea, %s)"
)


@dataclass(frozen=True)
class SignedRequest:
    """As `request.auth`."""

    key_id: str
    signed_at: datetime.datetime
    label: Optional[str]
    """Of the signature that fits; None: it was signed by HMAC."""


class SignedRequestAuthentication(BaseAuthentication):
    """Requests that are signed by RFC 9421 or by HMAC.  Others: the next class is asked.

    Every request that is not accepted gets the same 401; why stands in
    `paysafe.refusal_log`.  What is accepted is used up in the transaction of the view, if it
    has one (`ATOMIC_REQUESTS`): a view that fails leaves the request to be sent again.
    """

    using = DEFAULT_DB_ALIAS

    def authenticate(self, request: Request) -> Optional[Tuple[Any, Any]]:
        if not ("Signature-Input" in request.headers or "X-Request-Signature" in request.headers):
            return None
        path, query = self.target(request)
        # jsonb has no zero; a header with one is nobody's
        headers = {name: value.replace("\0", "\ufffd") for name, value in request.headers.items()}
        with unclaimed(self.using), connections[self.using].cursor() as cursor:
            cursor.execute(
                _ACCEPT,
                [
                    self.client(request),
                    (request.method or "").replace("\0", "\ufffd"),
                    path.replace("\0", "\ufffd"),
                    None if query is None else query.replace("\0", "\ufffd"),
                    json.dumps(headers),
                    request._request.body,
                    self.origin(request),
                ],
            )
            accepted, client, key_id, signed_at, label = cursor.fetchone()
        if not accepted:
            raise AuthenticationFailed("the request is not accepted")
        return ApiClient(client), SignedRequest(key_id, signed_at, label)

    def authenticate_header(self, request: Request) -> str:
        return "Signature"

    def client(self, request: Request) -> Optional[str]:
        """Whose request it is, where that follows from something else (a URL of their own);
        None: whose key it names."""
        return None

    def target(self, request: Request) -> Tuple[str, Optional[str]]:
        """Path and query as they came, escapes and all.  None: no query.

        Servers say it in `RAW_URI` or `REQUEST_URI`, or by ASGI; where none does, it is put
        together again, which is the same for paths that need no escapes.
        """
        raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI")
        scope = getattr(request._request, "scope", None)
        if raw is None and scope is not None and scope.get("raw_path") is not None:
            raw = scope["raw_path"].decode("latin-1")
            if scope.get("query_string"):
                raw += "?" + scope["query_string"].decode("latin-1")
        if raw is None or not str(raw).startswith("/"):
            raw = request.get_full_path()
        path, mark, query = str(raw).partition("?")
        return path, query if mark else None

    def origin(self, request: Request) -> Optional[str]:
        """Where the request came from, for `paysafe.request_failures()`: behind a proxy that
        is not REMOTE_ADDR, override it."""
        origin = request.META.get("REMOTE_ADDR")
        return None if origin is None else str(origin)
