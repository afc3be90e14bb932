"""Facts that broke a rule and wait for somebody to settle them, and what rules that only
observe have seen."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, List, Optional, Type

from django.db import connections, models

from .approvals import relation_of
from .connections import unclaimed
from .people import name_of

_OPEN = """
SELECT id, key, sqlstate, message, detail, at, actor, actor_claimed, caused_reason, caused_ticket,
       settlers_missing
  FROM paysafe.breach
 WHERE relation = %s::regclass AND settled_at IS NULL AND (key = %s OR %s IS NULL)
 ORDER BY id DESC LIMIT %s
"""
_OBSERVED = """
SELECT rule, definition, observed, last_observed
  FROM paysafe.protection
 WHERE relation = %s::regclass AND mode = 'observe'
 ORDER BY rule
"""
MOST = 200  # on one page


@dataclass(frozen=True)
class Breach:
    """Something that has happened, although a rule would have refused it."""

    id: int
    key: str
    sqlstate: str
    message: str
    detail: Optional[str]
    at: datetime.datetime
    actor: Optional[str]
    actor_claimed: bool
    caused_reason: Optional[str]
    caused_ticket: Optional[str]
    settlers_missing: int
    row: Any = None
    """The object, where it is known."""

    @property
    def person(self) -> str:
        """Who caused it, by the name that people know."""
        return name_of(self.actor)

    @property
    def text(self) -> str:
        return " ".join(
            part if part.endswith(".") else f"{part}."
            for part in (self.message, self.detail)
            if part
        )


@dataclass(frozen=True)
class Observed:
    """A rule that only observes, and how often it would have refused something."""

    rule: str
    definition: str
    times: int
    last: Optional[datetime.datetime]


def may_read(using: str) -> bool:
    """May the role look at breaches at all?"""
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('paysafe.breach', 'SELECT')")
        return bool(cursor.fetchone()[0])


def open_breaches(model: Type[models.Model], using: str, key: Optional[str] = None) -> List[Breach]:
    """Those of a model, or of the row with this key, that nobody has settled; newest first."""
    with unclaimed(using), connections[using].cursor() as cursor:  # it only reads
        cursor.execute(_OPEN, [relation_of(model, using), key, key, MOST])
        return [Breach(*row) for row in cursor.fetchall()]


def observed(model: Type[models.Model], using: str) -> List[Observed]:
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute(_OBSERVED, [relation_of(model, using)])
        return [Observed(*row) for row in cursor.fetchall()]


def settle(breach: Breach, reason: str, ticket: Optional[str], using: str) -> bool:
    """Settle a breach as whoever acts; False: yet another person has to."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT paysafe.settle_breach(%s, %s, %s)", [breach.id, reason, ticket])
        return bool(cursor.fetchone()[0])
