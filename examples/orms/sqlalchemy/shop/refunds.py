"""A refund's way: requested, approved, past the gate, sent, recorded."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, Optional

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from .database import acting, run
from .models import Payment, Refund, RefundStatus
from .provider import Declined, Provider

WORKER = "worker:refunds"


class NotOpen(Exception):
    """Rejected, failed or paid already: nothing is to be sent."""


BEGIN = text(
    "SELECT outcome, attempt, convert_from(body, 'UTF8') AS body"
    " FROM paysafe.idempotency_begin('refunds', :key, :request, 'shop', 'claimed')"
)
FINISH = text(
    "SELECT paysafe.idempotency_finish('refunds', :key, :attempt, :status, NULL, :body, 'shop')"
)
FAIL = text("SELECT paysafe.idempotency_fail('refunds', :key, :attempt, :reason, 'shop')")


def request(payment: int, amount: Decimal, actor: str, reason: str) -> int:
    def work(session: Session) -> int:
        # the database locks the payment, whose refunds it adds up; where a transaction
        # refunds several, it takes them in the order of their keys
        paid = session.get_one(Payment, payment, with_for_update={"key_share": True})
        refund = Refund(payment=paid, amount=amount, currency=paid.currency)
        session.add(refund)
        session.flush()
        return refund.id

    return run(work, **acting(actor, reason=reason))


def approve(refund: int, actor: str, reason: str) -> None:
    """Somebody else than who requested it; the database sees to that."""
    approval = text("SELECT paysafe.approve('refund', :key, :reason)")
    run(
        lambda session: session.execute(approval, {"key": str(refund), "reason": reason}),
        **acting(actor),
    )


def pay(refund: int, provider: Provider) -> "dict[str, Any]":
    """First the gate, and it is committed; then the provider; then what came of it.

    However often it is called, by however many workers, the money is sent once.
    """
    key = f"refund-{refund}"
    claimed = {"key": key, "request": key}
    claim = run(lambda session: session.execute(BEGIN, claimed).one())
    if claim.outcome == "replay":
        return dict(json.loads(claim.body))
    attempt = {"key": key, "attempt": claim.attempt}
    try:
        # refused here if somebody else has to approve it, while nobody has been paid
        asked = run(lambda session: pass_the_gate(session, refund), **acting(WORKER))
        reference: Optional[str] = None
        try:
            # also the next attempt, when an answer was lost: the key is the refund's
            reference = provider.refund(**asked, idempotency_key=key)
        except Declined:
            pass
        return run(lambda session: record(session, refund, reference, attempt), **acting(WORKER))
    except Exception as error:
        # the next attempt need not wait for the end of the lease; where this fails, it waits
        failed = {**attempt, "reason": type(error).__name__}
        with suppress(DBAPIError):
            run(lambda session: session.execute(FAIL, failed))
        raise


def pass_the_gate(session: Session, refund: int) -> "dict[str, Any]":
    row = session.get_one(Refund, refund, with_for_update=True)
    if row.status == RefundStatus.REQUESTED:
        row.status = RefundStatus.EXECUTING
    elif row.status != RefundStatus.EXECUTING:
        raise NotOpen(row.status.value)
    return {
        "payment": row.payment.provider_id,
        "amount": row.amount,
        "currency": row.currency,
    }


def record(
    session: Session, refund: int, reference: Optional[str], attempt: "dict[str, Any]"
) -> "dict[str, Any]":
    row = session.get_one(Refund, refund, with_for_update=True)
    row.status = RefundStatus.PAID if reference else RefundStatus.FAILED
    row.provider_reference = reference
    answer = {"id": refund, "status": row.status.value, "reference": reference}
    session.execute(
        FINISH,
        {**attempt, "status": 200 if reference else 409, "body": json.dumps(answer)},
    )
    return answer
