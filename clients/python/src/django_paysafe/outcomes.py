"""How requests come out, for alarms (`doc/alarms.md`): `paysafe.note_outcome`.

MIDDLEWARE = ["django_paysafe.outcomes.OutcomeMiddleware", ...]
PAYSAFE_OUTCOMES = {"bad": [402, 429], "views": ["shop:pay", "shop:refund"]}

What is noted stays noted when the view's transaction rolls back, and nothing that goes wrong
with it reaches the request.  The answer waits for it.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import Any, Awaitable, Callable, Collection, Iterator, Mapping, Optional, Union

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from .connections import unclaimed

__all__ = ["OutcomeMiddleware", "note_outcome"]

_NOTE = "SELECT paysafe.note_outcome(%s, %s, %s, %s)"
_LONGEST = 63
_IDLE = 0  # PQTransactionStatusType
_SETTINGS = {"bad", "views", "segment", "using"}

logger = logging.getLogger("django_paysafe")

GetResponse = Callable[[HttpRequest], Union[HttpResponseBase, Awaitable[HttpResponseBase]]]


def note_outcome(
    series: str, segment: str, ok: bool, count: int = 1, using: str = DEFAULT_DB_ALIAS
) -> None:
    """Count how something came out: alarms compare it with how it came out before."""
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute(_NOTE, [series, segment, ok, count])


def series_of(view_name: str) -> str:
    """The name of a view as a word that is none of paysafe's own: `view_shop_pay`."""
    return "view_" + re.sub(r"[^a-z0-9]+", "_", view_name.lower())[: _LONGEST - 5]


def method_of(request: HttpRequest) -> Optional[str]:
    return request.method


class OutcomeMiddleware:
    """Notes how each request that reached a view came out.

    Put it first, so that it sees what the others answer.  The series is the view's name in the
    URLs, the segment the method.  Bad are 5xx and, of 4xx, what the setting names.  Without
    `PAYSAFE_OUTCOMES` it is not there.  All of its members may be missing:

    - `bad`: a list of statuses, beside 5xx
    - `views`: a list of views' names; others are not noted
    - `segment`: the dotted name of a function of the request and the response; None: not noted
    - `using`: the alias of the database
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        given: Optional[Mapping[str, Any]] = getattr(settings, "PAYSAFE_OUTCOMES", None)
        if given is None:
            raise MiddlewareNotUsed("PAYSAFE_OUTCOMES is not set")
        if not set(given) <= _SETTINGS:
            raise ImproperlyConfigured(f"PAYSAFE_OUTCOMES has {sorted(_SETTINGS)}, and no others")
        self.get_response = get_response
        self.bad: Collection[int] = frozenset(given.get("bad", ()))
        self.views: Optional[Collection[str]] = given.get("views")
        self.using: str = given.get("using", DEFAULT_DB_ALIAS)
        name: Optional[str] = given.get("segment")
        self.segment: Callable[[HttpRequest, HttpResponseBase], Optional[str]] = (
            import_string(name) if name else lambda request, response: method_of(request)
        )
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> Union[HttpResponseBase, Awaitable[HttpResponseBase]]:
        if self.is_async:
            return self._acall(request)
        response = self.get_response(request)
        assert isinstance(response, HttpResponseBase)
        if self._is_noted(request):
            self._note(request, response)
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)  # type: ignore[misc]
        if self._is_noted(request):
            await sync_to_async(self._note)(request, response)
        return response

    def is_ok(self, response: HttpResponseBase) -> bool:
        return response.status_code < 500 and response.status_code not in self.bad

    def _is_noted(self, request: HttpRequest) -> bool:
        """What there is no view for is as many names as somebody thinks of."""
        match = request.resolver_match
        return bool(
            match and match.view_name and (self.views is None or match.view_name in self.views)
        )

    def _note(self, request: HttpRequest, response: HttpResponseBase) -> None:
        try:
            segment = self.segment(request, response)
            if not segment:
                return
            assert request.resolver_match is not None
            series = series_of(request.resolver_match.view_name)
            # within somebody's transaction, as in tests, what fails here must not end it
            inside = connections[self.using].in_atomic_block
            with transaction.atomic(self.using) if inside else _ending(connections[self.using]):
                note_outcome(series, _short(segment), self.is_ok(response), using=self.using)
        except Error as error:
            logger.warning("an outcome was not noted: %s", error)
        except Exception:  # a segment of the project's own
            logger.exception("an outcome was not noted")


@contextmanager
def _ending(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """With `AUTOCOMMIT: False`, end the transaction that begins in this block; no other one."""
    opens = not connection.get_autocommit() and (
        int(connection.connection.info.transaction_status) == _IDLE
    )
    try:
        yield
    finally:
        if opens:
            connection.rollback()


def _short(text: str) -> str:
    """As many bytes as a segment has."""
    return text.encode()[:_LONGEST].decode(errors="ignore")
