"""Limits of requests that all workers share (`paysafe.throttle`), with the right 429.

@throttled("login", lambda request: {"user": request.POST.get("user", ""), "address": address(request)})
def login(request): ...

What is taken stays taken when the view's transaction rolls back.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable, Mapping, Optional, TypeVar, Union

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from .connections import unclaimed

_TAKE = "SELECT * FROM paysafe.throttle(%s, %s::jsonb, %s, %s)"
_RETURN = "SELECT paysafe.throttle_return(%s, %s::jsonb, %s, %s)"
_ATTRIBUTE = "paysafe_limit"
_SECOND = timedelta(seconds=1)

Key = Mapping[str, Union[str, int]]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Limit:
    """What `paysafe.throttle` has answered, of the limit that decides."""

    allowed: bool
    limit: int
    remaining: int
    retry_after: Optional[timedelta]
    """None: never, it is asked for more than ever is there."""
    reset_after: timedelta
    per: str

    def headers(self) -> dict[str, str]:
        """`RateLimit-*`, and `Retry-After` if it is refused: whole seconds, rounded up."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(seconds(self.reset_after)),
        }
        if not self.allowed and self.retry_after is not None:
            headers["Retry-After"] = str(seconds(self.retry_after))
        return headers


def seconds(time: timedelta) -> int:
    """Whole ones, rounded up: who waits so long has waited long enough."""
    return -(-time // _SECOND)


def _written(key: Key) -> str:
    """What the database takes: a part that is empty, too long or no text there, as its hash."""
    parts = {}
    for name, value in key.items():
        data = str(value).encode("utf-8", "surrogatepass")
        plain = 0 < len(data) <= 1000 and b"\0" not in data and str(value).isprintable()
        parts[name] = str(value) if plain else "sha256:" + hashlib.sha256(data).hexdigest()
    return json.dumps(parts)


def take(
    policy: str, key: Key, cost: int = 1, tier: str = "default", using: str = DEFAULT_DB_ALIAS
) -> Limit:
    """Take `cost` of each limit of the policy, or of none; 0 looks only."""
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute(_TAKE, [policy, _written(key), cost, tier])
        return Limit(*cursor.fetchone())


def give_back(
    policy: str, key: Key, cost: int = 1, tier: str = "default", using: str = DEFAULT_DB_ALIAS
) -> None:
    """What was taken for something that was not done."""
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute(_RETURN, [policy, _written(key), cost, tier])


def note(request: HttpRequest, limit: Limit) -> None:
    """For the headers of the response: the limit that decides has least left."""
    other: Optional[Limit] = getattr(request, _ATTRIBUTE, None)
    if other is None or (limit.allowed, limit.remaining) <= (other.allowed, other.remaining):
        setattr(request, _ATTRIBUTE, limit)


def add_headers(request: HttpRequest, response: HttpResponse) -> None:
    """`RateLimit-*` of what the request was counted for, if it was."""
    limit: Optional[Limit] = getattr(request, _ATTRIBUTE, None)
    if limit is not None:
        for name, value in limit.headers().items():
            response.headers.setdefault(name, value)


class RateLimitMiddleware:
    """Adds the headers to responses of views that `ThrottlePolicy` counts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        add_headers(request, response)
        return response


def throttled(
    policy: str,
    key: Callable[[HttpRequest], Key],
    cost: int = 1,
    tier: Callable[[HttpRequest], str] = lambda request: "default",
    using: str = DEFAULT_DB_ALIAS,
) -> Callable[[View], View]:
    """Answers 429 once the policy's limits for `key(request)` are used up."""

    def ask(request: HttpRequest) -> Optional[HttpResponse]:
        limit = take(policy, key(request), cost, tier(request), using)
        note(request, limit)
        if limit.allowed:
            return None
        return JsonResponse({"detail": "Too many requests.", "code": "throttled"}, status=429)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            response = ask(request) or view(request, *args, **kwargs)
            add_headers(request, response)
            return response

        @functools.wraps(view)
        async def limited_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            response = await sync_to_async(ask)(request) or await view(request, *args, **kwargs)
            add_headers(request, response)
            return response

        return limited_async if inspect.iscoroutinefunction(view) else limited  # type: ignore[return-value]

    return decorate
