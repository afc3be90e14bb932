"""Webhooks in: a view that takes them, and a function that works on them.

urlpatterns = [
    path("hooks/stripe/", webhook_view("stripe")),
]
"""

from __future__ import annotations

import datetime
import json
import logging
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Optional

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.datastructures import CaseInsensitiveMapping
from django.views.decorators.csrf import csrf_exempt

from .claims import acting
from .errors import constraint_of
from .secret_argument import TABLE, secret_argument

logger = logging.getLogger("django_paysafe.webhooks")

_ACCEPT = (
    "SELECT verdict, reason, event_id, event_type, inbox_id, key_id"
    " FROM paysafe.webhook_accept(%s, %s::jsonb, %s::bytea, %s)"
)
_ADD_KEY = f"SELECT paysafe.add_webhook_key(%s, secret, %s) FROM {TABLE}"
_CLAIM = (
    "SELECT id, event_id, event_type, headers::text, body, attempt"
    ' FROM paysafe.inbox_claim(%s, "limit" => %s, lease => make_interval(secs => %s))'
)
_DONE = "SELECT paysafe.inbox_done(%s, %s)"
_RETRY = "SELECT paysafe.inbox_retry(%s, %s, %s)"


@dataclass(frozen=True)
class WebhookEvent:
    """An event that has been verified, and accepted for the first time."""

    endpoint: str
    event_id: Optional[str]
    event_type: Optional[str]
    headers: Mapping[str, Any]
    """Of a request; of an event from the inbox, those that were kept."""
    body: bytes
    inbox_id: Optional[int]
    """Its row in `paysafe.inbox`, if the endpoint has one."""
    attempt: int = 1

    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[WebhookEvent], None]


def _headers_of(request: HttpRequest) -> str:
    # jsonb has no zero; a header with one is none of a provider's
    return json.dumps(
        {name: value.replace("\0", "\ufffd") for name, value in request.headers.items()}
    )


def webhook_view(
    endpoint: str,
    handler: Optional[Handler] = None,
    *,
    max_bytes: int = 1048576,
    origin: Optional[Callable[[HttpRequest], Optional[str]]] = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Callable[[HttpRequest], HttpResponse]:
    """A view for webhooks of an endpoint that `paysafe.set_webhook_endpoint` has set up.

    Answers 200 to what is genuine, wanted or not, new or not; 400 to all else, and does
    not say why.  `handler` gets each event once, in the transaction that accepts it: if
    it raises, nothing was accepted, the sender gets 500 and tries again.  Without one,
    `work_inbox` works on what has been accepted.

    `origin` says where a request came from: behind a proxy, that is not REMOTE_ADDR.
    `max_bytes` is the most that is read; the endpoint has a limit of its own.
    """

    def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        # before Django's own limit, which knows nothing of this endpoint
        body = request.read(max_bytes + 1)
        if len(body) > max_bytes:
            return HttpResponse(status=413)
        where = origin(request) if origin is not None else request.META.get("REMOTE_ADDR")
        with acting(f"webhook:{endpoint}"), transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                cursor.execute(_ACCEPT, [endpoint, _headers_of(request), body, where])
                verdict, reason, event_id, event_type, inbox_id, _ = cursor.fetchone()
            if verdict == "accepted" and handler is not None:
                handler(
                    WebhookEvent(endpoint, event_id, event_type, request.headers, body, inbox_id)
                )
        if verdict == "invalid":
            logger.warning("webhook of %s is dead, event %s: %s", endpoint, inbox_id, reason)
        if verdict == "refused":
            logger.warning("webhook of %s refused: %s", endpoint, reason)
            return HttpResponse(status=400)
        return HttpResponse(status=200)

    view.__name__ = f"webhook_{endpoint}"
    return csrf_exempt(view)


def add_webhook_key(
    endpoint: str,
    secret: str,
    *,
    overlap: Optional[datetime.timedelta] = datetime.timedelta(days=7),
    using: str = DEFAULT_DB_ALIAS,
) -> int:
    """Add a key that an endpoint's webhooks are verified with; its number.

    Those before it end after `overlap`; None: they stay.
    """
    arguments: Any = [endpoint, overlap]
    with secret_argument(secret, using) as cursor:
        cursor.execute(_ADD_KEY, arguments)
        (number,) = cursor.fetchone()
    return int(number)


def _claimed(endpoint: str, limit: int, lease: float, using: str) -> Iterator[WebhookEvent]:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(_CLAIM, [endpoint, limit, lease])
        rows = cursor.fetchall()
    for id, event_id, event_type, text, body, attempt in rows:
        headers = CaseInsensitiveMapping(json.loads(text or "{}"))
        yield WebhookEvent(endpoint, event_id, event_type, headers, bytes(body), id, attempt)


def work_inbox(
    endpoint: str,
    handler: Handler,
    *,
    limit: int = 10,
    lease: float = 300,
    using: str = DEFAULT_DB_ALIAS,
) -> int:
    """Work on events of the inbox that are due, up to `limit`; how many were claimed.

    Each is handled in a transaction of its own, which also marks it as done: what the
    handler does in the database is done once.  If it raises, the event is due again
    later, or dead after its last attempt.  `lease`, in seconds, is for all of them
    together.  Called outside of `atomic()`.
    """
    if connections[using].in_atomic_block:
        raise transaction.TransactionManagementError("work_inbox() is for use outside atomic()")
    count = 0
    with acting(f"webhook:{endpoint}"):
        for event in _claimed(endpoint, limit, lease, using):
            count += 1
            try:
                _work(event, handler, using)
            except DatabaseError as error:
                # somebody else has it, or will when the lease is over
                if constraint_of(error) != "paysafe_inbox_fenced":
                    raise
                logger.warning("event %s of %s was taken over", event.inbox_id, endpoint)
    return count


def _work(event: WebhookEvent, handler: Handler, using: str) -> None:
    mark = [event.inbox_id, event.attempt]
    try:
        with transaction.atomic(using=using):
            handler(event)
            with connections[using].cursor() as cursor:
                cursor.execute(_DONE, mark)
    except Exception as error:
        if constraint_of(error) == "paysafe_inbox_fenced":
            raise
        logger.exception("event %s of %s failed", event.inbox_id, event.endpoint)
        # not the error's text, which may have anything in it
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(_RETRY, [*mark, type(error).__name__])
