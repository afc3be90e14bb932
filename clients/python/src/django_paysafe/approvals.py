"""What waits for a second person, and the calls that ask for it and give it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Dict, Iterable, List, Optional, Type

from django.db import connections, models

from .connections import unclaimed
from .people import name_of

# amounts as people say them, whatever unit the table has
_PENDING = """
SELECT p.key, p.payment, p.currency, p.status, p.approvals_needed, p.approvals_given,
       p.requested_by, p.requested_at, p.money,
       paysafe.spoken_amount(p.relation, p.total_within, p.currency, p.rule),
       paysafe.spoken_amount(p.relation, p.threshold, p.currency, p.rule), p.rule,
       coalesce(p.changed_by, '{{}}')
  FROM paysafe.pending_approval p
 WHERE p.relation = %s::regclass AND {column} = ANY (%s)
 ORDER BY p.requested_at NULLS LAST
"""


def key_of(obj: models.Model) -> str:
    """The primary key as paysafe writes it: several columns joined by commas."""
    key = obj.pk if isinstance(obj.pk, tuple) else (obj.pk,)
    parts = [str(part).replace("\\", "\\\\").replace(",", "\\,") for part in key]
    return ",".join(parts) if len(parts) > 1 else str(key[0])


def relation_of(model: Type[models.Model], using: str) -> str:
    """A model's table, as SQL names it."""
    return connections[using].ops.quote_name(model._meta.db_table)


@dataclass(frozen=True)
class Pending:
    """A refund that waits for approval; without a key, one that has no row yet."""

    key: Optional[str]
    payment: str
    currency: str
    status: Optional[str]
    approvals_needed: int
    approvals_given: int
    requested_by: Optional[str]
    requested_at: Optional[datetime.datetime]
    money: str
    """The amount, in major units: 900.00 EUR."""
    total: Optional[str]  # None: of more than the tenant may know
    """Of the payment's refunds, with this one."""
    limit: Optional[str]
    """The threshold; None: every refund needs an approval."""
    rule: str
    """By which it waits: a model may have several."""
    changed_by: List[str]
    """Who has changed it since: they approve it as little as who requested it."""

    @property
    def major(self) -> str:
        """The amount without the currency."""
        return self.money.partition(" ")[0]

    @property
    def person(self) -> str:
        """Who requested it, by the name that people know."""
        return name_of(self.requested_by)

    @property
    def involved(self) -> List[Optional[str]]:
        """Who does not approve it."""
        return [self.requested_by, *self.changed_by]

    @property
    def changers(self) -> List[str]:
        return [name_of(name) for name in self.changed_by]


def _pending(column: str, model: Type[models.Model], keys: List[str], using: str) -> List[Pending]:
    with unclaimed(using), connections[using].cursor() as cursor:  # it only reads
        cursor.execute(_PENDING.format(column=column), [relation_of(model, using), keys])
        return [Pending(*row) for row in cursor.fetchall()]


def pending_of(rows: Iterable[models.Model], using: str) -> Dict[str, Pending]:
    """What these refunds of one model wait for, by key; those that wait for nothing are not
    there."""
    rows = list(rows)
    if not rows:
        return {}
    found = _pending("p.key", type(rows[0]), [key_of(row) for row in rows], using)
    return {str(pending.key): pending for pending in found}


def pending_before_row(
    refund_model: Type[models.Model],
    payment: models.Model,
    using: str,
    rule: Optional[str] = None,
) -> List[Pending]:
    """Refunds of a payment that somebody has asked for before their rows are there, by the
    rule of this name."""
    found = _pending("p.payment", refund_model, [key_of(payment)], using)
    return [
        pending for pending in found if pending.key is None and pending.rule == (rule or "refund")
    ]


def _call(using: str, function: str, arguments: List[Any]) -> None:
    places = ", ".join(["%s::regclass"] + ["%s"] * (len(arguments) - 1))
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT paysafe.{function}({places})", arguments)


def approve(row: models.Model, reason: str, ticket: Optional[str], using: str) -> None:
    """Approve a refund as it stands, as whoever acts."""
    _call(using, "approve", [relation_of(type(row), using), key_of(row), reason, ticket])


def approve_refund(
    refund_model: Type[models.Model],
    payment: str,
    amount: Decimal,
    currency: str,
    reason: str,
    ticket: Optional[str],
    using: str,
    rule: Optional[str] = None,
) -> None:
    """Approve a refund of at most this amount before its row is there."""
    relation = relation_of(refund_model, using)
    _call(
        using,
        "approve_refund",
        [relation, payment, amount, currency, reason, ticket, None, rule],
    )


def request_refund(
    refund_model: Type[models.Model],
    payment: str,
    amount: Decimal,
    currency: str,
    reason: str,
    ticket: Optional[str],
    using: str,
    rule: Optional[str] = None,
) -> None:
    """Ask for such an approval."""
    relation = relation_of(refund_model, using)
    _call(using, "request_refund", [relation, payment, amount, currency, reason, ticket, rule])


def units_of(
    refund_model: Type[models.Model],
    amount: Decimal,
    currency: str,
    using: str,
    rule: Optional[str] = None,
) -> Decimal:
    """An amount of money as the refunds' table has it, which may be in minor units."""
    with unclaimed(using), connections[using].cursor() as cursor:
        # what one of the table's units is
        cursor.execute(
            "SELECT s FROM paysafe.spoken_amount(%s::regclass, 1, %s, %s) s",
            [relation_of(refund_model, using), currency, rule],
        )
        (said,) = cursor.fetchone()
    return amount / Decimal(said.partition(" ")[0])
