"""Signals of abuse, decisions, and one order's story (`doc/signals.md`).

signal("card_testing", request.META["REMOTE_ADDR"], severity="critical", figures={"cards": 9})
decide("screening", "declined", request.body, version="model-7", business_id="order-42")

What is said stays on record when the transaction rolls back.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence, Union

from django.db import DEFAULT_DB_ALIAS, connections

_SIGNAL = "SELECT paysafe.signal(%s, %s::text[], %s, %s, %s::jsonb, %s, %s)"
_DECIDE = "SELECT paysafe.decide(%s, %s, %s::bytea, %s::jsonb, %s, %s, %s)"
_SIGNALS = (
    "SELECT cursor, at, kind, severity, segment, subject, figures::text, request_id, business_id,"
    ' actor, count FROM paysafe.signals(%s, "limit" => %s)'
)
_SUBJECT = "SELECT paysafe.signal_subject(VARIADIC %s::text[])"
_STORY = (
    "SELECT at, source, name, outcome, table_name, key, detail::text, actor, request_id, count"
    " FROM paysafe.story(%s)"
)


def _written(value: Optional[Mapping[str, Any]]) -> Optional[str]:
    return None if value is None else json.dumps(value)


def _read(text: Optional[str]) -> Optional[Mapping[str, Any]]:
    return None if text is None else json.loads(text)


def _bytes(value: Any) -> Optional[bytes]:
    return None if value is None else bytes(value)


def _read_in(row: Sequence[Any], columns: Mapping[int, Callable[[Any], Any]]) -> List[Any]:
    return [columns[i](value) if i in columns else value for i, value in enumerate(row)]


def signal(
    kind: str,
    *subject: str,
    severity: str = "warning",
    segment: Optional[str] = None,
    figures: Optional[Mapping[str, Any]] = None,
    business_id: Optional[str] = None,
    request_id: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Put a signal on record; of whom or what it is about, only a keyed hash is kept."""
    about = list(subject) or None
    with connections[using].cursor() as cursor:
        cursor.execute(
            _SIGNAL, [kind, about, severity, segment, _written(figures), business_id, request_id]
        )


def decide(
    name: str,
    outcome: str,
    made_of: Union[str, bytes],
    *,
    detail: Optional[Mapping[str, Any]] = None,
    version: Optional[str] = None,
    business_id: Optional[str] = None,
    request_id: Optional[str] = None,
    using: str = DEFAULT_DB_ALIAS,
) -> bytes:
    """Put a decision on record; returns the SHA-256 of what it was made of, which is not kept."""
    data = made_of.encode() if isinstance(made_of, str) else made_of
    with connections[using].cursor() as cursor:
        cursor.execute(
            _DECIDE, [name, outcome, data, _written(detail), version, business_id, request_id]
        )
        (sha256,) = cursor.fetchone()
    return bytes(sha256)


@dataclass(frozen=True)
class Signal:
    cursor: str
    """Pass the last one's to `signals` for those after it."""
    at: datetime.datetime
    kind: str
    severity: str
    segment: Optional[str]
    subject: Optional[bytes]
    """A keyed hash, as `subject_of` makes it."""
    figures: Optional[Mapping[str, Any]]
    request_id: Optional[str]
    business_id: Optional[str]
    actor: str
    count: int


def signals(
    after: Optional[str] = None, limit: int = 1000, using: str = DEFAULT_DB_ALIAS
) -> List[Signal]:
    """The next ones in an order that leaves none out; keep the last one's `cursor`."""
    with connections[using].cursor() as cursor:
        cursor.execute(_SIGNALS, [after, limit])
        return [Signal(*_read_in(row, {5: _bytes, 6: _read})) for row in cursor.fetchall()]


def subject_of(*subject: str, using: str = DEFAULT_DB_ALIAS) -> bytes:
    """What stands in signals for this subject."""
    with connections[using].cursor() as cursor:
        cursor.execute(_SUBJECT, [list(subject)])
        (hashed,) = cursor.fetchone()
    return bytes(hashed)


@dataclass(frozen=True)
class Step:
    """Something that happened to an order."""

    at: datetime.datetime
    source: str
    """change, decision, signal, inbox or outbox"""
    name: Optional[str]
    outcome: Optional[str]
    table_name: Optional[str]
    key: Optional[str]
    detail: Optional[Mapping[str, Any]]
    actor: Optional[str]
    request_id: Optional[str]
    count: int


def story(business_id: str, using: str = DEFAULT_DB_ALIAS) -> List[Step]:
    """Everything about one business id, in order."""
    with connections[using].cursor() as cursor:
        cursor.execute(_STORY, [business_id])
        return [Step(*_read_in(row, {6: _read})) for row in cursor.fetchall()]
