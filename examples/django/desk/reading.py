"""What the desk shows: reads of the database's own views, for which nobody has to be named."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.utils import DatabaseError
from django.utils import timezone
from django_paysafe.connections import claim, unclaimed
from django_paysafe.people import name_of, with_names
from shop.models import Refund

RELATION = Refund._meta.db_table


def rows(statement: str, *arguments: Any) -> List[Dict[str, Any]]:
    using = DEFAULT_DB_ALIAS
    with unclaimed(using), connections[using].cursor() as cursor:
        cursor.execute(statement, arguments)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


@dataclass
class Waiting:
    """A refund that waits for a second person."""

    key: str
    payment: str
    money: str
    """As the database says it, and as it will be signed: 900.00 EUR."""
    amount: Decimal
    currency: str
    status: str
    total: Optional[Decimal]
    threshold: Optional[Decimal]
    needed: int
    given: int
    requested_by: Optional[str]
    requested_at: Optional[datetime]
    rejected_by: Optional[str]
    changed_by: List[str]
    approved_during: List[str]
    escalates_at: Optional[datetime]
    escalation_groups: List[str]
    refund: Optional[Refund] = None

    @property
    def person(self) -> str:
        return name_of(self.requested_by)

    @property
    def rejecter(self) -> str:
        return name_of(self.rejected_by)

    @property
    def before(self) -> Optional[Decimal]:
        """What of the payment is refunded without this one; None: not told to one tenant."""
        return None if self.total is None else self.total - self.amount

    @property
    def captured(self) -> Decimal:
        return self.refund.payment.captured if self.refund else Decimal(0)

    @property
    def left_before(self) -> Optional[Decimal]:
        return None if self.before is None else self.captured - self.before

    @property
    def left(self) -> Optional[Decimal]:
        return None if self.total is None else self.captured - self.total

    @property
    def share(self) -> int:
        """Of the payment, in per cent, with this refund."""
        return int(100 * self.total / self.captured) if self.total and self.captured else 0

    def is_of(self, actor: str) -> bool:
        """Has this one requested it, or changed it since?"""
        return actor in (self.requested_by, *self.changed_by)

    @property
    def changers(self) -> str:
        return ", ".join(name_of(name) for name in self.changed_by)


def waiting(key: Optional[str] = None) -> List[Waiting]:
    found = [
        Waiting(*row.values())
        for row in rows(
            "SELECT key, payment, money, amount, currency, status, total_within, threshold,"
            " approvals_needed, approvals_given, requested_by, requested_at, rejected_by,"
            " coalesce(changed_by, '{}') AS changed_by, coalesce(approved_during, '{}') AS hours,"
            " escalates_at, coalesce(escalation_groups, '{}') AS escalation_groups"
            " FROM paysafe.pending_approval WHERE relation = %s::regclass AND key IS NOT NULL"
            " AND (%s::text IS NULL OR key = %s) ORDER BY requested_at NULLS FIRST, key",
            RELATION,
            key,
            key,
        )
    ]
    refunds = Refund.objects.select_related("payment").in_bulk([int(one.key) for one in found])
    for one in found:
        one.refund = refunds.get(int(one.key))
    return found


def totals(found: List[Waiting]) -> List[Tuple[str, Decimal]]:
    sums: Dict[str, Decimal] = {}
    for one in found:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    return sorted(sums.items())


def passkeys_of(actor: str) -> List[Dict[str, Any]]:
    return rows(
        "SELECT id, algorithm, at, last_used_at, approved_by, how, state, revoked_because,"
        " encode(key_sha256, 'hex') AS fingerprint FROM paysafe.passkey WHERE actor = %s"
        " ORDER BY state, id",
        actor,
    )


def limits() -> List[Dict[str, Any]]:
    """Above which sum a refund takes whose approvals, and whether those of who acts count."""
    with transaction.atomic():
        claim()  # it is for somebody
        return rows(
            "SELECT currency, band, money, approvers, approver_group, approver_identity,"
            " requester_identity, yours, per, approved_during, escalation_after, escalation_group"
            " FROM paysafe.approval_limit"
            " WHERE relation = %s::regclass ORDER BY currency, above",
            RELATION,
        )


# History


@dataclass
class Event:
    """Something that happened to a refund."""

    at: datetime
    what: str
    kind: str
    """made, changed, approved, ended, rejected: how it looks."""
    actor: Optional[str]
    identity: Optional[str]
    reason: Optional[str] = None
    ticket: Optional[str] = None
    changes: List[Tuple[str, str, str]] = field(default_factory=list)

    @property
    def person(self) -> str:
        return name_of(self.actor)


def _changes(before: Any, after: Any) -> List[Tuple[str, str, str]]:
    before, after = (json.loads(x) if isinstance(x, str) else x or {} for x in (before, after))
    shown = []
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was != now and not (before and after and was is None and now is None):
            shown.append((name, _said(was) if before else "", _said(now)))
    return shown


def _said(value: Any) -> str:
    return "–" if value is None else str(value)


def life_of(key: str) -> List[Event]:
    events = []
    for row in rows(
        "SELECT at, op, before, after, actor, identity, reason, ticket"
        " FROM paysafe.history(%s::regclass, %s)",
        RELATION,
        key,
    ):
        changes = _changes(row["before"], row["after"])
        status = next(((was, now) for name, was, now in changes if name == "status"), None)
        words = {"INSERT": "Requested", "DELETE": "Deleted"}.get(row["op"], "Changed")
        if row["op"] == "UPDATE" and status:
            words = f"{status[0]} → {status[1]}"
        kind = "made" if row["op"] == "INSERT" else "changed"
        events.append(
            Event(
                row["at"],
                words,
                kind,
                row["actor"],
                row["identity"],
                row["reason"],
                row["ticket"],
                changes,
            )
        )
    for row in rows(
        "SELECT at, approver, identity, reason, ticket, state, ended_at, ended_by, end_reason"
        " FROM paysafe.approval WHERE relation = %s::regclass AND key = %s",
        RELATION,
        key,
    ):
        events.append(
            Event(
                row["at"],
                "Approved",
                "approved",
                row["approver"],
                row["identity"],
                row["reason"],
                row["ticket"],
            )
        )
        if row["ended_at"]:
            words = {"used": "Approval used", "withdrawn": "Approval withdrawn"}
            events.append(
                Event(
                    row["ended_at"],
                    words.get(row["state"], f"Approval {row['state']}"),
                    "ended",
                    row["ended_by"],
                    None,
                    row["end_reason"],
                )
            )
        elif row["state"] != "open":
            events.append(
                Event(
                    row["at"], f"That approval counts no more: {row['state']}", "ended", None, None
                )
            )
    events.extend(_rejections(key))
    # a change stands before the approval of the same moment
    return sorted(events, key=lambda event: event.at)


def rejections_of(key: str) -> List[Dict[str, Any]]:
    return rows(
        "SELECT id, at, rejected_by, identity, reason, ticket, state, ended_at, ended_by, end_reason"
        " FROM paysafe.rejection WHERE relation = %s::regclass AND key = %s",
        RELATION,
        key,
    )


def _rejections(key: str) -> List[Event]:
    events = []
    for row in rejections_of(key):
        events.append(
            Event(
                row["at"],
                "Rejected",
                "rejected",
                row["rejected_by"],
                row["identity"],
                row["reason"],
                row["ticket"],
            )
        )
        if row["ended_at"]:
            events.append(
                Event(
                    row["ended_at"],
                    "Rejection taken back",
                    "ended",
                    row["ended_by"],
                    None,
                    row["end_reason"],
                )
            )
    return events


def decisions() -> List[Dict[str, Any]]:
    """The last approvals of refunds, and what became of them."""
    found = rows(
        "SELECT a.id, a.key, a.state, a.approver, a.identity, a.reason, a.ticket, a.at"
        " FROM paysafe.approval a WHERE a.relation = %s::regclass AND a.key IS NOT NULL"
        " ORDER BY a.id DESC LIMIT 100",
        RELATION,
    )
    refunds = Refund.objects.in_bulk([int(row["key"]) for row in found])
    for row in found:
        row["refund"] = refunds.get(int(row["key"]))
        row["person"] = name_of(row["approver"])
    return found


class NotProven(Exception):
    """Why there is no proof to be had now."""


def proof_of(key: str) -> str:
    """One file that proves the refund's life to whoever has the log's verifier key."""
    try:
        with transaction.atomic():
            proof = rows("SELECT paysafe.evidence(%s::regclass, %s) AS it", RELATION, key)[0]["it"]
    except DatabaseError as error:
        from django_paysafe.errors import explanation_of, sqlstate_of

        if sqlstate_of(error) not in ("22023", "55000"):
            raise
        raise NotProven(explanation_of(error)) from error
    if proof is None:
        raise NotProven("Nothing of it is on record.")
    return str(proof)


# Broken glass


@dataclass
class Glass:
    """A refund that one person alone has let pass, and what another one found of it."""

    number: int
    key: str
    state: str
    broken_by: str
    requested_by: List[str]
    reason: str
    ticket: str
    at: datetime
    review_until: datetime
    verdict: Optional[str]
    reviewed_by: Optional[str]
    identity: Optional[str]
    found: Optional[str]
    reviewed_at: Optional[datetime]
    refund: Optional[Refund] = None

    @property
    def person(self) -> str:
        return name_of(self.broken_by)

    @property
    def reviewer(self) -> str:
        return name_of(self.reviewed_by)

    @property
    def requesters(self) -> str:
        return ", ".join(name_of(name) for name in self.requested_by)

    @property
    def overdue(self) -> bool:
        return not self.verdict and self.review_until < timezone.now()


def glasses() -> List[Glass]:
    """Those that nobody has looked at, the most urgent first; then what was found of others."""
    found = [
        Glass(*row.values())
        for row in rows(
            "SELECT id, key, state, broken_by, requested_by, reason, ticket, at, review_until,"
            " verdict, reviewed_by, reviewer_identity, review_reason, reviewed_at"
            " FROM paysafe.break_glass_use WHERE relation = %s::regclass"
            " ORDER BY verdict IS NOT NULL, reviewed_at DESC, review_until LIMIT 100",
            RELATION,
        )
    ]
    refunds = Refund.objects.in_bulk([int(one.key) for one in found])
    for one in found:
        one.refund = refunds.get(int(one.key))
    return found


# Changes of rules


def changes(me: str) -> List[Dict[str, Any]]:
    """What waits, and whether this person has approved it already."""
    found = rows(
        "SELECT id, approved_as::text, key, relation::text, rule, difference, loosens,"
        " requested_by, reason, ticket, requested_at, identity, before, after, rejected_by,"
        " approvals_needed, approvals_given, EXISTS (SELECT FROM paysafe.approval a"
        " WHERE a.relation = c.approved_as AND a.key = c.key AND a.approver = %s"
        " AND a.state = 'open' AND a.at >= c.requested_at) AS mine"
        " FROM paysafe.pending_change c ORDER BY id",
        me,
    )
    for row in found:
        row["person"] = name_of(row["requested_by"])
        row["rejecter"] = name_of(row["rejected_by"]) if row["rejected_by"] else None
        row["differences"] = (
            _changes(row["before"], row["after"]) if row["before"] and row["after"] else []
        )
        row["words"] = with_names(str(row["difference"]))
    return found
