"""Views that execute a request once, however often it arrives.

@idempotent("payments")
def pay(request):
    payment = Payment.objects.create(...)
    return JsonResponse({"id": payment.pk}, status=201)
"""

from __future__ import annotations

import functools
import json
from contextlib import suppress
from typing import Any, Callable, Iterable, Optional

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.core.handlers.exception import response_for_exception
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from .errors import constraint_of, sqlstate_of

View = Callable[..., HttpResponseBase]

_BEGIN = (
    "SELECT outcome, attempt, recovery_point, memo, status, headers::text, body"
    " FROM paysafe.idempotency_begin(%s, %s, %s::bytea, %s, %s, %s)"
)
_STEP = "SELECT paysafe.idempotency_step(%s, %s, %s, %s, %s::bytea, %s)"
_FINISH = "SELECT paysafe.idempotency_finish(%s, %s, %s, %s, %s::json, %s::bytea, %s)"
_FAIL = "SELECT paysafe.idempotency_fail(%s, %s, %s, %s, %s)"

# what a view raises instead of returning a response of this status
_ANSWERS = (Http404, PermissionDenied, BadRequest, SuspiciousOperation)

# what paysafe raises, by constraint, and what the client is told
_PROBLEMS = {
    "paysafe_idempotency_key": (400, "The header is no idempotency key."),
    "paysafe_idempotency_mismatch": (422, "The idempotency key was used for another request."),
    "paysafe_idempotency_expired": (422, "The idempotency key is too old."),
    "paysafe_idempotency_in_progress": (409, "A request with this key is in progress."),
    "paysafe_idempotency_fenced": (409, "A request with this key is in progress."),
}


def _problem_of(error: BaseException) -> Optional[HttpResponse]:
    name = constraint_of(error)
    if sqlstate_of(error) == "55P03":  # also of lock_timeout, which names no constraint
        name = "paysafe_idempotency_in_progress"
    return problem(*_PROBLEMS[name]) if name in _PROBLEMS else None


class _Answer(Exception):
    """Leaves a transaction, which is rolled back, with an answer."""

    def __init__(self, response: HttpResponseBase) -> None:
        self.response = response


def problem(status: int, title: str) -> HttpResponse:
    """An answer of type application/problem+json (RFC 9457)."""
    response = HttpResponse(
        json.dumps({"status": status, "title": title}),
        status=status,
        content_type="application/problem+json",
    )
    if status == 409:
        response["Retry-After"] = "1"
    return response


class Attempt:
    """An attempt at a request: `request.paysafe_idempotency` of the view."""

    def __init__(
        self, using: str, endpoint: str, key: str, scope: str, keep: Iterable[str]
    ) -> None:
        self._using = using
        self._endpoint = endpoint
        self._key = key
        self._scope = scope
        self._keep = tuple(keep)
        self.attempt = 0
        self.recovery_point: Optional[str] = None
        """How far an earlier attempt got, of those that `step` named."""
        self.memo: Optional[bytes] = None
        """What it noted then."""
        self.finished = False
        self.final = False

    @property
    def key(self) -> str:
        """For whoever is asked outside of the database: the same for each attempt."""
        return f"{self._endpoint}:{self._scope}:{self._key}"

    def _ask(self, sql: str, *args: Any) -> Any:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchone()

    def begin(self, request: bytes, mode: str, nowait: bool) -> Optional[HttpResponse]:
        """The answer that is there, or None: the request is to be executed."""
        try:
            outcome, self.attempt, self.recovery_point, memo, status, headers, body = self._ask(
                _BEGIN, self._endpoint, self._key, request, self._scope, mode, nowait
            )
        except DatabaseError as error:
            answer = _problem_of(error)
            if answer is None:
                raise
            raise _Answer(answer) from error
        self.memo = None if memo is None else bytes(memo)
        if outcome == "run":
            return None
        response = HttpResponse(bytes(body), status=status)
        del response["Content-Type"]
        for name, value in json.loads(headers or "{}").items():
            response[name] = value
        response["Idempotent-Replayed"] = "true"
        return response

    def step(self, name: str, memo: Optional[bytes] = None) -> None:
        """Note how far the attempt has got, for the next one; extends the lease."""
        self._ask(_STEP, self._endpoint, self._key, self.attempt, name, memo, self._scope)

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        """Store the answer.  In claimed mode a view calls it in the transaction of its
        own rows; otherwise it is called for it."""
        if response.streaming:
            raise TypeError("a streaming response cannot be repeated")
        if hasattr(response, "render") and not getattr(response, "is_rendered", True):
            response.render()
        assert isinstance(response, HttpResponse)
        headers = {name: response[name] for name in self._keep if response.has_header(name)}
        (self.final,) = self._ask(
            _FINISH,
            self._endpoint,
            self._key,
            self.attempt,
            response.status_code,
            json.dumps(headers),
            response.content,
            self._scope,
        )
        self.finished = True
        return response

    def fail(self, reason: str) -> None:
        """The next one may try."""
        self._ask(_FAIL, self._endpoint, self._key, self.attempt, reason, self._scope)


