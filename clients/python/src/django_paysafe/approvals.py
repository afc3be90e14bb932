"""What waits for a second person, and the calls that ask for it and give it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Dict, Iterable, List, Optional, Type

from django.db import connections, models

from .people import name_of

# amounts of integer columns are in minor units, and spoken as money
_MINOR = """
SELECT c.decimals
  FROM paysafe.rule r
       JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relation
        AND a.attname = r.spec ->> 'amount_column'
       JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
       JOIN paysafe.currency c ON lower(c.code) = lower({currency})
 WHERE r.relation = {relation} AND r.rule = 'refund'
   AND coalesce(nullif(t.typbasetype, 0), t.oid)
       IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
 ORDER BY r.version DESC LIMIT 1
"""

_PENDING = """
SELECT p.key, p.payment, p.currency, p.status, p.approvals_needed, p.approvals_given,
       p.requested_by, p.requested_at, coalesce(m.decimals, 0),
       p.amount, p.total_within, p.threshold
  FROM paysafe.pending_approval p LEFT JOIN LATERAL ({minor}) m ON true
 WHERE p.relation = %s::regclass AND {column} = ANY (%s)
 ORDER BY p.requested_at NULLS LAST
"""
_PENDING_OF = _MINOR.format(currency="p.currency", relation="p.relation")
_MINOR = _MINOR.format(currency="%s", relation="%s::regclass")


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
    decimals: int
    """Of the currency, if the table has minor units; else 0."""
    amount: Decimal
    total_within: Decimal
    threshold: Optional[Decimal]

    def _money(self, amount: Decimal) -> str:
        return f"{amount.scaleb(-self.decimals)} {self.currency}"

    @property
    def major(self) -> str:
        """The amount in major units, without the currency."""
        return str(self.amount.scaleb(-self.decimals))

    @property
    def money(self) -> str:
        return self._money(self.amount)

    @property
    def total(self) -> str:
        return self._money(self.total_within)

    @property
    def limit(self) -> Optional[str]:
        return None if self.threshold is None else self._money(self.threshold)

    @property
    def person(self) -> str:
        """Who requested it, by the name that people know."""
        return name_of(self.requested_by)


def _pending(column: str, model: Type[models.Model], keys: List[str], using: str) -> List[Pending]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            _PENDING.format(minor=_PENDING_OF, column=column), [relation_of(model, using), keys]
        )
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
    refund_model: Type[models.Model], payment: models.Model, using: str
) -> List[Pending]:
    """Refunds of a payment that somebody has asked for before their rows are there."""
    found = _pending("p.payment", refund_model, [key_of(payment)], using)
    return [pending for pending in found if pending.key is None]


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
) -> None:
    """Approve a refund of at most this amount before its row is there."""
    relation = relation_of(refund_model, using)
    _call(using, "approve_refund", [relation, payment, amount, currency, reason, ticket])


def request_refund(
    refund_model: Type[models.Model],
    payment: str,
    amount: Decimal,
    currency: str,
    reason: str,
    ticket: Optional[str],
    using: str,
) -> None:
    """Ask for such an approval."""
    relation = relation_of(refund_model, using)
    _call(using, "request_refund", [relation, payment, amount, currency, reason, ticket])


def units_of(
    refund_model: Type[models.Model], amount: Decimal, currency: str, using: str
) -> Decimal:
    """An amount of money as the refunds' table has it: in minor units, if those are integers."""
    with connections[using].cursor() as cursor:
        cursor.execute(_MINOR, [currency, relation_of(refund_model, using)])
        row = cursor.fetchone()
    return amount if row is None else amount.scaleb(row[0])