def _scope_of(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return f"user:{user.pk}" if user is not None and user.is_authenticated else "anonymous"


def _fingerprint(request: HttpRequest) -> bytes:
    line = f"{request.method} {request.get_full_path()}\n{request.content_type}\n"
    return line.encode("utf-8", "surrogateescape") + request.body


def idempotent(
    endpoint: str,
    *,
    mode: str = "atomic",
    scope: Callable[[HttpRequest], str] = _scope_of,
    required: bool = True,
    nowait: bool = False,
    header: str = "Idempotency-Key",
    keep: Iterable[str] = ("Content-Type", "Location"),
    using: str = DEFAULT_DB_ALIAS,
) -> Callable[[View], View]:
    """Execute a request once for each key, and repeat its answer after that.

    `endpoint` has been set up by `paysafe.set_idempotency`.  `scope` keeps clients
    apart; by default each user.  `keep`: headers that are repeated.

    atomic: the view runs in the transaction that has the key and the answer.  What it
    wrote is undone if it answers 400 or more; the answer is stored all the same if its
    status is one of the endpoint's final ones.  claimed: the claim is committed before
    the view runs, outside of a transaction; `request.paysafe_idempotency` has `step`,
    `recovery_point` and `finish`.
    """
    if mode not in ("atomic", "claimed"):
        raise ImproperlyConfigured("mode must be 'atomic' or 'claimed'")

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):
            raise ImproperlyConfigured("transactions are for views that are no coroutines")

        @functools.wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            key = request.headers.get(header)
            if key is None:
                if required:
                    return problem(400, f"The header {header} is missing.")
                return view(request, *args, **kwargs)
            # what no key contains, and the driver would not take
            if "\0" in key:
                return problem(*_PROBLEMS["paysafe_idempotency_key"])
            attempt = Attempt(using, endpoint, key, scope(request), keep)
            request.paysafe_idempotency = attempt  # type: ignore[attr-defined]

            def run() -> HttpResponseBase:
                try:
                    return view(request, *args, **kwargs)
                except _ANSWERS as error:
                    return response_for_exception(request, error)

            try:
                if mode == "atomic":
                    return _atomic(attempt, request, nowait, run)
                return _claimed(attempt, request, nowait, run)
            except _Answer as answer:
                return answer.response

        return transaction.non_atomic_requests(using)(wrapped) if mode == "claimed" else wrapped

    return decorate


def _atomic(
    attempt: Attempt, request: HttpRequest, nowait: bool, run: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    using = attempt._using
    with transaction.atomic(using=using):
        known = attempt.begin(_fingerprint(request), "atomic", nowait)
        if known is not None:
            return known
        try:
            with transaction.atomic(using=using):
                response = run()
                if response.status_code >= 400:
                    raise _Answer(response)
        except _Answer as answer:
            response = answer.response
        attempt.finish(response)
        if not attempt.final:
            # no trace of it: the next request is the first one
            raise _Answer(response)
        return response


def _claimed(
    attempt: Attempt, request: HttpRequest, nowait: bool, run: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    using = attempt._using
    if connections[using].in_atomic_block:
        raise transaction.TransactionManagementError(
            "a claim must be committed before the view runs: no atomic() around it"
        )
    with transaction.atomic(using=using):
        known = attempt.begin(_fingerprint(request), "claimed", nowait)
    if known is not None:
        return known
    try:
        response = run()
        if not attempt.finished:
            with transaction.atomic(using=using):
                attempt.finish(response)
        return response
    except BaseException as error:
        if constraint_of(error) == "paysafe_idempotency_fenced":
            raise _Answer(problem(*_PROBLEMS["paysafe_idempotency_fenced"])) from error
        if not attempt.finished:
            # not its text, which may have anything in it
            with suppress(DatabaseError), transaction.atomic(using=using):
                attempt.fail(type(error).__name__)
        raise
